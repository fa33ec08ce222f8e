//! The spanned tree.

use crate::source::Span;
use compact_str::CompactString;
use indexmap::IndexMap;

/// A key or text of a tree. Up to 24 bytes stand in place: most texts of a stack file are as short, and an allocation for each
/// cost more than reading it.
pub type Text = CompactString;

/// One value of a YAML document with the place it was written at.
///
/// After a merge a node keeps the span of the file that won, so that a message about it points at the right line.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where the value stands.
    pub span: Span,
    /// A local tag (`!reset`, `!override`), when one was written.
    pub tag: Option<Tag>,
    /// The value.
    pub data: Data,
}

/// A value, its scalars resolved by the rules that the reference's parser has (YAML 1.2 core, and octal `0644`).
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true`, `false` and their capitalised spellings; never `yes`, `no`, `on`, `off`.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer above `i64::MAX` that fits in 64 bits.
    UInt(u64),
    /// A float.
    Float(f64),
    /// A date or time, kept as written.
    Timestamp(Text),
    /// Text.
    String(Text),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping with text keys, in file order.
    Mapping(Mapping),
}

/// A local tag that means something to a later stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `!reset`: the value of the base is removed.
    Reset,
    /// `!override`: the value of the base is replaced, not merged.
    Override,
    /// Any other local tag. A byte, not its text: every node has room for a tag, and few have one.
    Other,
}

/// The value of a key and the place of the key itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A mapping in file order.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    entries: Entries,
}

/// Up to how many keys looking through them is as quick as hashing.
const FEW: usize = 24;

/// Most mappings have a handful of keys: a plain list of these takes a third of a hash map's memory and no hashing.
#[derive(Debug, Clone)]
enum Entries {
    /// At most [`FEW`].
    Few(Vec<(Text, Entry)>),
    /// Any number. Boxed, so that nodes, most of which are short texts, stay small.
    Many(Box<IndexMap<Text, Entry>>),
}

impl Default for Entries {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Node {
    /// A node that was not written by anybody: a default.
    pub fn synthetic(data: Data) -> Self {
        Self { span: Span::NONE, tag: None, data }
    }

    /// A node with a span and no tag.
    pub fn new(span: Span, data: Data) -> Self {
        Self { span, tag: None, data }
    }

    /// Text at a place.
    pub fn string(span: Span, text: impl Into<Text>) -> Self {
        Self::new(span, Data::String(text.into()))
    }

    /// The mapping, if this is one.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        if let Data::Mapping(mapping) = &self.data { Some(mapping) } else { None }
    }

    /// The mapping to change, if this is one.
    pub fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        if let Data::Mapping(mapping) = &mut self.data { Some(mapping) } else { None }
    }

    /// The items, if this is a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        if let Data::Sequence(items) = &self.data { Some(items) } else { None }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Data::String(text) = &self.data { Some(text) } else { None }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        self.data == Data::Null
    }

    /// The value under `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    /// What kind of value this is, in the words of messages: `a mapping`, `a list`, `text`, ….
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::UInt(_) | Data::Float(_) => "a number",
            Data::Timestamp(_) => "a date",
            Data::String(_) => "text",
            Data::Sequence(_) => "a list",
            Data::Mapping(_) => "a mapping",
        }
    }
}

