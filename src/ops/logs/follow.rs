//! The containers of a project followed by the engine's events, until nothing is left to follow.

use super::lines::Position;
use super::read::{Followed, spawn};
use crate::engine::{ContainerEvent, Engine, EngineError, EventStream};
use crate::event::LogLine;
use crate::model::ServiceName;
use crate::observe::{self, Container, ContainerId, ContainerStatus};
use crate::ops::{OpsError, Session, list};
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How a project is followed.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent wish")]
pub struct Follow {
    /// The project.
    pub project: String,
    /// Only these services.
    pub services: Option<BTreeSet<ServiceName>>,
    /// Ends it.
    pub until: CancellationToken,
    /// Lines begin with the engine's time.
    pub timestamps: bool,
    /// Only the last so many lines.
    pub tail: Option<u64>,
    /// Only from this time on.
    pub since_nanos: Option<i64>,
    /// Only before this time.
    pub until_time: Option<i64>,
    /// Only this replica; 0 for all.
    pub index: u32,
    /// Go on with what is written later.
    pub keep_following: bool,
    /// Show what was written before now.
    pub history: bool,
    /// Say when a container exits.
    pub tell_exits: bool,
    /// Standard error stays apart from standard output.
    pub split_streams: bool,
    /// Everything that will be started was: from now on it ends when nothing runs any more.
    pub started: Arc<AtomicBool>,
    /// While this is set it goes on all the same: what runs is replaced, or somebody starts it again.
    pub stays: Arc<AtomicBool>,
    /// Cancelled as soon as what starts from now on is noticed, and what ran before is known to have run before.
    pub listening: CancellationToken,
}

impl Follow {
    /// The way an attached `up` follows: from now on, with the exits told.
    pub fn attached() -> Self {
        Self { keep_following: true, tell_exits: true, split_streams: true, ..Self::default() }
    }

