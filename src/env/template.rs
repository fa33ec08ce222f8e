//! `${NAME}` templates in values.
//!
//! | written | comes to |
//! | --- | --- |
//! | `$$` | `$` |
//! | `$NAME`, `${NAME}` | the value; nothing, and a warning, when it is not set |
//! | `${NAME:-word}`, `${NAME-word}` | `word` when it is not set (or empty, with the colon) |
//! | `${NAME:?word}`, `${NAME?word}` | an error that says `word` when it is not set (or empty) |
//! | `${NAME:+word}`, `${NAME+word}` | `word` when it is set (and not empty), else nothing |
//!
//! `word` is a template itself, and is evaluated even when it is not used. A name is a letter or `_`, then letters,
//! digits and `_`. A `$` before anything else stays. `word` ends at the line's end.
//! <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>

/// Where values come from, and what was found to be missing on the way.
pub struct Scope<'lookup> {
    lookup: &'lookup dyn Fn(&str) -> Option<String>,
    /// Names of plain references that were not set, in the order they were met; may repeat.
    pub unset: Vec<String>,
}

impl<'lookup> Scope<'lookup> {
    /// A scope over a look-up.
    pub fn new(lookup: &'lookup dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, unset: Vec::new() }
    }
}

/// Why a template has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateError {
    /// `${` is not followed by what may follow it. `fragment` is the text from there to the end of the line.
    Malformed {
        /// The text from the `$` to the end of its line.
        fragment: String,
    },
    /// `${NAME:?message}` with `NAME` not set.
    Required {
        /// The variable.
        name: String,
        /// The message the file's author gave; may be empty.
        message: String,
    },
}

/// An operator between name and word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Default,
    Required,
    Alternative,
}

