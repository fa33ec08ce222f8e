//! The file system's events: which folders are watched, and what happened in them.
//!
//! Folders are watched one by one, so that ignored ones cost nothing; a folder that appears is watched as soon as it is seen.
//! Network file systems send no events, and the system's limits may be used up: then the folders are looked at every now and
//! then instead.

use super::rules::Rule;
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How often folders are looked at that send no events.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a folder is tried to be watched while others take its place.
const TRIES: usize = 3;

/// Which folder it is, whatever its name: its device and its number there.
type Identity = (u64, u64);

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A path was written, made, removed, renamed or had its mode changed.
    Path(PathBuf),
    /// Events were lost, or there are none: everything has to be looked at again.
    Overflow,
}

/// Why something cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The limit of watches is used up.
    #[error("the limit of watched folders is used up after {watched} here")]
    Watches {
        /// How many folders were watched before.
        watched: usize,
    },
    /// The limit of watchers is used up.
    #[error("the limit of file watchers of this user is used up")]
    Instances,
    /// Anything else.
    #[error("cannot watch `{path}`: {why}")]
    Other {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl WatchError {
    /// What can be done about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Watches { watched } => vec![
                format!(
                    "raise it: `sysctl fs.inotify.max_user_watches={}`",
                    (watched.saturating_mul(2)).next_power_of_two().max(524_288)
                ),
                "or leave folders out with `ignore` in the rule, or in the build's .dockerignore".to_owned(),
            ],
            Self::Instances => vec![
                "raise it: `sysctl fs.inotify.max_user_instances=512`, or end other programs that watch files"
                    .to_owned(),
            ],
            Self::Other { .. } => Vec::new(),
        }
    }
}

enum Source {
    Events(RecommendedWatcher),
    /// All is looked at again and again. Not by notify's own polling: that tells times apart by the second, and misses the second
    /// of two writes.
    Looks {
        _asking: JoinSet<()>,
    },
}

/// Watches folders.
pub struct Eyes {
    source: Source,
    watched: BTreeMap<PathBuf, Identity>,
    /// The name under which each folder is watched.
    names: HashMap<Identity, PathBuf>,
    sender: mpsc::UnboundedSender<Seen>,
    /// The limit that was reached, until somebody asked.
    limit: Option<WatchError>,
    /// Folders that may not be watched, until somebody asked, and those that somebody was told of.
    refused: BTreeMap<PathBuf, Option<WatchError>>,
}

impl Eyes {
    /// Watches nothing yet; what is seen comes out of the channel. `polling` looks at the folders every second instead
    /// of listening; so it is too when the system allows no further watcher, see [`Eyes::limit`].
    ///
    /// # Errors
    /// The system refuses it for another reason.
    pub fn open(polling: bool) -> Result<(Self, mpsc::UnboundedReceiver<Seen>), WatchError> {
        // Not bounded: the watcher's thread must never wait, or the kernel's queue overflows; paths repeat and are folded
        // into a set as soon as they are taken.
        let (sender, receiver) = mpsc::unbounded_channel();
        let (source, limit) = if polling {
            (looks(&sender), None)
        } else {
            let config = Config::default().with_follow_symlinks(false);
            match RecommendedWatcher::new(handler(sender.clone()), config) {
                Ok(watcher) => (Source::Events(watcher), None),
                Err(error) => match refused(&error, Path::new("/"), 0) {
                    limit @ (WatchError::Instances | WatchError::Watches { .. }) => {
                        (looks(&sender), Some(limit))
                    }
                    other @ WatchError::Other { .. } => return Err(other),
                },
            }
        };
        let (watched, names, refused) = (BTreeMap::new(), HashMap::new(), BTreeMap::new());
        Ok((Self { source, watched, names, sender, limit, refused }, receiver))
    }

    /// Folders that may not be watched, each once: what happens in them goes unnoticed.
    pub fn refused(&mut self) -> Vec<WatchError> {
        self.refused.values_mut().filter_map(Option::take).collect()
    }

    /// The limit of the system that was reached since this was last asked: from then on the folders are looked at every
    /// second.
    pub fn limit(&mut self) -> Option<WatchError> {
        self.limit.take()
    }

    /// How many folders are watched.
    pub fn count(&self) -> usize {
        self.watched.len()
    }

