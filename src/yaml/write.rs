//! serde into YAML text: what [`super::to_yaml`] writes of the tree of [`super::to_node`], without the tree.
//!
//! Everything is written where it belongs at once, and taken back or put into another place when more is known: a field
//! that is left out for its value, a map whose keys came in another order. Deliberately absent: how scalars and keys
//! are spelled; see [`super::emit`].

use super::emit::{At, Writer};
use super::ser::{Face, Kind, MapTarget, Scalar, SequenceTarget, Shape, ShapeError, StructTarget, Target};
use super::{Data, Text, to_node};
use serde::Serialize;

/// Writes a value as one document.
///
/// # Errors
/// As [`to_node`].
pub fn to_text<T: Serialize + ?Sized>(value: &T, shape: Shape) -> Result<String, ShapeError> {
    let mut writer = Writer::default();
    value.serialize(Face(Place { writer: &mut writer, shape, at: At::Start, column: 0 }))?;
    Ok(writer.text)
}

/// Where a value goes.
struct Place<'w> {
    writer: &'w mut Writer,
    shape: Shape,
    at: At,
    /// Where the lines of the value begin, when it has lines of its own.
    column: usize,
}

impl Place<'_> {
    /// The place of a part of this value.
    fn part(&mut self, at: At) -> Place<'_> {
        Place { writer: &mut *self.writer, shape: self.shape, at, column: self.column + 2 }
    }
}

impl<'w> Target for Place<'w> {
    type Done = Kind;
    type Sequence = Parts<'w>;
    type Map = Map<'w>;
    type Struct = Struct<'w>;

    fn scalar(self, scalar: Scalar<'_>) -> Kind {
        self.writer.scalar(scalar, self.at, self.column);
        match scalar {
            Scalar::Null => Kind::Null,
            Scalar::Int(0) => Kind::Zero,
            Scalar::Bool(_) | Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) | Scalar::Text(_) => {
                Kind::Other
            }
        }
    }

    fn sequence(self, _length: usize) -> Parts<'w> {
        Parts { place: self, count: 0 }
    }

    fn map(self) -> Map<'w> {
        Map { place: self, entries: Vec::new() }
    }

    fn structure(self, name: &'static str) -> Struct<'w> {
        Struct { parts: Parts { place: self, count: 0 }, name }
    }
}

/// The items of a list or the fields of a struct.
struct Parts<'w> {
    place: Place<'w>,
    count: usize,
}

impl Parts<'_> {
    /// Goes to where the next part begins.
    fn begin(&mut self) {
        let place = &mut self.place;
        if self.count == 0 {
            place.writer.open(place.at, place.column);
        } else {
            place.writer.indent(place.column);
        }
        self.count += 1;
    }
}

impl SequenceTarget for Parts<'_> {
    type Done = Kind;

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        self.begin();
        self.place.writer.text.push_str("- ");
        value.serialize(Face(self.place.part(At::Item)))?;
        Ok(())
    }

    fn end(self) -> Kind {
        if self.count == 0 {
            self.place.writer.line(self.place.at, "[]");
        }
        Kind::Other
    }
}

struct Struct<'w> {
    parts: Parts<'w>,
    name: &'static str,
}

impl Struct<'_> {
    fn gather<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ShapeError> {
        if let Data::Mapping(inner) = to_node(value, self.parts.place.shape)?.data {
            for (key, entry) in inner.iter() {
                self.parts.begin();
                let Place { writer, column, .. } = &mut self.parts.place;
                writer.entry(key, &entry.value, *column);
            }
        }
        Ok(())
    }
}

impl StructTarget for Struct<'_> {
    type Done = Kind;

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ShapeError> {
        let shape = self.parts.place.shape;
        if name.ends_with('*') {
            return if shape.gathered { self.gather(value) } else { Ok(()) };
        }
        let (start, count) = (self.parts.place.writer.text.len(), self.parts.count);
        self.parts.begin();
        let place = &mut self.parts.place;
        let key = (shape.key)(self.name, name);
        debug_assert!(
            key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            "{key} stands bare"
        );
        let at = place.writer.name(key);
        let kind = value.serialize(Face(place.part(at)))?;
        if (shape.left_out)(self.name, name, kind) {
            place.writer.text.truncate(start);
            self.parts.count = count;
        }
        Ok(())
    }

    fn end(self) -> Kind {
        if self.parts.count > 0 {
            return Kind::Other;
        }
        self.parts.place.writer.line(self.parts.place.at, "{}");
        Kind::EmptyMapping
    }
}

struct Map<'w> {
    place: Place<'w>,
    /// The keys, and where the line of each begins.
    entries: Vec<(Text, usize)>,
}

