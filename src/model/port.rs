//! `ports`: what is published on the host.

use super::{Extensions, serial::is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One published port in long form.
/// <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#ports>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Port {
    /// For people.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// `ingress` or `host`; has no effect on a single engine.
    #[serde(skip_serializing_if = "is_default")]
    pub mode: String,
    /// The host address to listen on; empty for all.
    #[serde(skip_serializing_if = "is_default")]
    pub host_ip: String,
    /// The container's port.
    #[serde(skip_serializing_if = "is_default")]
    pub target: u32,
    /// The host's port, a range `8000-9000` to pick from, or empty for any free one.
    #[serde(skip_serializing_if = "is_default")]
    pub published: String,
    /// `tcp`, `udp` or `sctp`.
    #[serde(skip_serializing_if = "is_default")]
    pub protocol: String,
    /// For people: `http` and the like.
    #[serde(skip_serializing_if = "is_default")]
    pub app_protocol: String,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}
