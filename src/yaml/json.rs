//! A tree as JSON text, escaped and spelled as Go's encoder does: `<`, `>`, `&` and the Unicode line separators as
//! `\u…`, whole floats without a point.

use super::{Data, Node, float_json};
use std::fmt::Write as _;

/// Writes a tree as JSON: compact, or indented by `indent` a level.
pub fn to_json(node: &Node, indent: Option<&str>) -> String {
    let mut writer = Writer { text: String::new(), indent, level: 0 };
    writer.node(node);
    writer.text
}

struct Writer<'a> {
    text: String,
    indent: Option<&'a str>,
    level: usize,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node) {
        match &node.data {
            Data::Null => self.text.push_str("null"),
            Data::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Data::Int(value) => self.text.push_str(&value.to_string()),
            Data::UInt(value) => self.text.push_str(&value.to_string()),
            Data::Float(value) => self.text.push_str(&float_json(*value)),
            Data::Timestamp(text) | Data::String(text) => self.string(text),
            Data::Sequence(items) if items.is_empty() => self.text.push_str("[]"),
            Data::Mapping(mapping) if mapping.is_empty() => self.text.push_str("{}"),
            Data::Sequence(items) => {
                self.open('[');
                for (index, item) in items.iter().enumerate() {
                    self.next(index);
                    self.node(item);
                }
                self.close(']');
            }
            Data::Mapping(mapping) => {
                self.open('{');
                for (index, (key, entry)) in mapping.iter().enumerate() {
                    self.next(index);
                    self.string(key);
                    self.text.push_str(if self.indent.is_some() { ": " } else { ":" });
                    self.node(&entry.value);
                }
                self.close('}');
            }
        }
    }

    fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.level += 1;
    }

    fn next(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
        self.line();
    }

    fn close(&mut self, bracket: char) {
        self.level -= 1;
        self.line();
        self.text.push(bracket);
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            self.text.push('\n');
            self.text.push_str(&indent.repeat(self.level));
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for letter in text.chars() {
            match letter {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\x08' => self.text.push_str("\\b"),
                '\x0c' => self.text.push_str("\\f"),
                '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let written = write!(self.text, "\\u{:04x}", u32::from(letter));
                    debug_assert!(written.is_ok(), "writing to text never fails");
                }
                letter => self.text.push(letter),
            }
        }
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;
    use crate::yaml::Mapping;

    #[test]
    fn text_is_escaped_as_the_hash_needs_it() {
        let text = Node::string(Span::NONE, "<a href=\"x\">&\u{2028}\u{1}\u{7f}é\n\u{8}");
        assert_eq!(
            to_json(&text, None),
            "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\u2028\\u0001\u{7f}é\\n\\b\""
        );
    }

    #[test]
    fn indentation_is_a_line_per_item_and_none_for_what_is_empty() {
        let mut mapping = Mapping::default();
        mapping.insert("a", Span::NONE, Node::synthetic(Data::Sequence(vec![Node::synthetic(Data::Int(1))])));
        mapping.insert("b", Span::NONE, Node::synthetic(Data::Sequence(Vec::new())));
        let node = Node::synthetic(Data::Mapping(mapping));
        assert_eq!(to_json(&node, Some("  ")), "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}");
        assert_eq!(to_json(&node, None), r#"{"a":[1],"b":[]}"#);
    }
}
