//! Follows the files that a running stack is made of, and makes the stack match them.
//!
//! In: a loaded project and the request it was loaded with. Out: syncs, rebuilds, restarts and, when the stack files
//! themselves change, what `up` would do. Deliberately absent: a second way of changing containers. Files go through the
//! archive API; everything else is a plan, applied as `up` applies it.
//!
//! A sync is a difference: what is wanted is the tree here, what is there is what was last delivered to that very
//! container. So a lost event, a container that was down, a queue that overflowed all mend themselves with the next look.
//! One batch is handled at a time; what happens meanwhile makes the next one. Start reading at [`run`].

mod act;
mod auto;
mod batch;
mod containers;
mod delivery;
mod explain;
mod extent;
mod fs;
mod heavy;
mod inputs;
mod remove;
mod rules;
mod stack;
mod sync;
mod tree;

pub use delivery::Delivery;
pub use explain::explain;
pub use extent::{Extent, extent};
pub use fs::without_events;

use crate::apply::OnStart;
use crate::engine::{Engine, EngineError, EventStream};
use crate::event::{EventKind, LogLine, Subject, WatchDeed};
use crate::load::{LoadRequest, Loaded, load};
use crate::model::ServiceName;
use crate::ops::{OpsError, Session, up};
use crate::plan::{ImagePolicy, OrphanPolicy, Policy};
use crate::source::{Colour, Severity, to_text};
use batch::Window;
use containers::Containers;
use delivery::watched;
use fs::{Eyes, Seen, WatchError};
use futures_util::StreamExt;
use stack::Stack;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::MutexGuard;
use tokio::sync::mpsc;

/// Up to how many rules are told one by one when watching begins.
const SHOWN_RULES: usize = 12;

/// What `watch` is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// How the project is loaded, now and after each change.
    pub load: LoadRequest,
    /// How the stack is brought up, now and after each change.
    pub policy: Policy,
    /// Bring the stack up first.
    pub up: bool,
    /// Images that a rebuild replaced are removed.
    pub prune: bool,
    /// Whether diagnostics carry colours.
    pub colour: Colour,
    /// What is watched at the moment, in a line; empty before and after.
    pub state: tokio::sync::watch::Sender<String>,
    /// What the containers have been given; whatever else starts containers meanwhile shares it.
    pub delivery: Arc<Delivery>,
}

impl Request {
    /// For a session that starts containers while this watches.
    pub fn on_start(&self) -> Arc<dyn OnStart> {
        Arc::<Delivery>::clone(&self.delivery)
    }
}

/// Watches until it is interrupted.
///
/// # Errors
/// The first `up` fails, a folder cannot be watched, the engine does not answer.
pub async fn run(session: &Session, loaded: Loaded, request: &Request) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let stack = Stack::new(loaded, request.delivery.auto);
    let starting = Session { on_start: Some(request.on_start()), ..session.clone() };
    // From the `up` on only what changes is worth a line.
    let session = &Session { events: session.events.changes_only(), ..starting.clone() };
    let (eyes, seen) = Eyes::open(stack.needs_polling(session)).map_err(|error| cannot_watch(&error))?;
    let mut watch =
        Watch { session, engine, request, stack, eyes, seen, broken: None, heavy: BTreeSet::new() };
    // What is edited while the stack comes up waits in the queue.
    watch.look_everywhere();
    watch.begins_with_every_rule()?;
    if request.up {
        let Watch { engine, stack, .. } = &watch;
        up::converge(&starting, engine, &stack.loaded, &stack.project, &request.policy).await?;
    }
    watch.begin().await?;
    watch.follow().await
}

/// Does nothing of it: rehearses the `up` that a watch begins with, and says in lines what would be followed after that.
///
/// # Errors
/// The first `up` cannot be planned, the engine does not answer.
pub async fn rehearse(session: &Session, loaded: &Loaded, request: &Request) -> Result<String, OpsError> {
    let stack = Stack::new(loaded.clone(), request.delivery.auto);
    if request.up {
        let engine = session.engine().await?;
        up::converge(session, &engine, &stack.loaded, &stack.project, &request.policy).await?;
    }
    Ok(stack.text())
}

