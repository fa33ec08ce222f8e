//! YAML text to spanned trees, one per document.
//!
//! In: text and its [`SourceId`]. Out: [`Node`]s in which aliases and `<<` are expanded (an expanded value keeps the
//! span it was written at) and local tags are kept; mistakes go to [`Diagnostics`]. A document in which a mistake makes
//! the rest unreadable ends the list. Deliberately absent: what keys and tags mean.

use super::event::{Event, EventKind, Events, Properties};
use super::explain::explain;
use super::{Data, Mapping, Node, Tag, Text, resolve};
use crate::source::{Diagnostic, Diagnostics, SourceId, Span};
use std::collections::HashMap;
use std::rc::Rc;

/// How deep collections may nest: deeper ones are attacks or accidents, and every later stage recurses.
const MAX_DEPTH: usize = 200;

/// How many nodes a text may come to once its aliases are expanded. A count, not a ratio: two anchors used by hundreds
/// of services are normal, a billion laughs are not.
const MAX_NODES: usize = 1_000_000;

const CORE: &str = "tag:yaml.org,2002:";

/// Parses all documents of a text. A text without any document gives an empty list; an empty document gives
/// [`Data::Null`].
pub fn parse(source: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let Some(events) = Events::new(text) else {
        diagnostics.push(Diagnostic::error(
            "yaml-memory",
            Span::new(source, 0, 0),
            "not enough memory to read this file",
        ));
        return Vec::new();
    };
    let mut composer =
        Composer { events, source, text, diagnostics, anchors: HashMap::new(), depth: 0, nodes: 0 };
    let mut documents = Vec::new();
    while let Ok(Some(document)) = composer.document() {
        documents.push(document);
    }
    documents
}

/// The rest of the text cannot be read; the reason was reported.
struct Stop;

/// A collection's items, and the byte behind the last of them.
type Read = Result<(Data, u32), Stop>;

enum Anchor {
    /// Its value is being read: an alias to it here would contain itself.
    Open,
    Done {
        node: Rc<Node>,
        nodes: usize,
    },
}

struct Composer<'text, 'diagnostics> {
    events: Events<'text>,
    source: SourceId,
    text: &'text str,
    diagnostics: &'diagnostics mut Diagnostics,
    anchors: HashMap<String, Anchor>,
    depth: usize,
    nodes: usize,
}

