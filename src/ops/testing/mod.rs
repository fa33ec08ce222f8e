//! `test`: brings a project up, waits until it is ready, lets a command run against it, and takes everything away again,
//! whatever happened.
//!
//! In: a project that is a copy of its own more often than not, and a command as a piece of work ([`Ready`] to [`Ran`]).
//! Out: a [`Report`]. What has to be taken away is found by its labels, so that any moment will do to stop; after a process
//! that was killed the next run does it ([`super::instances`]). Deliberately absent: files, exit codes of the process.

mod host;
mod logs;
mod report;

pub use host::{HostCommand, Ran};
pub use report::{CommandReport, Report, Verdict, command_line};

use super::down::{self, Images, Volumes};
use super::instances::{self, Notes};
use super::urls::{self, Endpoint};
use super::{Interrupts, OpsError, Scope, Session, Tally, Turn, list, lock, up};
use crate::apply::OnFailure;
use crate::engine::Engine;
use crate::event::{EventKind, Subject, Verb};
use crate::load::Loaded;
use crate::model::label;
use crate::observe::observe;
use crate::plan::{Policy, lifecycle};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What `test` is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// How to bring the project up; it is waited for in any case.
    pub policy: Policy,
    /// The words of the command, for people; empty: that everything comes up is all there is to prove.
    pub words: Vec<String>,
    /// The service that the command runs in; `None` for this machine.
    pub service: Option<String>,
    /// How long everything may take, but for taking it away.
    pub timeout: Option<Duration>,
    /// What is kept.
    pub keep: Keep,
    /// The folder that gets a log file for each container.
    pub logs: Option<PathBuf>,
    /// The project is a copy made for this run alone: all that it has goes. Otherwise volumes and images stay, and what was
    /// there before stays as it is.
    pub isolated: bool,
}

/// Whether the environment is kept for somebody to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// It goes.
    #[default]
    Never,
    /// It is kept when something went wrong.
    OnFailure,
    /// It is kept.
    Always,
}

/// A project that is up and ready for a command.
#[derive(Debug)]
pub struct Ready<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The project.
    pub scope: &'a Scope,
    /// Where its published ports are reached.
    pub endpoints: Vec<Endpoint>,
    /// Cancelled when the command is to end.
    pub until: CancellationToken,
    /// The user's wishes.
    pub interrupts: &'a Interrupts,
}

impl Ready<'_> {
    /// The variables that tell a command on this machine where everything is.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = urls::variables(self.scope.name(), &self.endpoints);
        // So that `stack exec`, or `docker compose exec`, in a script means this copy.
        variables.insert("COMPOSE_PROJECT_NAME".to_owned(), self.scope.name().to_owned());
        variables
    }

    /// The same for a command inside one of the project's containers, where services are reached by their names.
    pub fn variables_inside(&self) -> BTreeMap<String, String> {
        let inside: Vec<Endpoint> = self.endpoints.iter().map(urls::inside).collect();
        urls::variables(self.scope.name(), &inside)
    }
}

