//! Host paths made absolute (or, for a file that another one pulls in, relative to the one that pulls it in).
//!
//! In: a canonical tree and a base. `~` is the home folder; URLs, `service:` contexts and absolute paths stay.

use super::session::{Session, clean};
use crate::source::{Diagnostic, Span};
use crate::yaml::{Data, Mapping, Node, PatternTable, Place, Text};
use std::path::Path;
use std::sync::LazyLock;

/// How a path is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// A path.
    Plain,
    /// A path; a Windows path stays.
    Portable,
    /// A build context.
    Context,
    /// A path whose symbolic links are followed.
    Followed,
    /// A mount: the source of a bind.
    Mount,
    /// A volume: the device of a local bind.
    Device,
}

static RULES: LazyLock<PatternTable<Rule>> = LazyLock::new(|| {
    use Rule::{Context, Device, Followed, Mount, Plain, Portable};
    PatternTable::new([
        ("services.*.build.context", Context),
        ("services.*.build.additional_contexts.*", Context),
        ("services.*.build.ssh.*", Portable),
        ("services.*.env_file.*.path", Plain),
        ("services.*.label_file.*", Plain),
        ("services.*.extends.file", Plain),
        ("services.*.develop.watch.*.path", Followed),
        ("services.*.volumes.*", Mount),
        ("configs.*.file", Portable),
        ("secrets.*.file", Portable),
        ("volumes.*", Device),
    ])
});

/// Resolves every path of a tree against `base`.
pub fn resolve(tree: &mut Mapping, base: &Path, session: &mut Session<'_>) {
    Resolver { base, session }.mapping(tree, RULES.root());
}

struct Resolver<'resolver, 'request> {
    base: &'resolver Path,
    session: &'resolver mut Session<'request>,
}

impl Resolver<'_, '_> {
    fn mapping(&mut self, mapping: &mut Mapping, place: Place<'_, Rule>) {
        for (key, entry) in mapping.iter_mut() {
            self.node(&mut entry.value, place.key(key));
        }
    }

    fn node(&mut self, node: &mut Node, place: Place<'_, Rule>) {
        if let Some(rule) = place.row() {
            return self.rule(node, *rule);
        }
        if place.is_end() {
            return;
        }
        match &mut node.data {
            Data::Mapping(mapping) => self.mapping(mapping, place),
            Data::Sequence(items) => {
                for item in items {
                    self.node(item, place.item());
                }
            }
            _ => {}
        }
    }

    fn rule(&mut self, node: &mut Node, rule: Rule) {
        match rule {
            Rule::Mount => self.mount(node),
            Rule::Device => self.device(node),
            Rule::Plain | Rule::Portable | Rule::Context | Rule::Followed => {
                let span = node.span;
                if let Data::String(path) = &mut node.data {
                    *path = Text::from(match rule {
                        Rule::Context => self.context(path, span),
                        Rule::Portable => self.portable(path, span),
                        Rule::Followed => follow(&self.plain(path, span)),
                        Rule::Plain | Rule::Mount | Rule::Device => self.plain(path, span),
                    });
                }
            }
        }
    }

    /// `~` is the home folder, also in front of more letters: `~x` is `home/x`, as the reference has it.
    fn expand(&mut self, path: &str, span: Span) -> String {
        let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
        if let Some(home) = self.session.home() {
            return join(Path::new(home), rest);
        }
        let message = "`~` cannot be expanded: the variable `HOME` is not set";
        self.session.diagnostics.push(Diagnostic::warning("no-home", span, message));
        path.to_owned()
    }

    fn plain(&mut self, path: &str, span: Span) -> String {
        let path = self.expand(path, span);
        if path.is_empty() || path.starts_with('/') { path } else { join(self.base, &path) }
    }

    fn portable(&mut self, path: &str, span: Span) -> String {
        let path = self.expand(path, span);
        if path.starts_with('/') || is_windows_absolute(&path) { path } else { join(self.base, &path) }
    }

    fn context(&mut self, path: &str, span: Span) -> String {
        let remote = ["https://", "http://", "git://", "ssh://", "github.com/", "git@", "service:"];
        if path.contains("://") || remote.iter().any(|prefix| path.starts_with(prefix)) {
            return path.to_owned();
        }
        self.plain(path, span)
    }

    fn mount(&mut self, node: &mut Node) {
        let span = node.span;
        let Some(mount) = node.as_mapping_mut() else { return };
        if mount.get("type").and_then(Node::as_str) != Some("bind") {
            return;
        }
        match mount.get_mut("source") {
            Some(Node { data: Data::String(path), span, .. }) => *path = self.portable(path, *span).into(),
            Some(_) => {}
            None => {
                let diagnostic = Diagnostic::error("no-source", span, "a bind mount needs a `source`")
                    .help("name the host path: `source: ./data`");
                self.session.diagnostics.push(diagnostic);
            }
        }
    }

    fn device(&mut self, node: &mut Node) {
        let Some(volume) = node.as_mapping_mut() else { return };
        if volume.get("driver").and_then(Node::as_str) != Some("local") {
            return;
        }
        let Some(options) = volume.get_mut("driver_opts").and_then(Node::as_mapping_mut) else { return };
        if options.get("o").and_then(Node::as_str) != Some("bind") {
            return;
        }
        if let Some(Node { data: Data::String(path), span, .. }) = options.get_mut("device") {
            *path = self.portable(path, *span).into();
        }
    }
}

fn join(base: &Path, path: &str) -> String {
    clean(&base.join(path.trim_start_matches('/'))).to_string_lossy().into_owned()
}

/// `C:\…`, `C:/…` or `\\server\…`.
fn is_windows_absolute(path: &str) -> bool {
    let mut characters = path.chars();
    let drive = characters.next().is_some_and(|letter| letter.is_ascii_alphabetic())
        && characters.next() == Some(':')
        && matches!(characters.next(), Some('\\' | '/'));
    drive || path.starts_with("\\\\") || path.starts_with("//")
}

/// The path with its first symbolic link replaced by what it leads to.
fn follow(path: &str) -> String {
    let full = Path::new(path);
    let link = full.ancestors().collect::<Vec<_>>().into_iter().rev().find(|part| part.is_symlink());
    let target = link.and_then(|link| Some((link, std::fs::canonicalize(link).ok()?)));
    match target {
        Some((link, target)) => {
            let rest = full.strip_prefix(link).unwrap_or(Path::new(""));
            let followed = if rest.as_os_str().is_empty() { target } else { target.join(rest) };
            followed.to_string_lossy().into_owned()
        }
        None => path.to_owned(),
    }
}
