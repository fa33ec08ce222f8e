//! Defaults of long forms, put in once all files of a level are merged.

use super::canonical::set_default;
use crate::source::Span;
use crate::yaml::{Mapping, Node, scalar_text};

/// Fills in what the specification says of missing parts.
pub fn fill(tree: &mut Mapping) {
    let Some(services) = tree.get_mut("services").and_then(Node::as_mapping_mut) else { return };
    for (_, entry) in services.iter_mut() {
        let Some(service) = entry.value.as_mapping_mut() else { continue };
        if let Some(build) = service.get_mut("build") {
            let span = build.span;
            if let Some(build) = build.as_mapping_mut() {
                set_default(build, "context", || Node::string(span, "."));
            }
        }
        each(service.get_mut("secrets"), |secret, span| {
            let source =
                secret.get("source").and_then(|source| scalar_text(&source.data)).unwrap_or_default();
            set_default(secret, "target", || Node::string(span, format!("/run/secrets/{source}")));
        });
        each(service.get_mut("ports"), |port, span| {
            set_default(port, "protocol", || Node::string(span, "tcp"));
            set_default(port, "mode", || Node::string(span, "ingress"));
        });
        each(service.get_mut("gpus"), request);
        let devices = ["deploy", "resources", "reservations", "devices"];
        each(below(service, &devices), request);
    }
}

/// The value at the end of some keys.
fn below<'tree>(mapping: &'tree mut Mapping, keys: &[&str]) -> Option<&'tree mut Node> {
    match keys {
        [] => None,
        [key] => mapping.get_mut(key),
        [key, rest @ ..] => below(mapping.get_mut(key)?.as_mapping_mut()?, rest),
    }
}

/// A device request that says neither how many nor which is for all.
fn request(request: &mut Mapping, span: Span) {
    if !request.contains("count") && !request.contains("device_ids") {
        request.insert("count", span, Node::string(span, "all"));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the closures are made for the call")]
fn each(list: Option<&mut Node>, mut change: impl FnMut(&mut Mapping, Span)) {
    let Some(Node { data: crate::yaml::Data::Sequence(items), .. }) = list else { return };
    for item in items {
        let span = item.span;
        if let Some(mapping) = item.as_mapping_mut() {
            change(mapping, span);
        }
    }
}
