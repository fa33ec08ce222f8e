//! The structure of a stack file: unknown attributes, missing ones, and values of the wrong kind, all of them in one go.
//!
//! In: the merged tree, before short forms are spelled out. Out: diagnostics at exact places. The [`table`] says what
//! is allowed. Deliberately absent: what a text means, references between parts.

mod schema;
mod table;

pub use schema::schema;
pub use table::gpu_attributes;

use crate::source::nearest;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::yaml::{Data, Entry, Mapping, Node, Trail, scalar_text};
use table::{Kinds, Object, Others, Shape};

/// Checks a whole stack file.
pub fn check(tree: &Node, diagnostics: &mut Diagnostics) {
    Checker { diagnostics }.object(tree, &table::FILE, &Trail::default(), tree.span);
}

struct Checker<'diagnostics> {
    diagnostics: &'diagnostics mut Diagnostics,
}

impl Checker<'_> {
    /// `at` is the place of the key, for values that take no room.
    fn value(&mut self, node: &Node, shape: &Shape, path: &Trail<'_>, at: Span) {
        match (shape, &node.data) {
            (Shape::Any, _) | (Shape::Whole(..), Data::String(_)) => {}
            (Shape::Scalar(kinds), _) if kinds.has(kind(node)) => {}
            (Shape::Text(accepts, _), Data::String(text)) if accepts(text) => {}
            (Shape::Text(_, expected), Data::String(text)) => {
                self.wrong(
                    "wrong-value",
                    node,
                    at,
                    &format!("`{path}` must be {expected}, not `{text}`"),
                    "",
                );
            }
            (Shape::Whole(low, high), _) if kind(node).has(Kinds::INT) => {
                let inside = match node.data {
                    Data::Int(value) => (*low..=*high).contains(&value),
                    Data::UInt(_) => *high == i64::MAX,
                    _ => true,
                };
                if !inside {
                    let range = if *high == i64::MAX {
                        format!("{low} or more")
                    } else {
                        format!("from {low} to {high}")
                    };
                    self.wrong("wrong-value", node, at, &format!("`{path}` must be {range}"), "");
                }
            }
            (Shape::Word(words), Data::String(text)) => self.word(node, text, words, path, at),
            (Shape::List(item), Data::Sequence(items)) => self.items(items, item, path, at),
            (Shape::Set(item), Data::Sequence(items)) => {
                self.repetition(items, path);
                self.items(items, item, path, at);
            }
            (
                Shape::Map(value) | Shape::Keyed(value) | Shape::Named(value) | Shape::Loose(value),
                Data::Mapping(mapping),
            ) => {
                self.map(mapping, shape, value, path);
            }
            (Shape::Object(object), Data::Mapping(_)) => self.object(node, object, path, at),
            (Shape::Either(shapes), _) => match shapes.iter().find(|shape| fits(shape, node)) {
                Some(shape) => self.value(node, shape, path, at),
                None => self.kind(node, shape, path, at),
            },
            _ => self.kind(node, shape, path, at),
        }
    }

    fn items(&mut self, items: &[Node], shape: &Shape, path: &Trail<'_>, at: Span) {
        for (index, item) in items.iter().enumerate() {
            self.value(item, shape, &path.index(index), at);
        }
    }

    fn map(&mut self, mapping: &Mapping, shape: &Shape, value: &Shape, path: &Trail<'_>) {
        for (key, entry) in mapping.iter() {
            let named = is_name(key);
            if matches!(shape, Shape::Keyed(_)) && key.is_empty() {
                let message = format!("`{path}` has an empty name");
                self.diagnostics.push(Diagnostic::error("invalid-name", entry.key_span, message));
            }
            if matches!(shape, Shape::Named(_)) && !named {
                let diagnostic = Diagnostic::error(
                    "invalid-name",
                    entry.key_span,
                    format!("`{key}` cannot be a name in `{path}`"),
                )
                .label("only letters, digits, `.`, `_` and `-`");
                self.diagnostics.push(diagnostic);
            } else if named || !matches!(shape, Shape::Loose(_)) {
                self.value(&entry.value, value, &path.key(key), entry.key_span);
            }
        }
    }

    fn object(&mut self, node: &Node, object: &Object, path: &Trail<'_>, at: Span) {
        let Some(mapping) = node.as_mapping() else {
            return self.wrong("wrong-kind", node, at, &format!("{} must be a mapping", object.what), "");
        };
        for (key, entry) in mapping.iter() {
            match object.attributes.iter().find(|(name, _)| *name == key) {
                Some((_, shape)) => self.value(&entry.value, shape, &path.key(key), entry.key_span),
                None if object.others == Others::Any => {}
                None if object.others == Others::Extensions && key.starts_with("x-") => {}
                None => self.unknown(key, entry, object, path),
            }
        }
        for required in object.required {
            let misspelt = || {
                let unknown = mapping.iter().map(|(key, _)| key);
                let mut unknown =
                    unknown.filter(|key| !object.attributes.iter().any(|(name, _)| name == key));
                unknown.any(|key| nearest(key, [*required]).is_some())
            };
            if !mapping.contains(required) && !misspelt() {
                let message = format!("`{path}` has no `{required}`");
                let place = if node.span.start == node.span.end { at } else { node.span };
                let diagnostic = Diagnostic::error("missing-attribute", place, message)
                    .label(format!("{} needs `{required}`", object.what));
                self.diagnostics.push(diagnostic);
            }
        }
    }

    fn unknown(&mut self, key: &str, entry: &Entry, object: &Object, path: &Trail<'_>) {
        let span = entry.key_span;
        let holds_service = entry
            .value
            .as_mapping()
            .is_some_and(|mapping| mapping.contains("image") || mapping.contains("build"));
        let mut diagnostic =
            Diagnostic::error("unknown-attribute", span, format!("{} has no attribute `{key}`", object.what));
        diagnostic.primary.text =
            if path.is_root() { String::new() } else { format!("not known in `{path}`") };
        let names = object.attributes.iter().map(|(name, _)| *name);
        if holds_service && object.what == "a service" {
            diagnostic = diagnostic.help(format!("if `{key}` is a service, indent it as far as the others"));
        } else if let Some(near) = nearest(key, names) {
            diagnostic = diagnostic.help(format!("an attribute with a similar name exists: `{near}`"));
        } else if path.is_root() && table::is_service_attribute(key) {
            diagnostic = diagnostic
                .help(format!("`{key}` belongs inside a service: `services:`, a name, then `{key}:`"));
        } else if path.is_root() {
            diagnostic = diagnostic
                .help("services stand under `services:`; keys of your own start with `x-`".to_owned());
        } else if object.others == Others::Extensions {
            diagnostic = diagnostic.help("keys of your own start with `x-`");
        }
        self.diagnostics.push(diagnostic);
    }

    fn word(&mut self, node: &Node, text: &str, words: &[&str], path: &Trail<'_>, at: Span) {
        if words.contains(&text) {
            return;
        }
        let expected = list(words.iter().map(|word| format!("`{word}`")).collect());
        let mut diagnostic =
            Diagnostic::error("wrong-value", place(node, at), format!("`{path}` cannot be `{text}`"))
                .label(format!("must be {expected}"));
        if let Some(near) = nearest(text, words.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.diagnostics.push(diagnostic);
    }

    fn repetition(&mut self, items: &[Node], path: &Trail<'_>) {
        // Long lists are hashed by their text; mappings among them are compared one by one.
        let mut texts = std::collections::HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let first = match &item.data {
                Data::String(text) => texts.insert(text.as_str(), item),
                _ => items.get(..index).and_then(|before| before.iter().find(|other| same(other, item))),
            };
            if let Some(first) = first {
                let diagnostic =
                    Diagnostic::error("repeated-item", item.span, format!("`{path}` names this twice"))
                        .related(first.span, "first named here");
                self.diagnostics.push(diagnostic);
            }
        }
    }

    fn kind(&mut self, node: &Node, shape: &Shape, path: &Trail<'_>, at: Span) {
        let expected = expected(shape);
        let found = if node.is_null() { "empty" } else { node.kind() };
        let mut diagnostic = Diagnostic::error(
            "wrong-kind",
            place(node, at),
            format!("`{path}` must be {expected}, not {found}"),
        );
        diagnostic.primary.text =
            if node.is_null() { "nothing is given here".to_owned() } else { String::new() };
        if let (Data::Timestamp(text), true) = (&node.data, allows(shape, Kinds::TEXT)) {
            diagnostic =
                diagnostic.help(format!("YAML reads this as a date; put it in quotes: `\"{text}\"`"));
        } else if is_scalar(node) && !node.is_null() && allows(shape, Kinds::TEXT) {
            let quoted = scalar_text(&node.data).map(|text| format!(": `\"{text}\"`")).unwrap_or_default();
            diagnostic = diagnostic.help(format!("put it in quotes to make it text{quoted}"));
        } else if node.is_null() {
            diagnostic = diagnostic.help("remove the key, or give it a value");
        } else if let Some(help) = outline(shape, node) {
            diagnostic = diagnostic.help(help);
        }
        self.diagnostics.push(diagnostic);
    }

    fn wrong(&mut self, code: &'static str, node: &Node, at: Span, message: &str, label: &str) {
        let mut diagnostic = Diagnostic::error(code, place(node, at), message);
        if !label.is_empty() {
            diagnostic = diagnostic.label(format!("must be {label}"));
        }
        self.diagnostics.push(diagnostic);
    }
}

