//! Conditions, driven by the engine's events: no polling.
//!
//! A wait subscribes first and looks second, so that nothing that happens in between is lost; then it looks again
//! whenever the engine says that something happened to one of its containers.

use super::diagnose::{self, Diagnosis};
use super::{Cx, StepError};
use crate::model::{DependencyCondition, ServiceName};
use crate::observe::{ContainerId, ContainerStatus, Health, LiveState};
use crate::plan::Until;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One subscription to the engine's events for all waits of a run.
pub(super) struct Hub {
    sender: Option<broadcast::Sender<String>>,
    task: JoinSet<()>,
}

/// Ids of containers to which something happened.
pub(super) type Subscription = Option<broadcast::Receiver<String>>;

impl Hub {
    /// Starts listening, when anything in the plan waits.
    pub(super) async fn start(cx: &Cx, wanted: bool) -> Self {
        let mut task = JoinSet::new();
        if !wanted {
            return Self { sender: None, task };
        }
        let (sender, _) = broadcast::channel(1024);
        let listener = sender.clone();
        let engine = cx.engine.clone();
        let (connected, ready) = tokio::sync::oneshot::channel();
        task.spawn(async move {
            let mut connected = Some(connected);
            loop {
                let stream = engine.container_events(None).await;
                if let Some(signal) = connected.take() {
                    // Nobody waits for it any more when the run was cancelled meanwhile.
                    signal.send(()).unwrap_or_default();
                }
                if let Ok(mut events) = stream {
                    while let Some(Ok(event)) = events.next().await {
                        drop(listener.send(event.id));
                    }
                }
                // The stream ended: the engine restarts, or cut us off. An empty id makes every wait look again.
                tokio::time::sleep(Duration::from_millis(250)).await;
                drop(listener.send(String::new()));
            }
        });
        // Without this a container could become healthy between the first look and the subscription.
        drop(tokio::time::timeout(Duration::from_secs(10), ready).await);
        Self { sender: Some(sender), task }
    }

    pub(super) fn subscribe(&self) -> Subscription {
        self.sender.as_ref().map(broadcast::Sender::subscribe)
    }

    pub(super) async fn stop(&mut self) {
        self.task.shutdown().await;
    }
}

/// One wait.
pub(super) struct Wait<'a> {
    pub(super) service: &'a ServiceName,
    /// Name and id of each container waited for.
    pub(super) containers: Vec<(String, ContainerId)>,
    pub(super) until: Until,
    pub(super) timeout: Option<Duration>,
}

/// What one look at a container says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Reached,
    NotYet,
    /// It cannot come true any more, and why.
    Never(String),
}

