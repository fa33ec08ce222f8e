//! Syntax errors in the words of people who write stack files, each with its usual cause.
//!
//! In: where the parser gave up and what it says. Out: a diagnostic. Deliberately absent: parsing; the lines are only
//! looked at for their outline, the way a person would.

use super::event::SyntaxError;
use crate::source::{Diagnostic, SourceId, Span};

/// The diagnostic for a syntax error.
pub(super) fn explain(source: SourceId, text: &str, error: &SyntaxError) -> Diagnostic {
    let at = usize::try_from(error.at).unwrap_or(0).min(text.len());
    let context = error
        .context
        .as_ref()
        .map(|(words, start)| (words.as_str(), usize::try_from(*start).unwrap_or(at).min(text.len())));
    let problem = error.problem.as_str();
    let cause = cause(text, at, context, problem);
    let (place, width) = (cause.at, cause.width);
    let span = Span::new(source, offset(place), offset(place + width));
    let mut diagnostic =
        Diagnostic::error("yaml-syntax", span, format!("this is not valid YAML: {}", cause.message));
    diagnostic.primary.text = cause.label;
    if let Some((label, start)) = cause.related
        && start != place
    {
        let width = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        diagnostic = diagnostic.related(Span::new(source, offset(start), offset(start + width)), label);
    }
    if cause.help.is_empty() { diagnostic } else { diagnostic.help(cause.help) }
}

