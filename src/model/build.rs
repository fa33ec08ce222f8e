//! `build`: how an image is made from source.

use super::{
    ByteSize, EnvironmentMap, Extensions, FileReference, Ulimit,
    serial::{self, is_default},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// <https://github.com/compose-spec/compose-spec/blob/main/build.md>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BuildConfig {
    /// Absolute path, URL or `service:x`.
    #[serde(skip_serializing_if = "is_default")]
    pub context: String,
    /// Path of the Dockerfile inside the context.
    #[serde(skip_serializing_if = "is_default")]
    pub dockerfile: String,
    /// The Dockerfile's text.
    #[serde(skip_serializing_if = "is_default")]
    pub dockerfile_inline: String,
    /// Extra privileges of the build.
    #[serde(skip_serializing_if = "is_default")]
    pub entitlements: Vec<String>,
    /// Build arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: EnvironmentMap,
    /// Provenance attestation.
    #[serde(skip_serializing_if = "is_default")]
    pub provenance: String,
    /// SBOM attestation.
    #[serde(skip_serializing_if = "is_default")]
    pub sbom: String,
    /// SSH agents and keys by id.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "is_default")]
    pub ssh: Vec<SshKey>,
    /// Labels of the image.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Where to take cache from.
    #[serde(skip_serializing_if = "is_default")]
    pub cache_from: Vec<String>,
    /// Where to put cache.
    #[serde(skip_serializing_if = "is_default")]
    pub cache_to: Vec<String>,
    /// Use no cache.
    #[serde(skip_serializing_if = "is_default")]
    pub no_cache: bool,
    /// Stages that use no cache.
    #[serde(skip_serializing_if = "is_default")]
    pub no_cache_filter: Vec<String>,
    /// Named contexts.
    #[serde(skip_serializing_if = "is_default")]
    pub additional_contexts: BTreeMap<String, String>,
    /// Always pull base images.
    #[serde(skip_serializing_if = "is_default")]
    pub pull: bool,
    /// `host=ip` lines for the build.
    #[schemars(with = "Vec<String>")]
    #[serde(with = "serial::hosts", skip_serializing_if = "is_default")]
    pub extra_hosts: BTreeMap<String, Vec<String>>,
    /// Windows isolation.
    #[serde(skip_serializing_if = "is_default")]
    pub isolation: String,
    /// Network of the build.
    #[serde(skip_serializing_if = "is_default")]
    pub network: String,
    /// Stage to build.
    #[serde(skip_serializing_if = "is_default")]
    pub target: String,
    /// Secrets that the build may read.
    #[serde(skip_serializing_if = "is_default")]
    pub secrets: Vec<BuildSecret>,
    /// Size of `/dev/shm`.
    #[serde(skip_serializing_if = "is_default")]
    pub shm_size: ByteSize,
    /// Further names of the image.
    #[serde(skip_serializing_if = "is_default")]
    pub tags: Vec<String>,
    /// Limits of the build.
    #[serde(skip_serializing_if = "is_default")]
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Target platforms.
    #[serde(skip_serializing_if = "is_default")]
    pub platforms: Vec<String>,
    /// Build with elevated privileges.
    #[serde(skip_serializing_if = "is_default")]
    pub privileged: bool,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

impl BuildConfig {
    /// The Dockerfile's path inside the context, also where nothing is said. With `dockerfile_inline` no file is read.
    pub fn dockerfile_path(&self) -> &str {
        if self.dockerfile.is_empty() { "Dockerfile" } else { &self.dockerfile }
    }
}

/// A secret that a build may read.
pub type BuildSecret = FileReference;

/// An SSH agent or key that a build may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshKey {
    /// The id by which the Dockerfile asks for it; `default` when it asks for none.
    pub id: String,
    /// Path of a key or of an agent's socket; empty for the user's own agent.
    pub path: String,
}

impl std::str::FromStr for SshKey {
    type Err = std::convert::Infallible;

    /// `id`, `id=path`, or `id: path` as the reference writes it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, path) = text.split_once('=').or_else(|| text.split_once(": ")).unwrap_or((text, ""));
        Ok(Self { id: id.to_owned(), path: path.to_owned() })
    }
}

impl Serialize for SshKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.path.is_empty() {
            serializer.serialize_str(&self.id)
        } else {
            serializer.collect_str(&format_args!("{}: {}", self.id, self.path))
        }
    }
}

impl<'de> Deserialize<'de> for SshKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
