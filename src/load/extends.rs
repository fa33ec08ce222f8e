//! `extends`: a service that starts from another one, of this file or of another.
//!
//! In: one file's tree. Out: the same tree in which every service that extends is the base with its own attributes laid
//! over. A base of another file is interpolated with this level's variables and its paths are seen from this level.
//! <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#extends>

use super::pipeline::{self, Level};
use super::session::{Session, clean, join};
use super::tags::{self, KeyPath};
use super::{merge, remote};
use crate::source::nearest;
use crate::source::{Diagnostic, Span};
use crate::yaml::{Data, Mapping, Node, NodePath};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Resolves every `extends` of a file.
pub fn apply(document: &mut Node, path: &Path, level: &Level, taken: &[KeyPath], session: &mut Session<'_>) {
    let Some(services) = document.as_mapping_mut().and_then(|file| file.get_mut("services")) else { return };
    let Some(services) = services.as_mapping_mut() else { return };
    let names: Vec<String> = services
        .iter()
        .filter(|(_, entry)| entry.value.get("extends").is_some())
        .map(|(name, _)| name.to_owned())
        .collect();
    let mut resolver =
        Resolver { level, session, files: HashMap::new(), trail: Vec::new(), told: HashSet::new() };
    for name in &names {
        if let Some(merged) = resolver.service(name, services, taken, path)
            && let Some(service) = services.get_mut(name)
        {
            *service = merged;
        }
    }
    session.settle_extends(document);
    if session.diagnostics.has_errors() {
        // Whatever is wrong may be wrong in a base.
        for name in &names {
            session.damage.gaps.note(&NodePath::of(&["services", name]));
        }
    }
}

/// A base file's tree, and what its tags take away.
type Base = (Mapping, Vec<KeyPath>);

struct Resolver<'resolver, 'request> {
    level: &'resolver Level,
    session: &'resolver mut Session<'request>,
    /// Base files that were read already.
    files: HashMap<PathBuf, Option<Rc<Base>>>,
    /// The services on the way here, with the place of each one's `extends`.
    trail: Vec<(PathBuf, String, Span)>,
    /// Places whose circle was told: each circle is told once, from where it was met first.
    told: HashSet<Span>,
}

/// What an `extends` says.
struct Reference {
    service: String,
    service_span: Span,
    file: Option<(String, Span)>,
    span: Span,
}

impl Resolver<'_, '_> {
    /// A service with its bases under it; `None` when that failed, which was reported.
    fn service(&mut self, name: &str, services: &Mapping, taken: &[KeyPath], path: &Path) -> Option<Node> {
        let service = services.get(name)?;
        let Some(extends) = service.get("extends") else { return Some(service.clone()) };
        let reference = self.reference(name, service, extends)?;
        if let Some(start) = self.trail.iter().position(|(file, known, _)| file == path && known == name) {
            self.cycle(start, name);
            return None;
        }
        let depth = self.trail.len();
        self.trail.push((path.to_owned(), name.to_owned(), reference.span));
        let base = match &reference.file {
            None => self.base(&reference, services, taken, path),
            Some((file, span)) => self.base_of_file(&reference, file, *span, name),
        };
        self.trail.truncate(depth);
        let mut base = base?;
        if base.is_null() {
            return Some(service.clone());
        }
        tags::apply_at(&mut base, &["services", name], taken, self.session);
        let mut merged = merge::merge_at(base, service.clone(), &["services", name], self.session);
        if let Some(mapping) = merged.as_mapping_mut() {
            mapping.remove("extends");
        }
        Some(merged)
    }

    fn base_of_file(&mut self, reference: &Reference, file: &str, span: Span, name: &str) -> Option<Node> {
        let full = self.locate(file, span)?;
        self.load(&full, file, span);
        let base = Rc::clone(self.files.get(&full)?.as_ref()?);
        let (tree, taken) = base.as_ref();
        let Some(services) = tree.get("services").and_then(Node::as_mapping) else {
            let message = format!("`{file}` has no services that `{name}` could extend");
            self.session.diagnostics.push(Diagnostic::error("unknown-base", span, message));
            return None;
        };
        self.base(reference, services, taken, &full)
    }

