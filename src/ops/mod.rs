//! One file per kind of request: load, observe, plan, apply in the right order.
//!
//! In: requests without a trace of flags. Out: values, [`Event`](crate::event::Event)s and log lines. Deliberately absent:
//! printing, exit codes, questions to the terminal.

pub mod config;
pub mod copy;
pub mod doctor;
pub mod down;
pub mod events;
pub mod exec;
pub mod history;
pub mod images;
pub mod instances;
pub mod lifecycle;
pub mod list;
pub mod logs;
pub mod one_off;
pub mod reconcile;
pub mod saved;
pub mod stats;
pub mod supply;
pub mod testing;
pub mod up;
pub mod urls;
pub mod wait;

mod cascade;
mod contents;
mod detached;
mod elsewhere;
mod error;
mod goals;
mod lock;
mod machine;
mod signals;
mod sources;
mod timeline;
mod timings;
mod trouble;

pub use cascade::{AbortOn, Cascade};
pub use error::OpsError;
pub use goals::Tally;
pub use lock::Turn;
pub use signals::{Interrupts, Signal, interrupted_by};
pub use timings::Stopwatch;

use crate::apply::{self, Cx, Limits, OnFailure, OnStart};
use crate::engine::{Endpoints, Engine, connect};
use crate::event::{EventKind, EventSink, LogLine, Subject, Verb};
use crate::load::Loaded;
use crate::model::{Project, Provided};
use crate::observe::ObservedState;
use crate::plan::Plan;
use crate::source::SourceMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// What every request needs besides its own words.
#[derive(Debug, Clone)]
pub struct Session {
    /// Which engine.
    pub endpoints: Endpoints,
    /// Where events go.
    pub events: EventSink,
    /// Where log lines go.
    pub lines: mpsc::Sender<LogLine>,
    /// The user's signals.
    pub interrupts: Interrupts,
    /// How much runs at once.
    pub limits: Limits,
    /// Nothing is done: the plans that would be carried out are kept here instead.
    pub dry_run: Option<Rehearsal>,
    /// How it takes its turn among other runs.
    pub turn: Turn,
    /// Probes are run early while something waits for them, unless the stack file says otherwise.
    pub eager_health: bool,
    /// Where what was applied is kept; `None` keeps nothing.
    pub state: Option<PathBuf>,
    /// The stack files' texts, for messages that say where something is written.
    pub sources: Option<Arc<SourceMap>>,
    /// Who gives containers what they lack when they have started.
    pub on_start: Option<Arc<dyn OnStart>>,
    /// Takes the time of what is done, to be told at the end.
    pub stopwatch: Option<Stopwatch>,
    /// Notes how far each service comes.
    pub tally: Option<Tally>,
    /// Host ports that were free, and somebody else's when they were to be had.
    pub taken_ports: Arc<Mutex<BTreeSet<u16>>>,
}

/// The plans that a dry run would have carried out, in order, each with its project's name.
#[derive(Debug, Clone, Default)]
pub struct Rehearsal(Arc<Mutex<Vec<(String, Plan)>>>);

impl Rehearsal {
    /// Takes them out.
    pub fn take(&self) -> Vec<(String, Plan)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, project: &str, plan: &Plan) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.push((project.to_owned(), plan.clone()));
    }
}

impl Session {
    /// Reaches the engine.
    ///
    /// # Errors
    /// None answers; with everything that was tried.
    pub async fn engine(&self) -> Result<Engine, OpsError> {
        Ok(connect(&self.endpoints).await?)
    }

    /// The same session, with early probes or without.
    #[must_use]
    pub fn with_eager_health(&self, eager_health: bool) -> Self {
        Self { eager_health, ..self.clone() }
    }

    /// The same session, without the progress of some work.
    #[must_use]
    pub fn without_progress_of(&self, quiet: &'static [Verb]) -> Self {
        Self { events: self.events.without_progress_of(quiet), ..self.clone() }
    }

    /// Returns when everything that was told so far is on the screen: before something else writes to it.
    pub async fn all_is_shown(&self) {
        // The ui is polled by the same task, right after this, and takes all that there is at once.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }

    /// Tells the user something about the project as a whole.
    pub fn warn(&self, project: &str, message: impl Into<String>) {
        self.events
            .send(Subject::Project(project.to_owned()), EventKind::Warning { message: message.into() });
    }

    /// Runs a plan and turns what failed into an error.
    async fn apply(
        &self,
        engine: &Engine,
        plan: &Plan,
        project: Option<&Arc<Project>>,
        observed: &Arc<ObservedState>,
        on_failure: OnFailure,
    ) -> Result<(), OpsError> {
        self.apply_all(engine, plan, project, observed, on_failure).await.map(drop)
    }

    /// The same; what providers gave comes back.
    async fn apply_all(
        &self,
        engine: &Engine,
        plan: &Plan,
        project: Option<&Arc<Project>>,
        observed: &Arc<ObservedState>,
        on_failure: OnFailure,
    ) -> Result<Provided, OpsError> {
        if let Some(rehearsal) = &self.dry_run {
            let of_container = observed.containers.first().map(|container| &container.identity.project);
            let name = project.map(|project| &project.name).or(of_container);
            rehearsal.keep(name.map(ToString::to_string).unwrap_or_default().as_str(), plan);
            return Ok(Provided::new());
        }
        let cx = Cx {
            engine: engine.clone(),
            project: project.map(Arc::clone),
            observed: Arc::clone(observed),
            events: self.events.clone(),
            cancel: self.interrupts.first(),
            limits: self.limits,
            on_failure,
            eager_health: self.eager_health && project.is_none_or(|project| project.eager_health()),
            sources: self.sources.clone(),
            fresh_images: Arc::default(),
            provided: Arc::default(),
            on_start: self.on_start.clone(),
        };
        let outcome = apply::run(plan, &cx).await;
        if let Some(stopwatch) = &self.stopwatch {
            stopwatch.take(plan, &outcome, cx.project.as_deref(), cx.eager_health);
        }
        if let Some(tally) = &self.tally {
            tally.take(plan, &outcome, cx.project.as_deref(), cx.eager_health);
        }
        if outcome.cancelled {
            return Err(OpsError::Interrupted);
        }
        if !outcome.is_success() {
            return Err(OpsError::of_outcome(plan, outcome));
        }
        Ok(std::mem::take(&mut *cx.provided.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// A project, from its files or only from its name.
#[derive(Debug, Clone)]
pub enum Scope {
    /// The files say everything.
    Loaded(Arc<Loaded>),
    /// Only the name is known; the labels of its containers have to do.
    Named(String),
}

impl Scope {
    /// The project's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Loaded(loaded) => loaded.project.name.as_str(),
            Self::Named(name) => name,
        }
    }

    /// The project as the files say it, when they were read.
    pub fn project(&self) -> Option<&Project> {
        match self {
            Self::Loaded(loaded) => Some(&loaded.project),
            Self::Named(_) => None,
        }
    }
}
