//! `cp`: files into and out of containers, running or not, by the engine's archive calls.

use super::exec::{self, Which};
use super::{OpsError, Scope, Session};
use crate::apply::pack::{self, Pieces, Received};
use crate::engine::{ByteStream, Engine, EngineErrorKind, PathStat};
use crate::event::{EventKind, Subject, Verb};
use crate::observe::Container;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// A path in a service's containers.
    Inside {
        /// The service.
        service: String,
        /// The path there.
        path: String,
    },
    /// A path here, as it was written.
    Here(String),
    /// An archive on standard input or output.
    Archive,
}

/// What is copied where.
#[derive(Debug, Clone)]
pub struct Request {
    /// From there.
    pub from: End,
    /// To there.
    pub to: End,
    /// Only this replica; 0: to all, from the first.
    pub index: u32,
    /// One-off containers too.
    pub all: bool,
    /// What a symbolic link leads to instead of the link.
    pub follow_link: bool,
    /// Keep owners.
    pub keep_owners: bool,
    /// The folder that paths here start from; absolute.
    pub current_dir: PathBuf,
}

/// Copies.
///
/// # Errors
/// Both ends are here or both inside; there is no container; what cannot be read or written.
pub async fn run(session: &Session, scope: &Scope, request: &Request) -> Result<(), OpsError> {
    match (&request.from, &request.to) {
        (End::Inside { .. }, End::Inside { .. }) => {
            Err(OpsError::other("copying between services is not supported")
                .hint("copy to a folder here first"))
        }
        (End::Inside { service, path }, to) => {
            let engine = session.engine().await?;
            let container = containers(&engine, scope, service, request).await?.into_iter().next();
            let Some(container) = container else { return Err(nobody(service, request.index)) };
            let work = Box::pin(out(&engine, &container, path, to, request));
            told(session, &container, work).await
        }
        (from, End::Inside { service, path }) => {
            let engine = session.engine().await?;
            let containers = containers(&engine, scope, service, request).await?;
            if containers.is_empty() {
                return Err(nobody(service, request.index));
            }
            if *from == End::Archive && containers.len() > 1 {
                return Err(OpsError::other(format!(
                    "an archive on standard input can be read once, and `{service}` has {} containers",
                    containers.len()
                ))
                .hint("name one with --index"));
            }
            let copies = containers.iter().map(|container| {
                told(session, container, Box::pin(into(&engine, container, from, path, request)))
            });
            let ended = futures_util::future::join_all(copies).await;
            ended.into_iter().collect()
        }
        (End::Here(_) | End::Archive, End::Here(_) | End::Archive) => {
            Err(OpsError::other("unknown copy direction")
                .hint("one of the two must be in a service: `SERVICE:PATH`"))
        }
    }
}

/// The containers that are meant, the one that is read from first.
async fn containers(
    engine: &Engine,
    scope: &Scope,
    service: &str,
    request: &Request,
) -> Result<Vec<Container>, OpsError> {
    let which = Which { service: service.to_owned(), index: request.index };
    let mut found = exec::candidates(engine, scope, &which).await?;
    found.retain(|container| request.all || !container.identity.oneoff);
    Ok(found)
}

fn nobody(service: &str, index: u32) -> OpsError {
    OpsError::other(match index {
        0 => format!("no container found for service \"{service}\""),
        index => format!("service \"{service}\" is not running container #{index}"),
    })
}

async fn told(
    session: &Session,
    container: &Container,
    work: impl Future<Output = Result<(), OpsError>>,
) -> Result<(), OpsError> {
    let subject = || Subject::Container(container.name.clone());
    if session.dry_run.is_some() {
        session.warn(&container.name, "nothing is copied in a rehearsal");
        return Ok(());
    }
    session.events.send(subject(), EventKind::Started { verb: Verb::Copy, reason: None });
    // Both branches are cancel-safe: what has arrived by then stays.
    let ended = tokio::select! {
        ended = work => ended,
        () = session.interrupts.first().cancelled_owned() => Err(OpsError::Interrupted),
    };
    if ended.is_ok() {
        session.events.send(subject(), EventKind::Done { verb: Verb::Copy });
    }
    ended
}

