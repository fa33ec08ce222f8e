//! Lists whose items are unique by a key: a port, a mount target, the text before `=`. The last one wins, in the place
//! of the first.

use super::canonical::mounts;
use super::session::Session;
use super::structure::pair_as_text;
use crate::source::Diagnostic;
use crate::yaml::{Data, Mapping, Node, PatternTable, Place, Trail, scalar_text};
use std::borrow::Cow;
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
pub fn enforce(tree: &mut Mapping, session: &mut Session<'_>) {
    walk(tree, KEYS.root(), &Trail::default(), session);
}

fn walk(tree: &mut Mapping, place: Place<'_, Key>, path: &Trail<'_>, session: &mut Session<'_>) {
    for (key, entry) in tree.iter_mut() {
        let below = place.key(key);
        if below.is_end() && below.row().is_none() {
            continue;
        }
        let path = path.key(key);
        match &mut entry.value.data {
            Data::Mapping(mapping) => walk(mapping, below, &path, session),
            Data::Sequence(items) => {
                if let Some(rule) = below.row() {
                    unique(items, *rule, &path, session);
                }
            }
            _ => {}
        }
    }
}

/// Up to how many items comparing each with all is as quick as hashing.
const FEW: usize = 16;

fn unique(items: &mut Vec<Node>, rule: Key, path: &Trail<'_>, session: &mut Session<'_>) {
    let mut keys = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        keys.push(key(item, rule).unwrap_or_else(|message| {
            let address = path.index(index);
            let mut diagnostic =
                Diagnostic::error("invalid-item", item.span, format!("`{address}` {message}"));
            diagnostic.help.extend(Some(item).filter(|_| rule == Key::Name).and_then(pair_as_text));
            session.diagnostics.push(diagnostic);
            Cow::Owned(format!("\0{index}"))
        }));
    }
    let Some(first) = firsts(&keys) else { return };
    let mut kept: Vec<Option<Node>> = Vec::with_capacity(items.len());
    for (item, first) in std::mem::take(items).into_iter().zip(first) {
        kept.push(None);
        if let Some(place) = kept.get_mut(first) {
            if let Some(lost) = place.take() {
                session.history.replace(&path.path().0, item.span, lost.span);
            }
            *place = Some(item);
        }
    }
    items.extend(kept.into_iter().flatten());
}

/// For each key the position where it stands first; nothing when no key stands twice.
fn firsts(keys: &[Cow<'_, str>]) -> Option<Vec<usize>> {
    if keys.len() <= FEW {
        let first = |key: &Cow<'_, str>| keys.iter().position(|known| known == key);
        let repeated = keys.iter().enumerate().any(|(index, key)| first(key) != Some(index));
        return repeated.then(|| keys.iter().filter_map(first).collect());
    }
    let mut positions: HashMap<&str, usize> = HashMap::with_capacity(keys.len());
    let first: Vec<usize> =
        keys.iter().enumerate().map(|(index, key)| *positions.entry(key).or_insert(index)).collect();
    (positions.len() < keys.len()).then_some(first)
}

fn key(item: &Node, rule: Key) -> Result<Cow<'_, str>, String> {
    let text = |name: &str| item.get(name).and_then(|value| scalar_text(&value.data));
    match (&item.data, rule) {
        (Data::String(text), Key::Name) => {
            Ok(text.split_once('=').map_or(text.as_str(), |(name, _)| name).into())
        }
        (_, Key::Name) => Err(format!("must be text, not {}", item.kind())),
        (Data::Mapping(_), Key::MountTarget | Key::DeviceTarget) => match item.get("target") {
            Some(Node { data: Data::String(target), .. }) => Ok(target.into()),
            _ => Err("has no `target`".to_owned()),
        },
        (Data::String(text), Key::MountTarget) => mounts::Short::parse(text)
            .map(|mount| mount.target.into())
            .map_err(|reason| format!("is not a volume: {reason}")),
        (Data::String(text), Key::DeviceTarget) => {
            Ok(text.split(':').nth(1).or_else(|| text.split(':').next()).unwrap_or_default().into())
        }
        (Data::String(text), Key::FileTarget(folder)) => Ok(format!("{folder}/{text}").into()),
        (Data::Mapping(_), Key::FileTarget(folder)) => Ok(text("target")
            .map_or_else(|| format!("{folder}/{}", text("source").unwrap_or_default()), String::from)
            .into()),
        (Data::Int(number), Key::Text | Key::Port) => Ok(number.to_string().into()),
        (Data::String(text), Key::Text | Key::Port | Key::Path) => Ok(text.into()),
        (_, Key::Text) => Err(format!("must be text or a whole number, not {}", item.kind())),
        (Data::Mapping(_), Key::Port) => {
            let Some(target) = text("target") else { return Err("has no `target`".to_owned()) };
            let published =
                item.get("published").map_or_else(String::new, |value| format!("{:?}", value.data));
            let host = text("host_ip").unwrap_or_else(|| "0.0.0.0".into());
            let protocol = text("protocol").unwrap_or_else(|| "tcp".into());
            Ok(format!("{host}:{published}:{target}/{protocol}").into())
        }
        (Data::Mapping(_), Key::Path) => {
            text("path").map(|path| String::from(path).into()).ok_or_else(|| "has no `path`".to_owned())
        }
        // Values of the wrong kind: the structure check tells.
        _ => Ok(Cow::Borrowed("")),
    }
}
