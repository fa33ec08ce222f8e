//! Where the time of an `up` went, as a value: the ui makes a table of it, and `--progress json` has it as it is.

use schemars::JsonSchema;
use serde::Serialize;

/// Where the time of a run went. All times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Timings {
    /// From the begin of the first step to the end of the last.
    pub total_ms: u64,
    /// Of this, the time in which nothing was done but waiting: for probes, one-shots, the delays of `update_config`.
    pub waiting_ms: u64,
    /// The services that something was done for, those that were done last at the end.
    pub services: Vec<ServiceTimings>,
}

/// Where the time of one service went. Replicas that were busy at once count once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServiceTimings {
    /// Its key in the file.
    pub service: String,
    /// Pulling its image, and those of its hooks.
    pub pull_ms: u64,
    /// Building its image.
    pub build_ms: u64,
    /// Stopping and removing containers: those that were replaced, for one.
    pub stop_ms: u64,
    /// Creating and changing its containers.
    pub create_ms: u64,
    /// Ready to be started, and waiting for what it depends on.
    pub waited_ms: u64,
    /// The dependency that kept it waiting longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_for: Option<String>,
    /// Starting its containers, with hooks; running its provider.
    pub start_ms: u64,
    /// From its start until it was healthy, had run long enough, or had completed; 0 when nobody waited for that.
    pub ready_ms: u64,
    /// When its last step was done, since the run's first step began.
    pub done_ms: u64,
}
