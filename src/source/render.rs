//! Diagnostics as text for people: snippet, caret, remedies. For programs there is [`super::Report`].
//!
//! In: findings and the texts they point into. Out: one text, in reading order. Places that make no
//! sense for their text (a bug, not the user's mistake) lose their snippet, never the message.

use super::{Diagnostic, Diagnostics, Label, Severity, SourceMap, Span};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;

/// Whether the text form carries ANSI colours. Colour decorates, it never informs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escapes.
    Always,
}

/// How many findings a person is shown; who has more has one cause, and reads none of the others.
const MAX_SHOWN: usize = 100;

/// Renders the findings for a terminal, in reading order, a blank line between two. Of very many the first hundred.
pub fn to_text(diagnostics: &Diagnostics, sources: &SourceMap, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let mut text = String::new();
    let items = diagnostics.sorted();
    for item in items.iter().take(MAX_SHOWN) {
        if !text.is_empty() {
            text.push('\n');
        }
        let shown = by_source(item).iter().any(|(label, _)| sources.get(label.span.source).is_some());
        text.push_str(&renderer.render(&[group(item, sources, shown)]));
        text.push('\n');
        if !shown {
            // Without a snippet there is no gutter that remedies could hang on.
            text.extend(item.help.iter().map(|help| format!("  = help: {help}\n")));
        }
    }
    if items.len() > MAX_SHOWN {
        text.push_str(&format!("\n{} more findings are not shown\n", items.len() - MAX_SHOWN));
    }
    text
}

fn group<'text>(item: &'text Diagnostic, sources: &'text SourceMap, with_help: bool) -> Group<'text> {
    let level = match item.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(item.message.as_str()));
    for (index, (first, labels)) in by_source(item).into_iter().enumerate() {
        let Some(source) = sources.get(first.span.source) else { continue };
        let window = window(&labels, &source.text);
        let shown = source.text.get(window.clone()).unwrap_or_default();
        let (line, _) = source.line(window.start);
        let mut snippet = Snippet::source(shown).path(source.name.as_str()).line_start(line + 1);
        for (position, label) in labels.into_iter().enumerate() {
            let kind =
                if index == 0 && position == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            if let Some(annotation) = annotation(label, kind, &source.text, window.start) {
                snippet = snippet.annotation(annotation);
            }
        }
        group = group.element(snippet);
    }
    for help in item.help.iter().filter(|_| with_help) {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The labels of a finding, those of one text together; the primary one's text first.
fn by_source(item: &Diagnostic) -> Vec<(&Label, Vec<&Label>)> {
    let mut texts: Vec<(&Label, Vec<&Label>)> = Vec::new();
    for label in std::iter::once(&item.primary).chain(&item.related).filter(|label| label.span.is_some()) {
        match texts.iter_mut().find(|(first, _)| first.span.source == label.span.source) {
            Some((_, labels)) => labels.push(label),
            None => texts.push((label, vec![label])),
        }
    }
    texts
}

/// The whole lines from the first label to the last: what is around them may be megabytes.
fn window(labels: &[&Label], text: &str) -> Range<usize> {
    let places = || labels.iter().filter_map(|label| first_line(label.span, text));
    let (Some(start), Some(end)) =
        (places().map(|place| place.start).min(), places().map(|place| place.end).max())
    else {
        return 0..0;
    };
    let start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let end = text.get(end..).and_then(|after| after.find('\n')).map_or(text.len(), |newline| end + newline);
    start..end
}

fn annotation<'text>(
    label: &'text Label,
    kind: AnnotationKind,
    text: &str,
    window: usize,
) -> Option<Annotation<'text>> {
    let place = first_line(label.span, text)?;
    let annotation = kind.span(place.start.checked_sub(window)?..place.end.checked_sub(window)?);
    Some(if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) })
}

/// The part of a place that lies on its first line: carets under whole mappings say less than one under the first key.
fn first_line(span: Span, text: &str) -> Option<Range<usize>> {
    let start = usize::try_from(span.start).ok()?.min(text.len());
    let end = usize::try_from(span.end).ok()?.clamp(start, text.len());
    let covered = text.get(start..end)?;
    let line = covered.lines().next().unwrap_or_default().trim_end();
    Some(start..start + line.len())
}

#[cfg(test)]
mod tests {
    use super::{Colour, to_text};
    use crate::source::{Diagnostic, Diagnostics, SourceId, SourceMap, Span};

    fn sources() -> (SourceMap, SourceId) {
        let mut sources = SourceMap::default();
        let text = "services:\n  web:\n    networks:\n      - backnd\nnetworks:\n  backend: {}\n";
        let id = sources.add("/p/compose.yaml", "compose.yaml", text);
        (sources, id)
    }

    fn finding(id: SourceId) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(
            Diagnostic::error("undefined-network", Span::new(id, 39, 45), "service `web` uses `backnd`")
                .label("not declared")
                .related(Span::new(id, 58, 65), "a network with a similar name")
                .help("write `backend`"),
        );
        diagnostics
    }

    #[test]
    fn text_shows_the_line_the_caret_and_the_remedy() {
        let (sources, id) = sources();
        insta::assert_snapshot!(to_text(&finding(id), &sources, Colour::Never), @r"
        error: service `web` uses `backnd`
         --> compose.yaml:4:9
          |
        4 |       - backnd
          |         ^^^^^^ not declared
        5 | networks:
        6 |   backend: {}
          |   ------- a network with a similar name
          |
          = help: write `backend`
        ");
    }

    #[test]
    fn a_finding_without_a_place_is_still_told() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::warning("x", Span::NONE, "nothing to see").help("look elsewhere"));
        insta::assert_snapshot!(to_text(&diagnostics, &SourceMap::default(), Colour::Never), @r"
        warning: nothing to see
          = help: look elsewhere
        ");
    }

    #[test]
    fn places_outside_the_text_do_not_panic() {
        let (sources, id) = sources();
        for (start, end) in [(0, 9999), (9999, 3), (7, 2)] {
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(Diagnostic::error("x", Span::new(id, start, end), "m"));
            assert!(to_text(&diagnostics, &sources, Colour::Always).contains('m'));
        }
    }
}