    /// Whether a folder is watched.
    pub fn watches(&self, folder: &Path) -> bool {
        self.watched.contains_key(folder)
    }

    /// Watches a folder, without what is in its folders. One that is gone is left out; one that may not be read too, see
    /// [`Eyes::refused`]. When a limit of the system is reached, all are looked at every second from then on.
    pub fn folder(&mut self, folder: &Path) {
        for _ in 0..TRIES {
            let Some(identity) = identity(folder).filter(|_| !self.watches(folder)) else { return };
            self.let_go_of_the_old_name(folder, identity);
            match self.source.watch(folder) {
                Ok(()) => {}
                // It went in this very moment.
                Err(_) if self::identity(folder) != Some(identity) => continue,
                Err(error) => match (refused(&error, folder, self.watched.len()), &self.source) {
                    (limit @ (WatchError::Watches { .. } | WatchError::Instances), Source::Events(_)) => {
                        return self.look_instead(limit, folder);
                    }
                    (other, _) => {
                        self.refused.entry(folder.to_owned()).or_insert(Some(other));
                        return;
                    }
                },
            }
            self.watched.insert(folder.to_owned(), identity);
            self.names.insert(identity, folder.to_owned());
            if self::identity(folder) == Some(identity) {
                return;
            }
            // Another one took its place in this very moment.
            self.let_go(folder);
        }
    }

    /// The system knows one watch a folder, whatever it is called. One that moved, and is watched under its new name before its
    /// move is told, would lose that watch when the old name is unwatched.
    fn let_go_of_the_old_name(&mut self, folder: &Path, identity: Identity) {
        let Some(old) = self.names.get(&identity).filter(|old| *old != folder).cloned() else { return };
        // A folder that has two names at once (a link to it, a bind mount) did not move.
        if self::identity(&old) != Some(identity) {
            self.let_go(&old);
        }
    }

    /// What happened meanwhile is unknown: that is an overflow.
    fn look_instead(&mut self, limit: WatchError, and_at: &Path) {
        self.source = looks(&self.sender);
        self.limit = Some(limit);
        self.names.clear();
        for folder in std::mem::take(&mut self.watched).keys() {
            self.folder(folder);
        }
        self.folder(and_at);
    }

    /// Watches all folders below one that a rule looks into, the folder first: what appears in it meanwhile sends an event.
    pub fn below(&mut self, folder: &Path, rules: &[Rule]) {
        if !rules.iter().any(|rule| rule.enters(folder)) {
            return;
        }
        self.folder(folder);
        for child in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if child.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.below(&child.path(), rules);
            }
        }
    }

    /// A path was replaced or removed: what was watched there is not there any more, even when something of that name is.
    pub fn forget(&mut self, path: &Path) {
        let below = self.watched.range(path.to_owned()..).map(|(folder, _)| folder);
        let gone: Vec<PathBuf> = below.take_while(|folder| folder.starts_with(path)).cloned().collect();
        for folder in gone {
            self.let_go(&folder);
        }
    }

    fn let_go(&mut self, folder: &Path) {
        if let Some(identity) = self.watched.remove(folder)
            && self.names.get(&identity).is_some_and(|name| name == folder)
        {
            self.names.remove(&identity);
        }
        // The system may have stopped already.
        if let Source::Events(watcher) = &mut self.source {
            drop(watcher.unwatch(folder));
        }
    }
}

impl Source {
    fn watch(&mut self, folder: &Path) -> notify::Result<()> {
        match self {
            Self::Events(watcher) => watcher.watch(folder, RecursiveMode::NonRecursive),
            Self::Looks { .. } => Ok(()),
        }
    }
}

fn identity(folder: &Path) -> Option<Identity> {
    std::fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn handler(sender: mpsc::UnboundedSender<Seen>) -> impl Fn(notify::Result<Event>) + Send + 'static {
    move |event| {
        for seen in seen(event) {
            // Nobody listens any more when watching ends.
            drop(sender.send(seen));
        }
    }
}

