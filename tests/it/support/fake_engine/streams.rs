//! Answers that go on: events, logs, waits, and connections that stop being HTTP.

use super::{Body, Shared};
use crate::support::world::{Line, World};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

/// What a stream that follows the world says next.
pub(super) enum Next {
    /// These bytes, then ask again.
    Say(Vec<Bytes>),
    /// Nothing until something changes.
    Wait,
    /// These bytes, then no more.
    End(Vec<Bytes>),
}

/// A body that asks `look` after every change of the world. `look` is asked once before this returns, so that nothing that
/// happens after the answer's head is missed.
fn follow(shared: &Arc<Shared>, look: impl FnMut(&mut World) -> Next + Send + 'static) -> Body {
    follow_late(shared, Duration::ZERO, look)
}

/// The same, each look so much after what there is to see.
fn follow_late(
    shared: &Arc<Shared>,
    lag: Duration,
    mut look: impl FnMut(&mut World) -> Next + Send + 'static,
) -> Body {
    let mut revision = shared.revision.subscribe();
    revision.mark_unchanged();
    let first = shared.with(&mut look);
    let state = Follow { shared: Arc::clone(shared), revision, look, ready: VecDeque::new(), ended: false };
    let state = state.take(first);
    let frames = stream::unfold(state, move |mut state| async move {
        loop {
            if let Some(bytes) = state.ready.pop_front() {
                return Some((Ok::<_, Infallible>(Frame::data(bytes)), state));
            }
            if state.ended || state.revision.changed().await.is_err() {
                return None;
            }
            tokio::time::sleep(lag).await;
            let shared = Arc::clone(&state.shared);
            let next = shared.with(|world| (state.look)(world));
            state = state.take(next);
        }
    });
    StreamBody::new(Box::pin(frames)).boxed_unsync()
}

struct Follow<F> {
    shared: Arc<Shared>,
    revision: watch::Receiver<u64>,
    look: F,
    ready: VecDeque<Bytes>,
    ended: bool,
}

impl<F> Follow<F> {
    fn take(mut self, next: Next) -> Self {
        match next {
            Next::Say(bytes) => self.ready.extend(bytes),
            Next::Wait => {}
            Next::End(bytes) => {
                self.ready.extend(bytes);
                self.ended = true;
            }
        }
        self
    }
}

/// `GET /events`: JSON lines from now on, or between two times.
pub(super) fn events(
    shared: &Arc<Shared>,
    filters: BTreeMap<String, Vec<String>>,
    since: Option<i64>,
    until: Option<i64>,
) -> Body {
    let mut told = if since.is_some() { 0 } else { shared.with(|world| world.events.len()) };
    let lag = Duration::from_millis(shared.lag_ms.load(Ordering::Relaxed));
    follow_late(shared, lag, move |world| {
        let fits = |event: &&serde_json::Value| {
            let time = event["time"].as_i64().unwrap_or(0);
            World::event_fits(event, &filters) && since.is_none_or(|since| time >= since)
        };
        let new = world.events.get(told..).unwrap_or_default().iter().filter(fits);
        let lines = new.map(|event| Bytes::from(format!("{event}\n"))).collect();
        told = world.events.len();
        if until.is_some() { Next::End(lines) } else { Next::Say(lines) }
    })
}

/// Which part of a log is wanted.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one parameter of the query")]
pub(super) struct LogWish {
    pub follow: bool,
    pub stdout: bool,
    pub stderr: bool,
    pub timestamps: bool,
    pub tail: Option<usize>,
    pub since: i64,
    pub tty: bool,
}

/// `GET /containers/{id}/logs`, and the output side of an attached container.
pub(super) fn logs(shared: &Arc<Shared>, id: String, wish: LogWish) -> Body {
    let mut told = None;
    follow(shared, move |world| {
        let Some(one) = world.container(&id) else { return Next::End(Vec::new()) };
        let wanted = |line: &&Line| {
            let stream = if line.stderr { wish.stderr } else { wish.stdout };
            stream && line.nanos / 1_000_000_000 >= wish.since
        };
        let first = told.unwrap_or_else(|| {
            let fitting = one.lines.iter().filter(wanted).count();
            wish.tail.map_or(0, |tail| fitting.saturating_sub(tail))
        });
        let new: Vec<&Line> = one.lines.iter().filter(wanted).collect();
        told = Some(new.len());
        let lines = new.into_iter().skip(first).map(|line| frame(line, &wish)).collect();
        if wish.follow && one.is_alive() { Next::Say(lines) } else { Next::End(lines) }
    })
}

fn frame(line: &Line, wish: &LogWish) -> Bytes {
    let time =
        if wish.timestamps { format!("{} ", crate::support::world::time(line.nanos)) } else { String::new() };
    let text = format!("{time}{}\n", line.text);
    if wish.tty { Bytes::from(text) } else { multiplexed(line.stderr, text.as_bytes()) }
}

/// A piece of output with the 8 bytes before it that say which stream and how long.
pub(super) fn multiplexed(stderr: bool, bytes: &[u8]) -> Bytes {
    let mut frame = vec![if stderr { 2 } else { 1 }, 0, 0, 0];
    frame.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(bytes);
    Bytes::from(frame)
}

/// `POST /containers/{id}/wait`: the head at once, the code when it has ended.
pub(super) fn wait(shared: &Arc<Shared>, id: String, condition: &str) -> Body {
    let (next_exit, removed) = (condition == "next-exit", condition == "removed");
    let mut died = shared.with(|world| world.events.len());
    let mut code = None;
    follow(shared, move |world| {
        let answer = |code: i64| Next::End(vec![Bytes::from(format!("{}\n", json!({"StatusCode": code})))]);
        let new = world.events.get(died..).unwrap_or_default();
        let die = new.iter().find(|event| event["Action"] == "die" && event["Actor"]["ID"] == id.as_str());
        if let Some(event) = die {
            code = event["Actor"]["Attributes"]["exitCode"].as_str().and_then(|code| code.parse().ok());
        }
        died = world.events.len();
        match world.container(&id) {
            None => answer(code.unwrap_or(0)),
            Some(_) if removed => Next::Wait,
            Some(_) if next_exit => code.map_or(Next::Wait, answer),
            Some(one) if one.is_alive() => Next::Wait,
            Some(one) => answer(one.exit_code),
        }
    })
}

/// An exec on a connection of its own: all its input, then all its output.
pub(super) fn attach_exec(shared: &Arc<Shared>, upgrade: OnUpgrade, exec: String, stdin: bool, tty: bool) {
    let shared = Arc::clone(shared);
    detach(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let mut connection = TokioIo::new(upgraded);
        let mut input = Vec::new();
        if stdin {
            let _cut = connection.read_to_end(&mut input).await;
        }
        for (stderr, bytes) in shared.with(|world| world.run_exec(&exec, &input)).unwrap_or_default() {
            let bytes = if tty { Bytes::from(bytes) } else { multiplexed(stderr, &bytes) };
            let _gone = connection.write_all(&bytes).await;
        }
        let _gone = connection.shutdown().await;
    });
}

/// A container's output on a connection of its own, until it ends.
pub(super) fn attach_container(upgrade: OnUpgrade, mut output: Body) {
    detach(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let mut connection = TokioIo::new(upgraded);
        while let Some(Ok(frame)) = output.frame().await {
            if let Some(bytes) = frame.data_ref() {
                let _gone = connection.write_all(bytes).await;
            }
        }
        let _gone = connection.shutdown().await;
    });
}

/// An upgraded connection outlives the request that asked for it; it ends with the fake's runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "hyper hands the connection over after the request has returned"
)]
fn detach(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}
