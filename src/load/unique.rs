//! Lists whose items are unique by a key: a port, a mount target, the text before `=`. The last one wins, in the place
//! of the first.

use super::canonical::mounts;
use crate::source::{Diagnostic, Diagnostics};
use crate::yaml::{Data, Mapping, Node, NodePath, PathSegment, PatternTable, Place, scalar_text};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What makes an item of a list the same as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// The text before `=`.
    Name,
    /// The mount's target.
    MountTarget,
    /// The device's path in the container.
    DeviceTarget,
    /// The target, or the folder and the source.
    FileTarget(&'static str),
    /// The text or number.
    Text,
    /// Address, published port, target and protocol.
    Port,
    /// The path.
    Path,
}

static KEYS: LazyLock<PatternTable<Key>> = LazyLock::new(|| {
    use Key::{DeviceTarget, FileTarget, MountTarget, Name, Path, Port, Text};
    PatternTable::new([
        ("networks.*.labels", Name),
        ("networks.*.ipam.options", Name),
        ("services.*.annotations", Name),
        ("services.*.build.args", Name),
        ("services.*.build.additional_contexts", Name),
        ("services.*.build.tags", Name),
        ("services.*.build.labels", Name),
        ("services.*.cap_add", Name),
        ("services.*.cap_drop", Name),
        ("services.*.configs", FileTarget("")),
        ("services.*.deploy.labels", Name),
        ("services.*.devices", DeviceTarget),
        ("services.*.dns", Name),
        ("services.*.dns_opt", Name),
        ("services.*.dns_search", Name),
        ("services.*.environment", Name),
        ("services.*.env_file", Path),
        ("services.*.expose", Text),
        ("services.*.labels", Name),
        ("services.*.links", Name),
        ("services.*.networks.*.aliases", Name),
        ("services.*.networks.*.link_local_ips", Name),
        ("services.*.ports", Port),
        ("services.*.profiles", Name),
        ("services.*.secrets", FileTarget("/run/secrets")),
        ("services.*.sysctls", Name),
        ("services.*.tmpfs", Name),
        ("services.*.volumes", MountTarget),
    ])
});

/// Drops items that a later one replaces, everywhere in a tree.
pub fn enforce(tree: &mut Mapping, diagnostics: &mut Diagnostics) {
    let mut path = Vec::new();
    walk(tree, KEYS.root(), &mut path, diagnostics);
}

fn walk(
    tree: &mut Mapping,
    place: Place<'_, Key>,
    path: &mut Vec<PathSegment>,
    diagnostics: &mut Diagnostics,
) {
    for (key, entry) in tree.iter_mut() {
        let below = place.key(key);
        if below.is_end() && below.row().is_none() {
            continue;
        }
        path.push(PathSegment::Key(key.to_owned()));
        match &mut entry.value.data {
            Data::Mapping(mapping) => walk(mapping, below, path, diagnostics),
            Data::Sequence(items) => {
                if let Some(rule) = below.row() {
                    unique(items, *rule, path, diagnostics);
                }
            }
            _ => {}
        }
        path.pop();
    }
}

fn unique(items: &mut Vec<Node>, rule: Key, path: &mut Vec<PathSegment>, diagnostics: &mut Diagnostics) {
    let mut positions: HashMap<String, usize> = HashMap::with_capacity(items.len());
    let mut kept: Vec<Node> = Vec::with_capacity(items.len());
    for (index, item) in std::mem::take(items).into_iter().enumerate() {
        let key = key(&item, rule).unwrap_or_else(|message| {
            path.push(PathSegment::Index(index));
            let address = NodePath(path.clone());
            path.pop();
            diagnostics.push(Diagnostic::error("invalid-item", item.span, format!("`{address}` {message}")));
            format!("\0{index}")
        });
        if let Some(known) = positions.get(&key).and_then(|position| kept.get_mut(*position)) {
            *known = item;
        } else {
            positions.insert(key, kept.len());
            kept.push(item);
        }
    }
    *items = kept;
}

fn key(item: &Node, rule: Key) -> Result<String, String> {
    let text = |name: &str| item.get(name).and_then(|value| scalar_text(&value.data));
    match (&item.data, rule) {
        (Data::String(text), Key::Name) => {
            Ok(text.split_once('=').map_or(text.as_str(), |(name, _)| name).to_owned())
        }
        (_, Key::Name) => Err(format!("must be text, not {}", item.kind())),
        (Data::Mapping(_), Key::MountTarget | Key::DeviceTarget) => match item.get("target") {
            Some(Node { data: Data::String(target), .. }) => Ok(target.clone()),
            _ => Err("has no `target`".to_owned()),
        },
        (Data::String(text), Key::MountTarget) => mounts::Short::parse(text)
            .map(|mount| mount.target)
            .map_err(|reason| format!("is not a volume: {reason}")),
        (Data::String(text), Key::DeviceTarget) => {
            Ok(text.split(':').nth(1).or_else(|| text.split(':').next()).unwrap_or_default().to_owned())
        }
        (Data::String(text), Key::FileTarget(folder)) => Ok(format!("{folder}/{text}")),
        (Data::Mapping(_), Key::FileTarget(folder)) => {
            Ok(text("target").unwrap_or_else(|| format!("{folder}/{}", text("source").unwrap_or_default())))
        }
        (Data::Int(number), Key::Text | Key::Port) => Ok(number.to_string()),
        (Data::String(text), Key::Text | Key::Port | Key::Path) => Ok(text.clone()),
        (_, Key::Text) => Err(format!("must be text or a whole number, not {}", item.kind())),
        (Data::Mapping(_), Key::Port) => {
            let Some(target) = text("target") else { return Err("has no `target`".to_owned()) };
            let published =
                item.get("published").map_or_else(String::new, |value| format!("{:?}", value.data));
            let host = text("host_ip").unwrap_or_else(|| "0.0.0.0".to_owned());
            let protocol = text("protocol").unwrap_or_else(|| "tcp".to_owned());
            Ok(format!("{host}:{published}:{target}/{protocol}"))
        }
        (Data::Mapping(_), Key::Path) => text("path").ok_or_else(|| "has no `path`".to_owned()),
        // Values of the wrong kind: the structure check tells.
        _ => Ok(String::new()),
    }
}
