//! One level of files: parse, interpolate, include, extends, merge, check, spell out. The order of the stages is the
//! order of the calls in [`file`].
//!
//! A level is the stack's own files, or those of one `include`.

use super::session::Session;
use super::tags::{self, KeyPath};
use super::{
    canonical, defaults, extends, include, interpolate, merge, resolve_paths, structure, unique, validate,
};
use crate::model::Environment;
use crate::source::{Diagnostic, SourceId, Span};
use crate::yaml::{Mapping, Node};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the files of a level have in common.
#[derive(Debug, Clone)]
pub struct Level {
    /// What relative paths of the files start from; absolute.
    pub directory: PathBuf,
    /// What paths come to: the same folder, or seen from the including level's.
    pub base: PathBuf,
    /// What `${NAME}` sees.
    pub variables: Arc<Environment>,
    /// Leave templates as they are.
    pub keep_templates: bool,
    /// Leave paths as they are.
    pub keep_paths: bool,
    /// Files being read, the outermost first: an include of one of them is a cycle.
    pub open: Vec<(PathBuf, Span)>,
}

/// Reads the files of a level over each other.
pub fn level(files: &[(PathBuf, SourceId)], level: &Level, session: &mut Session<'_>) -> Mapping {
    let mut tree = Mapping::default();
    for (path, id) in files {
        for document in session.parse(*id) {
            file(document, path, level, &mut tree, session);
        }
    }
    if session.diagnostics.has_errors() {
        return tree;
    }
    defaults::fill(&mut tree);
    validate::check(&tree, &mut session.diagnostics);
    if !level.keep_paths {
        resolve_paths::resolve(&mut tree, &level.base, session);
    }
    resolve_content(&mut tree, &level.variables);
    tree
}

/// One document over what was there before it.
fn file(document: Node, path: &Path, level: &Level, tree: &mut Mapping, session: &mut Session<'_>) {
    let before = session.error_count();
    let Some((mut document, taken)) = prepare(document, level, session) else { return };
    if session.error_count() > before {
        return;
    }
    include::apply(&mut document, path, level, &taken, session);
    tags::apply(tree, &taken);
    extends::apply(&mut document, path, level, &taken, session);
    let span = document.span;
    let crate::yaml::Data::Mapping(mapping) = document.data else { return };
    merge::merge(tree, mapping, &mut session.diagnostics);
    unique::enforce(tree, &mut session.diagnostics);
    let whole = Node::new(span, crate::yaml::Data::Mapping(std::mem::take(tree)));
    structure::check(&whole, &mut session.diagnostics);
    if let crate::yaml::Data::Mapping(mapping) = whole.data {
        *tree = mapping;
    }
    if let Some(version) = tree.remove("version") {
        let diagnostic =
            Diagnostic::warning("obsolete-version", version.key_span, "`version` has no meaning any more")
                .help("remove the line");
        session.diagnostics.push(diagnostic);
    }
    canonical::canonical(tree, level.keep_templates, &mut session.diagnostics);
    canonical::drop_empty(tree);
    unique::enforce(tree, &mut session.diagnostics);
}

/// A document as a mapping without tags and templates, and what its tags take away; `None` when it is no mapping.
fn prepare(mut document: Node, level: &Level, session: &mut Session<'_>) -> Option<(Node, Vec<KeyPath>)> {
    if document.as_mapping().is_none() {
        let message = format!("a stack file must be a mapping, this is {}", document.kind());
        session.diagnostics.push(
            Diagnostic::error("not-a-mapping", document.span, message)
                .help("start with `services:` and put each service under it"),
        );
        return None;
    }
    let taken = tags::take(&mut document);
    if !level.keep_templates {
        interpolate::interpolate(&mut document, &level.variables, session);
    }
    Some((document, taken))
}

/// A file that `extends` takes a service from: interpolated and spelled out, nothing checked, its paths as seen from the
/// file that extends.
pub fn base_file(
    id: SourceId,
    base: &Path,
    level: &Level,
    session: &mut Session<'_>,
) -> Option<(Mapping, Vec<KeyPath>)> {
    let mut tree = Mapping::default();
    let mut taken = Vec::new();
    for document in session.parse(id) {
        let (document, tags) = prepare(document, level, session)?;
        tags::apply(&mut tree, &tags);
        taken = tags;
        let crate::yaml::Data::Mapping(mapping) = document.data else { return None };
        merge::merge(&mut tree, mapping, &mut session.diagnostics);
        unique::enforce(&mut tree, &mut session.diagnostics);
        canonical::canonical(&mut tree, level.keep_templates, &mut session.diagnostics);
        canonical::drop_empty(&mut tree);
        unique::enforce(&mut tree, &mut session.diagnostics);
    }
    resolve_paths::resolve(&mut tree, base, session);
    Some((tree, taken))
}

/// Bare entries of `environment` lists and configs that name a variable take its value from this level's variables.
fn resolve_content(tree: &mut Mapping, variables: &Environment) {
    if let Some(services) = tree.get_mut("services").and_then(Node::as_mapping_mut) {
        for (_, entry) in services.iter_mut() {
            let environment = entry.value.as_mapping_mut().and_then(|service| service.get_mut("environment"));
            let Some(Node { data: crate::yaml::Data::Sequence(items), .. }) = environment else { continue };
            for item in items {
                if let crate::yaml::Data::String(text) = &mut item.data
                    && let Some(value) = variables.get(text)
                {
                    *text = format!("{text}={value}");
                }
            }
        }
    }
    let Some(configs) = tree.get_mut("configs").and_then(Node::as_mapping_mut) else { return };
    for (_, entry) in configs.iter_mut() {
        let Some(config) = entry.value.as_mapping_mut() else { continue };
        let found = config.entry("environment").and_then(|entry| {
            Some((entry.key_span, entry.value.span, variables.get(entry.value.as_str()?)?.to_owned()))
        });
        if let Some((key_span, span, value)) = found {
            config.insert("content", key_span, Node::string(span, value));
        }
    }
}