/// How a value with the wrong outline is put right.
fn outline(shape: &Shape, node: &Node) -> Option<String> {
    let list = accepts(shape, &|shape| matches!(shape, Shape::List(_) | Shape::Set(_)));
    let mapping = accepts(shape, &|shape| {
        matches!(
            shape,
            Shape::Map(_) | Shape::Keyed(_) | Shape::Named(_) | Shape::Loose(_) | Shape::Object(_)
        )
    });
    match &node.data {
        Data::String(_) | Data::Int(_) | Data::Float(_) if list => {
            let text = scalar_text(&node.data)?;
            Some(format!("make it a list: `- {text}` on a line of its own, or `[\"{text}\"]`"))
        }
        Data::Mapping(_) if list => Some("make it a list: start each item with `- `".to_owned()),
        Data::Sequence(_) if mapping => Some("write `name:` and its value instead of `- `".to_owned()),
        Data::String(_) if mapping => Some("put its attributes on the lines below, indented".to_owned()),
        Data::Mapping(_) if allows(shape, Kinds::TEXT) => pair_as_text(node),
        _ => None,
    }
}

/// What to write instead of `name: value`, where text was meant.
pub fn pair_as_text(node: &Node) -> Option<String> {
    let mapping = node.as_mapping().filter(|mapping| mapping.len() == 1)?;
    let (key, entry) = mapping.iter().next()?;
    let value = scalar_text(&entry.value.data)?;
    Some(format!("`: ` makes this a mapping; for text write `{key}={value}`, or `\"{key}: {value}\"`"))
}

