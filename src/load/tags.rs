//! `!reset` and `!override`: what a file takes away from what was there before it.
//!
//! `!reset` removes the value of the base, whatever is written behind the tag; `!override` removes it and puts the new
//! value there, unmerged. Both speak of mapping keys; on a list item `!reset` only drops the item itself.

use super::session::Session;
use crate::yaml::{Data, Mapping, Node, PathSegment, Tag, Trail};

/// The keys to a value, from the root.
pub type KeyPath = Vec<String>;

/// Takes the tags out of a file's tree and returns the addresses that its base loses.
pub fn take(tree: &mut Node) -> Vec<KeyPath> {
    let mut taken = Vec::new();
    walk(tree, &Trail::default(), false, &mut taken);
    taken
}

fn walk(node: &mut Node, path: &Trail<'_>, in_list: bool, taken: &mut Vec<KeyPath>) {
    if node.tag == Some(Tag::Override) {
        if !in_list {
            taken.push(keys(path));
        }
        node.tag = None;
        return;
    }
    match &mut node.data {
        Data::Mapping(mapping) => {
            let mut resets = false;
            for (key, entry) in mapping.iter_mut() {
                let path = path.key(key);
                if entry.value.tag == Some(Tag::Reset) {
                    resets = true;
                    if !in_list {
                        taken.push(keys(&path));
                    }
                } else {
                    walk(&mut entry.value, &path, in_list, taken);
                }
            }
            if resets {
                mapping.retain(|_, entry| entry.value.tag != Some(Tag::Reset));
            }
        }
        Data::Sequence(items) => {
            items.retain(|item| item.tag != Some(Tag::Reset));
            for item in items {
                walk(item, path, true, taken);
            }
        }
        Data::Null
        | Data::Bool(_)
        | Data::Int(_)
        | Data::UInt(_)
        | Data::Float(_)
        | Data::Timestamp(_)
        | Data::String(_) => {}
    }
}

/// An address without list items: those are not looked into.
fn keys(path: &Trail<'_>) -> KeyPath {
    let steps = path.path().0.into_iter();
    steps.filter_map(|step| if let PathSegment::Key(key) = step { Some(key) } else { None }).collect()
}

/// Removes the values at `taken` from a whole tree.
pub fn apply(tree: &mut Mapping, taken: &[KeyPath], session: &mut Session<'_>) {
    for path in taken {
        if let Some(lost) = remove(tree, path) {
            session.history.remove(path, &lost);
        }
    }
}

/// Removes, from the value of `keys` alone, what `taken` says.
pub fn apply_at(value: &mut Node, keys: &[&str], taken: &[KeyPath], session: &mut Session<'_>) {
    for path in taken {
        let below = path.get(keys.len()..).unwrap_or_default();
        let same = path.iter().zip(keys).all(|(one, other)| one == other) && path.len() >= keys.len();
        if let (true, false, Some(mapping)) = (same, below.is_empty(), value.as_mapping_mut())
            && let Some(lost) = remove(mapping, below)
        {
            session.history.remove(path, &lost);
        }
    }
}

fn remove(mapping: &mut Mapping, path: &[String]) -> Option<Node> {
    match path {
        [] => None,
        [key] => mapping.remove(key).map(|entry| entry.value),
        [key, rest @ ..] => remove(mapping.get_mut(key)?.as_mapping_mut()?, rest),
    }
}
