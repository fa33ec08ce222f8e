//! The lock of a project on an engine of this machine: a file that the system unlocks when its holder ends, however it ends.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where lock files are. All users of an engine must find the same ones, hence no folder of a user's own.
const FOLDER: &str = "/tmp/stack-locks";

/// Who holds a lock, as its file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) command: String,
    /// Since when (RFC 3339).
    pub(super) since: String,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Held(
    #[cfg_attr(not(test), expect(dead_code, reason = "the system unlocks the file when it is closed"))] File,
);

/// Where the lock of a project on the engine behind a socket is.
pub(super) fn path(socket: &Path, project: &str) -> PathBuf {
    // Several paths lead to one socket.
    let socket = socket.canonicalize().unwrap_or_else(|_| socket.to_owned());
    let digest = Sha256::digest(format!("{}\n{project}", socket.display()).as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let plain = |next: char| if next.is_ascii_alphanumeric() || "_-".contains(next) { next } else { '_' };
    let name: String = project.chars().map(plain).take(64).collect();
    Path::new(FOLDER).join(format!("{name}-{digest}"))
}

/// Takes the lock if it is free; else says who holds it, when that is known.
pub(super) fn take(path: &Path, holder: &Holder) -> io::Result<Result<Held, Option<Holder>>> {
    loop {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(read(&mut file))),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever tidies up old files may have removed it meanwhile: then others lock another one.
        if !is_same(&file, path) {
            continue;
        }
        // What is written is for people; a full disk must not keep anybody from working.
        drop(write(&mut file, holder));
        return Ok(Ok(Held(file)));
    }
}

/// Opens the file, or makes it, for all users. In a folder that all may write to, the system refuses to open what another
/// user has made with the flag that creates; so that is tried first without.
fn open(path: &Path) -> io::Result<File> {
    let no_links = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    for _ in 0..3 {
        match OpenOptions::new().read(true).write(true).custom_flags(no_links).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        if let Some(folder) = path.parent() {
            match std::fs::DirBuilder::new().mode(0o1777).create(folder) {
                Ok(()) => std::fs::set_permissions(folder, PermissionsExt::from_mode(0o1777))?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(path) {
            Ok(file) => {
                // The process's mask has taken bits away.
                file.set_permissions(PermissionsExt::from_mode(0o666))?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("it is made and removed all the time"))
}

fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn write(file: &mut File, holder: &Holder) -> io::Result<()> {
    let text = serde_json::to_vec(holder)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

impl Holder {
    pub(super) fn this(command: &str) -> Self {
        Self { pid: std::process::id(), command: command.to_owned(), since: Timestamp::now().to_string() }
    }

    /// `pid 4711, "stack up", for 12 s`.
    pub(super) fn words(&self) -> String {
        let since = self.since.parse::<Timestamp>().ok();
        let age = since.map_or(0, |since| Timestamp::now().as_second() - since.as_second()).max(0);
        format!("pid {}, `{}`, for {age} s", self.pid, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_had_by_one_at_a_time_and_free_again_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks").join("p-1");
        let (first, second) = (Holder::this("stack up"), Holder::this("stack down"));
        let held = take(&path, &first).unwrap().unwrap();
        assert_eq!(take(&path, &second).unwrap().unwrap_err(), Some(first));
        drop(held);
        assert!(take(&path, &second).unwrap().is_ok());
    }

    #[test]
    fn a_lock_file_that_was_removed_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p-1");
        let holder = Holder::this("stack up");
        let old = take(&path, &holder).unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!is_same(&old.0, &path));
        let new = take(&path, &holder).unwrap().unwrap();
        assert!(is_same(&new.0, &path));
    }

    #[test]
    fn a_link_in_the_place_of_the_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("precious"), folder.path().join("p-1"));
        std::fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(take(&path, &Holder::this("stack up")).is_err());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
    }

    #[test]
    fn each_engine_and_each_project_has_its_own() {
        let one = path(Path::new("/a.sock"), "shop");
        assert_ne!(one, path(Path::new("/b.sock"), "shop"));
        assert_ne!(one, path(Path::new("/a.sock"), "shop2"));
        assert_eq!(one, path(Path::new("/a.sock"), "shop"));
        let strange = path(Path::new("/a.sock"), "../../etc/passwd");
        assert_eq!(strange.parent(), Some(Path::new(FOLDER)));
    }
}
