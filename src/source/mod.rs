//! Text and where it came from: source files, byte spans in them, and diagnostics that point at them.
//!
//! In: file paths and in-memory texts (stdin, tests). Out: [`SourceId`]s, [`Span`]s, rendered [`Diagnostic`]s.
//! Deliberately absent: any knowledge of YAML or Compose. Start reading at [`SourceMap`].

mod diagnostic;
mod nearest;
mod render;
mod report;
mod span;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Label, Severity};
pub use nearest::nearest;
pub use render::{Colour, to_text};
pub use report::{Finding, Place, Report};
pub use span::{Position, Span};

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Identifies one text in a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct SourceId(u32);

impl SourceId {
    /// The id of text that no file holds: values from the command line or made up by a default.
    pub const NONE: Self = Self(u32::MAX);
}

/// One text and the name a person knows it by.
#[derive(Debug, Clone)]
pub struct Source {
    /// Absolute path for files; a label such as `<stdin>` or `<environment>` otherwise.
    pub path: PathBuf,
    /// The name shown in messages: relative to the working directory where that is shorter.
    pub name: String,
    /// The whole text. Bytes that are not UTF-8 were refused before they came here.
    pub text: Arc<str>,
    /// Where each line starts, found when first asked for.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// The line that byte `at` is in, from 0, and the byte it starts at.
    pub(super) fn line(&self, at: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(index, _)| index + 1)).collect()
        });
        let line = lines.partition_point(|start| *start <= at).saturating_sub(1);
        (line, lines.get(line).copied().unwrap_or_default())
    }
}

/// All texts that went into a load, addressed by [`SourceId`]. Append-only: an id stays valid for the map's life.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a text and returns its id. `name` is what messages show.
    pub fn add(
        &mut self,
        path: impl Into<PathBuf>,
        name: impl Into<String>,
        text: impl Into<Arc<str>>,
    ) -> SourceId {
        let id = u32::try_from(self.sources.len()).unwrap_or(u32::MAX - 1);
        self.sources.push(Source {
            path: path.into(),
            name: name.into(),
            text: text.into(),
            lines: OnceLock::new(),
        });
        SourceId(id)
    }

    /// The source behind an id; `None` for [`SourceId::NONE`].
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    /// The id of a file that was read already.
    pub fn find(&self, path: &Path) -> Option<SourceId> {
        let index = self.sources.iter().position(|source| source.path == path)?;
        u32::try_from(index).ok().map(SourceId)
    }

    /// Every source in the order it was added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }
}
