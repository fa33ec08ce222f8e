//! Networks: `/networks/…`.

use super::{Engine, EngineError};
use bollard::errors::Error;
use bollard::models::{
    EndpointSettings, NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest,
};
use bollard::query_parameters::InspectNetworkOptions;
use std::collections::BTreeMap;

fn subject(name: &str) -> String {
    format!("network `{name}`")
}

impl Engine {
    /// Creates a network and returns its id. `POST /networks/create`.
    ///
    /// # Errors
    /// `Conflict` when the name is taken, `Denied` or `Server` when the address pools are used up or overlap.
    pub async fn create_network(&self, body: NetworkCreateRequest) -> Result<String, EngineError> {
        let name = body.name.clone();
        let answer = self.docker.create_network(body).await;
        answer
            .map(|answer| answer.id)
            .map_err(|error| EngineError::from_bollard("create", subject(&name), &error))
    }

    /// Removes a network; one that is gone already is no failure. `DELETE /networks/{id}`.
    ///
    /// # Errors
    /// `Denied` when containers are attached to it.
    pub async fn remove_network(&self, id: &str, name: &str) -> Result<(), EngineError> {
        match self.docker.remove_network(id).await {
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            done => done.map_err(|error| EngineError::from_bollard("remove", subject(name), &error)),
        }
    }

    /// The names of the containers in a network. `GET /networks/{id}`.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn network_users(&self, id: &str) -> Result<Vec<String>, EngineError> {
        let mut names: Vec<String> = self.network_endpoints(id).await?.into_values().collect();
        names.sort();
        Ok(names)
    }

    /// The containers in a network: names by id. Only those that run; an endpoint that a crash left behind goes by `ep-…`.
    /// `GET /networks/{id}`.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn network_endpoints(&self, id: &str) -> Result<BTreeMap<String, String>, EngineError> {
        let answer = self.docker.inspect_network(id, None::<InspectNetworkOptions>).await;
        let network = answer.map_err(|error| EngineError::from_bollard("inspect", subject(id), &error))?;
        let containers = network.containers.unwrap_or_default();
        Ok(containers.into_iter().map(|(id, endpoint)| (id, endpoint.name.unwrap_or_default())).collect())
    }

    /// Attaches a container. `POST /networks/{id}/connect`.
    ///
    /// # Errors
    /// `NotFound` when either is gone, `Conflict` when it is attached already.
    pub async fn connect_network(
        &self,
        network: &str,
        container: &str,
        endpoint: EndpointSettings,
    ) -> Result<(), EngineError> {
        let request =
            NetworkConnectRequest { container: container.to_owned(), endpoint_config: Some(endpoint) };
        let done = self.docker.connect_network(network, request).await;
        done.map_err(|error| EngineError::from_bollard("join", subject(network), &error))
    }

    /// Detaches a container; one that is not attached is no failure. `POST /networks/{id}/disconnect`.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn disconnect_network(&self, network: &str, container: &str) -> Result<(), EngineError> {
        let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(true) };
        match self.docker.disconnect_network(network, request).await {
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            // Docker answers 500 for a container that is not attached, even when it is asked to force it.
            Err(Error::DockerResponseServerError { message, .. })
                if message.contains("is not connected to") =>
            {
                Ok(())
            }
            done => done.map_err(|error| EngineError::from_bollard("leave", subject(network), &error)),
        }
    }
}
