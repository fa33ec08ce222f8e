//! One tree laid over another: `-f` files, documents, `extends`, includes.
//!
//! Mappings merge by key, lists are appended, anything else is replaced; nothing (`key:`) keeps the base. Attributes with
//! a rule of their own are rows of a table. In: base and overlay. Out: the merged tree, in which every value keeps the
//! place it came from. Deliberately absent: uniqueness of list items (see [`super::unique`]).
//! <https://github.com/compose-spec/compose-spec/blob/main/13-merge.md>

use super::session::Session;
use crate::source::{Diagnostic, Span};
use crate::yaml::{Data, Mapping, Node, NodePath, PathSegment, PatternTable, Place, scalar_text};
use std::sync::LazyLock;

/// How an attribute merges that does not merge like its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// The overlay's value, even when it is nothing.
    Replace,
    /// Both as `KEY=value` lists, appended.
    Pairs,
    /// As [`Rule::Pairs`], without pairs that are there already.
    Hosts,
    /// A text is `{context: text}`; then by key.
    Build,
    /// A list is a mapping of its items; then by key.
    Names,
    /// A list is a mapping of its items to the default dependency; then by key.
    Dependencies,
    /// By key when both name one driver or one names none, else replaced.
    Logging,
    /// Address pools by subnet.
    Pools,
}

static RULES: LazyLock<PatternTable<Rule>> = LazyLock::new(|| {
    use Rule::{Build, Dependencies, Hosts, Logging, Names, Pairs, Pools, Replace};
    PatternTable::new([
        ("networks.*.ipam.config", Pools),
        ("networks.*.labels", Pairs),
        ("volumes.*.labels", Pairs),
        ("services.*.annotations", Pairs),
        ("services.*.build", Build),
        ("services.*.build.args", Pairs),
        ("services.*.build.additional_contexts", Pairs),
        ("services.*.build.extra_hosts", Hosts),
        ("services.*.build.labels", Pairs),
        ("services.*.command", Replace),
        ("services.*.depends_on", Dependencies),
        ("services.*.deploy.labels", Pairs),
        ("services.*.dns", Pairs),
        ("services.*.dns_opt", Pairs),
        ("services.*.dns_search", Pairs),
        ("services.*.entrypoint", Replace),
        ("services.*.env_file", Pairs),
        ("services.*.label_file", Pairs),
        ("services.*.environment", Pairs),
        ("services.*.extra_hosts", Hosts),
        ("services.*.healthcheck.test", Replace),
        ("services.*.labels", Pairs),
        ("services.*.logging", Logging),
        ("services.*.models", Names),
        ("services.*.networks", Names),
        ("services.*.sysctls", Pairs),
        ("services.*.tmpfs", Pairs),
        ("services.*.ulimits.*", Replace),
    ])
});

/// Lays a whole file over what was there before it.
pub fn merge(base: &mut Mapping, overlay: Mapping, session: &mut Session<'_>) {
    let mut merger = Merger { path: Vec::new(), session };
    merger.mappings(base, overlay, RULES.root());
}

/// Lays the value at `keys` (`services`, a name) over another for the same keys.
pub fn merge_at(base: Node, overlay: Node, keys: &[&str], session: &mut Session<'_>) -> Node {
    let path = keys.iter().map(|key| PathSegment::Key((*key).to_owned())).collect();
    let place = keys.iter().fold(RULES.root(), |place, key| place.key(key));
    Merger { path, session }.nodes(base, overlay, place)
}

struct Merger<'merger, 'request> {
    path: Vec<PathSegment>,
    session: &'merger mut Session<'request>,
}

impl Merger<'_, '_> {
    /// The overlay's value takes the place of the base's.
    fn replaces(&mut self, base: Span, overlay: Span) {
        self.session.history.replace(&self.path, overlay, base);
    }

