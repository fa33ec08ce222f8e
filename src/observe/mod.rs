//! What the engine has of a project, as seen at one moment.
//!
//! In: list answers of the engine. Out: [`ObservedState`], with the labels decoded once, here. Deliberately absent:
//! API structs, opinions. A view is always possibly stale: whoever acts on it must survive that.

mod details;
mod list;
mod live;
mod mask;

pub use details::{attached, details, users};
pub use list::{ObserveRequest, all_projects, observe, volumes};
pub use live::{LiveHealthcheck, LiveState, Probe, live_state};
pub use mask::{is_secret, mask};

use crate::lower::fields::is_random;
use crate::model::{NetworkKey, ProjectName, ServiceName, VolumeKey};
use std::collections::{BTreeMap, BTreeSet};

/// Everything of one project that the engine has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedState {
    /// Containers with the project's label, one-offs and hook leftovers included.
    pub containers: Vec<Container>,
    /// Networks with the project's label, and unlabelled ones that have a name the project wants.
    pub networks: Vec<ObservedNetwork>,
    /// Volumes, likewise.
    pub volumes: Vec<ObservedVolume>,
    /// Local images by the reference that was asked for; absent means not there.
    pub images: BTreeMap<String, ObservedImage>,
    /// What was put down about changes in place, the newest first; more than one when a run was cut short.
    pub notes: Vec<ObservedNotes>,
    /// The containers whose `post_start` hooks have not all run, as far as is known: a run that started them was cut short.
    pub hooks_due: Vec<HooksDue>,
    /// The engine has no call that changes a container's limits.
    pub cannot_update: bool,
    /// What was removed and left anonymous volumes that are still there, as far as is known.
    pub detached: Vec<Container>,
    /// The models that are there, by reference; asked for only when a service uses one.
    pub models: BTreeSet<String>,
    /// What containers are really made of, flattened; only for the ones somebody asked for.
    pub fields: BTreeMap<ContainerId, Fields>,
}

/// A container or a wish for one, flattened to `attribute path → value` in the Compose Specification's names
/// (`environment.LOG`, `ports`, `mem_limit`), so that two of them can be compared and the difference told.
pub type Fields = BTreeMap<String, serde_json::Value>;

/// A container's id: 64 hexadecimal digits.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct ContainerId(pub String);

impl ContainerId {
    /// The first 12 digits, as people know it.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl std::fmt::Display for ContainerId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A container of the project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Container {
    /// Its id.
    pub id: ContainerId,
    /// Its name, without the leading slash.
    pub name: String,
    /// What its labels say.
    pub identity: Identity,
    /// The image reference it was created from.
    pub image: String,
    /// The id of that image.
    pub image_id: String,
    /// The manifest that it was created from, where the image is a list of them and the engine tells.
    pub image_manifest: Option<String>,
    /// Its command line, as the engine shows it.
    pub command: String,
    /// When it was created, seconds since 1970.
    pub created: i64,
    /// Its state.
    pub status: ContainerStatus,
    /// Its health, when it has a probe.
    pub health: Option<Health>,
    /// The code of its last exit, when it has one.
    pub exit_code: Option<i64>,
    /// The engine's own sentence: `Up 2 minutes (healthy)`.
    pub status_text: String,
    /// Networks it is attached to, by network name.
    pub networks: BTreeMap<String, ObservedEndpoint>,
    /// What is mounted.
    pub mounts: Vec<ObservedMount>,
    /// Ports, published or exposed.
    pub ports: Vec<ObservedPort>,
    /// All its labels.
    pub labels: BTreeMap<String, String>,
}

/// What the labels of a container say about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// The project.
    pub project: ProjectName,
    /// The service.
    pub service: ServiceName,
    /// Its number within the service; one-offs have none.
    pub number: Option<u32>,
    /// Made by `run`.
    pub oneoff: bool,
    /// The hash of the definition it was created from; absent on hook containers.
    pub config_hash: Option<String>,
    /// What it was changed to in place since; its labels cannot say.
    pub in_place: InPlace,
    /// The hash of what of its definition only a new container can change.
    pub base_hash: Option<String>,
    /// Hashes of the contents of its configs and secrets, by `config:KEY` and `secret:KEY`; absent on containers that the
    /// reference made.
    pub contents: Option<BTreeMap<String, String>>,
    /// The digest of the image it was created from.
    pub image_digest: Option<String>,
    /// The container it was created to replace.
    pub replaces: Option<String>,
    /// `service:condition:restart`, comma separated.
    pub depends_on: Option<String>,
    /// Stack files it was made from, comma separated.
    pub config_files: Option<String>,
    /// The project directory it was made from.
    pub working_dir: Option<String>,
    /// The hook it was made for.
    pub hook: Option<String>,
}

/// What a container was changed to in place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum InPlace {
    /// It is what it was created as.
    #[default]
    Never,
    /// To the definition with this hash.
    To(String),
    /// A change was begun, and is not known to have ended.
    Unfinished,
}

