//! Short forms spelled out, so that later stages and the model know one form only.
//!
//! In: a merged tree whose structure was checked. Out: the same tree in long form; texts that cannot be read are
//! reported at their place. Deliberately absent: defaults of long forms (see [`super::defaults`]).

pub mod mounts;
pub mod ports;
pub mod typed;
mod words;

use super::merge::default_dependency;
use super::structure::gpu_attributes;
use crate::source::{Diagnostic, Diagnostics, Span, nearest};
use crate::yaml::{Data, Mapping, Node, PatternTable, Place, Trail, scalar_text};
use compact_str::ToCompactString;
use std::sync::LazyLock;

/// How an attribute is spelled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A text is `{key: text}`.
    Lift(&'static str),
    /// A scalar is its text.
    AsText,
    /// A text is a list of one.
    AsList,
    /// `KEY=value` items are a mapping.
    Pairs,
    /// Names are a mapping to the default dependency; missing parts of one are filled in.
    Dependencies,
    /// Files are `{path, required}`.
    EnvFiles,
    /// `all` is one request.
    Gpus,
    /// Names are a mapping to nothing.
    Names,
    Mount,
    Device,
    Ports,
    Ssh,
    Ulimit,
    /// `external: {name: x}` is `external: true` and `name: x`.
    External,
}

static FORMS: LazyLock<PatternTable<Form>> = LazyLock::new(|| {
    use Form::{
        AsList, AsText, Dependencies, Device, EnvFiles, External, Gpus, Lift, Mount, Names, Pairs, Ports,
        Ssh, Ulimit,
    };
    PatternTable::new([
        ("services.*.build", Lift("context")),
        ("services.*.build.secrets.*", Lift("source")),
        ("services.*.build.provenance", AsText),
        ("services.*.build.sbom", AsText),
        ("services.*.build.additional_contexts", Pairs),
        ("services.*.build.ssh", Ssh),
        ("services.*.build.ulimits.*", Ulimit),
        ("services.*.depends_on", Dependencies),
        ("services.*.env_file", EnvFiles),
        ("services.*.label_file", AsList),
        ("services.*.extends", Lift("service")),
        ("services.*.gpus", Gpus),
        ("services.*.networks", Names),
        ("services.*.models", Names),
        ("services.*.volumes.*", Mount),
        ("services.*.dns", AsList),
        ("services.*.devices.*", Device),
        ("services.*.secrets.*", Lift("source")),
        ("services.*.configs.*", Lift("source")),
        ("services.*.ports", Ports),
        ("services.*.ulimits.*", Ulimit),
        ("services.*.develop.watch.*.ignore", AsList),
        ("services.*.develop.watch.*.include", AsList),
        ("volumes.*", External),
        ("networks.*", External),
        ("secrets.*", External),
        ("configs.*", External),
    ])
});

/// Spells out everything. `lenient`: texts that cannot be read stay as they are (they may still hold templates).
pub fn canonical(tree: &mut Mapping, lenient: bool, diagnostics: &mut Diagnostics) {
    Speller { lenient, diagnostics }.mapping(tree, FORMS.root(), &Trail::default());
}

struct Speller<'diagnostics> {
    lenient: bool,
    diagnostics: &'diagnostics mut Diagnostics,
}

