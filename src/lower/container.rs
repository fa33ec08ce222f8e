//! A service's replica to the body of `POST /containers/create`.
//! <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerCreate>

use super::mounts::ReplacedMount;
use super::{healthcheck, host_config, mounts, networking, said};
use crate::model::{Project, Service, ServiceName, hash, label};
use bollard::models::{ContainerCreateBody, EndpointSettings, HostConfig};
use std::collections::{BTreeMap, HashMap};

/// What a container is made for, and what was found out meanwhile.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The project.
    pub project: &'a Project,
    /// The service.
    pub service: &'a Service,
    /// What it is made for.
    pub purpose: Purpose,
    /// The name it ends up with: its alias on every network.
    pub name: &'a str,
    /// The digest of its image, for the label.
    pub image_digest: Option<String>,
    /// The mounts of the container it replaces, whose anonymous volumes it takes over; `None` when it replaces nothing.
    pub replaces: Option<&'a [ReplacedMount]>,
    /// Hashes of the contents of its configs and secrets, for a label.
    pub contents: &'a BTreeMap<String, String>,
    /// Paths that the image declares as volumes.
    pub image_volumes: &'a [String],
    /// The container id that each service's `service:x` stands for.
    pub container_ids: &'a BTreeMap<ServiceName, String>,
    /// Minor version of the Engine API.
    pub api: u32,
}

/// What a container is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A replica of its service, by number.
    Replica(u32),
    /// One command, with `run`.
    OneOff {
        /// It answers to its service's name and aliases on the networks, too.
        aliases: bool,
        /// The engine removes it, and its anonymous volumes, when it has ended.
        remove: bool,
    },
    /// A hook.
    Hook,
}

/// A container's body, and the networks it joins once it is created.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    /// The body.
    pub body: ContainerCreateBody,
    /// Networks that an engine before API 1.44 cannot take in the body: by name, joined before the first start.
    pub connect_after: Vec<(String, EndpointSettings)>,
}

/// Lowers one replica.
pub fn create(request: &Request<'_>) -> Lowered {
    let Request { project, service, api, .. } = request;
    // Every attribute is named here, so that a new one stops the build until somebody has decided what becomes of it.
    let Service {
        name: _,
        // Selection, building, watching, scaling: the client's work.
        profiles: _,
        attach: _,
        build: _,
        develop: _,
        pull_policy: _,
        pull_refresh_after: _,
        scale: _,
        depends_on: _,
        extends: _,
        provider: _,
        // Written into the environment and the mounts before (see `machine`).
        models: _,
        use_api_socket: _,
        container_name: _,
        pre_start: _,
        post_start: _,
        pre_stop: _,
        extensions: _,
        // Folded into `environment` and `labels` at load.
        env_file: _,
        label_file: _,
        label_files_read: _,
        // The platform is a query parameter of the request.
        platform: _,
        // Windows only, and unused by the reference.
        credential_spec: _,
        // Host configuration (see `host_config`).
        annotations: _,
        blkio_config: _,
        cap_add: _,
        cap_drop: _,
        cgroup_parent: _,
        cgroup: _,
        cpu_count: _,
        cpu_percent: _,
        cpu_period: _,
        cpu_quota: _,
        cpu_rt_period: _,
        cpu_rt_runtime: _,
        cpus: _,
        cpuset: _,
        cpu_shares: _,
        deploy: _,
        device_cgroup_rules: _,
        devices: _,
        dns: _,
        dns_opt: _,
        dns_search: _,
        extra_hosts: _,
        group_add: _,
        gpus: _,
        init: _,
        ipc: _,
        isolation: _,
        logging: _,
        mem_limit: _,
        mem_reservation: _,
        memswap_limit: _,
        mem_swappiness: _,
        oom_kill_disable: _,
        oom_score_adj: _,
        pid: _,
        pids_limit: _,
        privileged: _,
        read_only: _,
        restart: _,
        runtime: _,
        security_opt: _,
        shm_size: _,
        storage_opt: _,
        sysctls: _,
        ulimits: _,
        userns_mode: _,
        uts: _,
        volumes_from: _,
        // Mounts (see `mounts`).
        configs: _,
        secrets: _,
        tmpfs: _,
        volumes: _,
        // Networking (see `networking`).
        external_links: _,
        links: _,
        mac_address: _,
        networks: _,
        network_mode,
        // The container's own configuration.
        command,
        domainname,
        entrypoint,
        environment,
        expose: _,
        healthcheck,
        hostname,
        image: _,
        labels: _,
        ports: _,
        stdin_open,
        stop_grace_period,
        stop_signal,
        tty,
        user,
        working_dir,
    } = service;
    let resolved = service.with_container_ids(|parent| request.container_ids.get(parent).cloned());
    let (mut endpoints, mut connect_after) = networking::endpoints(project, service, request.name, *api);
    if let Purpose::OneOff { aliases: false, .. } = request.purpose {
        for endpoint in endpoints.values_mut().chain(connect_after.iter_mut().map(|(_, endpoint)| endpoint)) {
            endpoint.aliases = Some(vec![request.name.to_owned()]);
        }
    }
    let mounts = mounts::lower(project, service, request.replaces, request.image_volumes);
    let host_config = HostConfig {
        network_mode: Some(networking::network_mode(project, &resolved)),
        binds: said(mounts.binds),
        mounts: said(mounts.long),
        tmpfs: said(mounts.tmpfs),
        volumes_from: said(service.volume_donors(|parent| request.container_ids.get(parent).cloned())),
        auto_remove: matches!(request.purpose, Purpose::OneOff { remove: true, .. }).then_some(true),
        ..host_config::lower(project, &resolved)
    };
    // Who runs one command types to it; when that ends, the program's input does too.
    let typed_to = *stdin_open && matches!(request.purpose, Purpose::OneOff { .. });
    let body = ContainerCreateBody {
        hostname: said(hostname.clone()),
        domainname: said(domainname.clone()),
        user: said(user.clone()),
        attach_stdin: Some(typed_to),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        exposed_ports: said(exposed_ports(service)),
        tty: Some(*tty),
        open_stdin: Some(*stdin_open),
        stdin_once: Some(typed_to),
        env: said(variables(environment)),
        cmd: command.clone(),
        healthcheck: healthcheck.as_ref().map(|check| healthcheck::lower(check, *api)),
        image: Some(project.image_name(service)),
        volumes: said(mounts.anonymous),
        working_dir: said(working_dir.clone()),
        entrypoint: entrypoint.clone(),
        network_disabled: (network_mode == "disabled").then_some(true),
        labels: Some(labels(request, &hash::service(&resolved), &hash::base(&resolved))),
        stop_signal: said(stop_signal.clone()),
        stop_timeout: stop_grace_period.map(|grace| super::nanoseconds(grace) / 1_000_000_000),
        host_config: Some(host_config),
        networking_config: said(endpoints)
            .map(|endpoints| bollard::models::NetworkingConfig { endpoints_config: Some(endpoints) }),
        ..ContainerCreateBody::default()
    };
    Lowered { body, connect_after }
}