impl Identity {
    /// The hash of the definition that the container is made after now; `None` when a change was cut short.
    pub fn current_hash(&self) -> Option<&str> {
        match &self.in_place {
            InPlace::Never => self.config_hash.as_deref(),
            InPlace::To(hash) => Some(hash),
            InPlace::Unfinished => None,
        }
    }
}

/// What is put down on the engine about changes in place: see `lower::notes`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedNotes {
    /// The network's id.
    pub id: String,
    /// The network's name.
    pub name: String,
    /// Counts up.
    pub generation: u64,
    /// By container id: the hash of the definition it was changed to; `None` while a change is under way.
    pub notes: BTreeMap<String, Option<String>>,
}

/// What is put down on the engine about a container whose `post_start` hooks are to be run: see `lower::notes`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HooksDue {
    /// The network's id.
    pub id: String,
    /// The network's name.
    pub name: String,
    /// The container.
    pub container: ContainerId,
}

/// State of a container.
/// <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerList>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ContainerStatus {
    /// Created, never started.
    #[default]
    Created,
    /// Running.
    Running,
    /// Paused.
    Paused,
    /// Exited, about to be started by its restart policy.
    Restarting,
    /// Being removed.
    Removing,
    /// Exited.
    Exited,
    /// Could not be removed.
    Dead,
    /// A state that this program does not know.
    Other(String),
}

impl ContainerStatus {
    /// The engine's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Other(text) => text,
        }
    }

    /// Reads the engine's word.
    pub fn parse(text: &str) -> Self {
        match text {
            "created" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" => Self::Exited,
            "dead" => Self::Dead,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether its process exists (running, paused or about to run again).
    pub fn is_alive(&self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }
}

/// Health of a container that has a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Not known yet.
    Starting,
    /// The last probe succeeded.
    Healthy,
    /// Too many probes failed.
    Unhealthy,
}

/// A container's attachment to a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedEndpoint {
    /// The network's id; empty while the container is stopped on some engines.
    pub network_id: String,
    /// The address on it, when running.
    pub address: String,
}

/// Something mounted in a container.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedMount {
    /// `bind`, `volume`, `tmpfs`, ….
    pub kind: String,
    /// A volume's name; empty otherwise.
    pub name: String,
    /// The host path.
    pub source: String,
    /// Path in the container.
    pub destination: String,
    /// Whether it can be written.
    pub writable: bool,
}

impl ObservedMount {
    /// Whether it is a volume that the engine named, because nobody else did.
    pub fn is_anonymous_volume(&self) -> bool {
        self.kind == "volume" && is_random(&self.name)
    }
}

/// A port of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObservedPort {
    /// Host address; empty when not published.
    pub host_ip: String,
    /// Host port; 0 when not published.
    pub published: u16,
    /// Container port.
    pub target: u16,
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
}

/// A network the project has or could take.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedNetwork {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The project in its labels, if any.
    pub project: Option<ProjectName>,
    /// The key in its labels, if any.
    pub key: Option<NetworkKey>,
    /// The hash in its labels, if any.
    pub config_hash: Option<String>,
    /// Its definition, flattened.
    pub fields: Fields,
    /// Its driver.
    pub driver: String,
    /// The containers that are in it, names by id: only asked for where it is to be replaced.
    pub attached: BTreeMap<String, String>,
}

/// A volume the project has or could take.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservedVolume {
    /// Its name.
    pub name: String,
    /// The project in its labels, if any.
    pub project: Option<ProjectName>,
    /// The key in its labels, if any.
    pub key: Option<VolumeKey>,
    /// The hash in its labels, if any.
    pub config_hash: Option<String>,
    /// Its definition, flattened.
    pub fields: Fields,
    /// Its driver.
    pub driver: String,
    /// The project directory it was made from, where its labels say so.
    pub working_dir: Option<String>,
    /// The volume whose data it keeps while that is replaced.
    pub moves: Option<String>,
    /// Who mounts it, whoever made them, by id their names; only known where it is about to be replaced.
    pub users: BTreeMap<String, String>,
}

/// A local image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedImage {
    /// Its id (`sha256:…`).
    pub id: String,
    /// What the `image` label of containers made from it says.
    pub digest: String,
    /// The digests of its manifests for platforms, where it is a list of them and the engine tells.
    pub manifests: BTreeSet<String>,
}

impl ObservedImage {
    /// One of which the id is all that is known.
    pub fn of(id: &str) -> Self {
        Self { id: id.to_owned(), digest: id.to_owned(), manifests: BTreeSet::new() }
    }

    /// Whether a container runs what this image is: also when that is a new list around the same manifest, as a build makes
    /// whose attestation alone differs.
    pub fn is_of(&self, container: &Container) -> bool {
        container.image_id == self.id
            || container.image_manifest.as_ref().is_some_and(|manifest| self.manifests.contains(manifest))
    }
}