    fn base(
        &mut self,
        reference: &Reference,
        services: &Mapping,
        taken: &[KeyPath],
        path: &Path,
    ) -> Option<Node> {
        if services.contains(&reference.service) {
            return self.service(&reference.service, services, taken, path);
        }
        let wanted = &reference.service;
        let place = match &reference.file {
            Some((file, _)) => format!(" in `{file}`"),
            None => String::new(),
        };
        let message = format!("there is no service `{wanted}` to extend{place}");
        let mut diagnostic = Diagnostic::error("unknown-base", reference.service_span, message);
        if let Some(near) = nearest(wanted, services.iter().map(|(name, _)| name)) {
            diagnostic = diagnostic.help(format!("a service with a similar name exists: `{near}`"));
        }
        self.session.diagnostics.push(diagnostic);
        None
    }

    fn reference(&mut self, name: &str, service: &Node, extends: &Node) -> Option<Reference> {
        let key = service
            .as_mapping()
            .and_then(|service| service.entry("extends"))
            .map_or(extends.span, |entry| entry.key_span);
        let span = if extends.span.start < extends.span.end { extends.span } else { key };
        match &extends.data {
            Data::String(text) => {
                Some(Reference { service: text.to_string(), service_span: span, file: None, span })
            }
            Data::Mapping(long) => {
                let target =
                    long.get("service").and_then(|target| Some((target.as_str()?.to_owned(), target.span)));
                let Some((target, service_span)) = target else {
                    let message = format!("`services.{name}.extends` has no `service`");
                    let diagnostic = Diagnostic::error("missing-attribute", span, message)
                        .help("name the service to start from: `service: base`");
                    self.session.diagnostics.push(diagnostic);
                    return None;
                };
                let file = match long.get("file") {
                    None | Some(Node { data: Data::Null, .. }) => None,
                    Some(Node { data: Data::String(file), span, .. }) => Some((file.to_string(), *span)),
                    Some(other) => {
                        let message =
                            format!("`services.{name}.extends.file` must be text, not {}", other.kind());
                        self.session.diagnostics.push(Diagnostic::error("wrong-kind", other.span, message));
                        return None;
                    }
                };
                Some(Reference { service: target, service_span, file, span })
            }
            _ => {
                let message =
                    format!("`services.{name}.extends` must be text or a mapping, not {}", extends.kind());
                self.session.diagnostics.push(Diagnostic::error("wrong-kind", span, message));
                None
            }
        }
    }

    fn locate(&mut self, file: &str, span: Span) -> Option<PathBuf> {
        if remote::is_remote(file) {
            return remote::fetch(file, span, self.session);
        }
        let full = join(&self.level.directory, file);
        remote::may_read(&full, &self.level.directory, span, self.session).then_some(full)
    }

    fn load(&mut self, full: &Path, file: &str, span: Span) {
        if self.files.contains_key(full) {
            return;
        }
        let loaded = self.session.read(full, span).and_then(|id| {
            self.session.provenance.brought(id, span, "extended from here");
            let folder = Path::new(file).parent().unwrap_or(Path::new(""));
            let base = match full.parent() {
                Some(parent) if remote::is_remote(file) => parent.to_owned(),
                Some(parent) if Path::new(file).is_absolute() => relative(parent, &self.level.directory),
                _ => clean(folder),
            };
            pipeline::base_file(id, &base, self.level, self.session)
        });
        self.files.insert(full.to_owned(), loaded.map(Rc::new));
    }

    fn cycle(&mut self, start: usize, name: &str) {
        let edges = self.trail.get(start..).unwrap_or_default();
        let known = edges.iter().any(|(_, _, span)| self.told.contains(span));
        self.told.extend(edges.iter().map(|(_, _, span)| *span));
        if known {
            return;
        }
        let names: Vec<_> = edges.iter().map(|(_, name, _)| format!("`{name}`")).collect();
        let message = format!("services extend each other in a circle: {} → `{name}`", names.join(" → "));
        let bases = edges.iter().skip(1).map(|(_, base, _)| base.as_str()).chain([name]);
        let mut edges = edges
            .iter()
            .zip(bases)
            .map(|((_, name, span), base)| (*span, format!("`{name}` extends `{base}`")));
        let Some((first, label)) = edges.next() else { return };
        let mut diagnostic = Diagnostic::error("extends-cycle", first, message).label(label);
        for (span, label) in edges {
            diagnostic = diagnostic.related(span, label);
        }
        self.session.diagnostics.push(diagnostic.help("let one of them stand by itself"));
    }
}

/// A folder seen from another; both absolute and cleaned.
pub fn relative(folder: &Path, from: &Path) -> PathBuf {
    let mut own = folder.components().peekable();
    let mut base = from.components().peekable();
    while own.peek().is_some() && own.peek() == base.peek() {
        own.next();
        base.next();
    }
    let mut path: PathBuf = base.map(|_| "..").collect();
    path.extend(own);
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}