fn accepts(shape: &Shape, test: &impl Fn(&Shape) -> bool) -> bool {
    match shape {
        Shape::Either(shapes) => shapes.iter().any(|shape| accepts(shape, test)),
        _ => test(shape),
    }
}

/// The value's place, or its key's when the value takes no room.
fn place(node: &Node, at: Span) -> Span {
    if node.span.is_some() && node.span.start < node.span.end { node.span } else { at }
}

fn kind(node: &Node) -> Kinds {
    match &node.data {
        Data::Null => Kinds::NULL,
        Data::Bool(_) => Kinds::BOOL,
        Data::Int(_) | Data::UInt(_) => Kinds::WHOLE,
        Data::Float(value) if value.fract() == 0.0 => Kinds::WHOLE,
        Data::Float(_) => Kinds::NUMBER,
        Data::String(_) => Kinds::TEXT,
        Data::Timestamp(_) | Data::Sequence(_) | Data::Mapping(_) => Kinds::NONE,
    }
}

fn is_scalar(node: &Node) -> bool {
    !matches!(node.data, Data::Sequence(_) | Data::Mapping(_))
}

/// Whether a node has the right outline for a shape, so that its own mistakes should be told.
fn fits(shape: &Shape, node: &Node) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Scalar(kinds) => kinds.has(kind(node)),
        Shape::Text(..) | Shape::Word(_) => matches!(node.data, Data::String(_)),
        Shape::Whole(..) => kind(node).has(Kinds::INT) || kind(node).has(Kinds::TEXT),
        Shape::List(_) | Shape::Set(_) => matches!(node.data, Data::Sequence(_)),
        Shape::Map(_) | Shape::Keyed(_) | Shape::Named(_) | Shape::Loose(_) | Shape::Object(_) => {
            matches!(node.data, Data::Mapping(_))
        }
        Shape::Either(shapes) => shapes.iter().any(|shape| fits(shape, node)),
    }
}

fn allows(shape: &Shape, kinds: Kinds) -> bool {
    match shape {
        Shape::Scalar(own) => own.has(kinds),
        Shape::Text(..) | Shape::Word(_) | Shape::Whole(..) => kinds.has(Kinds::TEXT),
        Shape::Either(shapes) => shapes.iter().any(|shape| allows(shape, kinds)),
        Shape::Any
        | Shape::List(_)
        | Shape::Set(_)
        | Shape::Map(_)
        | Shape::Keyed(_)
        | Shape::Named(_)
        | Shape::Loose(_)
        | Shape::Object(_) => false,
    }
}

