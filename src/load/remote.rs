//! Stack files that lie elsewhere: git repositories and OCI artifacts, by way of a cache in the user's folder.
//!
//! In: what `-f`, `include` or `extends` names. Out: the path of a local copy, kept by what identifies its content (a
//! commit, a manifest's digest), so that nothing is fetched twice. A checkout is a fence: the file that is asked for,
//! and what it includes and extends, must lie inside. Deliberately absent: anything that asks a person; git runs
//! without a terminal. Start reading at [`fetch`].

mod git;
mod oci;

use super::discover::NAMES;
use super::session::{Session, clean, reason};
use crate::model::Environment;
use crate::source::{Diagnostic, Span};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What was fetched in one load.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Files by the reference that named them; nothing for one that failed, which was reported.
    known: HashMap<String, Option<PathBuf>>,
    /// The folders in the cache that were used, and what people call them.
    checkouts: Vec<(PathBuf, String)>,
}

impl Fetched {
    /// The name of a file of a remote resource: what was asked for and the path in it, not the cache's.
    pub fn name(&self, path: &Path) -> Option<String> {
        self.checkouts.iter().find_map(|(root, label)| {
            let inside = path.strip_prefix(root).ok()?;
            Some(format!("{label}:{}", inside.display()))
        })
    }
}

/// Why a resource cannot be had.
struct Refusal {
    message: String,
    help: Vec<String>,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: Vec::new() }
    }

    fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// A copy in the cache.
struct Copy {
    /// The folder that nothing may lead out of.
    root: PathBuf,
    /// What people call it: the reference without the part behind the colon.
    label: String,
    /// What was asked for in it: a file, or a folder to look for one.
    path: PathBuf,
}

/// Whether a name means a resource that lies elsewhere.
pub fn is_remote(file: &str) -> bool {
    file.starts_with(oci::SCHEME) || git::Reference::is_one(file)
}

/// Brings a resource here and returns the stack file in it; `None` when that failed, which was reported at `asked_at`.
pub fn fetch(file: &str, asked_at: Span, session: &mut Session<'_>) -> Option<PathBuf> {
    if let Some(known) = session.fetched.known.get(file) {
        return known.clone();
    }
    let environment = &session.request.environment;
    let copy = if file.starts_with(oci::SCHEME) {
        oci::fetch(file, environment)
    } else {
        git::fetch(file, environment)
    };
    let found = copy.and_then(|copy| stack_file(file, &copy).map(|(root, path)| (root, copy.label, path)));
    let path = match found {
        Ok((root, label, path)) => {
            if !session.fetched.checkouts.iter().any(|(known, _)| *known == root) {
                session.fetched.checkouts.push((root, label));
            }
            Some(path)
        }
        Err(refusal) => {
            report(refusal, asked_at, session);
            None
        }
    };
    session.fetched.known.insert(file.to_owned(), path.clone());
    path
}

/// Whether a file may be named from files of `directory`: what comes from a checkout must not lead out of it. `false`
/// was reported.
pub fn may_read(path: &Path, directory: &Path, asked_at: Span, session: &mut Session<'_>) -> bool {
    let Some((root, _)) = session.fetched.checkouts.iter().find(|(root, _)| directory.starts_with(root))
    else {
        return true;
    };
    // A file that is not there is told by whoever reads it.
    let real = path.canonicalize().unwrap_or_else(|_missing| path.to_owned());
    if clean(path).starts_with(root) && real.starts_with(root) {
        return true;
    }
    let message = format!("`{}` lies outside the remote resource that names it", path.display());
    report(
        Refusal::new(message).help("what a remote file includes or extends must come with it"),
        asked_at,
        session,
    );
    false
}

fn report(refusal: Refusal, asked_at: Span, session: &mut Session<'_>) {
    let mut diagnostic = Diagnostic::error("remote-file", asked_at, refusal.message);
    for help in refusal.help {
        diagnostic = diagnostic.help(help);
    }
    session.diagnostics.push(diagnostic);
}

/// The stack file that a copy stands for, and the copy's folder, both without symbolic links.
fn stack_file(file: &str, copy: &Copy) -> Result<(PathBuf, PathBuf), Refusal> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        let shown = path.strip_prefix(&copy.root).unwrap_or(path).display();
        Refusal::new(format!("`{file}` has no `{shown}`: {}", reason(error)))
    };
    let root = copy.root.canonicalize().map_err(|error| unreadable(&copy.root, &error))?;
    let inside = |path: &Path| {
        let real = path.canonicalize().map_err(|error| unreadable(path, &error))?;
        if real.starts_with(&root) {
            Ok(real)
        } else {
            let shown = path.strip_prefix(&copy.root).unwrap_or(path).display();
            Err(Refusal::new(format!("`{shown}` of `{file}` leads out of the repository")))
        }
    };
    let path = inside(&copy.path)?;
    if !path.is_dir() {
        return Ok((root, path));
    }
    let Some(name) = NAMES.iter().find(|name| path.join(name).symlink_metadata().is_ok()) else {
        let names: Vec<_> = NAMES.iter().map(|name| format!("`{name}`")).collect();
        return Err(Refusal::new(format!("there is no stack file in `{file}`"))
            .help(format!("looked for {}", names.join(", ")))
            .help("name a folder or file of the repository after a colon: `…#ref:folder`"));
    };
    let path = inside(&path.join(name))?;
    Ok((root, path))
}

/// A folder of ours in the user's cache.
fn cache(environment: &Environment, kind: &str) -> Result<PathBuf, Refusal> {
    let absolute = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let Some(base) = base else {
        return Err(Refusal::new("there is no folder to keep remote resources in")
            .help("set `XDG_CACHE_HOME` or `HOME` to an absolute path"));
    };
    let folder = base.join("stack").join(kind);
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
    Ok(folder)
}

fn unwritable(folder: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(format!("cannot write `{}`: {}", folder.display(), reason(error)))
}

/// Fills a new folder and moves it to its place in one step: what is in the cache is whole, also when two processes
/// fetch one thing at a time.
fn publish(place: &Path, fill: impl FnOnce(&Path) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let draft = place.with_file_name(format!(".{name}-{}", std::process::id()));
    // Left behind by a process of that number that was killed.
    drop(std::fs::remove_dir_all(&draft));
    let done =
        std::fs::create_dir(&draft).map_err(|error| unwritable(&draft, &error)).and_then(|()| fill(&draft));
    let done = done.and_then(|()| match std::fs::rename(&draft, place) {
        Err(error) if !place.is_dir() => Err(unwritable(place, &error)),
        _ => Ok(()),
    });
    drop(std::fs::remove_dir_all(&draft));
    done
}
