//! The closed list of things a plan can do on a single engine: one variant is one engine call, or one wait.

use super::{OneOff, StepId};
use crate::lower::bake::Wish;
use crate::model::{DependencyCondition, ModelKey, NetworkKey, ServiceName, VolumeKey};
use crate::observe::{Container, ContainerId};
use schemars::JsonSchema;
use serde::Serialize;

/// One engine call, or one wait.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// `POST /images/create`.
    PullImage {
        /// The reference to pull.
        image: String,
        /// `os/arch`, when a service asks for one.
        #[serde(skip_serializing_if = "Option::is_none")]
        platform: Option<String>,
        /// The service whose build makes it when no registry has it.
        #[serde(skip_serializing_if = "Option::is_none")]
        or_build: Option<ServiceName>,
        /// Services that use it.
        services: Vec<ServiceName>,
    },
    /// `POST /build`, or what stands in for it.
    BuildImage {
        /// The service whose `build` it is.
        service: ServiceName,
        /// The name the image gets.
        image: String,
        /// What becomes of it.
        #[serde(flatten)]
        wish: Wish,
    },
    /// `POST /images/{name}/push`.
    PushImage {
        /// The reference.
        image: String,
        /// The service whose image it is.
        service: ServiceName,
    },
    /// `docker model pull`, when it is not there, and `docker model configure`.
    PrepareModel {
        /// Its key in the file.
        key: ModelKey,
        /// The reference.
        model: String,
        /// It has to be pulled.
        pull: bool,
    },
    /// `DELETE /images/{name}`.
    RemoveImage {
        /// The reference.
        image: String,
    },
    /// `POST /networks/create`.
    CreateNetwork {
        /// Its key in the file.
        key: NetworkKey,
        /// Its name in the engine.
        name: String,
    },
    /// `DELETE /networks/{id}`.
    RemoveNetwork {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// `POST /networks/{id}/connect`.
    ConnectNetwork {
        /// The network's name.
        network: String,
        /// Its key, for aliases and addresses.
        key: NetworkKey,
        /// The container.
        container: ContainerRef,
    },
    /// `POST /networks/{id}/disconnect`.
    DisconnectNetwork {
        /// The network's name.
        network: String,
        /// The container.
        container: ContainerRef,
    },
    /// `POST /volumes/create`.
    CreateVolume {
        /// Its key in the file.
        key: VolumeKey,
        /// Its name in the engine.
        name: String,
    },
    /// `DELETE /volumes/{name}`.
    RemoveVolume {
        /// Its name.
        name: String,
    },
    /// Copies what is in a volume to another one and compares both: `GET` and `PUT /containers/{id}/archive` of a container that
    /// is created for it, never started, and removed.
    CopyVolume {
        /// The name of the one that is read.
        from: String,
        /// The name of the one that is written.
        to: String,
        /// The image that the container is made of. None of its programs run.
        image: String,
    },
    /// `POST /volumes/create` of one that keeps the data of another one while that is replaced.
    CreateKeeper {
        /// Its name.
        name: String,
        /// The name of the other one.
        of: String,
    },
    /// `POST /containers/create`.
    CreateContainer {
        /// The service it is a replica of.
        service: ServiceName,
        /// Its number.
        number: u32,
        /// The name it is created under (a temporary one when it replaces another).
        name: String,
        /// The container it replaces: its anonymous volumes move over.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaces: Option<ContainerId>,
        /// `-V`: anonymous volumes do not move over, it gets fresh ones.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        fresh_volumes: bool,
        /// Hashes of the contents of its configs and secrets, by `config:KEY` and `secret:KEY`.
        #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        contents: std::collections::BTreeMap<String, String>,
    },
    /// `POST /containers/create` for one command.
    CreateOneOff {
        /// What is asked for.
        one_off: OneOff,
        /// Hashes of the contents of its configs and secrets, by `config:KEY` and `secret:KEY`.
        #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        contents: std::collections::BTreeMap<String, String>,
    },
    /// `POST /containers/{id}/update`: limits and restart policy, in place.
    UpdateContainer {
        /// The container.
        container: ContainerRef,
    },
    /// `POST /containers/{id}/start`, with what has to be put into it first.
    StartContainer {
        /// The container.
        container: ContainerRef,
    },
    /// `POST /containers/{id}/stop`.
    StopContainer {
        /// The container.
        container: ContainerRef,
        /// Seconds before the kill; `None` is the container's own grace.
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout_s: Option<i64>,
    },
    /// `POST /containers/{id}/restart`.
    RestartContainer {
        /// The container.
        container: ContainerRef,
        /// Seconds before the kill; `None` is the container's own grace.
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout_s: Option<i64>,
    },
    /// `POST /containers/{id}/kill`.
    KillContainer {
        /// The container.
        container: ContainerRef,
        /// Signal name or number.
        signal: String,
    },
    /// `DELETE /containers/{id}`.
    RemoveContainer {
        /// The container.
        container: ContainerRef,
        /// Its anonymous volumes go too.
        volumes: bool,
        /// Even when it runs.
        force: bool,
    },
    /// `POST /containers/{id}/rename`.
    RenameContainer {
        /// The container.
        container: ContainerRef,
        /// Its new name.
        to: String,
    },
    /// `POST /containers/{id}/pause`.
    PauseContainer {
        /// The container.
        container: ContainerRef,
    },
    /// `POST /containers/{id}/unpause`.
    UnpauseContainer {
        /// The container.
        container: ContainerRef,
    },
    /// Runs a hook: an exec inside, or a container of its own.
    RunHook {
        /// The container.
        container: ContainerRef,
        /// Which list it is in.
        phase: HookPhase,
        /// Its place in the list.
        index: usize,
    },
    /// Puts down, on the engine, what containers were changed to in place, because their own labels cannot change:
    /// `POST /networks/create` of a network that only keeps labels, and `DELETE` of the one it takes the place of.
    WriteNotes {
        /// Its name.
        name: String,
        /// Counts up, so that of two the newer is known.
        generation: u64,
        /// By container id: the hash of the definition it was changed to; `None` while it is being changed.
        notes: std::collections::BTreeMap<String, Option<String>>,
        /// The name of the one it takes the place of.
        #[serde(skip_serializing_if = "Option::is_none")]
        supersedes: Option<String>,
    },
    /// `DELETE /networks/{id}` of such a network, or of one of `MarkHooks`: no container is left that it says anything about.
    RemoveNotes {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// Puts down, on the engine, that a container's `post_start` hooks are to be run, before it is started: `POST
    /// /networks/create` of a network that only keeps labels.
    MarkHooks {
        /// The container.
        container: ContainerRef,
    },
    /// They have run: `DELETE /networks/{id}`.
    ClearHooks {
        /// The container.
        container: ContainerRef,
        /// The network's id, where it was seen; otherwise it goes by its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Lets time pass before the next containers of a service are replaced (`update_config.delay`).
    Delay {
        /// The service.
        service: ServiceName,
        /// Milliseconds.
        for_ms: u64,
    },
    /// Watches a new container for failure (`update_config.monitor`).
    Monitor {
        /// The container.
        container: ContainerRef,
        /// Milliseconds.
        for_ms: u64,
    },
    /// Waits until a service's containers have reached a state.
    Wait {
        /// The service waited for.
        service: ServiceName,
        /// Its containers.
        containers: Vec<ContainerRef>,
        /// The state.
        until: Until,
        /// Seconds allowed; `None` waits as long as it can still come true.
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout_s: Option<u64>,
        /// Seconds that a container without a probe must run before it is believed, where the user said how many.
        #[serde(skip_serializing_if = "Option::is_none")]
        stable_s: Option<u64>,
    },
    /// Runs a provider's program.
    RunProvider {
        /// The service it provides.
        service: ServiceName,
        /// `up`, `down` or `stop`.
        verb: String,
    },
}

/// A container an action is about, and how people call it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ContainerRef {
    /// Which one.
    pub target: Target,
    /// The name it has, or will have at the end.
    pub name: String,
    /// Its service.
    pub service: ServiceName,
}

/// Which container: there is no way to name one that does not exist yet, other than by the step that makes it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// It was there when the plan was made.
    Existing(ContainerId),
    /// A step of this plan creates it.
    CreatedBy(StepId),
}

