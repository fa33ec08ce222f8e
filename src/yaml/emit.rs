//! A tree as YAML text that the reference's parser reads back as the same values, laid out as the reference lays its
//! own output out: two blanks a level, lists indented, quotes only where needed, blocks for text of several lines.
//!
//! Keys are written in the order of the tree; see [`super::sort_keys`]. Deliberately absent: anchors, comments, tags,
//! folding.

use super::resolve;
use super::ser::Scalar;
use super::{Data, Node, float_yaml};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Writes a tree as one document. A mapping without keys is `{}`.
pub fn to_yaml(node: &Node) -> String {
    let mut writer = Writer::default();
    writer.node(node, At::Start, 0);
    writer.text
}

/// What stands before a value on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Nothing: it is the document.
    Start,
    /// `key:`. Collections begin on the next line.
    Key,
    /// `- `, or the `: ` of a key with a line of its own. Everything begins on this line.
    Item,
}

/// The text so far. Columns are where the lines of a value begin, if it takes lines of its own.
#[derive(Default)]
pub(super) struct Writer {
    pub text: String,
}

impl Writer {
    pub fn indent(&mut self, columns: usize) {
        const BLANKS: &str = "                                ";
        let mut left = columns;
        while let Some(last) = left.checked_sub(BLANKS.len()) {
            self.text.push_str(BLANKS);
            left = last;
        }
        self.text.push_str(BLANKS.get(..left).unwrap_or_default());
    }

    /// What comes before a scalar or an empty collection.
    fn after(&mut self, at: At) {
        if at == At::Key {
            self.text.push(' ');
        }
    }

    /// What comes before the first entry or item of a collection.
    pub fn open(&mut self, at: At, column: usize) {
        match at {
            At::Start => self.indent(column),
            At::Key => {
                self.text.push('\n');
                self.indent(column);
            }
            At::Item => {}
        }
    }

    /// A key at a column, and what its value then follows.
    pub fn key(&mut self, key: &str, column: usize) -> At {
        if is_everyday(key) && key.len() <= LONGEST_KEY {
            return self.name(key);
        }
        if is_simple_key(key) {
            return self.name(&one_line(key, true));
        }
        self.text.push_str("? ");
        self.string(key, column + 2);
        if !closes_its_line(key) {
            self.text.push('\n');
        }
        self.indent(column);
        self.text.push_str(": ");
        At::Item
    }

    /// A key that needs no quotes.
    pub fn name(&mut self, name: &str) -> At {
        self.text.push_str(name);
        self.text.push(':');
        At::Key
    }

    /// A key at a column and its value.
    pub fn entry(&mut self, key: &str, value: &Node, column: usize) {
        let at = self.key(key, column);
        self.node(value, at, column + 2);
    }

