//! What one look at a container says about a condition, and how long the condition may take. Pure.

use crate::model::DependencyCondition;
use crate::observe::{ContainerStatus, Health, LiveState};
use crate::plan::Until;
use std::time::Duration;

/// What one look at a container says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Reached,
    NotYet,
    /// It cannot come true any more, and why.
    Never(String),
}

/// The condition of a wait that only probes can make true, for containers that have one.
pub(super) fn waits_for_probe(state: &LiveState, until: Until) -> bool {
    state.healthcheck.is_some()
        && matches!(until, Until::Goal | Until::Condition(DependencyCondition::ServiceHealthy))
}

/// Judges a container's state by a condition.
pub(super) fn judge(state: &LiveState, until: Until) -> Verdict {
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
        Until::Goal if state.healthcheck.is_some() && !exited => healthy(state, exited, comes_back),
        Until::Goal if state.status == ContainerStatus::Running || (exited && state.exit_code == 0) => {
            Verdict::Reached
        }
        Until::Goal if exited && !comes_back => Verdict::Never(format!("exited ({})", state.exit_code)),
        Until::Goal => Verdict::NotYet,
    }
}

fn healthy(state: &LiveState, exited: bool, comes_back: bool) -> Verdict {
    if state.healthcheck.is_none() {
        return Verdict::Never("has no healthcheck configured".to_owned());
    }
    let running = state.status == ContainerStatus::Running;
    match state.health {
        _ if exited && !comes_back => Verdict::Never(format!("exited ({})", state.exit_code)),
        Some(Health::Healthy) if running => Verdict::Reached,
        // The engine restarts what exits and not what is unhealthy: while it runs this is its last word, as it is in the
        // reference; between two lives it is the last life's.
        Some(Health::Unhealthy) if running => Verdict::Never("is unhealthy".to_owned()),
        Some(Health::Healthy | Health::Unhealthy | Health::Starting) | None => Verdict::NotYet,
    }
}

/// How long a condition may take; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// From each start of the container.
    pub(super) life: Option<Duration>,
    /// In all, however often it is started again.
    pub(super) total: Option<Duration>,
}

/// What a container that is started again and again gets at least, before its wait is given up.
const RESTARTS: Duration = Duration::from_mins(10);

/// How long a condition may take when the user named no limit.
///
/// Differs: the reference waits forever. The engine itself calls a container unhealthy after its start period and
/// `retries` failed probes; twice that time can only pass when no probes come at all, or when the container does not stay
/// up. A one-shot may work for as long as it likes: the time it takes says nothing.
pub(super) fn allowance(state: &LiveState, until: Until) -> Allowance {
    match until {
        Until::Condition(DependencyCondition::ServiceCompletedSuccessfully) => {
            Allowance { life: None, total: None }
        }
        Until::Condition(DependencyCondition::ServiceStarted | DependencyCondition::ServiceHealthy)
        | Until::Goal => {
            let life = state.healthcheck.as_ref().map(|check| {
                let probes = (check.interval + check.timeout).saturating_mul(check.retries.saturating_add(1));
                (check.start_period + probes).saturating_mul(2).max(Duration::from_secs(5))
            });
            let total = life.map_or(RESTARTS, |life| life.saturating_mul(4).max(RESTARTS));
            Allowance { life, total: Some(total) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::LiveHealthcheck;

    const HEALTHY: Until = Until::Condition(DependencyCondition::ServiceHealthy);
    const COMPLETED: Until = Until::Condition(DependencyCondition::ServiceCompletedSuccessfully);

    fn running(health: Option<Health>) -> LiveState {
        LiveState {
            status: ContainerStatus::Running,
            health,
            healthcheck: health.map(|_| LiveHealthcheck::default()),
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
        let without = judge(&running(None), HEALTHY);
        assert_eq!(without, Verdict::Never("has no healthcheck configured".to_owned()));
    }

    #[test]
    fn a_container_that_its_restart_policy_brings_back_may_still_become_healthy() {
        for health in [Health::Starting, Health::Unhealthy, Health::Healthy] {
            let restarting =
                LiveState { status: ContainerStatus::Restarting, exit_code: 1, ..running(Some(health)) };
            assert_eq!(judge(&restarting, HEALTHY), Verdict::NotYet);
            let between = LiveState {
                status: ContainerStatus::Exited,
                exit_code: 1,
                will_restart: true,
                ..running(Some(health))
            };
            assert_eq!(judge(&between, HEALTHY), Verdict::NotYet);
            let over = LiveState { will_restart: false, ..between };
            assert_eq!(judge(&over, HEALTHY), Verdict::Never("exited (1)".to_owned()));
        }
    }

    #[test]
    fn completion_needs_exit_code_0() {
        assert_eq!(judge(&exited(0), COMPLETED), Verdict::Reached);
        assert!(matches!(judge(&exited(3), COMPLETED), Verdict::Never(why) if why.contains("exit 3")));
        let again = LiveState { will_restart: true, ..exited(3) };
        assert_eq!(judge(&again, COMPLETED), Verdict::NotYet);
        assert_eq!(judge(&running(None), COMPLETED), Verdict::NotYet);
    }

    #[test]
    fn the_goal_of_a_one_shot_is_exit_0_and_of_a_server_to_run() {
        assert_eq!(judge(&exited(0), Until::Goal), Verdict::Reached);
        assert_eq!(judge(&running(None), Until::Goal), Verdict::Reached);
        assert_eq!(judge(&running(Some(Health::Starting)), Until::Goal), Verdict::NotYet);
        assert!(matches!(judge(&exited(7), Until::Goal), Verdict::Never(_)));
    }

    #[test]
    fn a_slow_starter_gets_more_time_than_the_engine_gives_it_and_a_job_all_it_wants() {
        let seconds = Duration::from_secs;
        let check = LiveHealthcheck {
            interval: seconds(10),
            timeout: seconds(5),
            start_period: seconds(120),
            retries: 4,
            ..LiveHealthcheck::default()
        };
        let state = LiveState { healthcheck: Some(check.clone()), ..running(Some(Health::Starting)) };
        let of_engine = check.start_period + (check.interval + check.timeout) * check.retries;
        let allowed = allowance(&state, HEALTHY);
        assert!(allowed.life.unwrap() > of_engine, "{allowed:?}");
        assert!(allowed.total.unwrap() >= allowed.life.unwrap() * 4, "{allowed:?}");
        assert_eq!(allowance(&running(None), COMPLETED), Allowance { life: None, total: None });
        assert_eq!(allowance(&exited(1), Until::Goal), Allowance { life: None, total: Some(RESTARTS) });
    }
}
