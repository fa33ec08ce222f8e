//! A canonical tree to the typed model, with *all* mistakes gathered.
//!
//! In: the tree after merging and canonicalisation (short syntax gone), and what the tree does not say
//! ([`DecodeContext`]). Out: a [`Project`], or `None` and a diagnostic for every value that does not fit. Each service
//! and each network, volume, config, secret and model is decoded on its own; one that does not fit is decoded again
//! without the value at fault, until nothing is left to report. Deliberately absent: checks between values; see
//! [`super::check`].

use super::{Environment, Origins, Project, ProjectName, Service};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::yaml::de::{DecodeError, from_node};
use crate::yaml::{Data, Entry, Mapping, Node, NodePath, PathSegment};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What a project has beside its tree.
#[derive(Debug, Clone, Default)]
pub struct DecodeContext {
    /// The project's name, validated.
    pub name: ProjectName,
    /// The project directory; absolute.
    pub working_dir: PathBuf,
    /// Stack files in merge order.
    pub files: Vec<PathBuf>,
    /// The `--env-file` arguments, absolute.
    pub env_files: Vec<PathBuf>,
    /// The interpolation environment.
    pub environment: Arc<Environment>,
    /// Active profiles.
    pub profiles: Vec<String>,
    /// `--compatibility`.
    pub compatibility: bool,
    /// Keys under `services` that an inactive profile or a selection leaves out.
    pub disabled: BTreeSet<String>,
}

/// Decodes a project.
///
/// `None` when any value does not fit; then `diagnostics` has an error for each.
pub fn project(tree: Arc<Node>, context: DecodeContext, diagnostics: &mut Diagnostics) -> Option<Project> {
    let (project, whole) = partial(tree, context, diagnostics);
    whole.then_some(project)
}

/// Decodes as much of a project as fits, for further checks; whether that is all of it.
pub fn partial(tree: Arc<Node>, context: DecodeContext, diagnostics: &mut Diagnostics) -> (Project, bool) {
    let mut decoder = Decoder { diagnostics, reported: HashSet::new(), failed: false };
    let root = NodePath::default();
    let mut project = Project {
        name: context.name,
        working_dir: context.working_dir,
        files: context.files,
        env_files: context.env_files,
        environment: context.environment,
        profiles: context.profiles,
        compatibility: context.compatibility,
        ..Project::default()
    };
    for (key, entry) in entries(&tree) {
        let path = root.key(key);
        match key {
            "services" => {
                decoder.children::<Service>(&entry.value, &path, |name, mut service| {
                    service.name = super::ServiceName::new(name);
                    let of_its_kind = if context.disabled.contains(name) {
                        &mut project.disabled_services
                    } else {
                        &mut project.services
                    };
                    of_its_kind.insert(service.name.clone(), Box::new(service));
                });
            }
            "networks" => project.networks = decoder.keyed(&entry.value, &path, super::NetworkKey::new),
            "volumes" => project.volumes = decoder.keyed(&entry.value, &path, super::VolumeKey::new),
            "configs" => project.configs = decoder.keyed(&entry.value, &path, super::ConfigKey::new),
            "secrets" => project.secrets = decoder.keyed(&entry.value, &path, super::SecretKey::new),
            "models" => project.models = decoder.keyed(&entry.value, &path, super::ModelKey::new),
            // Read before the tree was put together.
            "name" | "version" | "include" => {}
            _ if key.starts_with("x-") => {
                if let Some(value) = decoder.value(&entry.value, &path) {
                    project.extensions.insert(key.to_owned(), value);
                }
            }
            _ => decoder.report(DecodeError {
                message: format!("unknown attribute `{key}`"),
                label: String::new(),
                span: entry.key_span,
                path,
            }),
        }
    }
    let failed = decoder.failed;
    project.origins = Arc::new(Origins::new(tree));
    (project, !failed)
}

fn entries(node: &Node) -> impl Iterator<Item = (&str, &Entry)> {
    node.as_mapping().into_iter().flat_map(Mapping::iter)
}

struct Decoder<'a> {
    diagnostics: &'a mut Diagnostics,
    /// Places that were reported: an anchor used by ten services has its mistake once.
    reported: HashSet<(Span, String)>,
    failed: bool,
}

