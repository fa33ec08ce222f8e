//! A tree as YAML text that the reference's parser reads back as the same values, laid out as the reference lays its
//! own output out: two blanks a level, lists indented, quotes only where needed, blocks for text of several lines.
//!
//! Keys are written in the order of the tree; see [`super::sort_keys`]. Deliberately absent: anchors, comments, tags,
//! folding.

use super::resolve;
use super::{Data, Mapping, Node, float_yaml};
use std::fmt::Write as _;

/// Writes a tree as one document. A mapping without keys is `{}`.
pub fn to_yaml(node: &Node) -> String {
    let mut writer = Writer { text: String::new() };
    match &node.data {
        Data::Mapping(mapping) if !mapping.is_empty() => writer.mapping(mapping, 0, false),
        Data::Sequence(items) if !items.is_empty() => writer.sequence(items, 0, false),
        Data::Null
        | Data::Bool(_)
        | Data::Int(_)
        | Data::UInt(_)
        | Data::Float(_)
        | Data::Timestamp(_)
        | Data::String(_)
        | Data::Sequence(_)
        | Data::Mapping(_) => writer.leaf(node, 0),
    }
    writer.text
}

struct Writer {
    text: String,
}

impl Writer {
    fn indent(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n(' ', columns));
    }

    /// Writes the entries at a column; `inline` when the first one continues a line (`- key: …`).
    fn mapping(&mut self, mapping: &Mapping, column: usize, inline: bool) {
        for (index, (key, entry)) in mapping.iter().enumerate() {
            if index > 0 || !inline {
                self.indent(column);
            }
            if is_simple_key(key) {
                self.text.push_str(&one_line(key, true));
                self.text.push(':');
                self.value(&entry.value, column);
            } else {
                self.text.push_str("? ");
                self.string(key, column + 2);
                self.text.push('\n');
                self.indent(column);
                self.text.push(':');
                self.explicit_value(&entry.value, column);
            }
        }
    }

    /// What follows `key:`.
    fn value(&mut self, node: &Node, column: usize) {
        match &node.data {
            Data::Mapping(mapping) if !mapping.is_empty() => {
                self.text.push('\n');
                self.mapping(mapping, column + 2, false);
            }
            Data::Sequence(items) if !items.is_empty() => {
                self.text.push('\n');
                self.sequence(items, column + 2, false);
            }
            Data::Null
            | Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)
            | Data::Sequence(_)
            | Data::Mapping(_) => {
                self.text.push(' ');
                self.leaf(node, column + 2);
            }
        }
    }

    /// What follows the `:` of a key with a line of its own: collections begin on the same line.
    fn explicit_value(&mut self, node: &Node, column: usize) {
        self.text.push(' ');
        self.item(node, column);
    }

    fn sequence(&mut self, items: &[Node], column: usize, inline: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !inline {
                self.indent(column);
            }
            self.text.push_str("- ");
            self.item(item, column);
        }
    }

    fn item(&mut self, node: &Node, column: usize) {
        match &node.data {
            Data::Mapping(mapping) if !mapping.is_empty() => self.mapping(mapping, column + 2, true),
            Data::Sequence(items) if !items.is_empty() => self.sequence(items, column + 2, true),
            Data::Null
            | Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_)
            | Data::Sequence(_)
            | Data::Mapping(_) => self.leaf(node, column + 2),
        }
    }

    /// A scalar or an empty collection and the end of its line. `column` is where the lines of a block begin.
    fn leaf(&mut self, node: &Node, column: usize) {
        match &node.data {
            Data::Null => self.text.push_str("null"),
            Data::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Data::Int(value) => self.text.push_str(&value.to_string()),
            Data::UInt(value) => self.text.push_str(&value.to_string()),
            Data::Float(value) => self.text.push_str(&float_yaml(*value)),
            Data::Timestamp(text) => self.text.push_str(text),
            Data::String(text) => self.string(text, column),
            Data::Sequence(_) => self.text.push_str("[]"),
            Data::Mapping(_) => self.text.push_str("{}"),
        }
        if !self.text.ends_with('\n') || is_open_block(node) {
            self.text.push('\n');
        }
    }

    fn string(&mut self, text: &str, column: usize) {
        if text.contains('\n') && Analysis::of(text).block_allowed {
            self.block(text, column);
        } else {
            self.text.push_str(&one_line(text, false));
        }
    }

    /// `|`, with what has to be said about its first blanks and its last line ends.
    fn block(&mut self, text: &str, column: usize) {
        self.text.push('|');
        if text.starts_with([' ', '\n']) {
            self.text.push('2');
        }
        if !text.ends_with('\n') {
            self.text.push('-');
        } else if text == "\n" || text.ends_with("\n\n") {
            self.text.push('+');
        }
        self.text.push('\n');
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(text).split('\n').collect();
        let last = lines.len().saturating_sub(1);
        for (index, line) in lines.into_iter().enumerate() {
            if !line.is_empty() {
                self.indent(column);
                self.text.push_str(line);
            }
            if index < last || text.ends_with('\n') {
                self.text.push('\n');
            }
        }
    }
}

