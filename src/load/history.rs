//! What each value overrode: gathered while trees are laid over each other, and only when it was asked for.
//!
//! In: places, from the stages that replace or remove something. Out: a list for [`crate::model::Origins`].
//! Deliberately absent: values; their places say where to read them.

use crate::model::Replaced;
use crate::source::Span;
use crate::yaml::{Node, NodePath, PathSegment};

/// The replacements of one load; nothing is kept unless somebody wants it.
#[derive(Debug, Default)]
pub struct History {
    wanted: bool,
    replaced: Vec<Replaced>,
}

impl History {
    /// Starts one.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, replaced: Vec::new() }
    }

    /// The value at `path` that stands at `by` took the place of one.
    pub fn replace(&mut self, path: &[PathSegment], by: Span, lost: Span) {
        if self.wanted && lost.is_some() && by != lost {
            self.replaced.push(Replaced { path: NodePath(path.to_vec()), by, lost });
        }
    }

    /// The value at `path` went, whatever is put there afterwards: `!override`.
    pub fn remove(&mut self, path: &[String], lost: &Node) {
        if self.wanted {
            let path: Vec<_> = path.iter().cloned().map(PathSegment::Key).collect();
            self.replace(&path, Span::NONE, lost.span);
        }
    }

    /// What was gathered.
    pub fn into_replaced(self) -> Vec<Replaced> {
        self.replaced
    }
}