impl Mapping {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value under `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entry_mut(key).map(|entry| &mut entry.value)
    }

    /// The entry under `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.entries {
            Entries::Few(list) => list.iter().find(|(known, _)| known == key).map(|(_, entry)| entry),
            Entries::Many(map) => map.get(key),
        }
    }

    fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        match &mut self.entries {
            Entries::Few(list) => list.iter_mut().find(|(known, _)| known == key).map(|(_, entry)| entry),
            Entries::Many(map) => map.get_mut(key),
        }
    }

    /// Sets `key`, keeping its position when it is there already; returns what was there.
    pub fn insert(&mut self, key: impl Into<Text>, key_span: Span, value: Node) -> Option<Entry> {
        let key = key.into();
        let entry = Entry { key_span, value };
        match &mut self.entries {
            Entries::Few(list) => {
                if let Some((_, known)) = list.iter_mut().find(|(known, _)| *known == key) {
                    return Some(std::mem::replace(known, entry));
                }
                list.push((key, entry));
                if list.len() > FEW {
                    self.entries = Entries::Many(Box::new(std::mem::take(list).into_iter().collect()));
                }
                None
            }
            Entries::Many(map) => map.insert(key, entry),
        }
    }

    /// Adds `key`, which must not be there yet.
    ///
    /// # Errors
    /// Where the key stands that is there already; it stays as it is.
    pub fn add(&mut self, key: Text, key_span: Span, value: Node) -> Result<(), (Text, Span)> {
        match &mut self.entries {
            Entries::Few(list) if list.len() < FEW => {
                if let Some((_, known)) = list.iter().find(|(known, _)| *known == key) {
                    return Err((key, known.key_span));
                }
                list.push((key, Entry { key_span, value }));
            }
            Entries::Few(_) | Entries::Many(_) => {
                if let Some(known) = self.entry(&key) {
                    return Err((key, known.key_span));
                }
                self.insert(key, key_span, value);
            }
        }
        Ok(())
    }

    /// Removes `key`, keeping the order of the rest.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        match &mut self.entries {
            Entries::Few(list) => {
                let position = list.iter().position(|(known, _)| known == key)?;
                Some(list.remove(position).1)
            }
            Entries::Many(map) => map.shift_remove(key),
        }
    }

    /// Takes the value out from under `key`, leaving null there so that the key keeps its position.
    pub fn take_value(&mut self, key: &str) -> Option<Node> {
        let entry = self.entry_mut(key)?;
        let span = entry.value.span;
        Some(std::mem::replace(&mut entry.value, Node::new(span, Data::Null)))
    }

    /// Keeps only the entries that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Entry) -> bool) {
        match &mut self.entries {
            Entries::Few(list) => list.retain(|(key, entry)| keep(key, entry)),
            Entries::Many(map) => map.retain(|key, entry| keep(key, entry)),
        }
    }

    /// Whether `key` is there.
    pub fn contains(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Keys and entries in file order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        let (few, many) = match &self.entries {
            Entries::Few(list) => (Some(list.iter()), None),
            Entries::Many(map) => (None, Some(map.iter())),
        };
        let few = few.into_iter().flatten().map(|(key, entry)| (key.as_str(), entry));
        few.chain(many.into_iter().flatten().map(|(key, entry)| (key.as_str(), entry)))
    }

    /// Keys and entries in file order, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Entry)> {
        let (few, many) = match &mut self.entries {
            Entries::Few(list) => (Some(list.iter_mut()), None),
            Entries::Many(map) => (None, Some(map.iter_mut())),
        };
        let few = few.into_iter().flatten().map(|(key, entry)| (key.as_str(), entry));
        few.chain(many.into_iter().flatten().map(|(key, entry)| (key.as_str(), entry)))
    }

    /// Sorts the keys.
    pub fn sort_by(&mut self, order: impl Fn(&str, &str) -> std::cmp::Ordering) {
        match &mut self.entries {
            Entries::Few(list) => list.sort_by(|(left, _), (right, _)| order(left, right)),
            Entries::Many(map) => map.sort_by(|left, _, right, _| order(left, right)),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::Few(list) => list.len(),
            Entries::Many(map) => map.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Equal keys with equal entries, in any order.
impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, entry)| other.entry(key) == Some(entry))
    }
}

impl IntoIterator for Mapping {
    type Item = (Text, Entry);
    type IntoIter = IntoEntries;

    fn into_iter(self) -> Self::IntoIter {
        match self.entries {
            Entries::Few(list) => IntoEntries::Few(list.into_iter()),
            Entries::Many(map) => IntoEntries::Many(map.into_iter()),
        }
    }
}

/// The entries of a mapping that is taken apart, in file order.
#[derive(Debug)]
pub enum IntoEntries {
    /// Of a small one.
    Few(std::vec::IntoIter<(Text, Entry)>),
    /// Of a big one.
    Many(indexmap::map::IntoIter<Text, Entry>),
}

impl Iterator for IntoEntries {
    type Item = (Text, Entry);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(entries) => entries.next(),
            Self::Many(entries) => entries.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(entries) => entries.size_hint(),
            Self::Many(entries) => entries.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, FEW, Mapping, Node};
    use crate::source::Span;

    fn number(value: usize) -> Node {
        Node::synthetic(Data::Int(i64::try_from(value).unwrap()))
    }

    /// The keys of mappings of every size around the border between the two ways of keeping them.
    #[test]
    fn keys_keep_their_order_and_values_at_every_size() {
        for size in [1, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let mut mapping = Mapping::default();
            for index in 0..size {
                assert!(mapping.insert(format!("k{index}"), Span::NONE, number(index)).is_none());
            }
            assert_eq!(mapping.insert("k0", Span::NONE, number(7)).unwrap().value, number(0));
            assert_eq!((mapping.len(), mapping.get("k0")), (size, Some(&number(7))));
            assert_eq!(mapping.take_value("k0"), Some(number(7)));
            let copy = mapping.clone();
            assert!(mapping.remove("k0").is_some() && mapping.remove("k0").is_none());
            assert_ne!(mapping, copy);
            let expected: Vec<String> = (1..size).map(|index| format!("k{index}")).collect();
            let keys: Vec<_> = mapping.iter().map(|(key, _)| key.to_owned()).collect();
            assert_eq!(keys, expected);
            let mut backwards = Mapping::default();
            for (key, entry) in mapping.clone().into_iter().collect::<Vec<_>>().into_iter().rev() {
                backwards.insert(key, Span::NONE, entry.value);
            }
            assert_eq!(backwards, mapping, "the order does not count when mappings are compared");
            mapping.retain(|key, _| key == "k1");
            assert_eq!(mapping.len(), usize::from(size > 1));
        }
    }
}
