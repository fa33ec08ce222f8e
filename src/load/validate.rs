//! Rules between attributes of one resource that must hold in every file by itself, before names are resolved.

use crate::source::{Diagnostic, Diagnostics};
use crate::yaml::{Data, Mapping, Node};
use std::net::IpAddr;

/// Checks one level of files (the stack's, or an include's).
pub fn check(tree: &Mapping, diagnostics: &mut Diagnostics) {
    for (name, entry) in entries(tree, "volumes") {
        external_volume(name, &entry.value, diagnostics);
    }
    for (name, entry) in entries(tree, "configs") {
        one_source(
            &format!("configs.{name}"),
            &entry.value,
            &["file", "environment", "content"],
            diagnostics,
        );
    }
    for (name, entry) in entries(tree, "secrets") {
        one_source(&format!("secrets.{name}"), &entry.value, &["file", "environment"], diagnostics);
    }
    for (name, entry) in entries(tree, "services") {
        service(name, &entry.value, diagnostics);
    }
}

fn entries<'tree>(
    tree: &'tree Mapping,
    key: &str,
) -> impl Iterator<Item = (&'tree str, &'tree crate::yaml::Entry)> {
    tree.get(key).and_then(Node::as_mapping).into_iter().flat_map(Mapping::iter)
}

fn external_volume(name: &str, volume: &Node, diagnostics: &mut Diagnostics) {
    let Some(mapping) = volume.as_mapping() else { return };
    if !matches!(mapping.get("external"), Some(Node { data: Data::Bool(true), .. })) {
        return;
    }
    for (key, entry) in mapping.iter() {
        if !matches!(key, "name" | "external") && !key.starts_with("x-") {
            let message = format!("the external volume `{name}` cannot have `{key}`");
            let diagnostic = Diagnostic::error("external-conflict", entry.key_span, message)
                .label("this volume is made by somebody else")
                .help(format!("remove `{key}`, or `external` if this project should make the volume"));
            diagnostics.push(diagnostic);
        }
    }
}

fn one_source(address: &str, object: &Node, sources: &[&str], diagnostics: &mut Diagnostics) {
    let Some(mapping) = object.as_mapping() else { return };
    let mut found = sources.iter().filter_map(|source| Some((source, mapping.entry(source)?)));
    let list = sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", ");
    match (found.next(), found.next()) {
        (Some((first, one)), Some((second, other))) => {
            let message = format!("`{address}` has both `{first}` and `{second}`");
            let diagnostic = Diagnostic::error("several-sources", other.key_span, message)
                .related(one.key_span, "the other one")
                .help(format!("keep one of {list}"));
            diagnostics.push(diagnostic);
        }
        (Some(_), None) => {}
        (None, _) if mapping.contains("driver") || mapping.contains("external") => {}
        (None, _) => {
            let message = format!("`{address}` has no content");
            let diagnostic =
                Diagnostic::error("no-source", object.span, message).label(format!("needs one of {list}"));
            diagnostics.push(diagnostic);
        }
    }
}

fn service(name: &str, service: &Node, diagnostics: &mut Diagnostics) {
    let items = |node: Option<&Node>| node.and_then(Node::as_sequence).unwrap_or_default().to_vec();
    for port in items(service.get("ports")) {
        let Some(ip) = port.get("host_ip") else { continue };
        if let Some(text) = ip.as_str()
            && text.parse::<IpAddr>().is_err()
        {
            let message = format!("`{text}` in `services.{name}.ports` is not an IP address");
            diagnostics.push(Diagnostic::error("invalid-address", ip.span, message));
        }
    }
    for rule in items(service.get("develop").and_then(|develop| develop.get("watch"))) {
        if let Some(path) = rule.get("path").filter(|path| path.as_str() == Some("")) {
            let message = format!("a path of `services.{name}.develop.watch` is empty");
            diagnostics.push(Diagnostic::error("empty-path", path.span, message));
        }
    }
    let reserved = ["deploy", "resources", "reservations", "devices"]
        .iter()
        .try_fold(service, |node, key| node.get(key));
    for request in items(service.get("gpus")).iter().chain(&items(reserved)) {
        if let (Some(mapping), Some(count), Some(_)) =
            (request.as_mapping(), request.get("count"), request.get("device_ids"))
        {
            let ids = mapping.entry("device_ids").map_or(request.span, |entry| entry.key_span);
            let message = format!("a device request of `{name}` has both `count` and `device_ids`");
            let diagnostic =
                Diagnostic::error("exclusive-attributes", ids, message).related(count.span, "the count");
            diagnostics.push(diagnostic);
        }
    }
}
