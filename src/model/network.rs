//! `networks`, at the top level and in a service.

use super::{Extensions, serial::is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A network of the project.
/// <https://github.com/compose-spec/compose-spec/blob/main/06-networks.md>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Network {
    /// Its name in the engine.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Its driver; empty for the engine's default.
    #[serde(skip_serializing_if = "is_default")]
    pub driver: String,
    /// Options of the driver.
    #[serde(skip_serializing_if = "is_default")]
    pub driver_opts: BTreeMap<String, String>,
    /// Address management.
    pub ipam: Ipam,
    /// Made and removed by others; only looked up.
    #[serde(skip_serializing_if = "is_default")]
    pub external: bool,
    /// Without a way out.
    #[serde(skip_serializing_if = "is_default")]
    pub internal: bool,
    /// Containers outside the project may join (swarm).
    #[serde(skip_serializing_if = "is_default")]
    pub attachable: bool,
    /// User labels.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// IPv4; engine API 1.48.
    #[serde(skip_serializing_if = "is_default")]
    pub enable_ipv4: Option<bool>,
    /// IPv6.
    #[serde(skip_serializing_if = "is_default")]
    pub enable_ipv6: Option<bool>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// Address management of a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ipam {
    /// Its driver.
    #[serde(skip_serializing_if = "is_default")]
    pub driver: String,
    /// Address pools.
    #[serde(skip_serializing_if = "is_default")]
    pub config: Vec<IpamPool>,
    /// Options of the driver. The reference reads past them, so neither output nor hash shows them.
    #[serde(skip_serializing)]
    pub options: BTreeMap<String, String>,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}

/// An address pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IpamPool {
    /// CIDR.
    #[serde(skip_serializing_if = "is_default")]
    pub subnet: String,
    /// The gateway's address.
    #[serde(skip_serializing_if = "is_default")]
    pub gateway: String,
    /// CIDR that containers get addresses from.
    #[serde(skip_serializing_if = "is_default")]
    pub ip_range: String,
    /// Addresses that are taken, by name.
    #[serde(skip_serializing_if = "is_default")]
    pub aux_addresses: BTreeMap<String, String>,
    /// `x-*`; the reference does not show them here.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing)]
    pub extensions: Extensions,
}

/// How a service takes part in a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServiceNetwork {
    /// Names on this network, besides the service's and the container's.
    #[serde(skip_serializing_if = "is_default")]
    pub aliases: Vec<String>,
    /// Options of the driver for this endpoint.
    #[serde(skip_serializing_if = "is_default")]
    pub driver_opts: BTreeMap<String, String>,
    /// The highest is the default gateway. Engine API 1.48.
    #[serde(skip_serializing_if = "is_default")]
    pub gw_priority: i64,
    /// Name of the interface inside. Engine API 1.49.
    #[serde(skip_serializing_if = "is_default")]
    pub interface_name: String,
    /// Fixed address.
    #[serde(skip_serializing_if = "is_default")]
    pub ipv4_address: String,
    /// Fixed address.
    #[serde(skip_serializing_if = "is_default")]
    pub ipv6_address: String,
    /// Link-local addresses.
    #[serde(skip_serializing_if = "is_default")]
    pub link_local_ips: Vec<String>,
    /// MAC address. Engine API 1.44.
    #[serde(skip_serializing_if = "is_default")]
    pub mac_address: String,
    /// The highest is the network that the container is created on.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i64,
    /// `x-*`.
    #[schemars(skip)]
    #[serde(rename = "x-*", skip_serializing_if = "is_default")]
    pub extensions: Extensions,
}
