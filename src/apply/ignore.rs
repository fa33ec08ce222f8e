//! `.dockerignore`: which files of a context do not travel. Builds and `watch` share the one matcher.
//!
//! Patterns are anchored at the context's root, one that matches a folder matches all below it, `!` lets back in, and the last
//! rule that matches decides; what a single pattern means is in `pattern`.
//! <https://docs.docker.com/build/concepts/context/#dockerignore-files>

mod pattern;

use pattern::Pattern;
use std::io;
use std::path::{Component, Path};

/// The rules of one context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: Pattern,
    lets_in: bool,
    /// As it is written.
    text: String,
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

    /// Reads rules, one a line. A `#` begins a comment where it is a line's first letter, and nowhere else.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let rules = text.lines().filter(|line| !line.starts_with('#')).map(str::trim);
        Self { rules: rules.filter_map(rule).collect() }
    }

    /// Whether a path, relative to the root, stays behind.
    pub fn ignores(&self, path: &Path) -> bool {
        self.shuts_out(path).is_some()
    }

    /// The rule that leaves a path behind, as it is written; `None` when it travels.
    pub fn shuts_out(&self, path: &Path) -> Option<&str> {
        self.last_that_matches(path).filter(|rule| !rule.lets_in).map(|rule| rule.text.as_str())
    }

    /// The rule that decides about a path, folder by folder from the top: a rule that matched a folder goes on to match what is in
    /// it. One that lets in counts only where something was left out, so that letting in a folder that was never left out
    /// says nothing about what is in it: the builder has it so.
    fn last_that_matches(&self, path: &Path) -> Option<&Rule> {
        if self.rules.is_empty() {
            return None;
        }
        let path = slashed(path);
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let mut matched_above = vec![false; self.rules.len()];
        let mut decides = None;
        for part in ends.filter_map(|end| path.get(..end)) {
            decides = None;
            for (rule, matched) in self.rules.iter().zip(&mut matched_above) {
                let is_out = decides.is_some_and(|rule: &Rule| !rule.lets_in);
                *matched = rule.lets_in == is_out && (*matched || rule.pattern.matches(part));
                if *matched {
                    decides = Some(rule);
                }
            }
        }
        decides
    }

    /// Whether a rule may let something below an ignored folder back in, so that the folder must be looked through.
    pub fn may_let_back_in(&self, folder: &Path) -> bool {
        let mut letting_in = self.rules.iter().filter(|rule| rule.lets_in).peekable();
        if letting_in.peek().is_none() {
            return false;
        }
        let folder = slashed(folder);
        letting_in.any(|rule| rule.pattern.may_match_below(&folder))
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
            other => segments.push(other),
        }
    }
    let pattern = Pattern::read(&segments.join("/")).filter(|_| !segments.is_empty())?;
    Some(Rule { pattern, lets_in, text: line.to_owned() })
}

fn slashed(path: &Path) -> String {
    let mut text = String::with_capacity(path.as_os_str().len());
    for component in path.components() {
        if let Component::Normal(name) = component {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(&name.to_string_lossy());
        }
    }
    text
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
        check(" #a", "#a", true);
    }

    #[test]
    fn a_folder_is_looked_through_only_where_a_rule_may_let_something_back_in() {
        let rules = Rules::parse("*\n!src/main.rs");
        assert!(rules.may_let_back_in(Path::new("src")));
        assert!(!rules.may_let_back_in(Path::new("target")));
    }

    #[test]
    fn the_rule_that_decides_is_told_as_it_is_written() {
        let rules = Rules::parse("docs/\n!docs/README.md");
        assert_eq!(rules.shuts_out(Path::new("docs/a/b")), Some("docs/"));
        assert_eq!(rules.shuts_out(Path::new("docs/README.md")), None);
        assert_eq!(rules.shuts_out(Path::new("src")), None);
    }
}
