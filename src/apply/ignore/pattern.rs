//! One pattern of an ignore file.
//!
//! What it means is what the engine's builder makes of it: `*` and `?` stop at a `/`; `**` is any number of folders, none too,
//! with or without a `/` after it; it is any text at the end, and at the beginning when the rest has nothing special; classes
//! hold what they say, a `/` too. Only an escaped letter or digit is not what the builder has: there `\b` is what it is to Go's
//! regular expressions, here it is a `b`. All ways through the pattern are followed at once, so that no pattern takes long.

/// A pattern, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// This letter.
    Letter(char),
    /// Any letter but `/`: `?`.
    One,
    /// One of a class.
    Class(Class),
    /// Any text without `/`: `*`.
    Star,
    /// Any text: `**` at the end.
    Anything,
    /// Nothing, or any text that ends with `/`: `**/`, and `**` before anything else.
    Folders,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    fn holds(&self, letter: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != self.negated
    }
}

impl Pattern {
    /// Reads a pattern that was cleaned: no `.`, `..` or empty parts. `None` when a class is not closed or nothing is escaped.
    pub(super) fn read(text: &str) -> Option<Self> {
        let letters: Vec<char> = text.chars().collect();
        let mut rest = letters.as_slice();
        let mut tokens = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            let (token, after) = match (first, after) {
                ('*', ['*']) => (Token::Anything, &[][..]),
                // The builder compares the ends of the texts here.
                ('*', ['*', after @ ..]) if tokens.is_empty() && is_plain_name(after) => {
                    (Token::Anything, after)
                }
                ('*', ['*', '/', after @ ..] | ['*', after @ ..]) => (Token::Folders, after),
                ('*', after) => (Token::Star, after),
                ('?', after) => (Token::One, after),
                ('[', after) => {
                    let (class, after) = class(after)?;
                    (Token::Class(class), after)
                }
                ('\\', [escaped, after @ ..]) => (Token::Letter(*escaped), after),
                ('\\', []) => return None,
                (letter, after) => (Token::Letter(*letter), after),
            };
            tokens.push(token);
            rest = after;
        }
        Some(Self { tokens })
    }

    /// Whether it matches a whole path.
    pub(super) fn matches(&self, path: &str) -> bool {
        let mut ways = Ways::at_the_beginning(&self.tokens);
        for letter in path.chars() {
            if ways.have_ended() {
                return false;
            }
            ways.take(letter);
        }
        ways.have_arrived()
    }

    /// Whether it matches something below a folder, or may do so.
    pub(super) fn may_match_below(&self, folder: &str) -> bool {
        let mut ways = Ways::at_the_beginning(&self.tokens);
        for letter in folder.chars().chain(['/']) {
            // What it makes of a folder it makes of all below.
            if letter == '/' && ways.have_arrived() {
                return true;
            }
            ways.take(letter);
        }
        !ways.have_ended()
    }
}

/// Whether a pattern's rest begins with a name and has nothing special in it.
fn is_plain_name(rest: &[char]) -> bool {
    rest.first() != Some(&'/') && !rest.iter().any(|letter| matches!(letter, '*' | '?' | '[' | ']' | '\\'))
}

/// The places in a pattern that what was read so far leads to: the tokens that come next, each once; their number is the end.
struct Ways<'pattern> {
    tokens: &'pattern [Token],
    places: Vec<usize>,
    next: Vec<usize>,
}

impl<'pattern> Ways<'pattern> {
    fn at_the_beginning(tokens: &'pattern [Token]) -> Self {
        let mut ways = Self { tokens, places: Vec::with_capacity(4), next: Vec::with_capacity(4) };
        ways.reach(0);
        std::mem::swap(&mut ways.places, &mut ways.next);
        ways
    }

    fn have_ended(&self) -> bool {
        self.places.is_empty()
    }

    fn have_arrived(&self) -> bool {
        self.places.contains(&self.tokens.len())
    }

