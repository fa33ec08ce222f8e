//! `develop`: what `watch` does when files change.

use super::{EnvironmentMap, Extensions, Hook, serial::is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// <https://github.com/compose-spec/compose-spec/blob/main/develop.md>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DevelopConfig {
    /// Rules in file order.
    #[serde(skip_serializing_if = "is_default")]
    pub watch: Vec<WatchRule>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WatchRule {
    /// The watched host path; absolute.
    #[serde(skip_serializing_if = "is_default")]
    pub path: String,
    /// What to do.
    pub action: WatchAction,
    /// Where synced files go in the container.
    #[serde(skip_serializing_if = "is_default")]
    pub target: String,
    /// What to run after a sync.
    pub exec: WatchExec,
    /// Patterns that count, when there are any.
    #[serde(skip_serializing_if = "is_default")]
    pub include: Vec<String>,
    /// Patterns that do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub ignore: Vec<String>,
    /// Sync everything at the start.
    #[serde(skip_serializing_if = "is_default")]
    pub initial_sync: bool,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WatchAction {
    /// Copy files into the containers.
    #[default]
    #[serde(rename = "sync")]
    Sync,
    /// Build the image and replace the containers.
    #[serde(rename = "rebuild")]
    Rebuild,
    /// Restart the containers.
    #[serde(rename = "restart")]
    Restart,
    /// Copy, then restart.
    #[serde(rename = "sync+restart")]
    SyncRestart,
    /// Copy, then run a command.
    #[serde(rename = "sync+exec")]
    SyncExec,
}

/// The command of `sync+exec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WatchExec {
    /// The command; JSON shows it even when it is missing.
    pub command: Option<Vec<String>>,
    /// User in the container.
    #[serde(skip_serializing_if = "is_default")]
    pub user: String,
    /// With elevated privileges.
    #[serde(skip_serializing_if = "is_default")]
    pub privileged: bool,
    /// Folder in the container.
    #[serde(skip_serializing_if = "is_default")]
    pub working_dir: String,
    /// Further variables.
    #[serde(skip_serializing_if = "is_default")]
    pub environment: EnvironmentMap,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

impl WatchExec {
    /// The same as a hook: both are programs that run inside a container.
    pub fn as_hook(&self) -> Hook {
        Hook {
            command: self.command.clone(),
            user: self.user.clone(),
            privileged: self.privileged,
            working_dir: self.working_dir.clone(),
            environment: self.environment.clone(),
            ..Hook::default()
        }
    }
}
