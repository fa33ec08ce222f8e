//! The last step before decoding: every attribute in the one form that the model has.
//!
//! The forms that files and merges leave are kept as long as trees are merged, because the rules of merging tell a list
//! of pairs from a mapping and a command line from its words.

use super::words;
use crate::source::{Diagnostic, Diagnostics};
use crate::yaml::{Data, Mapping, Node, PatternTable, Place, Text, Trail, scalar_text};
use std::sync::LazyLock;

/// The form that the model wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Variables: a mapping, in which nothing means "no value".
    Variables,
    /// A mapping to texts.
    Texts,
    /// A list of words.
    Words,
    /// The words of a probe.
    Probe,
    /// A list.
    List,
    /// A mapping to lists.
    Lists,
    /// `id=path` items.
    Keys,
}

static FORMS: LazyLock<PatternTable<Form>> = LazyLock::new(|| {
    use Form::{Keys, List, Lists, Probe, Texts, Variables, Words};
    PatternTable::new([
        ("services.*.annotations", Texts),
        ("services.*.labels", Texts),
        ("services.*.sysctls", Texts),
        ("services.*.environment", Variables),
        ("services.*.build.args", Variables),
        ("services.*.build.labels", Texts),
        ("services.*.build.additional_contexts", Texts),
        ("services.*.build.ssh", Keys),
        ("services.*.build.no_cache_filter", List),
        ("services.*.deploy.labels", Texts),
        ("services.*.deploy.resources.reservations.devices.*.options", Texts),
        ("services.*.gpus.*.options", Texts),
        ("services.*.develop.watch.*.exec.environment", Variables),
        ("services.*.develop.watch.*.exec.command", Words),
        ("services.*.pre_start.*.environment", Variables),
        ("services.*.pre_start.*.command", Words),
        ("services.*.post_start.*.environment", Variables),
        ("services.*.post_start.*.command", Words),
        ("services.*.pre_stop.*.environment", Variables),
        ("services.*.pre_stop.*.command", Words),
        ("services.*.command", Words),
        ("services.*.entrypoint", Words),
        ("services.*.healthcheck.test", Probe),
        ("services.*.dns_search", List),
        ("services.*.tmpfs", List),
        ("services.*.provider.options", Lists),
        ("services.*.volumes.*.volume.labels", Texts),
        ("networks.*.labels", Texts),
        ("volumes.*.labels", Texts),
        ("secrets.*.labels", Texts),
        ("configs.*.labels", Texts),
    ])
});

/// Brings a complete tree into the model's form.
pub fn apply(tree: &mut Mapping, diagnostics: &mut Diagnostics) {
    walk_mapping(tree, FORMS.root(), &Trail::default(), diagnostics);
}

fn walk_mapping(tree: &mut Mapping, place: Place<'_, Form>, path: &Trail<'_>, diagnostics: &mut Diagnostics) {
    for (key, entry) in tree.iter_mut() {
        let below = place.key(key);
        if below.is_end() && below.row().is_none() {
            continue;
        }
        walk(&mut entry.value, below, &path.key(key), diagnostics);
    }
}

fn walk(node: &mut Node, place: Place<'_, Form>, path: &Trail<'_>, diagnostics: &mut Diagnostics) {
    if let Some(form) = place.row() {
        return shape(node, *form, path, diagnostics);
    }
    match &mut node.data {
        Data::Mapping(mapping) => walk_mapping(mapping, place, path, diagnostics),
        Data::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, place.item(), &path.index(index), diagnostics);
            }
        }
        _ => {}
    }
}

fn shape(node: &mut Node, form: Form, path: &Trail<'_>, diagnostics: &mut Diagnostics) {
    let span = node.span;
    match (form, &mut node.data) {
        (Form::Variables | Form::Texts, Data::Sequence(items)) => {
            let mut mapping = Mapping::default();
            for item in items.drain(..) {
                let Some(text) = scalar_text(&item.data) else { continue };
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name.into(), Data::String(value.into())),
                    None if form == Form::Variables => (text, Data::Null),
                    None => (text, Data::String(Text::default())),
                };
                if form == Form::Variables && name.ends_with(char::is_whitespace) {
                    let message = format!("the variable `{name}` of `{path}` has a blank before its `=`");
                    diagnostics.push(Diagnostic::error("trailing-blank", item.span, message));
                }
                mapping.insert(name, item.span, Node::new(item.span, value));
            }
            node.data = Data::Mapping(mapping);
        }
        (Form::Texts, Data::Mapping(mapping)) => {
            for (_, entry) in mapping.iter_mut() {
                if entry.value.is_null() {
                    entry.value.data = Data::String(Text::default());
                }
            }
        }
        (Form::Words, Data::String(line)) => {
            if let Some(words) = words::split(line) {
                let words = words.into_iter().map(|word| Node::string(span, word));
                node.data = Data::Sequence(words.collect());
                return;
            }
            let message = format!("`{path}` is not a command line: a quote or a parenthesis does not match");
            let diagnostic = Diagnostic::error("invalid-command", span, message)
                .help("write the command as a list: `[\"program\", \"argument\"]`");
            diagnostics.push(diagnostic);
        }
        (Form::Probe, Data::String(line)) => {
            let line = std::mem::take(line);
            node.data = Data::Sequence(vec![Node::string(span, "CMD-SHELL"), Node::string(span, line)]);
        }
        (Form::List, Data::String(text)) => {
            let text = std::mem::take(text);
            node.data = Data::Sequence(vec![Node::string(span, text)]);
        }
        (Form::Lists, Data::Mapping(mapping)) => {
            for (_, entry) in mapping.iter_mut() {
                if entry.value.as_sequence().is_none() {
                    let span = entry.value.span;
                    let value = std::mem::replace(&mut entry.value, Node::new(span, Data::Null));
                    entry.value = Node::new(span, Data::Sequence(vec![value]));
                }
            }
        }
        (Form::Keys, Data::Mapping(mapping)) => {
            let mut keys: Vec<Node> = mapping
                .iter()
                .map(|(id, entry)| match scalar_text(&entry.value.data) {
                    Some(path) if !path.is_empty() => Node::string(entry.value.span, format!("{id}={path}")),
                    _ => Node::string(entry.key_span, id),
                })
                .collect();
            keys.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            node.data = Data::Sequence(keys);
        }
        _ => {}
    }
}
