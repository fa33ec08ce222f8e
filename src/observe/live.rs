//! One container at one moment, as closely as the engine can say: what waits and diagnoses look at.

use super::{ContainerId, ContainerStatus, Health};
use crate::engine::{Engine, EngineError, StateRow};

/// State of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveState {
    /// Its state.
    pub status: ContainerStatus,
    /// Its health, when it has a probe.
    pub health: Option<Health>,
    /// Whether it has a probe.
    pub has_healthcheck: bool,
    /// Failed probes in a row.
    pub failing_streak: i64,
    /// The last probes, oldest first.
    pub probes: Vec<Probe>,
    /// The code of its last exit.
    pub exit_code: i64,
    /// It was killed because memory was short.
    pub oom_killed: bool,
    /// Its memory limit in bytes; 0 for none.
    pub memory_limit: i64,
    /// It has exited, and its restart policy is about to start it again.
    pub will_restart: bool,
    /// When it was started last (RFC 3339).
    pub started_at: String,
}

/// One run of a health probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Probe {
    /// Its exit code.
    pub exit_code: i64,
    /// What it wrote.
    pub output: String,
}

/// Looks at one container. `GET /containers/{id}/json`.
///
/// # Errors
/// `NotFound` when it is gone.
pub async fn live_state(engine: &Engine, id: &ContainerId) -> Result<LiveState, EngineError> {
    let StateRow { state, config, host_config, restart_count } = engine.container_state(&id.0).await?;
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
    let test = config.healthcheck.test;
    Ok(LiveState {
        has_healthcheck: !test.is_empty() && test.first().is_none_or(|first| first != "NONE"),
        health: match state.health.status.as_str() {
            "starting" => Some(Health::Starting),
            "healthy" => Some(Health::Healthy),
            "unhealthy" => Some(Health::Unhealthy),
            _ => None,
        },
        failing_streak: state.health.failing_streak,
        probes: state
            .health
            .log
            .into_iter()
            .map(|probe| Probe { exit_code: probe.exit_code, output: probe.output })
            .collect(),
        exit_code: state.exit_code,
        oom_killed: state.oom_killed,
        memory_limit: host_config.memory,
        will_restart: will_restart && status != ContainerStatus::Running,
        started_at: state.started_at,
        status,
    })
}