    /// From now on following ends when nothing runs any more.
    pub fn everything_started(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    fn may_end(&self) -> bool {
        self.started.load(Ordering::Relaxed) && !self.stays.load(Ordering::Relaxed)
    }

    fn wants_of(&self, container: &Container) -> bool {
        let identity = &container.identity;
        !identity.oneoff
            && identity.config_hash.is_some()
            && self.wants(identity.service.as_str(), identity.number)
    }

    fn wants(&self, service: &str, number: Option<u32>) -> bool {
        let chosen = self.services.as_ref().is_none_or(|services| services.contains(service));
        chosen && (self.index == 0 || number == Some(self.index))
    }
}

/// How often the engine is asked whether an event is on its way still, before it is taken for lost; a fifth of a second lies between.
const LOOKS: u32 = 25;

/// Follows until it is told to end, or nothing is left to follow.
///
/// # Errors
/// The engine's, when it cannot be listened to at all.
pub(in crate::ops) async fn follow(
    session: &Session,
    engine: &Engine,
    follow: &Follow,
) -> Result<(), OpsError> {
    // Listening comes before looking, so that no start in between is missed.
    let mut events = if follow.keep_following {
        Some(engine.container_events(Some(&follow.project)).await?)
    } else {
        None
    };
    let mut readers: JoinSet<(Followed, Position)> = JoinSet::new();
    let mut reading: BTreeSet<ContainerId> = BTreeSet::new();
    let mut positions: BTreeMap<ContainerId, Position> = BTreeMap::new();
    let observed = observe::observe(engine, &list::containers_only(&follow.project)).await?;
    let mut alive: BTreeSet<ContainerId> = BTreeSet::new();
    for container in &observed.containers {
        if !follow.wants_of(container) {
            continue;
        }
        if container.status.is_alive() {
            alive.insert(container.id.clone());
        }
        let followed = Followed::of(container, &follow.project);
        // An attached `up` leaves out what was said before it: containers that ran already begin with now.
        if follow.history {
            reading.insert(container.id.clone());
            spawn(&mut readers, session, engine, follow, followed, follow.since_nanos, follow.tail);
        } else if container.status.is_alive() {
            reading.insert(container.id.clone());
            spawn(&mut readers, session, engine, follow, followed, None, Some(0));
        }
    }
    follow.listening.cancel();
    let known: BTreeSet<ContainerId> = observed.containers.iter().map(|one| one.id.clone()).collect();
    let mut looks = 0;
    loop {
        if readers.is_empty() && !follow.keep_following {
            return Ok(());
        }
        if readers.is_empty() && alive.is_empty() && follow.may_end() {
            let seen = |id: &ContainerId| known.contains(id) || positions.contains_key(id);
            // What has started, and whose event is on its way still, would be left without its lines.
            if looks == LOOKS || all_noticed(engine, follow, seen).await {
                return Ok(());
            }
            looks += 1;
        } else {
            looks = 0;
        }
        // All branches are cancel-safe. The short sleep only lets `started` be seen when nothing else happens.
        tokio::select! {
            () = follow.until.cancelled() => {
                readers.shutdown().await;
                return Ok(());
            }
            Some(ended) = readers.join_next(), if !readers.is_empty() => {
                if let Ok((followed, position)) = ended {
                    reading.remove(&followed.id);
                    positions.insert(followed.id, position);
                }
            }
            event = next(&mut events), if events.is_some() => {
                let Some(Ok(event)) = event else {
                    // The engine cut us off; it may be restarting. What was read last is known, so nothing repeats.
                    events = reconnect(engine, &follow.project).await;
                    if events.is_none() {
                        return Ok(());
                    }
                    continue;
                };
                let Some(followed) = Followed::of_event(&event, &follow.project) else { continue };
                if !follow.wants(&followed.service, followed.number) {
                    continue;
                }
                match event.action.as_str() {
                    "start" => {
                        alive.insert(followed.id.clone());
                        if reading.insert(followed.id.clone()) {
                            let since = positions.get(&followed.id).copied().flatten().or_else(|| Some(event.time_nano - 1_000_000_000));
                            let since = if positions.contains_key(&followed.id) || follow.history { since } else { None };
                            spawn(&mut readers, session, engine, follow, followed, since, None);
                        }
                    }
                    "die" => {
                        alive.remove(&followed.id);
                        if follow.tell_exits {
                            let code = event.attributes.get("exitCode").map_or("?", String::as_str);
                            // The reader may still have the container's last lines to give.
                            drain(&mut readers, &mut reading, &mut positions, &followed.id).await;
                            let text = format!("{} exited with code {code}", followed.label);
                            let line = LogLine { source: String::new(), stderr: false, text };
                            drop(session.lines.send(line).await);
                        }
                    }
                    "destroy" => {
                        alive.remove(&followed.id);
                        positions.remove(&followed.id);
                    }
                    _ => {}
                }
            }
            () = tokio::time::sleep(std::time::Duration::from_millis(200)), if follow.keep_following && alive.is_empty() => {}
        }
    }
}

/// Whether nothing runs, and whatever has run was noticed. An engine that does not answer has nothing to add.
async fn all_noticed(engine: &Engine, follow: &Follow, seen: impl Fn(&ContainerId) -> bool) -> bool {
    let Ok(observed) = observe::observe(engine, &list::containers_only(&follow.project)).await else {
        return true;
    };
    observed
        .containers
        .iter()
        .filter(|one| follow.wants_of(one))
        .all(|one| !one.status.is_alive() && (seen(&one.id) || one.status == ContainerStatus::Created))
}

/// Waits until the reader of a container that has died is through, but not for ever.
async fn drain(
    readers: &mut JoinSet<(Followed, Position)>,
    reading: &mut BTreeSet<ContainerId>,
    positions: &mut BTreeMap<ContainerId, Position>,
    id: &ContainerId,
) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(2);
    while reading.contains(id) {
        match tokio::time::timeout_at(deadline, readers.join_next()).await {
            Ok(Some(Ok((followed, position)))) => {
                reading.remove(&followed.id);
                positions.insert(followed.id, position);
            }
            Ok(_) | Err(_) => return,
        }
    }
}

async fn next(events: &mut Option<EventStream>) -> Option<Result<ContainerEvent, EngineError>> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

/// Listens again once the engine is back; `None` when it stays away.
pub(in crate::ops) async fn reconnect(engine: &Engine, project: &str) -> Option<EventStream> {
    for _ in 0..40 {
        if let Ok(events) = engine.container_events(Some(project)).await {
            return Some(events);
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    None
}