    fn take(&mut self, letter: char) {
        let places = std::mem::take(&mut self.places);
        for &place in &places {
            let (stays, goes_on) = match self.tokens.get(place) {
                None => (false, false),
                Some(Token::Letter(expected)) => (false, *expected == letter),
                Some(Token::One) => (false, letter != '/'),
                Some(Token::Class(class)) => (false, class.holds(letter)),
                Some(Token::Star) => (letter != '/', letter != '/'),
                Some(Token::Anything) => (true, true),
                Some(Token::Folders) => (true, letter == '/'),
            };
            if stays {
                self.add(place);
            }
            if goes_on {
                self.reach(place + 1);
            }
        }
        // The two lists take turns, so that nothing is allocated.
        self.places = std::mem::replace(&mut self.next, places);
        self.next.clear();
    }

    /// A token comes next; what follows it too, where it may take nothing.
    fn reach(&mut self, place: usize) {
        self.add(place);
        if matches!(self.tokens.get(place), Some(Token::Star | Token::Anything | Token::Folders)) {
            self.reach(place + 1);
        }
    }

    fn add(&mut self, place: usize) {
        if !self.next.contains(&place) {
            self.next.push(place);
        }
    }
}

/// A class after its opening bracket, and what follows its closing one; `None` when it is not closed.
fn class(pattern: &[char]) -> Option<(Class, &[char])> {
    let (negated, mut rest) = match pattern.split_first() {
        Some(('^', rest)) => (true, rest),
        _ => (false, pattern),
    };
    let mut ranges = Vec::new();
    loop {
        let (letter, after) = letter(rest)?;
        if letter == (']', false) && !ranges.is_empty() {
            return Some((Class { negated, ranges }, after));
        }
        let (low, after) = (letter.0, after);
        if let Some(('-', upper)) = after.split_first() {
            let ((high, _), after) = self::letter(upper)?;
            ranges.push((low, high));
            rest = after;
        } else {
            ranges.push((low, low));
            rest = after;
        }
    }
}

/// The next letter of a class, and whether it was escaped.
fn letter(pattern: &[char]) -> Option<((char, bool), &[char])> {
    match pattern.split_first()? {
        ('\\', rest) => rest.split_first().map(|(letter, rest)| ((*letter, true), rest)),
        (letter, rest) => Some(((*letter, false), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, expected: bool) {
        let read = Pattern::read(pattern).expect("a pattern");
        assert_eq!(read.matches(path), expected, "{pattern:?} on {path:?}");
    }

    #[test]
    fn two_stars_are_folders_also_within_a_name_as_the_builder_has_it() {
        check("a**z", "ab/z", true);
        check("a**z", "a/b/z", true);
        check("a**z", "abz", false);
        check("**z", "b/z", true);
        check("**z", "b/yz", true);
        check("**z?", "b/zz", true);
        check("**z?", "yzz", false);
        check("a/**/z", "a/z", true);
        check("a/**/z", "a/yz", false);
        check("a/**", "a", false);
        check("a/**", "a/b", true);
        check("a**", "ab/c", true);
        check("**", "a", true);
    }

    #[test]
    fn a_star_may_be_nothing_and_stops_at_a_folder() {
        check("a*", "a", true);
        check("a*b*c", "a-b-c", true);
        check("a*c", "a/c", false);
        check("*", "a/b", false);
        check("?", "/", false);
    }

    #[test]
    fn what_may_be_below_a_folder_is_told() {
        let below =
            |pattern: &str, folder: &str| Pattern::read(pattern).expect("a pattern").may_match_below(folder);
        assert!(below("a/b/c", "a"));
        assert!(below("a/b/c", "a/b"));
        assert!(below("a", "a/b"), "it is matched by its folder");
        assert!(!below("a/b/c", "b"));
        assert!(!below("*.md", "docs"));
        assert!(below("**/x", "any/where"));
    }
}
