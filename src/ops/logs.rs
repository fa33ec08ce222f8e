//! Logs of a project: each line once, in order per container, also across restarts and replacements.
//!
//! A follower asks for timestamps always: they tell where to go on after a restart or a cut connection. They are taken off
//! again unless the user wants them.

use super::{OpsError, Scope, Session, list};
use crate::engine::{ContainerEvent, Engine, EngineError, EngineErrorKind, EventStream, LogRequest};
use crate::event::LogLine;
use crate::model::ServiceName;
use crate::observe::{self, Container, ContainerId, ContainerStatus};
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Which logs, and how far.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Only these services; empty: all but the ones with `attach: false`.
    pub services: Vec<String>,
    /// Go on with what is written later.
    pub follow: bool,
    /// Lines begin with the engine's time.
    pub timestamps: bool,
    /// Only the last so many lines of each container.
    pub tail: Option<u64>,
    /// Only from this time on, nanoseconds since 1970.
    pub since_nanos: Option<i64>,
    /// Only before this time, seconds since 1970.
    pub until: Option<i64>,
    /// Only this replica; 0 for all.
    pub index: u32,
}

/// Shows logs.
///
/// # Errors
/// The engine's, or an unknown service.
pub async fn run(session: &Session, scope: &Scope, request: &Request) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let services: BTreeSet<ServiceName> = request.services.iter().map(ServiceName::new).collect();
    super::lifecycle::known_services(scope, &services)?;
    let shown = match scope.project() {
        _ if !services.is_empty() => Some(services),
        Some(project) => Some(
            project
                .services
                .values()
                .filter(|service| service.attach != Some(false))
                .map(|service| service.name.clone())
                .collect(),
        ),
        None => None,
    };
    let follow = Follow {
        project: scope.name().to_owned(),
        services: shown,
        until: session.interrupts.first(),
        timestamps: request.timestamps,
        tail: request.tail,
        since_nanos: request.since_nanos,
        until_time: request.until,
        index: request.index,
        keep_following: request.follow,
        history: true,
        ..Follow::default()
    };
    follow.everything_started();
    self::follow(session, &engine, &follow).await?;
    if session.interrupts.interrupted() { Err(OpsError::Interrupted) } else { Ok(()) }
}

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

/// Where reading a container's log has got to.
type Position = Option<i64>;

/// Follows until it is told to end, or nothing is left to follow.
///
/// # Errors
/// The engine's, when it cannot be listened to at all.
pub(super) async fn follow(session: &Session, engine: &Engine, follow: &Follow) -> Result<(), OpsError> {
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
pub(super) async fn reconnect(engine: &Engine, project: &str) -> Option<EventStream> {
    for _ in 0..40 {
        if let Ok(events) = engine.container_events(Some(project)).await {
            return Some(events);
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    None
}

/// A container whose log is read, and how it is called.
#[derive(Debug, Clone)]
struct Followed {
    id: ContainerId,
    service: String,
    number: Option<u32>,
    label: String,
}

impl Followed {
    fn of(container: &Container, project: &str) -> Self {
        Self {
            id: container.id.clone(),
            service: container.identity.service.to_string(),
            number: container.identity.number,
            label: short_name(
                &container.name,
                project,
                container.identity.service.as_str(),
                container.identity.number,
            ),
        }
    }

    fn of_event(event: &ContainerEvent, project: &str) -> Option<Self> {
        use crate::model::label;
        let attribute = |key: &str| event.attributes.get(key).cloned();
        if attribute(label::ONEOFF).as_deref() == Some("True") || attribute(label::CONFIG_HASH).is_none() {
            return None;
        }
        let service = attribute(label::SERVICE)?;
        let number = attribute(label::CONTAINER_NUMBER).and_then(|number| number.parse().ok());
        let label = short_name(&attribute("name").unwrap_or_default(), project, &service, number);
        Some(Self { id: ContainerId(event.id.clone()), service, number, label })
    }
}

/// The name without the project's; a container with a fixed name keeps it. One that is still called by its temporary
/// name is shown by the name it will have.
fn short_name(name: &str, project: &str, service: &str, number: Option<u32>) -> String {
    for separator in ["-", "_"] {
        if let Some(rest) = name.strip_prefix(&format!("{project}{separator}")) {
            return rest.to_owned();
        }
        if let Some(number) = number
            && name.ends_with(&format!("_{project}{separator}{service}{separator}{number}"))
        {
            return format!("{service}{separator}{number}");
        }
    }
    name.to_owned()
}

fn spawn(
    readers: &mut JoinSet<(Followed, Position)>,
    session: &Session,
    engine: &Engine,
    follow: &Follow,
    followed: Followed,
    since_nanos: Option<i64>,
    tail: Option<u64>,
) {
    let request = LogRequest {
        follow: follow.keep_following,
        timestamps: true,
        tail,
        since_nanos,
        until: follow.until_time,
    };
    let (engine, lines) = (engine.clone(), session.lines.clone());
    let shape = Shape { timestamps: follow.timestamps, split_streams: follow.split_streams };
    readers.spawn(async move {
        let position = read(&engine, &followed, &request, shape, &lines).await;
        (followed, position)
    });
}

/// How lines are given out.
#[derive(Debug, Clone, Copy)]
struct Shape {
    timestamps: bool,
    split_streams: bool,
}

/// Reads one container's log to its end; the result is the time of the last line.
async fn read(
    engine: &Engine,
    followed: &Followed,
    request: &LogRequest,
    shape: Shape,
    lines: &mpsc::Sender<LogLine>,
) -> Position {
    let mut last = request.since_nanos;
    let after = request.since_nanos;
    let mut stream = engine.logs(&followed.id.0, request);
    let mut splitter = Splitter::default();
    while let Some(chunk) = stream.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                if error.kind != EngineErrorKind::NotFound && error.kind != EngineErrorKind::Unreachable {
                    let text = format!("{}: {error}", followed.label);
                    let line = LogLine { source: String::new(), stderr: true, text };
                    drop(lines.send(line).await);
                }
                break;
            }
        };
        for (time, text) in splitter.take(&chunk.bytes, chunk.stderr) {
            // The engine counts `since` in seconds: lines of the same second may come again.
            if let (Some(time), Some(after)) = (time, after)
                && time <= after
            {
                continue;
            }
            last = time.or(last);
            let text = match (shape.timestamps, time) {
                (true, Some(time)) => format!("{} {text}", rfc3339(time)),
                _ => text,
            };
            let stderr = chunk.stderr && shape.split_streams;
            let line = LogLine { source: followed.label.clone(), stderr, text };
            if lines.send(line).await.is_err() {
                return last;
            }
        }
    }
    for (stderr, (time, text)) in splitter.rest() {
        last = time.or(last);
        let stderr = stderr && shape.split_streams;
        drop(lines.send(LogLine { source: followed.label.clone(), stderr, text }).await);
    }
    last
}

