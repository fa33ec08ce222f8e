//! YAML text to a spanned tree and back; knows nothing of Compose.
//!
//! In: a [`SourceId`](crate::source::SourceId) and its text. Out: a [`Node`] tree in which every key and value keeps
//! the span it was written at. Deliberately absent: meaning. Start reading at [`Node`].

pub mod de;

mod event;
mod node;
mod parse;
mod path;
mod scalar;

pub mod resolve;

pub use node::{Data, Entry, Mapping, Node, Tag};
pub use parse::parse;
pub use path::{NodePath, PathSegment, PatternTable, Place};
pub use scalar::{float_json, float_yaml, scalar_text};
