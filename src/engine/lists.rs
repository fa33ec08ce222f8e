//! The lists that every command starts with, read into lean types of our own: unknown values must not fail (Podman has
//! states that Docker has not), and what nobody needs is not decoded.

use super::request::{Call, filters};
use super::{ApiVersion, Engine, EngineError};
use hyper::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A row of `GET /containers/json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContainerRow {
    /// Its id.
    pub id: String,
    /// Its names, each with a leading slash.
    pub names: Vec<String>,
    /// The image reference it was created from.
    pub image: String,
    /// That image's id.
    #[serde(rename = "ImageID")]
    pub image_id: String,
    /// The manifest that it was created from, where an image is a list of them; API 1.48 and the containerd image store.
    pub image_manifest_descriptor: Option<DescriptorRow>,
    /// Its command line.
    pub command: String,
    /// Seconds since 1970.
    pub created: i64,
    /// `running`, `exited`, ….
    pub state: String,
    /// `Up 2 minutes (healthy)`.
    pub status: String,
    /// Its ports.
    #[serde(deserialize_with = "null_is_default")]
    pub ports: Vec<PortRow>,
    /// Its labels.
    #[serde(deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
    /// Its networks.
    #[serde(rename = "NetworkSettings")]
    pub network_settings: NetworkSettingsRow,
    /// Its mounts.
    #[serde(deserialize_with = "null_is_default")]
    pub mounts: Vec<MountRow>,
    /// Its health; engines before API 1.52 do not say.
    pub health: Option<HealthRow>,
}

/// What content is referred to by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescriptorRow {
    /// `sha256:…`.
    #[serde(rename = "digest")]
    pub digest: String,
}

/// A manifest of an image that is a list of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ManifestRow {
    /// Its digest.
    #[serde(rename = "ID")]
    pub id: String,
    /// `image`, `attestation`, ….
    pub kind: String,
}

/// Health in a list row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthRow {
    /// `healthy`, ….
    pub status: String,
}

/// Networks in a list row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkSettingsRow {
    /// By network name.
    #[serde(deserialize_with = "null_is_default")]
    pub networks: BTreeMap<String, ListedEndpoint>,
}

/// An endpoint in a list row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ListedEndpoint {
    /// The network's id.
    #[serde(rename = "NetworkID")]
    pub network_id: String,
    /// The address on it.
    #[serde(rename = "IPAddress")]
    pub ip_address: String,
}

/// A port in a list row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PortRow {
    /// Host address.
    #[serde(rename = "IP")]
    pub ip: String,
    /// Container port.
    #[serde(rename = "PrivatePort")]
    pub private_port: u16,
    /// Host port; 0 when not published.
    #[serde(rename = "PublicPort")]
    pub public_port: u16,
    /// Protocol.
    #[serde(rename = "Type")]
    pub protocol: String,
}

/// A mount in a list row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MountRow {
    /// `bind`, `volume`, ….
    #[serde(rename = "Type")]
    pub kind: String,
    /// A volume's name.
    pub name: String,
    /// Host path.
    pub source: String,
    /// Path in the container.
    pub destination: String,
    /// Whether it can be written.
    #[serde(rename = "RW")]
    pub writable: bool,
}

/// A row of `GET /networks`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Without a way out.
    pub internal: bool,
    /// Containers that no swarm manages may join.
    pub attachable: bool,
    /// Whether it has IPv6 addresses.
    #[serde(rename = "EnableIPv6")]
    pub enable_ipv6: bool,
    /// Its driver's options.
    #[serde(deserialize_with = "null_is_default")]
    pub options: BTreeMap<String, String>,
    /// Its addresses.
    #[serde(rename = "IPAM", deserialize_with = "null_is_default")]
    pub ipam: IpamRow,
    /// Its labels.
    #[serde(deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
}

/// A network's addresses in a list row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IpamRow {
    /// The driver that gives addresses out.
    pub driver: String,
    /// The pools, each as its members say it.
    #[serde(deserialize_with = "null_is_default")]
    pub config: Vec<BTreeMap<String, serde_json::Value>>,
}

/// A row of `GET /volumes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeRow {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Where it is on the engine's machine.
    pub mountpoint: String,
    /// `local` or `global`.
    pub scope: String,
    /// Its driver's options.
    #[serde(deserialize_with = "null_is_default")]
    pub options: BTreeMap<String, String>,
    /// Its labels.
    #[serde(deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeList {
    #[serde(deserialize_with = "null_is_default")]
    volumes: Vec<VolumeRow>,
}