    fn node(&mut self, node: &Node, at: At, column: usize) {
        match &node.data {
            Data::Mapping(mapping) if !mapping.is_empty() => {
                for (index, (key, entry)) in mapping.iter().enumerate() {
                    self.begin(index, at, column);
                    self.entry(key, &entry.value, column);
                }
            }
            Data::Sequence(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.begin(index, at, column);
                    self.text.push_str("- ");
                    self.node(item, At::Item, column + 2);
                }
            }
            Data::Null => self.scalar(Scalar::Null, at, column),
            Data::Bool(value) => self.scalar(Scalar::Bool(*value), at, column),
            Data::Int(value) => self.scalar(Scalar::Int(*value), at, column),
            Data::UInt(value) => self.scalar(Scalar::UInt(*value), at, column),
            Data::Float(value) => self.scalar(Scalar::Float(*value), at, column),
            Data::String(text) => self.scalar(Scalar::Text(text), at, column),
            Data::Timestamp(text) => self.line(at, text),
            Data::Sequence(_) => self.line(at, "[]"),
            Data::Mapping(_) => self.line(at, "{}"),
        }
    }

    fn begin(&mut self, index: usize, at: At, column: usize) {
        if index == 0 {
            self.open(at, column);
        } else {
            self.indent(column);
        }
    }

    /// A value that stands on one line, and the end of that.
    pub fn line(&mut self, at: At, text: &str) {
        self.after(at);
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A scalar and the end of its line. `column` is where the lines of a block begin.
    pub fn scalar(&mut self, scalar: Scalar<'_>, at: At, column: usize) {
        match scalar {
            Scalar::Null => self.line(at, "null"),
            Scalar::Bool(value) => self.line(at, if value { "true" } else { "false" }),
            Scalar::Int(value) => self.line(at, &value.to_string()),
            Scalar::UInt(value) => self.line(at, &value.to_string()),
            Scalar::Float(value) => self.line(at, &float_yaml(value)),
            Scalar::Text(text) if is_everyday(text) => self.line(at, text),
            Scalar::Text(text) => {
                self.after(at);
                self.string(text, column);
                if !closes_its_line(text) {
                    self.text.push('\n');
                }
            }
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

/// Whether a text is written up to the end of its line: a block that ends in a line end.
fn closes_its_line(text: &str) -> bool {
    text.ends_with('\n') && Analysis::of(text).block_allowed
}

/// The parser looks no further than this many bytes for the colon.
const LONGEST_KEY: usize = 128;

/// Whether a key fits before a `:` on one line.
fn is_simple_key(key: &str) -> bool {
    key.len() <= LONGEST_KEY && !key.contains(is_break)
}

/// Whether a text is, at one look, one that stands bare: it begins with a letter, `/` or `_`, is printable ASCII without
/// `: ` and ` #`, and is no word that means something else. Most texts are such; `false` says nothing.
fn is_everyday(text: &str) -> bool {
    /// No word with a meaning (`null`, `false`) is longer.
    const LONGEST_WORD: usize = 5;
    let bytes = text.as_bytes();
    let ([first, ..], [.., last]) = (bytes, bytes) else { return false };
    let begins_a_word = matches!(first | 0x20, b'y' | b'n' | b't' | b'f' | b'o');
    (first.is_ascii_alphabetic() || matches!(first, b'/' | b'_'))
        && (bytes.len() > LONGEST_WORD || !begins_a_word)
        && !matches!(last, b' ' | b':')
        && (bytes.iter().all(|byte| matches!(byte, b'$'..=b'9' | b'A'..=b'z'))
            || bytes.iter().all(|byte| matches!(byte, b' '..=b'~')))
        && (!bytes.contains(&b' ') || bytes.array_windows().all(|pair| !matches!(pair, b": " | b" #")))
}

/// Text as a plain, single-quoted or double-quoted scalar on one line.
fn one_line(text: &str, key: bool) -> Cow<'_, str> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Ports, most of them. Bare it would be a number, however long.
        return Cow::Owned(double_quoted(text));
    }
    let analysis = Analysis::of(text);
    // As a key `<<` is an order to merge.
    let merges = key && text == "<<";
    let plain = reads_back_as_text(text) && !merges && !text.contains('\n');
    if plain && analysis.plain_allowed && !(key && text.is_empty()) {
        return Cow::Borrowed(text);
    }
    if plain && analysis.single_quotes_allowed {
        return Cow::Owned(format!("'{}'", text.replace('\'', "''")));
    }
    Cow::Owned(double_quoted(text))
}

/// Whether a parser takes the bare text for text: also one that reads YAML 1.1's booleans and base-60 numbers.
fn reads_back_as_text(text: &str) -> bool {
    resolve::plain(text).is_none() && !is_old_boolean(text) && !is_base_60(text)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Diagnostics, SourceMap, Span};
    use crate::yaml::Mapping;
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use proptest::sample::select;

    fn check(text: &str, expect: &str) {
        let mut mapping = Mapping::default();
        mapping.insert("k", Span::NONE, Node::string(Span::NONE, text));
        assert_eq!(to_yaml(&Node::synthetic(Data::Mapping(mapping))), format!("k: {expect}\n"), "{text:?}");
    }

    fn check_key(key: &str, expect: &str) {
        let mut mapping = Mapping::default();
        mapping.insert(key, Span::NONE, Node::synthetic(Data::Int(1)));
        assert_eq!(to_yaml(&Node::synthetic(Data::Mapping(mapping))), expect, "{key:?}");
    }

    #[test]
    fn text_is_plain_where_that_reads_back_as_text() {
        for text in ["a", "a b", "a#b", "a:b", "-a", "?a", "1.2.3", "::1", "日本", "<<", "12:60", "0o8"] {
            check(text, text);
        }
    }

    #[test]
    fn text_that_would_be_another_value_is_double_quoted() {
        for text in
            ["", "~", "null", "true", "yes", "n", "1", "1_000", "0x1F", "1e3", ".5", "22:22", "2001-01-01"]
        {
            check(text, &format!("\"{text}\""));
        }
    }

    #[test]
    fn indicators_and_blanks_at_the_edges_are_single_quoted() {
        for text in [
            "# a", "a #b", "a: b", "a:", "- a", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", " a", "a ", "---",
        ] {
            check(text, &format!("'{text}'"));
        }
        check("'a'", "'''a'''");
    }

    #[test]
    fn characters_that_cannot_stand_as_they_are_are_escaped() {
        check("a\tb", r#""a\tb""#);
        check("\u{1}\u{7f}\u{85}\u{2028}\u{feff}😀", r#""\x01\x7F\N\L\uFEFF\U0001F600""#);
    }

    #[test]
    fn several_lines_are_a_block() {
        check("a\nb", "|-\n  a\n  b");
        check("a\nb\n", "|\n  a\n  b");
        check("a\n\n", "|+\n  a\n");
        check(" a\nb", "|2-\n   a\n  b");
        check("a\n\nb", "|-\n  a\n\n  b");
        check("a \nb", r#""a \nb""#);
    }

    #[test]
    fn long_keys_and_keys_of_several_lines_have_lines_of_their_own() {
        check_key("a\nb", "? |-\n  a\n  b\n: 1\n");
        check_key("a\n", "? |\n  a\n: 1\n");
        check_key("<<", "\"<<\": 1\n");
        let long = "x".repeat(129);
        check_key(&long, &format!("? {long}\n: 1\n"));
    }

    #[test]
    fn nested_collections_are_indented_by_two() {
        let list = |items| Node::synthetic(Data::Sequence(items));
        let mut inner = Mapping::default();
        inner.insert("a", Span::NONE, list(vec![Node::synthetic(Data::Int(1))]));
        inner.insert("b", Span::NONE, list(Vec::new()));
        let mut outer = Mapping::default();
        let inner = Node::synthetic(Data::Mapping(inner));
        outer.insert("k", Span::NONE, list(vec![inner, list(vec![list(vec![Node::synthetic(Data::Null)])])]));
        assert_eq!(
            to_yaml(&Node::synthetic(Data::Mapping(outer))),
            "k:\n  - a:\n      - 1\n    b: []\n  - - - null\n"
        );
    }

    proptest! {
        #[test]
        fn the_quick_look_agrees_with_the_whole_analysis(letters in vec(select("abZ09_-./@=+: ~#|>{}[]&*!%\"'`?,\t\nnuloyNOtrefas".chars().collect::<Vec<_>>()), 0..12)) {
            let text: String = letters.into_iter().collect();
            if is_everyday(&text) {
                assert!(Analysis::of(&text).plain_allowed && reads_back_as_text(&text), "{text:?}");
            }
        }

        #[test]
        fn digits_alone_never_read_back_as_text(text in "[0-9]{1,40}") {
            assert!(!reads_back_as_text(&text), "{text:?}");
        }

        #[test]
        fn what_is_written_reads_back(text in any::<String>(), key in any::<String>()) {
            let mut mapping = Mapping::default();
            mapping.insert(key.as_str(), Span::NONE, Node::string(Span::NONE, text.as_str()));
            let written = to_yaml(&Node::synthetic(Data::Mapping(mapping)));
            let mut sources = SourceMap::default();
            let source = sources.add("f", "f", written.as_str());
            let mut diagnostics = Diagnostics::default();
            let documents = crate::yaml::parse(source, &written, &mut diagnostics);
            let read = documents.first().and_then(|document| document.get(&key)).and_then(Node::as_str);
            assert_eq!(read, Some(text.as_str()), "{written:?}");
        }
    }
}