/// Why the parser gave up.
struct Cause {
    message: String,
    at: usize,
    width: usize,
    label: String,
    related: Option<(&'static str, usize)>,
    help: String,
}

fn cause(text: &str, at: usize, context: Option<(&str, usize)>, problem: &str) -> Cause {
    let rest = text.get(at..).unwrap_or_default();
    let first = rest.chars().next();
    let start = context.map_or(at, |(_, start)| start);
    let told = |message: &str, at: usize, help: &str| {
        let width = text.get(at..).and_then(|rest| rest.chars().next()).filter(|first| *first != '\n');
        Cause {
            message: message.to_owned(),
            at,
            width: width.map_or(0, char::len_utf8),
            label: String::new(),
            related: None,
            help: help.to_owned(),
        }
    };
    let words = context.map_or("", |(words, _)| words);
    if let Some(tab) = [at, start].into_iter().find_map(|place| tab(text, place)) {
        return told("a tab is used for indentation", tab, "indent with spaces: YAML forbids tabs there");
    }
    if problem.contains("control characters") || first == Some('\0') {
        return told(
            "there is a character that no text has",
            at,
            "is this a binary file, or saved as something else than UTF-8 text?",
        );
    }
    if words.contains("quoted scalar") && !problem.contains("escape") {
        let quote = text.get(start..).and_then(|rest| rest.chars().next()).unwrap_or('"');
        return Cause {
            label: "the quote is opened here".to_owned(),
            ..told("a quote is not closed", start, &format!("close it with another `{quote}`"))
        };
    }
    if problem.contains("escape character")
        || problem.contains("hexdecimal")
        || problem.contains("Unicode character")
    {
        return told(
            "a backslash in double quotes starts an escape, and this one is not known",
            at,
            "double the backslash, or use single quotes, in which it is a plain character",
        );
    }
    if words.contains("flow sequence") || words.contains("flow mapping") || problem.contains("',' or") {
        let (open, close) = if words.contains("mapping") { ('{', '}') } else { ('[', ']') };
        return Cause {
            label: "a `,` or the closing bracket was expected here or before".to_owned(),
            related: Some(("the bracket that is open", start)),
            ..told(
                &format!("`{open}` is not closed, or a `,` is missing"),
                at,
                &format!(
                    "close it with `{close}`; a value that holds brackets, braces or `, ` must be quoted"
                ),
            )
        };
    }
    if problem.contains("cannot start any token")
        && let Some(first) = first
    {
        if first == '`' {
            return told("a value cannot start with a backtick", at, "put the value in quotes");
        }
        return told(
            &format!("a value cannot start with `{first}`"),
            at,
            &format!("put the value in quotes: `\"{}\"`", value(text, at)),
        );
    }
    if rest.starts_with('%') || words.contains("directive") || problem.contains("directive") {
        return told("a line cannot start with `%`", at, "put text that starts with `%` in quotes");
    }
    if words.contains("alias") || words.contains("anchor") {
        let sign = text.get(start..).and_then(|rest| rest.chars().next()).unwrap_or('*');
        return told(
            &format!("`{sign}` must be followed by a name of letters and digits"),
            start,
            &format!("text that starts with `{sign}` must be in quotes: `\"{}\"`", value(text, start)),
        );
    }
    if words.contains("tag") {
        return told("this is no valid tag", start, "text that starts with `!` must be in quotes");
    }
    if words.contains("block scalar") {
        return told(
            "this cannot follow `|` or `>`",
            at,
            "the text starts on the next line, indented; quote a value that starts with `|` or `>`",
        );
    }
    if problem.contains("mapping values are not allowed") {
        return second_colon(text, at, told);
    }
    if problem.contains("could not find expected ':'") {
        return Cause {
            label: "this is where the `:` was missed".to_owned(),
            related: Some(("this should be a key", start)),
            ..told(
                "a line has no `:` after its key",
                at,
                "write `key: value`, or `- value` for an item of a list",
            )
        };
    }
    if problem.contains("block sequence entries are not allowed") {
        return told("a list cannot start here", at, "start the list on the line below its key");
    }
    if text.get(..at).is_some_and(|before| before.ends_with(['\'', '"'])) && words.contains("block") {
        return told(
            "there is text after the closing quote",
            at,
            "inside single quotes a quote is written twice: `''`; inside double quotes as `\\\"`",
        );
    }
    if words.contains("flow node") || words.contains("block node") {
        let message = if rest.trim().is_empty() {
            "the text ends where a value is expected"
        } else {
            "a value is expected here"
        };
        let open = text.get(..at).and_then(|before| before.rfind(['[', '{']));
        return Cause {
            related: open.filter(|_| words.contains("flow")).map(|open| ("the bracket that is open", open)),
            ..told(message, at, "close the bracket, or put text that holds brackets in quotes")
        };
    }
    if words.contains("block mapping")
        || words.contains("block collection")
        || words.contains("block sequence")
    {
        let within = if words.contains("mapping") { "mapping" } else { "list" };
        let message = if rest.starts_with("- ") && within == "mapping" {
            "a list item among the keys of a mapping".to_owned()
        } else {
            format!("this line is not indented like the {within} above it")
        };
        let start_label =
            if within == "mapping" { "the mapping starts here" } else { "the list starts here" };
        return Cause {
            related: Some((start_label, start)),
            ..told(&message, at, "what belongs together starts in the same column")
        };
    }
    if problem.contains("expected <document start>") {
        return told(
            "the document ends before this line",
            at,
            "align it with the lines above; a second document starts with `---`",
        );
    }
    if problem.contains("while") || problem.contains("end of stream") {
        return told(problem, at, "a quote or a bracket may be open");
    }
    told(problem, at, "")
}

/// A tab among the blanks at the start of the line that holds byte `at`.
fn tab(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.split('\n').next()?;
    let blanks = line.get(..line.len() - line.trim_start().len())?;
    Some(start + blanks.find('\t')?)
}

/// A `: ` where no key can be: in a value, or in a line that the one above does not let be there.
fn second_colon(text: &str, at: usize, told: impl Fn(&str, usize, &str) -> Cause) -> Cause {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(start..at).unwrap_or_default();
    if line.contains(": ") {
        return told(
            "a value that holds `: ` must be in quotes",
            at,
            "put quotes around the value, or start a new line for the key",
        );
    }
    let above = text.get(..start).unwrap_or_default().trim_end();
    let above_start = above.rfind('\n').map_or(0, |newline| newline + 1);
    let above = above.get(above_start..).unwrap_or_default();
    let above_at = above_start + above.len() - above.trim_start().len();
    if let Some(colon) = above.find(':').filter(|_| !above.contains(": ") && !above.ends_with(':')) {
        let key = above.get(..colon).unwrap_or_default().trim();
        let value = above.get(colon + 1..).unwrap_or_default();
        return Cause {
            label: format!("read as the text `{}`, because no blank follows the `:`", above.trim()),
            width: above.trim().len(),
            ..told("there is no blank after a `:`", above_at, &format!("write `{key}: {value}`"))
        };
    }
    Cause {
        related: Some(("this line has a value already", above_at)),
        ..told(
            "this key is indented deeper than the line above it",
            start + line.len() - line.trim_start().len(),
            "align it with the line above; what lies below a key only stands there when the key's own line ends with `:`",
        )
    }
}

/// The rest of the line, without a comment, as a short example.
fn value(text: &str, at: usize) -> String {
    let line = text.get(at..).unwrap_or_default().lines().next().unwrap_or_default();
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let in_brackets = text.get(start..at).is_some_and(|before| before.contains(['[', '{']));
    let line = if in_brackets { line.split([',', ']', '}']).next().unwrap_or_default() } else { line };
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    let short: String = line.chars().take(40).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

fn offset(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