impl Speller<'_> {
    fn mapping(&mut self, tree: &mut Mapping, place: Place<'_, Form>, path: &Trail<'_>) {
        for (key, entry) in tree.iter_mut() {
            let below = place.key(key);
            if !below.is_end() || below.row().is_some() {
                self.node(&mut entry.value, below, &path.key(key));
            }
        }
    }

    fn node(&mut self, node: &mut Node, place: Place<'_, Form>, path: &Trail<'_>) {
        if let Some(form) = place.row() {
            self.form(node, *form, path);
        }
        if place.is_end() {
            return;
        }
        match &mut node.data {
            Data::Mapping(mapping) => self.mapping(mapping, place, path),
            Data::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, place.item(), &path.index(index));
                }
            }
            _ => {}
        }
    }

    fn form(&mut self, node: &mut Node, form: Form, path: &Trail<'_>) {
        let span = node.span;
        let take = |node: &mut Node| std::mem::replace(&mut node.data, Data::Null);
        match (form, &mut node.data) {
            (Form::Lift(key), Data::String(_)) => {
                let text = Node::new(span, take(node));
                node.data = mapping([(key, text)], span);
            }
            (Form::AsText, Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) | Data::Null) => {
                node.data = Data::String(scalar_text(&node.data).unwrap_or_default());
            }
            (Form::AsList, Data::String(_)) => {
                let text = Node::new(span, take(node));
                node.data = Data::Sequence(vec![text]);
            }
            (Form::Pairs, Data::Sequence(items)) => {
                if let Some(pairs) = self.pairs(items, path) {
                    node.data = Data::Mapping(pairs);
                }
            }
            (Form::Names, Data::Sequence(items)) => {
                node.data = Data::Mapping(names(items, |_| Data::Null));
            }
            (Form::Dependencies, Data::Sequence(items)) => {
                node.data = Data::Mapping(names(items, default_dependency));
            }
            (Form::Dependencies, Data::Mapping(dependencies)) => {
                for (_, entry) in dependencies.iter_mut() {
                    let at = entry.key_span;
                    if let Some(dependency) = entry.value.as_mapping_mut() {
                        set_default(dependency, "condition", || Node::string(at, "service_started"));
                        set_default(dependency, "required", || Node::new(at, Data::Bool(true)));
                    }
                }
            }
            (Form::EnvFiles, data @ Data::String(_)) => {
                let text = std::mem::replace(data, Data::Null);
                *data = Data::Sequence(vec![env_file(Node::new(span, text))]);
            }
            (Form::EnvFiles, Data::Sequence(items)) => {
                for item in items {
                    let file = std::mem::replace(item, Node::new(span, Data::Null));
                    *item = env_file(file);
                }
            }
            (Form::Gpus, Data::String(_)) => {
                let request = mapping([("count", Node::string(span, "all"))], span);
                node.data = Data::Sequence(vec![Node::new(span, request)]);
            }
            (Form::Gpus, Data::Sequence(items)) => {
                for request in items.iter_mut().filter_map(Node::as_mapping_mut) {
                    self.known_of_gpu(request);
                }
            }
            (Form::Mount, Data::String(text)) => match mounts::Short::parse(text) {
                Ok(mount) => node.data = mount.into_data(span),
                Err(reason) => self.unreadable(path, span, "invalid-volume", "a volume", &reason),
            },
            (Form::Device, Data::String(text)) => match device(text, span) {
                Some(device) => node.data = device,
                None => self.unreadable(
                    path,
                    span,
                    "invalid-device",
                    "a device",
                    "use the long form, this has too many colons",
                ),
            },
            (Form::Ports, Data::Sequence(items)) => {
                let items = std::mem::take(items);
                node.data = Data::Sequence(self.ports(items, path));
            }
            (Form::Ssh, Data::Sequence(items)) => {
                let items = std::mem::take(items);
                node.data = Data::Mapping(self.ssh(items, path));
            }
            (Form::Ulimit, Data::String(text)) => {
                let reason = format!("`{text}` is not a whole number");
                self.unreadable(path, span, "wrong-kind", "a limit", &reason);
            }
            (Form::External, Data::Mapping(resource)) => self.external(resource, path),
            _ => {}
        }
    }

    /// The schema of the specification lets a request for GPUs have keys that mean nothing, and the reference drops them
    /// unsaid.
    fn known_of_gpu(&mut self, request: &mut Mapping) {
        let is_known = |key: &str| gpu_attributes().any(|known| known == key) || key.starts_with("x-");
        for (key, entry) in request.iter().filter(|(key, _)| !is_known(key)) {
            let message = format!("a GPU request has no attribute `{key}`: it is passed over");
            let mut warning = Diagnostic::warning("unknown-attribute", entry.key_span, message);
            warning.help.extend(
                nearest(key, gpu_attributes())
                    .map(|near| format!("an attribute with a similar name exists: `{near}`")),
            );
            self.diagnostics.push(warning);
        }
        request.retain(|key, _| is_known(key));
    }

    fn unreadable(&mut self, path: &Trail<'_>, span: Span, code: &'static str, what: &str, reason: &str) {
        if !self.lenient {
            let message = format!("`{path}` is not {what}: {reason}");
            self.diagnostics.push(Diagnostic::error(code, span, message));
        }
    }

    fn port(&mut self, path: &Trail<'_>, span: Span, text: &str, reason: &str) {
        let message = format!("`{text}` in `{path}` is not a port: {reason}");
        let diagnostic = Diagnostic::error("invalid-port", span, message)
            .label("expected `container`, `host:container` or `ip:host:container`, numbers or ranges");
        self.diagnostics.push(diagnostic);
    }

    fn pairs(&mut self, items: &[Node], path: &Trail<'_>) -> Option<Mapping> {
        let mut pairs = Mapping::default();
        for item in items {
            let text = item.as_str()?;
            let Some((key, value)) = text.split_once('=') else {
                self.unreadable(path, item.span, "missing-value", "a pair", &format!("write `{text}=value`"));
                return None;
            };
            pairs.insert(key, item.span, Node::string(item.span, value));
        }
        Some(pairs)
    }

    fn ports(&mut self, items: Vec<Node>, path: &Trail<'_>) -> Vec<Node> {
        let mut spelled = Vec::with_capacity(items.len());
        for item in items {
            let text = match &item.data {
                Data::String(text) => text.clone(),
                Data::Int(number) => number.to_compact_string(),
                Data::Mapping(_) => {
                    spelled.push(item);
                    continue;
                }
                _ => {
                    let message = format!("`{path}` is not a list of ports: {} cannot be one", item.kind());
                    self.diagnostics.push(Diagnostic::error("invalid-port", item.span, message));
                    continue;
                }
            };
            match ports::parse(&text, item.span) {
                Ok(ports) => spelled.extend(ports),
                Err(reason) => {
                    // A text may hold a template that is yet to be filled in; nothing else can.
                    if !(self.lenient && item.as_str().is_some()) {
                        self.port(path, item.span, &text, &reason);
                    }
                    spelled.push(item);
                }
            }
        }
        spelled
    }

    fn ssh(&mut self, items: Vec<Node>, path: &Trail<'_>) -> Mapping {
        let mut keys = Mapping::default();
        for item in items {
            let span = item.span;
            let Data::String(text) = &item.data else { continue };
            match text.split_once('=') {
                Some((id, path)) => {
                    keys.insert(id, span, Node::string(span, path));
                }
                None if text == "default" => {
                    keys.insert("default", span, Node::new(span, Data::Null));
                }
                None => {
                    let reason = format!("`{text}` needs a path: `{text}=path`; only `default` stands alone");
                    self.unreadable(path, span, "invalid-ssh", "an SSH key list", &reason);
                }
            }
        }
        keys
    }

    fn external(&mut self, resource: &mut Mapping, path: &Trail<'_>) {
        let Some(entry) = resource.entry("external") else { return };
        let (key_span, span) = (entry.key_span, entry.value.span);
        let Some(external) = entry.value.as_mapping() else { return };
        let name = external.get("name").cloned();
        resource.insert("external", key_span, Node::new(span, Data::Bool(true)));
        let Some(name) = name else { return };
        let warning = Diagnostic::warning(
            "deprecated-external-name",
            name.span,
            format!("`{path}.external.name` is an old form"),
        )
        .help("write `external: true` and `name: …` beside it");
        self.diagnostics.push(warning);
        match resource.get("name") {
            Some(known) if known.data != name.data => {
                let diagnostic =
                    Diagnostic::error("conflicting-names", known.span, format!("`{path}` has two names"))
                        .related(name.span, "the other one, in the old form")
                        .help("keep `name` and write `external: true`");
                self.diagnostics.push(diagnostic);
            }
            Some(_) => {}
            None => {
                resource.insert("name", key_span, name);
            }
        }
    }
}

