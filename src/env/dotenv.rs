//! The grammar of `.env` files, `env_file` and `label_file`.
//!
//! `KEY=value` or `KEY: value` a line; `export ` before it and blanks around are ignored, `#` starts a comment (behind a
//! value only after a blank). Unquoted and double-quoted values are templates, single-quoted ones are literal; quoted
//! ones may span lines. A bare `KEY` takes the environment's value, or none. Keys hold letters, digits, `_`, `.`, `-`,
//! `[` and `]`. Deliberately absent: which variables a template sees; the caller looks them up.

use super::template::{self, Scope, TemplateError};
use std::ops::Range;

/// A mistake in a file of variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotenvError {
    /// What is wrong.
    pub message: String,
    /// The byte it is at.
    pub at: usize,
}

/// Reads a file. `define` gets each variable in order; `lookup` answers for templates and bare keys, and must know what
/// was defined before. Returns names that templates referred to and nobody set.
///
/// # Errors
/// The first mistake; what was defined before it stays.
pub fn parse<V>(
    text: &str,
    variables: &mut V,
    lookup: impl Fn(&V, &str) -> Option<String>,
    mut define: impl FnMut(&mut V, &str, String),
) -> Result<Vec<String>, DotenvError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut unset = Vec::new();
    let mut rest = body;
    loop {
        rest = statement(rest);
        if rest.is_empty() {
            return Ok(unset);
        }
        let at = text.len() - rest.len();
        let fail = |message: String| DotenvError { message, at };
        let (key, after) = key(rest).map_err(fail)?;
        if key.name.contains(' ') {
            return Err(fail(format!("the name `{}` contains a blank", key.name)));
        }
        if key.bare {
            if let Some(value) = lookup(variables, key.name) {
                define(variables, key.name, value);
            }
            rest = after;
            continue;
        }
        let (raw, after) = value(after).map_err(fail)?;
        let value = match raw {
            Value::Literal(text) => text,
            Value::Template(template) => {
                let look = |name: &str| lookup(variables, name);
                let mut scope = Scope::new(&look);
                let value = template::substitute(&template, &mut scope).map_err(|error| match error {
                    TemplateError::Malformed { fragment } => {
                        fail(format!("`{fragment}` is not a variable reference; write `$$` for a `$`"))
                    }
                    TemplateError::Required { name, message } if message.is_empty() => {
                        fail(format!("the required variable `{name}` is not set"))
                    }
                    TemplateError::Required { name, message } => {
                        fail(format!("the required variable `{name}` is not set: {message}"))
                    }
                })?;
                unset.append(&mut scope.unset);
                value
            }
        };
        define(variables, key.name, value);
        rest = after;
    }
}

/// The bytes of the line that sets `name` for good: the first line of its last definition.
pub fn definition(text: &str, name: &str) -> Option<Range<usize>> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = None;
    loop {
        rest = statement(rest);
        if rest.is_empty() {
            return found;
        }
        let at = text.len() - rest.len();
        let line = rest.lines().next().unwrap_or_default().trim_end();
        let Ok((key, after)) = key(rest) else { return found };
        if key.name == name {
            found = Some(at..at + line.len());
        }
        rest = after;
        if !key.bare {
            let Ok((_, after)) = value(after) else { return found };
            rest = after;
        }
    }
}

/// Reads a file of `format: raw`: `KEY=value` a line, taken literally; a bare `KEY` takes the environment's value.
///
/// # Errors
/// The first mistake; what was defined before it stays.
pub fn parse_raw(
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
    mut define: impl FnMut(&str, String),
) -> Result<(), DotenvError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut at = text.len() - body.len();
    for full in body.split_inclusive('\n') {
        let start = at;
        at += full.len();
        let line = full.strip_suffix('\n').unwrap_or(full);
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').map_or((line, None), |(name, value)| (name, Some(value)));
        if name.is_empty() {
            return Err(DotenvError { message: "this line has no name before `=`".to_owned(), at: start });
        }
        if name.contains(char::is_whitespace) {
            return Err(DotenvError { message: format!("the name `{name}` contains a blank"), at: start });
        }
        match value {
            Some(value) => define(name, value.to_owned()),
            None => {
                if let Some(value) = lookup(name) {
                    define(name, value);
                }
            }
        }
    }
    Ok(())
}

