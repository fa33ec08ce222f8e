//! Probes that are run early: a container's own healthcheck command, through exec, while something waits for it.
//!
//! The engine runs the first probe only after a whole interval, and so what waits for it starts late. Here it is run after
//! 100 ms, then after twice that, and so on, until the engine itself probes as often; in the first two seconds, in which most
//! programs get ready that do at all, the time between two probes stays below one second. A success opens the gate; a failure
//! means nothing but that it is too early: it is the engine that calls a container unhealthy. Podman without systemd never
//! probes by itself; there these probes go on at the interval, and the wait's deadline is what fails.

use super::Cx;
use crate::engine::{EngineErrorKind, ExecRun, ExecSpec};
use crate::event::ProbeRun;
use crate::observe::{ContainerId, LiveHealthcheck};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The time before the first probe.
const FIRST: Duration = Duration::from_millis(100);

/// How long it is looked often.
const SOON: Duration = Duration::from_secs(2);

/// The longest time between two probes until then, and the shortest after it. Each is three requests, and a wait is not to cost
/// two a second on average.
const SOON_EVERY: Duration = Duration::from_millis(700);
const LATER_EVERY: Duration = Duration::from_millis(1600);

/// The time between two tries while the container does not run.
const BETWEEN_LIVES: Duration = Duration::from_secs(1);

/// What all waits of a run know of early probes, by container: two of them never probe one container at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Probes(Arc<Mutex<BTreeMap<ContainerId, Arc<Probing>>>>);

#[derive(Debug, Default)]
pub(super) struct Probing {
    /// Held while a probe runs.
    turn: tokio::sync::Mutex<()>,
    seen: Mutex<Seen>,
    /// Told of every probe that ended.
    ended: tokio::sync::Notify,
}

/// What early probes of a container have shown so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) passed: bool,
    /// How many there were.
    pub(super) runs: u32,
    /// The last one, and when it ended.
    pub(super) last: Option<(ProbeRun, Instant)>,
}

impl Probes {
    pub(super) fn of(&self, id: &ContainerId) -> Arc<Probing> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(id.clone()).or_default())
    }
}

impl Probing {
    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, run: ProbeRun) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.passed |= run.exit_code == 0;
        seen.runs += 1;
        seen.last = Some((run, Instant::now()));
        self.ended.notify_waiters();
    }

    /// Returns when the next probe has ended.
    pub(super) async fn next(&self) {
        self.ended.notified().await;
    }
}

/// Returns once a probe has succeeded. It never ends by failure: whoever waits has a deadline and the engine's events.
pub(super) async fn until_success(
    cx: &Cx,
    name: &str,
    id: &ContainerId,
    check: &LiveHealthcheck,
    probing: &Probing,
) {
    let began = Instant::now();
    let by_itself = !cx.engine.is_podman();
    let mut delay = FIRST;
    loop {
        match pause(check, delay, began.elapsed(), by_itself) {
            Pause::Probe(pause) => tokio::time::sleep(pause).await,
            Pause::LeaveToEngine(pause) => {
                tokio::time::sleep(pause).await;
                continue;
            }
            Pause::Over => return std::future::pending().await,
        }
        let turn = probing.turn.lock().await;
        let seen = probing.seen();
        if seen.passed {
            return;
        }
        let another_has_just_looked = seen.last.is_some_and(|(_, at)| at.elapsed() < delay / 2);
        if !another_has_just_looked {
            match probe(cx, name, id, check, probing).await {
                Ok(true) => return,
                // Between two lives, or frozen. The next life is probed early too, and nobody is kept busy meanwhile.
                Err(EngineErrorKind::Conflict) => {
                    delay = delay.min(BETWEEN_LIVES / 2);
                }
                // Whatever else is the matter, the wait's own look finds out.
                Ok(false) | Err(_) => {}
            }
        }
        drop(turn);
        delay = longer(check, delay, began.elapsed());
    }
}

