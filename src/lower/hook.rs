//! A hook to the program that runs inside a container.

use crate::model::Hook;

/// A program to run inside a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookCommand {
    /// Program and arguments.
    pub command: Vec<String>,
    /// `KEY=value` pairs.
    pub environment: Vec<String>,
    /// User; empty for the container's.
    pub user: String,
    /// Folder; empty for the container's.
    pub working_dir: String,
    /// With all privileges.
    pub privileged: bool,
}

/// Lowers a `post_start` or `pre_stop` hook.
pub fn lower(hook: &Hook) -> HookCommand {
    let Hook { command, image: _, user, privileged, working_dir, environment, per_replica: _, extensions: _ } =
        hook;
    HookCommand {
        command: command.clone().unwrap_or_default(),
        environment: environment
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            })
            .collect(),
        user: user.clone(),
        working_dir: working_dir.clone(),
        privileged: *privileged,
    }
}
