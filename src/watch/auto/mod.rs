//! Watch rules for services that have none, told from their Dockerfiles: what is copied, where it goes, and what is made of it.
//!
//! In: a project. Out: rules as a person would write them, and the same as text to paste. What an interpreter reads is synced,
//! and the container restarted where the program does not look itself; what is compiled, and what says which packages to
//! install, is built anew. In doubt it is a build: slower, never wrong. Files are only looked at, to tell folders from files.

mod dockerfile;
mod words;

use crate::model::{DevelopConfig, Project, Service, WatchAction, WatchRule};
use dockerfile::{Copy, Stage, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use words::Use;

/// What is never meant by copying a whole folder: it is made anew in the image, or is about the image itself.
const LEFT_OUT: [&str; 9] = [
    "Dockerfile*",
    ".dockerignore",
    "compose*.y*ml",
    "docker-compose*.y*ml",
    ".env*",
    "**/node_modules",
    "**/__pycache__",
    "**/.venv",
    "**/.pytest_cache",
];

/// The project with derived rules in the services that are built and have none, and the names of those services.
pub(super) fn with_rules(project: &Project) -> (Project, Vec<String>) {
    let mut project = project.clone();
    let mut derived = Vec::new();
    for service in project.services.values_mut() {
        if service.develop.as_ref().is_some_and(|develop| !develop.watch.is_empty()) {
            continue;
        }
        let rules = rules_of(service);
        if !rules.is_empty() {
            derived.push(service.name.to_string());
            let develop = service.develop.take().unwrap_or_default();
            service.develop = Some(DevelopConfig { watch: rules, ..develop });
        }
    }
    (project, derived)
}

/// The rules of these services as a piece of a stack file, paths as they are seen from the project's folder.
pub(super) fn to_paste(project: &Project, services: &[String]) -> String {
    let mut text = "services:\n".to_owned();
    let chosen = project.services.values().filter(|service| services.contains(&service.name.to_string()));
    for service in chosen {
        text.push_str(&format!("  {}:\n    develop:\n      watch:\n", service.name));
        for rule in service.develop.iter().flat_map(|develop| &develop.watch) {
            let path = Path::new(&rule.path);
            let path = path.strip_prefix(&project.working_dir).map_or_else(
                |_| rule.path.clone(),
                |path| {
                    if path.as_os_str().is_empty() { ".".to_owned() } else { format!("./{}", path.display()) }
                },
            );
            text.push_str(&format!(
                "        - action: {}\n          path: {}\n",
                word(rule.action),
                scalar(&path)
            ));
            if !rule.target.is_empty() {
                text.push_str(&format!("          target: {}\n", scalar(&rule.target)));
            }
            for (key, patterns) in [("include", &rule.include), ("ignore", &rule.ignore)] {
                if !patterns.is_empty() {
                    let listed: Vec<String> = patterns.iter().map(|pattern| quoted(pattern)).collect();
                    text.push_str(&format!("          {key}: [{}]\n", listed.join(", ")));
                }
            }
        }
    }
    text
}

fn word(action: WatchAction) -> &'static str {
    match action {
        WatchAction::Sync => "sync",
        WatchAction::Rebuild => "rebuild",
        WatchAction::Restart => "restart",
        WatchAction::SyncRestart => "sync+restart",
        WatchAction::SyncExec => "sync+exec",
    }
}

fn scalar(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "./_-@+".contains(letter);
    if text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

/// A JSON string is a YAML one, and needs no more thought inside a list.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn rules_of(service: &Service) -> Vec<WatchRule> {
    let Some(build) = &service.build else { return Vec::new() };
    let context = Path::new(&build.context);
    // A context from elsewhere has no files here to watch.
    if !context.is_dir() {
        return Vec::new();
    }
    let text = if build.dockerfile_inline.is_empty() {
        std::fs::read_to_string(context.join(build.dockerfile_path())).unwrap_or_default()
    } else {
        build.dockerfile_inline.clone()
    };
    let args = build.args.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    let given = Given {
        context,
        target: &build.target,
        args: &args.collect(),
        command: service.command.as_deref(),
        entrypoint: service.entrypoint.as_deref(),
    };
    let mut rules = derive(&text, &given);
    // What is mounted is there already.
    rules.retain(|rule| {
        rule.target.is_empty()
            || !service.volumes.iter().any(|mount| {
                mount.kind == crate::model::MountType::Bind
                    && Path::new(&rule.target).starts_with(&mount.target)
            })
    });
    rules
}

