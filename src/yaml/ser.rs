//! The serde face of this room: any `Serialize` in, handed on value by value to a [`Target`], shaped by a [`Shape`].
//!
//! The counterpart of [`super::de`]. Deliberately absent: what becomes of the values; see [`super::tree`] for trees and
//! [`super::write`] for text.

use super::{Data, Node, Text, tree};
use serde::ser::{self, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// How a value is laid out. A struct field whose name ends in `*` holds keys of its own, which are written beside the
/// other fields, or not at all.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The order of the keys of maps (never of struct fields).
    pub order: fn(&str, &str) -> Ordering,
    /// Whether the keys inside a `prefix*` field are written.
    pub gathered: bool,
    /// The key that a field is written under, by the names of its struct and itself.
    pub key: fn(structure: &'static str, field: &'static str) -> &'static str,
    /// Whether a field is left out, by the names of its struct and itself and by its value.
    pub left_out: fn(structure: &'static str, field: &'static str, value: Kind) -> bool,
}

/// What a [`Shape`] knows of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// The number 0.
    Zero,
    /// A mapping without keys.
    EmptyMapping,
    /// Anything else.
    Other,
}

impl Kind {
    pub(super) fn of(node: &Node) -> Self {
        match &node.data {
            Data::Null => Self::Null,
            Data::Int(0) => Self::Zero,
            Data::Mapping(mapping) if mapping.is_empty() => Self::EmptyMapping,
            Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)
            | Data::Sequence(_)
            | Data::Mapping(_) => Self::Other,
        }
    }
}

/// A value that cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(String);

impl ser::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A value that is neither a list nor a mapping.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(&'a str),
}

/// The place where one value goes.
pub(super) trait Target: Sized {
    /// What is known once the value is there.
    type Done;
    type Sequence: SequenceTarget<Done = Self::Done>;
    type Map: MapTarget<Done = Self::Done>;
    type Struct: StructTarget<Done = Self::Done>;

