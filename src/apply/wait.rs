//! Conditions, driven by the engine's events: no polling.
//!
//! A wait subscribes first and looks second, so that nothing that happens in between is lost; then it looks again
//! whenever the engine says that something happened to one of its containers.

use super::diagnose::{self, Culprit};
use super::judge::{self, Verdict, judge};
use super::probe::{self, Probes, Probing};
use super::{Cx, StepError};
use crate::engine::EngineErrorKind;
use crate::event::{EventKind, Subject};
use crate::model::{DependencyCondition, ServiceName};
use crate::observe::{ContainerId, ContainerStatus, Health, LiveState};
use crate::plan::Until;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One subscription to the engine's events for all waits of a run.
pub(super) struct Hub {
    sender: Option<broadcast::Sender<String>>,
    probes: Probes,
    task: JoinSet<()>,
}

/// What a wait hears of.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Ids of containers to which something happened.
    events: Option<broadcast::Receiver<String>>,
    /// Early probes of all waits.
    probes: Probes,
}

impl Hub {
    /// Starts listening, when anything in the plan waits.
    pub(super) async fn start(cx: &Cx, wanted: bool) -> Self {
        let mut task = JoinSet::new();
        if !wanted {
            return Self { sender: None, probes: Probes::default(), task };
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
                        // Every probe is three of these, and none changes a container's state.
                        if !event.action.starts_with("exec_") {
                            drop(listener.send(event.id));
                        }
                    }
                }
                // The stream ended: the engine restarts, or cut us off. An empty id makes every wait look again.
                tokio::time::sleep(Duration::from_millis(250)).await;
                drop(listener.send(String::new()));
            }
        });
        // Without this a container could become healthy between the first look and the subscription.
        drop(tokio::time::timeout(Duration::from_secs(10), ready).await);
        Self { sender: Some(sender), probes: Probes::default(), task }
    }

    pub(super) fn subscribe(&self) -> Subscription {
        let events = self.sender.as_ref().map(broadcast::Sender::subscribe);
        Subscription { events, probes: self.probes.clone() }
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
    /// The limit that the user named, for the whole wait.
    pub(super) timeout: Option<Duration>,
    /// How long a container without a probe must run before a wait for its goal believes that it does.
    pub(super) stable: Duration,
}

/// When a wait that goes on is told of for the first time; then after twice as long, and so on up to a minute.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// How long that is when nobody says otherwise.
pub(super) const SETTLING: Duration = Duration::from_secs(1);

/// How long an engine that has stopped answering is given to come back.
const ENGINE_GONE: u32 = 3;

/// Waits until the condition holds for all containers (for a completion: for the first that exits).
pub(super) async fn until(
    cx: &Cx,
    wait: &Wait<'_>,
    subscription: Subscription,
    cancel: &CancellationToken,
) -> Result<(), StepError> {
    let began = Instant::now();
    let Subscription { events, probes } = subscription;
    let mut open: FuturesUnordered<_> = wait
        .containers
        .iter()
        .map(|(name, id)| {
            let events = events.as_ref().map(broadcast::Receiver::resubscribe);
            One { cx, wait, name, id, began, probing: probes.of(id) }.ready(events)
        })
        .collect();
    let first_decides = wait.until == Until::Condition(DependencyCondition::ServiceCompletedSuccessfully);
    loop {
        // Both branches are cancel-safe: a future of the set that is not done stays in it.
        tokio::select! {
            done = open.next() => match done {
                Some(Ok(())) if !first_decides => {}
                Some(decided) => return decided,
                None => return Ok(()),
            },
            () = cancel.cancelled() => {
                let mut error = StepError::new(format!("stopped waiting for `{}`", wait.service));
                error.cancelled = true;
                return Err(error);
            }
        }
    }
}

/// A verdict that was there before the wait began: the container may have got well meanwhile, and no event would say so
/// until the engine's next probe. That one, or an early one, decides.
///
/// Differs: the reference takes `unhealthy` as it finds it, and fails a run because of what a probe said before it.
struct Stale {
    /// The last probe of before.
    probe: Option<String>,
    /// When the engine's next probe must have ended.
    until: Option<Instant>,
}

