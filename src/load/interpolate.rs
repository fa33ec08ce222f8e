//! `${NAME}` in values, and the casts of attributes that are not text.
//!
//! In: one file's tree, its variables. Out: the same tree with templates evaluated; texts at the paths of the cast table
//! become numbers and booleans, whether or not they held a template. Keys are never templates. Deliberately absent: where
//! variables come from.

use super::session::Session;
use crate::env::template::{self, Scope, TemplateError};
use crate::model::Environment;
use crate::source::{Diagnostic, Span};
use crate::yaml::{Data, Node, PatternTable, Place, Trail};
use std::sync::LazyLock;

/// What a text is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cast {
    Whole,
    Number,
    Bool,
}

static CASTS: LazyLock<PatternTable<Cast>> = LazyLock::new(|| {
    use Cast::{Bool, Number, Whole};
    PatternTable::new([
        ("services.*.cpu_count", Whole),
        ("services.*.cpu_percent", Number),
        ("services.*.cpu_period", Whole),
        ("services.*.cpu_quota", Whole),
        ("services.*.cpu_rt_period", Whole),
        ("services.*.cpu_rt_runtime", Whole),
        ("services.*.cpus", Number),
        ("services.*.cpu_shares", Whole),
        ("services.*.init", Bool),
        ("services.*.depends_on.*.required", Bool),
        ("services.*.depends_on.*.restart", Bool),
        ("services.*.deploy.replicas", Whole),
        ("services.*.deploy.update_config.parallelism", Whole),
        ("services.*.deploy.update_config.max_failure_ratio", Number),
        ("services.*.deploy.rollback_config.parallelism", Whole),
        ("services.*.deploy.rollback_config.max_failure_ratio", Number),
        ("services.*.deploy.restart_policy.max_attempts", Whole),
        ("services.*.deploy.placement.max_replicas_per_node", Whole),
        ("services.*.healthcheck.retries", Whole),
        ("services.*.healthcheck.disable", Bool),
        ("services.*.oom_kill_disable", Bool),
        ("services.*.oom_score_adj", Whole),
        ("services.*.pids_limit", Whole),
        ("services.*.ports.[].target", Whole),
        ("services.*.privileged", Bool),
        ("services.*.read_only", Bool),
        ("services.*.scale", Whole),
        ("services.*.stdin_open", Bool),
        ("services.*.tty", Bool),
        ("services.*.ulimits.*", Whole),
        ("services.*.ulimits.*.hard", Whole),
        ("services.*.ulimits.*.soft", Whole),
        ("services.*.volumes.[].read_only", Bool),
        ("services.*.volumes.[].volume.nocopy", Bool),
        ("networks.*.external", Bool),
        ("networks.*.internal", Bool),
        ("networks.*.attachable", Bool),
        ("networks.*.enable_ipv4", Bool),
        ("networks.*.enable_ipv6", Bool),
        ("volumes.*.external", Bool),
        ("secrets.*.external", Bool),
        ("configs.*.external", Bool),
    ])
});

/// Evaluates a file's tree in place.
pub fn interpolate(tree: &mut Node, variables: &Environment, session: &mut Session<'_>) {
    Walk { variables, session }.node(tree, CASTS.root(), &Trail::default());
}

/// Evaluates one text that stands at `span`; `None` when it has no value, which was reported.
pub fn text(
    text: &str,
    span: Span,
    path: &Trail<'_>,
    variables: &Environment,
    session: &mut Session<'_>,
) -> Option<String> {
    Walk { variables, session }.text(text, span, path)
}

struct Walk<'walk, 'request> {
    variables: &'walk Environment,
    session: &'walk mut Session<'request>,
}