/// What is known beside the Dockerfile.
struct Given<'a> {
    context: &'a Path,
    target: &'a str,
    args: &'a BTreeMap<String, String>,
    command: Option<&'a [String]>,
    entrypoint: Option<&'a [String]>,
}

fn derive(text: &str, given: &Given<'_>) -> Vec<WatchRule> {
    let stages = dockerfile::parse(text, given.args);
    let Some(last) = stage_at(&stages, given.target) else { return Vec::new() };
    let chain = chain(&stages, last);
    let base = chain.first().and_then(|index| stages.get(*index)).map(|stage| stage.base.as_str());
    let usage = words::usage(base.unwrap_or_default(), &command(&stages, &chain, given));
    let mut found = Found { context: given.context, rules: Vec::new(), folders: BTreeSet::new() };

    let steps: Vec<&Step> =
        chain.iter().filter_map(|index| stages.get(*index)).flat_map(|stage| &stage.steps).collect();
    let mut workdir = PathBuf::from("/");
    for (position, step) in steps.iter().enumerate() {
        match step {
            Step::Workdir(folder) => workdir = resolved(&workdir, folder),
            Step::Copy(copy) if copy.from.is_empty() => {
                let later = steps.get(position + 1..).unwrap_or_default();
                let built = later.iter().any(|step| matches!(step, Step::Run(run) if words::builds(run)));
                found.take_in(copy, &workdir, if built { Use::Compiled } else { usage });
            }
            Step::Copy(_) | Step::Run(_) | Step::Entrypoint(_) | Step::Cmd(_) => {}
        }
    }
    for index in feeding(&stages, &chain) {
        for step in stages.get(index).map(|stage| stage.steps.as_slice()).unwrap_or_default() {
            if let Step::Copy(copy) = step
                && copy.from.is_empty()
            {
                found.take_in(copy, Path::new("/"), Use::Compiled);
            }
        }
    }
    found.settled()
}

/// The stage that a name or number means; the last one without any.
fn stage_at(stages: &[Stage], name: &str) -> Option<usize> {
    if name.is_empty() {
        return stages.len().checked_sub(1);
    }
    let lower = name.to_lowercase();
    let named = stages.iter().position(|stage| !stage.name.is_empty() && stage.name == lower);
    named.or_else(|| name.parse().ok().filter(|index| *index < stages.len()))
}

/// A stage and those that it begins with, the first one first.
fn chain(stages: &[Stage], last: usize) -> Vec<usize> {
    let mut chain = vec![last];
    let mut at = last;
    // A stage can only begin with an earlier one.
    while let Some(before) =
        stages.get(at).and_then(|stage| stage_at(stages, &stage.base)).filter(|before| *before < at)
    {
        chain.push(before);
        at = before;
    }
    chain.reverse();
    chain
}

/// Stages that files are copied from, and those that these are made of.
fn feeding(stages: &[Stage], chain: &[usize]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = chain.to_vec();
    while let Some(index) = open.pop() {
        for step in stages.get(index).map(|stage| stage.steps.as_slice()).unwrap_or_default() {
            let Step::Copy(copy) = step else { continue };
            let from = stage_at(stages, &copy.from).filter(|from| !copy.from.is_empty() && *from < index);
            for one in from.map(|from| self::chain(stages, from)).unwrap_or_default() {
                if !chain.contains(&one) && found.insert(one) {
                    open.push(one);
                }
            }
        }
    }
    found
}

/// What runs: the service's words before the image's.
fn command(stages: &[Stage], chain: &[usize], given: &Given<'_>) -> Vec<String> {
    let mut entrypoint = Vec::new();
    let mut command = Vec::new();
    for step in chain.iter().filter_map(|index| stages.get(*index)).flat_map(|stage| &stage.steps) {
        match step {
            Step::Entrypoint(words) => entrypoint.clone_from(words),
            Step::Cmd(words) => command.clone_from(words),
            Step::Workdir(_) | Step::Copy(_) | Step::Run(_) => {}
        }
    }
    let entrypoint = given.entrypoint.map_or(entrypoint, <[String]>::to_vec);
    let command = given.command.map_or(command, <[String]>::to_vec);
    [entrypoint, command].concat()
}