/// `KEY=value`, or a bare `KEY` that takes the image's value away.
fn variables(environment: &crate::model::EnvironmentMap) -> Vec<String> {
    environment
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        })
        .collect()
}

/// Ports that are exposed or published, each as `port/protocol`; ranges are spelled out.
fn exposed_ports(service: &Service) -> Vec<String> {
    let mut ports = Vec::new();
    for entry in &service.expose {
        let (range, protocol) = entry.split_once('/').unwrap_or((entry, "tcp"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => ports.extend((first..=last).map(|port| format!("{port}/{protocol}"))),
            _ => ports.push(format!("{range}/{protocol}")),
        }
    }
    ports.extend(service.ports.iter().map(|port| format!("{}/{}", port.target, host_config::protocol(port))));
    ports.sort();
    ports.dedup();
    ports
}

/// The user's labels below the ones that tools know a project by.
fn labels(request: &Request<'_>, config_hash: &str, base_hash: &str) -> HashMap<String, String> {
    let Request { project, service, .. } = request;
    let mut labels: HashMap<String, String> = service.labels.clone().into_iter().collect();
    let mut set = |key: &str, value: String| labels.insert(key.to_owned(), value);
    set(label::PROJECT, project.name.to_string());
    set(label::SERVICE, service.name.to_string());
    set(label::VERSION, label::COMPATIBLE_VERSION.to_owned());
    set(label::WORKING_DIR, project.working_dir.display().to_string());
    set(label::CONFIG_FILES, paths(&project.files));
    if !project.env_files.is_empty() {
        set(label::ENVIRONMENT_FILE, paths(&project.env_files));
    }
    set(label::CONFIG_HASH, config_hash.to_owned());
    set(label::BASE_HASH, base_hash.to_owned());
    set(label::DEPENDS_ON, depends_on(service));
    let number = match request.purpose {
        Purpose::Replica(number) => Some(number),
        Purpose::OneOff { .. } | Purpose::Hook => None,
    };
    set(label::ONEOFF, if number.is_none() { "True" } else { "False" }.to_owned());
    if let Some(number) = number {
        set(label::CONTAINER_NUMBER, number.to_string());
        if request.replaces.is_some() {
            let name = service.container_name.clone();
            set(label::REPLACE, name.unwrap_or_else(|| format!("{}-{number}", service.name)));
        }
    }
    if let Some(digest) = &request.image_digest {
        set(label::IMAGE, digest.clone());
    }
    if !request.contents.is_empty() {
        let contents: Vec<String> =
            request.contents.iter().map(|(file, hash)| format!("{file}={hash}")).collect();
        set(label::CONTENTS, contents.join(","));
    }
    if let Some(ports) = super::instance_ports(project) {
        set(label::INSTANCE_PORTS, ports);
    }
    super::label_instance(project, &mut labels);
    labels
}

fn paths(paths: &[std::path::PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(",")
}

/// `service:condition:restart`, comma separated: what lets `stop` and `down` work without the file.
fn depends_on(service: &Service) -> String {
    use crate::model::DependencyCondition;
    let entries: Vec<String> = service
        .depends_on
        .iter()
        .map(|(name, dependency)| {
            let condition = match dependency.condition {
                DependencyCondition::ServiceStarted => "service_started",
                DependencyCondition::ServiceHealthy => "service_healthy",
                DependencyCondition::ServiceCompletedSuccessfully => "service_completed_successfully",
            };
            format!("{name}:{condition}:{}", dependency.restart)
        })
        .collect();
    entries.join(",")
}