/// The time before the probe that comes after one that `delay` was waited for.
fn longer(check: &LiveHealthcheck, delay: Duration, elapsed: Duration) -> Duration {
    let doubled = delay.saturating_mul(2);
    match elapsed < SOON {
        // Where the engine probes as often, it is left to it.
        true if doubled >= check.interval => doubled,
        true => doubled.min(SOON_EVERY),
        false => doubled.max(LATER_EVERY),
    }
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
enum Pause {
    /// A probe, after this time.
    Probe(Duration),
    /// For this time the engine probes as often itself.
    LeaveToEngine(Duration),
    /// From here on it does.
    Over,
}

fn pause(check: &LiveHealthcheck, delay: Duration, elapsed: Duration, by_itself: bool) -> Pause {
    if !by_itself {
        return Pause::Probe(delay.min(check.interval));
    }
    let left_of_start = check.start_period.saturating_sub(elapsed);
    if !left_of_start.is_zero() && delay >= check.start_interval {
        return Pause::LeaveToEngine(left_of_start);
    }
    if delay >= check.interval { Pause::Over } else { Pause::Probe(delay) }
}

/// Runs the probe once, with the user, environment and folder that the engine would give it: the container's own. The
/// result is whether it succeeded in its time.
async fn probe(
    cx: &Cx,
    name: &str,
    id: &ContainerId,
    check: &LiveHealthcheck,
    probing: &Probing,
) -> Result<bool, EngineErrorKind> {
    let spec = ExecSpec { command: check.command.clone(), ..ExecSpec::default() };
    let run = cx.engine.run_in_container(&id.0, name, spec);
    tokio::pin!(run);
    let Ok(ended) = tokio::time::timeout(check.timeout, &mut run).await else {
        let output = format!("no end within {:?}", check.timeout);
        probing.note(ProbeRun { exit_code: -1, output });
        // The engine has no way to end it. Until it has ended by itself there is no other.
        drop(run.await);
        return Ok(false);
    };
    let ExecRun { exit_code, output } = ended.map_err(|error| error.kind)?;
    let output = String::from_utf8_lossy(&output).into_owned();
    probing.note(ProbeRun { exit_code, output });
    Ok(exit_code == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(start_period: u64, start_interval: u64) -> LiveHealthcheck {
        LiveHealthcheck {
            interval: Duration::from_secs(10),
            start_period: Duration::from_secs(start_period),
            start_interval: Duration::from_secs(start_interval),
            ..LiveHealthcheck::default()
        }
    }

    #[test]
    fn probes_come_early_until_the_engine_probes_as_often() {
        let at = |delay: u64, elapsed: u64| {
            pause(&check(0, 5), Duration::from_secs(delay), Duration::from_secs(elapsed), true)
        };
        assert_eq!(at(1, 1), Pause::Probe(Duration::from_secs(1)));
        assert_eq!(at(8, 8), Pause::Probe(Duration::from_secs(8)));
        assert_eq!(at(16, 16), Pause::Over);
    }

    /// When a program is probed that does not get ready, in milliseconds from the beginning of the wait.
    fn probed_at(interval: Duration) -> Vec<u128> {
        let check = LiveHealthcheck { interval, ..check(0, 5) };
        let (mut at, mut delay, mut probed) = (Duration::ZERO, FIRST, Vec::new());
        while let Pause::Probe(pause) = pause(&check, delay, at, true) {
            at += pause;
            probed.push(at.as_millis());
            delay = longer(&check, delay, at);
        }
        probed
    }

    #[test]
    fn what_gets_ready_soon_is_seen_within_a_second_and_what_takes_long_costs_little() {
        let at = probed_at(Duration::from_secs(30));
        assert_eq!(at, [100, 300, 700, 1400, 2100, 3700, 6900, 13_300, 26_100, 51_700]);
        assert_eq!(probed_at(Duration::from_secs(1)), [100, 300, 700, 1400]);
    }

    #[test]
    fn while_the_engine_probes_often_by_itself_it_is_left_to_it() {
        let at = |delay: u64, elapsed: u64| {
            pause(&check(60, 2), Duration::from_secs(delay), Duration::from_secs(elapsed), true)
        };
        assert_eq!(at(1, 1), Pause::Probe(Duration::from_secs(1)));
        assert_eq!(at(2, 3), Pause::LeaveToEngine(Duration::from_secs(57)));
        assert_eq!(at(2, 60), Pause::Probe(Duration::from_secs(2)));
    }

    #[test]
    fn an_engine_that_never_probes_is_never_left_alone() {
        let at =
            |delay: u64| pause(&check(60, 2), Duration::from_secs(delay), Duration::from_secs(delay), false);
        assert_eq!(at(4), Pause::Probe(Duration::from_secs(4)));
        assert_eq!(at(400), Pause::Probe(Duration::from_secs(10)));
    }
}
