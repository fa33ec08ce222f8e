//! Containers: `/containers/…`.

use super::{Engine, EngineError};
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, ContainerUpdateBody};
use bollard::query_parameters::{
    CreateContainerOptions, KillContainerOptions, RemoveContainerOptions, RenameContainerOptions,
    RestartContainerOptions, StopContainerOptions,
};

pub(super) fn subject(name: &str) -> String {
    format!("container `{name}`")
}

impl Engine {
    /// Creates a container and returns its id. `POST /containers/create`.
    ///
    /// # Errors
    /// `Conflict` when the name is taken, `NotFound` when the image is not there, `BadRequest` when the engine refuses
    /// the configuration.
    pub async fn create_container(
        &self,
        name: &str,
        platform: Option<&str>,
        body: ContainerCreateBody,
    ) -> Result<String, EngineError> {
        let options = CreateContainerOptions {
            name: Some(name.to_owned()),
            platform: platform.unwrap_or_default().to_owned(),
        };
        let answer = self.docker.create_container(Some(options), body).await;
        answer
            .map(|answer| answer.id)
            .map_err(|error| EngineError::from_bollard("create", subject(name), &error))
    }

    /// Starts a container; one that runs is left alone. `POST /containers/{id}/start`.
    ///
    /// # Errors
    /// `Server` when its process cannot be started (a taken port, a missing program, a missing bind source).
    pub async fn start_container(&self, id: &str, name: &str) -> Result<(), EngineError> {
        let done = self.docker.start_container(id, None).await;
        not_modified_is_fine(done, "start", name)
    }

    /// Stops a container; one that does not run is left alone. `POST /containers/{id}/stop`.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn stop_container(
        &self,
        id: &str,
        name: &str,
        timeout_s: Option<i64>,
    ) -> Result<(), EngineError> {
        let options = timeout_s.map(|seconds| StopContainerOptions {
            t: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            ..StopContainerOptions::default()
        });
        not_modified_is_fine(self.docker.stop_container(id, options).await, "stop", name)
    }

    /// Restarts a container. `POST /containers/{id}/restart`.
    ///
    /// # Errors
    /// As start and stop.
    pub async fn restart_container(
        &self,
        id: &str,
        name: &str,
        timeout_s: Option<i64>,
    ) -> Result<(), EngineError> {
        let options = timeout_s.map(|seconds| RestartContainerOptions {
            t: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            ..RestartContainerOptions::default()
        });
        not_modified_is_fine(self.docker.restart_container(id, options).await, "restart", name)
    }

    /// Sends a signal. `POST /containers/{id}/kill`.
    ///
    /// # Errors
    /// `Conflict` when it does not run.
    pub async fn kill_container(&self, id: &str, name: &str, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptions { signal: signal.to_owned() };
        let done = self.docker.kill_container(id, Some(options)).await;
        done.map_err(|error| EngineError::from_bollard("kill", subject(name), &error))
    }

    /// Removes a container; one that is gone already is no failure. `DELETE /containers/{id}`.
    ///
    /// # Errors
    /// `Conflict` when it runs and `force` was not asked for.
    pub async fn remove_container(
        &self,
        id: &str,
        name: &str,
        force: bool,
        volumes: bool,
    ) -> Result<(), EngineError> {
        let options = RemoveContainerOptions { v: volumes, force, link: false };
        match self.docker.remove_container(id, Some(options)).await {
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            // Somebody else is removing it: it will be gone, which is all that was wanted.
            Err(Error::DockerResponseServerError { status_code: 409, message })
                if message.contains("is already in progress") =>
            {
                Ok(())
            }
            done => done.map_err(|error| EngineError::from_bollard("remove", subject(name), &error)),
        }
    }

    /// Renames a container; one that has the name already is left alone. `POST /containers/{id}/rename`.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    pub async fn rename_container(&self, id: &str, to: &str) -> Result<(), EngineError> {
        let options = RenameContainerOptions { name: to.to_owned() };
        match self.docker.rename_container(id, options).await {
            // A run that was killed had asked for it, and the engine has carried it out since.
            Err(Error::DockerResponseServerError { status_code: 400, message })
                if message.contains("with the same name as its current name") =>
            {
                Ok(())
            }
            done => done.map_err(|error| {
                EngineError::from_bollard("rename a container to", format!("`{to}`"), &error)
            }),
        }
    }

    /// Freezes a container. `POST /containers/{id}/pause`.
    ///
    /// # Errors
    /// `Conflict` when it does not run or is frozen.
    pub async fn pause_container(&self, id: &str, name: &str) -> Result<(), EngineError> {
        let done = self.docker.pause_container(id).await;
        done.map_err(|error| EngineError::from_bollard("pause", subject(name), &error))
    }

    /// Thaws a container. `POST /containers/{id}/unpause`.
    ///
    /// # Errors
    /// `Conflict` when it is not frozen.
    pub async fn unpause_container(&self, id: &str, name: &str) -> Result<(), EngineError> {
        let done = self.docker.unpause_container(id).await;
        done.map_err(|error| EngineError::from_bollard("unpause", subject(name), &error))
    }

    /// Changes limits or the restart policy of a container in place. `POST /containers/{id}/update`.
    ///
    /// # Errors
    /// `Conflict` when a limit cannot be changed while it runs; `NotFound` also from Podman 4, which has no such call.
    pub async fn update_container(
        &self,
        id: &str,
        name: &str,
        body: ContainerUpdateBody,
    ) -> Result<(), EngineError> {
        let done = self.docker.update_container(id, body).await;
        done.map_err(|error| EngineError::from_bollard("update", subject(name), &error))
    }

    /// Everything the engine knows about a container. `GET /containers/{id}/json`.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn inspect_container(&self, id: &str) -> Result<ContainerInspectResponse, EngineError> {
        let answer = self.docker.inspect_container(id, None).await;
        answer.map_err(|error| EngineError::from_bollard("inspect", subject(id), &error))
    }

    /// Unpacks an archive into a container. `PUT /containers/{id}/archive`.
    ///
    /// # Errors
    /// `BadRequest` when the path is no folder or the file system is read-only.
    pub async fn upload(&self, id: &str, name: &str, path: &str, tar: Vec<u8>) -> Result<(), EngineError> {
        let options = bollard::query_parameters::UploadToContainerOptions {
            path: path.to_owned(),
            ..bollard::query_parameters::UploadToContainerOptions::default()
        };
        let done = self.docker.upload_to_container(id, Some(options), bollard::body_full(tar.into())).await;
        done.map_err(|error| EngineError::from_bollard("copy files into", subject(name), &error))
    }
}

/// The engine answers 304 when a container is in the wanted state already.
fn not_modified_is_fine(
    done: Result<(), Error>,
    operation: &'static str,
    name: &str,
) -> Result<(), EngineError> {
    match done {
        Err(Error::DockerResponseServerError { status_code: 304, .. }) => Ok(()),
        done => done.map_err(|error| EngineError::from_bollard(operation, subject(name), &error)),
    }
}
