//! A service: what one kind of container of the project is made of.

use super::{
    BuildConfig, ByteSize, DeployConfig, DevelopConfig, DeviceRequest, EnvironmentMap, Extensions,
    FileReference, Healthcheck, ModelKey, Mount, NetworkKey, Port, ServiceName, ServiceNetwork, SpecDuration,
    serial::{self, is_default},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// <https://github.com/compose-spec/compose-spec/blob/main/05-services.md>
///
/// `None`, an empty list and an empty text all mean "not said": the reference writes none of them, except `command`
/// and `entrypoint`, which JSON always shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one attribute of the specification")]
pub struct Service {
    /// The key under `services`.
    #[serde(skip)]
    pub name: ServiceName,
    /// Profiles that switch it on; none means always on.
    #[serde(skip_serializing_if = "is_default")]
    pub profiles: Vec<String>,
    /// Annotations of the container. Engine API 1.43.
    #[serde(skip_serializing_if = "is_default")]
    pub annotations: BTreeMap<String, String>,
    /// Whether attached `up` and `logs` show it unasked.
    #[serde(skip_serializing_if = "is_default")]
    pub attach: Option<bool>,
    /// How its image is built.
    #[serde(skip_serializing_if = "is_default")]
    pub build: Option<BuildConfig>,
    /// What `watch` does.
    #[serde(skip_serializing_if = "is_default")]
    pub develop: Option<DevelopConfig>,
    /// Block I/O limits.
    #[serde(skip_serializing_if = "is_default")]
    pub blkio_config: Option<BlkioConfig>,
    /// Capabilities to add.
    #[serde(skip_serializing_if = "is_default")]
    pub cap_add: Vec<String>,
    /// Capabilities to drop.
    #[serde(skip_serializing_if = "is_default")]
    pub cap_drop: Vec<String>,
    /// Parent cgroup.
    #[serde(skip_serializing_if = "is_default")]
    pub cgroup_parent: String,
    /// Cgroup namespace: `host` or `private`.
    #[serde(skip_serializing_if = "is_default")]
    pub cgroup: String,
    /// Windows: number of processors.
    #[serde(skip_serializing_if = "is_default")]
    pub cpu_count: i64,
    /// Windows: share of the processors.
    #[serde(skip_serializing_if = "is_default")]
    pub cpu_percent: f32,
    /// CFS period, µs.
    #[serde(skip_serializing_if = "is_default")]
    pub cpu_period: i64,
    /// CFS quota, µs.
    #[serde(skip_serializing_if = "is_default")]
    pub cpu_quota: i64,
    /// Real-time period, µs.
    #[serde(skip_serializing_if = "is_default")]
    pub cpu_rt_period: i64,
    /// Real-time runtime, µs.
    #[serde(skip_serializing_if = "is_default")]
    pub cpu_rt_runtime: i64,
    /// Processors, fractions allowed.
    #[serde(skip_serializing_if = "is_default")]
    pub cpus: f32,
    /// Which processors.
    #[serde(skip_serializing_if = "is_default")]
    pub cpuset: String,
    /// Relative weight.
    #[serde(skip_serializing_if = "is_default")]
    pub cpu_shares: i64,
    /// Command; `None` is the image's, an empty list is none at all.
    pub command: Option<Vec<String>>,
    /// Configs it gets.
    #[serde(skip_serializing_if = "is_default")]
    pub configs: Vec<FileReference>,
    /// A fixed name; forbids more than one replica.
    #[serde(skip_serializing_if = "is_default")]
    pub container_name: Option<String>,
    /// Windows credential specification.
    #[serde(skip_serializing_if = "is_default")]
    pub credential_spec: Option<CredentialSpec>,
    /// What must be up before it.
    #[serde(skip_serializing_if = "is_default")]
    pub depends_on: BTreeMap<ServiceName, Dependency>,
    /// Replicas, resources, update rules.
    #[serde(skip_serializing_if = "is_default")]
    pub deploy: Option<DeployConfig>,
    /// Device cgroup rules.
    #[serde(skip_serializing_if = "is_default")]
    pub device_cgroup_rules: Vec<String>,
    /// Devices it gets.
    #[serde(skip_serializing_if = "is_default")]
    pub devices: Vec<Device>,
    /// Name servers.
    #[serde(skip_serializing_if = "is_default")]
    pub dns: Vec<String>,
    /// Resolver options.
    #[serde(skip_serializing_if = "is_default")]
    pub dns_opt: Vec<String>,
    /// Resolver search domains.
    #[serde(skip_serializing_if = "is_default")]
    pub dns_search: Vec<String>,
    /// Domain name.
    #[serde(skip_serializing_if = "is_default")]
    pub domainname: String,
    /// Entrypoint; `None` is the image's, an empty list is none at all.
    pub entrypoint: Option<Vec<String>>,
    /// An external program that provides this service instead of a container.
    #[serde(skip_serializing_if = "is_default")]
    pub provider: Option<Provider>,
    /// Variables; after resolution with the env files folded in.
    #[serde(skip_serializing_if = "is_default")]
    pub environment: EnvironmentMap,
    /// Files of variables; empty after resolution.
    #[serde(skip_serializing_if = "is_default")]
    pub env_file: Vec<EnvFile>,
    /// Ports open to other containers.
    #[serde(skip_serializing_if = "is_default")]
    pub expose: Vec<String>,
    /// What it was extended from; resolved at load.
    #[serde(skip_serializing_if = "is_default")]
    pub extends: Option<Extends>,
    /// Links to containers outside the project.
    #[serde(skip_serializing_if = "is_default")]
    pub external_links: Vec<String>,
    /// Further lines of `/etc/hosts`: name → addresses. Written as a sorted `name=address` list.
    #[schemars(with = "Vec<String>")]
    #[serde(with = "serial::hosts", skip_serializing_if = "is_default")]
    pub extra_hosts: BTreeMap<String, Vec<String>>,
    /// Further groups of the process.
    #[serde(deserialize_with = "serial::texts", skip_serializing_if = "is_default")]
    pub group_add: Vec<String>,
    /// GPUs.
    #[serde(skip_serializing_if = "is_default")]
    pub gpus: Vec<DeviceRequest>,
    /// Host name.
    #[serde(skip_serializing_if = "is_default")]
    pub hostname: String,
    /// How the engine finds out whether it is ready.
    #[serde(skip_serializing_if = "is_default")]
    pub healthcheck: Option<Healthcheck>,
    /// Image reference.
    #[serde(skip_serializing_if = "is_default")]
    pub image: String,
    /// Run an init process as PID 1.
    #[serde(skip_serializing_if = "is_default")]
    pub init: Option<bool>,
    /// IPC namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub ipc: String,
    /// Windows isolation.
    #[serde(skip_serializing_if = "is_default")]
    pub isolation: String,
    /// Labels of the container.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Files of labels; folded into `labels` at resolution.
    #[serde(skip_serializing_if = "is_default")]
    pub label_file: Vec<String>,
    /// Files of labels that were folded into `labels`. The reference shows them nowhere, and hashes a container with them.
    #[schemars(skip)]
    #[serde(skip)]
    pub label_files_read: Vec<String>,
    /// Links to services: `service[:alias]`.
    #[serde(skip_serializing_if = "is_default")]
    pub links: Vec<String>,
    /// Log driver.
    #[serde(skip_serializing_if = "is_default")]
    pub logging: Option<Logging>,
    /// Memory limit.
    #[serde(skip_serializing_if = "is_default")]
    pub mem_limit: ByteSize,
    /// Memory kept for it.
    #[serde(skip_serializing_if = "is_default")]
    pub mem_reservation: ByteSize,
    /// Memory and swap together; `-1` is unlimited.
    #[serde(skip_serializing_if = "is_default")]
    pub memswap_limit: ByteSize,
    /// Swappiness; `0` counts as not said.
    #[serde(skip_serializing_if = "is_default")]
    pub mem_swappiness: ByteSize,
    /// MAC address on the primary network.
    #[serde(skip_serializing_if = "is_default")]
    pub mac_address: String,
    /// Models it uses.
    #[serde(skip_serializing_if = "is_default")]
    pub models: BTreeMap<ModelKey, Option<ServiceModel>>,
    /// Network namespace: `host`, `none`, `bridge`, `service:x`, `container:x`, or a network.
    #[serde(skip_serializing_if = "is_default")]
    pub network_mode: String,
    /// Networks it joins.
    #[serde(skip_serializing_if = "is_default")]
    pub networks: BTreeMap<NetworkKey, Option<Box<ServiceNetwork>>>,
    /// Do not kill it when memory is short.
    #[serde(skip_serializing_if = "is_default")]
    pub oom_kill_disable: bool,
    /// How readily it is killed when memory is short.
    #[serde(skip_serializing_if = "is_default")]
    pub oom_score_adj: i64,
    /// PID namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub pid: String,
    /// The most processes; `0` counts as not said.
    #[serde(skip_serializing_if = "is_default")]
    pub pids_limit: i64,
    /// `os/arch[/variant]`.
    #[serde(skip_serializing_if = "is_default")]
    pub platform: String,
    /// Published ports.
    #[serde(skip_serializing_if = "is_default")]
    pub ports: Vec<Port>,
    /// With all privileges.
    #[serde(skip_serializing_if = "is_default")]
    pub privileged: bool,
    /// When its image is pulled.
    #[serde(skip_serializing_if = "is_default")]
    pub pull_policy: String,
    /// How old an image may be before it is pulled again. The reference accepts it without effect.
    #[serde(skip_serializing)]
    pub pull_refresh_after: String,
    /// Root file system read-only.
    #[serde(skip_serializing_if = "is_default")]
    pub read_only: bool,
    /// `no`, `always`, `on-failure[:n]`, `unless-stopped`.
    #[serde(skip_serializing_if = "is_default")]
    pub restart: String,
    /// OCI runtime.
    #[serde(skip_serializing_if = "is_default")]
    pub runtime: String,
    /// How many containers; wins over `deploy.replicas`.
    #[serde(skip_serializing_if = "is_default")]
    pub scale: Option<u32>,
    /// Secrets it gets.
    #[serde(skip_serializing_if = "is_default")]
    pub secrets: Vec<FileReference>,
    /// Security options.
    #[serde(skip_serializing_if = "is_default")]
    pub security_opt: Vec<String>,
    /// Size of `/dev/shm`.
    #[serde(skip_serializing_if = "is_default")]
    pub shm_size: ByteSize,
    /// Keep standard input open.
    #[serde(skip_serializing_if = "is_default")]
    pub stdin_open: bool,
    /// How long a stop may take before the kill.
    #[serde(skip_serializing_if = "is_default")]
    pub stop_grace_period: Option<SpecDuration>,
    /// The signal that asks it to stop.
    #[serde(skip_serializing_if = "is_default")]
    pub stop_signal: String,
    /// Options of the storage driver.
    #[serde(deserialize_with = "serial::text_values", skip_serializing_if = "is_default")]
    pub storage_opt: BTreeMap<String, String>,
    /// Kernel parameters.
    #[serde(skip_serializing_if = "is_default")]
    pub sysctls: BTreeMap<String, String>,
    /// Paths in memory: `path[:options]`.
    #[serde(skip_serializing_if = "is_default")]
    pub tmpfs: Vec<String>,
    /// With a terminal.
    #[serde(skip_serializing_if = "is_default")]
    pub tty: bool,
    /// Resource limits of the process.
    #[serde(skip_serializing_if = "is_default")]
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Give it the engine's socket and the user's credentials.
    #[serde(skip_serializing_if = "is_default")]
    pub use_api_socket: bool,
    /// User of the process.
    #[serde(skip_serializing_if = "is_default")]
    pub user: String,
    /// User namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub userns_mode: String,
    /// UTS namespace.
    #[serde(skip_serializing_if = "is_default")]
    pub uts: String,
    /// Mounts.
    #[serde(skip_serializing_if = "is_default")]
    pub volumes: Vec<Mount>,
    /// Take all mounts of: `service[:ro]` or `container:name[:ro]`.
    #[serde(skip_serializing_if = "is_default")]
    pub volumes_from: Vec<String>,
    /// Folder of the process.
    #[serde(skip_serializing_if = "is_default")]
    pub working_dir: String,
    /// Run in containers of their own before the first start.
    #[serde(skip_serializing_if = "is_default")]
    pub pre_start: Vec<Hook>,
    /// Run inside after a start.
    #[serde(skip_serializing_if = "is_default")]
    pub post_start: Vec<Hook>,
    /// Run inside before a stop.
    #[serde(skip_serializing_if = "is_default")]
    pub pre_stop: Vec<Hook>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

impl Service {
    /// How many containers: `scale`, else `deploy.replicas`, else one.
    pub fn replicas(&self) -> u32 {
        self.scale.or_else(|| self.deploy.as_ref().and_then(|deploy| deploy.replicas)).unwrap_or(1)
    }
}

/// One entry of `depends_on`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Dependency {
    /// What to wait for.
    pub condition: DependencyCondition,
    /// Restart the dependent when the dependency is replaced or restarted.
    #[serde(skip_serializing_if = "is_default")]
    pub restart: bool,
    /// Whether a missing or failed dependency is an error rather than a warning.
    pub required: bool,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// What a dependent waits for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DependencyCondition {
    /// Its containers were started.
    #[default]
    ServiceStarted,
    /// All its containers are healthy.
    ServiceHealthy,
    /// A container of it has exited with 0.
    ServiceCompletedSuccessfully,
}

/// `blkio_config`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BlkioConfig {
    /// Relative weight, 10–1000.
    #[serde(skip_serializing_if = "is_default")]
    pub weight: u16,
    /// Weight per device.
    #[serde(skip_serializing_if = "is_default")]
    pub weight_device: Vec<WeightDevice>,
    /// Bytes per second read.
    #[serde(skip_serializing_if = "is_default")]
    pub device_read_bps: Vec<ThrottleDevice>,
    /// Reads per second.
    #[serde(skip_serializing_if = "is_default")]
    pub device_read_iops: Vec<ThrottleDevice>,
    /// Bytes per second written.
    #[serde(skip_serializing_if = "is_default")]
    pub device_write_bps: Vec<ThrottleDevice>,
    /// Writes per second.
    #[serde(skip_serializing_if = "is_default")]
    pub device_write_iops: Vec<ThrottleDevice>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A weight for one device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WeightDevice {
    /// Device path.
    pub path: String,
    /// Relative weight.
    pub weight: u16,
    /// `x-*`; the reference does not show them here.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing)]
    pub extensions: Extensions,
}

/// A rate for one device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ThrottleDevice {
    /// Device path.
    pub path: String,
    /// Bytes or operations per second.
    pub rate: ByteSize,
    /// `x-*`; the reference does not show them here.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing)]
    pub extensions: Extensions,
}