/// What a shape wants, in words: `text or a list`.
fn expected(shape: &Shape) -> String {
    fn collect(shape: &Shape, words: &mut Vec<String>) {
        let mut add = |word: &str| {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        };
        match shape {
            Shape::Any => add("anything"),
            Shape::Scalar(kinds) => {
                let names = [
                    (Kinds::TEXT, "text"),
                    (Kinds::NUMBER, "a number"),
                    (Kinds::INT, "a whole number"),
                    (Kinds::BOOL, "`true` or `false`"),
                    (Kinds::NULL, "nothing"),
                ];
                for (kind, name) in names {
                    if kinds.has(kind) {
                        add(name);
                    }
                }
            }
            Shape::Text(_, what) => add(what),
            Shape::Whole(..) => {
                add("a whole number");
                add("text");
            }
            Shape::Word(options) => options.iter().for_each(|option| add(&format!("`{option}`"))),
            Shape::List(_) | Shape::Set(_) => add("a list"),
            Shape::Map(_) | Shape::Keyed(_) | Shape::Named(_) | Shape::Loose(_) | Shape::Object(_) => {
                add("a mapping");
            }
            Shape::Either(shapes) => shapes.iter().for_each(|shape| collect(shape, words)),
        }
    }
    let mut words = Vec::new();
    collect(shape, &mut words);
    words.sort_by_key(|word| word == "nothing");
    list(words)
}

/// `a, b or c`.
fn list(mut words: Vec<String>) -> String {
    let Some(last) = words.pop() else { return String::new() };
    if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) }
}

/// Letters, digits, `.`, `_` and `-`.
fn is_name(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether two values are equal, wherever they were written.
pub fn same(one: &Node, other: &Node) -> bool {
    match (&one.data, &other.data) {
        (Data::Sequence(one), Data::Sequence(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Data::Mapping(one), Data::Mapping(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, entry)| other.get(key).is_some_and(|other| same(&entry.value, other)))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::source::{Diagnostics, SourceMap};
    use crate::yaml::parse;

    fn findings(text: &str) -> Vec<String> {
        let mut sources = SourceMap::default();
        let id = sources.add("/f.yaml", "f", text);
        let mut diagnostics = Diagnostics::default();
        let documents = parse(id, text, &mut diagnostics);
        check(&documents[0], &mut diagnostics);
        diagnostics
            .sorted()
            .iter()
            .map(|item| {
                let place = sources.place(item.primary.span).unwrap_or_default();
                let help = item.help.join("; ");
                format!("{place} {}{}{help}", item.message, if help.is_empty() { "" } else { " | " })
            })
            .collect()
    }

    #[test]
    fn a_correct_file_has_no_findings() {
        let text = "x-a: 1\nservices:\n  a:\n    image: b\n    ports: [80, '1:2', {target: 3}]\n    environment: {A: 1, B: null}\n    networks: {n: null}\n    x-b: []\n";
        assert_eq!(findings(text), Vec::<String>::new());
    }

    #[test]
    fn all_mistakes_are_told_at_their_places() {
        let text = "services:\n  a:\n    imge: b\n    ports: 80\n    hostname: 1\n    cgroup: hots\n    environment:\n  'b b': {}\nimage: x\n";
        assert_eq!(
            findings(text),
            [
                "f:3:5 a service has no attribute `imge` | an attribute with a similar name exists: `image`",
                "f:4:12 `services.a.ports` must be a list, not a number | make it a list: `- 80` on a line of its own, or `[\"80\"]`",
                "f:5:15 `services.a.hostname` must be text, not a number | put it in quotes to make it text: `\"1\"`",
                "f:6:13 `services.a.cgroup` cannot be `hots` | did you mean `host`?",
                "f:7:5 `services.a.environment` must be a mapping or a list, not empty | remove the key, or give it a value",
                "f:8:3 `b b` cannot be a name in `services`",
                "f:9:1 a stack file has no attribute `image` | `image` belongs inside a service: `services:`, a name, then `image:`",
            ]
        );
    }

    #[test]
    fn repetition_in_sets_is_refused() {
        assert_eq!(
            findings("services: {a: {cap_drop: [A, B, A]}}\n"),
            ["f:1:33 `services.a.cap_drop` names this twice"]
        );
    }
}