impl Composer<'_, '_> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        loop {
            match self.event()?.kind {
                EventKind::StreamEnd => return Ok(None),
                EventKind::DocumentStart => {
                    self.anchors.clear();
                    let event = self.event()?;
                    return self.value(event).map(Some);
                }
                EventKind::DocumentEnd
                | EventKind::Alias(_)
                | EventKind::Scalar { .. }
                | EventKind::SequenceStart(_)
                | EventKind::SequenceEnd
                | EventKind::MappingStart(_)
                | EventKind::MappingEnd => {}
            }
        }
    }

    fn event(&mut self) -> Result<Event, Stop> {
        self.events.next().map_err(|error| {
            let diagnostic = explain(self.source, self.text, &error);
            self.diagnostics.push(diagnostic);
            Stop
        })
    }

    fn span(&self, start: u32, end: u32) -> Span {
        Span::new(self.source, start, end)
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> Stop {
        self.diagnostics.push(Diagnostic::error(code, span, message));
        Stop
    }

    fn value(&mut self, event: Event) -> Result<Node, Stop> {
        let span = self.span(event.start, event.end);
        self.nodes += 1;
        match event.kind {
            EventKind::Alias(name) => self.alias(&name, span),
            EventKind::Scalar { properties, text, plain } => {
                let span = self.without_trailing_blank(span);
                let node = self.scalar(span, properties.tag.as_deref(), text, plain);
                self.close(properties.anchor, &node, 1);
                Ok(node)
            }
            EventKind::SequenceStart(properties) => self.collection(&properties, span, Self::sequence),
            EventKind::MappingStart(properties) => self.collection(&properties, span, Self::mapping),
            EventKind::StreamEnd
            | EventKind::DocumentStart
            | EventKind::DocumentEnd
            | EventKind::SequenceEnd
            | EventKind::MappingEnd => Ok(Node::new(span, Data::Null)),
        }
    }

    fn collection(
        &mut self,
        properties: &Properties,
        span: Span,
        read: fn(&mut Self, Span) -> Read,
    ) -> Result<Node, Stop> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("yaml-depth", span, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        if let Some(anchor) = &properties.anchor {
            self.anchors.insert(anchor.clone(), Anchor::Open);
        }
        let before = self.nodes;
        self.depth += 1;
        let (data, end) = read(self, span)?;
        self.depth -= 1;
        let node =
            Node { span: Span { end, ..span }, tag: properties.tag.as_deref().and_then(local_tag), data };
        self.close(properties.anchor.clone(), &node, self.nodes - before + 1);
        Ok(node)
    }

    fn close(&mut self, anchor: Option<String>, node: &Node, nodes: usize) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchor::Done { node: Rc::new(node.clone()), nodes });
        }
    }

    fn alias(&mut self, name: &str, span: Span) -> Result<Node, Stop> {
        match self.anchors.get(name) {
            Some(Anchor::Done { node, nodes }) => {
                self.nodes = self.nodes.saturating_add(*nodes);
                if self.nodes <= MAX_NODES {
                    return Ok(Node::clone(node));
                }
                Err(self.error(
                    "yaml-expansion",
                    span,
                    format!("aliases make this file grow to more than {MAX_NODES} values"),
                ))
            }
            Some(Anchor::Open) => {
                Err(self.error("yaml-alias", span, format!("the value of anchor `{name}` contains itself")))
            }
            None => {
                let diagnostic = Diagnostic::error("yaml-alias", span, format!("unknown anchor `{name}`"))
                    .label("no such anchor above")
                    .help(format!("an anchor is set with `&{name}` before it is used with `*{name}`; text that starts with `*` must be quoted"));
                self.diagnostics.push(diagnostic);
                Err(Stop)
            }
        }
    }

    fn scalar(&mut self, span: Span, tag: Option<&str>, text: Text, plain: bool) -> Node {
        let Some(tag) = tag else {
            let value = if plain { resolve::plain(&text) } else { None };
            return Node::new(span, value.unwrap_or(Data::String(text)));
        };
        let Some(core) = tag.strip_prefix(CORE) else {
            return Node { span, tag: local_tag(tag), data: Data::String(text) };
        };
        let data = match (core, resolve::plain(&text)) {
            // `!!merge` only means something on a key, where it was looked at before.
            ("str" | "merge", _) => Some(Data::String(text)),
            ("binary", _) => base64(&text).map(|text| Data::String(text.into())),
            ("int", Some(data @ (Data::Int(_) | Data::UInt(_))))
            | ("float", Some(data @ Data::Float(_)))
            | ("bool", Some(data @ Data::Bool(_)))
            | ("null", Some(data @ Data::Null))
            | ("timestamp", Some(data @ Data::Timestamp(_))) => Some(data),
            ("float", Some(Data::Int(_) | Data::UInt(_))) => text.parse().ok().map(Data::Float),
            _ => None,
        };
        Node::new(
            span,
            data.unwrap_or_else(|| {
                self.error("yaml-tag", span, format!("this value cannot be read as `!!{core}`"));
                Data::Null
            }),
        )
    }

    fn sequence(&mut self, span: Span) -> Read {
        let mut items = Vec::new();
        let mut end = span.end;
        loop {
            let event = self.event()?;
            if event.kind == EventKind::SequenceEnd {
                return Ok((Data::Sequence(items), closing(&event, end)));
            }
            let item_end = event.end;
            let item = self.value(event)?;
            end = if item.span.start >= span.start { item.span.end } else { item_end };
            items.push(item);
        }
    }

    fn mapping(&mut self, span: Span) -> Read {
        let mut mapping = Mapping::default();
        let mut merges: Vec<Node> = Vec::new();
        let mut merge_key = None;
        let mut end = span.end;
        loop {
            let event = self.event()?;
            if event.kind == EventKind::MappingEnd {
                break end = closing(&event, end);
            }
            let key_span = self.span(event.start, event.end);
            let key = self.key(event)?;
            let event = self.event()?;
            let value_end = event.end;
            let value = self.value(event)?;
            end = if value.span.start >= span.start { value.span.end } else { value_end }.max(key_span.end);
            match key {
                Key::Merge => {
                    if let Some(first) = merge_key.replace(key_span) {
                        self.duplicate("<<", first, key_span);
                    }
                    merges.push(value);
                }
                Key::Text(key) => {
                    if let Err((key, first)) = mapping.add(key, key_span, value) {
                        self.duplicate(&key, first, key_span);
                    }
                }
                Key::Bad => {}
            }
        }
        for merge in merges {
            self.merge(&mut mapping, merge, merge_key.unwrap_or(span))?;
        }
        Ok((Data::Mapping(mapping), end))
    }

    fn key(&mut self, event: Event) -> Result<Key, Stop> {
        let span = self.span(event.start, event.end);
        let merge = matches!(&event.kind, EventKind::Scalar { properties, text, plain: true }
            if text == "<<" && properties.tag.as_deref().is_none_or(|tag| tag.ends_with(":merge")));
        let bare = matches!(&event.kind, EventKind::Scalar { properties, .. } if *properties == Properties::default());
        let node = self.value(event)?;
        if merge {
            return Ok(Key::Merge);
        }
        if let Data::String(text) = node.data {
            return Ok(Key::Text(text));
        }
        let kind = node.kind();
        let mut diagnostic =
            Diagnostic::error("key-not-text", span, format!("a key must be text, this is {kind}"));
        if let Some(text) = self.written(span).filter(|text| bare && !text.is_empty()) {
            diagnostic = diagnostic.help(format!("put it in quotes: `\"{text}\"`"));
        }
        self.diagnostics.push(diagnostic);
        Ok(Key::Bad)
    }

    fn duplicate(&mut self, key: &str, first: Span, second: Span) {
        let diagnostic =
            Diagnostic::error("duplicate-key", second, format!("the key `{key}` is there already"))
                .label("set again here")
                .related(first, "first set here")
                .help("keep one of them; what belongs together must stand under one key");
        self.diagnostics.push(diagnostic);
    }

    /// Adds the keys of `<<` that are not there yet: explicit keys win, then the first mapping of a list.
    fn merge(&mut self, into: &mut Mapping, value: Node, key_span: Span) -> Result<(), Stop> {
        let span = value.span;
        match value.data {
            Data::Mapping(mapping) => {
                for (key, mut entry) in mapping {
                    match into.entry(&key).map(|own| own.value.tag) {
                        None => {}
                        // `!reset` takes away what is below, and not what comes in beside it: as the reference has it, the
                        // merged value then stands alone.
                        Some(Some(Tag::Reset)) => entry.value.tag = Some(Tag::Override),
                        Some(_) => continue,
                    }
                    into.insert(key, entry.key_span, entry.value);
                }
                Ok(())
            }
            Data::Sequence(items) if items.iter().all(|item| item.as_mapping().is_some()) => {
                items.into_iter().try_for_each(|item| self.merge(into, item, key_span))
            }
            Data::Sequence(_)
            | Data::Null
            | Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_) => {
                let place = if span.start == span.end { key_span } else { span };
                let diagnostic =
                    Diagnostic::error("yaml-merge", place, "`<<` takes a mapping or a list of mappings")
                        .help("`<<: *name` takes the keys of the mapping with the anchor `&name`");
                self.diagnostics.push(diagnostic);
                Err(Stop)
            }
        }
    }

    /// The text of a span of this file.
    fn written(&self, span: Span) -> Option<&str> {
        let range = usize::try_from(span.start).unwrap_or(0)..usize::try_from(span.end).unwrap_or(0);
        self.text.get(range)
    }

    /// Block scalars end after their last line break; a caret should not.
    fn without_trailing_blank(&self, span: Span) -> Span {
        let Some(text) = self.written(span) else { return span };
        let length = u32::try_from(text.trim_end().len()).unwrap_or(0);
        Span { end: span.start + length, ..span }
    }
}