    fn nodes(&mut self, base: Node, overlay: Node, place: Place<'_, Rule>) -> Node {
        if let Some(rule) = place.row() {
            return self.special(*rule, base, overlay, place);
        }
        if overlay.is_null() {
            return base;
        }
        match (base.data, overlay.data) {
            (Data::Mapping(mut below), Data::Mapping(above)) => {
                self.mappings(&mut below, above, place);
                Node { data: Data::Mapping(below), tag: None, span: overlay.span }
            }
            (Data::Sequence(mut below), Data::Sequence(above)) => {
                below.extend(above);
                Node { data: Data::Sequence(below), tag: None, span: overlay.span }
            }
            (below @ (Data::Mapping(_) | Data::Sequence(_)), above) => {
                let base = Node { data: below, tag: base.tag, span: base.span };
                let overlay = Node { data: above, tag: overlay.tag, span: overlay.span };
                let path = NodePath(self.path.clone());
                let message =
                    format!("`{path}` is {} and cannot be merged with {}", overlay.kind(), base.kind());
                let diagnostic = Diagnostic::error("cannot-merge", overlay.span, message)
                    .related(base.span, format!("{} here", base.kind()))
                    .help("write both in the same form, or replace the other one with `!override`");
                self.session.diagnostics.push(diagnostic);
                base
            }
            (_, above) => {
                self.replaces(base.span, overlay.span);
                Node { data: above, tag: overlay.tag, span: overlay.span }
            }
        }
    }

    fn mappings(&mut self, base: &mut Mapping, overlay: Mapping, place: Place<'_, Rule>) {
        if base.is_empty() {
            *base = overlay;
            return;
        }
        for (key, entry) in overlay {
            self.path.push(PathSegment::Key(key.to_string()));
            let merged = match base.take_value(&key) {
                Some(below) => self.nodes(below, entry.value, place.key(&key)),
                None => entry.value,
            };
            self.path.pop();
            base.insert(key, entry.key_span, merged);
        }
    }

    fn special(&mut self, rule: Rule, base: Node, overlay: Node, place: Place<'_, Rule>) -> Node {
        let span = if overlay.is_null() { base.span } else { overlay.span };
        match rule {
            Rule::Replace => {
                self.replaces(base.span, overlay.span);
                overlay
            }
            Rule::Pairs | Rule::Hosts => {
                if overlay.is_null() && base.as_sequence().is_some() {
                    return base;
                }
                let mut items = into_sequence(base);
                for item in into_sequence(overlay) {
                    if rule == Rule::Pairs || !items.iter().any(|known| known.data == item.data) {
                        items.push(item);
                    }
                }
                Node::new(span, Data::Sequence(items))
            }
            Rule::Build => self.by_key(as_build(base), as_build(overlay), place),
            Rule::Names => self.by_key(named(base, |_| Data::Null), named(overlay, |_| Data::Null), place),
            Rule::Dependencies => {
                self.by_key(named(base, default_dependency), named(overlay, default_dependency), place)
            }
            Rule::Logging => {
                let driver = |node: &Node| node.get("driver").map(|driver| driver.data.clone());
                let (below, above) = (driver(&base), driver(&overlay));
                if below.is_none() || above.is_none() || below == above {
                    self.by_key(base, overlay, place)
                } else {
                    self.replaces(base.span, overlay.span);
                    overlay
                }
            }
            Rule::Pools => match (base.data, overlay.data) {
                (Data::Sequence(below), Data::Sequence(above)) => {
                    Node::new(span, Data::Sequence(self.pools(below, &above, place)))
                }
                (below, Data::Null) => Node::new(base.span, below),
                (_, above) => {
                    self.replaces(base.span, overlay.span);
                    Node::new(overlay.span, above)
                }
            },
        }
    }

    /// Merges two mappings; nothing on either side leaves the other.
    fn by_key(&mut self, base: Node, overlay: Node, place: Place<'_, Rule>) -> Node {
        match (base.data, overlay.data) {
            (Data::Mapping(mut below), Data::Mapping(above)) => {
                self.mappings(&mut below, above, place);
                Node::new(overlay.span, Data::Mapping(below))
            }
            (below, Data::Null) => Node::new(base.span, below),
            (_, above) => {
                self.replaces(base.span, overlay.span);
                Node::new(overlay.span, above)
            }
        }
    }

