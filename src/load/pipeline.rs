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
use crate::yaml::{Data, Mapping, Node};
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
    /// The files that some of them come from, the one that wins first.
    pub variable_files: Vec<PathBuf>,
    /// Leave templates as they are.
    pub keep_templates: bool,
    /// Leave paths as they are.
    pub keep_paths: bool,
    /// Files being read, the outermost first: an include of one of them is a cycle.
    pub open: Vec<(PathBuf, Span)>,
}

/// Reads the files of a level over each other. After a mistake it goes on with what is left.
pub fn level(files: &[(PathBuf, SourceId)], level: &Level, session: &mut Session<'_>) -> Mapping {
    let mut tree = Mapping::default();
    session.settle_all();
    for (path, id) in files {
        session.provenance.sees(*id, &level.variable_files);
        let mut documents = session.parse(*id);
        settle_documents(&mut documents, session);
        for document in documents {
            file(document, path, level, &mut tree, session);
        }
    }
    defaults::fill(&mut tree);
    validate::check(&tree, &mut session.diagnostics);
    session.settle(&mut tree, Span::NONE);
    if !level.keep_paths {
        resolve_paths::resolve(&mut tree, &level.base, session);
        session.settle(&mut tree, Span::NONE);
    }
    resolve_content(&mut tree, &level.variables);
    tree
}

/// Cuts what the parser found out of the documents of a text.
fn settle_documents(documents: &mut [Node], session: &mut Session<'_>) {
    match documents {
        [document] => session.settle_node(document),
        _ => session.settle_all(),
    }
}

/// One document over what was there before it.
fn file(document: Node, path: &Path, level: &Level, tree: &mut Mapping, session: &mut Session<'_>) {
    let Some((mut document, taken)) = prepare(document, level, session) else { return };
    include::apply(&mut document, path, level, &taken, session);
    session.settle_node(&mut document);
    tags::apply(tree, &taken, session);
    extends::apply(&mut document, path, level, &taken, session);
    let span = document.span;
    let Data::Mapping(mapping) = document.data else { return };
    merge::merge(tree, mapping, session);
    unique::enforce(tree, session);
    session.settle(tree, span);
    let whole = Node::new(span, Data::Mapping(std::mem::take(tree)));
    structure::check(&whole, &mut session.diagnostics);
    if let Data::Mapping(mapping) = whole.data {
        *tree = mapping;
    }
    session.settle(tree, span);
    if let Some(version) = tree.remove("version") {
        let diagnostic =
            Diagnostic::warning("obsolete-version", version.key_span, "`version` has no meaning any more")
                .help("remove the line");
        session.diagnostics.push(diagnostic);
    }
    canonical::canonical(tree, level.keep_templates, &mut session.diagnostics);
    session.settle(tree, span);
    canonical::drop_empty(tree);
    unique::enforce(tree, session);
    session.settle(tree, span);
}

/// A document as a mapping without tags and templates, and what its tags take away; `None` when it is no mapping.
fn prepare(mut document: Node, level: &Level, session: &mut Session<'_>) -> Option<(Node, Vec<KeyPath>)> {
    if document.as_mapping().is_none() {
        let message = format!("a stack file must be a mapping, this is {}", document.kind());
        session.diagnostics.push(
            Diagnostic::error("not-a-mapping", document.span, message)
                .help("start with `services:` and put each service under it"),
        );
        session.settle_all();
        return None;
    }
    // Most files have none, and looking through a text is quicker than through its tree.
    let tagged = session.sources.get(document.span.source).is_none_or(|source| source.text.contains('!'));
    let taken = if tagged { tags::take(&mut document) } else { Vec::new() };
    if !level.keep_templates {
        interpolate::interpolate(&mut document, &level.variables, session);
        session.settle_node(&mut document);
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
    session.provenance.sees(id, &level.variable_files);
    let mut documents = session.parse(id);
    settle_documents(&mut documents, session);
    for document in documents {
        let (document, tags) = prepare(document, level, session)?;
        tags::apply(&mut tree, &tags, session);
        taken = tags;
        let span = document.span;
        let Data::Mapping(mapping) = document.data else { return None };
        merge::merge(&mut tree, mapping, session);
        unique::enforce(&mut tree, session);
        session.settle(&mut tree, span);
        canonical::canonical(&mut tree, level.keep_templates, &mut session.diagnostics);
        session.settle(&mut tree, span);
        canonical::drop_empty(&mut tree);
        unique::enforce(&mut tree, session);
        session.settle(&mut tree, span);
    }
    resolve_paths::resolve(&mut tree, base, session);
    Some((tree, taken))
}

/// Bare entries of `environment` lists and configs that name a variable take its value from this level's variables.
fn resolve_content(tree: &mut Mapping, variables: &Environment) {
    if let Some(services) = tree.get_mut("services").and_then(Node::as_mapping_mut) {
        for (_, entry) in services.iter_mut() {
            let environment = entry.value.as_mapping_mut().and_then(|service| service.get_mut("environment"));
            let Some(Node { data: Data::Sequence(items), .. }) = environment else { continue };
            for item in items {
                if let Data::String(text) = &mut item.data
                    && let Some(value) = variables.get(text)
                {
                    *text = compact_str::format_compact!("{text}={value}");
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
