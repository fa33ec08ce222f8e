//! `volumes` of a service: what is mounted where.

use super::{
    ByteSize, Extensions,
    serial::{self, is_default},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One mount in long form.
/// <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#volumes>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Mount {
    /// What kind of mount.
    #[serde(rename = "type")]
    pub kind: MountType,
    /// Host path, volume key or image; empty for an anonymous volume and for tmpfs.
    #[serde(skip_serializing_if = "is_default")]
    pub source: String,
    /// Path in the container.
    #[serde(skip_serializing_if = "is_default")]
    pub target: String,
    /// Mounted read-only.
    #[serde(skip_serializing_if = "is_default")]
    pub read_only: bool,
    /// Kept for Docker Desktop.
    #[serde(skip_serializing_if = "is_default")]
    pub consistency: String,
    /// Options of a bind.
    #[serde(skip_serializing_if = "is_default")]
    pub bind: Option<BindOptions>,
    /// Options of a volume.
    #[serde(skip_serializing_if = "is_default")]
    pub volume: Option<VolumeOptions>,
    /// Options of a tmpfs.
    #[serde(skip_serializing_if = "is_default")]
    pub tmpfs: Option<TmpfsOptions>,
    /// Options of an image mount.
    #[serde(skip_serializing_if = "is_default")]
    pub image: Option<ImageOptions>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// The kind of a mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MountType {
    /// A host path.
    Bind,
    /// A named or anonymous volume.
    #[default]
    Volume,
    /// Memory.
    Tmpfs,
    /// A swarm cluster volume.
    Cluster,
    /// A Windows named pipe.
    Npipe,
    /// An image's file system. Engine API 1.48.
    Image,
}

/// `bind:` of a mount.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BindOptions {
    /// Relabelling for `SELinux`: `z` or `Z`.
    #[serde(skip_serializing_if = "is_default")]
    pub selinux: String,
    /// Mount propagation.
    #[serde(skip_serializing_if = "is_default")]
    pub propagation: String,
    /// Make the host folder when it is missing.
    #[serde(skip_serializing_if = "is_default")]
    pub create_host_path: bool,
    /// How read-only reaches mounts below: `enabled`, `disabled`, `writable`, `readonly`.
    #[serde(skip_serializing_if = "is_default")]
    pub recursive: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// `volume:` of a mount.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct VolumeOptions {
    /// Labels of the volume that the mount makes.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Do not copy the image's files into a new volume.
    #[serde(skip_serializing_if = "is_default")]
    pub nocopy: bool,
    /// A folder inside the volume. Engine API 1.45.
    #[serde(skip_serializing_if = "is_default")]
    pub subpath: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// `tmpfs:` of a mount.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TmpfsOptions {
    /// Largest size.
    #[serde(skip_serializing_if = "is_default")]
    pub size: ByteSize,
    /// File mode bits of the root; a number, octal when it starts with `0`.
    #[serde(deserialize_with = "serial::bits", skip_serializing_if = "is_default")]
    pub mode: u32,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// `image:` of a mount.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ImageOptions {
    /// A folder inside the image.
    #[serde(skip_serializing_if = "is_default")]
    pub subpath: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}