/// `credential_spec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CredentialSpec {
    /// Name of a config.
    #[serde(skip_serializing_if = "is_default")]
    pub config: String,
    /// Path of a file.
    #[serde(skip_serializing_if = "is_default")]
    pub file: String,
    /// Registry value.
    #[serde(skip_serializing_if = "is_default")]
    pub registry: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// One device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Device {
    /// Path on the host, or a CDI name.
    #[serde(skip_serializing_if = "is_default")]
    pub source: String,
    /// Path in the container.
    #[serde(skip_serializing_if = "is_default")]
    pub target: String,
    /// Any of `r`, `w`, `m`.
    #[serde(skip_serializing_if = "is_default")]
    pub permissions: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// One file of variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EnvFile {
    /// Absolute path.
    #[serde(skip_serializing_if = "is_default")]
    pub path: String,
    /// Whether its absence is an error.
    pub required: bool,
    /// Empty for the dotenv grammar, `raw` for literal lines.
    #[serde(skip_serializing_if = "is_default")]
    pub format: String,
}

/// `extends`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Extends {
    /// The file of the base; empty for the same one.
    #[serde(skip_serializing_if = "is_default")]
    pub file: String,
    /// The base.
    #[serde(skip_serializing_if = "is_default")]
    pub service: String,
}