/// Files from here, or an archive, into a container.
async fn into(
    engine: &Engine,
    container: &Container,
    from: &End,
    path: &str,
    request: &Request,
) -> Result<(), OpsError> {
    let (id, name) = (container.id.0.as_str(), container.name.as_str());
    let (path, there) = landing(engine, container, path).await?;
    let source = match from {
        End::Here(source) => source,
        End::Archive | End::Inside { .. } => {
            if !there.as_ref().is_some_and(PathStat::is_dir) {
                return Err(OpsError::other(format!(
                    "`{path}` of `{name}` must be a folder to unpack an archive in"
                )));
            }
            let body = standard_input();
            return Ok(engine.upload_stream(id, name, &path, body, request.keep_owners).await?);
        }
    };
    let source = Source::of(source, request)?;
    let (folder, rename) = match &there {
        Some(stat) if stat.is_dir() => (path, source.name.clone()),
        Some(_) if source.is_dir => {
            return Err(OpsError::other(format!("cannot copy a folder over `{path}`, which is a file")));
        }
        None if path.ends_with('/') && !source.is_dir => {
            return Err(
                OpsError::other("no such directory").hint(format!("there is no folder `{path}` in `{name}`"))
            );
        }
        Some(_) | None => {
            let (folder, last) = parent_of(&path);
            // Also the contents of a folder go into one of the new name.
            (folder, Some(last))
        }
    };
    let (writer, receiver) = Pieces::channel();
    let packing = tokio::task::spawn_blocking(move || source.pack(rename.as_deref(), writer));
    let upload = engine.upload_stream(id, name, &folder, pack::body(receiver), request.keep_owners);
    let (packed, uploaded) = futures_util::future::join(packing, upload).await;
    // An engine that refuses stops the packing too; its words matter more.
    uploaded?;
    packed
        .map_err(io::Error::other)
        .and_then(|packed| packed)
        .map_err(|error| OpsError::other(error.to_string()))
}

/// Where a path in a container leads, when it is a link, and what is there; `None` when nothing is.
async fn landing(
    engine: &Engine,
    container: &Container,
    path: &str,
) -> Result<(String, Option<PathStat>), OpsError> {
    let (id, name) = (container.id.0.as_str(), container.name.as_str());
    let look = async |path: &str| match engine.stat_path(id, name, path).await {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if error.kind == EngineErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    match look(&path).await? {
        Some(stat) if stat.is_link() => {
            let leads_to = if stat.link_target.starts_with('/') {
                stat.link_target
            } else {
                format!("{}/{}", parent_of(&path).0.trim_end_matches('/'), stat.link_target)
            };
            let there = look(&leads_to).await?;
            Ok((leads_to, there))
        }
        there => Ok((path, there)),
    }
}

/// `/a/b` to `/a` and `b`.
fn parent_of(path: &str) -> (String, String) {
    let (folder, last) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
    (if folder.is_empty() { "/" } else { folder }.to_owned(), last.to_owned())
}

/// What is copied from here.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    /// What it is called there; `None` for the contents of a folder.
    name: Option<String>,
    is_dir: bool,
}

impl Source {
    fn of(written: &str, request: &Request) -> Result<Self, OpsError> {
        let mut path = request.current_dir.join(written);
        let contents = written == "." || written.ends_with("/.");
        let failed =
            |error: io::Error| OpsError::other(format!("cannot read `{written}`: {}", reason(&error)));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).filter(|_| !contents);
        if request.follow_link || written.ends_with('/') || contents {
            path = path.canonicalize().map_err(failed)?;
        }
        let is_dir = path.symlink_metadata().map_err(failed)?.is_dir();
        if written.ends_with('/') && !is_dir {
            return Err(OpsError::other(format!("`{written}` is no folder")));
        }
        Ok(Self { path, name, is_dir })
    }

    /// Writes the archive, under another name when one is given.
    fn pack(&self, rename: Option<&str>, writer: Pieces) -> io::Result<()> {
        let mut archive = tar::Builder::new(writer);
        archive.follow_symlinks(false);
        let name = rename.or(self.name.as_deref()).unwrap_or(".");
        if self.is_dir {
            archive.append_dir_all(name, &self.path)?;
        } else {
            archive.append_path_with_name(&self.path, name)?;
        }
        archive.into_inner()?.flush()
    }
}

/// A path of a container to here.
async fn out(
    engine: &Engine,
    container: &Container,
    path: &str,
    to: &End,
    request: &Request,
) -> Result<(), OpsError> {
    let (id, name) = (container.id.0.as_str(), container.name.as_str());
    let path = if request.follow_link { landing(engine, container, path).await?.0 } else { path.to_owned() };
    let (stat, tar) = engine.get_archive(id, name, &path).await?;
    let to = match to {
        End::Here(to) => to.clone(),
        End::Archive | End::Inside { .. } => {
            let received = Received::new(tar);
            return blocking(move || to_standard_output(received)).await;
        }
    };
    let target = Target {
        path: request.current_dir.join(&to),
        written: to,
        is_dir: stat.is_dir(),
        keep_owners: request.keep_owners,
    };
    let received = Received::new(tar);
    blocking(move || target.unpack(received)).await
}

