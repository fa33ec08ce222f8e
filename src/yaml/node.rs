//! The spanned tree.

use crate::source::Span;
use indexmap::IndexMap;

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
    Timestamp(String),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping with text keys, in file order.
    Mapping(Mapping),
}

/// A local tag that means something to a later stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// `!reset`: the value of the base is removed.
    Reset,
    /// `!override`: the value of the base is replaced, not merged.
    Override,
    /// Any other local tag, as written.
    Other(String),
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    /// Boxed, so that nodes, most of which are short texts, stay small.
    entries: Box<IndexMap<String, Entry>>,
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
    pub fn string(span: Span, text: impl Into<String>) -> Self {
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
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The value under `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// The entry under `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Sets `key`, keeping its position when it is there already; returns what was there.
    pub fn insert(&mut self, key: impl Into<String>, key_span: Span, value: Node) -> Option<Entry> {
        self.entries.insert(key.into(), Entry { key_span, value })
    }

    /// Removes `key`, keeping the order of the rest.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        self.entries.shift_remove(key)
    }

    /// Takes the value out from under `key`, leaving null there so that the key keeps its position.
    pub fn take_value(&mut self, key: &str) -> Option<Node> {
        let entry = self.entries.get_mut(key)?;
        let span = entry.value.span;
        Some(std::mem::replace(&mut entry.value, Node::new(span, Data::Null)))
    }

    /// Keeps only the entries that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Entry) -> bool) {
        self.entries.retain(|key, entry| keep(key, entry));
    }

    /// Whether `key` is there.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Keys and entries in file order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// Keys and entries in file order, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Entry)> {
        self.entries.iter_mut().map(|(key, entry)| (key.as_str(), entry))
    }

    /// Sorts the keys.
    pub fn sort_by(&mut self, order: impl Fn(&str, &str) -> std::cmp::Ordering) {
        self.entries.sort_by(|left, _, right, _| order(left, right));
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl IntoIterator for Mapping {
    type Item = (String, Entry);
    type IntoIter = indexmap::map::IntoIter<String, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        (*self.entries).into_iter()
    }
}
