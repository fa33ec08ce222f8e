//! Which files, which project directory, which name, and the variables that all of them see.
//!
//! The directory is `--project-directory`, else that of the first stack file. `.env` is read twice: before the files are
//! looked for (it may hold `COMPOSE_FILE`), and in the project directory once that is known.

use super::LoadRequest;
use super::environment;
use super::instance;
use super::remote;
use super::session::{Session, join, reason};
use crate::model::Environment;
use crate::source::{Diagnostic, Severity, SourceId, Span};
use crate::yaml::{Node, Trail, parse};
use std::path::{Path, PathBuf};

/// Stack files in the order in which they are looked for, each with its overrides.
pub const NAMES: &[&str] =
    &["stack.yaml", "stack.yml", "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const STACK_OVERRIDES: &[&str] = &["stack.override.yaml", "stack.override.yml"];
const COMPOSE_OVERRIDES: &[&str] = &[
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    pub name: String,
    /// The instance that is asked for; then `name` is the instance's own.
    pub instance: Option<String>,
    /// The name without the instance's.
    pub origin: String,
    /// The project directory; absolute.
    pub directory: PathBuf,
    pub files: Vec<(PathBuf, SourceId)>,
    /// The `--env-file` arguments; absolute.
    pub env_files: Vec<PathBuf>,
    /// Process variables over `.env`, and `COMPOSE_PROJECT_NAME`.
    pub variables: Environment,
    /// The files that some of them come from, the one that wins first.
    pub variable_files: Vec<PathBuf>,
    /// Active profiles. Without any, the empty one is active, as in the reference.
    pub profiles: Vec<String>,
}

/// Finds out. `None` when that failed, which was reported.
pub fn discover(session: &mut Session<'_>) -> Option<Found> {
    let request = session.request;
    let mut variables = request.environment.clone();
    let env_files: Vec<PathBuf> =
        request.env_files.iter().map(|file| join(&request.current_dir, file)).collect();
    let given = request.project_directory.as_ref().map(|directory| join(&request.current_dir, directory));
    let explicit: Vec<PathBuf> = request.files.iter().map(|file| absolute(file, request)).collect();

    let first = directory(given.as_deref(), &explicit, request);
    let mut variable_files = read_dot_env(&mut variables, &first, &env_files, session);
    let mut paths = explicit;
    if paths.is_empty() {
        paths = from_variable(&variables, session)?;
    }
    if paths.is_empty() && session.variables_lost && variables.get("COMPOSE_FILE").is_none() {
        // The lost lines may have named the files: those found by their names may not be meant.
        let text = session.sources.iter().any(|source| source.text.contains("COMPOSE_FILE"));
        if text || session.sources.iter().next().is_none() {
            return None;
        }
    }
    if paths.is_empty() {
        paths = by_name(given.as_deref().unwrap_or(&request.current_dir), session);
    }
    let paths = brought_here(paths, session)?;
    let directory = directory(given.as_deref(), &paths, request);
    variable_files.extend(read_dot_env(&mut variables, &directory, &env_files, session));
    if paths.is_empty() {
        let place = session.display(given.as_deref().unwrap_or(&request.current_dir));
        let diagnostic = Diagnostic::error(
            "no-stack-file",
            Span::NONE,
            format!("there is no stack file in `{place}` or any folder above it"),
        )
        .help(format!("looked for {}", NAMES.map_join()))
        .help("name one with `-f`");
        session.diagnostics.push(diagnostic);
        return None;
    }
    let files = read(&paths, session);
    let origin = name(&files, &directory, &variables, session);
    let instance = instance::asked(&directory, &variables, session);
    let (name, origin) = instance::names(origin, instance.as_deref(), session);
    if let Some(instance) = &instance {
        variables.set("STACK_INSTANCE", instance.clone());
    }
    variables.set("COMPOSE_PROJECT_NAME", name.clone());
    let profiles = if request.profiles.is_empty() {
        let list = variables.get("COMPOSE_PROFILES").unwrap_or_default();
        list.split(',').map(|profile| profile.trim().to_owned()).collect()
    } else {
        request.profiles.clone()
    };
    Some(Found { name, instance, origin, directory, files, env_files, variables, variable_files, profiles })
}

trait MapJoin {
    fn map_join(&self) -> String;
}

impl MapJoin for &[&str] {
    fn map_join(&self) -> String {
        self.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

fn absolute(file: &str, request: &LoadRequest) -> PathBuf {
    if file == "-" || remote::is_remote(file) {
        PathBuf::from(file)
    } else {
        join(&request.current_dir, file)
    }
}

fn directory(given: Option<&Path>, files: &[PathBuf], request: &LoadRequest) -> PathBuf {
    if let Some(given) = given {
        return given.to_owned();
    }
    let is_remote = |file: &&PathBuf| remote::is_remote(&file.to_string_lossy());
    let first = files.iter().take_while(|file| !is_remote(file)).find(|file| file.is_absolute());
    first.and_then(|file| file.parent()).unwrap_or(&request.current_dir).to_owned()
}

/// The paths with a local copy in place of each remote resource.
fn brought_here(paths: Vec<PathBuf>, session: &mut Session<'_>) -> Option<Vec<PathBuf>> {
    let count = paths.len();
    let local = paths.into_iter().filter_map(|path| match path.to_str() {
        Some(file) if remote::is_remote(file) => remote::fetch(file, Span::NONE, session),
        _ => Some(path),
    });
    let local: Vec<_> = local.collect();
    (local.len() == count).then_some(local)
}

/// The files that were read, the one that wins first.
fn read_dot_env(
    variables: &mut Environment,
    directory: &Path,
    env_files: &[PathBuf],
    session: &mut Session<'_>,
) -> Vec<PathBuf> {
    let files = if env_files.is_empty() {
        let disabled = session.request.environment.get("COMPOSE_DISABLE_ENV_FILE");
        let default = directory.join(".env");
        if disabled.is_some_and(is_true) || !default.is_file() {
            return Vec::new();
        }
        vec![default]
    } else {
        env_files.to_vec()
    };
    environment::add_files(variables, &files, session);
    files.into_iter().rev().collect()
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// `COMPOSE_FILE`.
fn from_variable(variables: &Environment, session: &mut Session<'_>) -> Option<Vec<PathBuf>> {
    let Some(list) = variables.get("COMPOSE_FILE") else { return Some(Vec::new()) };
    let separator = variables.get("COMPOSE_PATH_SEPARATOR").filter(|text| !text.is_empty()).unwrap_or(":");
    let mut paths = Vec::new();
    for file in list.split(separator) {
        let path = absolute(file, session.request);
        if path.is_absolute()
            && let Err(error) = path.metadata()
        {
            let message = format!("`COMPOSE_FILE` names `{file}`: {}", reason(&error));
            session.diagnostics.push(Diagnostic::error("unreadable-file", Span::NONE, message));
            return None;
        }
        paths.push(path);
    }
    Some(paths)
}

/// The first of the names, in the folder or the nearest one above it, and its override.
fn by_name(start: &Path, session: &mut Session<'_>) -> Vec<PathBuf> {
    for folder in start.ancestors() {
        let found = existing(folder, NAMES);
        let Some(winner) = found.first().cloned() else { continue };
        several(&found, "stack files", session);
        let ours = winner.file_name().is_some_and(|name| name.to_string_lossy().starts_with("stack."));
        let overrides = existing(folder, if ours { STACK_OVERRIDES } else { COMPOSE_OVERRIDES });
        several(&overrides, "override files", session);
        return std::iter::once(winner).chain(overrides.into_iter().next()).collect();
    }
    Vec::new()
}

fn existing(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| folder.join(name)).filter(|path| path.exists()).collect()
}

fn several(found: &[PathBuf], what: &str, session: &mut Session<'_>) {
    if let [winner, _, ..] = found {
        let names: Vec<_> = found.iter().map(|path| format!("`{}`", session.display(path))).collect();
        let message = format!("there are several {what}: {}", names.join(", "));
        let diagnostic = Diagnostic::warning("several-stack-files", Span::NONE, message)
            .help(format!("`{}` is used; name another one with `-f`", session.display(winner)));
        session.diagnostics.push(diagnostic);
    }
}

/// The files that can be read; the others were reported.
fn read(paths: &[PathBuf], session: &mut Session<'_>) -> Vec<(PathBuf, SourceId)> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let input = session.request.stdin.clone().unwrap_or_default();
            files.push((path.clone(), session.sources.add("-", "<stdin>", input)));
        } else if let Some(id) = session.read(path, Span::NONE) {
            files.push((path.clone(), id));
        }
    }
    session.settle_all();
    files
}

/// `-p`, `COMPOSE_PROJECT_NAME`, the last `name:` of the files, or the project directory's name. Where that cannot be
/// one, which is reported, the nearest that can.
fn name(
    files: &[(PathBuf, SourceId)],
    directory: &Path,
    variables: &Environment,
    session: &mut Session<'_>,
) -> String {
    let given = session.request.project_name.as_deref().filter(|name| !name.is_empty());
    let imposed = given.or_else(|| variables.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()));
    if let Some(name) = imposed {
        if normalize_name(name) == name {
            return name.to_owned();
        }
        let message = format!("`{name}` cannot be a project name");
        let mut diagnostic = Diagnostic::error("invalid-project-name", Span::NONE, message)
            .help("lower-case letters, digits, `-` and `_`, starting with a letter or digit");
        let near = normalize_name(name);
        if !near.is_empty() {
            diagnostic = diagnostic.help(format!("`{near}` would do"));
        }
        session.diagnostics.push(diagnostic);
        session.accept();
        return near;
    }
    let mut name = normalize_name(&directory.file_name().unwrap_or_default().to_string_lossy());
    let mut place = Span::NONE;
    for (_, id) in files {
        for (written, span) in names_in(&session.text(*id), *id) {
            let root = Trail::default();
            let value = if session.request.skip.interpolation {
                written
            } else {
                let before = session.diagnostics.len();
                let value = super::interpolate::text(&written, span, &root.key("name"), variables, session);
                // What is wrong with it is told when the file is read.
                let told = session.diagnostics.split_off(before).into_iter();
                session.diagnostics.extend(told.filter(|item| item.severity == Severity::Warning));
                value.unwrap_or_default()
            };
            if !value.is_empty() {
                let kept = session.request.skip.normalize;
                (name, place) = (if kept { value } else { normalize_name(&value) }, span);
            }
        }
    }
    if name.is_empty() {
        let diagnostic = Diagnostic::error("invalid-project-name", place, "the project has no name")
            .help("give it one with `-p` or `name:`; it needs a letter or a digit");
        session.diagnostics.push(diagnostic);
        session.accept();
    }
    name
}