impl Stale {
    fn of(state: &LiveState) -> Self {
        let check = state.healthcheck.as_ref().filter(|_| state.health == Some(Health::Unhealthy));
        Self {
            probe: state.probes.last().map(|probe| probe.began.clone()),
            until: check.map(|check| Instant::now() + check.interval + check.timeout),
        }
    }

    /// Whether nothing newer is known yet, and something may come.
    fn is_all_there_is(&self, state: &LiveState, early: &probe::Seen) -> bool {
        let newest = state.probes.last().map(|probe| &probe.began);
        self.until.is_some()
            && state.status == ContainerStatus::Running
            && state.health == Some(Health::Unhealthy)
            && newest == self.probe.as_ref()
            && early.runs == 0
    }
}

/// The wait for one container.
struct One<'a> {
    cx: &'a Cx,
    wait: &'a Wait<'a>,
    name: &'a str,
    id: &'a ContainerId,
    began: Instant,
    probing: std::sync::Arc<Probing>,
}

impl One<'_> {
    async fn ready(self, mut events: Option<broadcast::Receiver<String>>) -> Result<(), StepError> {
        let Self { cx, wait, name, id, began, probing } = &self;
        let mut life = (String::new(), *began);
        let mut told = FIRST_WORD;
        let mut early = None;
        let mut stale: Option<Stale> = None;
        loop {
            let state = self.look().await?;
            if stale.is_none() && self.has_moved_on(&state) {
                let why = format!("container `{name}` has stopped since it was looked at");
                return Err(StepError { refusal: Some(EngineErrorKind::Conflict), ..StepError::new(why) });
            }
            let stale = stale.get_or_insert_with(|| Stale::of(&state));
            let settled = self.settled(&state);
            match judge(&state, wait.until) {
                Verdict::Reached if settled.is_some() => {}
                Verdict::Reached => return Ok(()),
                Verdict::Never(_) if stale.is_all_there_is(&state, &probing.seen()) => {}
                Verdict::Never(why) => return Err(self.failure(&state, &why, None).await),
                Verdict::NotYet => {}
            }
            if life.0 != state.started_at {
                life = (state.started_at.clone(), if life.0.is_empty() { *began } else { Instant::now() });
            }
            let (deadline, allowed) = self.deadline(&state, life.1);
            if early.is_none() && cx.eager_health && judge::waits_for_probe(&state, wait.until) {
                let check = state.healthcheck.clone().unwrap_or_default();
                // It lives through many looks: a probe that was begun is not let go.
                early = Some(Box::pin(async move {
                    probe::until_success(cx, name, id, &check, probing).await;
                }));
            }
            // What early probes say needs no look at the container, and a word about it none either.
            let mut looks = false;
            while !looks {
                looks = true;
                // Every branch is cancel-safe: a receiver keeps what was not taken, and the early probes are only borrowed.
                tokio::select! {
                    () = something_happened(&mut events, id) => {}
                    () = probing.next(), if stale.until.is_some() => {}
                    () = sleep_until(stale.until) => stale.until = None,
                    () = sleep_until(settled) => {}
                    () = passed(&mut early) => return Ok(()),
                    () = sleep_until(deadline) => {
                        let state = self.look().await?;
                        let allowed = allowed.unwrap_or_default();
                        let why = format!("was not ready within {} s", allowed.as_secs());
                        return Err(self.failure(&state, &why, Some(allowed)).await);
                    }
                    () = tokio::time::sleep_until(*began + told) => {
                        told += told.min(Duration::from_mins(1));
                        let text = self.words(&state);
                        cx.events.send(Subject::Container((*name).to_owned()), EventKind::Waiting { text });
                        looks = early.is_none();
                    }
                }
            }
        }
    }

    /// Asks for the container's state; an engine that restarts meanwhile is given time to come back.
    async fn look(&self) -> Result<LiveState, StepError> {
        let began = Instant::now();
        loop {
            match crate::observe::live_state(&self.cx.engine, self.id, self.name).await {
                Err(error)
                    if error.is_transient() && began.elapsed() < self.cx.engine.deadline() * ENGINE_GONE =>
                {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                looked => return looked.map_err(StepError::from),
            }
        }
    }

    /// Whether the plan was made when the container ran, and it has ended before anything waited for it: then it is the
    /// view that is to blame, and a new look starts it.
    fn has_moved_on(&self, state: &LiveState) -> bool {
        let completion = Until::Condition(DependencyCondition::ServiceCompletedSuccessfully);
        let seen = self.cx.observed.containers.iter().find(|seen| seen.id == *self.id);
        self.wait.until != completion
            && state.status == ContainerStatus::Exited
            && !state.will_restart
            && seen.is_some_and(|seen| seen.status.is_alive())
    }

    /// When a container that runs, and has no probe to say more, will have run long enough to be believed.
    ///
    /// Differs: the reference takes the first look that finds it running, and so misses the end of one that fails at once.
    fn settled(&self, state: &LiveState) -> Option<Instant> {
        let believed = self.wait.until != Until::Goal
            || state.healthcheck.is_some()
            || state.status != ContainerStatus::Running;
        if believed {
            return None;
        }
        // A clock that is not ours may say anything: then it is believed at once.
        let started: jiff::Timestamp = state.started_at.parse().ok()?;
        let age = Duration::try_from(started.until(jiff::Timestamp::now()).ok()?).ok()?;
        self.wait.stable.checked_sub(age).filter(|left| !left.is_zero()).map(|left| Instant::now() + left)
    }

    /// When to give up, and how long that is in all. A limit that the user named counts alone.
    fn deadline(&self, state: &LiveState, life: Instant) -> (Option<Instant>, Option<Duration>) {
        let allowance = judge::allowance(state, self.wait.until);
        if let Some(timeout) = self.wait.timeout {
            return (Some(self.began + timeout), Some(timeout));
        }
        let of_life = allowance.life.map(|allowed| life + allowed);
        let in_all = allowance.total.map(|allowed| self.began + allowed);
        let deadline = of_life.into_iter().chain(in_all).min();
        (deadline, deadline.map(|deadline| deadline - self.began))
    }

    /// What is known about a container that is not ready, in a few words.
    fn words(&self, state: &LiveState) -> String {
        let seen = self.probing.seen();
        let health = match state.healthcheck {
            Some(_) if judge::waits_for_probe(state, self.wait.until) && state.status.is_alive() => {
                "starting"
            }
            Some(_) | None => state.status.as_str(),
        };
        let of_engine = state.probes.last().map(|probe| (probe.exit_code, probe.output.as_str()));
        let early = seen.last.as_ref().map(|(run, _)| (run.exit_code, run.output.as_str()));
        match early.or(of_engine) {
            Some((code, output)) => {
                let count = seen.runs.max(u32::try_from(state.probes.len()).unwrap_or(u32::MAX));
                let line = output.trim().lines().last().unwrap_or_default();
                let line: String = line.chars().take(120).collect();
                format!("{health}, probe {count} failed: exit {code}: {line}")
            }
            None => health.to_owned(),
        }
    }

    async fn failure(&self, state: &LiveState, why: &str, allowed: Option<Duration>) -> StepError {
        let Self { cx, wait, name, id, began, probing } = self;
        let message = if wait.until == Until::Condition(DependencyCondition::ServiceCompletedSuccessfully) {
            format!("service \"{}\" {why}", wait.service)
        } else if wait.until == Until::Goal {
            format!("container {name} {why}")
        } else {
            format!("dependency failed to start: container {name} {why}")
        };
        let culprit = Culprit { service: wait.service, name, id, state, early: probing.seen() };
        let diagnosis = diagnose::container(cx, culprit, why, began.elapsed(), allowed).await;
        StepError { diagnosis: Some(Box::new(diagnosis)), ..StepError::new(message) }
    }
}

async fn passed<F: Future<Output = ()> + Unpin>(early: &mut Option<F>) {
    match early {
        Some(early) => early.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn something_happened(events: &mut Option<broadcast::Receiver<String>>, watched: &ContainerId) {
    let Some(receiver) = events else {
        // A wait outside a hub cannot happen; a slow look is better than a wait without end.
        return tokio::time::sleep(Duration::from_millis(500)).await;
    };
    loop {
        match receiver.recv().await {
            Ok(id) if id.is_empty() || id == watched.0 => return,
            Ok(_) => {}
            // Too many events to keep: any of them may have been ours.
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => {
                return tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}