/// A command that runs at a point of a container's life.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Hook {
    /// The command; JSON shows it even when it is missing.
    pub command: Option<Vec<String>>,
    /// Image of a `pre_start` container; empty for the service's.
    #[serde(skip_serializing_if = "is_default")]
    pub image: String,
    /// User.
    #[serde(skip_serializing_if = "is_default")]
    pub user: String,
    /// With elevated privileges.
    #[serde(skip_serializing_if = "is_default")]
    pub privileged: bool,
    /// Folder.
    #[serde(skip_serializing_if = "is_default")]
    pub working_dir: String,
    /// Further variables.
    #[serde(skip_serializing_if = "is_default")]
    pub environment: EnvironmentMap,
    /// `pre_start` once per replica; not supported by the reference.
    #[serde(skip_serializing_if = "is_default")]
    pub per_replica: bool,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// `logging`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Logging {
    /// The log driver; empty for the engine's default.
    #[serde(skip_serializing_if = "is_default")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "is_default")]
    pub options: BTreeMap<String, String>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A model at the top level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Model {
    /// Display name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Model reference.
    #[serde(skip_serializing_if = "is_default")]
    pub model: String,
    /// Context size in tokens.
    #[serde(skip_serializing_if = "is_default")]
    pub context_size: i64,
    /// Flags of the runtime.
    #[serde(skip_serializing_if = "is_default")]
    pub runtime_flags: Vec<String>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A service's use of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServiceModel {
    /// Variable for the endpoint.
    #[serde(skip_serializing_if = "is_default")]
    pub endpoint_var: String,
    /// Variable for the model.
    #[serde(skip_serializing_if = "is_default")]
    pub model_var: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A service that an external program provides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Provider {
    /// Program or Docker CLI plugin.
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub kind: String,
    /// Its options; each a list of values.
    #[serde(skip_serializing_if = "is_default")]
    pub options: BTreeMap<String, Vec<String>>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A resource limit of the process: one number for both limits, or a soft and a hard one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ulimit {
    /// Both limits in one; `0` when `soft` and `hard` count.
    pub single: i64,
    /// Soft limit.
    pub soft: i64,
    /// Hard limit.
    pub hard: i64,
}
