//! One container at one moment, as closely as the engine can say: what waits and diagnoses look at.

use super::{ContainerId, ContainerStatus, Health};
use crate::engine::{Engine, EngineError};

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
    let answer = engine.inspect_container(&id.0).await?;
    let state = answer.state.unwrap_or_default();
    let config = answer.config.unwrap_or_default();
    let host = answer.host_config.unwrap_or_default();
    let status = state.status.map(|status| ContainerStatus::parse(&status.to_string())).unwrap_or_default();
    let health = state.health.unwrap_or_default();
    let test = config.healthcheck.and_then(|check| check.test).unwrap_or_default();
    let exit_code = state.exit_code.unwrap_or(0);
    let policy = host.restart_policy.unwrap_or_default();
    let retries = policy.maximum_retry_count.unwrap_or(0);
    let restarts = answer.restart_count.unwrap_or(0);
    let will_restart = match policy.name.map(|name| name.to_string()).as_deref() {
        Some("always" | "unless-stopped") => true,
        Some("on-failure") => exit_code != 0 && (retries == 0 || restarts < retries),
        _ => false,
    };
    Ok(LiveState {
        has_healthcheck: !test.is_empty() && test.first().is_none_or(|first| first != "NONE"),
        health: health.status.and_then(|status| match status.to_string().as_str() {
            "starting" => Some(Health::Starting),
            "healthy" => Some(Health::Healthy),
            "unhealthy" => Some(Health::Unhealthy),
            _ => None,
        }),
        failing_streak: health.failing_streak.unwrap_or(0),
        probes: health
            .log
            .unwrap_or_default()
            .into_iter()
            .map(|probe| Probe {
                exit_code: probe.exit_code.unwrap_or(0),
                output: probe.output.unwrap_or_default(),
            })
            .collect(),
        exit_code,
        oom_killed: state.oom_killed.unwrap_or(false),
        memory_limit: host.memory.unwrap_or(0),
        will_restart: will_restart && status != ContainerStatus::Running,
        started_at: state.started_at.unwrap_or_default(),
        status,
    })
}
