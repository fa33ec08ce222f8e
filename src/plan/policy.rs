//! What the user asked for beside the file.

use crate::model::{Provided, ServiceName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a plan is to be made: the meaning of the flags, without their spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// The services named on the command line; empty means all.
    pub selected: BTreeSet<ServiceName>,
    /// Recreation of the selected services.
    pub recreate: Recreate,
    /// Recreation of the others (dependencies).
    pub recreate_dependencies: Recreate,
    /// Which anonymous volumes new containers get.
    pub anonymous_volumes: AnonymousVolumes,
    /// Replica counts that win over the file.
    pub scale: BTreeMap<ServiceName, u32>,
    /// What happens to containers whose service left the file.
    pub orphans: OrphanPolicy,
    /// Images.
    pub images: ImagePolicy,
    /// Seconds before a kill, where the user gave one.
    pub timeout_s: Option<i64>,
    /// Create, but do not start.
    pub no_start: bool,
    /// Wait for every service's goal at the end, with this many seconds at most (`Some(None)`: no limit).
    pub wait: Option<Option<u64>>,
    /// Seconds that a container without a probe must run before that wait believes it, where the user gave a number.
    pub stable_s: Option<u64>,
    /// Compare every field of every container, not only what the lists show.
    pub drift: bool,
    /// Volumes whose replacement the user has agreed to, by name.
    pub replace_volumes: BTreeMap<String, OldData>,
    /// The user has agreed to the replacement of every volume whose definition changed.
    pub replace_all_volumes: Option<OldData>,
    /// A container that is made for one command; its service's own containers are left as they are.
    pub one_off: Option<OneOff>,
    /// What providers gave that have run already; they are not run again.
    #[serde(skip)]
    pub provided: Provided,
}

/// A container that is made for one command (`run`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OneOff {
    /// The service whose definition it has.
    pub service: ServiceName,
    /// Its name.
    pub name: String,
    /// It answers to its service's name and aliases on the networks, too.
    pub aliases: bool,
    /// The engine removes it, and its anonymous volumes, when it has ended.
    pub remove: bool,
}

/// When containers are replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recreate {
    /// When they differ from the file.
    #[default]
    Diverged,
    /// Always.
    Force,
    /// Never.
    Never,
}

/// Which anonymous volumes new containers get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnonymousVolumes {
    /// Those of the containers that they replace.
    #[default]
    Kept,
    /// Fresh ones.
    Fresh,
    /// Also those of containers that were removed before.
    Reattached,
}

/// What becomes of the data of a volume that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OldData {
    /// It is copied to the new one.
    Moves,
    /// It is lost.
    Lost,
}

/// What happens to containers whose service left the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrphanPolicy {
    /// They are named in a warning.
    #[default]
    Warn,
    /// They are removed.
    Remove,
    /// They are not mentioned.
    Ignore,
}

/// How images are come by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImagePolicy {
    /// `--pull`: wins over every service's `pull_policy`.
    pub pull: Option<String>,
    /// `--build`: build all that can be built.
    pub build: bool,
    /// `--build=auto`: build what is older than its sources.
    pub build_stale: bool,
    /// Services whose image is to be built.
    pub build_only: BTreeSet<ServiceName>,
    /// `--no-build`: never build.
    pub no_build: bool,
}
