//! `volumes` at the top level.

use super::{Extensions, serial::is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A named volume of the project.
/// <https://github.com/compose-spec/compose-spec/blob/main/07-volumes.md>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Volume {
    /// Its name in the engine.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Its driver; empty for `local`.
    #[serde(skip_serializing_if = "is_default")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "is_default")]
    pub driver_opts: BTreeMap<String, String>,
    /// Made and removed by others; only looked up.
    #[serde(skip_serializing_if = "is_default")]
    pub external: bool,
    /// User labels.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}
