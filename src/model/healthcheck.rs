//! `healthcheck`: how the engine finds out whether a container is ready.

use super::{Extensions, SpecDuration, serial::is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#healthcheck>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Healthcheck {
    /// The probe; empty inherits the image's.
    #[serde(skip_serializing_if = "is_default")]
    pub test: HealthTest,
    /// How long one probe may take.
    #[serde(skip_serializing_if = "is_default")]
    pub timeout: Option<SpecDuration>,
    /// Time between probes.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: Option<SpecDuration>,
    /// Failures in a row that make the container unhealthy.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: Option<u64>,
    /// Time after the start in which failures do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub start_period: Option<SpecDuration>,
    /// Time between probes during `start_period`. Engine API 1.44.
    #[serde(skip_serializing_if = "is_default")]
    pub start_interval: Option<SpecDuration>,
    /// Turns the image's probe off.
    #[serde(skip_serializing_if = "is_default")]
    pub disable: bool,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// The probe as the engine takes it: `["CMD", …]`, `["CMD-SHELL", text]`, `["NONE"]` or empty.
pub type HealthTest = Vec<String>;