/// Rules as they are found.
struct Found<'a> {
    context: &'a Path,
    rules: Vec<WatchRule>,
    /// Folders that are copied whole.
    folders: BTreeSet<PathBuf>,
}

impl Found<'_> {
    fn take_in(&mut self, copy: &Copy, workdir: &Path, usage: Use) {
        for source in &copy.sources {
            self.take_in_one(copy, source, workdir, usage);
        }
    }

    fn take_in_one(&mut self, copy: &Copy, source: &str, workdir: &Path, usage: Use) {
        let source = source.trim_start_matches('/');
        let is_archive = copy.is_add
            && [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"].iter().any(|end| source.ends_with(end));
        let (path, include) = match source.find(['*', '?', '[']) {
            // A pattern is watched as the folder before it.
            Some(at) => {
                let before = source
                    .get(..at)
                    .and_then(|text| text.rfind('/'))
                    .map_or("", |end| source.get(..end).unwrap_or_default());
                let pattern = source.get(before.len()..).unwrap_or_default().trim_start_matches('/');
                (normal(&self.context.join(before)), vec![pattern.to_owned()])
            }
            None => (normal(&self.context.join(source)), Vec::new()),
        };
        if !path.exists() || !path.starts_with(self.context) {
            return;
        }
        let is_folder = path.is_dir();
        let whole = is_folder && include.is_empty();
        let rebuild = usage == Use::Compiled || is_archive || !whole && words::is_manifest(source);
        if whole {
            self.folders.insert(path.clone());
        }
        let mut target = resolved(workdir, &copy.target);
        let into_folder = copy.target.ends_with('/')
            || copy.target.ends_with('.')
            || copy.sources.len() > 1
            || target == workdir;
        if copy.parents {
            target = target.join(normal(Path::new(source)));
        } else if !is_folder && into_folder {
            target.push(path.file_name().unwrap_or_default());
        }
        let ignore = if whole {
            copy.exclude.iter().cloned().chain(LEFT_OUT.map(ToOwned::to_owned)).collect()
        } else {
            Vec::new()
        };
        let is_setting = target.starts_with("/etc") || target.extension().is_some_and(|end| end == "conf");
        let action = match usage {
            _ if rebuild => WatchAction::Rebuild,
            Use::Live if !is_setting => WatchAction::Sync,
            Use::Live | Use::AtStart | Use::Compiled => WatchAction::SyncRestart,
        };
        let target = if rebuild { String::new() } else { target.display().to_string() };
        self.rules.push(WatchRule {
            path: path.display().to_string(),
            action,
            target,
            include,
            ignore,
            ..WatchRule::default()
        });
    }

    /// Each path once, a build before a sync; manifests in folders that are synced are builds of their own.
    fn settled(mut self) -> Vec<WatchRule> {
        let mut extra = Vec::new();
        for rule in &mut self.rules {
            if rule.action == WatchAction::Rebuild || !self.folders.contains(Path::new(&rule.path)) {
                continue;
            }
            for name in words::MANIFESTS {
                let manifest = Path::new(&rule.path).join(name);
                if manifest.is_file() {
                    rule.ignore.push(name.to_owned());
                    extra.push(WatchRule {
                        path: manifest.display().to_string(),
                        action: WatchAction::Rebuild,
                        ..WatchRule::default()
                    });
                }
            }
        }
        self.rules.extend(extra);
        let is_built: BTreeSet<(String, Vec<String>)> = self
            .rules
            .iter()
            .filter(|rule| rule.action == WatchAction::Rebuild)
            .map(|rule| (rule.path.clone(), rule.include.clone()))
            .collect();
        let mut seen = BTreeSet::new();
        self.rules.retain(|rule| {
            let place = (rule.path.clone(), rule.include.clone());
            let beaten = rule.action != WatchAction::Rebuild && is_built.contains(&place);
            !beaten && seen.insert((place, rule.target.clone()))
        });
        self.rules
    }
}

/// A path in the image, from where one is.
fn resolved(workdir: &Path, path: &str) -> PathBuf {
    normal(&workdir.join(path))
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests;
