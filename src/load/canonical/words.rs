//! A command line given as one text, taken apart into words.
//!
//! Not a shell: there are quotes and backslashes, but no variables and no substitution. As the reference's splitter does,
//! an unquoted `;`, `&`, `|`, `<` or `>` ends the command and what follows is dropped.

/// The words of a command line; `None` when a quote, a parenthesis or a backslash is left open.
pub fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut started = false;
    let mut escaped = false;
    let mut quote = None;
    for character in line.chars() {
        if std::mem::take(&mut escaped) {
            word.push(match character {
                't' => '\t',
                'n' => '\n',
                other => other,
            });
            started = true;
            continue;
        }
        match (quote, character) {
            (_, '\\') if quote != Some(Quote::Single) => escaped = true,
            (None, ' ' | '\t' | '\r' | '\n') => {
                if std::mem::take(&mut started) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, ' ' | '\t' | '\r' | '\n')
            | (Some(Quote::Single), '\\')
            | (Some(Quote::Backtick), '\'' | '"') => {
                word.push(character);
            }
            (None, '\'') => quote = Some(Quote::Single),
            (None, '"') => quote = Some(Quote::Double),
            (Some(Quote::Single), '\'') | (Some(Quote::Double), '"') => {
                quote = None;
                started = true;
            }
            (None, '(') if word.ends_with('$') => {
                quote = Some(Quote::Dollar);
                word.push('(');
            }
            (None | Some(Quote::Dollar), '(') => return None,
            (None, ';' | '&' | '|' | '<' | '>') => {
                // `2>` is a redirection: the number belongs to it.
                if character == '>' && word.starts_with(|first: char| first.is_ascii_digit()) {
                    started = false;
                }
                break;
            }
            _ => {
                match (quote, character) {
                    (None, '`') => quote = Some(Quote::Backtick),
                    (Some(Quote::Backtick), '`') | (Some(Quote::Dollar), ')') => quote = None,
                    (None, ')') => quote = Some(Quote::Dollar),
                    _ => {}
                }
                word.push(character);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    (!escaped && quote.is_none()).then_some(words)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    Single,
    Double,
    Backtick,
    Dollar,
}

#[cfg(test)]
mod tests {
    use super::split;

    fn check(line: &str, expect: &[&str]) {
        assert_eq!(split(line), Some(expect.iter().map(|word| (*word).to_owned()).collect()), "{line}");
    }

    #[test]
    fn quotes_and_backslashes_keep_words_together() {
        check("a  b", &["a", "b"]);
        check("a 'b c' \"d 'e'\"", &["a", "b c", "d 'e'"]);
        check("a\\ b ''", &["a b", ""]);
        check("'a\\b'", &["a\\b"]);
        check("", &[]);
        check("echo $(date) `date`", &["echo", "$(date)", "`date`"]);
    }

    #[test]
    fn an_operator_ends_the_command() {
        check("echo a; echo b", &["echo", "a"]);
        check("a && b", &["a"]);
        check("'a;b'", &["a;b"]);
        check("a 2>x", &["a"]);
    }

    #[test]
    fn what_is_left_open_is_refused() {
        for line in ["'a", "\"a", "a\\", "a (b)", "`a", "a )"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
