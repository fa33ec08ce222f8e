//! `config --origins`: where every value of the resolved project comes from, and what it overrode.
//!
//! In: a project that was loaded with [`crate::load::LoadRequest::history`]. Out: a row a value, in the order of
//! `config`. A value that stands in no file is a default; one from an `env_file` has its line there.

use crate::load::Loaded;
use crate::model::output;
use crate::source::{Source, SourceId, Span};
use crate::yaml::{Data, Entry, Node, NodePath, PathSegment, scalar_text};
use serde::Serialize;
use std::path::Path;

/// A value and its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The value's address: `services.web.ports[0].target`.
    pub path: String,
    /// The value.
    pub value: String,
    /// What put it there.
    pub kind: Kind,
    /// Where that is written; nothing for a default.
    pub origin: Option<Place>,
    /// What it overrode, the nearest first.
    pub overrides: Vec<Place>,
}

/// What put a value there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A stack file.
    File,
    /// An env file of the service.
    EnvFile,
    /// Nobody: a default, or what follows from other values.
    Default,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as messages name it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is written there, on one line.
    pub text: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The rows of a project.
pub fn rows(loaded: &Loaded) -> Vec<Row> {
    let mut rows = Vec::new();
    leaves(&output::yaml_tree(&loaded.project), &mut NodePath::default(), &mut |path, value| {
        rows.push(row(loaded, path, value));
    });
    rows
}

/// The columns of a table: address, value, place, what it overrode (left out when that is nothing).
pub fn cells(row: &Row) -> Vec<String> {
    let origin = match &row.origin {
        Some(place) if row.kind == Kind::EnvFile => format!("{place} (env_file)"),
        Some(place) => place.to_string(),
        None => "(default)".to_owned(),
    };
    let overrides: Vec<_> = row.overrides.iter().map(|place| format!("{place} ({})", place.text)).collect();
    let mut cells = vec![row.path.clone(), shortened(&row.value), origin];
    cells.extend((!overrides.is_empty()).then(|| overrides.join(", ")));
    cells
}

fn leaves(node: &Node, path: &mut NodePath, found: &mut impl FnMut(&NodePath, &str)) {
    let mut below = |segment, node: &Node, found: &mut _| {
        path.0.push(segment);
        leaves(node, path, found);
        path.0.pop();
    };
    match &node.data {
        Data::Mapping(mapping) if !mapping.is_empty() => {
            for (key, entry) in mapping.iter() {
                below(PathSegment::Key(key.to_owned()), &entry.value, found);
            }
        }
        Data::Sequence(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                below(PathSegment::Index(index), item, found);
            }
        }
        Data::Mapping(_) => found(path, "{}"),
        Data::Sequence(_) => found(path, "[]"),
        Data::Null => found(path, "null"),
        Data::Bool(_)
        | Data::Int(_)
        | Data::UInt(_)
        | Data::Float(_)
        | Data::Timestamp(_)
        | Data::String(_) => {
            found(path, &scalar_text(&node.data).unwrap_or_default());
        }
    }
}

fn row(loaded: &Loaded, path: &NodePath, value: &str) -> Row {
    let origins = &loaded.project.origins;
    let (kind, span) = match written(loaded, path, value) {
        Some(span) => (Kind::File, span),
        None => match from_env_file(loaded, path) {
            Some(span) => (Kind::EnvFile, span),
            None => (Kind::Default, Span::NONE),
        },
    };
    let overrides = if kind == Kind::File { origins.replaced(path) } else { Vec::new() };
    Row {
        path: path.to_string(),
        value: value.to_owned(),
        kind,
        origin: place(loaded, span),
        overrides: overrides.into_iter().filter_map(|span| place(loaded, span)).collect(),
    }
}

fn place(loaded: &Loaded, span: Span) -> Option<Place> {
    let position = loaded.sources.position(span)?;
    let file = loaded.sources.get(span.source)?.name.clone();
    let text = shortened(text(loaded, span).unwrap_or_default());
    Some(Place { file, line: position.line, column: position.column, text })
}

/// One line of at most forty characters.
fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim();
    let mut short: String = first.chars().take(MOST).collect();
    if lines.next().is_some() || short.len() < first.len() {
        short.push('…');
    }
    short
}

fn text(loaded: &Loaded, span: Span) -> Option<&str> {
    let range = usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?;
    loaded.sources.get(span.source)?.text.get(range)
}

/// Where a value is written; nothing when it is in no file.
///
/// What the load makes up stands at the value that it follows from. It is told from what somebody wrote by the text
/// there: a written value has its key before it, or (short forms) is part of the text, or the text is a template.
fn written(loaded: &Loaded, path: &NodePath, value: &str) -> Option<Span> {
    let mut node = loaded.project.origins.tree()?;
    let mut last: Option<&Entry> = None;
    for segment in &path.0 {
        (node, last) = match segment {
            PathSegment::Key(key) => {
                let entry = node.as_mapping()?.entry(key)?;
                (&entry.value, Some(entry))
            }
            PathSegment::Index(index) => (node.as_sequence()?.get(*index)?, None),
        };
    }
    let span = Some(node.span).filter(|span| span.is_some())?;
    let Some(entry) = last else { return Some(span) };
    let key = text(loaded, entry.key_span).unwrap_or_default().trim_matches(['"', '\'']);
    if matches!(path.0.last(), Some(PathSegment::Key(name)) if name == key) && entry.key_span != span {
        return Some(if span.start == span.end { entry.key_span } else { span });
    }
    let around = text(loaded, span)?;
    // Paths were made absolute.
    let name = Path::new(value).file_name().filter(|_| value.starts_with('/')).and_then(|name| name.to_str());
    let part = name.unwrap_or(value);
    (around.contains('$') || (!part.is_empty() && around.contains(part))).then_some(span)
}

/// The line of an env file that sets a variable of a service; of several the last.
fn from_env_file(loaded: &Loaded, path: &NodePath) -> Option<Span> {
    let [
        PathSegment::Key(top),
        PathSegment::Key(service),
        PathSegment::Key(attribute),
        PathSegment::Key(name),
    ] = path.0.as_slice()
    else {
        return None;
    };
    if top != "services" || attribute != "environment" {
        return None;
    }
    let tree = loaded.project.origins.tree()?;
    let files = tree.get("services")?.get(service)?.get("env_file")?.as_sequence()?;
    files.iter().rev().find_map(|file| {
        let id = loaded.sources.find(file.get("path")?.as_str()?.as_ref())?;
        let source = loaded.sources.get(id)?;
        line_of(source, id, name)
    })
}

fn line_of(source: &Source, id: SourceId, name: &str) -> Option<Span> {
    let mut found = None;
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let bare = body.strip_prefix("export ").unwrap_or(body).trim_start();
        let rest = bare.strip_prefix(name).map(str::trim_start);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', ':'])) {
            let from = u32::try_from(start + indent).ok()?;
            let to = u32::try_from(start + line.trim_end().len()).ok()?;
            found = Some(Span::new(id, from, to));
        }
        start += line.len();
    }
    found
}
