//! `deploy`: replicas, resources, update rules.

use super::{
    ByteSize, Extensions, SpecDuration,
    serial::{self, is_default},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// <https://github.com/compose-spec/compose-spec/blob/main/deploy.md>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeployConfig {
    /// Swarm mode; no effect on a single engine.
    #[serde(skip_serializing_if = "is_default")]
    pub mode: String,
    /// How many containers.
    #[serde(skip_serializing_if = "is_default")]
    pub replicas: Option<u32>,
    /// Labels of the swarm service; never on containers.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// How a change is rolled out.
    #[serde(skip_serializing_if = "is_default")]
    pub update_config: Option<UpdateConfig>,
    /// How a failed change is rolled back.
    #[serde(skip_serializing_if = "is_default")]
    pub rollback_config: Option<UpdateConfig>,
    /// Limits and reservations.
    pub resources: Resources,
    /// When the engine starts a container again; wins over `restart`.
    #[serde(skip_serializing_if = "is_default")]
    pub restart_policy: Option<RestartPolicyConfig>,
    /// Swarm placement.
    pub placement: Placement,
    /// Swarm endpoint mode.
    #[serde(skip_serializing_if = "is_default")]
    pub endpoint_mode: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// How a change is rolled out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UpdateConfig {
    /// Containers replaced at once.
    #[serde(skip_serializing_if = "is_default")]
    pub parallelism: Option<u64>,
    /// Pause between groups.
    #[serde(skip_serializing_if = "is_default")]
    pub delay: SpecDuration,
    /// `pause`, `continue` or `rollback`.
    #[serde(skip_serializing_if = "is_default")]
    pub failure_action: String,
    /// How long a new container is watched for failure.
    #[serde(skip_serializing_if = "is_default")]
    pub monitor: SpecDuration,
    /// Share of failures that is tolerated.
    #[serde(skip_serializing_if = "is_default")]
    pub max_failure_ratio: f32,
    /// New before old, or old before new.
    #[serde(skip_serializing_if = "is_default")]
    pub order: Option<UpdateOrder>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// Order of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateOrder {
    /// The new container starts before the old one stops.
    StartFirst,
    /// The old container stops before the new one starts.
    StopFirst,
}

/// Limits and reservations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Resources {
    /// The most a container may use.
    #[serde(skip_serializing_if = "is_default")]
    pub limits: Option<ResourceLimits>,
    /// What is kept for it.
    #[serde(skip_serializing_if = "is_default")]
    pub reservations: Option<ResourceReservations>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// The most a container may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceLimits {
    /// Processors, fractions allowed.
    #[serde(skip_serializing_if = "is_default")]
    pub cpus: f32,
    /// Memory.
    #[serde(skip_serializing_if = "is_default")]
    pub memory: ByteSize,
    /// Processes.
    #[serde(skip_serializing_if = "is_default")]
    pub pids: i64,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// What is kept for a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResourceReservations {
    /// Processors.
    #[serde(skip_serializing_if = "is_default")]
    pub cpus: f32,
    /// Memory.
    #[serde(skip_serializing_if = "is_default")]
    pub memory: ByteSize,
    /// Devices such as GPUs.
    #[serde(skip_serializing_if = "is_default")]
    pub devices: Vec<DeviceRequest>,
    /// Swarm's generic resources.
    #[serde(skip_serializing_if = "is_default")]
    pub generic_resources: Vec<GenericResource>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A request for devices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeviceRequest {
    /// What the device must be able to do.
    #[serde(skip_serializing_if = "is_default")]
    pub capabilities: Vec<String>,
    /// The driver.
    #[serde(skip_serializing_if = "is_default")]
    pub driver: String,
    /// How many; `-1` for all, also spelled `all`.
    #[serde(deserialize_with = "serial::count", skip_serializing_if = "is_default")]
    pub count: i64,
    /// Which ones.
    #[serde(skip_serializing_if = "is_default")]
    pub device_ids: Vec<String>,
    /// Options of the driver.
    #[serde(skip_serializing_if = "is_default")]
    pub options: BTreeMap<String, String>,
    /// `x-*`; the reference does not show them here.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing)]
    pub extensions: Extensions,
}

/// A generic resource of swarm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GenericResource {
    /// The discrete form, the only one.
    #[serde(skip_serializing_if = "is_default")]
    pub discrete_resource_spec: Option<DiscreteResource>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A countable generic resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DiscreteResource {
    /// Its kind.
    pub kind: String,
    /// How many.
    pub value: i64,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// When the engine starts a container again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RestartPolicyConfig {
    /// `none`, `on-failure`, `any`, `unless-stopped`.
    #[serde(skip_serializing_if = "is_default")]
    pub condition: String,
    /// Swarm only.
    #[serde(skip_serializing_if = "is_default")]
    pub delay: Option<SpecDuration>,
    /// The most tries.
    #[serde(skip_serializing_if = "is_default")]
    pub max_attempts: Option<u64>,
    /// Swarm only.
    #[serde(skip_serializing_if = "is_default")]
    pub window: Option<SpecDuration>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// Swarm placement; no effect on a single engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Placement {
    /// Node constraints.
    #[serde(skip_serializing_if = "is_default")]
    pub constraints: Vec<String>,
    /// Spread rules.
    #[serde(skip_serializing_if = "is_default")]
    pub preferences: Vec<PlacementPreference>,
    /// The most per node.
    #[serde(skip_serializing_if = "is_default")]
    pub max_replicas_per_node: u64,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A spread rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlacementPreference {
    /// The node label to spread over.
    #[serde(skip_serializing_if = "is_default")]
    pub spread: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}