    fn scalar(self, scalar: Scalar<'_>) -> Self::Done;
    fn sequence(self, length: usize) -> Self::Sequence;
    fn map(self) -> Self::Map;
    fn structure(self, name: &'static str) -> Self::Struct;
}

/// The place where the items of a list go.
pub(super) trait SequenceTarget {
    type Done;
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError>;
    fn end(self) -> Self::Done;
}

/// The place where the entries of a map go.
pub(super) trait MapTarget {
    type Done;
    fn entry<T: Serialize + ?Sized>(&mut self, key: Text, value: &T) -> Result<(), ShapeError>;
    fn end(self) -> Self::Done;
}

/// The place where the fields of a struct go.
pub(super) trait StructTarget {
    type Done;
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ShapeError>;
    fn end(self) -> Self::Done;
}

/// A target as serde sees it.
pub(super) struct Face<T>(pub T);

impl<T: Target> ser::Serializer for Face<T> {
    type Ok = T::Done;
    type Error = ShapeError;
    type SerializeSeq = SequenceFace<T::Sequence>;
    type SerializeTuple = SequenceFace<T::Sequence>;
    type SerializeTupleStruct = SequenceFace<T::Sequence>;
    type SerializeTupleVariant = SequenceFace<T::Sequence>;
    type SerializeMap = MapFace<T::Map>;
    type SerializeStruct = StructFace<T::Struct>;
    type SerializeStructVariant = StructFace<T::Struct>;

    fn serialize_bool(self, value: bool) -> Result<T::Done, ShapeError> {
        Ok(self.0.scalar(Scalar::Bool(value)))
    }

    fn serialize_i8(self, value: i8) -> Result<T::Done, ShapeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<T::Done, ShapeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<T::Done, ShapeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<T::Done, ShapeError> {
        Ok(self.0.scalar(Scalar::Int(value)))
    }

    fn serialize_u8(self, value: u8) -> Result<T::Done, ShapeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<T::Done, ShapeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<T::Done, ShapeError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<T::Done, ShapeError> {
        Ok(self.0.scalar(i64::try_from(value).map_or(Scalar::UInt(value), Scalar::Int)))
    }

    /// Keeps the digits of the narrow float: `0.3`, not `0.30000001192092896`.
    fn serialize_f32(self, value: f32) -> Result<T::Done, ShapeError> {
        self.serialize_f64(value.to_string().parse().unwrap_or_else(|_| value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<T::Done, ShapeError> {
        Ok(self.0.scalar(Scalar::Float(value)))
    }

    fn serialize_char(self, value: char) -> Result<T::Done, ShapeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<T::Done, ShapeError> {
        Ok(self.0.scalar(Scalar::Text(value)))
    }

    fn serialize_bytes(self, _value: &[u8]) -> Result<T::Done, ShapeError> {
        Err(ShapeError("bytes have no place in a tree".to_owned()))
    }

    fn serialize_none(self) -> Result<T::Done, ShapeError> {
        self.serialize_unit()
    }

    fn serialize_some<V: Serialize + ?Sized>(self, value: &V) -> Result<T::Done, ShapeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<T::Done, ShapeError> {
        Ok(self.0.scalar(Scalar::Null))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<T::Done, ShapeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<T::Done, ShapeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<V: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &V,
    ) -> Result<T::Done, ShapeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<V: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &V,
    ) -> Result<T::Done, ShapeError> {
        let mut map = self.0.map();
        map.entry(variant.into(), value)?;
        Ok(map.end())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, ShapeError> {
        Ok(SequenceFace(self.0.sequence(length.unwrap_or(0))))
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, ShapeError> {
        Ok(SequenceFace(self.0.sequence(length)))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, ShapeError> {
        Ok(SequenceFace(self.0.sequence(length)))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, ShapeError> {
        Ok(SequenceFace(self.0.sequence(length)))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Self::SerializeMap, ShapeError> {
        Ok(MapFace { map: self.0.map(), key: None })
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStruct, ShapeError> {
        Ok(StructFace(self.0.structure(name)))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, ShapeError> {
        Ok(StructFace(self.0.structure(name)))
    }
}

pub(super) struct SequenceFace<S>(S);

/// serde tells lists, tuples and their kin apart; here they are all lists.
macro_rules! sequence_face {
    ($($part:ident: $method:ident),*) => {$(
        impl<S: SequenceTarget> ser::$part for SequenceFace<S> {
            type Ok = S::Done;
            type Error = ShapeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
                self.0.item(value)
            }

            fn end(self) -> Result<S::Done, ShapeError> {
                Ok(self.0.end())
            }
        }
    )*};
}
sequence_face!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

pub(super) struct MapFace<M> {
    map: M,
    key: Option<Text>,
}

impl<M: MapTarget> ser::SerializeMap for MapFace<M> {
    type Ok = M::Done;
    type Error = ShapeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ShapeError> {
        let text = tree::key_text(key)?.ok_or_else(|| ShapeError("a key must be text".to_owned()))?;
        self.key = Some(text);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        let key = self.key.take().ok_or_else(|| ShapeError("a value without a key".to_owned()))?;
        self.map.entry(key, value)
    }

    fn end(self) -> Result<M::Done, ShapeError> {
        Ok(self.map.end())
    }
}

pub(super) struct StructFace<S>(S);

/// A struct is one whether or not it is a variant of an enum.
macro_rules! struct_face {
    ($($part:ident),*) => {$(
        impl<S: StructTarget> ser::$part for StructFace<S> {
            type Ok = S::Done;
            type Error = ShapeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ShapeError> {
                self.0.field(name, value)
            }

            fn end(self) -> Result<S::Done, ShapeError> {
                Ok(self.0.end())
            }
        }
    )*};
}
struct_face!(SerializeStruct, SerializeStructVariant);
