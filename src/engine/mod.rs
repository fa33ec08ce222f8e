//! The engine: the only room that names bollard.
//!
//! In: domain-named calls. Out: bollard's answer types, small types of our own on the paths that are taken often, and
//! [`EngineError`]s that say what was asked and how it failed. Deliberately absent: decisions, retries of calls that change
//! something, Compose knowledge beyond [`label`]. Start reading at [`Engine`].

mod archive;
mod connect;
mod containers;
mod error;
mod events;
mod exec;
mod images;
mod lease;
mod lists;
mod logs;
mod networks;
mod process;
mod request;
mod ssh;
mod state;
mod stream;
mod system;
mod transport;
mod volumes;

pub use crate::model::label;

pub use archive::PathStat;
pub use connect::{ConnectError, Endpoints, Tried, connect, source};
pub use error::{EngineError, EngineErrorKind};
pub use events::{ContainerEvent, EngineEvent, EventFilter, EventStream};
pub use exec::{ExecRun, ExecSession, ExecSpec};
pub use images::{BuildLine, BuildSpec, CommitSpec, PullProgress};
pub use lease::{EXPIRY, Lease, RENEWAL};
pub use lists::{
    ContainerRow, HealthRow, ImageRow, IpamRow, ListedEndpoint, MountRow, NetworkRow, PortRow, VolumeRow,
};
pub use logs::{LogChunk, LogRequest};
pub use process::{Processes, WaitFor};
pub use ssh::Host as SshHost;
pub use state::{
    State, StateConfig, StateHealth, StateHealthcheck, StateHostConfig, StateProbe, StateRestartPolicy,
    StateRow,
};
pub use stream::{Attached, ByteStream, OutputStream, Streamed};
pub use system::{EngineComponent, EngineVersion};
pub use transport::{Address, ApiVersion};

use crate::registry::Logins;
use bollard::Docker;
use std::sync::Arc;
use std::time::Duration;
use transport::Transport;

/// A connection to one engine. Cheap to clone; all clones share connections.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    transport: Arc<Transport>,
    address: Address,
    /// Who one is to the registries that it pulls from.
    logins: Arc<Logins>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Engine {
    /// A client for the engine at `address`. Nothing is sent yet. `deadline` bounds the wait for the head of an answer to
    /// a question; calls that change something may take longer as long as the engine still answers `/_ping`.
    ///
    /// # Errors
    /// The address cannot be used at all.
    pub fn at(address: Address, pinned: Option<ApiVersion>, deadline: Duration) -> Result<Self, EngineError> {
        let transport = Transport::new(&address, pinned, deadline);
        let docker = transport.docker().map_err(|error| {
            EngineError::from_bollard("reach", format!("the engine at {address}"), &error)
        })?;
        Ok(Self { docker, transport, address, logins: Arc::default() })
    }

    /// The same engine, with credentials for registries.
    #[must_use]
    pub fn with_logins(self, logins: Logins) -> Self {
        Self { logins: Arc::new(logins), ..self }
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Where credentials for registries are.
    pub fn logins(&self) -> &Logins {
        &self.logins
    }

    /// The API version in use: the engine's, or the newest known when the engine is newer. Before the first answer, the
    /// newest known.
    pub fn api_version(&self) -> ApiVersion {
        self.transport.version()
    }

    /// How long it may take to answer a question.
    pub fn deadline(&self) -> Duration {
        self.transport.deadline()
    }

    /// Whether it has answered anything yet.
    pub fn has_answered(&self) -> bool {
        self.transport.has_answered()
    }

    /// Whether it is Podman's service, as far as it has answered yet: it speaks an old version and differs in places.
    pub fn is_podman(&self) -> bool {
        self.transport.is_podman()
    }

    /// Method and path of every request that was sent, in order, without the version.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.transport.requests()
    }

    /// `GET /_ping`.
    ///
    /// # Errors
    /// It does not answer, or not in time.
    pub async fn ping(&self) -> Result<(), EngineError> {
        self.docker.ping().await.map(drop).map_err(|error| {
            EngineError::from_bollard("reach", format!("the engine at {}", self.address), &error)
        })
    }
}
