//! serde into a tree: any `Serialize` in, a [`Node`] out, shaped by a [`Shape`].
//!
//! Struct fields keep their order, maps are sorted. The counterpart of [`super::de`]: a struct field whose name ends in
//! `*` holds keys of its own, which are written beside the other fields, or not at all. Deliberately absent: text;
//! see [`super::to_yaml`] and [`super::to_json`].

use super::{Data, Mapping, Node};
use crate::source::Span;
use serde::ser::{self, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// How a value is laid out as a tree.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The order of the keys of maps (never of struct fields).
    pub order: fn(&str, &str) -> Ordering,
    /// Whether the keys inside a `prefix*` field are written.
    pub gathered: bool,
    /// The key that a field is written under, by the names of its struct and itself and by its value; `None` leaves
    /// the field out.
    pub field: fn(structure: &'static str, field: &'static str, value: &Node) -> Option<&'static str>,
}

/// Lays a value out as a tree.
///
/// # Errors
/// A value that has no place in a tree: a map key that is not text, or what a `Serialize` itself reports.
pub fn to_node<T: Serialize + ?Sized>(value: &T, shape: Shape) -> Result<Node, ShapeError> {
    value.serialize(Builder { shape })
}

/// Sorts the keys of every mapping in a tree: for trees that were never typed.
pub fn sort_keys(node: &mut Node, order: fn(&str, &str) -> Ordering) {
    match &mut node.data {
        Data::Mapping(mapping) => {
            mapping.sort_by(order);
            for (_, entry) in mapping.iter_mut() {
                sort_keys(&mut entry.value, order);
            }
        }
        Data::Sequence(items) => items.iter_mut().for_each(|item| sort_keys(item, order)),
        Data::Null
        | Data::Bool(_)
        | Data::Int(_)
        | Data::UInt(_)
        | Data::Float(_)
        | Data::Timestamp(_)
        | Data::String(_) => {}
    }
}

/// A value that cannot be laid out as a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(String);

impl ser::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Builder {
    shape: Shape,
}

type Built = Result<Node, ShapeError>;

impl ser::Serializer for Builder {
    type Ok = Node;
    type Error = ShapeError;
    type SerializeSeq = SequenceBuilder;
    type SerializeTuple = SequenceBuilder;
    type SerializeTupleStruct = SequenceBuilder;
    type SerializeTupleVariant = SequenceBuilder;
    type SerializeMap = MapBuilder;
    type SerializeStruct = StructBuilder;
    type SerializeStructVariant = StructBuilder;

    fn serialize_bool(self, value: bool) -> Built {
        Ok(Node::synthetic(Data::Bool(value)))
    }

