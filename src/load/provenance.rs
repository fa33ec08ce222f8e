//! Where a wrong value came from, when that is not where it stands: the variable behind it, and the `include` or
//! `extends` that brought its file in.
//!
//! In: findings, once all are made. Out: the same findings with further places. Only read when something is wrong, so
//! the texts are searched again instead of keeping books for values that nobody will ask for.

use super::LoadRequest;
use crate::env::{dotenv, template};
use crate::source::{Diagnostic, Diagnostics, Label, Severity, SourceId, SourceMap, Span};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// How long a chain of files is told.
const MAX_EDGES: usize = 4;

/// Texts longer than this are no single values.
const MAX_VALUE: usize = 500;

/// Findings about a template itself, not about what it came to.
const OF_TEMPLATES: [&str; 3] = ["required-variable", "invalid-template", "yaml-syntax"];

/// What is known of the texts of a load.
#[derive(Debug, Default)]
pub struct Provenance {
    /// The place that brought a text in, and what to say there.
    brought: HashMap<SourceId, (Span, &'static str)>,
    /// The files of variables that a text sees, the one that wins first.
    variables: HashMap<SourceId, Vec<PathBuf>>,
}

impl Provenance {
    /// Notes what brought a text in; the first time counts.
    pub fn brought(&mut self, id: SourceId, by: Span, how: &'static str) {
        if by.source != id {
            self.brought.entry(id).or_insert((by, how));
        }
    }

    /// Notes the files of variables that a text sees, the one that wins first.
    pub fn sees(&mut self, id: SourceId, files: &[PathBuf]) {
        self.variables.entry(id).or_insert_with(|| files.to_vec());
    }

    /// Adds to every error where its value and its file came from.
    pub fn explain(&self, diagnostics: &mut Diagnostics, sources: &SourceMap, request: &LoadRequest) {
        for item in diagnostics.iter_mut().filter(|item| item.severity == Severity::Error) {
            if !request.skip.interpolation && !OF_TEMPLATES.contains(&item.code.0) {
                self.variables(item, sources, request);
            }
            if !item.code.0.ends_with("-cycle") {
                self.edges(item);
            }
        }
    }

    fn variables(&self, item: &mut Diagnostic, sources: &SourceMap, request: &LoadRequest) {
        let span = item.primary.span;
        let Some(text) = written(span, sources) else { return };
        if !text.contains('$') || text.contains('\n') || text.len() > MAX_VALUE {
            return;
        }
        let names: BTreeSet<String> =
            template::variables(text).into_iter().map(|variable| variable.name).collect();
        for name in names {
            if request.environment.get(&name).is_some() {
                item.help.push(format!("the value comes from the environment variable `{name}`"));
            } else if let Some(place) = self.definition(&name, span.source, sources) {
                add(item, place, &format!("`{name}` is set here"));
            }
        }
    }

    /// The line that sets a variable for a text.
    fn definition(&self, name: &str, seen_by: SourceId, sources: &SourceMap) -> Option<Span> {
        self.variables.get(&seen_by)?.iter().find_map(|file| {
            let id = sources.find(file)?;
            let range = dotenv::definition(&sources.get(id)?.text, name)?;
            Some(Span::new(id, u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?))
        })
    }

    fn edges(&self, item: &mut Diagnostic) {
        let mut source = item.primary.span.source;
        for _ in 0..MAX_EDGES {
            let Some((place, how)) = self.brought.get(&source) else { return };
            add(item, *place, how);
            source = place.source;
        }
    }
}

fn add(item: &mut Diagnostic, span: Span, text: &str) {
    let known = std::iter::once(&item.primary).chain(&item.related).any(|label| label.span == span);
    if !known {
        item.related.push(Label { span, text: text.to_owned() });
    }
}

fn written(span: Span, sources: &SourceMap) -> Option<&str> {
    sources.get(span.source)?.text.get(usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?)
}