impl Map<'_> {
    /// Puts the entries into their order.
    fn sort(&mut self) {
        let order = self.place.shape.order;
        if self.entries.is_sorted_by(|(left, _), (right, _)| order(left, right).is_le()) {
            return;
        }
        let Some(&(_, first)) = self.entries.first() else { return };
        let text = &mut self.place.writer.text;
        let written = text.split_off(first);
        let ends = self.entries.iter().skip(1).map(|&(_, start)| start - first).chain([written.len()]);
        let mut lines: Vec<(&str, &str)> = self
            .entries
            .iter()
            .zip(ends)
            .map(|((key, start), end)| (key.as_str(), written.get(start - first..end).unwrap_or_default()))
            .collect();
        lines.sort_by(|(left, _), (right, _)| order(left, right));
        text.extend(lines.into_iter().map(|(_, lines)| lines));
    }
}

impl MapTarget for Map<'_> {
    type Done = Kind;

    fn entry<T: Serialize + ?Sized>(&mut self, key: Text, value: &T) -> Result<(), ShapeError> {
        let place = &mut self.place;
        if self.entries.is_empty() && place.at == At::Key {
            place.writer.text.push('\n');
        }
        let start = place.writer.text.len();
        place.writer.indent(place.column);
        let at = place.writer.key(&key, place.column);
        self.entries.push((key, start));
        value.serialize(Face(place.part(at)))?;
        Ok(())
    }

    fn end(mut self) -> Kind {
        let Some(&(_, first)) = self.entries.first() else {
            self.place.writer.line(self.place.at, "{}");
            return Kind::EmptyMapping;
        };
        self.sort();
        let Place { writer, at, column, .. } = self.place;
        if at == At::Item {
            // Whichever entry is the first now, it goes on on the line of the `- `.
            writer.text.replace_range(first..first + column, "");
        }
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{natural_order, to_yaml};
    use std::collections::BTreeMap;

    const SHAPE: Shape = Shape {
        order: natural_order,
        gathered: true,
        key: |_, field| field,
        left_out: |_, field, kind| field == "maybe" && kind != Kind::Other,
    };

    #[derive(serde::Serialize)]
    struct Outer {
        maybe: Option<u8>,
        list: Vec<BTreeMap<&'static str, Inner>>,
        empty_list: [u8; 0],
        #[serde(rename = "x-*")]
        more: BTreeMap<&'static str, Vec<&'static str>>,
    }

    #[derive(serde::Serialize)]
    struct Inner {
        maybe: BTreeMap<u8, u8>,
        text: &'static str,
    }

    fn inner(text: &'static str) -> Inner {
        Inner { maybe: BTreeMap::new(), text }
    }

    fn check<T: Serialize + ?Sized>(value: &T, expect: &str) {
        let written = to_text(value, SHAPE).unwrap();
        assert_eq!(written, expect);
        assert_eq!(written, to_yaml(&to_node(value, SHAPE).unwrap()), "as by way of a tree");
    }

    #[test]
    fn maps_are_sorted_and_begin_on_the_line_of_their_item() {
        let list =
            vec![BTreeMap::from([("b10", inner("x")), ("b9", inner("two\nlines\n"))]), BTreeMap::new()];
        check(&list, "- b9:\n    text: |\n      two\n      lines\n  b10:\n    text: x\n- {}\n");
    }

    #[test]
    fn fields_are_taken_back_when_they_are_left_out() {
        let more = BTreeMap::from([("x-10", vec!["a"]), ("x-9", vec![])]);
        let mut outer = Outer { maybe: None, list: vec![], empty_list: [], more };
        check(&outer, "list: []\nempty_list: []\nx-9: []\nx-10:\n  - a\n");
        outer.maybe = Some(1);
        outer.list = vec![BTreeMap::from([("k\nl", inner("1"))])];
        check(
            &outer,
            "maybe: 1\nlist:\n  - ? |-\n      k\n      l\n    : text: \"1\"\nempty_list: []\nx-9: []\nx-10:\n  - a\n",
        );
        check(&Inner { maybe: BTreeMap::new(), text: "" }, "text: \"\"\n");
    }

    #[test]
    fn a_document_may_be_a_scalar_or_empty() {
        check("text", "text\n");
        check(&None::<u8>, "null\n");
        check(&BTreeMap::<u8, u8>::new(), "{}\n");
        check(&[[[0.5_f32]]], "- - - 0.5\n");
        check(&BTreeMap::from([(2, u64::MAX), (10, 1)]), "\"2\": 18446744073709551615\n\"10\": 1\n");
    }
}
