//! The file system's events: which folders are watched, and what happened in them.
//!
//! Folders are watched one by one, so that ignored ones cost nothing; a folder that appears is watched as soon as it is seen.
//! Network file systems send no events, and the system's limits may be used up: then the folders are looked at every now and
//! then instead.

use super::rules::Rule;
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How often folders are looked at that send no events.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    watched: BTreeSet<PathBuf>,
    sender: mpsc::UnboundedSender<Seen>,
    /// The limit that was reached, until somebody asked.
    limit: Option<WatchError>,
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
        Ok((Self { source, watched: BTreeSet::new(), sender, limit }, receiver))
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
        self.watched.contains(folder)
    }

    /// Watches a folder, without what is in its folders. One that is gone is no error; when a limit of the system is reached,
    /// all are looked at every second from then on.
    ///
    /// # Errors
    /// The folder may not be read.
    pub fn folder(&mut self, folder: &Path) -> Result<(), WatchError> {
        if self.watched.contains(folder) {
            return Ok(());
        }
        match self.source.watch(folder) {
            Ok(()) => {
                self.watched.insert(folder.to_owned());
                Ok(())
            }
            Err(_) if !folder.exists() => Ok(()),
            Err(error) => match (refused(&error, folder, self.watched.len()), &self.source) {
                (limit @ (WatchError::Watches { .. } | WatchError::Instances), Source::Events(_)) => {
                    self.look_instead(limit)?;
                    self.folder(folder)
                }
                (other, _) => Err(other),
            },
        }
    }

    /// What happened meanwhile is unknown: that is an overflow.
    fn look_instead(&mut self, limit: WatchError) -> Result<(), WatchError> {
        self.source = looks(&self.sender);
        self.limit = Some(limit);
        for folder in std::mem::take(&mut self.watched) {
            self.folder(&folder)?;
        }
        Ok(())
    }

    /// Watches all folders below one that a rule looks into, the folder first: what appears in it meanwhile sends an event.
    ///
    /// # Errors
    /// As [`Eyes::folder`].
    pub fn below(&mut self, folder: &Path, rules: &[Rule]) -> Result<(), WatchError> {
        if !rules.iter().any(|rule| rule.enters(folder)) {
            return Ok(());
        }
        self.folder(folder)?;
        for child in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if child.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.below(&child.path(), rules)?;
            }
        }
        Ok(())
    }

    /// A path was replaced or removed: what was watched there is not there any more, even when something of that name is.
    pub fn forget(&mut self, path: &Path) {
        let gone: Vec<PathBuf> = self
            .watched
            .range(path.to_owned()..)
            .take_while(|folder| folder.starts_with(path))
            .cloned()
            .collect();
        for folder in gone {
            self.watched.remove(&folder);
            // The system may have stopped already.
            if let Source::Events(watcher) = &mut self.source {
                drop(watcher.unwatch(&folder));
            }
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

    #[test]
    fn a_used_up_limit_names_the_setting() {
        let error = refused(&notify::Error::new(notify::ErrorKind::MaxFilesWatch), Path::new("/x"), 8192);
        assert!(error.hints().iter().any(|hint| hint.contains("fs.inotify.max_user_watches")), "{error}");
    }
}