/// What a wait is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// The condition of a `depends_on`.
    Condition(DependencyCondition),
    /// `--wait`: healthy when there is a probe, running otherwise; a one-shot may have exited with 0.
    Goal,
}

/// Which list a hook is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookPhase {
    /// Before the first start, in a container of its own.
    PreStart,
    /// After a start, inside.
    PostStart,
    /// Before a stop, inside.
    PreStop,
}

impl ContainerRef {
    /// A container that is there.
    pub fn to(container: &Container) -> Self {
        Self {
            target: Target::Existing(container.id.clone()),
            name: container.name.clone(),
            service: container.identity.service.clone(),
        }
    }
}

impl Action {
    /// What the action is about, as rows show it: `Container p-web-1`, `Network p_default`.
    pub fn subject(&self) -> String {
        match self {
            Self::PullImage { image, .. }
            | Self::BuildImage { image, .. }
            | Self::PushImage { image, .. }
            | Self::RemoveImage { image } => format!("Image {image}"),
            Self::PrepareModel { key, .. } => format!("Model {key}"),
            Self::CreateNetwork { name, .. }
            | Self::RemoveNetwork { name, .. }
            | Self::WriteNotes { name, .. }
            | Self::RemoveNotes { name, .. } => format!("Network {name}"),
            Self::CreateVolume { name, .. }
            | Self::RemoveVolume { name }
            | Self::CreateKeeper { name, .. }
            | Self::CopyVolume { to: name, .. } => format!("Volume {name}"),
            Self::CreateContainer { name, .. } => format!("Container {name}"),
            Self::CreateOneOff { one_off, .. } => format!("Container {}", one_off.name),
            Self::ConnectNetwork { container, .. }
            | Self::DisconnectNetwork { container, .. }
            | Self::UpdateContainer { container }
            | Self::StartContainer { container }
            | Self::StopContainer { container, .. }
            | Self::RestartContainer { container, .. }
            | Self::KillContainer { container, .. }
            | Self::RemoveContainer { container, .. }
            | Self::RenameContainer { container, .. }
            | Self::PauseContainer { container }
            | Self::UnpauseContainer { container }
            | Self::Monitor { container, .. }
            | Self::RunHook { container, .. }
            | Self::MarkHooks { container }
            | Self::ClearHooks { container, .. } => format!("Container {}", container.name),
            Self::Wait { service, .. } | Self::RunProvider { service, .. } | Self::Delay { service, .. } => {
                format!("Service {service}")
            }
        }
    }

