//! serde over a spanned tree: `&Node` in, any `Deserialize` out, every error with a span and a [`NodePath`].
//!
//! Written for plain derives. Three conventions, so that a model needs no `flatten` and no `untagged` (both lose
//! positions):
//! - a key of a *struct* whose value is null counts as not written;
//! - a struct field renamed to `prefix*` gathers all keys that start with `prefix`;
//! - where text is wanted, numbers and booleans are taken as the text that the reference makes of them.
//!
//! Deliberately absent: recovery. serde stops at the first error; whoever wants all of them decodes again without the
//! part that failed. Start reading at [`from_node`].

use super::{Data, Entry, Node, NodePath, PathSegment, scalar_text};
use crate::source::Span;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use std::fmt;

/// Decodes a value. `path` is where `node` stands in its tree; it is the head of an error's path.
///
/// # Errors
/// The first value that does not fit, with its place.
pub fn from_node<'de, T: de::Deserialize<'de>>(node: &'de Node, path: &NodePath) -> Result<T, DecodeError> {
    T::deserialize(NodeDeserializer { node }).map_err(|mut error| {
        error.at(node.span);
        error.reversed.reverse();
        let mut full = path.clone();
        full.0.append(&mut error.reversed);
        DecodeError { message: error.message, label: error.label, span: error.span, path: full }
    })
}

/// A value that does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct DecodeError {
    /// What is wrong, without the place.
    pub message: String,
    /// What would be right, when that is known.
    pub label: String,
    /// Where the value stands.
    pub span: Span,
    /// Its address.
    pub path: NodePath,
}

/// An error on its way out of the tree: the path is gathered from the inside.
#[derive(Debug)]
pub struct Failure {
    message: String,
    label: String,
    span: Span,
    reversed: Vec<PathSegment>,
}

impl Failure {
    fn new(message: String) -> Self {
        Self { message, label: String::new(), span: Span::NONE, reversed: Vec::new() }
    }

    /// The innermost place wins.
    fn at(&mut self, span: Span) {
        if !self.span.is_some() {
            self.span = span;
        }
    }

    fn inside(mut self, segment: PathSegment, span: Span) -> Self {
        self.at(span);
        self.reversed.push(segment);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    /// A visitor's own words. Text after a `|` goes to the label: what would be right.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        let (message, label) = text.split_once('|').unwrap_or((&text, ""));
        Self { label: label.to_owned(), ..Self::new(message.to_owned()) }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self {
            label: format!("expected {}", plain_words(&expected.to_string())),
            ..Self::new(format!("{} cannot be used here", found(&unexpected)))
        }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self {
            label: format!("expected {}", plain_words(&expected.to_string())),
            ..Self::new(format!("{} is out of range", found(&unexpected)))
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            label: format!("expected {}", one_of(expected)),
            ..Self::new(format!("`{variant}` is not a valid value"))
        }
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown attribute `{field}`"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing"))
    }
}

/// `` `a`, `b` or `c` ``.
fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}

fn found(unexpected: &Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("the boolean `{value}`"),
        Unexpected::Unsigned(value) => format!("the number `{value}`"),
        Unexpected::Signed(value) => format!("the number `{value}`"),
        Unexpected::Float(value) => format!("the number `{value}`"),
        Unexpected::Str(text) => format!("`{text}`"),
        Unexpected::Unit | Unexpected::Option => "an empty value".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Char(_)
        | Unexpected::Bytes(_)
        | Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant
        | Unexpected::Other(_) => "this value".to_owned(),
    }
}

/// serde names Rust types; people write YAML.
fn plain_words(expected: &str) -> String {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        other if other.starts_with("struct ") => "a mapping",
        other => other,
    }
    .to_owned()
}

#[derive(Clone, Copy)]
struct NodeDeserializer<'de> {
    node: &'de Node,
}