/// The text from the next statement on: blank lines and comment lines skipped.
fn statement(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest.find('\n').and_then(|newline| rest.get(newline..)).unwrap_or_default().trim_start();
    }
    rest
}

struct Key<'text> {
    name: &'text str,
    /// Nothing follows on its line.
    bare: bool,
}

/// A blank that does not end the line.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

/// The key at the start and what follows its separator. Without any separator to the end of the text the key is empty
/// and the text is its value: the reference reads a last line without line break like that.
fn key(text: &str) -> Result<(Key<'_>, &str), String> {
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with(['\t', '\n', '\u{c}', '\r', ' ']) => rest.trim_start_matches(is_blank),
        _ => text,
    };
    for (index, character) in text.char_indices() {
        match character {
            '=' | ':' | '\n' => {
                let name = text.get(..index).unwrap_or_default().trim_end();
                let rest = text.get(index + 1..).unwrap_or_default().trim_start_matches(is_blank);
                return Ok((Key { name, bare: character == '\n' }, rest));
            }
            '_' | '.' | '-' | '[' | ']' => {}
            _ if is_blank(character) || character.is_alphanumeric() => {}
            _ => {
                let line = text.lines().next().unwrap_or_default();
                return Err(format!("unexpected character `{character}` in the variable name of `{line}`"));
            }
        }
    }
    Ok((Key { name: "", bare: false }, text.trim_start_matches(is_blank)))
}

enum Value {
    Literal(String),
    Template(String),
}

/// The value at the start and the text behind it.
fn value(text: &str) -> Result<(Value, &str), String> {
    let Some(quote @ ('"' | '\'')) = text.chars().next() else {
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        let value = line.split_once(" #").map_or(line, |(value, _)| value).trim_end();
        return Ok((Value::Template(value.to_owned()), rest));
    };
    let mut content = String::new();
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        if character != quote {
            if !escaped && character == '\\' {
                escaped = true;
                continue;
            }
            if std::mem::take(&mut escaped) {
                content.push('\\');
            }
            content.push(character);
        } else if std::mem::take(&mut escaped) {
            content.push(character);
        } else {
            let rest = text.get(index + 1..).unwrap_or_default();
            let value = if quote == '"' {
                Value::Template(expand_escapes(&content))
            } else {
                Value::Literal(content)
            };
            return Ok((value, rest));
        }
    }
    Err(format!("the quote of `{}` is not closed", text.lines().next().unwrap_or_default()))
}

/// Shell-like escapes of double quotes. `\$` becomes `$$`, which the template then turns into `$`.
fn expand_escapes(text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        expanded.push_str(rest.get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        let (replacement, length) = match after.bytes().next() {
            Some(b'a') => ("\u{7}".to_owned(), 1),
            Some(b'b') => ("\u{8}".to_owned(), 1),
            Some(b'f') => ("\u{c}".to_owned(), 1),
            Some(b'n') => ("\n".to_owned(), 1),
            Some(b'r') => ("\r".to_owned(), 1),
            Some(b't') => ("\t".to_owned(), 1),
            Some(b'v') => ("\u{b}".to_owned(), 1),
            Some(b'"') => ("\"".to_owned(), 1),
            Some(b'\\') => ("\\".to_owned(), 1),
            Some(b'$') => ("$$".to_owned(), 1),
            Some(b'0') => octal(after.get(1..).unwrap_or_default()),
            _ => ("\\".to_owned(), 0),
        };
        expanded.push_str(&replacement);
        rest = after.get(length..).unwrap_or_default();
    }
    expanded.push_str(rest);
    expanded
}

/// `\0` and three octal digits; anything else stays, without its zero.
fn octal(digits: &str) -> (String, usize) {
    let length = digits.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let digits = digits.get(..length).unwrap_or_default();
    let character = if length == 3 { u8::from_str_radix(digits, 8).ok().map(char::from) } else { None };
    (character.map_or_else(|| format!("\\{digits}"), String::from), 1 + length)
}

