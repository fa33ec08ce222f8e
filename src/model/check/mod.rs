//! Checks between values: references to things that are not declared, attributes that exclude each other, cycles.
//!
//! In: a decoded project. Out: a diagnostic for every contradiction, at its place. Only services that take part are
//! checked: what a profile leaves out may be unfinished. Deliberately absent: checks of one value by itself (see
//! [`super::decode`]) and of one resource by itself (the load's own).

mod cycles;
mod exclusive;
mod gaps;
mod references;

pub use gaps::Gaps;

use super::Project;
use crate::source::{Diagnostics, Span, nearest};
use crate::yaml::NodePath;

/// Checks a project; findings are errors. What `gaps` may explain is not told.
pub fn check(project: &Project, gaps: &Gaps, diagnostics: &mut Diagnostics) {
    references::check(project, gaps, diagnostics);
    exclusive::check(project, gaps, diagnostics);
    cycles::check(project, diagnostics);
}

/// Where the value at an address of keys was written.
fn value_span(project: &Project, keys: &[&str]) -> Span {
    project.origins.span(&NodePath::of(keys))
}

/// Where the last key of an address was written.
fn key_span(project: &Project, keys: &[&str]) -> Span {
    project.origins.key_span(&NodePath::of(keys))
}

/// The remedy for a name that is not declared: a similar one, or what there is.
fn similar<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = nearest(name, known.clone()) {
        return Some(format!("a {kind} with a similar name exists: `{near}`"));
    }
    let known: Vec<String> = known.take(8).map(|name| format!("`{name}`")).collect();
    (!known.is_empty()).then(|| format!("declared are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::decode::{DecodeContext, project};
    use super::*;
    use crate::source::SourceMap;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    /// The messages for a canonical file, each with its place and remedies.
    pub(super) fn findings(text: &str, disabled: &[&str]) -> String {
        let mut sources = SourceMap::default();
        let source = sources.add("f", "f", text);
        let mut diagnostics = Diagnostics::default();
        let tree = crate::yaml::parse(source, text, &mut diagnostics).remove(0);
        let disabled: BTreeSet<String> = disabled.iter().map(|name| (*name).to_owned()).collect();
        let context = DecodeContext { disabled, ..DecodeContext::default() };
        let project = project(Arc::new(tree), context, &mut diagnostics);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        check(&project.unwrap(), &Gaps::default(), &mut diagnostics);
        let mut found = String::new();
        for item in diagnostics.sorted() {
            let place = sources.place(item.primary.span).unwrap_or_default();
            found.push_str(&format!("{place} {}", item.message));
            for help in &item.help {
                found.push_str(&format!(" ({help})"));
            }
            found.push('\n');
        }
        found
    }

    #[test]
    fn a_sound_project_has_no_findings() {
        let text = "services:\n  web:\n    image: x\n    networks: {a: null}\nnetworks:\n  a: {}\n";
        assert_eq!(findings(text, &[]), "");
    }

    #[test]
    fn all_mistakes_are_found_at_once() {
        let text = "services:\n  web:\n    networks: {backnd: null}\n    scale: 2\n    container_name: w\nnetworks:\n  backend: {}\n";
        assert_eq!(
            findings(text, &[]),
            "f:2:3 service `web` has no image (add `image`, `build` or `provider`)\n\
             f:3:16 service `web` refers to an undefined network `backnd` \
             (a network with a similar name exists: `backend`)\n\
             f:5:5 service `web` has a `container_name` and 2 replicas \
             (remove `container_name`, or set `scale` to 1)\n"
        );
    }
}
