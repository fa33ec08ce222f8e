//! `configs` and `secrets`: content that is put into containers.

use super::{
    Extensions,
    serial::{self, is_default},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A config or secret at the top level.
/// <https://github.com/compose-spec/compose-spec/blob/main/08-configs.md>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileObject {
    /// Name; unused on a single engine.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Absolute host path of the content.
    #[serde(skip_serializing_if = "is_default")]
    pub file: String,
    /// The variable that holds the content.
    #[serde(skip_serializing_if = "is_default")]
    pub environment: String,
    /// The content itself.
    #[serde(skip_serializing_if = "is_default")]
    pub content: String,
    /// Made by others; cannot be used on a single engine.
    #[serde(skip_serializing_if = "is_default")]
    pub external: bool,
    /// User labels; unused on a single engine.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Swarm's driver.
    #[serde(skip_serializing_if = "is_default")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "is_default")]
    pub driver_opts: BTreeMap<String, String>,
    /// Swarm's template driver.
    #[serde(skip_serializing_if = "is_default")]
    pub template_driver: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// A service's use of a config or secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileReference {
    /// The key under `configs` or `secrets`.
    #[serde(skip_serializing_if = "is_default")]
    pub source: String,
    /// Path in the container; empty for the default.
    #[serde(skip_serializing_if = "is_default")]
    pub target: String,
    /// Owner.
    #[serde(skip_serializing_if = "is_default")]
    pub uid: String,
    /// Group.
    #[serde(skip_serializing_if = "is_default")]
    pub gid: String,
    /// Mode bits; text is read as octal and written so, with a leading zero.
    #[schemars(with = "String")]
    #[serde(with = "serial::mode", skip_serializing_if = "is_default")]
    pub mode: Option<u32>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}