/// A session of watching.
struct Watch<'a> {
    session: &'a Session,
    engine: Engine,
    request: &'a Request,
    stack: Stack,
    eyes: Eyes,
    seen: mpsc::UnboundedReceiver<Seen>,
    /// What was said about the mistakes in the stack files: what runs stays as it is until they are mended.
    broken: Option<String>,
    /// Rules that were said to follow very many files.
    heavy: BTreeSet<(ServiceName, PathBuf)>,
}

/// What happened since the last batch.
#[derive(Debug, Default)]
struct Batch {
    paths: BTreeSet<PathBuf>,
    overflow: bool,
}

impl Watch<'_> {
    async fn begin(&mut self) -> Result<(), OpsError> {
        self.refresh().await?;
        // What nobody needs any more is no reason not to begin.
        drop(remove::sweep(&self.engine, self.stack.project.name.as_str()).await);
        for unusable in &self.stack.unusable {
            self.session.warn(self.stack.project.name.as_str(), unusable.to_string());
        }
        if !self.stack.derived.is_empty() {
            // Data, and so on standard output: it can go into a file.
            let text = self.stack.derived.trim_end().to_owned();
            let line = LogLine { source: String::new(), stderr: false, text };
            // Nobody shows lines any more when the command ends.
            drop(self.session.lines.send(line).await);
        }
        if self.stack.rules.len() <= SHOWN_RULES {
            for line in self.stack.rule_lines().lines() {
                self.say(line);
            }
        }
        let text = self.tell_state();
        self.say(&format!("{text}; Ctrl-C ends it"));
        self.tell_limits();
        self.reconcile(None).await;
        Ok(())
    }

    /// Says once where the system's limits change how files are followed, and which rules follow very many.
    fn tell_limits(&mut self) {
        for error in self.eyes.refused() {
            self.cannot_be_noticed(&error);
        }
        let project = self.stack.project.name.as_str();
        if let Some(limit) = self.eyes.limit() {
            let message = format!(
                "{limit}, and {} are to be followed: they are looked at every second instead; {}",
                self.eyes.count(),
                limit.hints().join("; ")
            );
            self.session.warn(project, message);
        }
        for (rule, tree) in self.stack.rules.iter().zip(&self.stack.trees) {
            let place = (rule.service.clone(), rule.root.clone());
            if self.heavy.contains(&place) {
                continue;
            }
            if let Some(advice) = heavy::advice(rule, tree) {
                self.session.warn(project, advice);
                self.heavy.insert(place);
            }
        }
    }

    /// Says what is watched to whoever asks for it later.
    fn tell_state(&self) -> String {
        let folders = self.eyes.count();
        let mut text = match self.stack.rules.len() {
            0 => "no service has watch rules: only the stack's own files are followed".to_owned(),
            1 => format!("watching {folders} folders for 1 rule"),
            rules => format!("watching {folders} folders for {rules} rules"),
        };
        if self.broken.is_some() {
            text.push_str("; the stack files have mistakes");
        }
        self.request.state.send_replace(text.clone());
        text
    }

    async fn follow(&mut self) -> Result<(), OpsError> {
        let interrupt = self.session.interrupts.first();
        let mut window = Window::default();
        let mut batch = Batch::default();
        let mut events = self.engine_events().await;
        loop {
            let looks = window.lulls_at().or_else(|| window.closes_at());
            // Every branch is cancel-safe: channels and the stream keep what was not taken, the rest is time.
            tokio::select! {
                biased;
                () = interrupt.cancelled() => return Ok(()),
                seen = self.seen.recv() => {
                    let Some(seen) = seen else { return Err(OpsError::other("the file watcher has ended")) };
                    window.seen(Instant::now());
                    self.note(seen, &mut batch);
                }
                () = sleep_until(looks) => {
                    if self.stack.checkout_under_way() && window.hold(Instant::now()) {
                        continue;
                    }
                    let early = window.closes_at().is_some_and(|closes| Instant::now() < closes);
                    if early && !self.only_copies(&batch) {
                        window.waits();
                        continue;
                    }
                    window.close();
                    self.handle(std::mem::take(&mut batch)).await;
                }
                event = next(&mut events) => {
                    if let Some(Ok(event)) = event {
                        self.container_event(&event.id, &event.action).await;
                        continue;
                    }
                    // The engine went away or cut us off: what happened meanwhile is unknown.
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    events = self.engine_events().await;
                    if events.is_some() && self.refresh().await.is_ok() {
                        self.reconcile(None).await;
                    }
                }
            }
        }
    }

    async fn engine_events(&self) -> Option<EventStream> {
        self.engine.container_events(Some(self.stack.project.name.as_str())).await.ok()
    }

    /// Takes in what was seen. A folder that appeared, or took another's place, is watched at once.
    fn note(&mut self, seen: Seen, batch: &mut Batch) {
        match seen {
            Seen::Overflow => batch.overflow = true,
            Seen::Path(path) => {
                if path.is_dir() || self.eyes.watches(&path) {
                    self.eyes.forget(&path);
                    self.eyes.below(&path, &self.stack.rules);
                }
                batch.paths.insert(path);
            }
        }
    }

    /// Whether a batch leads to nothing but copies: then it does no harm to handle it in two parts.
    fn only_copies(&self, batch: &Batch) -> bool {
        !batch.overflow && self.broken.is_none() && self.stack.only_copies(&batch.paths)
    }

    async fn handle(&mut self, batch: Batch) {
        if batch.overflow {
            // A folder that took another's place unseen has its name, and nobody listens to it.
            self.eyes.forget(Path::new("/"));
            self.look_everywhere();
        }
        let changed = self.stack.changed_inputs(&batch.paths, batch.overflow);
        let (build_files, stack_files): (BTreeSet<_>, BTreeSet<_>) =
            changed.into_iter().partition(|path| inputs::is_build_file(&self.stack.loaded, path));
        if !stack_files.is_empty() || (self.broken.is_some() && !batch.paths.is_empty()) {
            self.reload(&stack_files).await;
        } else if !build_files.is_empty() {
            self.stack.read_anew(self.stack.loaded.clone(), self.request.delivery.auto);
            self.look_everywhere();
        }
        let touched = if batch.overflow { self.stack.look_again() } else { self.stack.touch(&batch.paths) };
        self.act(&touched, &build_files).await;
        self.tell_limits();
        self.tell_state();
    }

    /// The stack files changed: load, and do what `up` would. With mistakes in them everything stays as it is.
    async fn reload(&mut self, files: &BTreeSet<PathBuf>) {
        let began = Instant::now();
        let loaded = match load(&self.request.load) {
            Ok(loaded) => loaded,
            Err(failure) => {
                let text = to_text(&failure.diagnostics, &failure.sources, self.request.colour);
                if self.broken.replace(text.clone()).is_some_and(|before| before == text) {
                    // Said before, and the lines since then may have moved it out of sight.
                    let errors = failure.diagnostics.iter().filter(|item| item.severity == Severity::Error);
                    let places: Vec<String> =
                        errors.filter_map(|item| failure.sources.place(item.primary.span)).collect();
                    let reminder = format!("the stack files still have mistakes: {}", places.join(", "));
                    self.session.warn(self.stack.project.name.as_str(), reminder);
                    return;
                }
                let consequence =
                    "the stack files have mistakes; everything stays as it is until they are mended";
                // A warning, so that it is seen with `--quiet` too.
                let message = format!("{consequence}\n{}", text.trim_end());
                self.session.warn(self.stack.project.name.as_str(), message);
                // What the broken version names is followed too: mending it must be noticed.
                self.stack.inputs.extend(inputs::texts(&failure.sources));
                self.watch_inputs();
                return;
            }
        };
        if self.broken.take().is_some() {
            self.say("the stack files are mended");
        }
        self.stack.read_anew(loaded, self.request.delivery.auto);
        self.look_everywhere();
        // As `up`: what is built already is not built again. A service that was removed in the editor goes.
        let policy = Policy {
            orphans: OrphanPolicy::Remove,
            images: ImagePolicy::default(),
            ..self.request.policy.clone()
        };
        let done =
            up::converge(self.session, &self.engine, &self.stack.loaded, &self.stack.project, &policy).await;
        if self.told(done, "what could be kept goes on") {
            let subject = Subject::Project(self.stack.project.name.to_string());
            let shown = files.iter().map(|file| self.stack.shown(file)).collect();
            self.session.events.send(subject, watched(WatchDeed::Reload, files.len(), &shown, began));
        }
        self.refreshed().await;
        self.reconcile(None).await;
    }

    async fn container_event(&mut self, id: &str, action: &str) {
        match action {
            "start" | "unpause" => {
                self.refreshed().await;
                self.reconcile(Some(id)).await;
            }
            "die" | "destroy" | "create" | "rename" | "pause" => self.refreshed().await,
            _ => {}
        }
    }

    /// The list of containers anew. While the engine does not answer the old one has to do.
    async fn refreshed(&mut self) {
        if let Err(error) = self.refresh().await {
            self.session.warn(self.stack.project.name.as_str(), error.to_string());
        }
    }

    async fn refresh(&self) -> Result<(), EngineError> {
        self.containers().await.refresh(&self.engine, self.stack.project.name.as_str()).await
    }

    async fn containers(&self) -> MutexGuard<'_, Containers> {
        self.request.delivery.containers().await
    }

    /// Watches every folder that rules look into, and those that the stack's own files are in.
    fn look_everywhere(&mut self) {
        let roots: Vec<PathBuf> = self.stack.rules.iter().map(|rule| rule.root.clone()).collect();
        for root in roots {
            // The folder above too: the watched one itself may be replaced.
            if let Some(above) = root.parent() {
                self.eyes.folder(above);
            }
            self.eyes.below(&root, &self.stack.rules);
        }
        self.watch_inputs();
    }

    fn watch_inputs(&mut self) {
        let folders: BTreeSet<PathBuf> =
            self.stack.inputs.iter().filter_map(|file| file.parent()).map(ToOwned::to_owned).collect();
        for folder in folders {
            self.eyes.folder(&folder);
        }
    }

    /// A rule whose own folder may not be read is an error when watching begins; later it is told and the rest goes on.
    fn begins_with_every_rule(&mut self) -> Result<(), OpsError> {
        for error in self.eyes.refused() {
            let is_rule = |path: &Path| self.stack.rules.iter().any(|rule| rule.root == *path);
            if matches!(&error, WatchError::Other { path, .. } if is_rule(path)) {
                return Err(cannot_watch(&error));
            }
            self.cannot_be_noticed(&error);
        }
        Ok(())
    }

    fn cannot_be_noticed(&self, error: &WatchError) {
        let project = self.stack.project.name.as_str();
        self.session.warn(project, format!("{error}; what happens in it goes unnoticed"));
    }

    /// Tells what went wrong; watching goes on. True when nothing did.
    fn told(&self, done: Result<(), OpsError>, consequence: &str) -> bool {
        let Err(error) = done else { return true };
        let message = match error {
            OpsError::Load(failure) => {
                to_text(&failure.diagnostics, &failure.sources, self.request.colour).trim_end().to_owned()
            }
            OpsError::Problems(problems) => {
                problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            OpsError::Failed(failed) => {
                failed.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            OpsError::Interrupted => return false,
            OpsError::Connect(_) | OpsError::Engine(_) | OpsError::Exited(_) | OpsError::Other { .. } => {
                error.to_string()
            }
        };
        self.session.warn(
            self.stack.project.name.as_str(),
            if message.contains('\n') {
                format!("{message}\n{consequence}")
            } else {
                format!("{message} ({consequence})")
            },
        );
        false
    }

    fn say(&self, text: &str) {
        let subject = Subject::Project(self.stack.project.name.to_string());
        self.session.events.send(subject, EventKind::Output { line: text.to_owned() });
    }
}

fn cannot_watch(error: &WatchError) -> OpsError {
    OpsError::Other { message: error.to_string(), hints: error.hints() }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// The next event; never, while nobody listens to the engine.
async fn next(
    events: &mut Option<EventStream>,
) -> Option<Result<crate::engine::ContainerEvent, EngineError>> {
    match events {
        Some(events) => events.next().await,
        None => None,
    }
}