impl Walk<'_, '_> {
    fn node(&mut self, node: &mut Node, place: Place<'_, Cast>, path: &Trail<'_>) {
        match &mut node.data {
            Data::String(text) => {
                if text.contains('$') {
                    match self.text(text, node.span, path) {
                        Some(value) => *text = value.into(),
                        None => return,
                    }
                }
                if let Some(cast) = place.row() {
                    self.cast(node, *cast, path);
                }
            }
            Data::Mapping(mapping) => {
                for (key, entry) in mapping.iter_mut() {
                    self.node(&mut entry.value, place.key(key), &path.key(key));
                }
            }
            Data::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, place.item(), &path.index(index));
                }
            }
            Data::Null
            | Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_) => {}
        }
    }

    fn text(&mut self, text: &str, span: Span, path: &Trail<'_>) -> Option<String> {
        let lookup = |name: &str| self.variables.get(name).map(str::to_owned);
        let mut scope = Scope::new(&lookup);
        let result = template::substitute(text, &mut scope);
        if self.session.variables_lost && !scope.unset.is_empty() {
            self.session.damage.lose(span);
            return None;
        }
        for name in scope.unset {
            let place = self.session.narrow(span, &format!("${{{name}"));
            let place = if place == span { self.session.narrow(span, &format!("${name}")) } else { place };
            let literal = looks_literal(text, &name) || holds_secrets(&path.to_string());
            self.session.unset(
                &name,
                place,
                literal.then_some("if the `$` is part of the text, write it twice: `$$`"),
            );
        }
        match result {
            Ok(value) => Some(value),
            // A file of variables that cannot be read was reported.
            Err(TemplateError::Required { .. }) if self.session.variables_lost => {
                self.session.damage.lose(span);
                None
            }
            Err(TemplateError::Required { name, message }) => {
                let place = self.session.narrow(span, &format!("${{{name}"));
                let mut said = format!("`{path}` needs the variable `{name}`, which is not set");
                if !message.is_empty() {
                    said = format!("{said}: {message}");
                }
                let diagnostic = Diagnostic::error("required-variable", place, said)
                    .help(format!("set it in the environment or in a `.env` file: `{name}=…`"));
                self.session.diagnostics.push(diagnostic);
                None
            }
            Err(TemplateError::Malformed { fragment }) => {
                let place = self.session.narrow(span, &fragment);
                let message = format!("`{fragment}` in `{path}` is not a variable reference");
                let diagnostic = Diagnostic::error("invalid-template", place, message)
                    .label("expected `${NAME}`, `${NAME:-default}`, `${NAME:?message}` or `${NAME:+value}`")
                    .help("a `$` that is meant as text is written `$$`");
                self.session.diagnostics.push(diagnostic);
                None
            }
        }
    }

    fn cast(&mut self, node: &mut Node, cast: Cast, path: &Trail<'_>) {
        let Data::String(text) = &node.data else { return };
        let (value, expected) = match cast {
            Cast::Whole => (whole(text).map(Data::Int), "a whole number"),
            Cast::Number => (number(text).map(Data::Float), "a number"),
            Cast::Bool => (self.boolean(text, node.span).map(Data::Bool), "`true` or `false`"),
        };
        if let Some(value) = value {
            node.data = value;
            return;
        }
        let message = format!("`{path}` must be {expected}, not `{text}`");
        self.session.diagnostics.push(Diagnostic::error("wrong-kind", node.span, message));
    }

    fn boolean(&mut self, text: &str, span: Span) -> Option<bool> {
        let value = match text.to_lowercase().as_str() {
            "true" => return Some(true),
            "false" => return Some(false),
            "y" | "yes" | "on" => true,
            "n" | "no" | "off" => false,
            _ => return None,
        };
        let message = format!("`{text}` is not a boolean in YAML 1.2");
        let diagnostic = Diagnostic::warning("old-boolean", span, message).help(format!("write `{value}`"));
        self.session.diagnostics.push(diagnostic);
        Some(value)
    }
}

/// Whether a reference looks like a `$` in the middle of a word (`pa$word`), not like a variable.
pub fn looks_literal(text: &str, name: &str) -> bool {
    text.match_indices(&format!("${name}")).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_some_and(char::is_alphanumeric)
    })
}

/// Whether an address names something secret, whose characters are often arbitrary.
fn holds_secrets(address: &str) -> bool {
    let key = address.to_lowercase();
    ["passw", "secret", "token", "_key", "_hash", "_pass", "basicauth"].iter().any(|word| key.contains(word))
}

/// A decimal whole number with an optional sign, nothing else.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A decimal number; exponents are fine.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}
