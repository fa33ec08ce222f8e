//! What a load gathers on its way: texts that were read, findings, and what was said already.

use super::damage::Damage;
use super::history::History;
use super::provenance::Provenance;
use super::remote::Fetched;
use super::{LoadFailure, LoadRequest};
use crate::source::{Diagnostic, Diagnostics, SourceId, SourceMap, Span};
use crate::yaml::{Data, Mapping, Node, parse};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// How big a text file may be.
const MAX_BYTES: u64 = 64 << 20;

/// The state of one load.
pub struct Session<'request> {
    pub request: &'request LoadRequest,
    pub sources: SourceMap,
    pub diagnostics: Diagnostics,
    /// What was cut out because of a mistake.
    pub damage: Damage,
    /// Remote resources that were brought here.
    pub fetched: Fetched,
    /// Where texts and their variables came from.
    pub provenance: Provenance,
    /// A file of variables could not be read through: variables may be missing because of that.
    pub variables_lost: bool,
    /// What each value overrode.
    pub history: History,
    /// Variables whose absence was told.
    unset: BTreeSet<String>,
}

impl<'request> Session<'request> {
    pub fn new(request: &'request LoadRequest) -> Self {
        Self {
            request,
            sources: SourceMap::default(),
            diagnostics: Diagnostics::default(),
            damage: Damage::default(),
            fetched: Fetched::default(),
            provenance: Provenance::default(),
            variables_lost: false,
            history: History::new(request.history),
            unset: BTreeSet::new(),
        }
    }

    /// What the caller of a failed load gets.
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "a failure is big, and the way that goes well carries it along"
    )]
    pub fn into_failure(mut self) -> Box<LoadFailure> {
        self.provenance.explain(&mut self.diagnostics, &self.sources, self.request);
        Box::new(LoadFailure { sources: self.sources, diagnostics: self.diagnostics })
    }

    /// Reads a text file, once; `None` after reporting why it cannot be read. `asked_at` is where it was named.
    pub fn read(&mut self, path: &Path, asked_at: Span) -> Option<SourceId> {
        if let Some(id) = self.sources.find(path) {
            return Some(id);
        }
        let name = self.display(path);
        match read_text(path) {
            Ok(text) => Some(self.sources.add(path, name, text)),
            Err(reason) => {
                let message = format!("cannot read `{name}`: {reason}");
                self.diagnostics.push(Diagnostic::error("unreadable-file", asked_at, message));
                None
            }
        }
    }

    /// The text of a source.
    pub fn text(&self, id: SourceId) -> std::sync::Arc<str> {
        self.sources.get(id).map(|source| std::sync::Arc::clone(&source.text)).unwrap_or_default()
    }

    /// The documents of a source.
    pub fn parse(&mut self, id: SourceId) -> Vec<Node> {
        let text = self.text(id);
        super::memory::prepare(text.len());
        parse(id, &text, &mut self.diagnostics)
    }

    /// A path as messages show it: relative to the working directory when it is below it.
    pub fn display(&self, path: &Path) -> String {
        if let Some(name) = self.fetched.name(path) {
            return name;
        }
        path.strip_prefix(&self.request.current_dir)
            .ok()
            .filter(|relative| !relative.as_os_str().is_empty())
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Warns, once a load, that a variable is not set; `hint` is what else may have been meant.
    pub fn unset(&mut self, name: &str, span: Span, hint: Option<&str>) {
        if !self.variables_lost && self.unset.insert(name.to_owned()) {
            let message = format!("the variable `{name}` is not set, so nothing is put in its place");
            let mut diagnostic = Diagnostic::warning("unset-variable", span, message)
                .help(format!("set it in the environment or in `.env`, or give a default: `${{{name}:-…}}`"));
            if let Some(hint) = hint {
                diagnostic = diagnostic.help(hint);
            }
            self.diagnostics.push(diagnostic);
        }
    }

    /// The part of a scalar's place where `fragment` is written; the whole place when it is not written like that.
    pub fn narrow(&self, span: Span, fragment: &str) -> Span {
        let found = self.sources.get(span.source).and_then(|source| {
            let start = usize::try_from(span.start).ok()?;
            let end = usize::try_from(span.end).ok()?;
            let at = u32::try_from(source.text.get(start..end)?.find(fragment)?).ok()?;
            let length = u32::try_from(fragment.len()).ok()?;
            Some(Span { start: span.start + at, end: span.start + at + length, ..span })
        });
        found.unwrap_or(span)
    }

    /// Ends a stage: the values that its findings point at are cut out of the tree it worked on.
    pub fn settle(&mut self, tree: &mut Mapping, span: Span) {
        self.damage.settle(tree, span, &mut self.diagnostics);
    }

    /// The same for a whole document.
    pub fn settle_node(&mut self, node: &mut Node) {
        let span = node.span;
        match &mut node.data {
            Data::Mapping(mapping) => self.settle(mapping, span),
            _ => self.settle_all(),
        }
    }

    /// Ends the resolution of `extends`: what is wrong in another file is missing in the services that extend, and
    /// nowhere else.
    pub fn settle_extends(&mut self, document: &mut Node) {
        let span = document.span;
        if let Data::Mapping(mapping) = &mut document.data {
            self.damage.settle_here(mapping, span, &mut self.diagnostics);
        }
    }

    /// Ends a stage whose findings have no consequences for what is missing elsewhere.
    pub fn accept(&mut self) {
        self.damage.accept(&mut self.diagnostics);
    }

    /// Ends a stage whose findings are about no tree: anything may be missing because of them.
    pub fn settle_all(&mut self) {
        self.damage.settle_all(&mut self.diagnostics);
    }

    /// The home folder, for `~`.
    pub fn home(&self) -> Option<&str> {
        self.request.environment.get("HOME").filter(|home| !home.is_empty())
    }
}

/// A file's text. UTF-16 with a byte order mark is text too.
fn read_text(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| reason(&error))?;
    let mut bytes = Vec::new();
    // Not by the file's length: a pipe has none, and `/dev/zero` no end.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(format!("it is bigger than {} MB", MAX_BYTES >> 20));
    }
    let wide = |decode: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .get(2..)
            .unwrap_or_default()
            .chunks_exact(2)
            .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
            .map(decode)
            .collect();
        String::from_utf16(&units).map_err(|_error| "it is not valid UTF-16 text".to_owned())
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => wide(u16::from_le_bytes),
        Some([0xfe, 0xff]) => wide(u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count() + 1;
            format!("it is not UTF-8 text (line {line})")
        }),
    }
}

/// An I/O error without Rust's `(os error 2)`.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            "it is a symbolic link that leads back to itself".to_owned()
        }
        other => other.to_string(),
    }
}

/// A path with `.` and `..` taken out, without looking at the file system.
pub fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match cleaned.components().next_back() {
                Some(Component::Normal(_)) => {
                    cleaned.pop();
                }
                Some(Component::RootDir) => {}
                _ => cleaned.push(".."),
            },
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => cleaned.push(component),
        }
    }
    if cleaned.as_os_str().is_empty() { PathBuf::from(".") } else { cleaned }
}

/// `path` seen from `base`, both cleaned.
pub fn join(base: &Path, path: impl AsRef<Path>) -> PathBuf {
    clean(&base.join(path))
}