/// A row of `GET /images/json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageRow {
    /// Its id.
    pub id: String,
    /// `name:tag` it goes by.
    #[serde(deserialize_with = "null_is_default")]
    pub repo_tags: Vec<String>,
    /// `name@digest` it goes by.
    #[serde(deserialize_with = "null_is_default")]
    pub repo_digests: Vec<String>,
    /// What it is a list of; only asked for by [`Engine::list_images`], API 1.47, and only the containerd image store says.
    #[serde(deserialize_with = "null_is_default")]
    pub manifests: Vec<ManifestRow>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// Bytes.
    pub size: i64,
    /// Its labels.
    #[serde(deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
}

/// Engines write `null` for an empty list or map.
pub(super) fn null_is_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Engine {
    /// Containers in any state that carry all of these labels (`key` or `key=value`).
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /containers/json`.
    pub async fn list_containers(&self, labels: &[String]) -> Result<Vec<ContainerRow>, EngineError> {
        let call = Call::new(Method::GET, "list", "containers", "/containers/json").query("all", "true");
        self.call_json(call.query("filters", filters(&[("label", labels)]))).await
    }

    /// Containers in any state that mount a volume.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /containers/json`.
    pub async fn list_users_of_volume(&self, volume: &str) -> Result<Vec<ContainerRow>, EngineError> {
        let call = Call::new(Method::GET, "list", "containers", "/containers/json").query("all", "true");
        let rows: Vec<ContainerRow> =
            self.call_json(call.query("filters", filters(&[("volume", &[volume.to_owned()])]))).await?;
        // The filter also takes a path in the container for a name.
        let mounts = |row: &ContainerRow| {
            row.mounts.iter().any(|mount| mount.kind == "volume" && mount.name == volume)
        };
        Ok(rows.into_iter().filter(mounts).collect())
    }

    /// Networks that carry all of these labels.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /networks`.
    pub async fn list_networks(&self, labels: &[String]) -> Result<Vec<NetworkRow>, EngineError> {
        let call = Call::new(Method::GET, "list", "networks", "/networks");
        self.call_json(call.query_if(!labels.is_empty(), "filters", filters(&[("label", labels)]))).await
    }

    /// Volumes that carry all of these labels.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /volumes`.
    pub async fn list_volumes(&self, labels: &[String]) -> Result<Vec<VolumeRow>, EngineError> {
        let call = Call::new(Method::GET, "list", "volumes", "/volumes");
        let call = call.query_if(!labels.is_empty(), "filters", filters(&[("label", labels)]));
        let list: VolumeList = self.call_json(call).await?;
        Ok(list.volumes)
    }

    /// Local images that go by any of these references; maybe others too.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /images/json`.
    pub async fn list_images(&self, references: &[String]) -> Result<Vec<ImageRow>, EngineError> {
        let call = Call::new(Method::GET, "list", "images", "/images/json");
        // Podman lists what goes by all of several references, which no image does; so it is asked for every image.
        let filtered = references.len() < 2 || !self.is_podman();
        let call = call.query_if(self.api_version() >= ApiVersion(47), "manifests", "true");
        self.call_json(call.query_if(filtered, "filters", filters(&[("reference", references)]))).await
    }

    /// Local images that carry all of these labels.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /images/json`.
    pub async fn list_images_by_label(&self, labels: &[String]) -> Result<Vec<ImageRow>, EngineError> {
        let call = Call::new(Method::GET, "list", "images", "/images/json");
        self.call_json(call.query("filters", filters(&[("label", labels)]))).await
    }
}
