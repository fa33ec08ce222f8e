//! `include`: other stack files with their own variables and project directory, whose resources join this file's.
//!
//! In: one file's tree. Out: the same tree with the included resources in it. What both define is merged with the
//! including file on top; what two includes define, with the earlier one on top.
//! <https://github.com/compose-spec/compose-spec/blob/main/14-include.md>

use super::environment;
use super::extends::relative;
use super::merge;
use super::pipeline::{self, Level};
use super::remote;
use super::session::{Session, join};
use super::structure::same;
use super::tags::{self, KeyPath};
use crate::source::{Diagnostic, Span};
use crate::yaml::{Data, Mapping, Node};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deep includes may nest.
const MAX_DEPTH: usize = 50;

/// Resolves every `include` of a file.
pub fn apply(document: &mut Node, path: &Path, level: &Level, taken: &[KeyPath], session: &mut Session<'_>) {
    let Some(entry) = document.as_mapping_mut().and_then(|file| file.remove("include")) else { return };
    let items = match entry.value.data {
        Data::Sequence(items) => items,
        Data::Null => return,
        _ => {
            let message = format!("`include` must be a list, not {}", entry.value.kind());
            session.diagnostics.push(
                Diagnostic::error("wrong-kind", entry.value.span, message).help("put `- ` before the file"),
            );
            return;
        }
    };
    for item in items {
        let span = item.span;
        let Some(include) = read(item, session) else { continue };
        let Some(imported) = load(&include, span, path, level, session) else { continue };
        let Some(file) = document.as_mapping_mut() else { return };
        for kind in ["services", "volumes", "networks", "secrets", "configs", "models"] {
            import(&imported, file, kind, taken, session);
        }
    }
}

#[derive(Default)]
struct Include {
    paths: Vec<(String, Span)>,
    env_files: Vec<(String, Span)>,
    project_directory: Option<String>,
}

fn read(item: Node, session: &mut Session<'_>) -> Option<Include> {
    let span = item.span;
    match item.data {
        Data::String(path) => Some(Include { paths: vec![(path.into(), span)], ..Include::default() }),
        Data::Mapping(long) => {
            let mut include = Include::default();
            for (key, entry) in long {
                let value = entry.value;
                let known = match (key.as_str(), &value.data) {
                    ("path", _) => texts(&value).map(|paths| include.paths = paths),
                    ("env_file", _) => texts(&value).map(|files| include.env_files = files),
                    ("project_directory", Data::String(path)) => {
                        include.project_directory = Some(path.to_string());
                        Some(())
                    }
                    ("project_directory", _) => None,
                    _ => {
                        let names = ["path", "env_file", "project_directory"];
                        let message = format!("an include has no attribute `{key}`");
                        let mut diagnostic = Diagnostic::error("unknown-attribute", entry.key_span, message);
                        diagnostic = match crate::source::nearest(&key, names) {
                            Some(near) => {
                                diagnostic.help(format!("an attribute with a similar name exists: `{near}`"))
                            }
                            None => diagnostic.help("it can have `path`, `env_file` and `project_directory`"),
                        };
                        session.diagnostics.push(diagnostic);
                        Some(())
                    }
                };
                if known.is_none() {
                    let message = format!("`include.{key}` cannot be {}", value.kind());
                    session.diagnostics.push(Diagnostic::error("wrong-kind", value.span, message));
                }
            }
            Some(include)
        }
        _ => {
            let message = format!("an include must be text or a mapping, not {}", item.kind());
            session.diagnostics.push(Diagnostic::error("wrong-kind", span, message));
            None
        }
    }
}

fn texts(node: &Node) -> Option<Vec<(String, Span)>> {
    match &node.data {
        Data::String(text) => Some(vec![(text.to_string(), node.span)]),
        Data::Sequence(items) => {
            items.iter().map(|item| Some((item.as_str()?.to_owned(), item.span))).collect()
        }
        _ => None,
    }
}

