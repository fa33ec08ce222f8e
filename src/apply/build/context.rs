//! A folder as an archive, streamed with constant memory.

use crate::apply::ignore::Rules;
use crate::apply::pack::Pieces;
use bytes::Bytes;
use futures_util::Stream;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The name under which an inline Dockerfile travels.
pub(super) const INLINE: &str = ".stack-inline.Dockerfile";

/// Packs everything that the rules let through. Owners are dropped, as the reference does: images must not depend on who
/// built them.
pub(super) fn stream(
    root: PathBuf,
    dockerfile: String,
    inline: Option<String>,
    rules: Rules,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let (pieces, receiver) = Pieces::channel();
    // Packing reads files, which blocks; it ends when the engine stops reading, because the channel is gone then.
    let packing =
        tokio::task::spawn_blocking(move || pack(&root, &dockerfile, inline.as_deref(), &rules, pieces));
    futures_util::stream::unfold((receiver, Some(packing)), |(mut receiver, packing)| async move {
        if let Some(bytes) = receiver.recv().await {
            return Some((bytes, (receiver, packing)));
        }
        if let Some(packing) = packing {
            drop(packing.await);
        }
        None
    })
}

fn pack(
    root: &Path,
    dockerfile: &str,
    inline: Option<&str>,
    rules: &Rules,
    pieces: Pieces,
) -> io::Result<()> {
    let mut archive = tar::Builder::new(pieces);
    archive.follow_symlinks(false);
    folder(&mut archive, root, Path::new(""), dockerfile, rules)?;
    if let Some(text) = inline {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len()).unwrap_or(u64::MAX));
        header.set_mode(0o644);
        archive.append_data(&mut header, INLINE, text.as_bytes())?;
    }
    archive.into_inner()?.flush()
}

fn folder<W: Write>(
    archive: &mut tar::Builder<W>,
    root: &Path,
    relative: &Path,
    dockerfile: &str,
    rules: &Rules,
) -> io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(root.join(relative))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = relative.join(entry.file_name());
        let kind = entry.file_type()?;
        // The builder needs these two even when a rule leaves them out.
        let needed = path == Path::new(dockerfile) || path == Path::new(".dockerignore");
        let ignored = !needed && rules.ignores(&path);
        if kind.is_dir() {
            if ignored && !rules.may_let_back_in(&path) && !Path::new(dockerfile).starts_with(&path) {
                continue;
            }
            if !ignored {
                append(archive, &entry.path(), &path)?;
            }
            folder(archive, root, &path, dockerfile, rules)?;
        } else if !ignored && (kind.is_file() || kind.is_symlink()) {
            append(archive, &entry.path(), &path)?;
        }
    }
    Ok(())
}

fn append<W: Write>(archive: &mut tar::Builder<W>, from: &Path, path: &Path) -> io::Result<()> {
    let metadata = match std::fs::symlink_metadata(from) {
        Ok(metadata) => metadata,
        // It vanished while the folder was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&metadata);
    header.set_uid(0);
    header.set_gid(0);
    if metadata.is_symlink() {
        header.set_size(0);
        archive.append_link(&mut header, path, std::fs::read_link(from)?)
    } else if metadata.is_dir() {
        header.set_size(0);
        archive.append_data(&mut header, path, io::empty())
    } else {
        // The size is fixed in the header: a file that grows meanwhile is cut, one that shrinks is an error.
        let file = std::fs::File::open(from)?;
        archive.append_data(&mut header, path, io::Read::take(file, metadata.len()))
    }
}
