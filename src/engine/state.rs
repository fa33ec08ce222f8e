//! One container at one moment: the parts of `GET /containers/{id}/json` that waits and diagnoses look at, read into lean
//! types, so that a state that only Podman knows is no failure.

use super::containers::subject;
use super::lists::null_is_default;
use super::request::Call;
use super::{Engine, EngineError};
use hyper::Method;
use serde::Deserialize;

/// What a container's state rests on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateRow {
    /// Its state.
    pub state: State,
    /// What it was told about its health and terminal.
    pub config: StateConfig,
    /// What it was told about its restarts and memory.
    pub host_config: StateHostConfig,
    /// How often its policy has started it again.
    pub restart_count: i64,
}

/// The state proper.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct State {
    /// `running`, `exited`, ….
    pub status: String,
    /// The code of its last exit.
    pub exit_code: i64,
    /// It was killed because memory was short.
    #[serde(rename = "OOMKilled")]
    pub oom_killed: bool,
    /// When it was started last (RFC 3339).
    pub started_at: String,
    /// Why it could not be started.
    pub error: String,
    /// Its health, when it has a probe.
    #[serde(deserialize_with = "null_is_default")]
    pub health: StateHealth,
}

/// Health, with the last probes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateHealth {
    /// `starting`, `healthy`, `unhealthy`; `none` or empty without a probe.
    pub status: String,
    /// Failed probes in a row.
    pub failing_streak: i64,
    /// The last probes, oldest first.
    #[serde(deserialize_with = "null_is_default")]
    pub log: Vec<StateProbe>,
}

/// One probe.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateProbe {
    /// When it began (RFC 3339).
    pub start: String,
    /// Its exit code.
    pub exit_code: i64,
    /// What it wrote.
    pub output: String,
}

/// The part of the configuration that tells how to read the state.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateConfig {
    /// It has a terminal.
    pub tty: bool,
    /// What a probe's text is handed to; empty for `/bin/sh -c`.
    #[serde(deserialize_with = "null_is_default")]
    pub shell: Vec<String>,
    /// Its probe.
    #[serde(deserialize_with = "null_is_default")]
    pub healthcheck: StateHealthcheck,
}

/// A probe's command.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateHealthcheck {
    /// `["CMD", …]`, `["NONE"]`.
    #[serde(deserialize_with = "null_is_default")]
    pub test: Vec<String>,
    /// Nanoseconds between probes; 0 for the engine's 30 s.
    pub interval: i64,
    /// Nanoseconds a probe may take; 0 for the engine's 30 s.
    pub timeout: i64,
    /// Nanoseconds after the start in which failures do not count.
    pub start_period: i64,
    /// Nanoseconds between probes in that time; 0 for the engine's 5 s. API 1.44.
    pub start_interval: i64,
    /// Failures in a row that make it unhealthy; 0 for the engine's 3.
    pub retries: i64,
}

/// The part of the host configuration that tells how to read the state.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateHostConfig {
    /// Memory limit in bytes; 0 for none.
    pub memory: i64,
    /// When it is started again.
    #[serde(deserialize_with = "null_is_default")]
    pub restart_policy: StateRestartPolicy,
}

/// When a container is started again.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateRestartPolicy {
    /// `always`, `on-failure`, …; `no` or empty for never.
    pub name: String,
    /// The most tries; 0 for any number.
    pub maximum_retry_count: i64,
}

impl Engine {
    /// A container's state and what it rests on. `GET /containers/{id}/json`.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn container_state(&self, id: &str, name: &str) -> Result<StateRow, EngineError> {
        let subject = subject(name);
        let path = format!("/containers/{id}/json");
        self.call_json(Call::new(Method::GET, "inspect", &subject, &path)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_nobody_knows_and_nulls_are_read() {
        let text = r#"{"State":{"Status":"stopping","Health":null,"ExitCode":3},"Config":{"Healthcheck":null},
            "HostConfig":{"RestartPolicy":null,"Memory":0},"Novel":[]}"#;
        let row: StateRow = serde_json::from_str(text).unwrap();
        assert_eq!((row.state.status.as_str(), row.state.exit_code), ("stopping", 3));
        assert!(row.config.healthcheck.test.is_empty());
    }
}
