//! One container at one moment, as closely as the engine can say: what waits and diagnoses look at.

use super::{ContainerId, ContainerStatus, Health};
use crate::engine::{Engine, EngineError, StateConfig, StateProbe, StateRow};
use jiff::Timestamp;
use std::time::Duration;

/// State of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveState {
    /// Its state.
    pub status: ContainerStatus,
    /// Its health, when it has a probe. What probes of an earlier life said does not count.
    pub health: Option<Health>,
    /// Its probe, when it has one.
    pub healthcheck: Option<LiveHealthcheck>,
    /// Failed probes in a row, in this life.
    pub failing_streak: i64,
    /// The last probes of this life, oldest first.
    pub probes: Vec<Probe>,
    /// The code of its last exit.
    pub exit_code: i64,
    /// Why the engine could not start it; empty when it could.
    pub start_error: String,
    /// It was killed because memory was short.
    pub oom_killed: bool,
    /// Its memory limit in bytes; 0 for none.
    pub memory_limit: i64,
    /// It has exited, and its restart policy may start it again.
    pub will_restart: bool,
    /// How often its restart policy has started it.
    pub restarts: i64,
    /// When it was started last (RFC 3339).
    pub started_at: String,
}

/// A container's probe, with the engine's own values where nothing was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveHealthcheck {
    /// Program and arguments, as they would be run inside.
    pub command: Vec<String>,
    /// Time between probes.
    pub interval: Duration,
    /// How long a probe may take.
    pub timeout: Duration,
    /// Time after the start in which failures do not count.
    pub start_period: Duration,
    /// Time between probes in that time; the interval on engines that make no difference.
    pub start_interval: Duration,
    /// Failures in a row that make it unhealthy.
    pub retries: u32,
}

/// One run of a health probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// When it began (RFC 3339).
    pub began: String,
    /// Its exit code.
    pub exit_code: i64,
    /// What it wrote.
    pub output: String,
}

/// Looks at one container. `GET /containers/{id}/json`.
///
/// # Errors
/// `NotFound` when it is gone.
pub async fn live_state(engine: &Engine, id: &ContainerId, name: &str) -> Result<LiveState, EngineError> {
    let row = engine.container_state(&id.0, name).await?;
    Ok(from_row(row, engine.api_version().0))
}

fn from_row(row: StateRow, api: u32) -> LiveState {
    let StateRow { state, config, host_config, restart_count } = row;
    let status = ContainerStatus::parse(&state.status);
    let policy = host_config.restart_policy;
    let will_restart = match policy.name.as_str() {
        "always" | "unless-stopped" => true,
        "on-failure" => {
            let tries_left = policy.maximum_retry_count == 0 || restart_count < policy.maximum_retry_count;
            state.exit_code != 0 && tries_left
        }
        _ => false,
    };
    let told = state.health.log.len();
    let fresh: Vec<StateProbe> =
        state.health.log.into_iter().filter(|probe| !is_older(&probe.start, &state.started_at)).collect();
    // Some engines keep the verdict of an earlier life until the first probe of this one.
    let is_stale = told > 0 && fresh.is_empty();
    let health = match state.health.status.as_str() {
        "healthy" | "unhealthy" | "starting" if is_stale => Some(Health::Starting),
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    };
    LiveState {
        healthcheck: healthcheck(&config, api),
        health,
        failing_streak: if is_stale { 0 } else { state.health.failing_streak },
        probes: fresh
            .into_iter()
            .map(|probe| Probe { began: probe.start, exit_code: probe.exit_code, output: probe.output })
            .collect(),
        exit_code: state.exit_code,
        start_error: state.error,
        oom_killed: state.oom_killed,
        memory_limit: host_config.memory,
        will_restart: will_restart && status != ContainerStatus::Running,
        restarts: restart_count,
        started_at: state.started_at,
        status,
    }
}

/// Whether a probe ran before the container was started last. What cannot be read counts as new.
fn is_older(probe: &str, started_at: &str) -> bool {
    match (probe.parse::<Timestamp>(), started_at.parse::<Timestamp>()) {
        (Ok(probe), Ok(started)) => probe < started,
        _ => false,
    }
}