async fn blocking(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), OpsError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| OpsError::other(error.to_string()))?;
    done.map_err(OpsError::other)
}

fn to_standard_output(mut received: Received) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match io::copy(&mut received, &mut out).and_then(|_| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| error.to_string()),
    }
}

/// Where what comes out of a container is put.
#[derive(Debug)]
struct Target {
    path: PathBuf,
    written: String,
    /// A folder comes.
    is_dir: bool,
    keep_owners: bool,
}

impl Target {
    /// Unpacks, into a folder that is there or under a new name. Nothing of the archive lands anywhere else, whatever it says.
    fn unpack(&self, received: Received) -> Result<(), String> {
        let Self { path, written, is_dir, keep_owners } = self;
        let failed = |error: io::Error| format!("cannot write `{written}`: {}", reason(&error));
        let mut archive = tar::Archive::new(received);
        archive.set_preserve_permissions(true);
        archive.set_preserve_ownerships(*keep_owners);
        if path.is_dir() {
            return archive.unpack(path).map_err(failed);
        }
        if path.symlink_metadata().is_ok() && *is_dir {
            return Err(format!("cannot copy a folder over `{written}`, which is a file"));
        }
        if written.ends_with('/') && !is_dir {
            return Err(format!("no such directory: `{written}`"));
        }
        let parent = path.parent().filter(|parent| parent.is_dir());
        let Some(parent) = parent else {
            return Err(format!("cannot write `{written}`: the folder around it does not exist"));
        };
        // It gets its name once all of it is there.
        let draft = parent.join(format!(".stack-cp-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&draft));
        let moved = archive.unpack(&draft).and_then(|()| std::fs::rename(only_entry(&draft)?, path));
        drop(std::fs::remove_dir_all(&draft));
        moved.map_err(failed)
    }
}

/// What was unpacked: the one thing in a folder, or, when the archive has the contents of one, the folder.
fn only_entry(folder: &Path) -> io::Result<PathBuf> {
    let mut entries = std::fs::read_dir(folder)?;
    let first = entries.next().transpose()?;
    match (first, entries.next()) {
        (Some(only), None) => Ok(only.path()),
        (_, _) => Ok(folder.to_owned()),
    }
}

fn standard_input() -> ByteStream {
    Box::pin(tokio_util::io::ReaderStream::new(tokio::io::stdin()))
}

/// An error without Rust's `(os error 2)`.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_folder_and_a_name() {
        let check = |path: &str, folder: &str, name: &str| {
            assert_eq!(parent_of(path), (folder.to_owned(), name.to_owned()), "{path}");
        };
        check("/a/b", "/a", "b");
        check("/a", "/", "a");
        check("/a/b/", "/a", "b");
    }

    /// What a container with evil in mind may send: a name that leads up, and a way through a link.
    fn evil(outside: &Path) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut add = |name: &str, kind: tar::EntryType, link: Option<&Path>| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(0o644);
            let bytes: &[u8] = if kind == tar::EntryType::Regular { b"evil" } else { b"" };
            header.set_size(bytes.len().try_into().unwrap());
            // `set_path` would refuse it.
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            if let Some(link) = link {
                header.set_link_name(link).unwrap();
            }
            header.set_cksum();
            archive.append(&header, bytes).unwrap();
        };
        add("good", tar::EntryType::Regular, None);
        add("../up", tar::EntryType::Regular, None);
        add("way", tar::EntryType::Symlink, Some(outside));
        add("way/through", tar::EntryType::Regular, None);
        archive.into_inner().unwrap()
    }

    #[test]
    fn nothing_of_an_archive_lands_outside_of_where_it_was_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let (outside, inside) = (folder.path().join("outside"), folder.path().join("in/side"));
        std::fs::create_dir_all(&outside).unwrap();
        for existing in [false, true] {
            std::fs::create_dir_all(if existing { &inside } else { inside.parent().unwrap() }).unwrap();
            let bytes = bytes::Bytes::from(evil(&outside));
            let target =
                Target { path: inside.clone(), written: "side".to_owned(), is_dir: true, keep_owners: false };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let refused = runtime.block_on(async {
                let tar: ByteStream = Box::pin(futures_util::stream::iter([Ok(bytes)]));
                let received = Received::new(tar);
                blocking(move || target.unpack(received)).await
            });
            assert!(refused.is_err(), "a way through a link is refused");
            assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0, "nothing went through it");
            assert!(!folder.path().join("up").exists() && !folder.path().join("in/up").exists());
            let left = std::fs::read_dir(folder.path().join("in")).unwrap().flatten();
            let left: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != "side").collect();
            assert!(left.is_empty(), "no draft stays: {left:?}");
        }
    }
}