impl Decoder<'_> {
    fn keyed<K: Ord, T: DeserializeOwned>(
        &mut self,
        node: &Node,
        path: &NodePath,
        key: fn(String) -> K,
    ) -> BTreeMap<K, T> {
        let mut all = BTreeMap::new();
        self.children(node, path, |name, value| {
            all.insert(key(name.to_owned()), value);
        });
        all
    }

    /// Decodes each value of a mapping. One by one: a service is big, and a list of all would be moved around.
    fn children<T: DeserializeOwned>(&mut self, node: &Node, path: &NodePath, mut take: impl FnMut(&str, T)) {
        if node.as_mapping().is_none() && !node.is_null() {
            self.report(DecodeError {
                message: format!("{} cannot be used here", node.kind()),
                label: "expected a mapping".to_owned(),
                span: node.span,
                path: path.clone(),
            });
        }
        for (name, entry) in entries(node) {
            if let Some(value) = self.value(&entry.value, &path.key(name)) {
                take(name, value);
            }
        }
    }

    /// Decodes one value. What does not fit is reported and cut out, and the rest is tried again.
    fn value<T: DeserializeOwned>(&mut self, node: &Node, path: &NodePath) -> Option<T> {
        let mut error = match from_node(node, path) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let mut rest = node.clone();
        loop {
            let inside = error.path.0.get(path.0.len()..).unwrap_or_default().to_vec();
            self.report(error);
            if !remove(&mut rest, &inside) {
                return None;
            }
            match from_node(&rest, path) {
                Ok(value) => return Some(value),
                Err(next) => error = next,
            }
        }
    }

    fn report(&mut self, error: DecodeError) {
        self.failed = true;
        if !self.reported.insert((error.span, error.message.clone())) {
            return;
        }
        let DecodeError { message, label, span, path } = error;
        let diagnostic = if message.starts_with("unknown attribute") {
            let mut parent = path;
            parent.0.pop();
            let place = if parent.0.is_empty() { "the top level".to_owned() } else { format!("`{parent}`") };
            Diagnostic::error("unknown-attribute", span, format!("{message} in {place}"))
        } else {
            Diagnostic::error("invalid-value", span, format!("invalid value for `{path}`: {message}"))
        };
        self.diagnostics.push(diagnostic.label(label));
    }
}

/// Cuts the value at `path` out of a tree. List items become nothing, so that the addresses of the others stay.
fn remove(node: &mut Node, path: &[PathSegment]) -> bool {
    match (path, &mut node.data) {
        ([PathSegment::Key(key)], Data::Mapping(mapping)) => mapping.remove(key).is_some(),
        ([PathSegment::Index(index)], Data::Sequence(items)) => items.get_mut(*index).is_some_and(|item| {
            let was_there = !item.is_null();
            item.data = Data::Null;
            was_there
        }),
        ([PathSegment::Key(key), rest @ ..], Data::Mapping(mapping)) => {
            mapping.get_mut(key).is_some_and(|inner| remove(inner, rest))
        }
        ([PathSegment::Index(index), rest @ ..], Data::Sequence(items)) => {
            items.get_mut(*index).is_some_and(|inner| remove(inner, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    /// What is said about a canonical file, in the order of its lines.
    fn findings(text: &str) -> Vec<String> {
        let mut sources = SourceMap::default();
        let source = sources.add("f", "f", text);
        let mut diagnostics = Diagnostics::default();
        let tree = crate::yaml::parse(source, text, &mut diagnostics).remove(0);
        let decoded = project(Arc::new(tree), DecodeContext::default(), &mut diagnostics);
        assert_eq!(decoded.is_none(), diagnostics.has_errors());
        let line = |item: &Diagnostic| {
            let place = sources.place(item.primary.span).unwrap_or_default();
            format!("{place} {} | {}", item.message, item.primary.text)
        };
        diagnostics.sorted().into_iter().map(line).collect()
    }

    #[test]
    fn every_value_that_does_not_fit_is_reported() {
        let text = "services:\n  a:\n    mem_limit: lots\n    ports: [{target: -1}, {target: 80, published: [x]}]\n    \
                    healthcheck: {interval: 10}\n  b:\n    imgae: x\nnetworks:\n  n: {internal: maybe}\nfoo: 1\n";
        assert_eq!(
            findings(text),
            [
                "f:3:16 invalid value for `services.a.mem_limit`: `lots` is not a size | \
                 expected bytes, or a number with a unit: `512m`, `2gb`, `1.5g`",
                "f:4:22 invalid value for `services.a.ports[0].target`: the number `-1` is out of range | \
                 expected a whole number, 0 or more",
                "f:4:51 invalid value for `services.a.ports[1].published`: a list cannot be used here | \
                 expected text",
                "f:5:29 invalid value for `services.a.healthcheck.interval`: `10` has no unit | \
                 expected numbers with units: `30s`, `1m30s`, `500ms`, `2h`, `1d`",
                "f:7:5 unknown attribute `imgae` in `services.b` | ",
                "f:9:17 invalid value for `networks.n.internal`: `maybe` cannot be used here | \
                 expected `true` or `false`",
                "f:10:1 unknown attribute `foo` in the top level | ",
            ]
        );
    }

    #[test]
    fn a_mistake_behind_an_anchor_is_reported_once() {
        let text = "services:\n  a: &a\n    mem_limit: lots\n  b: *a\n";
        assert_eq!(findings(text).len(), 1);
    }

    #[test]
    fn a_sound_file_has_no_findings() {
        assert_eq!(findings("name: x\nservices:\n  a: {image: x}\nx-y: {z: 1}\n"), Vec::<String>::new());
    }
}