impl<'de> NodeDeserializer<'de> {
    fn unexpected(self) -> Unexpected<'de> {
        match &self.node.data {
            Data::Null => Unexpected::Unit,
            Data::Bool(value) => Unexpected::Bool(*value),
            Data::Int(value) => Unexpected::Signed(*value),
            Data::UInt(value) => Unexpected::Unsigned(*value),
            Data::Float(value) => Unexpected::Float(*value),
            Data::Timestamp(text) | Data::String(text) => Unexpected::Str(text),
            Data::Sequence(_) => Unexpected::Seq,
            Data::Mapping(_) => Unexpected::Map,
        }
    }

    fn wrong_type(self, expected: &dyn de::Expected) -> Failure {
        let mut failure = <Failure as de::Error>::invalid_type(self.unexpected(), expected);
        failure.at(self.node.span);
        failure
    }

    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Int(value) => visitor.visit_i64(*value),
            Data::UInt(value) => visitor.visit_u64(*value),
            // `08` is a float in YAML, and `1.0` is an integer to a JSON schema.
            Data::Float(value) => match whole(*value) {
                Some(value) => visitor.visit_i64(value),
                None => Err(self.wrong_type(&visitor)),
            },
            Data::String(text) => match text.parse::<i64>() {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => Err(self.wrong_type(&visitor)),
            },
            Data::Null | Data::Bool(_) | Data::Timestamp(_) | Data::Sequence(_) | Data::Mapping(_) => {
                Err(self.wrong_type(&visitor))
            }
        }
    }

    fn float<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Int(value) => visitor.visit_i64(*value),
            Data::UInt(value) => visitor.visit_u64(*value),
            Data::Float(value) => visitor.visit_f64(*value),
            Data::String(text) => match text.parse::<f64>() {
                Ok(value) => visitor.visit_f64(value),
                Err(_) => Err(self.wrong_type(&visitor)),
            },
            Data::Null | Data::Bool(_) | Data::Timestamp(_) | Data::Sequence(_) | Data::Mapping(_) => {
                Err(self.wrong_type(&visitor))
            }
        }
    }

    fn entries<V: Visitor<'de>>(
        self,
        visitor: V,
        fields: &'static [&'static str],
    ) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Mapping(mapping) => {
                let gather = fields.iter().copied().find(|field| field.ends_with('*'));
                let prefix = gather.and_then(|field| field.strip_suffix('*'));
                let mut entries = Vec::with_capacity(mapping.len());
                let mut gathered = Vec::new();
                for (key, entry) in mapping.iter() {
                    if fields.contains(&key) {
                        // Nothing written after the colon: as if the key were not there.
                        if !entry.value.is_null() {
                            entries.push((key, entry));
                        }
                    } else if prefix.is_some_and(|prefix| key.starts_with(prefix)) {
                        gathered.push((key, entry));
                    } else {
                        let failure = <Failure as de::Error>::unknown_field(key, fields);
                        return Err(failure.inside(PathSegment::Key(key.to_owned()), entry.key_span));
                    }
                }
                let gathered = gather.filter(|_| !gathered.is_empty()).map(|field| (field, gathered));
                visitor.visit_map(Entries { rest: entries.into_iter(), value: None, gathered, pending: None })
            }
            Data::Null => visitor.visit_map(Entries::of(Vec::new())),
            Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)
            | Data::Sequence(_) => Err(self.wrong_type(&visitor)),
        }
    }
}

/// The integer that a float is, if it is one.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole(value: f64) -> Option<i64> {
    let fits = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    fits.then_some(value as i64)
}

