//! YAML text to a spanned tree and back; knows nothing of Compose.
//!
//! In: a [`SourceId`](crate::source::SourceId) and its text. Out: a [`Node`] tree in which every key and value keeps
//! the span it was written at; and the way back, trees as YAML or JSON text. Deliberately absent: meaning. Start
//! reading at [`Node`].

pub mod de;
pub mod resolve;

mod emit;
mod event;
mod explain;
mod json;
mod node;
mod order;
mod parse;
mod path;
mod scalar;
mod ser;
mod tree;
mod write;

pub use emit::to_yaml;
pub use json::to_json;
pub use node::{Data, Entry, Mapping, Node, Tag, Text};
pub use order::natural_order;
pub use parse::parse;
pub use path::{NodePath, PathSegment, PatternTable, Place, Trail};
pub use scalar::{float_json, float_yaml, scalar_text};
pub use ser::{Kind, Shape, ShapeError};
pub use tree::{sort_keys, to_node};
pub use write::to_text;