/// Whether a leaf ends without having closed its line: only a block that ends in a line end has done so.
fn is_open_block(node: &Node) -> bool {
    node.as_str().is_none_or(|text| !(text.ends_with('\n') && Analysis::of(text).block_allowed))
}

/// Whether a key fits before a `:` on one line; the parser looks no further than 128 bytes for the colon.
fn is_simple_key(key: &str) -> bool {
    key.len() <= 128 && !key.contains('\n')
}

/// Text as a plain, single-quoted or double-quoted scalar on one line.
fn one_line(text: &str, key: bool) -> String {
    let analysis = Analysis::of(text);
    let plain = reads_back_as_text(text) && !text.contains('\n');
    if plain && analysis.plain_allowed && !(key && text.is_empty()) {
        return text.to_owned();
    }
    if plain && analysis.single_quotes_allowed {
        return format!("'{}'", text.replace('\'', "''"));
    }
    double_quoted(text)
}

/// Whether a parser takes the bare text for text: also one that reads YAML 1.1's booleans and base-60 numbers.
fn reads_back_as_text(text: &str) -> bool {
    matches!(resolve::plain(text), Data::String(_))
        && !is_old_boolean(text)
        && !is_base_60(text)
        && text != "<<"
}

fn is_old_boolean(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// `22:22`, `1:30:00.5`: digits and underscores, then groups of one or two digits up to 59.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut groups = text.split(':');
    let Some(first) = groups.next() else { return false };
    if !first.starts_with(|letter: char| letter.is_ascii_digit()) || !is_digits(first) || !is_digits(fraction)
    {
        return false;
    }
    let mut count = 0;
    let all = groups.all(|group| {
        count += 1;
        match group.as_bytes() {
            [units] => units.is_ascii_digit(),
            [tens, units] => (b'0'..=b'5').contains(tens) && units.is_ascii_digit(),
            _ => false,
        }
    });
    all && count > 0
}

/// What the characters of a text allow.
struct Analysis {
    plain_allowed: bool,
    single_quotes_allowed: bool,
    block_allowed: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let mut breaks = false;
        let mut tabs = false;
        let mut special = false;
        // A blank before a line end cannot be written outside double quotes, nor one after it outside a block.
        let mut blank_then_break = false;
        let mut break_then_blank = false;
        let mut previous = None;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let before_blank = letters.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
            indicators |= match (previous, letter) {
                (
                    None,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
                    | '`',
                ) => true,
                (None, '?' | '-') | (_, ':') => before_blank,
                (Some(previous), '#') => matches!(previous, ' ' | '\t' | '\n' | '\r'),
                _ => false,
            };
            if letter == '\t' {
                tabs = true;
            } else if !is_printable(letter) {
                special = true;
            }
            if is_break(letter) {
                breaks = true;
                blank_then_break |= previous == Some(' ');
            }
            break_then_blank |= letter == ' ' && previous.is_some_and(is_break);
            previous = Some(letter);
        }
        let edges = text.starts_with(' ') || text.ends_with(' ');
        Self {
            plain_allowed: !(indicators
                || breaks
                || tabs
                || special
                || blank_then_break
                || break_then_blank
                || edges),
            single_quotes_allowed: !(break_then_blank || blank_then_break || tabs || special),
            block_allowed: !(text.ends_with(' ') || blank_then_break || special || text.is_empty()),
        }
    }
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character is written as itself. Those beyond the basic plane are not, although YAML would allow it: the
/// reference escapes them.
fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && letter != '\u{feff}'
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '\0' => quoted.push_str("\\0"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            '\x1b' => quoted.push_str("\\e"),
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{85}' => quoted.push_str("\\N"),
            '\u{2028}' => quoted.push_str("\\L"),
            '\u{2029}' => quoted.push_str("\\P"),
            letter if is_printable(letter) => quoted.push(letter),
            letter => {
                let code = u32::from(letter);
                let written = match code {
                    0..=0xff => write!(quoted, "\\x{code:02X}"),
                    0x100..=0xffff => write!(quoted, "\\u{code:04X}"),
                    _ => write!(quoted, "\\U{code:08X}"),
                };
                debug_assert!(written.is_ok(), "writing to text never fails");
            }
        }
    }
    quoted.push('"');
    quoted
}
