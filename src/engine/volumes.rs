//! Volumes: `/volumes/…`.

use super::{Engine, EngineError};
use bollard::errors::Error;
use bollard::models::VolumeCreateRequest;

fn subject(name: &str) -> String {
    format!("volume `{name}`")
}

impl Engine {
    /// Creates a volume. `POST /volumes/create`.
    ///
    /// # Errors
    /// `Conflict` when it exists with another driver, `Server` when the driver refuses.
    pub async fn create_volume(&self, body: VolumeCreateRequest) -> Result<(), EngineError> {
        let name = body.name.clone().unwrap_or_default();
        let answer = self.docker.create_volume(body).await;
        answer.map(drop).map_err(|error| EngineError::from_bollard("create", subject(&name), &error))
    }

    /// Removes a volume; one that is gone already is no failure. `DELETE /volumes/{name}`.
    ///
    /// # Errors
    /// `Conflict` when a container uses it.
    pub async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        match self.docker.remove_volume(name, None::<bollard::query_parameters::RemoveVolumeOptions>).await {
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            done => done.map_err(|error| EngineError::from_bollard("remove", subject(name), &error)),
        }
    }
}