/// Asks for a look every now and then, until nobody listens any more.
fn looks(sender: &mpsc::UnboundedSender<Seen>) -> Source {
    let sender = sender.clone();
    let mut asking = JoinSet::new();
    asking.spawn(async move {
        while sender.send(Seen::Overflow).is_ok() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    Source::Looks { _asking: asking }
}

/// What an event means here. Reading is nothing; everything else is a reason to look at the path.
fn seen(event: notify::Result<Event>) -> Vec<Seen> {
    match event {
        // A watcher that has trouble may have lost something.
        Err(_) => vec![Seen::Overflow],
        Ok(event) if event.need_rescan() => vec![Seen::Overflow],
        Ok(event) => match event.kind {
            EventKind::Access(notify::event::AccessKind::Close(notify::event::AccessMode::Write))
            | EventKind::Create(_)
            | EventKind::Modify(_)
            | EventKind::Remove(_)
            | EventKind::Any
            | EventKind::Other => event.paths.into_iter().map(Seen::Path).collect(),
            EventKind::Access(_) => Vec::new(),
        },
    }
}

fn refused(error: &notify::Error, path: &Path, watched: usize) -> WatchError {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => WatchError::Watches { watched },
        notify::ErrorKind::Io(io) if io.raw_os_error() == Some(24) => WatchError::Instances,
        notify::ErrorKind::Io(io) if io.raw_os_error() == Some(28) => WatchError::Watches { watched },
        notify::ErrorKind::Generic(_)
        | notify::ErrorKind::Io(_)
        | notify::ErrorKind::PathNotFound
        | notify::ErrorKind::WatchNotFound
        | notify::ErrorKind::InvalidConfig(_) => {
            WatchError::Other { path: path.to_owned(), why: error.to_string() }
        }
    }
}

/// The name of a file system that sends no events for what other machines write; `None` for ordinary ones.
pub fn without_events(path: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    // <https://man7.org/linux/man-pages/man2/statfs.2.html>
    match u64::try_from(kind).ok()? {
        0x6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some("SMB"),
        0x0102_1997 => Some("9P"),
        0x6573_5546 => Some("FUSE"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, AccessMode, CreateKind, Flag};

    #[test]
    fn reading_is_nothing_and_a_lost_event_means_to_look_at_everything() {
        let event = |kind| Ok(Event::new(kind).add_path(PathBuf::from("/x")));
        assert_eq!(seen(event(EventKind::Access(AccessKind::Open(AccessMode::Any)))), []);
        assert_eq!(seen(event(EventKind::Create(CreateKind::File))), [Seen::Path("/x".into())]);
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert_eq!(seen(event(written)), [Seen::Path("/x".into())]);
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(seen(Ok(lost)), [Seen::Overflow]);
    }

    /// What is seen until a file of this name is.
    fn seen_until(receiver: &mut mpsc::UnboundedReceiver<Seen>, name: &str) -> Vec<Seen> {
        let mut all = Vec::new();
        while let Some(seen) = receiver.blocking_recv() {
            let is_last = matches!(&seen, Seen::Path(path) if path.ends_with(name));
            all.push(seen);
            if is_last {
                break;
            }
        }
        all
    }

    #[test]
    fn a_folder_that_moved_into_a_new_one_is_followed_under_its_new_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("old")).unwrap();
        let (mut eyes, mut receiver) = Eyes::open(false).unwrap();
        eyes.folder(&root);
        eyes.folder(&root.join("old"));
        // The new folder is looked through before the move's event is read, which unwatches the old name.
        std::fs::create_dir(root.join("new")).unwrap();
        std::fs::rename(root.join("old"), root.join("new/moved")).unwrap();
        eyes.folder(&root.join("new"));
        eyes.folder(&root.join("new/moved"));
        eyes.forget(&root.join("old"));
        std::fs::write(root.join("last"), "").unwrap();
        seen_until(&mut receiver, "last");
        std::fs::write(root.join("new/moved/file"), "").unwrap();
        std::fs::write(root.join("end"), "").unwrap();
        let seen = seen_until(&mut receiver, "end");
        assert!(seen.contains(&Seen::Path(root.join("new/moved/file"))), "{seen:?}");
    }

    #[test]
    fn a_used_up_limit_names_the_setting() {
        let error = refused(&notify::Error::new(notify::ErrorKind::MaxFilesWatch), Path::new("/x"), 8192);
        assert!(error.hints().iter().any(|hint| hint.contains("fs.inotify.max_user_watches")), "{error}");
    }
}
