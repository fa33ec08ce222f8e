//! `.dockerignore`: which files of a context do not travel. Builds and `watch` share the one matcher.
//!
//! The patterns are Go's `filepath.Match` with `**` for any number of folders; they are anchored at the context's root, a
//! pattern that matches a folder matches all below it, `!` lets back in, and the last rule that matches decides.
//! <https://docs.docker.com/build/concepts/context/#dockerignore-files>

use std::io;
use std::path::{Component, Path};

/// The rules of one context.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    segments: Vec<String>,
    lets_in: bool,
}

impl Rules {
    /// Reads `<Dockerfile>.dockerignore`, else `.dockerignore`; without either nothing is ignored.
    ///
    /// # Errors
    /// A file that is there and cannot be read as text.
    pub fn read(root: &Path, dockerfile: &Path) -> io::Result<Self> {
        let mut own = dockerfile.as_os_str().to_owned();
        own.push(".dockerignore");
        for path in [root.join(own), root.join(".dockerignore")] {
            match std::fs::read_to_string(&path) {
                Ok(text) => return Ok(Self::parse(&text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self::default())
    }

    /// Reads rules, one a line.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let rules = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self { rules: rules.filter_map(rule).collect() }
    }

    /// Whether a path, relative to the root, stays behind.
    pub fn ignores(&self, path: &Path) -> bool {
        let segments = segments(path);
        let mut ignored = false;
        for rule in &self.rules {
            // A rule that matches a folder above decides about all that is in it.
            let matched = (1..=segments.len())
                .any(|length| segments.get(..length).is_some_and(|prefix| matches(&rule.segments, prefix)));
            if matched {
                ignored = !rule.lets_in;
            }
        }
        ignored
    }

    /// Whether a rule may let something below an ignored folder back in, so that the folder must be looked through.
    pub fn may_let_back_in(&self, folder: &Path) -> bool {
        let folder = segments(folder);
        self.rules.iter().filter(|rule| rule.lets_in).any(|rule| {
            rule.segments.iter().any(|segment| segment == "**")
                || folder.iter().zip(&rule.segments).all(|(name, pattern)| matches_name(pattern, name))
        })
    }
}

fn rule(line: &str) -> Option<Rule> {
    let (lets_in, pattern) = match line.strip_prefix('!') {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    let mut segments = Vec::new();
    for segment in pattern.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other.to_owned()),
        }
    }
    (!segments.is_empty()).then_some(Rule { segments, lets_in })
}

fn segments(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
        })
        .collect()
}

/// Whether a pattern matches a whole path, segment by segment.
fn matches(pattern: &[String], path: &[String]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            (0..=path.len()).any(|skip| path.get(skip..).is_some_and(|path| matches(rest, path)))
                // `a/**` is everything below `a`, not `a` itself.
                && !(rest.is_empty() && path.is_empty())
        }
        (Some((first, rest)), Some((name, below))) => matches_name(first, name) && matches(rest, below),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Go's `filepath.Match` on one segment: `*`, `?`, `[a-z]`, `[^a-z]`, `\x`.
fn matches_name(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches_letters(&pattern, &name)
}

fn matches_letters(pattern: &[char], name: &[char]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        '*' => (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|name| matches_letters(rest, name))),
        '?' => name.split_first().is_some_and(|(_, name)| matches_letters(rest, name)),
        '[' => match (class(rest), name.split_first()) {
            (Some((class, after)), Some((letter, name))) => {
                class.holds(*letter) && matches_letters(after, name)
            }
            _ => false,
        },
        '\\' => match (rest.split_first(), name.split_first()) {
            (Some((literal, rest)), Some((letter, name))) => literal == letter && matches_letters(rest, name),
            _ => false,
        },
        literal => {
            name.split_first().is_some_and(|(letter, name)| letter == literal && matches_letters(rest, name))
        }
    }
}

struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    fn holds(&self, letter: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != self.negated
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

    fn check(rules: &str, path: &str, ignored: bool) {
        assert_eq!(Rules::parse(rules).ignores(Path::new(path)), ignored, "{rules:?} on {path:?}");
    }

    #[test]
    fn patterns_are_anchored_at_the_root() {
        check("node_modules", "node_modules", true);
        check("node_modules", "node_modules/a/b.js", true);
        check("node_modules", "web/node_modules", false);
        check("**/node_modules", "web/node_modules/x", true);
        check("/target", "target", true);
        check("a/b", "a/b/c", true);
        check("a/b", "x/a/b", false);
    }

    #[test]
    fn stars_stay_within_a_folder_and_double_stars_do_not() {
        check("*.log", "a.log", true);
        check("*.log", "a/b.log", false);
        check("**/*.log", "a/b.log", true);
        check("**/*.log", "b.log", true);
        check("a/**/z", "a/z", true);
        check("a/**/z", "a/b/c/z", true);
        check("a/**", "a/b", true);
        check("a/**", "a", false);
        check("a?c", "abc", true);
        check("[a-c].txt", "b.txt", true);
        check("[^a-c].txt", "b.txt", false);
    }

    #[test]
    fn the_last_rule_that_matches_decides() {
        check("*\n!keep", "keep", false);
        check("*\n!keep", "other", true);
        check("!keep\n*", "keep", true);
        check("docs\n!docs/README.md", "docs/README.md", false);
        check("docs\n!docs/README.md", "docs/other.md", true);
    }

    #[test]
    fn comments_and_blank_lines_are_no_rules() {
        check("# a\n\n  \na", "a", true);
        check("#a", "#a", false);
    }

    #[test]
    fn a_folder_is_looked_through_only_where_a_rule_may_let_something_back_in() {
        let rules = Rules::parse("*\n!src/main.rs");
        assert!(rules.may_let_back_in(Path::new("src")));
        assert!(!rules.may_let_back_in(Path::new("target")));
    }
}
