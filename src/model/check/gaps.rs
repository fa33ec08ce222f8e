//! What is not known of a project because a mistake was cut out of it.
//!
//! In: the addresses of what was cut out. Out: whether the absence of a thing may be a consequence of that, so that a
//! check keeps quiet about it: one mistake told too late is better than one that nobody made.

use crate::yaml::{NodePath, PathSegment};
use std::collections::BTreeSet;

/// Top-level attributes whose keys are names.
const SECTIONS: [&str; 6] = ["services", "networks", "volumes", "configs", "secrets", "models"];

/// Parts of a project that are incomplete.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    /// Anything may be missing: a file, a document or an include was lost.
    whole: bool,
    /// Top-level attributes that may have had more names.
    sections: BTreeSet<String>,
    /// Resources, as section and name, that may have had more attributes.
    resources: BTreeSet<(String, String)>,
}

impl Gaps {
    /// Notes that the value at `path` was cut out, or that something directly in it was lost.
    pub fn note(&mut self, path: &NodePath) {
        let mut keys = path.0.iter().map(|segment| match segment {
            PathSegment::Key(key) => key.as_str(),
            PathSegment::Index(_) => "",
        });
        match (keys.next(), keys.next()) {
            (Some("name" | "version"), _) => {}
            (Some(section), _) if section.starts_with("x-") => {}
            (Some(section), Some(name)) => {
                self.resources.insert((section.to_owned(), name.to_owned()));
            }
            (Some(section), None) if SECTIONS.contains(&section) => {
                self.sections.insert(section.to_owned());
            }
            _ => self.whole = true,
        }
    }

    /// Notes that a whole file was lost.
    pub fn note_all(&mut self) {
        self.whole = true;
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        !self.whole && self.sections.is_empty() && self.resources.is_empty()
    }

    /// Whether something that is missing at `path`, or in it, may have been lost.
    pub fn hides(&self, path: &NodePath) -> bool {
        match path.0.as_slice() {
            [PathSegment::Key(section), PathSegment::Key(name), ..] => self.may_complete(section, name),
            [PathSegment::Key(section)] => self.whole || self.sections.contains(section),
            _ => self.whole,
        }
    }

    /// Whether `name` may have been declared under `section`, although it is not there.
    pub fn may_declare(&self, section: &str, name: &str) -> bool {
        self.whole
            || self.sections.contains(section)
            || self.resources.contains(&(section.to_owned(), name.to_owned()))
    }

    /// Whether the resource `name` of `section` may have had attributes that it has not.
    pub fn may_complete(&self, section: &str, name: &str) -> bool {
        self.may_declare(section, name)
    }
}

#[cfg(test)]
mod tests {
    use super::Gaps;
    use crate::yaml::NodePath;

    #[test]
    fn a_lost_part_explains_what_is_missing_there_and_nothing_else() {
        let mut gaps = Gaps::default();
        gaps.note(&NodePath::of(&["services", "web", "imgae"]));
        assert!(gaps.may_complete("services", "web"));
        assert!(!gaps.may_complete("services", "db"));
        gaps.note(&NodePath::of(&["volumes"]));
        assert!(gaps.may_declare("volumes", "anything"));
        assert!(!gaps.may_declare("networks", "anything"));
        gaps.note(&NodePath::of(&["x-mine"]));
        assert!(!gaps.may_declare("networks", "anything"));
        gaps.note(&NodePath::of(&["volmes"]));
        assert!(gaps.may_declare("networks", "anything"));
    }
}
