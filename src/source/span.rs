//! Byte ranges in a source and their line and column.

use super::{SourceId, SourceMap};

/// A byte range in one source. `start == end` marks a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Span {
    /// Which text.
    pub source: SourceId,
    /// First byte, from the start of the text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of values that no text holds.
    pub const NONE: Self = Self { source: SourceId::NONE, start: 0, end: 0 };

    /// A span over `start..end` of `source`.
    pub fn new(source: SourceId, start: u32, end: u32) -> Self {
        Self { source, start, end }
    }

    /// Whether `other` lies within this span.
    pub fn contains(self, other: Self) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }

    /// Whether this span points into a text at all.
    pub fn is_some(self) -> bool {
        self.source != SourceId::NONE
    }
}

/// Line and column, both counted from 1; columns count characters, as editors do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl SourceMap {
    /// Where a span starts; `None` when it points into no text.
    pub fn position(&self, span: Span) -> Option<Position> {
        let source = self.get(span.source)?;
        let at = usize::try_from(span.start).ok()?.min(source.text.len());
        let (line, start) = source.line(at);
        let column = source.text.get(start..at)?.chars().count() + 1;
        Some(Position { line: u32::try_from(line + 1).ok()?, column: u32::try_from(column).ok()? })
    }

    /// `file:line:col` of a span's start, for one-line messages; `None` when it points into no text.
    pub fn place(&self, span: Span) -> Option<String> {
        let position = self.position(span)?;
        Some(format!("{}:{}:{}", self.get(span.source)?.name, position.line, position.column))
    }
}