/// Waits until the condition holds for all containers (for a completion: for the first that exits).
pub(super) async fn until(
    cx: &Cx,
    wait: &Wait<'_>,
    subscription: Subscription,
    cancel: &CancellationToken,
) -> Result<(), StepError> {
    let started = Instant::now();
    let deadline = wait.timeout.map(|timeout| started + timeout);
    let mut subscription = subscription;
    let mut open: Vec<(String, ContainerId)> = wait.containers.clone();
    loop {
        let mut still_open = Vec::new();
        for (name, id) in open {
            let state = match crate::observe::live_state(&cx.engine, &id).await {
                Ok(state) => state,
                Err(error) => return Err(error.into()),
            };
            match judge(&state, wait.until) {
                Verdict::Reached => {}
                Verdict::NotYet => still_open.push((name, id)),
                Verdict::Never(why) => return Err(failure(cx, wait, &name, &id, &state, &why, started).await),
            }
        }
        let any_is_enough = wait.until == Until::Condition(DependencyCondition::ServiceCompletedSuccessfully);
        if still_open.is_empty() || (any_is_enough && still_open.len() < wait.containers.len()) {
            return Ok(());
        }
        open = still_open;
        let watched: Vec<&str> = open.iter().map(|(_, id)| id.0.as_str()).collect();
        // Every branch is cancel-safe: a receiver keeps what was not taken.
        tokio::select! {
            () = something_happened(&mut subscription, &watched) => {}
            () = cancel.cancelled() => {
                let mut error = StepError::new(format!("stopped waiting for `{}`", wait.service));
                error.cancelled = true;
                return Err(error);
            }
            () = sleep_until(deadline) => {
                let Some((name, id)) = open.into_iter().next() else { return Ok(()) };
                let state = crate::observe::live_state(&cx.engine, &id).await.unwrap_or_default();
                let allowed = wait.timeout.unwrap_or_default().as_secs();
                let why = format!("was not ready within {allowed} s");
                return Err(failure(cx, wait, &name, &id, &state, &why, started).await);
            }
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn something_happened(subscription: &mut Subscription, watched: &[&str]) {
    let Some(receiver) = subscription else {
        // A wait outside a hub cannot happen; a slow look is better than a wait without end.
        return tokio::time::sleep(Duration::from_millis(500)).await;
    };
    loop {
        match receiver.recv().await {
            Ok(id) if id.is_empty() || watched.contains(&id.as_str()) => return,
            Ok(_) => {}
            // Too many events to keep: any of them may have been ours.
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => {
                return tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

fn judge(state: &LiveState, until: Until) -> Verdict {
    let exited = matches!(state.status, ContainerStatus::Exited | ContainerStatus::Dead);
    let comes_back = state.status == ContainerStatus::Restarting || state.will_restart;
    match until {
        Until::Condition(DependencyCondition::ServiceStarted) if state.status == ContainerStatus::Created => {
            Verdict::NotYet
        }
        Until::Condition(DependencyCondition::ServiceStarted) => Verdict::Reached,
        Until::Condition(DependencyCondition::ServiceHealthy) => healthy(state, exited, comes_back),
        Until::Condition(DependencyCondition::ServiceCompletedSuccessfully) => {
            match (exited, state.exit_code) {
                (true, 0) => Verdict::Reached,
                (true, code) if !comes_back => {
                    Verdict::Never(format!("didn't complete successfully: exit {code}"))
                }
                _ => Verdict::NotYet,
            }
        }
        Until::Goal if state.has_healthcheck && !exited => healthy(state, exited, comes_back),
        Until::Goal if state.status == ContainerStatus::Running || (exited && state.exit_code == 0) => {
            Verdict::Reached
        }
        Until::Goal if exited && !comes_back => Verdict::Never(format!("exited ({})", state.exit_code)),
        Until::Goal => Verdict::NotYet,
    }
}

fn healthy(state: &LiveState, exited: bool, comes_back: bool) -> Verdict {
    if !state.has_healthcheck {
        return Verdict::Never("has no healthcheck configured".to_owned());
    }
    match state.health {
        _ if exited && !comes_back => Verdict::Never(format!("exited ({})", state.exit_code)),
        Some(Health::Healthy) if state.status == ContainerStatus::Running => Verdict::Reached,
        Some(Health::Unhealthy) => Verdict::Never("is unhealthy".to_owned()),
        Some(Health::Healthy | Health::Starting) | None => Verdict::NotYet,
    }
}

async fn failure(
    cx: &Cx,
    wait: &Wait<'_>,
    name: &str,
    id: &ContainerId,
    state: &LiveState,
    why: &str,
    started: Instant,
) -> StepError {
    let message = if wait.until == Until::Condition(DependencyCondition::ServiceCompletedSuccessfully) {
        format!("service \"{}\" {why}", wait.service)
    } else if wait.until == Until::Goal {
        format!("container {name} {why}")
    } else {
        format!("dependency failed to start: container {name} {why}")
    };
    let diagnosis: Diagnosis =
        diagnose::container(cx, wait.service, name, id, state, why, started.elapsed()).await;
    StepError { diagnosis: Some(Box::new(diagnosis)), ..StepError::new(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: Until = Until::Condition(DependencyCondition::ServiceHealthy);
    const COMPLETED: Until = Until::Condition(DependencyCondition::ServiceCompletedSuccessfully);

    fn running(health: Option<Health>) -> LiveState {
        LiveState {
            status: ContainerStatus::Running,
            health,
            has_healthcheck: health.is_some(),
            ..LiveState::default()
        }
    }

    fn exited(exit_code: i64) -> LiveState {
        LiveState { status: ContainerStatus::Exited, exit_code, ..LiveState::default() }
    }

    #[test]
    fn healthy_is_reached_only_by_a_probe_that_succeeded() {
        assert_eq!(judge(&running(Some(Health::Healthy)), HEALTHY), Verdict::Reached);
        assert_eq!(judge(&running(Some(Health::Starting)), HEALTHY), Verdict::NotYet);
        assert!(matches!(judge(&running(Some(Health::Unhealthy)), HEALTHY), Verdict::Never(_)));
        assert!(matches!(judge(&running(None), HEALTHY), Verdict::Never(_)));
    }

    #[test]
    fn a_container_that_its_restart_policy_brings_back_may_still_become_healthy() {
        let state = LiveState {
            status: ContainerStatus::Restarting,
            health: Some(Health::Starting),
            has_healthcheck: true,
            ..exited(1)
        };
        assert_eq!(judge(&state, HEALTHY), Verdict::NotYet);
    }

    #[test]
    fn completion_needs_exit_code_0() {
        assert_eq!(judge(&exited(0), COMPLETED), Verdict::Reached);
        assert!(matches!(judge(&exited(3), COMPLETED), Verdict::Never(why) if why.contains("exit 3")));
        assert_eq!(judge(&running(None), COMPLETED), Verdict::NotYet);
    }

    #[test]
    fn the_goal_of_a_one_shot_is_exit_0_and_of_a_server_to_run() {
        assert_eq!(judge(&exited(0), Until::Goal), Verdict::Reached);
        assert_eq!(judge(&running(None), Until::Goal), Verdict::Reached);
        assert_eq!(judge(&running(Some(Health::Starting)), Until::Goal), Verdict::NotYet);
        assert!(matches!(judge(&exited(7), Until::Goal), Verdict::Never(_)));
    }
}