    fn serialize_i8(self, value: i8) -> Built {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Built {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Built {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Built {
        Ok(Node::synthetic(Data::Int(value)))
    }

    fn serialize_u8(self, value: u8) -> Built {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Built {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Built {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Built {
        Ok(Node::synthetic(i64::try_from(value).map_or(Data::UInt(value), Data::Int)))
    }

    /// Keeps the digits of the narrow float: `0.3`, not `0.30000001192092896`.
    fn serialize_f32(self, value: f32) -> Built {
        self.serialize_f64(value.to_string().parse().unwrap_or_else(|_| value.into()))
    }

    fn serialize_f64(self, value: f64) -> Built {
        Ok(Node::synthetic(Data::Float(value)))
    }

    fn serialize_char(self, value: char) -> Built {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Built {
        Ok(Node::string(Span::NONE, value))
    }

    fn serialize_bytes(self, _value: &[u8]) -> Built {
        Err(ShapeError("bytes have no place in a tree".to_owned()))
    }

    fn serialize_none(self) -> Built {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Built {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Built {
        Ok(Node::synthetic(Data::Null))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Built {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Built {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Built {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Built {
        let mut mapping = Mapping::default();
        mapping.insert(variant, Span::NONE, value.serialize(self)?);
        Ok(Node::synthetic(Data::Mapping(mapping)))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<SequenceBuilder, ShapeError> {
        Ok(SequenceBuilder { builder: self, items: Vec::with_capacity(len.unwrap_or(0)) })
    }

    fn serialize_tuple(self, len: usize) -> Result<SequenceBuilder, ShapeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<SequenceBuilder, ShapeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        len: usize,
    ) -> Result<SequenceBuilder, ShapeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<MapBuilder, ShapeError> {
        Ok(MapBuilder { builder: self, mapping: Mapping::default(), key: None })
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<StructBuilder, ShapeError> {
        Ok(StructBuilder { builder: self, name, mapping: Mapping::default() })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        len: usize,
    ) -> Result<StructBuilder, ShapeError> {
        self.serialize_struct(name, len)
    }
}

struct SequenceBuilder {
    builder: Builder,
    items: Vec<Node>,
}

impl SequenceBuilder {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.items.push(value.serialize(self.builder)?);
        Ok(())
    }

    fn finish(self) -> Node {
        Node::synthetic(Data::Sequence(self.items))
    }
}

impl ser::SerializeSeq for SequenceBuilder {
    type Ok = Node;
    type Error = ShapeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.push(value)
    }

    fn end(self) -> Built {
        Ok(self.finish())
    }
}

impl ser::SerializeTuple for SequenceBuilder {
    type Ok = Node;
    type Error = ShapeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.push(value)
    }

    fn end(self) -> Built {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleStruct for SequenceBuilder {
    type Ok = Node;
    type Error = ShapeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.push(value)
    }

    fn end(self) -> Built {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleVariant for SequenceBuilder {
    type Ok = Node;
    type Error = ShapeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.push(value)
    }

    fn end(self) -> Built {
        Ok(self.finish())
    }
}

struct MapBuilder {
    builder: Builder,
    mapping: Mapping,
    key: Option<String>,
}

impl ser::SerializeMap for MapBuilder {
    type Ok = Node;
    type Error = ShapeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ShapeError> {
        let key = key.serialize(self.builder)?;
        let text =
            super::scalar_text(&key.data).ok_or_else(|| ShapeError("a key must be text".to_owned()))?;
        self.key = Some(text);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        let key = self.key.take().ok_or_else(|| ShapeError("a value without a key".to_owned()))?;
        self.mapping.insert(key, Span::NONE, value.serialize(self.builder)?);
        Ok(())
    }

    fn end(mut self) -> Built {
        self.mapping.sort_by(self.builder.shape.order);
        Ok(Node::synthetic(Data::Mapping(self.mapping)))
    }
}

struct StructBuilder {
    builder: Builder,
    name: &'static str,
    mapping: Mapping,
}

impl StructBuilder {
    fn field<T: Serialize + ?Sized>(&mut self, field: &'static str, value: &T) -> Result<(), ShapeError> {
        let shape = self.builder.shape;
        let gathers = field.ends_with('*');
        if gathers && !shape.gathered {
            return Ok(());
        }
        let value = value.serialize(self.builder)?;
        if gathers {
            if let Data::Mapping(inner) = value.data {
                for (key, entry) in inner {
                    self.mapping.insert(key, entry.key_span, entry.value);
                }
            }
        } else if let Some(key) = (shape.field)(self.name, field, &value) {
            self.mapping.insert(key, Span::NONE, value);
        }
        Ok(())
    }

    fn finish(self) -> Node {
        Node::synthetic(Data::Mapping(self.mapping))
    }
}

impl ser::SerializeStruct for StructBuilder {
    type Ok = Node;
    type Error = ShapeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), ShapeError> {
        self.field(field, value)
    }

    fn end(self) -> Built {
        Ok(self.finish())
    }
}

impl ser::SerializeStructVariant for StructBuilder {
    type Ok = Node;
    type Error = ShapeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), ShapeError> {
        self.field(field, value)
    }

    fn end(self) -> Built {
        Ok(self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{natural_order, to_json};
    use std::collections::BTreeMap;

    #[derive(serde::Serialize)]
    struct Outer {
        z: f32,
        a: Inner,
        #[serde(rename = "x-*")]
        more: BTreeMap<&'static str, u8>,
    }

    #[derive(serde::Serialize)]
    struct Inner {
        empty: Option<u8>,
    }

    fn check(shape: Shape, expect: &str) {
        let value =
            Outer { z: 0.3, a: Inner { empty: None }, more: BTreeMap::from([("x-10", 1), ("x-9", 2)]) };
        assert_eq!(to_json(&to_node(&value, shape).unwrap(), None), expect);
    }

    #[test]
    fn fields_keep_their_order_and_maps_are_sorted() {
        check(
            Shape { order: natural_order, gathered: true, field: |_, field, _| Some(field) },
            r#"{"z":0.3,"a":{"empty":null},"x-9":2,"x-10":1}"#,
        );
    }

    #[test]
    fn a_shape_leaves_fields_out_and_renames_them() {
        fn field(structure: &'static str, field: &'static str, value: &Node) -> Option<&'static str> {
            match (structure, field) {
                ("Inner", "empty") if value.is_null() => None,
                ("Outer", "z") => Some("Z"),
                _ => Some(field),
            }
        }
        check(Shape { order: str::cmp, gathered: false, field }, r#"{"Z":0.3,"a":{}}"#);
    }
}