/// The project name that a text comes to: lower case, other characters than letters, digits, `-` and `_` left out.
pub fn normalize_name(text: &str) -> String {
    let kept: String = text
        .to_lowercase()
        .chars()
        .filter(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '_' | '-')
        })
        .collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}

/// The top-level `name`s of a text, without reading the rest where that can be avoided.
fn names_in(text: &str, id: SourceId) -> Vec<(String, Span)> {
    let mut ignored = crate::source::Diagnostics::default();
    let mut candidates = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_start_matches('\u{feff}');
        if ["name:", "name :", "\"name\"", "'name'", "{", "?", "&", "<<"]
            .iter()
            .any(|prefix| body.starts_with(prefix))
        {
            candidates.push((start, line));
        }
        start += line.len();
    }
    if candidates.is_empty() {
        return Vec::new();
    }
    let simple = candidates.iter().all(|(_, line)| {
        let value =
            line.trim_start_matches('\u{feff}').strip_prefix("name:").map(str::trim).unwrap_or_default();
        value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '$' || first == '_')
            || (value.len() > 1 && (value.ends_with('"') || value.ends_with('\'')))
    });
    let name = |document: &Node| {
        let node = document.get("name")?;
        Some((crate::yaml::scalar_text(&node.data)?.into(), node.span))
    };
    if simple {
        let found = candidates.into_iter().filter_map(|(start, line)| {
            let documents = parse(id, line, &mut ignored);
            let (value, span) = name(documents.first()?)?;
            let shift = u32::try_from(start).unwrap_or(0);
            Some((value, Span::new(id, span.start + shift, span.end + shift)))
        });
        return found.collect();
    }
    parse(id, text, &mut ignored).iter().filter_map(name).collect()
}