/// Runs a test. `command` is asked for once everything is ready; `told` is given the report before anything is taken away,
/// and again when that changes it.
pub async fn run(
    session: &Session,
    loaded: &Arc<Loaded>,
    request: &Request,
    command: impl AsyncFnOnce(&Ready<'_>) -> Ran,
    told: impl Fn(&Report),
) -> Report {
    let began = Instant::now();
    let mut report = Report::new(&loaded.project);
    let engine = match session.engine().await {
        Ok(engine) => engine,
        Err(error) => {
            report.fails(error);
            told(&report);
            return report;
        }
    };
    let notes = Notes::of(session, &engine);
    match instances::sweep(session, "").await {
        Ok(_) => {}
        // An engine that does not answer now has nothing to run a test on.
        Err(error) if error.is_engine_trouble() => {
            report.fails(error);
            told(&report);
            return report;
        }
        Err(error) => {
            let error = report::sentence(&error);
            session.warn(
                &report.project,
                format!("what a run that was killed has left is still there: {error}"),
            );
        }
    }
    // What is made for this run alone is not worth remembering.
    let state = session.state.clone().filter(|_| !request.isolated);
    let session = &Session { state, ..session.clone() };
    let test = Test { session, engine: &engine, loaded, request, scope: Scope::Loaded(Arc::clone(loaded)) };
    let found = match test.is_there_before().await {
        // Whatever it is, it is not this run's to take away.
        Ok(true) if request.isolated => {
            let text = format!("there is a project `{}` already; run it again", report.project);
            Err(OpsError::other(text))
        }
        seen => seen,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            report.fails(error);
            told(&report);
            return report;
        }
    };
    if request.isolated {
        notes.put(&report.project);
    }
    let part = session.interrupts.of_part();
    let is_late = {
        // It is pinned and dropped within, so that what it borrows is free afterwards.
        let phases = test.phases(&part, &mut report, command);
        tokio::pin!(phases);
        tokio::select! {
            () = &mut phases => false,
            () = limit(request.timeout) => {
                part.stop();
                phases.await;
                true
            }
        }
    };
    report.total_ms = millis(began.elapsed());
    report.judge(is_late.then_some(request.timeout).flatten(), session.interrupts.signal());
    let keeps = match request.keep {
        Keep::Never => false,
        Keep::OnFailure => report.verdict != Verdict::Passed && !session.interrupts.interrupted(),
        Keep::Always => true,
    };
    report.kept = keeps;
    told(&report);
    Box::pin(test.end(&mut report, keeps, found)).await;
    if report.teardown_error.is_some() {
        told(&report);
    } else if request.isolated {
        notes.take_back(&report.project);
        lock::discard(&engine, &report.project);
    }
    report
}

/// Returns after a time; without one, never.
async fn limit(timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => tokio::time::sleep(timeout).await,
        None => std::future::pending().await,
    }
}

struct Test<'a> {
    session: &'a Session,
    engine: &'a Engine,
    loaded: &'a Arc<Loaded>,
    request: &'a Request,
    scope: Scope,
}

