//! The typed, canonical Compose model: short syntax gone, paths absolute, names validated.
//!
//! In: a canonical tree (see [`crate::load`]). Out: a [`Project`], plain data that the graph, the lowering and the
//! planner read. Deliberately absent: spans (they live in [`Origins`], only read when something is wrong), engine
//! types, I/O. Field order inside each struct is the order in which the reference writes it, because the config hash
//! ([`hash`]) is taken over that text.

mod build;
pub mod check;
pub mod decode;
mod deploy;
mod develop;
mod environment;
mod file_object;
mod healthcheck;
mod mount;
mod name;
mod namespace;
mod network;
pub mod output;
mod port;
mod serial;
mod service;
mod units;
mod volume;

pub mod hash;
pub mod instance;
pub mod label;

pub use build::{BuildConfig, BuildSecret, SshKey};
pub use deploy::{
    DeployConfig, DeviceRequest, DiscreteResource, GenericResource, Placement, PlacementPreference,
    ResourceLimits, ResourceReservations, Resources, RestartPolicyConfig, UpdateConfig, UpdateOrder,
};
pub use develop::{DevelopConfig, WatchAction, WatchExec, WatchRule};
pub use environment::{Environment, EnvironmentMap};
pub use file_object::{FileObject, FileReference};
pub use healthcheck::{HealthTest, Healthcheck};
pub use instance::Instance;
pub use mount::{BindOptions, ImageOptions, Mount, MountType, TmpfsOptions, VolumeOptions};
pub use name::{ConfigKey, ModelKey, NetworkKey, ProjectName, SecretKey, ServiceName, VolumeKey};
pub use network::{Ipam, IpamPool, Network, ServiceNetwork};
pub use port::Port;
pub use service::{
    BlkioConfig, CredentialSpec, Dependency, DependencyCondition, Device, EnvFile, Extends, Hook, Logging,
    Model, Provider, Service, ServiceModel, ThrottleDevice, Ulimit, WeightDevice,
};
pub use units::{ByteSize, SpecDuration, UnitError};
pub use volume::Volume;

use crate::source::Span;
use crate::yaml::{Data, Node, NodePath, PathSegment};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Free-form `x-*` values, kept for `config` and for tools.
pub type Extensions = BTreeMap<String, serde_yaml::Value>;

/// Variables for the services that depend on a provider, by provider.
pub type Provided = BTreeMap<ServiceName, Vec<(String, String)>>;

/// A loaded project: everything that the stack files say, resolved.
///
/// Maps are ordered by key: the reference sorts wherever order can be seen.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The name that containers, networks and volumes carry.
    pub name: ProjectName,
    /// The base of relative paths; absolute.
    pub working_dir: PathBuf,
    /// The stack files in merge order, as the `config_files` label lists them.
    pub files: Vec<PathBuf>,
    /// The `--env-file` arguments, absolute; empty when only the default `.env` was read.
    pub env_files: Vec<PathBuf>,
    /// Services that take part.
    pub services: BTreeMap<ServiceName, Box<Service>>,
    /// Services that an inactive profile or a selection leaves out. They are not orphans.
    pub disabled_services: BTreeMap<ServiceName, Box<Service>>,
    /// Networks that a service uses (all of them with `--all-resources`).
    pub networks: BTreeMap<NetworkKey, Network>,
    /// Named volumes that a service uses.
    pub volumes: BTreeMap<VolumeKey, Volume>,
    /// Configs that a service uses.
    pub configs: BTreeMap<ConfigKey, FileObject>,
    /// Secrets that a service uses.
    pub secrets: BTreeMap<SecretKey, FileObject>,
    /// Models that a service uses.
    pub models: BTreeMap<ModelKey, Model>,
    /// Top-level `x-*`.
    pub extensions: Extensions,
    /// The interpolation environment: process variables over `.env`.
    pub environment: Arc<Environment>,
    /// Active profiles.
    pub profiles: Vec<String>,
    /// `--compatibility`: container names are joined with `_`.
    pub compatibility: bool,
    /// What makes it an instance; `None` for the project itself.
    pub instance: Option<Box<Instance>>,
    /// Where each value was written.
    pub origins: Arc<Origins>,
}

