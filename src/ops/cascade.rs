//! What a container's exit does to an attached `up` that is told to end with it.
//!
//! An exit is one for good: a container that its restart policy starts again has not exited, and one-offs count for
//! nothing. As in the reference, the first exit decides, a job that was only a dependency's included.

use super::{OpsError, list, logs};
use crate::engine::{ContainerEvent, Engine, EngineErrorKind};
use crate::model::{DependencyCondition, Project, ServiceName, label};
use crate::observe::{ContainerId, ContainerStatus, live_state, observe};
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// What an attached `up` ends on, beside the user's wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cascade {
    /// Whose exit ends it.
    pub on: AbortOn,
    /// The service whose first exit code is the command's; `None`: that of the container that ended it.
    pub code_from: Option<ServiceName>,
}

/// Whose exit ends an attached `up`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortOn {
    /// Any container's.
    Exit,
    /// That of one that failed.
    Failure,
}

/// The exits of a project's containers, as they come.
#[derive(Debug)]
pub(super) struct Exits<'a> {
    cascade: &'a Cascade,
    services: BTreeSet<ServiceName>,
    /// The jobs that others wait for: the start fails by itself when one of them does, and says why.
    awaited: BTreeSet<ServiceName>,
    /// Cancelled as soon as every exit is noticed.
    listening: CancellationToken,
    /// Cancelled by the exit that ends the run.
    over: CancellationToken,
    /// What had exited before this run, with the time of its start: its codes are those of another run.
    before: Mutex<BTreeMap<ContainerId, String>>,
    seen: Mutex<Seen>,
}

/// A container that has exited.
#[derive(Debug)]
struct Exit {
    id: ContainerId,
    service: ServiceName,
    started_at: String,
    code: i64,
}

#[derive(Debug, Default)]
struct Seen {
    /// The code of the exit that ended the run.
    decisive: Option<i64>,
    /// The first exit code of each service.
    codes: BTreeMap<ServiceName, i64>,
}

impl<'a> Exits<'a> {
    pub fn new(cascade: &'a Cascade, project: &Project) -> Self {
        let dependencies = project.services.values().flat_map(|service| &service.depends_on);
        let awaited = dependencies
            .filter(|(_, dependency)| {
                dependency.condition == DependencyCondition::ServiceCompletedSuccessfully
            })
            .map(|(service, _)| service.clone());
        Self {
            cascade,
            services: project.services.keys().cloned().collect(),
            awaited: awaited.collect(),
            listening: CancellationToken::new(),
            over: CancellationToken::new(),
            before: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Returns once every exit from now on is noticed.
    pub async fn listening(&self) {
        self.listening.cancelled().await;
    }

    /// Returns with the exit that ends the run.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Whether the exit that ends the run has come.
    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Listens until it is dropped.
    ///
    /// # Errors
    /// The engine cannot be listened to.
    pub async fn listen(&self, engine: &Engine, project: &str) -> Result<(), OpsError> {
        let mut events = engine.container_events(Some(project)).await?;
        let before = self.over_now(engine, project).await?;
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) =
            before.into_iter().map(|exit| (exit.id, exit.started_at)).collect();
        self.listening.cancel();
        loop {
            while let Some(Ok(event)) = events.next().await {
                if event.action == "die" {
                    self.died(engine, &event).await;
                }
            }
            // The engine cut us off; it may be restarting. When it does not come back, the logs end, and so does the run.
            let Some(again) = logs::reconnect(engine, project).await else {
                return std::future::pending().await;
            };
            events = again;
            self.catch_up(engine, project).await?;
        }
    }

    async fn died(&self, engine: &Engine, event: &ContainerEvent) {
        let attribute = |key: &str| event.attributes.get(key).map(String::as_str);
        let service = attribute(label::SERVICE).and_then(|service| self.services.get(service));
        let Some(service) = service.filter(|_| attribute(label::ONEOFF) != Some("True")) else { return };
        let id = ContainerId(event.id.clone());
        match live_state(engine, &id, attribute("name").unwrap_or_default()).await {
            Ok(state) if state.status == ContainerStatus::Restarting || state.status.is_alive() => return,
            Ok(_) => {}
            // It was removed at once.
            Err(error) if error.kind == EngineErrorKind::NotFound => {}
            Err(_) => return,
        }
        if let Some(code) = attribute("exitCode").and_then(|code| code.parse().ok()) {
            self.note(service, code);
        }
    }

    fn note(&self, service: &ServiceName, code: i64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.codes.entry(service.clone()).or_insert(code);
        if seen.decisive.is_none() && (self.cascade.on == AbortOn::Exit || code != 0) {
            seen.decisive = Some(code);
            if code == 0 || !self.awaited.contains(service) {
                self.over.cancel();
            }
        }
    }

    /// Notes the exits of this run that nothing was heard of.
    async fn catch_up(&self, engine: &Engine, project: &str) -> Result<(), OpsError> {
        for Exit { id, service, started_at, code } in self.over_now(engine, project).await? {
            let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
            if before.as_ref() != Some(&started_at) {
                self.note(&service, code);
            }
        }
        Ok(())
    }

    /// The containers that have exited.
    async fn over_now(&self, engine: &Engine, project: &str) -> Result<Vec<Exit>, OpsError> {
        let mut exits = Vec::new();
        for container in observe(engine, &list::containers_only(project)).await?.containers {
            let identity = container.identity;
            let is_over = matches!(container.status, ContainerStatus::Exited | ContainerStatus::Dead);
            if identity.oneoff || !is_over || !self.services.contains(&identity.service) {
                continue;
            }
            if let Ok(state) = live_state(engine, &container.id, &container.name).await {
                let (service, started_at) = (identity.service, state.started_at);
                exits.push(Exit { id: container.id, service, started_at, code: state.exit_code });
            }
        }
        Ok(exits)
    }

    /// How the run ends, once nothing runs any more. What was not heard of yet is looked up.
    ///
    /// # Errors
    /// The exit, unless its code is 0; or the service that was to give the code has not run. Differs: the reference ends
    /// with 0 then, which says that a test that never began went well.
    pub async fn end(&self, engine: &Engine, project: &str) -> Result<(), OpsError> {
        self.catch_up(engine, project).await?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let code = match &self.cascade.code_from {
            Some(service) => seen.codes.get(service).copied().ok_or_else(|| OpsError::Other {
                message: format!("`{service}` has not run, so there is no exit code to end with"),
                hints: vec!["another container exited first, and that ended everything".to_owned()],
            })?,
            None => seen.decisive.unwrap_or(0),
        };
        if code == 0 { Ok(()) } else { Err(OpsError::Exited(code)) }
    }
}