/// Sets `key` unless it is there.
pub fn set_default(mapping: &mut Mapping, key: &str, value: impl FnOnce() -> Node) {
    if !mapping.contains(key) {
        let value = value();
        mapping.insert(key, value.span, value);
    }
}

/// A mapping whose keys and values all stand at `span`.
pub fn mapping<const N: usize>(entries: [(&str, Node); N], span: Span) -> Data {
    let mut mapping = Mapping::default();
    for (key, value) in entries {
        mapping.insert(key, span, value);
    }
    Data::Mapping(mapping)
}

fn names(items: &[Node], value: fn(Span) -> Data) -> Mapping {
    let mut mapping = Mapping::default();
    for item in items {
        if let Some(name) = item.as_str() {
            mapping.insert(name, item.span, Node::new(item.span, value(item.span)));
        }
    }
    mapping
}

fn env_file(mut file: Node) -> Node {
    let span = file.span;
    match &mut file.data {
        Data::String(_) => {
            Node::new(span, mapping([("path", file), ("required", Node::new(span, Data::Bool(true)))], span))
        }
        Data::Mapping(long) => {
            set_default(long, "required", || Node::new(span, Data::Bool(true)));
            file
        }
        _ => file,
    }
}

/// `source[:target[:permissions]]`.
fn device(text: &str, span: Span) -> Option<Data> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, permissions) = match parts.as_slice() {
        [source] => (*source, "", "rwm"),
        [source, target] => (*source, *target, "rwm"),
        [source, target, permissions] => (*source, *target, *permissions),
        _ => return None,
    };
    let target = if target.is_empty() { source } else { target };
    let text = |text: &str| Node::string(span, text);
    Some(mapping(
        [("source", text(source)), ("target", text(target)), ("permissions", text(permissions))],
        span,
    ))
}

/// Removes empty name servers: `dns: ${DNS}` with `DNS` not set is no name server.
pub fn drop_empty(tree: &mut Mapping) {
    let Some(services) = tree.get_mut("services").and_then(Node::as_mapping_mut) else { return };
    for (_, service) in services.iter_mut() {
        let dns = service.value.as_mapping_mut().and_then(|service| service.get_mut("dns"));
        if let Some(Node { data: Data::Sequence(items), .. }) = dns {
            items.retain(|item| !item.is_null() && item.as_str() != Some(""));
        }
    }
}
