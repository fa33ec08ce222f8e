//! A lock that lives on the engine itself, for engines that are reached over a network: clients on several machines have
//! nothing else in common.
//!
//! A volume is created at once or not at all, and who comes second is told the labels of who came first: that is a compare and
//! set. A lease is a volume `stack-lease_PROJECT_N`. Its holder renews it by creating the one of number N + 1; whoever waits and
//! sees no new number for [`EXPIRY`], by a clock of its own, takes N + 1 for itself. A holder that has been overtaken is told so
//! when it renews.

use super::request::{Call, filters};
use super::{Engine, EngineError, EngineErrorKind};
use bollard::models::VolumeCreateRequest;
use hyper::Method;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How long a lease that is not renewed holds.
pub const EXPIRY: Duration = Duration::from_secs(15);
/// How often its holder renews it.
pub const RENEWAL: Duration = Duration::from_secs(4);

/// On the volume: the project.
const PROJECT: &str = "dev.stack.lease";
/// On the volume: how often it was renewed or changed hands.
const GENERATION: &str = "dev.stack.lease.generation";
/// On the volume: a text that no other holder has.
const HOLDER: &str = "dev.stack.lease.holder";
/// On the volume: the holder, for people.
const WORDS: &str = "dev.stack.lease.words";

/// A lease as the engine shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lease {
    /// The project.
    pub project: String,
    /// Grows with every renewal and every change of hands.
    pub generation: u64,
    /// A text that no other holder has.
    pub holder: String,
    /// The holder, for people: its command, process and host.
    pub words: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rows {
    #[serde(default, deserialize_with = "super::lists::null_is_default")]
    volumes: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    #[serde(default, deserialize_with = "super::lists::null_is_default")]
    labels: BTreeMap<String, String>,
}

impl Lease {
    fn volume(&self) -> String {
        format!("stack-lease_{}_{}", self.project, self.generation)
    }

    /// The same holder's next one.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self { generation: self.generation + 1, ..self.clone() }
    }

    fn from_labels(labels: &BTreeMap<String, String>) -> Option<Self> {
        let text = |key: &str| labels.get(key).cloned();
        Some(Self {
            project: text(PROJECT)?,
            generation: text(GENERATION)?.parse().ok()?,
            holder: text(HOLDER)?,
            words: text(WORDS).unwrap_or_default(),
        })
    }
}

impl Engine {
    /// The leases on a project, oldest first; more than one only while hands change. `GET /volumes`.
    ///
    /// # Errors
    /// The engine's refusal, or no answer.
    pub async fn leases(&self, project: &str) -> Result<Vec<Lease>, EngineError> {
        let subject = subject(project);
        let label = [format!("{PROJECT}={project}")];
        let call = Call::new(Method::GET, "look at", &subject, "/volumes");
        let rows: Rows = self.call_json(call.query("filters", filters(&[("label", &label)]))).await?;
        let mut leases: Vec<Lease> =
            rows.volumes.iter().filter_map(|row| Lease::from_labels(&row.labels)).collect();
        leases.sort_by_key(|lease| lease.generation);
        Ok(leases)
    }

    /// Takes a lease, unless another holder has this number already; whether it was had. `POST /volumes/create`.
    ///
    /// # Errors
    /// The engine's refusal, or no answer.
    pub async fn take_lease(&self, lease: &Lease) -> Result<bool, EngineError> {
        let labels = HashMap::from([
            (PROJECT.to_owned(), lease.project.clone()),
            (GENERATION.to_owned(), lease.generation.to_string()),
            (HOLDER.to_owned(), lease.holder.clone()),
            (WORDS.to_owned(), lease.words.clone()),
        ]);
        let body = VolumeCreateRequest {
            name: Some(lease.volume()),
            labels: Some(labels),
            ..VolumeCreateRequest::default()
        };
        match self.docker.create_volume(body).await {
            Ok(volume) => Ok(volume.labels.get(HOLDER) == Some(&lease.holder)),
            Err(error) => match EngineError::from_bollard("take", subject(&lease.project), &error) {
                refused if refused.kind == EngineErrorKind::Conflict => Ok(false),
                error => Err(error),
            },
        }
    }

    /// Gives a lease back; one that is gone already is no failure. `DELETE /volumes/{name}`.
    ///
    /// # Errors
    /// The engine's refusal, or no answer.
    pub async fn drop_lease(&self, lease: &Lease) -> Result<(), EngineError> {
        self.remove_volume(&lease.volume()).await
    }
}

fn subject(project: &str) -> String {
    format!("the lock of project `{project}`")
}
