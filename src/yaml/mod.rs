//! YAML text to a spanned tree and back; knows nothing of Compose.
//!
//! In: a [`SourceId`](crate::source::SourceId) and its text. Out: a [`Node`] tree in which every key and value keeps
//! the span it was written at. Deliberately absent: meaning. Start reading at [`Node`].

mod node;
mod path;

pub use node::{Data, Entry, Mapping, Node, Tag};
pub use path::{NodePath, PathSegment};
