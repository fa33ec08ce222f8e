//! Findings about a user's files, as values: collected by the load's stages, rendered at the end.

use super::Span;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How bad a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used; the user should act on this.
    Warning,
}

/// A stable, kebab-case name for a kind of finding, for editors and for `--format json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Code(pub &'static str);

/// A place with a short text beside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be said there, without a final full stop; may be empty.
    pub text: String,
}

/// One finding: what, where, what else is involved, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[must_use]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The kind of finding.
    pub code: Code,
    /// What happened, to which thing; lower case, no final full stop.
    pub message: String,
    /// The place to look at first; [`Span::NONE`] when no file is to blame.
    pub primary: Label,
    /// Other places that matter (where a name was defined first, the `.env` line behind a value).
    pub related: Vec<Label>,
    /// What to do about it, each one remedy.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: Code(code),
            message: message.into(),
            primary: Label { span, text: String::new() },
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Adds the text shown beside the caret.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place that matters.
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// Adds a remedy.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// How many characters of a message are told: it may quote a value of megabytes.
const MAX_MESSAGE: usize = 1000;

/// Findings in the order they were made; [`Diagnostics::sorted`] gives the order they are shown in.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    /// What `items` holds, hashed: a broken file of megabytes has as many findings as lines.
    known: HashSet<u64>,
}

impl Diagnostics {
    /// Adds a finding, unless the very same one is there already.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        if let Some((at, _)) = diagnostic.message.char_indices().nth(MAX_MESSAGE) {
            diagnostic.message.truncate(at);
            diagnostic.message.push('…');
        }
        if self.known.insert(hash(&diagnostic)) {
            self.items.push(diagnostic);
        }
    }

    /// How many findings there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes out the findings made after the first `count`.
    pub fn split_off(&mut self, count: usize) -> Vec<Diagnostic> {
        let items = self.items.split_off(count.min(self.items.len()));
        for item in &items {
            self.known.remove(&hash(item));
        }
        items
    }

    /// All findings in the order they were made, to add to them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Diagnostic> {
        self.items.iter_mut()
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error)
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All findings in the order they were made.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// All findings by file, then place, then severity: the order a reader goes through a file.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut items: Vec<_> = self.items.iter().collect();
        items.sort_by_key(|item| (item.primary.span, item.severity));
        items
    }
}

fn hash(diagnostic: &Diagnostic) -> u64 {
    let mut hasher = DefaultHasher::new();
    diagnostic.hash(&mut hasher);
    hasher.finish()
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, iter: T) {
        for diagnostic in iter {
            self.push(diagnostic);
        }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}