/// One piece of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'text> {
    Text(&'text str),
    Dollar,
    Plain(&'text str),
    Braced { name: &'text str, operator: Option<(Operator, bool, &'text str)>, rest: &'text str },
    Malformed(&'text str),
}

/// The value of a template.
///
/// # Errors
/// The first thing in it that has no value.
pub fn substitute(text: &str, scope: &mut Scope<'_>) -> Result<String, TemplateError> {
    let mut value = String::with_capacity(text.len());
    substitute_into(text, scope, &mut value, 0)?;
    Ok(value)
}

/// How deep words may nest; deeper text is kept as it is.
const MAX_DEPTH: usize = 100;

fn substitute_into(
    text: &str,
    scope: &mut Scope<'_>,
    value: &mut String,
    depth: usize,
) -> Result<(), TemplateError> {
    let malformed = |fragment: &str| TemplateError::Malformed {
        fragment: fragment.lines().next().unwrap_or_default().to_owned(),
    };
    let mut remaining = text;
    while !remaining.is_empty() {
        let (piece, length) = piece(remaining);
        match piece {
            Piece::Text(text) => value.push_str(text),
            Piece::Dollar => value.push('$'),
            Piece::Plain(name) | Piece::Braced { name, operator: None, .. } => plain(name, scope, value),
            Piece::Malformed(fragment) => return Err(malformed(fragment)),
            Piece::Braced { name, operator: Some((operator, colon, word)), rest } => {
                if depth >= MAX_DEPTH {
                    return Err(malformed(remaining));
                }
                let mut word_value = String::new();
                substitute_into(word, scope, &mut word_value, depth + 1)?;
                let found = (scope.lookup)(name);
                let present = found.as_deref().is_some_and(|found| !colon || !found.is_empty());
                match operator {
                    Operator::Default | Operator::Required if present => {
                        value.push_str(&found.unwrap_or_default());
                    }
                    Operator::Alternative if !present => {}
                    Operator::Default | Operator::Alternative => value.push_str(&word_value),
                    Operator::Required => {
                        return Err(TemplateError::Required { name: name.to_owned(), message: word_value });
                    }
                }
                substitute_into(rest, scope, value, depth + 1)?;
            }
        }
        remaining = remaining.get(length..).unwrap_or_default();
    }
    Ok(())
}

fn plain(name: &str, scope: &mut Scope<'_>, value: &mut String) {
    match (scope.lookup)(name) {
        Some(found) => value.push_str(&found),
        None => scope.unset.push(name.to_owned()),
    }
}

/// The first piece of a text that is not empty, and its length in bytes.
fn piece(text: &str) -> (Piece<'_>, usize) {
    let Some(dollar) = text.find('$') else { return (Piece::Text(text), text.len()) };
    if dollar > 0 {
        return (Piece::Text(text.get(..dollar).unwrap_or_default()), dollar);
    }
    let after = text.get(1..).unwrap_or_default();
    if after.starts_with('$') {
        return (Piece::Dollar, 2);
    }
    let name = name(after);
    if !name.is_empty() {
        return (Piece::Plain(name), 1 + name.len());
    }
    match after.strip_prefix('{') {
        Some(inside) => braced(text, inside),
        None => (Piece::Text(text.get(..1).unwrap_or_default()), 1),
    }
}

/// The name at the start of a text; empty when there is none.
fn name(text: &str) -> &str {
    let starts = text.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
    if !starts {
        return "";
    }
    let end = text.find(|next: char| next != '_' && !next.is_ascii_alphanumeric()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// `${…}`. With an operator, everything to the last `}` of the line is taken first; the brace that closes this one then
/// splits it into the word and the rest. This is how the reference reads it, down to words with unbalanced braces.
fn braced<'text>(text: &'text str, inside: &'text str) -> (Piece<'text>, usize) {
    let malformed = (Piece::Malformed(text), text.len());
    let name = name(inside);
    if name.is_empty() {
        return malformed;
    }
    let after = inside.get(name.len()..).unwrap_or_default();
    if after.starts_with('}') {
        return (Piece::Braced { name, operator: None, rest: "" }, 3 + name.len());
    }
    let (colon, symbol) = match after.strip_prefix(':') {
        Some(symbol) => (true, symbol),
        None => (false, after),
    };
    let operator = match symbol.bytes().next() {
        Some(b'-') => Operator::Default,
        Some(b'?') => Operator::Required,
        Some(b'+') => Operator::Alternative,
        _ => return malformed,
    };
    let word_start = 2 + name.len() + usize::from(colon) + 1;
    let line_end = text.find('\n').unwrap_or(text.len());
    let Some(last) = text.get(word_start..line_end).and_then(|line| line.rfind('}')) else {
        return malformed;
    };
    let length = word_start + last + 1;
    let close = closing_brace(text.get(..length).unwrap_or_default()).unwrap_or(length - 1);
    let (Some(word), Some(rest)) = (text.get(word_start..close), text.get(close + 1..length)) else {
        return malformed;
    };
    (Piece::Braced { name, operator: Some((operator, colon, word)), rest }, length)
}

/// The brace that closes the first one; the character after an opening brace is not looked at, as in the reference.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_i32;
    let mut skip = false;
    for (index, byte) in text.bytes().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        if byte == b'}' {
            open -= 1;
            if open == 0 {
                return Some(index);
            }
        } else if byte == b'{' {
            open += 1;
            skip = true;
        }
    }
    None
}

/// A variable that a template names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The word of `-` and `:-`.
    pub default_value: String,
    /// The word of `+` and `:+`.
    pub presence_value: String,
    /// Whether it stands with `?` or `:?`.
    pub required: bool,
}

/// The variables that a template names, those in words included.
pub fn variables(text: &str) -> Vec<Variable> {
    let mut found = Vec::new();
    collect(text, &mut found, 0);
    found
}