/// Puts lines together from the pieces the engine sends. Each piece begins with its time and a blank; a line that is
/// longer than the engine's buffer comes in several.
#[derive(Debug, Default)]
struct Splitter {
    out: Part,
    err: Part,
}

#[derive(Debug, Default)]
struct Part {
    time: Position,
    text: Vec<u8>,
}

impl Splitter {
    fn take(&mut self, bytes: &[u8], stderr: bool) -> Vec<(Position, String)> {
        let part = if stderr { &mut self.err } else { &mut self.out };
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (time, rest) = stamp(piece);
            if part.text.is_empty() {
                part.time = time;
            }
            part.text.extend_from_slice(rest);
            if part.text.last() == Some(&b'\n') {
                lines.push(part.finish());
            }
        }
        lines
    }

    fn rest(self) -> Vec<(bool, (Position, String))> {
        [(false, self.out), (true, self.err)]
            .into_iter()
            .filter(|(_, part)| !part.text.is_empty())
            .map(|(stderr, mut part)| (stderr, part.finish()))
            .collect()
    }
}

impl Part {
    fn finish(&mut self) -> (Position, String) {
        let text = std::mem::take(&mut self.text);
        let text = String::from_utf8_lossy(&text);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        (self.time.take(), text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}

/// Takes the time off a piece.
fn stamp(piece: &[u8]) -> (Position, &[u8]) {
    let Some(blank) = piece.iter().position(|byte| *byte == b' ') else { return (None, piece) };
    let (head, rest) = piece.split_at(blank);
    let time = std::str::from_utf8(head).ok().and_then(|head| head.parse::<jiff::Timestamp>().ok());
    match time.and_then(|time| i64::try_from(time.as_nanosecond()).ok()) {
        Some(nanos) => (Some(nanos), rest.get(1..).unwrap_or_default()),
        None => (None, piece),
    }
}

fn rfc3339(nanos: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces_and_keep_their_first_time() {
        let mut splitter = Splitter::default();
        assert!(splitter.take(b"2026-01-01T00:00:00.000000001Z half", false).is_empty());
        let lines = splitter.take(b"2026-01-01T00:00:00.000000002Z  line\n", false);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].1, "half line");
        assert_eq!(lines[0].0.map(|nanos| nanos % 1000), Some(1));
    }

    #[test]
    fn the_last_line_needs_no_end() {
        let mut splitter = Splitter::default();
        assert!(splitter.take(b"2026-01-01T00:00:00Z bye", true).is_empty());
        let rest = splitter.rest();
        assert_eq!(rest.len(), 1);
        assert_eq!((rest[0].0, rest[0].1.1.as_str()), (true, "bye"));
    }

    #[test]
    fn names_lose_the_project_and_fixed_names_stay() {
        assert_eq!(short_name("shop-web-1", "shop", "web", Some(1)), "web-1");
        assert_eq!(short_name("my-db", "shop", "db", Some(1)), "my-db");
        assert_eq!(short_name("0123456789ab_shop-web-1", "shop", "web", Some(1)), "web-1");
    }
}
