//! What is in one volume to another one, and the proof that it is there.
//!
//! The engine hands the files out as a tar stream and takes them in, with owners, modes and times: no program runs, so any
//! image will do, one without a shell too. Both volumes are read once more afterwards and compared entry by entry.

use super::pack::Received;
use super::{Cx, StepError};
use crate::engine::{ByteStream, Engine};
use crate::lower::volume::{FROM, TO, copier_body};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Copies and compares.
pub(super) async fn volume(cx: &Cx, from: &str, to: &str, image: &str) -> Result<(), StepError> {
    let name = format!("{to}-copy");
    let body = copier_body(super::step::project(cx)?, image, from, to);
    let id = cx.engine.create_container(&name, None, body).await?;
    let copied = copy(&cx.engine, &id, &name).await;
    // Its mounts would keep the volumes from being removed. Anonymous volumes of its image are its own.
    let removed = cx.engine.remove_container(&id, &name, true, true).await;
    if let Some(path) = copied? {
        return Err(StepError::new(format!(
            "`{path}` of volume `{from}` did not arrive in `{to}` as it is; `{from}` is kept"
        )));
    }
    Ok(removed?)
}

/// The first path that is not the same on both sides.
async fn copy(engine: &Engine, id: &str, name: &str) -> Result<Option<String>, StepError> {
    // Podman gives files to the container's user unless told to keep their owners; Docker keeps them unless told otherwise.
    let keep_owners = engine.is_podman();
    let (_, tar) = engine.get_archive(id, name, &format!("{FROM}/.")).await?;
    engine.upload_stream(id, name, TO, tar, keep_owners).await?;
    let before = entries(engine, id, name, FROM).await?;
    let after = entries(engine, id, name, TO).await?;
    let differs = |(path, entry): &(&String, &Entry)| after.get(*path) != Some(*entry);
    Ok(before.iter().find(differs).map(|(path, _)| path.clone()))
}

/// What is compared of a file.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    kind: u8,
    mode: u32,
    owner: (u64, u64),
    link: Option<Vec<u8>>,
    content: [u8; 32],
}

async fn entries(
    engine: &Engine,
    id: &str,
    name: &str,
    folder: &str,
) -> Result<BTreeMap<String, Entry>, StepError> {
    let (_, tar) = engine.get_archive(id, name, &format!("{folder}/.")).await?;
    let failed = |error: io::Error| StepError::new(format!("cannot read what is in the volume: {error}"));
    read(tar).await.map_err(failed)
}

async fn read(tar: ByteStream) -> io::Result<BTreeMap<String, Entry>> {
    let received = Received::new(tar);
    tokio::task::spawn_blocking(move || listed(received)).await.map_err(io::Error::other)?
}

fn listed(tar: impl Read) -> io::Result<BTreeMap<String, Entry>> {
    let mut archive = tar::Archive::new(tar);
    let mut found = BTreeMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let header = entry.header();
        let (kind, mode) = (header.entry_type().as_byte(), header.mode()?);
        let owner = (header.uid()?, header.gid()?);
        let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = entry.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
            hasher.update(piece);
        }
        found.insert(path, Entry { kind, mode, owner, link, content: hasher.finalize().into() });
    }
    Ok(found)
}
