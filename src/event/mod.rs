//! What happens while a plan runs, as values: what was started, progressed, finished, for which subject, when.
//!
//! In: calls from `apply`, `ops` and `watch`. Out: [`Event`]s on a channel that one ui task drains. Deliberately absent:
//! text for people ("Creating", "Created" live in the ui) and terminals.

mod diagnosis;
mod goals;
pub mod timeline;
mod timings;

pub use diagnosis::{Diagnosis, ProbeRun};
pub use goals::{Goal, GoalOutcome, Goals, ServiceGoal};
pub use timeline::{Timeline, TimelineBar, TimelineCost, TimelineKind, TimelineRow};
pub use timings::{ServiceTimings, Timings};

use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::mpsc;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Event {
    /// Its number within the command, from 0.
    pub seq: u64,
    /// Milliseconds since the command started.
    pub at_ms: u64,
    /// What it is about.
    pub subject: Subject,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "subject", content = "name", rename_all = "snake_case")]
pub enum Subject {
    /// The command as a whole.
    Project(String),
    /// A network, by its name in the engine.
    Network(String),
    /// A volume, by its name in the engine.
    Volume(String),
    /// An image, by reference.
    Image(String),
    /// A model, by its key in the file.
    Model(String),
    /// A container, by the name it has or ends up with.
    Container(String),
    /// A service.
    Service(String),
}

/// What is being done to a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It is made.
    Create,
    /// It is replaced.
    Recreate,
    /// It is changed in place.
    Update,
    /// It is started.
    Start,
    /// It is stopped.
    Stop,
    /// It is restarted.
    Restart,
    /// It is killed.
    Kill,
    /// It is removed.
    Remove,
    /// It is renamed.
    Rename,
    /// It is frozen.
    Pause,
    /// It is thawed.
    Unpause,
    /// It is pulled.
    Pull,
    /// It is built.
    Build,
    /// It is pushed.
    Push,
    /// Data is copied to it.
    Copy,
    /// An image is made of it.
    Commit,
    /// What is in it is written to an archive.
    Export,
    /// It joins a network.
    Connect,
    /// It leaves a network.
    Disconnect,
    /// It is waited for until its process runs.
    WaitRunning,
    /// It is waited for until its probe succeeds.
    WaitHealthy,
    /// It is waited for until it exits with 0.
    WaitCompleted,
    /// A hook runs in or for it.
    Hook,
    /// A provider's program runs.
    Provide,
    /// A model is pulled and configured.
    Prepare,
    /// Another run changes the project, and is waited for.
    Lock,
    /// A test's project is brought up, and waited for.
    BringUp,
    /// A test's command runs.
    Command,
    /// A test's project is taken away.
    TakeDown,
}

/// What happened to the subject.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A plan of so many steps starts.
    Planned {
        /// Number of steps.
        steps: usize,
    },
    /// Work on it began.
    Started {
        /// What is being done.
        verb: Verb,
        /// Why, when there is more to say than the verb.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Work on it went on.
    Progress {
        /// What is being done.
        verb: Verb,
        /// A part of it (an image layer); empty for the whole.
        part: String,
        /// Units done.
        current: u64,
        /// Units in all; 0 when unknown.
        total: u64,
        /// What the engine says about it.
        text: String,
    },
    /// Nothing can be done about it for the moment, and why: told when a wait is long.
    Waiting {
        /// What is known about what is waited for, in a few words.
        text: String,
    },
    /// Work on it ended well.
    Done {
        /// What was done.
        verb: Verb,
    },
    /// It was as it should be.
    Unchanged {
        /// The state it is in.
        status: String,
    },
    /// Work on it failed.
    Failed {
        /// What was being done.
        verb: Verb,
        /// What went wrong, for people.
        message: String,
        /// What a container that did not become ready has to say for itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        diagnosis: Option<Box<Diagnosis>>,
    },
    /// Work on it was not begun because something before it failed.
    Skipped {
        /// What was to be done.
        verb: Verb,
        /// The subject that failed.
        because: String,
    },
    /// The user should know.
    Warning {
        /// What.
        message: String,
    },
    /// A batch of file changes was carried out on it.
    Watched {
        /// What was done.
        deed: WatchDeed,
        /// How many paths it was about; 0 where they do not matter.
        count: usize,
        /// The first few of the paths.
        paths: Vec<String>,
        /// How long it took.
        took_ms: u64,
    },
    /// The run is over; where its time went.
    Timed {
        /// By service.
        timings: Box<Timings>,
    },
    /// The wait for what the services are to reach is over; how far each has come.
    Goals {
        /// By service.
        goals: Box<Goals>,
    },
    /// A line of a program's output (a build, a hook).
    Output {
        /// The line, without its end.
        line: String,
    },
}

/// The JSON schema (draft 2020-12) of what `--progress json` writes, a line for each event.
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Event>().to_value()
}

/// What `watch` did after files had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WatchDeed {
    /// Files were copied and deleted.
    Sync,
    /// The image was built and the containers replaced.
    Rebuild,
    /// The containers were restarted.
    Restart,
    /// A command ran in the containers.
    Exec,
    /// The stack files were read again and the difference applied.
    Reload,
}

/// One line of a container's output, or a line about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The name shown before it: `web-1`, or the container's fixed name; empty for a line that stands alone.
    pub source: String,
    /// Whether it was written to standard error.
    pub stderr: bool,
    /// The text, without its line end.
    pub text: String,
}

/// The sender's side: cheap to clone, never blocks. The number of events is bounded by the size of the plan and the
/// progress reports of the engine, hence the unbounded channel.
#[derive(Debug, Clone)]
pub struct EventSink {
    sender: mpsc::UnboundedSender<Event>,
    next: Arc<AtomicU64>,
    started: Instant,
    passes: Passes,
    /// What is told when it is over, and not on its way.
    quiet: &'static [Verb],
}

/// Which events are worth sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passes {
    All,
    /// All but what is as it should be.
    Changes,
    /// What went wrong and what is told: steps that begin and end are part of something that is told as a whole.
    Trouble,
}

impl EventSink {
    /// A sink and the receiver that the ui drains.
    pub fn new(started: Instant) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (
            Self { sender, next: Arc::new(AtomicU64::new(0)), started, passes: Passes::All, quiet: &[] },
            receiver,
        )
    }

    /// The same channel, for a command that goes on and on: what is as it should be is not worth an event each time.
    #[must_use]
    pub fn changes_only(&self) -> Self {
        Self { passes: Passes::Changes, ..self.clone() }
    }

    /// The same channel, for steps that are told as a whole when they are done.
    #[must_use]
    pub fn trouble_only(&self) -> Self {
        Self { passes: Passes::Trouble, ..self.clone() }
    }

    /// The same channel, without the progress of some work.
    #[must_use]
    pub fn without_progress_of(&self, quiet: &'static [Verb]) -> Self {
        Self { quiet, ..self.clone() }
    }

    /// Sends one event. A ui that is gone is no reason to fail.
    pub fn send(&self, subject: Subject, kind: EventKind) {
        let passes = match self.passes {
            Passes::All => true,
            Passes::Changes => !matches!(kind, EventKind::Unchanged { .. }),
            Passes::Trouble => matches!(
                kind,
                EventKind::Failed { .. } | EventKind::Warning { .. } | EventKind::Watched { .. }
            ),
        };
        let is_quiet = matches!(&kind, EventKind::Progress { verb, .. } if self.quiet.contains(verb));
        if !passes || is_quiet {
            return;
        }
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        drop(self.sender.send(Event { seq, at_ms, subject, kind }));
    }
}
