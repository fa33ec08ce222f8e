//! What a container that did not become ready has to say for itself, as a value: the ui makes text of it, and
//! `--progress json` has it as it is.

use schemars::JsonSchema;
use serde::Serialize;

/// Everything worth knowing about a container that did not become ready.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// The container.
    pub container: String,
    /// Its service.
    pub service: String,
    /// Services that wait for it, directly or not, nearest first.
    pub dependents: Vec<String>,
    /// What it failed to do.
    pub why: String,
    /// Its state.
    pub status: String,
    /// Its exit code, when it has exited.
    pub exit_code: Option<i64>,
    /// Why the engine could not start it, in its words; empty when it could.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub start_error: String,
    /// It was killed because memory was short.
    pub out_of_memory: bool,
    /// Its memory limit in bytes; 0 for none of its own.
    pub memory_limit_bytes: i64,
    /// How often its restart policy has started it again.
    pub restarts: i64,
    /// Failed probes in a row.
    pub failing_streak: i64,
    /// The last probes, oldest first.
    pub probes: Vec<ProbeRun>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// How long it was waited for, in milliseconds.
    pub waited_ms: u64,
    /// How long it was allowed to take, in milliseconds; absent when nothing bounds the wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_ms: Option<u64>,
    /// `file:line:column` of what to look at: the healthcheck, else the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// One run of a health probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProbeRun {
    /// Its exit code.
    pub exit_code: i64,
    /// What it wrote.
    pub output: String,
}
