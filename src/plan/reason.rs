//! Why a step is in a plan: a closed list, each with the values that made it so.

use crate::model::{NetworkKey, ServiceName, VolumeKey};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// One attribute that differs. Values are short texts, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldChange {
    /// The attribute, in the specification's names: `environment.LOG_LEVEL`.
    pub field: String,
    /// What the container has; `None` when it has nothing there.
    pub old: Option<String>,
    /// What the file says; `None` when it says nothing.
    pub new: Option<String>,
}

/// Why a step is in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// It is not there.
    Missing,
    /// The file says something else than the container was made from.
    ConfigChanged {
        /// What differs; empty when only the hashes are known.
        fields: Vec<FieldChange>,
    },
    /// The image behind the name is another one now.
    ImageChanged {
        /// The name.
        image: String,
        /// The digest the container was made from.
        from: String,
        /// The digest of the local image.
        to: String,
    },
    /// Configs or secrets it was given have other contents now.
    ContentChanged {
        /// Which: `config settings`, `secret token`.
        files: Vec<String>,
    },
    /// The engine has something else than the container was made from: somebody changed it by hand.
    Drifted {
        /// What differs.
        fields: Vec<FieldChange>,
    },
    /// It is attached to a network that its service does not name.
    NetworkExtra {
        /// The network's name.
        network: String,
    },
    /// The update of its service failed: what was begun is taken back.
    UpdateFailed {
        /// The service.
        service: ServiceName,
    },
    /// A run that was cut short, or one of the hooks failed: not all of its `post_start` hooks have run.
    HooksDue,
    /// It keeps the project's own books.
    Bookkeeping,
    /// A network it is attached to is replaced, or it is not attached to one it should be.
    NetworkChanged {
        /// The network.
        network: NetworkKey,
    },
    /// A volume it mounts is replaced, or it does not mount one it should.
    VolumeChanged {
        /// The volume.
        volume: VolumeKey,
    },
    /// A container whose namespace or volumes it shares is replaced.
    ParentRecreated {
        /// The service of that container.
        service: ServiceName,
    },
    /// A dependency with `restart: true` is replaced or restarted.
    DependencyRestarted {
        /// The dependency.
        service: ServiceName,
    },
    /// `--force-recreate`, `--always-recreate-deps` or `-V`.
    Forced,
    /// `--reattach`: it does not mount the anonymous volume that the container before it had.
    Reattached {
        /// Where it is mounted.
        destination: String,
    },
    /// There are more containers than wanted.
    ScaledDown {
        /// How many are wanted.
        to: u32,
    },
    /// Its service is no longer in the file.
    Orphan,
    /// A run that did not end left it under a temporary name.
    Repair {
        /// The name it was found under.
        from: String,
    },
    /// It should run and does not.
    NotRunning {
        /// The state it was seen in.
        status: String,
    },
    /// The user asked for just this.
    Requested,
    /// Something else in the plan needs it.
    NeededBy {
        /// What needs it.
        subject: String,
    },
    /// A dependent must not start before this is true.
    Gate {
        /// The dependent.
        service: ServiceName,
    },
    /// The pull policy, or `--pull`, says so.
    PullPolicy {
        /// The policy.
        policy: String,
    },
    /// The image is not there.
    ImageMissing,
    /// `--build`, or `pull_policy: build`.
    BuildRequested,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("does not exist"),
            Self::ConfigChanged { fields } if fields.is_empty() => {
                formatter.write_str("its configuration changed")
            }
            Self::Drifted { fields } if fields.is_empty() => formatter.write_str("was changed by hand"),
            Self::ContentChanged { files } => {
                write!(formatter, "content of {} changed", files.join(", "))
            }
            Self::NetworkExtra { network } => {
                write!(formatter, "network `{network}` is not one of its service's")
            }
            Self::UpdateFailed { service } => write!(formatter, "the update of `{service}` failed"),
            Self::HooksDue => {
                formatter.write_str("an interrupted or failed run did not finish its post_start hooks")
            }
            Self::Bookkeeping => formatter.write_str("keeps the project's books"),
            Self::ConfigChanged { fields } | Self::Drifted { fields } => {
                for (position, change) in fields.iter().enumerate() {
                    if position > 0 {
                        formatter.write_str(", ")?;
                    }
                    write!(formatter, "{change}")?;
                }
                Ok(())
            }
            Self::ImageChanged { image, from, to } => {
                write!(formatter, "image {image}: {} → {}", short_digest(from), short_digest(to))
            }
            Self::NetworkChanged { network } => write!(formatter, "network `{network}` changed"),
            Self::VolumeChanged { volume } => write!(formatter, "volume `{volume}` changed"),
            Self::ParentRecreated { service } => {
                write!(formatter, "shares namespaces or volumes with `{service}`, which is replaced")
            }
            Self::DependencyRestarted { service } => {
                write!(formatter, "`{service}` is restarted (restart: true)")
            }
            Self::Forced => formatter.write_str("recreation was asked for"),
            Self::Reattached { destination } => {
                write!(formatter, "`{destination}` gets back the anonymous volume of before")
            }
            Self::ScaledDown { to } => write!(formatter, "scaled to {to}"),
            Self::Orphan => formatter.write_str("its service is not in the file"),
            Self::Repair { from } => write!(formatter, "an interrupted run left it as `{from}`"),
            Self::NotRunning { status } => write!(formatter, "is {status}"),
            Self::Requested => formatter.write_str("asked for"),
            Self::NeededBy { subject } => write!(formatter, "needed by {subject}"),
            Self::Gate { service } => write!(formatter, "`{service}` depends on it"),
            Self::PullPolicy { policy } => write!(formatter, "pull policy `{policy}`"),
            Self::ImageMissing => formatter.write_str("the image is not there"),
            Self::BuildRequested => formatter.write_str("a build was asked for"),
        }
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
        write!(formatter, "{}: {} → {}", self.field, value(&self.old), value(&self.new))
    }
}

/// `sha256:0123…` to its first 12 digits, as people know them.
fn short_digest(digest: &str) -> &str {
    let hex = digest.rsplit(':').next().unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}