#[cfg(test)]
mod tests {
    use super::{DotenvError, definition, parse, parse_raw};
    use proptest::prelude::{any, proptest};
    use std::collections::BTreeMap;

    fn read(text: &str) -> Result<BTreeMap<String, String>, DotenvError> {
        let mut variables = BTreeMap::new();
        parse(
            text,
            &mut variables,
            |variables: &BTreeMap<String, String>, name| match name {
                "OS" => Some("linux".to_owned()),
                _ => variables.get(name).cloned(),
            },
            |variables, name, value| {
                variables.insert(name.to_owned(), value);
            },
        )?;
        Ok(variables)
    }

    fn check(text: &str, expect: &[(&str, &str)]) {
        let expected = expect.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(read(text), Ok(expected), "{text}");
    }

    #[test]
    fn plain_lines() {
        check(
            "A=1\n# c\n\nB: two words  \nexport C = 3 # c\nD=a#b\nE=\n",
            &[("A", "1"), ("B", "two words"), ("C", "3"), ("D", "a#b"), ("E", "")],
        );
        check("\u{feff}A=1\r\nB=2\r\n", &[("A", "1"), ("B", "2")]);
        check("1A=x\na-b=y\na.b[0]=z", &[("1A", "x"), ("a-b", "y"), ("a.b[0]", "z")]);
    }

    #[test]
    fn templates_see_the_environment_and_earlier_lines() {
        check("A=1\nB=${A}-$OS-${NO:-d}\n", &[("A", "1"), ("B", "1-linux-d")]);
        check("B=${A}\nA=1\n", &[("A", "1"), ("B", "")]);
    }

    #[test]
    fn single_quotes_are_literal() {
        check("A='$OS \\n \\'x\\''\nB='two\nlines'\n", &[("A", "$OS \\n 'x'"), ("B", "two\nlines")]);
    }

    #[test]
    fn double_quotes_have_escapes_and_templates() {
        check(
            r#"A="a\tb \"q\" \$OS $OS \\ \0101 \07 \c" # c"#,
            &[("A", "a\tb \"q\" $OS linux \\ A \\7 \\c")],
        );
    }

    #[test]
    fn bare_keys_are_inherited() {
        check("OS\nNO\nA=1\n", &[("A", "1"), ("OS", "linux")]);
        check("A=1\nOS", &[("", "OS"), ("A", "1")]);
    }

    #[test]
    fn mistakes_say_where() {
        let refuses = |text: &str, message: &str, at: usize| {
            assert_eq!(read(text), Err(DotenvError { message: message.to_owned(), at }));
        };
        refuses("A=1\nB C=2\n", "the name `B C` contains a blank", 4);
        refuses("A='x\n", "the quote of `'x` is not closed", 0);
        refuses("\"b\"=1\n", "unexpected character `\"` in the variable name of `\"b\"=1`", 0);
        refuses("A=${NO:-\n", "`${NO:-` is not a variable reference; write `$$` for a `$`", 0);
    }

    #[test]
    fn a_definition_is_found_by_its_name_and_the_last_one_counts() {
        let text = "A=1\n# A=2\nB='A=3\nA=4'\nexport A = 5 # c\n";
        let line = |name| definition(text, name).and_then(|range| text.get(range));
        assert_eq!(line("A"), Some("export A = 5 # c"));
        assert_eq!(line("B"), Some("B='A=3"));
        assert_eq!(line("C"), None);
    }

    #[test]
    fn raw_lines_are_literal() {
        let mut found = Vec::new();
        let read = parse_raw(
            "# c\nA='$X' # y\nOS\nNO\n",
            |name| (name == "OS").then(|| "linux".to_owned()),
            |name, value| found.push((name.to_owned(), value)),
        );
        assert_eq!(read, Ok(()));
        let expected =
            [("A", "'$X' # y"), ("OS", "linux")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            drop(read(&text));
        }

        #[test]
        fn no_env_like_text_makes_it_panic(text in "[A= :#'\"\\\\$\\{\\}\n0-]{0,40}") {
            drop(read(&text));
        }
    }
}