impl Test<'_> {
    fn name(&self) -> &str {
        self.scope.name()
    }

    fn tell(&self, kind: EventKind) {
        self.session.events.send(Subject::Project(self.name().to_owned()), kind);
    }

    /// Whether the project has containers already.
    async fn is_there_before(&self) -> Result<bool, OpsError> {
        Ok(!observe(self.engine, &list::containers_only(self.name())).await?.containers.is_empty())
    }

    /// All that a limit of time is about.
    async fn phases(
        &self,
        part: &Interrupts,
        report: &mut Report,
        command: impl AsyncFnOnce(&Ready<'_>) -> Ran,
    ) {
        let began = Instant::now();
        let session = Session { interrupts: part.clone(), ..self.session.clone() };
        self.tell(EventKind::Started { verb: Verb::BringUp, reason: None });
        let tally = Tally::default();
        let session = Session { tally: Some(tally.clone()), ..session };
        let ended = Box::pin(self.bring_up(&session)).await;
        report.services = tally.goals().services;
        report.slowest = tally.slowest();
        report.timings = tally.timings();
        report.up_ms = millis(began.elapsed());
        if let Err(error) = ended {
            let message = error.to_string();
            self.tell(EventKind::Failed { verb: Verb::BringUp, message, diagnosis: None });
            report.fails(error);
            return;
        }
        self.tell(EventKind::Done { verb: Verb::BringUp });
        if self.request.words.is_empty() {
            return;
        }
        let endpoints = match urls::endpoints(self.engine, &self.scope, &[]).await {
            Ok(endpoints) => endpoints,
            Err(error) => return report.fails(error),
        };
        let until = part.first();
        let ready = Ready {
            engine: self.engine,
            scope: &self.scope,
            endpoints,
            until,
            interrupts: &self.session.interrupts,
        };
        let began = Instant::now();
        let words = command_line(&self.request.words);
        self.tell(EventKind::Started { verb: Verb::Command, reason: Some(words) });
        self.session.all_is_shown().await;
        let ran = command(&ready).await;
        report.command = Some(CommandReport::new(self.request, ran, millis(began.elapsed())));
    }

    async fn bring_up(&self, session: &Session) -> Result<(), OpsError> {
        let project = Arc::new(self.loaded.project.clone());
        let policy = Policy { wait: self.request.policy.wait.or(Some(None)), ..self.request.policy.clone() };
        up::until_goals(session, self.engine, self.loaded, &project, &policy).await
    }

    /// Gathers logs, and takes away what is not kept.
    async fn end(&self, report: &mut Report, keeps: bool, found: bool) {
        // The wish to stop must not stop this; a second one hurries it.
        let patient = Session {
            interrupts: Interrupts::default(),
            turn: Turn { timeout: None, ..self.session.turn.clone() },
            ..self.session.clone()
        };
        let goes = !keeps && !found;
        if keeps
            && self.request.isolated
            && let Err(error) = instances::keep(self.engine, &self.loaded.project).await
        {
            let text = format!("the next run will take this one for left behind, and away: {error}");
            self.session.warn(self.name(), text);
        }
        if goes {
            self.tell(EventKind::Started { verb: Verb::TakeDown, reason: None });
        }
        let work = async {
            if let Some(folder) = &self.request.logs {
                if goes {
                    // What containers say when they are stopped belongs to their logs.
                    self.stop(&patient).await;
                }
                if let Err(error) = logs::gather(self.engine, &self.scope, folder).await {
                    self.session.warn(self.name(), format!("the logs are not all there: {error}"));
                }
            }
            if goes { self.take_down(&patient).await } else { Ok(()) }
        };
        // A stop that is cut short here goes on in the engine, where the kill that follows ends it.
        let patiently = tokio::select! {
            ended = work => Some(ended),
            () = self.session.interrupts.second().cancelled_owned() => None,
        };
        let ended = match patiently {
            Some(ended) => ended,
            None => self.hurry(goes).await,
        };
        match ended {
            Ok(()) if goes => self.tell(EventKind::Done { verb: Verb::TakeDown }),
            Ok(()) => {}
            Err(error) => {
                let error = report::sentence(&error);
                let failed =
                    EventKind::Failed { verb: Verb::TakeDown, message: error.clone(), diagnosis: None };
                self.tell(failed);
                report.teardown_error = Some(error);
            }
        }
    }

    /// Takes everything away. A network that stays is no failure to `down`; here it is one.
    async fn take_down(&self, session: &Session) -> Result<(), OpsError> {
        Box::pin(down::run(session, &self.scope, &self.down())).await?;
        if !self.request.isolated {
            return Ok(());
        }
        let label = [format!("{}={}", label::PROJECT, self.name())];
        let (networks, volumes) =
            futures_util::try_join!(self.engine.list_networks(&label), self.engine.list_volumes(&label))?;
        let networks = networks.into_iter().map(|one| format!("network {}", one.name));
        let left: Vec<String> =
            networks.chain(volumes.into_iter().map(|one| format!("volume {}", one.name))).collect();
        if left.is_empty() { Ok(()) } else { Err(OpsError::other(format!("left: {}", left.join(", ")))) }
    }

    fn down(&self) -> down::Request {
        down::Request {
            volumes: if self.request.isolated { Volumes::Go } else { Volumes::Stay },
            images: if self.request.isolated { Images::Local } else { Images::None },
            orphans: self.request.isolated,
            ..down::Request::default()
        }
    }

    async fn stop(&self, patient: &Session) {
        let project = Arc::new(self.loaded.project.clone());
        up::stop_running(patient, self.engine, &project).await;
    }

    /// Kills everything, and takes it away.
    async fn hurry(&self, goes: bool) -> Result<(), OpsError> {
        if !goes {
            return Ok(());
        }
        let session = Session { interrupts: Interrupts::default(), ..self.session.clone() };
        let observed = Arc::new(observe(self.engine, &list::containers_only(self.name())).await?);
        let running: Vec<_> =
            observed.containers.iter().filter(|container| container.status.is_alive()).collect();
        let kill = lifecycle::kill(&running, "SIGKILL");
        drop(session.apply(self.engine, &kill, None, &observed, OnFailure::Continue).await);
        self.take_down(&session).await
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