fn load(
    include: &Include,
    span: Span,
    path: &Path,
    level: &Level,
    session: &mut Session<'_>,
) -> Option<Mapping> {
    let mut files = Vec::new();
    let mut open = level.open.clone();
    open.push((path.to_owned(), span));
    for (file, span) in &include.paths {
        let full = if remote::is_remote(file) {
            remote::fetch(file, *span, session)?
        } else {
            join(&level.directory, file)
        };
        if let Some(start) = open.iter().position(|(known, _)| *known == full) {
            cycle(&open, start, &full, *span, session);
            return None;
        }
        if !remote::may_read(&full, &level.directory, *span, session) {
            return None;
        }
        let Some(id) = session.read(&full, *span) else { continue };
        session.provenance.brought(id, *span, "included from here");
        files.push((full.clone(), id));
    }
    if open.len() > MAX_DEPTH {
        let message = format!("includes nest more than {MAX_DEPTH} levels deep");
        session.diagnostics.push(Diagnostic::error("include-depth", span, message));
        return None;
    }
    let directory = match (&include.project_directory, files.first()) {
        (Some(directory), _) if !directory.is_empty() => join(&level.directory, directory),
        (_, Some((main, _))) => main.parent().map_or_else(|| level.directory.clone(), Path::to_owned),
        (_, None) => level.directory.clone(),
    };
    let base = match &include.project_directory {
        Some(directory) if Path::new(directory).is_absolute() => directory.into(),
        _ => relative(&directory, &level.directory),
    };
    let (variables, variable_files) = environment::included(&include.env_files, &directory, level, session);
    let inner = Level {
        directory,
        base,
        variables: Arc::new(variables),
        variable_files,
        keep_paths: false,
        open,
        ..level.clone()
    };
    Some(pipeline::level(&files, &inner, session))
}

fn cycle(open: &[(PathBuf, Span)], start: usize, full: &Path, span: Span, session: &mut Session<'_>) {
    let edges = open.get(start..).unwrap_or_default();
    let names: Vec<_> = edges.iter().map(|(path, _)| format!("`{}`", session.display(path))).collect();
    let message =
        format!("files include each other in a circle: {} → `{}`", names.join(" → "), session.display(full));
    // The place of an edge stands with the file that was opened by the one before.
    let includes = |path: &Path, other: &Path| {
        format!("`{}` includes `{}`", session.display(path), session.display(other))
    };
    let mut diagnostic = Diagnostic::error("include-cycle", span, message);
    for (index, (path, span)) in edges.iter().enumerate() {
        match edges.get(index + 1) {
            Some((next, _)) => diagnostic = diagnostic.related(*span, includes(path, next)),
            None => diagnostic = diagnostic.label(includes(path, full)),
        }
    }
    session.diagnostics.push(diagnostic.help("remove one of these includes"));
}

fn import(from: &Mapping, into: &mut Mapping, kind: &str, taken: &[KeyPath], session: &mut Session<'_>) {
    let Some(entry) = from.entry(kind) else { return };
    let Some(resources) = entry.value.as_mapping() else { return };
    if into.get(kind).is_none_or(Node::is_null) {
        into.insert(kind, entry.key_span, Node::new(entry.value.span, Data::Mapping(Mapping::default())));
    }
    let Some(target) = into.get_mut(kind).and_then(Node::as_mapping_mut) else { return };
    for (name, resource) in resources.iter() {
        let value = match target.take_value(name) {
            None => resource.value.clone(),
            // Two includes of one file bring the same resource twice; appending its lists to themselves would spoil it.
            Some(own) if same(&own, &resource.value) => own,
            Some(own) => {
                let mut base = resource.value.clone();
                tags::apply_at(&mut base, &[kind, name], taken, session);
                merge::merge_at(base, own, &[kind, name], session)
            }
        };
        let key_span = target.entry(name).map_or(resource.key_span, |entry| entry.key_span);
        target.insert(name, key_span, value);
    }
}
