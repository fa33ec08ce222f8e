//! A difference of two trees to a container: deletions first, then one archive.
//!
//! The archive API needs neither a shell nor `tar` in the image, and gives files to the user the container runs as.
//! Deleting has no such call: see `remove`.

use super::remove::remove;
use super::rules::Rule;
use super::tree::{Difference, Kind, Tree, entry};
use crate::apply::pack::{self, Pieces};
use crate::engine::{ByteStream, Engine, EngineError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The longest command line one deletion may have, in bytes.
const COMMAND: usize = 64 * 1024;

/// Why files did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The container's files cannot be written.
    #[error("`{container}` is read-only at `{path}`")]
    ReadOnly {
        /// The container.
        container: String,
        /// Where.
        path: String,
    },
    /// `rm` ended with an error, or there is none.
    #[error("cannot delete files in `{container}`: {why}")]
    Delete {
        /// The container.
        container: String,
        /// What it said.
        why: String,
    },
    /// A file here cannot be read.
    #[error("cannot read `{path}`: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
}

/// A container that files go to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receiver {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The project it belongs to.
    pub project: String,
}

/// Carries a difference out. `images` may help to delete where the container's own has no `rm`.
///
/// # Errors
/// What kept files from arriving; deletions may have been done.
pub async fn deliver(
    engine: &Engine,
    to: &Receiver,
    images: &[String],
    rule: &Rule,
    difference: &Difference,
    wanted: &Tree,
) -> Result<(), SyncError> {
    if !difference.delete.is_empty() {
        delete(engine, to, images, rule, &difference.delete).await?;
    }
    if difference.put.is_empty() {
        return Ok(());
    }
    let is_folder = |path: &PathBuf| wanted.get(path).is_some_and(|entry| entry.kind == Kind::Folder);
    let paths = difference.put.iter().map(|path| (path.clone(), is_folder(path)));
    let (stream, packing) = archive(rule.clone(), paths.collect());
    let sent = engine.upload_stream(&to.id, &to.name, "/", stream, true).await;
    // The packer ends with the channel, which the call has drained or dropped.
    let packed = packing.await.unwrap_or(Ok(()));
    sent.map_err(|error| explained(error, to, rule))?;
    packed
}

async fn delete(
    engine: &Engine,
    to: &Receiver,
    images: &[String],
    rule: &Rule,
    paths: &[PathBuf],
) -> Result<(), SyncError> {
    let mut rest = paths;
    while !rest.is_empty() {
        let mut size = 0;
        let count = rest
            .iter()
            .take_while(|path| {
                size += path.as_os_str().len() + rule.target.len() + 2;
                size < COMMAND
            })
            .count()
            .max(1);
        let (now, later) = rest.split_at(count);
        let targets: Vec<String> = now.iter().map(|path| rule.target_of(path)).collect();
        remove(engine, to, images, &targets).await?;
        rest = later;
    }
    Ok(())
}

fn explained(error: EngineError, to: &Receiver, rule: &Rule) -> SyncError {
    if error.message.contains("read-only") {
        return SyncError::ReadOnly { container: to.name.clone(), path: rule.target.clone() };
    }
    SyncError::Engine(error)
}

type Packing = tokio::task::JoinHandle<Result<(), SyncError>>;

/// Packs paths of a rule and whether each is to be a folder, streamed: memory stays constant however much it is.
fn archive(rule: Rule, paths: Vec<(PathBuf, bool)>) -> (ByteStream, Packing) {
    let (pieces, receiver) = Pieces::channel();
    let packing = tokio::task::spawn_blocking(move || {
        let mut archive = tar::Builder::new(pieces);
        for (relative, is_folder) in paths {
            match append(&mut archive, &rule, &relative, is_folder) {
                // It vanished, or a folder took a file's place or the other way round; its event is on the way.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                Err(why) => return Err(SyncError::Read { path: rule.root.join(&relative), why }),
                Ok(()) => {}
            }
        }
        // A reader that is gone has its own error to tell.
        drop(archive.into_inner().and_then(|mut pieces| pieces.flush()));
        Ok(())
    });
    (pack::body(receiver), packing)
}

fn append<W: Write>(
    archive: &mut tar::Builder<W>,
    rule: &Rule,
    relative: &Path,
    is_folder: bool,
) -> io::Result<()> {
    let from = rule.root.join(relative);
    let name = rule.target_of(relative);
    let name = name.trim_start_matches('/');
    let found = entry(&from).filter(|found| (found.kind == Kind::Folder) == is_folder);
    let Some(found) = found else { return Err(io::ErrorKind::NotFound.into()) };
    let mut header = tar::Header::new_gnu();
    header.set_mode(found.mode);
    header.set_mtime(u64::try_from(found.modified_nano / 1_000_000_000).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    match found.kind {
        Kind::Folder => {
            header.set_entry_type(tar::EntryType::Directory);
            archive.append_data(&mut header, format!("{name}/"), io::empty())
        }
        Kind::Link(to) => {
            header.set_entry_type(tar::EntryType::Symlink);
            archive.append_link(&mut header, name, to)
        }
        Kind::File => {
            let file = std::fs::File::open(&from)?;
            // The header promises a length: a file that grows meanwhile is cut, one that shrinks is filled up. Either way
            // another event follows.
            header.set_size(found.size);
            archive.append_data(&mut header, name, Exactly { file, left: found.size })
        }
    }
}

/// Reads as many bytes as were promised, zeros where the file has no more.
struct Exactly {
    file: std::fs::File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most) else { return Ok(0) };
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut count = self.file.read(buffer)?;
        if count == 0 {
            buffer.fill(0);
            count = buffer.len();
        }
        self.left -= u64::try_from(count).unwrap_or(self.left);
        Ok(count)
    }
}