macro_rules! forward {
    ($to:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.$to(visitor)
        })*
    };
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Int(value) => visitor.visit_i64(*value),
            Data::UInt(value) => visitor.visit_u64(*value),
            Data::Float(value) => visitor.visit_f64(*value),
            Data::Timestamp(text) | Data::String(text) => visitor.visit_borrowed_str(text),
            Data::Sequence(_) => self.deserialize_seq(visitor),
            Data::Mapping(_) => self.deserialize_map(visitor),
        }
        .map_err(|mut failure: Failure| {
            failure.at(self.node.span);
            failure
        })
    }

    forward!(integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    forward!(float: deserialize_f32 deserialize_f64);
    forward!(deserialize_any: deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_char);
    forward!(deserialize_string: deserialize_str deserialize_identifier);

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::String(text) if text == "true" => visitor.visit_bool(true),
            Data::String(text) if text == "false" => visitor.visit_bool(false),
            Data::Null
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)
            | Data::Sequence(_)
            | Data::Mapping(_) => Err(self.wrong_type(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if let Data::String(text) = &self.node.data {
            return visitor.visit_borrowed_str(text);
        }
        match scalar_text(&self.node.data) {
            Some(text) => visitor.visit_str(&text),
            None => Err(self.wrong_type(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Sequence(items) => visitor.visit_seq(Items { rest: items.iter(), index: 0 }),
            Data::Null => visitor.visit_seq(Items { rest: [].iter(), index: 0 }),
            Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)
            | Data::Mapping(_) => Err(self.wrong_type(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.data {
            Data::Mapping(mapping) => visitor.visit_map(Entries::of(mapping.iter().collect())),
            Data::Null => visitor.visit_map(Entries::of(Vec::new())),
            Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)
            | Data::Sequence(_) => Err(self.wrong_type(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.entries(visitor, fields)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let Some(text) = self.node.as_str() else {
            return Err(self.wrong_type(&Words(variants)));
        };
        visitor.visit_enum(text.into_deserializer()).map_err(|mut failure: Failure| {
            failure.at(self.node.span);
            failure
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }
}

/// The spellings of an enumeration, as what was expected.
struct Words(&'static [&'static str]);

impl de::Expected for Words {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&one_of(self.0))
    }
}

struct Items<'de> {
    rest: std::slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some(node) = self.rest.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(NodeDeserializer { node })
            .map(Some)
            .map_err(|failure| failure.inside(PathSegment::Index(index), node.span))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

type Pair<'de> = (&'de str, &'de Entry);

struct Entries<'de> {
    rest: std::vec::IntoIter<Pair<'de>>,
    value: Option<Pair<'de>>,
    /// The keys with a common prefix, and the field that takes them.
    gathered: Option<(&'static str, Vec<Pair<'de>>)>,
    pending: Option<Vec<Pair<'de>>>,
}

impl<'de> Entries<'de> {
    fn of(entries: Vec<Pair<'de>>) -> Self {
        Self { rest: entries.into_iter(), value: None, gathered: None, pending: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        if let Some((key, entry)) = self.rest.next() {
            self.value = Some((key, entry));
            let deserializer: de::value::BorrowedStrDeserializer<'de, Failure> =
                de::value::BorrowedStrDeserializer::new(key);
            return seed
                .deserialize(deserializer)
                .map(Some)
                .map_err(|failure| failure.inside(PathSegment::Key(key.to_owned()), entry.key_span));
        }
        let Some((field, entries)) = self.gathered.take() else {
            return Ok(None);
        };
        self.pending = Some(entries);
        seed.deserialize(de::value::StrDeserializer::<Failure>::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        if let Some(entries) = self.pending.take() {
            return seed.deserialize(de::value::MapAccessDeserializer::new(Entries::of(entries)));
        }
        let Some((key, entry)) = self.value.take() else {
            return Err(<Failure as de::Error>::custom("a value was asked for before its key"));
        };
        seed.deserialize(NodeDeserializer { node: &entry.value })
            .map_err(|failure| failure.inside(PathSegment::Key(key.to_owned()), entry.value.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{SourceId, SourceMap};
    use crate::yaml::Mapping;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Thing {
        text: String,
        count: Option<u32>,
        on: bool,
        kind: Option<Kind>,
        list: Vec<String>,
        map: BTreeMap<String, Option<String>>,
        #[serde(rename = "x-*")]
        more: BTreeMap<String, serde_yaml::Value>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        BigOne,
        SmallOne,
    }

    fn source() -> SourceId {
        SourceMap::default().add("f", "f", "")
    }

    /// A mapping whose n-th key stands at `10n` and whose value at `10n + 5`.
    fn mapping(entries: Vec<(&str, Data)>) -> Node {
        let mut mapping = Mapping::default();
        for (index, (key, data)) in entries.into_iter().enumerate() {
            let at = u32::try_from(index).unwrap() * 10;
            let span = |start| Span::new(source(), start, start + 1);
            mapping.insert(key, span(at), Node::new(span(at + 5), data));
        }
        Node::new(Span::new(source(), 0, 99), Data::Mapping(mapping))
    }

    fn check(entries: Vec<(&str, Data)>, expect: &Thing) {
        assert_eq!(from_node::<Thing>(&mapping(entries), &NodePath::default()).as_ref(), Ok(expect));
    }

    fn check_error(entries: Vec<(&str, Data)>, message: &str, label: &str, path: &str, start: u32) {
        let error = from_node::<Thing>(&mapping(entries), &NodePath::of(&["top"])).unwrap_err();
        assert_eq!(
            (error.message.as_str(), error.label.as_str(), error.path.to_string().as_str(), error.span.start),
            (message, label, path, start)
        );
    }

    #[test]
    fn scalars_become_the_text_that_is_wanted() {
        check(vec![("text", Data::Int(80))], &Thing { text: "80".into(), ..Thing::default() });
        check(vec![("text", Data::Float(1.50))], &Thing { text: "1.5".into(), ..Thing::default() });
    }

    #[test]
    fn an_empty_value_of_a_struct_key_is_not_written() {
        check(vec![("text", Data::Null), ("list", Data::Null)], &Thing::default());
    }

    #[test]
    fn keys_with_the_prefix_are_gathered() {
        let more = BTreeMap::from([("x-a".to_owned(), serde_yaml::Value::from(1))]);
        check(
            vec![("x-a", Data::Int(1)), ("on", Data::Bool(true))],
            &Thing { on: true, more, ..Thing::default() },
        );
    }

    #[test]
    fn a_numeric_text_is_a_number_where_one_is_wanted() {
        check(vec![("count", Data::String("3".into()))], &Thing { count: Some(3), ..Thing::default() });
        check(vec![("count", Data::Float(8.0))], &Thing { count: Some(8), ..Thing::default() });
    }

    #[test]
    fn a_wrong_value_is_reported_with_its_place() {
        check_error(
            vec![("on", Data::Bool(true)), ("count", Data::Int(-1))],
            "the number `-1` is out of range",
            "expected a whole number, 0 or more",
            "top.count",
            15,
        );
        check_error(
            vec![("kind", Data::String("big".into()))],
            "`big` is not a valid value",
            "expected `big-one` or `small-one`",
            "top.kind",
            5,
        );
        check_error(
            vec![("text", Data::Sequence(Vec::new()))],
            "a list cannot be used here",
            "expected text",
            "top.text",
            5,
        );
    }

    #[test]
    fn the_path_leads_through_lists_and_mappings() {
        let bad = Node::new(Span::new(source(), 77, 78), Data::Sequence(Vec::new()));
        let list = Data::Sequence(vec![Node::synthetic(Data::String("a".into())), bad]);
        check_error(vec![("list", list)], "a list cannot be used here", "expected text", "top.list[1]", 77);
    }

    #[test]
    fn an_unknown_key_is_reported_at_the_key() {
        check_error(vec![("txet", Data::Int(1))], "unknown attribute `txet`", "", "top.txet", 0);
    }
}
