//! serde into a tree: any `Serialize` in, a [`Node`] out, shaped by a [`Shape`].
//!
//! Struct fields keep their order, maps are sorted. Deliberately absent: text; see [`super::to_yaml`] and
//! [`super::to_json`].

use super::ser::{Face, Kind, MapTarget, Scalar, SequenceTarget, Shape, ShapeError, StructTarget, Target};
use super::{Data, Mapping, Node, Text, natural_order, scalar_text};
use crate::source::Span;
use serde::Serialize;
use std::cmp::Ordering;

/// Lays a value out as a tree.
///
/// # Errors
/// A value that has no place in a tree: a map key that is not text, or what a `Serialize` itself reports.
pub fn to_node<T: Serialize + ?Sized>(value: &T, shape: Shape) -> Result<Node, ShapeError> {
    value.serialize(Face(Tree { shape }))
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

/// A map's key as text; `None` for one that is no scalar.
pub(super) fn key_text<T: Serialize + ?Sized>(key: &T) -> Result<Option<Text>, ShapeError> {
    /// A key is one value: what is inside it takes no shape.
    const PLAIN: Shape =
        Shape { order: natural_order, gathered: true, key: |_, field| field, left_out: |_, _, _| false };
    let key = to_node(key, PLAIN)?.data;
    if let Data::String(text) = key { Ok(Some(text)) } else { Ok(scalar_text(&key)) }
}

#[derive(Clone, Copy)]
struct Tree {
    shape: Shape,
}

impl Target for Tree {
    type Done = Node;
    type Sequence = Sequence;
    type Map = Map;
    type Struct = Struct;

    fn scalar(self, scalar: Scalar<'_>) -> Node {
        Node::synthetic(match scalar {
            Scalar::Null => Data::Null,
            Scalar::Bool(value) => Data::Bool(value),
            Scalar::Int(value) => Data::Int(value),
            Scalar::UInt(value) => Data::UInt(value),
            Scalar::Float(value) => Data::Float(value),
            Scalar::Text(text) => Data::String(text.into()),
        })
    }

    fn sequence(self, length: usize) -> Sequence {
        Sequence { tree: self, items: Vec::with_capacity(length) }
    }

    fn map(self) -> Map {
        Map { tree: self, mapping: Mapping::default() }
    }

    fn structure(self, name: &'static str) -> Struct {
        Struct { tree: self, name, mapping: Mapping::default() }
    }
}

struct Sequence {
    tree: Tree,
    items: Vec<Node>,
}

impl SequenceTarget for Sequence {
    type Done = Node;

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.items.push(value.serialize(Face(self.tree))?);
        Ok(())
    }

    fn end(self) -> Node {
        Node::synthetic(Data::Sequence(self.items))
    }
}

struct Map {
    tree: Tree,
    mapping: Mapping,
}

impl MapTarget for Map {
    type Done = Node;

    fn entry<T: Serialize + ?Sized>(&mut self, key: Text, value: &T) -> Result<(), ShapeError> {
        self.mapping.insert(key, Span::NONE, value.serialize(Face(self.tree))?);
        Ok(())
    }

    fn end(mut self) -> Node {
        self.mapping.sort_by(self.tree.shape.order);
        Node::synthetic(Data::Mapping(self.mapping))
    }
}

struct Struct {
    tree: Tree,
    name: &'static str,
    mapping: Mapping,
}

impl StructTarget for Struct {
    type Done = Node;

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ShapeError> {
        let shape = self.tree.shape;
        let gathers = name.ends_with('*');
        if gathers && !shape.gathered {
            return Ok(());
        }
        let value = value.serialize(Face(self.tree))?;
        if gathers {
            if let Data::Mapping(inner) = value.data {
                for (key, entry) in inner {
                    self.mapping.insert(key, entry.key_span, entry.value);
                }
            }
        } else if !(shape.left_out)(self.name, name, Kind::of(&value)) {
            self.mapping.insert((shape.key)(self.name, name), Span::NONE, value);
        }
        Ok(())
    }

    fn end(self) -> Node {
        Node::synthetic(Data::Mapping(self.mapping))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::to_json;
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
            Shape { order: natural_order, gathered: true, key: |_, field| field, left_out: |_, _, _| false },
            r#"{"z":0.3,"a":{"empty":null},"x-9":2,"x-10":1}"#,
        );
    }

    #[test]
    fn a_shape_leaves_fields_out_and_renames_them() {
        let shape = Shape {
            order: str::cmp,
            gathered: false,
            key: |structure, field| if (structure, field) == ("Outer", "z") { "Z" } else { field },
            left_out: |structure, field, value| (structure, field, value) == ("Inner", "empty", Kind::Null),
        };
        check(shape, r#"{"Z":0.3,"a":{}}"#);
    }
}