enum Key {
    Merge,
    Text(Text),
    Bad,
}

/// Base64 text as the text it stands for; `None` when it is not that, or not UTF-8.
fn base64(text: &str) -> Option<String> {
    let digits: Vec<u32> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
        .map(|byte| match byte {
            b'A'..=b'Z' => Some(u32::from(byte - b'A')),
            b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
            b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
            b'+' => Some(62),
            b'/' => Some(63),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        let whole = bits.to_be_bytes();
        bytes.extend(whole.into_iter().skip(1).take(group.len().checked_sub(1).filter(|count| *count > 0)?));
    }
    String::from_utf8(bytes).ok()
}

/// Flow collections end with their bracket, block ones with their last value.
fn closing(event: &Event, last: u32) -> u32 {
    if event.end > event.start { event.end } else { last }
}

fn local_tag(tag: &str) -> Option<Tag> {
    match tag {
        "!reset" => Some(Tag::Reset),
        "!override" => Some(Tag::Override),
        "!" => None,
        _ if tag.starts_with(CORE) => None,
        _ => Some(Tag::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, Node, Tag, parse};
    use crate::source::{Diagnostics, SourceMap};
    use proptest::prelude::{any, proptest};

    fn read(text: &str) -> (Vec<Node>, Vec<String>) {
        let mut sources = SourceMap::default();
        let id = sources.add("/f.yaml", "f.yaml", text);
        let mut diagnostics = Diagnostics::default();
        let documents = parse(id, text, &mut diagnostics);
        let shown = diagnostics
            .iter()
            .map(|item| format!("{}: {}", sources.place(item.primary.span).unwrap_or_default(), item.message))
            .collect();
        (documents, shown)
    }

    fn json(node: &Node) -> serde_json::Value {
        match &node.data {
            Data::Null => serde_json::Value::Null,
            Data::Bool(value) => (*value).into(),
            Data::Int(value) => (*value).into(),
            Data::UInt(value) => (*value).into(),
            Data::Float(value) => (*value).into(),
            Data::Timestamp(text) | Data::String(text) => text.as_str().into(),
            Data::Sequence(items) => items.iter().map(json).collect(),
            Data::Mapping(mapping) => {
                mapping.iter().map(|(key, entry)| (key.to_owned(), json(&entry.value))).collect()
            }
        }
    }

    fn check(text: &str, expect: serde_json::Value) {
        let (documents, errors) = read(text);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(documents.iter().map(json).collect::<Vec<_>>(), vec![expect]);
    }

    fn refuses(text: &str, expect: &str) {
        let (_, errors) = read(text);
        assert_eq!(errors, vec![expect.to_owned()]);
    }

    #[test]
    fn merge_keys_give_way_to_explicit_keys_and_the_first_of_a_list_wins() {
        check(
            "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n",
            serde_json::json!({"a": {"x": 1, "y": 1}, "b": {"y": 2, "z": 2}, "c": {"x": 3, "y": 1, "z": 2}}),
        );
    }

    #[test]
    fn quoted_merge_keys_are_text() {
        check("'<<': 1\n", serde_json::json!({"<<": 1}));
    }

    #[test]
    fn duplicate_keys_are_refused_at_the_second_one() {
        refuses("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key `a` is there already");
    }

    #[test]
    fn keys_that_are_not_text_are_refused() {
        refuses("a:\n  1: x\n", "f.yaml:2:3: a key must be text, this is a number");
    }

    #[test]
    fn an_unknown_alias_is_refused() {
        refuses("a: *nope\n", "f.yaml:1:4: unknown anchor `nope`");
    }

    #[test]
    fn an_anchor_that_contains_itself_is_refused() {
        refuses("a: &a [*a]\n", "f.yaml:1:8: the value of anchor `a` contains itself");
    }

    #[test]
    fn a_merge_of_text_is_refused() {
        refuses("a:\n  <<: text\n", "f.yaml:2:7: `<<` takes a mapping or a list of mappings");
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
        }
        let (_, errors) = read(&text);
        assert_eq!(
            errors,
            vec!["f.yaml:6:45: aliases make this file grow to more than 1000000 values".to_owned()]
        );
    }

    #[test]
    fn anchors_used_by_hundreds_of_services_are_fine() {
        let mut text = "x: &x {a: 1, b: 2, c: 3}\n".to_owned();
        for index in 0..500 {
            text.push_str(&format!("s{index}: {{<<: *x}}\n"));
        }
        assert_eq!(read(&text).1, Vec::<String>::new());
    }

    #[test]
    fn deep_nesting_is_refused() {
        let (_, errors) = read(&"[".repeat(5000));
        assert_eq!(errors, vec!["f.yaml:1:201: nested more than 200 levels deep".to_owned()]);
    }

    #[test]
    fn tabs_are_explained() {
        let mut diagnostics = Diagnostics::default();
        let mut sources = SourceMap::default();
        let text = "a:\n\tb: 1\n";
        let id = sources.add("/f.yaml", "f.yaml", text);
        assert_eq!(parse(id, text, &mut diagnostics), Vec::new());
        let helps: Vec<_> = diagnostics.iter().flat_map(|item| item.help.clone()).collect();
        assert_eq!(helps, vec!["indent with spaces: YAML forbids tabs there".to_owned()]);
    }

    #[test]
    fn local_tags_are_kept() {
        let (documents, errors) = read("a: !reset null\nb: !override [1]\n");
        assert_eq!(errors, Vec::<String>::new());
        let tag = |key: &str| documents[0].get(key).unwrap().tag;
        assert_eq!((tag("a"), tag("b")), (Some(Tag::Reset), Some(Tag::Override)));
    }

    #[test]
    fn core_tags_decide_what_a_scalar_is() {
        check(
            "a: !!str 1\nb: !!int '0x10'\nc: !!float 1\nd: !!binary aGk=\n!!merge <<: {e: 1}\n",
            serde_json::json!({"a": "1", "b": 16, "c": 1.0, "d": "hi", "e": 1}),
        );
        refuses("a: !!int x\n", "f.yaml:1:4: this value cannot be read as `!!int`");
    }

    #[test]
    fn several_documents_crlf_and_a_byte_order_mark_are_fine() {
        let (documents, errors) = read("\u{feff}a: 1\r\n---\r\nb: 2\r\n");
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(
            documents.iter().map(json).collect::<Vec<_>>(),
            [serde_json::json!({"a": 1}), serde_json::json!({"b": 2})]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            read(&text);
        }

        #[test]
        fn no_yaml_like_text_makes_it_panic(text in "[-a-c:{}\\[\\]&*<!|>'\"# \t\n0-9,]{0,60}") {
            read(&text);
        }
    }
}
