//! A project as text: what `config` prints, in the two forms of the reference.
//!
//! Both forms come from one derive; a [`Shape`] each says where they differ. Two facts of Go's encoders are behind the
//! differences: JSON never leaves out a struct, and `command` and `entrypoint` are written even when they are null.
//! Deliberately absent: the doubling of `$`, which is only done for a person's reload; see [`crate::ops`].

use super::{
    ConfigKey, Extensions, FileObject, Model, ModelKey, Network, NetworkKey, Project, SecretKey, Service,
    ServiceName, Volume, VolumeKey,
};
use crate::source::Span;
use crate::yaml::{self, Data, Kind, Node, Shape};
use serde::Serialize;
use std::collections::BTreeMap;

/// The top level, in the reference's order.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    services: &'a BTreeMap<ServiceName, Box<Service>>,
    #[serde(skip_serializing_if = "is_empty")]
    networks: &'a BTreeMap<NetworkKey, Network>,
    #[serde(skip_serializing_if = "is_empty")]
    volumes: &'a BTreeMap<VolumeKey, Volume>,
    #[serde(skip_serializing_if = "is_empty")]
    secrets: &'a BTreeMap<SecretKey, FileObject>,
    #[serde(skip_serializing_if = "is_empty")]
    configs: &'a BTreeMap<ConfigKey, FileObject>,
    #[serde(skip_serializing_if = "is_empty")]
    models: &'a BTreeMap<ModelKey, Model>,
    #[serde(rename = "x-*", skip_serializing_if = "is_empty")]
    extensions: &'a Extensions,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_empty<K, V>(map: &&BTreeMap<K, V>) -> bool {
    map.is_empty()
}

impl<'a> Document<'a> {
    fn of(project: &'a Project) -> Self {
        Self {
            name: project.name.as_str(),
            services: &project.services,
            networks: &project.networks,
            volumes: &project.volumes,
            secrets: &project.secrets,
            configs: &project.configs,
            models: &project.models,
            extensions: &project.extensions,
        }
    }
}

/// JSON: no `x-*` below the top level, devices with Go's field names.
pub(super) const JSON: Shape =
    Shape { order: str::cmp, gathered: false, key: json_key, left_out: is_left_out_of_json };

/// YAML: `x-*` beside the attributes, no empty structs, keys in natural order.
const YAML: Shape = Shape {
    order: yaml::natural_order,
    gathered: true,
    key: |_structure, field| field,
    left_out: is_left_out_of_yaml,
};

fn json_key(structure: &'static str, field: &'static str) -> &'static str {
    match (structure, field) {
        ("ThrottleDevice" | "WeightDevice", "path") => "Path",
        ("ThrottleDevice", "rate") => "Rate",
        ("WeightDevice", "weight") => "Weight",
        _ => field,
    }
}

fn is_left_out_of_json(structure: &'static str, field: &'static str, value: Kind) -> bool {
    match (structure, field) {
        ("Document", "models") => true,
        ("Ulimit", "soft" | "hard") => value == Kind::Zero,
        _ => false,
    }
}

fn is_left_out_of_yaml(structure: &'static str, field: &'static str, value: Kind) -> bool {
    match (structure, field) {
        ("Service", "command" | "entrypoint") | ("Hook" | "WatchExec", "command") => value == Kind::Null,
        ("Network", "ipam") | ("DeployConfig", "resources" | "placement") | ("WatchRule", "exec") => {
            value == Kind::EmptyMapping
        }
        _ => false,
    }
}

/// The project as a tree in the layout of `config --format json`: top-level keys sorted, `x-*` at the top only.
pub fn json_tree(project: &Project) -> Node {
    let mut node = tree(&Document::of(project), JSON);
    if let Some(top) = node.as_mapping_mut() {
        for (key, value) in &project.extensions {
            top.insert(key.as_str(), Span::NONE, tree(value, JSON));
        }
        top.sort_by(str::cmp);
    }
    node
}

/// The project as a tree in the layout of `config`.
pub fn yaml_tree(project: &Project) -> Node {
    tree(&Document::of(project), YAML)
}

/// The project as `config` prints it: [`yaml_tree`] as text, written without the tree.
///
/// The services of a big project are written by two threads, half each.
pub fn yaml_text(project: &Project) -> String {
    if project.services.len() < MANY {
        return text(&Document::of(project));
    }
    let mut services: Vec<&Service> = project.services.values().map(|service| &**service).collect();
    services.sort_by(|one, other| yaml::natural_order(one.name.as_str(), other.name.as_str()));
    let (first, second) = services.split_at(services.len() / 2);
    let nothing = BTreeMap::new();
    let rest = Document { name: "", services: &nothing, ..Document::of(project) };
    std::thread::scope(|scope| {
        let second = scope.spawn(|| text(&Part { services: Named(second) }));
        let mut whole = text(&Start { name: project.name.as_str(), services: Named(first) });
        let tail = text(&rest);
        whole.push_str(below(&second.join().unwrap_or_default(), "services:\n"));
        whole.push_str(below(&tail, "services: {}\n"));
        whole
    })
}

/// From how many services on a second thread pays.
const MANY: usize = 200;

/// The first part of a document.
#[derive(Serialize)]
struct Start<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    services: Named<'a>,
}

/// A later part.
#[derive(Serialize)]
struct Part<'a> {
    services: Named<'a>,
}

/// Services by their names.
struct Named<'a>(&'a [&'a Service]);

impl Serialize for Named<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|service| (&service.name, *service)))
    }
}

/// A part's text without the line that it begins with.
fn below<'a>(text: &'a str, head: &str) -> &'a str {
    debug_assert!(text.starts_with(head), "a part that does not begin with {head:?}: {text}");
    text.strip_prefix(head).unwrap_or(text)
}

fn text<T: Serialize>(part: &T) -> String {
    let text = yaml::to_text(part, YAML);
    debug_assert!(text.is_ok(), "the model has only text keys: {text:?}");
    text.unwrap_or_default()
}

/// Lays out any part of the model. Every key in the model is text, which is all that a layout asks for.
pub(super) fn tree<T: Serialize + ?Sized>(value: &T, shape: Shape) -> Node {
    let node = yaml::to_node(value, shape);
    debug_assert!(node.is_ok(), "the model has only text keys: {node:?}");
    node.unwrap_or_else(|_| Node::synthetic(Data::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProjectName;

    #[test]
    fn a_big_project_is_written_in_halves_that_fit() {
        for count in [MANY - 1, MANY, MANY + 1] {
            let mut project = Project { name: ProjectName::new("shop"), ..Project::default() };
            for number in 0..count {
                let name = ServiceName::new(format!("s{number}"));
                let service = Service { name: name.clone(), image: "x: y".to_owned(), ..Service::default() };
                project.services.insert(name, Box::new(service));
            }
            project.networks.insert(NetworkKey::new("net"), Network::default());
            project.extensions.insert("x-more".into(), serde_yaml::Value::from(1));
            assert_eq!(yaml_text(&project), yaml::to_yaml(&yaml_tree(&project)), "{count} services");
            project.networks.clear();
            project.extensions.clear();
            assert_eq!(yaml_text(&project), yaml::to_yaml(&yaml_tree(&project)), "{count} services alone");
        }
    }
}