/// The probe as the engine runs it.
/// <https://docs.docker.com/reference/dockerfile/#healthcheck> has the values for what was not said.
fn healthcheck(config: &StateConfig, api: u32) -> Option<LiveHealthcheck> {
    let check = &config.healthcheck;
    let command = match check.test.split_first()? {
        (kind, _) if kind == "NONE" => return None,
        (kind, rest) if kind == "CMD" => rest.to_vec(),
        (_, rest) => {
            let shell = if config.shell.is_empty() {
                vec!["/bin/sh".to_owned(), "-c".to_owned()]
            } else {
                config.shell.clone()
            };
            shell.into_iter().chain([rest.join(" ")]).collect()
        }
    };
    let or = |nanos: i64, usual: Duration| match u64::try_from(nanos) {
        Ok(nanos) if nanos > 0 => Duration::from_nanos(nanos),
        Ok(_) | Err(_) => usual,
    };
    let interval = or(check.interval, Duration::from_secs(30));
    Some(LiveHealthcheck {
        command,
        interval,
        timeout: or(check.timeout, Duration::from_secs(30)),
        start_period: or(check.start_period, Duration::ZERO),
        start_interval: if api >= 44 {
            or(check.start_interval, Duration::from_secs(5)).min(interval)
        } else {
            interval
        },
        retries: u32::try_from(check.retries).ok().filter(|retries| *retries > 0).unwrap_or(3),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> LiveState {
        from_row(serde_json::from_str(text).unwrap(), 51)
    }

    #[test]
    fn what_a_probe_of_an_earlier_life_said_does_not_count() {
        let state = |probe: &str| {
            read(&format!(
                r#"{{"State":{{"Status":"running","StartedAt":"2026-01-02T10:00:00.5Z","Health":{{"Status":"unhealthy",
                "FailingStreak":4,"Log":[{{"Start":"{probe}","ExitCode":1,"Output":"no"}}]}}}}}}"#
            ))
        };
        let old = state("2026-01-02T10:59:59+01:00");
        assert_eq!((old.health, old.failing_streak, old.probes), (Some(Health::Starting), 0, Vec::new()));
        let new = state("2026-01-02T11:00:01+01:00");
        assert_eq!((new.health, new.failing_streak, new.probes.len()), (Some(Health::Unhealthy), 4, 1));
    }

    #[test]
    fn a_probe_is_run_as_the_engine_runs_it() {
        let check = |config: &str| read(&format!(r#"{{"Config":{config}}}"#)).healthcheck;
        let command = |config: &str| check(config).unwrap().command;
        assert_eq!(command(r#"{"Healthcheck":{"Test":["CMD","a","b"]}}"#), ["a", "b"]);
        assert_eq!(command(r#"{"Healthcheck":{"Test":["CMD-SHELL","a b"]}}"#), ["/bin/sh", "-c", "a b"]);
        assert_eq!(
            command(r#"{"Shell":["/bin/bash","-ec"],"Healthcheck":{"Test":["CMD-SHELL","a b"]}}"#),
            ["/bin/bash", "-ec", "a b"]
        );
        assert_eq!(check(r#"{"Healthcheck":{"Test":["NONE"]}}"#), None);
        assert_eq!(check(r#"{"Healthcheck":null}"#), None);
        let usual = check(r#"{"Healthcheck":{"Test":["CMD","a"]}}"#).unwrap();
        assert_eq!((usual.interval.as_secs(), usual.start_interval.as_secs(), usual.retries), (30, 5, 3));
    }

    #[test]
    fn a_restart_policy_may_bring_back_what_it_has_tries_left_for() {
        let state = |policy: &str, count: i64, code: i64| {
            read(&format!(
                r#"{{"State":{{"Status":"exited","ExitCode":{code}}},"RestartCount":{count},"HostConfig":{{"RestartPolicy":{policy}}}}}"#
            ))
            .will_restart
        };
        let thrice = r#"{"Name":"on-failure","MaximumRetryCount":3}"#;
        assert!(state(thrice, 2, 1));
        assert!(!state(thrice, 3, 1));
        assert!(!state(thrice, 0, 0));
        assert!(state(r#"{"Name":"on-failure"}"#, 99, 1));
        assert!(state(r#"{"Name":"unless-stopped"}"#, 9, 0));
        assert!(!state(r#"{"Name":"no"}"#, 0, 1));
    }
}