    /// The reference's way with address pools: every pool of the base meets every pool of the overlay, and a pool that
    /// was taken into the result goes on changing while later ones meet it.
    fn pools(&mut self, base: Vec<Node>, overlay: &[Node], place: Place<'_, Rule>) -> Vec<Node> {
        let subnet =
            |node: Option<&Node>| node.and_then(|node| node.get("subnet")).map(|subnet| subnet.data.clone());
        let first_overlay = base.len();
        let mut all = base;
        all.extend_from_slice(overlay);
        // Positions in `all`, so that a change shows wherever a pool was taken to.
        let mut result: Vec<usize> = Vec::new();
        for below in 0..first_overlay {
            for above in first_overlay..all.len() {
                let known = |result: &[usize], all: &[Node], wanted: usize| {
                    result.iter().position(|pool| subnet(all.get(*pool)) == subnet(all.get(wanted)))
                };
                let differs = subnet(all.get(above)) != subnet(all.get(below));
                if differs && known(&result, &all, above).is_none() {
                    result.push(above);
                    continue;
                }
                let Some(overlay) = all.get(above).cloned() else { continue };
                if let Some(pool) = all.get_mut(below) {
                    let own = std::mem::replace(pool, Node::synthetic(Data::Null));
                    *pool = self.by_key(own, overlay, place);
                }
                match known(&result, &all, below).and_then(|index| result.get_mut(index)) {
                    Some(pool) => *pool = below,
                    None => result.push(below),
                }
            }
        }
        result.into_iter().filter_map(|pool| all.get(pool).cloned()).collect()
    }
}

/// A value as a list: `KEY=value` of a mapping in order of the texts, a text alone as one item.
fn into_sequence(node: Node) -> Vec<Node> {
    match node.data {
        Data::Sequence(items) => items,
        Data::String(_) => vec![node],
        Data::Mapping(mapping) => {
            let mut items = Vec::new();
            for (key, entry) in mapping {
                let span = entry.key_span;
                match entry.value.data {
                    Data::Null => items.push(Node::string(span, key)),
                    Data::Sequence(values) => {
                        items.extend(values.into_iter().map(|value| pair(&key, value, span)));
                    }
                    _ => items.push(pair(&key, entry.value, span)),
                }
            }
            items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            items
        }
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) | Data::Timestamp(_) => {
            Vec::new()
        }
    }
}

/// `KEY=value`; a value that is no scalar stays as it is, for the structure check to find.
fn pair(key: &str, value: Node, span: Span) -> Node {
    match scalar_text(&value.data) {
        Some(text) if !matches!(value.data, Data::Timestamp(_)) => {
            let span = if value.span.is_some() { value.span } else { span };
            Node::string(span, format!("{key}={text}"))
        }
        _ => value,
    }
}

fn as_build(node: Node) -> Node {
    match node.data {
        Data::String(_) => {
            let span = node.span;
            let mut mapping = Mapping::default();
            mapping.insert("context", span, node);
            Node::new(span, Data::Mapping(mapping))
        }
        _ => node,
    }
}

/// A list as a mapping of its items to a value.
fn named(node: Node, value: fn(Span) -> Data) -> Node {
    match node.data {
        Data::Sequence(items) if items.iter().all(|item| item.as_str().is_some()) => {
            let mut mapping = Mapping::default();
            for item in items {
                let span = item.span;
                if let Data::String(key) = item.data {
                    mapping.insert(key, span, Node::new(span, value(span)));
                }
            }
            Node::new(node.span, Data::Mapping(mapping))
        }
        _ => node,
    }
}

/// What a name in a `depends_on` list stands for.
pub fn default_dependency(span: Span) -> Data {
    let mut dependency = Mapping::default();
    dependency.insert("condition", span, Node::string(span, "service_started"));
    dependency.insert("required", span, Node::new(span, Data::Bool(true)));
    Data::Mapping(dependency)
}