    /// The service whose containers the action is about, when it is about one's.
    pub fn service(&self) -> Option<&ServiceName> {
        if let Self::BuildImage { service, .. }
        | Self::PushImage { service, .. }
        | Self::CreateContainer { service, .. }
        | Self::Wait { service, .. }
        | Self::RunProvider { service, .. }
        | Self::Delay { service, .. } = self
        {
            return Some(service);
        }
        if let Self::CreateOneOff { one_off, .. } = self {
            return Some(&one_off.service);
        }
        self.container().map(|container| &container.service)
    }

    /// The container the action acts on, when it acts on one.
    pub fn container(&self) -> Option<&ContainerRef> {
        match self {
            Self::ConnectNetwork { container, .. }
            | Self::DisconnectNetwork { container, .. }
            | Self::UpdateContainer { container }
            | Self::StartContainer { container }
            | Self::StopContainer { container, .. }
            | Self::RestartContainer { container, .. }
            | Self::KillContainer { container, .. }
            | Self::RemoveContainer { container, .. }
            | Self::RenameContainer { container, .. }
            | Self::PauseContainer { container }
            | Self::UnpauseContainer { container }
            | Self::Monitor { container, .. }
            | Self::RunHook { container, .. }
            | Self::MarkHooks { container }
            | Self::ClearHooks { container, .. } => Some(container),
            Self::PullImage { .. }
            | Self::BuildImage { .. }
            | Self::PushImage { .. }
            | Self::PrepareModel { .. }
            | Self::CreateNetwork { .. }
            | Self::RemoveNetwork { .. }
            | Self::CreateVolume { .. }
            | Self::RemoveVolume { .. }
            | Self::CreateKeeper { .. }
            | Self::CopyVolume { .. }
            | Self::CreateContainer { .. }
            | Self::CreateOneOff { .. }
            | Self::RemoveImage { .. }
            | Self::WriteNotes { .. }
            | Self::RemoveNotes { .. }
            | Self::Delay { .. }
            | Self::Wait { .. }
            | Self::RunProvider { .. } => None,
        }
    }
}