fn collect(text: &str, found: &mut Vec<Variable>, depth: usize) {
    let mut remaining = text;
    while !remaining.is_empty() && depth < MAX_DEPTH {
        let (piece, length) = piece(remaining);
        match piece {
            Piece::Text(_) | Piece::Dollar => {}
            Piece::Malformed(_) => {
                remaining = remaining.get(2..).unwrap_or_default();
                continue;
            }
            Piece::Plain(name) | Piece::Braced { name, operator: None, .. } => {
                found.push(Variable { name: name.to_owned(), ..Variable::default() });
            }
            Piece::Braced { name, operator: Some((operator, _, word)), rest } => {
                collect(rest, found, depth + 1);
                let mut variable = Variable { name: name.to_owned(), ..Variable::default() };
                match operator {
                    Operator::Default => word.clone_into(&mut variable.default_value),
                    Operator::Alternative => word.clone_into(&mut variable.presence_value),
                    Operator::Required => variable.required = true,
                }
                found.push(variable);
                if operator != Operator::Required {
                    collect(word, found, depth + 1);
                }
            }
        }
        remaining = remaining.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, TemplateError, Variable, substitute, variables};
    use proptest::prelude::{any, proptest};

    fn value(text: &str) -> Result<String, TemplateError> {
        let lookup = |name: &str| match name {
            "FOO" => Some("first".to_owned()),
            "BAR" => Some(String::new()),
            "JSON" => Some("{\"a\":1}".to_owned()),
            _ => None,
        };
        substitute(text, &mut Scope::new(&lookup))
    }

    fn check(text: &str, expect: &str) {
        assert_eq!(value(text), Ok(expect.to_owned()), "{text}");
    }

    fn malformed(text: &str, fragment: &str) {
        assert_eq!(value(text), Err(TemplateError::Malformed { fragment: fragment.to_owned() }));
    }

    #[test]
    fn plain_references_take_the_value() {
        check("a $FOO b", "a first b");
        check("${FOO}x", "firstx");
        check("$FOOx", "");
        check("$$FOO $${FOO}", "$FOO ${FOO}");
        check("$1 $ $. a$", "$1 $ $. a$");
    }

    #[test]
    fn defaults_stand_in() {
        check("${FOO:-x} ${BAR:-x} ${BAR-x} ${NO-x} ${NO:-}", "first x  x ");
        check("${NO:-${FOO}} ${NO:-a${NO2-b}c}", "first abc");
        check("${NO:-{}}", "{}");
        check("${NO:-a:b-c?d}", "a:b-c?d");
        check("${FOO:-${BAR}}-${BAR:-y}z", "first-yz");
    }

    #[test]
    fn alternatives_need_a_value() {
        check("${FOO:+x}|${BAR:+x}|${BAR+x}|${NO+x}", "x||x|");
    }

    #[test]
    fn required_variables_fail_with_the_authors_words() {
        let error = value("${NO:?set NO, ${FOO}}");
        assert_eq!(
            error,
            Err(TemplateError::Required { name: "NO".to_owned(), message: "set NO, first".to_owned() })
        );
        check("${FOO:?x}", "first");
        check("${BAR?x}", "");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        malformed("a ${", "${");
        malformed("${}", "${}");
        malformed("${1A}", "${1A}");
        malformed("${A:x}", "${A:x}");
        malformed("${A!}", "${A!}");
        malformed("${NO:-a\nb}", "${NO:-a");
    }

    #[test]
    fn unset_names_are_told() {
        let lookup = |_: &str| None;
        let mut scope = Scope::new(&lookup);
        assert_eq!(substitute("$A ${B} ${C:-}", &mut scope), Ok("  ".to_owned()));
        assert_eq!(scope.unset, ["A", "B"]);
    }

    #[test]
    fn variables_are_listed_with_their_words() {
        let names: Vec<_> = variables("$A ${B:-x${C}} $$D ${E:?m}");
        let variable = |name: &str, default: &str, required| Variable {
            name: name.to_owned(),
            default_value: default.to_owned(),
            presence_value: String::new(),
            required,
        };
        let expected = [variable("E", "", true), variable("B", "x${C}", false), variable("C", "", false)];
        assert_eq!(names.first(), Some(&variable("A", "", false)));
        assert_eq!(names.get(1..), Some(expected.as_slice()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            drop(value(&text));
            drop(variables(&text));
        }

        #[test]
        fn no_template_like_text_makes_it_panic(text in "[$A{}:+?\n-]{0,40}") {
            drop(value(&text));
            drop(variables(&text));
        }
    }
}