impl Project {
    /// `-`, or `_` with `--compatibility`: what joins project, service and number in a container's name.
    pub fn separator(&self) -> &'static str {
        if self.compatibility { "_" } else { "-" }
    }

    /// The name of replica `number` of a service: `container_name`, or `project-service-number`.
    pub fn container_name(&self, service: &Service, number: u32) -> String {
        match &service.container_name {
            Some(name) => name.clone(),
            None => format!("{}{sep}{}{sep}{number}", self.name, service.name, sep = self.separator()),
        }
    }

    /// The image of a service: `image`, or `project-service` for one that is only built.
    pub fn image_name(&self, service: &Service) -> String {
        if service.image.is_empty() {
            format!("{}{}{}", self.name, self.separator(), service.name)
        } else {
            service.image.clone()
        }
    }

    /// `x-stack: {eager_health: …}`: whether probes may be run early while something waits for them; yes unless it says
    /// `false`.
    pub fn eager_health(&self) -> bool {
        let ours = self.extensions.get("x-stack");
        ours.and_then(|ours| ours.get("eager_health")).and_then(serde_yaml::Value::as_bool).unwrap_or(true)
    }

    /// A service that takes part, by its key.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name).map(AsRef::as_ref)
    }
}

/// Where each value of the model was written: the tree that it was decoded from, which is only read when something has
/// to be said about a value.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    tree: Option<Arc<Node>>,
    replaced: Vec<Replaced>,
}

/// One value that another took the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The address of both when that happened; a service that others extend has its own name in it.
    pub path: NodePath,
    /// Where the value that stayed is written; [`Span::NONE`] for whatever a tag put there.
    pub by: Span,
    /// Where the value that went is written.
    pub lost: Span,
}

impl Origins {
    /// The places of the values of a canonical tree.
    pub fn new(tree: Arc<Node>) -> Self {
        Self { tree: Some(tree), replaced: Vec::new() }
    }

    /// Adds what was overridden.
    pub fn remember(&mut self, replaced: Vec<Replaced>) {
        self.replaced = replaced;
    }

    /// The tree that the model was decoded from.
    pub fn tree(&self) -> Option<&Node> {
        self.tree.as_deref()
    }

    /// The places of what the value at `path` overrode, the nearest first, when the load was asked to remember them.
    pub fn replaced(&self, path: &NodePath) -> Vec<Span> {
        let own = self.span(path);
        let mut found: Vec<Span> = Vec::new();
        for replaced in self.replaced.iter().rev() {
            let above = path.0.starts_with(&replaced.path.0);
            let by_it = !replaced.by.is_some() || replaced.by.contains(own);
            if above && by_it && !replaced.lost.contains(own) && !found.contains(&replaced.lost) {
                found.push(replaced.lost);
            }
        }
        // What went had perhaps taken the place of something itself, under the name of the service that was extended.
        let mut next = 0;
        while let Some(lost) = found.get(next).copied() {
            next += 1;
            for replaced in self.replaced.iter().rev().filter(|replaced| replaced.by == lost) {
                if !found.contains(&replaced.lost) && replaced.lost != own {
                    found.push(replaced.lost);
                }
            }
        }
        found
    }

    /// Where the value at `path` stands, or the nearest value around it that somebody wrote; [`Span::NONE`] when
    /// nobody did.
    pub fn span(&self, path: &NodePath) -> Span {
        let mut nearest = Span::NONE;
        self.walk(path, |entry_span, node| {
            if node.span.is_some() {
                nearest = node.span;
            } else if entry_span.is_some() {
                nearest = entry_span;
            }
        });
        nearest
    }

    /// Where the key at `path` stands, or else what [`Origins::span`] says.
    pub fn key_span(&self, path: &NodePath) -> Span {
        let mut steps = 0;
        let mut found = Span::NONE;
        self.walk(path, |entry_span, _| {
            steps += 1;
            if steps == path.0.len() + 1 {
                found = entry_span;
            }
        });
        if found.is_some() { found } else { self.span(path) }
    }

    /// The value at `path`, as it was written.
    pub fn node(&self, path: &NodePath) -> Option<&Node> {
        let (mut found, mut steps) = (None, 0);
        self.walk(path, |_, node| {
            steps += 1;
            found = (steps == path.0.len() + 1).then_some(node);
        });
        found
    }

    /// Visits the nodes on the way to `path`, each with the span of its key, as far as the tree has them.
    fn walk<'a>(&'a self, path: &NodePath, mut visit: impl FnMut(Span, &'a Node)) {
        let Some(mut node) = self.tree.as_deref() else { return };
        visit(Span::NONE, node);
        for segment in &path.0 {
            let next = match (segment, &node.data) {
                (PathSegment::Key(key), Data::Mapping(mapping)) => {
                    mapping.entry(key).map(|entry| (entry.key_span, &entry.value))
                }
                (PathSegment::Index(index), Data::Sequence(items)) => {
                    items.get(*index).map(|item| (Span::NONE, item))
                }
                _ => None,
            };
            let Some((span, inner)) = next else { return };
            visit(span, inner);
            node = inner;
        }
    }
}
