//! One mutating command at a time on one project: who comes second waits, and is told for whom.
//!
//! In: a piece of work. Out: its result, once it had its turn. Only what changes a project takes turns; `logs`, `ps`, `plan` and
//! other projects never wait. For an engine of this machine the lock is a file, which costs the engine nothing and is free the
//! moment its holder ends. For an engine over a network it is a lease on the engine ([`crate::engine::Lease`]), which runs out
//! some seconds after its holder has ended.

mod file;
mod remote;

use super::{OpsError, Session};
use crate::engine::{Address, Engine};
use crate::event::{EventKind, Subject, Verb};
use file::Holder;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// How a command takes its turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// How long it waits for others; `None` is without limit.
    pub timeout: Option<Duration>,
    /// The command, as others are told: without arguments, which may be nobody's business.
    pub command: String,
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Guard(#[expect(dead_code, reason = "dropping it is what it is for")] file::Held);

/// How often a lock that another process holds is tried. The system can wait for it, but only by blocking a thread that nobody
/// could call back when the user changes their mind.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// How often the user is told again for whom they wait.
const TELL_EVERY: Duration = Duration::from_secs(5);

impl Session {
    /// Does a piece of work that changes a project, when nobody else does. What changes nothing, a dry run, waits for nobody.
    ///
    /// # Errors
    /// The work's; interrupted while waiting; others did not come to an end in time.
    pub(super) async fn locked<T>(
        &self,
        engine: &Engine,
        project: &str,
        work: impl AsyncFnOnce(&Self) -> Result<T, OpsError>,
    ) -> Result<T, OpsError> {
        if self.dry_run.is_some() {
            return Box::pin(work(self)).await;
        }
        match engine.address() {
            Address::Unix(socket) => {
                let held = self.take_file(socket, project).await?;
                let result = Box::pin(work(self)).await;
                drop(held);
                result
            }
            Address::Tcp(_) | Address::Ssh(_) => {
                let held = remote::take(self, engine, project).await?;
                // Whoever is overtaken stops as gently as if the user had asked for it.
                let session = Self { interrupts: self.interrupts.of_part(), ..self.clone() };
                let mut work = Box::pin(work(&session));
                let result = tokio::select! {
                    result = &mut work => result,
                    () = held.keep() => {
                        session.interrupts.stop();
                        drop(work.await);
                        return Err(OpsError::other(format!(
                            "another run took over project `{project}`, because nothing was heard of this one for some time"
                        )));
                    }
                };
                held.drop().await;
                result
            }
        }
    }

    /// Keeps a lock of this machine until what is given back is dropped; `None` where none can be had. `project` is who is told
    /// of a wait.
    ///
    /// # Errors
    /// Interrupted while waiting; others did not come to an end in time.
    pub(super) async fn guard(&self, name: &str, project: &str) -> Result<Option<Guard>, OpsError> {
        Ok(self.take(&file::path(Path::new(""), name), project).await?.map(Guard))
    }

    async fn take_file(&self, socket: &Path, project: &str) -> Result<Option<file::Held>, OpsError> {
        self.take(&file::path(socket, project), project).await
    }

    async fn take(&self, path: &Path, project: &str) -> Result<Option<file::Held>, OpsError> {
        let mut wait = Wait::new(self, project);
        loop {
            match file::take(path, &Holder::this(&self.turn.command)) {
                Ok(Ok(held)) => {
                    wait.over();
                    return Ok(Some(held));
                }
                Ok(Err(holder)) => {
                    let words = holder.map_or_else(|| "another process".to_owned(), |holder| holder.words());
                    wait.go_on(&words, TRY_EVERY).await?;
                }
                // Better two runs at once than none at all.
                Err(error) => {
                    let path = path.display();
                    self.warn(
                        project,
                        format!("cannot lock the project, other runs may interfere: {path}: {error}"),
                    );
                    return Ok(None);
                }
            }
        }
    }
}

/// Takes away the file of a project that nobody will use again. Whoever waits for it makes another one.
pub(super) fn discard(engine: &Engine, project: &str) {
    if let Address::Unix(socket) = engine.address() {
        // There is none when nothing was changed.
        drop(std::fs::remove_file(file::path(socket, project)));
    }
}

/// A wait for others, as the user sees it.
struct Wait<'a> {
    session: &'a Session,
    project: &'a str,
    began: Instant,
    told: Option<Instant>,
}

impl<'a> Wait<'a> {
    fn new(session: &'a Session, project: &'a str) -> Self {
        Self { session, project, began: Instant::now(), told: None }
    }

    /// Tells for whom, now and then, and lets some time pass.
    async fn go_on(&mut self, holder: &str, pause: Duration) -> Result<(), OpsError> {
        let timeout = self.session.turn.timeout;
        if timeout.is_some_and(|timeout| self.began.elapsed() >= timeout) {
            return Err(OpsError::Other {
                message: format!("project `{}` is being changed by another run ({holder})", self.project),
                hints: vec![match timeout {
                    Some(Duration::ZERO) => "wait for it with a longer --lock-timeout".to_owned(),
                    _ => "wait longer with --lock-timeout, or end the other run".to_owned(),
                }],
            });
        }
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            let subject = Subject::Project(self.project.to_owned());
            if self.told.is_none() {
                self.session
                    .events
                    .send(subject.clone(), EventKind::Started { verb: Verb::Lock, reason: None });
            }
            let text = format!("another run has the project: {holder}");
            self.session.events.send(subject, EventKind::Waiting { text });
            self.told = Some(Instant::now());
        }
        // Both branches are cancel-safe.
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.session.interrupts.first().cancelled_owned() => Err(OpsError::Interrupted),
        }
    }

    fn over(&self) {
        if self.told.is_some() {
            let subject = Subject::Project(self.project.to_owned());
            self.session.events.send(subject, EventKind::Done { verb: Verb::Lock });
        }
    }
}
