//! Diagnostics as JSON for editors and CI.
//!
//! In: findings and the texts they point into, or a failure's sentence. Out: a [`Report`], one line. Deliberately absent:
//! snippets; who reads this has the files.

use super::{Diagnostic, Diagnostics, Label, Position, Severity, SourceMap, Span};
use schemars::JsonSchema;
use serde::Serialize;

/// What `--format json` and `--progress json` write about mistakes and warnings: one line on standard error.
///
/// The first two members are what `docker compose --progress json` writes when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// Whether the command ended here; `false` is for warnings.
    pub error: bool,
    /// The first finding, or the failure, in one sentence.
    pub message: String,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
    /// Everything that was found in the stack files, in reading order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Finding>,
}

/// One finding in the stack files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// `error` or `warning`.
    pub severity: Severity,
    /// What kind of finding, in kebab case; it stays the same when the words change.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where, when a file is to blame.
    #[serde(flatten)]
    pub place: Place,
    /// What can be done about it.
    pub help: Vec<String>,
    /// Other places that have to do with it.
    pub related: Vec<Place>,
}

/// A stretch of a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    /// The file's absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The first character's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The first character's column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// One past the last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Position>,
    /// What there is to say at this place.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
}

impl Report {
    /// Findings in stack files: a failure when one of them is an error.
    pub fn of(diagnostics: &Diagnostics, sources: &SourceMap) -> Self {
        let diagnostics: Vec<Finding> =
            diagnostics.sorted().into_iter().map(|item| finding(item, sources)).collect();
        let errors = diagnostics.iter().find(|finding| finding.severity == Severity::Error);
        let message = errors.or(diagnostics.first()).map(Finding::sentence).unwrap_or_default();
        Self { error: errors.is_some(), message, help: Vec::new(), diagnostics }
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        let text = serde_json::to_string(self);
        text.unwrap_or_default() + "\n"
    }

    /// The JSON schema of a line.
    pub fn schema() -> serde_json::Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        settings.into_generator().into_root_schema_for::<Self>().to_value()
    }
}

impl Finding {
    fn sentence(&self) -> String {
        match &self.place {
            Place { file: Some(file), line: Some(line), column: Some(column), .. } => {
                format!("{file}:{line}:{column}: {}", self.message)
            }
            Place { .. } => self.message.clone(),
        }
    }
}

fn finding(item: &Diagnostic, sources: &SourceMap) -> Finding {
    Finding {
        severity: item.severity,
        code: item.code.0,
        message: item.message.clone(),
        place: place(&item.primary, sources),
        help: item.help.clone(),
        related: item.related.iter().map(|label| place(label, sources)).collect(),
    }
}

fn place(label: &Label, sources: &SourceMap) -> Place {
    let end = Span { start: label.span.end, ..label.span };
    let known = (sources.get(label.span.source), sources.position(label.span), sources.position(end));
    let (Some(source), Some(start), Some(end)) = known else {
        return Place { label: label.text.clone(), ..Place::default() };
    };
    Place {
        file: Some(source.path.display().to_string()),
        line: Some(start.line),
        column: Some(start.column),
        end: Some(end),
        label: label.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_has_its_places_in_lines_and_columns() {
        let mut sources = SourceMap::default();
        let text = "services:\n  web:\n    networks:\n      - backnd\nnetworks:\n  backend: {}\n";
        let id = sources.add("/p/compose.yaml", "compose.yaml", text);
        let span = |text_at: &str| {
            let start = u32::try_from(text.find(text_at).unwrap()).unwrap();
            Span::new(id, start, start + u32::try_from(text_at.len()).unwrap())
        };
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::warning("old-form", Span::NONE, "nobody's fault"));
        diagnostics.push(
            Diagnostic::error("undefined-network", span("backnd"), "no network `backnd`")
                .label("not declared")
                .related(span("backend"), "a similar name")
                .help("write `backend`"),
        );
        let report = serde_json::to_value(Report::of(&diagnostics, &sources)).unwrap();
        assert_eq!(report["error"], true);
        assert_eq!(report["message"], "/p/compose.yaml:4:9: no network `backnd`");
        let findings = report["diagnostics"].as_array().unwrap();
        assert!(
            findings
                .iter()
                .any(|finding| finding["message"] == "nobody's fault" && finding.get("file").is_none())
        );
        let network = findings.iter().find(|finding| finding["severity"] == "error").unwrap();
        assert_eq!(
            *network,
            serde_json::json!({
                "severity": "error", "code": "undefined-network", "message": "no network `backnd`",
                "file": "/p/compose.yaml", "line": 4, "column": 9, "end": {"line": 4, "column": 15},
                "label": "not declared", "help": ["write `backend`"],
                "related": [{
                    "file": "/p/compose.yaml", "line": 6, "column": 3, "end": {"line": 6, "column": 10},
                    "label": "a similar name"
                }]
            })
        );
    }
}
