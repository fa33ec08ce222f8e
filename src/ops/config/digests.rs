//! `config --resolve-image-digests` and `--lock-image-digests`: the digests that registries have for images now.
//!
//! In: the names of images, with where they are written. Out: the same names with digests, or what is wrong with each
//! at its place. The engine asks the registries, as who Docker's configuration says one is.

use super::Format;
use crate::engine::{EngineError, EngineErrorKind};
use crate::load::LoadFailure;
use crate::model::Project;
use crate::ops::{OpsError, Session};
use crate::registry::Reference;
use crate::source::{Diagnostic, Diagnostics, SourceMap, Span};
use crate::yaml::{self, Data, Mapping, Node, NodePath};
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;

/// How many registries' answers are awaited at once.
const AT_ONCE: usize = 8;

/// An image that is named somewhere.
#[derive(Debug, Clone)]
pub struct Named {
    /// As it is written, templates filled in.
    pub image: String,
    /// Where.
    pub span: Span,
}

/// Names with digests, by the names as they are written.
pub type Pinned = BTreeMap<String, String>;

/// The images that the services of a project name.
pub fn of_project(project: &Project) -> Vec<Named> {
    let named = project.services.values().filter(|service| !service.image.is_empty());
    named
        .map(|service| Named {
            image: service.image.clone(),
            span: project.origins.span(&NodePath::of(&["services", service.name.as_str(), "image"])),
        })
        .collect()
}

/// The images that the services of a tree name.
pub fn of_tree(tree: &Node) -> Vec<Named> {
    let services = tree.get("services").and_then(Node::as_mapping);
    let images =
        services.into_iter().flat_map(Mapping::iter).filter_map(|(_, entry)| entry.value.get("image"));
    images.filter_map(|node| Some(Named { image: node.as_str()?.to_owned(), span: node.span })).collect()
}

/// The services of a tree, each with its image.
pub fn services_of(tree: &Node) -> impl Iterator<Item = (&str, Option<&str>)> {
    let services = tree.get("services").and_then(Node::as_mapping);
    let services = services.into_iter().flat_map(Mapping::iter);
    services.map(|(name, entry)| (name, entry.value.get("image").and_then(Node::as_str)))
}

/// Asks for the digest of each image that has none.
///
/// # Errors
/// What is wrong with each of them, at its place; or no engine.
pub async fn pin(session: &Session, named: &[Named], sources: &SourceMap) -> Result<Pinned, OpsError> {
    let mut diagnostics = Diagnostics::default();
    let mut wanted: BTreeMap<&str, (Span, Reference)> = BTreeMap::new();
    for Named { image, span } in named {
        match Reference::read(image) {
            Ok(reference) => {
                wanted.entry(image).or_insert((*span, reference));
            }
            Err(_) if image.contains('$') => diagnostics.push(
                Diagnostic::error("image-digest", *span, format!("the image `{image}` is a template"))
                    .help("a digest can be found for a name that is filled in: leave `--no-interpolate` out"),
            ),
            Err(reason) => {
                let message = format!("`{image}` {reason}, so no digest can be found for it");
                diagnostics.push(Diagnostic::error("image-digest", *span, message));
            }
        }
    }
    let mut pinned = Pinned::new();
    let (known, unknown): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|(_, (_, reference))| reference.digest.is_some());
    for (image, (_, reference)) in known {
        pinned.insert(image.to_owned(), reference.to_string());
    }
    if !unknown.is_empty() && !diagnostics.has_errors() {
        let engine = session.engine().await?;
        let asked = unknown.into_iter().map(|(image, (span, reference))| {
            let engine = engine.clone();
            async move {
                let digest = engine.registry_digest(&reference.to_string()).await;
                (image, span, reference, digest)
            }
        });
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some((image, span, reference, digest)) = answers.next().await {
            match digest {
                Ok(digest) => {
                    pinned.insert(image.to_owned(), format!("{reference}@{digest}"));
                }
                Err(error) if error.is_transient() => return Err(error.into()),
                Err(error) => diagnostics.push(refusal(image, span, &reference, &error)),
            }
        }
    }
    if diagnostics.has_errors() {
        return Err(OpsError::Load(Box::new(LoadFailure { sources: sources.clone(), diagnostics })));
    }
    Ok(pinned)
}

fn refusal(image: &str, span: Span, reference: &Reference, error: &EngineError) -> Diagnostic {
    let message = format!("the digest of `{image}` cannot be found: {}", error.message);
    let diagnostic = Diagnostic::error("image-digest", span, message);
    let unknown = ["no basic auth", "unauthorized", "denied"].iter().any(|word| error.message.contains(word));
    if error.kind == EngineErrorKind::Denied || unknown {
        return diagnostic.help(format!("log in first: `docker login {}`", reference.registry));
    }
    if error.kind == EngineErrorKind::NotFound || error.message.contains("unknown") {
        return diagnostic
            .help(format!("the registry `{}` does not have it: push it first", reference.registry));
    }
    diagnostic
}

/// The project with names of images that have digests.
pub fn resolve(project: &mut Project, pinned: &Pinned) {
    for service in project.services.values_mut() {
        if let Some(image) = pinned.get(&service.image) {
            service.image.clone_from(image);
        }
    }
}

/// [`resolve`] for a tree.
pub fn resolve_tree(tree: &mut Node, pinned: &Pinned) {
    let services = tree.as_mapping_mut().and_then(|top| top.get_mut("services"));
    for (_, entry) in services.and_then(Node::as_mapping_mut).into_iter().flat_map(Mapping::iter_mut) {
        let Some(image) = entry.value.as_mapping_mut().and_then(|service| service.get_mut("image")) else {
            continue;
        };
        if let Some(name) = image.as_str().and_then(|image| pinned.get(image)) {
            image.data = Data::String(name.into());
        }
    }
}

/// An override file that holds nothing but the images of these services.
///
/// Differs: the JSON form holds no `name`, `command` and `entrypoint`; the reference writes them empty, so that its
/// file, used as an override, takes the commands away.
pub fn lock<'a>(
    services: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    pinned: &Pinned,
    format: Format,
) -> String {
    let mut locked = Mapping::default();
    for (name, image) in services {
        let mut service = Mapping::default();
        if let Some(image) = image.and_then(|image| pinned.get(image)) {
            service.insert("image", Span::NONE, Node::string(Span::NONE, image.as_str()));
        }
        locked.insert(name, Span::NONE, Node::synthetic(Data::Mapping(service)));
    }
    locked.sort_by(match format {
        Format::Yaml => yaml::natural_order,
        Format::Json => str::cmp,
    });
    let mut top = Mapping::default();
    top.insert("services", Span::NONE, Node::synthetic(Data::Mapping(locked)));
    let top = Node::synthetic(Data::Mapping(top));
    match format {
        Format::Yaml => yaml::to_yaml(&top),
        Format::Json => super::json_line(&top),
    }
}
