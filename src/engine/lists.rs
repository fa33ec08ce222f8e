//! The lists that every command starts with, read into lean types of our own: unknown values must not fail (Podman has
//! states that Docker has not), and what nobody needs is not decoded.

use super::{Engine, EngineError};
use bollard::errors::Error;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};

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
    /// Its labels.
    #[serde(deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
}

/// A row of `GET /volumes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeRow {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
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
}

/// Engines write `null` for an empty list or map.
fn null_is_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
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
        let filters = HashMap::from([("label", labels)]);
        self.get("list", "containers", "/containers/json", &[("all", "true".to_owned()), filter(&filters)])
            .await
    }

    /// Networks that carry all of these labels.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /networks`.
    pub async fn list_networks(&self, labels: &[String]) -> Result<Vec<NetworkRow>, EngineError> {
        let filters = HashMap::from([("label", labels)]);
        let query = if labels.is_empty() { Vec::new() } else { vec![filter(&filters)] };
        self.get("list", "networks", "/networks", &query).await
    }

    /// Volumes that carry all of these labels.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /volumes`.
    pub async fn list_volumes(&self, labels: &[String]) -> Result<Vec<VolumeRow>, EngineError> {
        let filters = HashMap::from([("label", labels)]);
        let query = if labels.is_empty() { Vec::new() } else { vec![filter(&filters)] };
        let list: VolumeList = self.get("list", "volumes", "/volumes", &query).await?;
        Ok(list.volumes)
    }

    /// Local images that go by any of these references.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. `GET /images/json`.
    pub async fn list_images(&self, references: &[String]) -> Result<Vec<ImageRow>, EngineError> {
        let filters = HashMap::from([("reference", references)]);
        self.get("list", "images", "/images/json", &[filter(&filters)]).await
    }

    /// A question of our own through the shared transport.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        subject: &str,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, EngineError> {
        let failed = |error: Error| EngineError::from_bollard(operation, subject, &error);
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let request = hyper::Request::builder()
            .uri(format!("http://engine{path}?{query}"))
            .body(Either::Left(Full::new(Bytes::new())))
            .map_err(|err| failed(Error::HttpClientError { err }))?;
        let answer = self.transport.send(request).await.map_err(failed)?;
        let status = answer.status().as_u16();
        let body =
            answer.into_body().collect().await.map_err(|err| failed(Error::HyperResponseError { err }))?;
        let bytes = body.to_bytes();
        if status >= 400 {
            let message = serde_json::from_slice::<Refusal>(&bytes)
                .map_or_else(|_| String::from_utf8_lossy(&bytes).into_owned(), |refusal| refusal.message);
            return Err(failed(Error::DockerResponseServerError { status_code: status, message }));
        }
        serde_json::from_slice(&bytes).map_err(|err| failed(Error::JsonSerdeError { err }))
    }
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

fn filter<K: serde::Serialize + Eq + std::hash::Hash>(
    filters: &HashMap<K, &[String]>,
) -> (&'static str, String) {
    ("filters", serde_json::to_string(filters).unwrap_or_default())
}
