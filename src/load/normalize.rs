//! What follows from what was said: the `default` network, dependencies that links and namespaces imply, names in the
//! engine, values of bare variables.
//!
//! In: the whole stack's canonical tree, its name and its variables. Out: the same tree, complete.

use super::canonical::{mapping, mounts, set_default};
use crate::model::Environment;
use crate::source::Span;
use crate::yaml::{Data, Mapping, Node, scalar_text};

/// Completes a tree.
pub fn normalize(tree: &mut Mapping, project: &str, variables: &Environment) {
    networks(tree);
    if let Some(services) = tree.get_mut("services").and_then(Node::as_mapping_mut) {
        for (_, entry) in services.iter_mut() {
            if let Some(service) = entry.value.as_mapping_mut() {
                self::service(service, variables);
            }
        }
    }
    for kind in ["networks", "volumes", "configs", "secrets"] {
        names(tree, kind, project);
    }
}

fn networks(tree: &mut Mapping) {
    let mut uses_default = false;
    if let Some(services) = tree.get_mut("services").and_then(Node::as_mapping_mut) {
        for (_, entry) in services.iter_mut() {
            let span = entry.key_span;
            let Some(service) = entry.value.as_mapping_mut() else { continue };
            if service.contains("provider") || service.contains("network_mode") {
                continue;
            }
            let joined = service.get("networks").and_then(Node::as_mapping);
            match joined {
                Some(joined) if !joined.is_empty() => uses_default |= joined.contains("default"),
                _ => {
                    let default = mapping([("default", Node::new(span, Data::Null))], span);
                    service.insert("networks", span, Node::new(span, default));
                    uses_default = true;
                }
            }
        }
    }
    if uses_default {
        let span = Span::NONE;
        set_default(tree, "networks", || Node::new(span, Data::Mapping(Mapping::default())));
        if let Some(networks) = tree.get_mut("networks").and_then(Node::as_mapping_mut) {
            set_default(networks, "default", || Node::new(span, Data::Null));
        }
    }
}

fn service(service: &mut Mapping, variables: &Environment) {
    if let Some(Node { data: Data::String(policy), .. }) = service.get_mut("pull_policy")
        && policy == "if_not_present"
    {
        *policy = "missing".into();
    }
    if let Some(build) = service.get_mut("build") {
        let span = build.span;
        if let Some(build) = build.as_mapping_mut() {
            set_unless_given(build, "context", span, ".");
            if !is_given(build, "dockerfile_inline") {
                set_unless_given(build, "dockerfile", span, "Dockerfile");
            }
            if let Some(args) = build.get_mut("args") {
                resolve(args, variables, false);
            }
        }
    }
    if let Some(environment) = service.get_mut("environment") {
        resolve(environment, variables, true);
    }
    if let Some(Node { data: Data::Sequence(mounts), .. }) = service.get_mut("volumes") {
        for mount in mounts {
            let target = mount.as_mapping_mut().and_then(|mount| mount.get_mut("target"));
            if let Some(Node { data: Data::String(target), .. }) = target {
                *target = if target.is_empty() { ".".into() } else { mounts::clean_target(target).into() };
            }
        }
    }
    inherit_image(service);
    dependencies(service);
}

fn is_given(mapping: &Mapping, key: &str) -> bool {
    mapping.get(key).is_some_and(|value| !value.is_null())
}

fn set_unless_given(mapping: &mut Mapping, key: &str, span: Span, value: &str) {
    if !is_given(mapping, key) {
        mapping.insert(key, span, Node::string(span, value));
    }
}

/// Gives bare variables the environment's value; without one they stay bare, or go when `keep` is false.
fn resolve(node: &mut Node, variables: &Environment, keep: bool) {
    match &mut node.data {
        Data::Sequence(items) => {
            for item in items.iter_mut() {
                if let Data::String(text) = &mut item.data
                    && !text.contains('=')
                    && let Some(value) = variables.get(text)
                {
                    *text = compact_str::format_compact!("{text}={value}");
                }
            }
            items.retain(|item| keep || item.as_str().is_none_or(|text| text.contains('=')));
        }
        Data::Mapping(pairs) => {
            for (key, entry) in pairs.iter_mut() {
                if entry.value.is_null()
                    && let Some(value) = variables.get(key)
                {
                    entry.value.data = Data::String(value.into());
                }
            }
            pairs.retain(|_, entry| keep || !entry.value.is_null());
        }
        _ => {}
    }
}

/// Hooks before the start run in the service's image unless they name one.
fn inherit_image(service: &mut Mapping) {
    let Some(image) =
        service.get("image").filter(|image| image.as_str().is_some_and(|text| !text.is_empty())).cloned()
    else {
        return;
    };
    if let Some(Node { data: Data::Sequence(hooks), .. }) = service.get_mut("pre_start") {
        for hook in hooks.iter_mut().filter_map(Node::as_mapping_mut) {
            set_default(hook, "image", || image.clone());
        }
    }
}

/// Links, shared namespaces and `volumes_from` make the other service start first.
fn dependencies(service: &mut Mapping) {
    let texts = |node: Option<&Node>| -> Vec<(String, Span)> {
        let items = node.and_then(Node::as_sequence).unwrap_or_default().iter();
        items.filter_map(|item| Some((item.as_str()?.to_owned(), item.span))).collect()
    };
    let mut implied: Vec<(String, Span, bool)> = Vec::new();
    for (link, span) in texts(service.get("links")) {
        let mut parts = link.split(':');
        let target = match (parts.next(), parts.next(), parts.next()) {
            (Some(target), Some(_), None) => target.to_owned(),
            _ => link,
        };
        implied.push((target, span, true));
    }
    for namespace in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        if let Some(value) = service.get(namespace)
            && let Some(target) = value.as_str().and_then(|text| text.strip_prefix("service:"))
        {
            implied.push((target.to_owned(), value.span, true));
        }
    }
    for (source, span) in texts(service.get("volumes_from")) {
        if !source.starts_with("container:") {
            let target = source.split(':').next().unwrap_or_default().to_owned();
            implied.push((target, span, false));
        }
    }
    if implied.is_empty() {
        return;
    }
    let span = implied.first().map_or(Span::NONE, |(_, span, _)| *span);
    if !is_given(service, "depends_on") {
        service.insert("depends_on", span, Node::new(span, Data::Mapping(Mapping::default())));
    }
    let Some(dependencies) = service.get_mut("depends_on").and_then(Node::as_mapping_mut) else { return };
    for (target, span, restart) in implied {
        let yes = |value| Node::new(span, Data::Bool(value));
        set_default(dependencies, &target, || {
            let condition = Node::string(span, "service_started");
            Node::new(
                span,
                mapping([("condition", condition), ("restart", yes(restart)), ("required", yes(true))], span),
            )
        });
    }
}

/// Resources are called `project_key` in the engine, external ones as their key, unless they have a name.
fn names(tree: &mut Mapping, kind: &str, project: &str) {
    let Some(resources) = tree.get_mut(kind).and_then(Node::as_mapping_mut) else { return };
    for (key, entry) in resources.iter_mut() {
        let span = entry.key_span;
        if entry.value.is_null() {
            entry.value.data = Data::Mapping(Mapping::default());
        }
        let Some(resource) = entry.value.as_mapping_mut() else { continue };
        let external = resource
            .get("external")
            .and_then(|value| scalar_text(&value.data))
            .is_some_and(|text| matches!(text.as_str(), "1" | "t" | "T" | "TRUE" | "true" | "True"));
        let name = if external { key.to_owned() } else { format!("{project}_{key}") };
        set_unless_given(resource, "name", span, &name);
    }
}
