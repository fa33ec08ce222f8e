//! A hook to the program that runs inside a container, or to a container of its own.

use super::container::Lowered;
use crate::model::{Hook, Project, Service, label};
use bollard::models::{ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig};
use std::collections::HashMap;

/// A program to run inside a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookCommand {
    /// Program and arguments.
    pub command: Vec<String>,
    /// `KEY=value` pairs.
    pub environment: Vec<String>,
    /// User; empty for the container's.
    pub user: String,
    /// Folder; empty for the container's.
    pub working_dir: String,
    /// With all privileges.
    pub privileged: bool,
}

/// Lowers a `post_start` or `pre_stop` hook.
pub fn lower(hook: &Hook) -> HookCommand {
    let Hook { command, image: _, user, privileged, working_dir, environment, per_replica: _, extensions: _ } =
        hook;
    HookCommand {
        command: command.clone().unwrap_or_default(),
        environment: environment
            .iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            })
            .collect(),
        user: user.clone(),
        working_dir: working_dir.clone(),
        privileged: *privileged,
    }
}

/// The container of a `pre_start` hook, from what the replica that it runs before was made from: the same networks under no
/// name, the replica's volumes, and neither ports nor restarts nor probes.
pub fn container(
    project: &Project,
    service: &Service,
    hook: &Hook,
    replica: Lowered,
    replica_id: &str,
) -> Lowered {
    let command = lower(hook);
    let Lowered { body, connect_after } = replica;
    let labels = HashMap::from([
        (label::PROJECT.to_owned(), project.name.to_string()),
        (label::SERVICE.to_owned(), service.name.to_string()),
        (label::VERSION.to_owned(), label::COMPATIBLE_VERSION.to_owned()),
        (label::HOOK.to_owned(), "pre_start".to_owned()),
    ]);
    let host = body.host_config.unwrap_or_default();
    let mut environment = body.env.unwrap_or_default();
    environment.extend(command.environment);
    let said = |text: String, usual: Option<String>| if text.is_empty() { usual } else { Some(text) };
    // Under the service's names nobody must find it.
    let nameless = |endpoint: EndpointSettings| EndpointSettings {
        aliases: None,
        ipam_config: None,
        mac_address: None,
        ..endpoint
    };
    let networking_config = body.networking_config.map(|mut config| {
        let endpoints = config.endpoints_config.take().unwrap_or_default();
        config.endpoints_config =
            Some(endpoints.into_iter().map(|(name, endpoint)| (name, nameless(endpoint))).collect());
        config
    });
    let body = ContainerCreateBody {
        image: Some(if hook.image.is_empty() { project.image_name(service) } else { hook.image.clone() }),
        cmd: Some(command.command),
        entrypoint: Some(Vec::new()),
        env: Some(environment),
        user: said(command.user, body.user),
        working_dir: said(command.working_dir, body.working_dir),
        labels: Some(labels),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        exposed_ports: None,
        volumes: None,
        host_config: Some(HostConfig {
            binds: None,
            mounts: None,
            port_bindings: None,
            restart_policy: None,
            privileged: Some(command.privileged),
            volumes_from: Some(vec![replica_id.to_owned()]),
            ..host
        }),
        networking_config,
        ..body
    };
    let connect_after =
        connect_after.into_iter().map(|(network, endpoint)| (network, nameless(endpoint))).collect();
    Lowered { body, connect_after }
}
