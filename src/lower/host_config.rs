//! A service to the engine's host configuration: limits, privileges, namespaces, ports, logging.

use super::said;
use crate::model::{DeviceRequest, Port, Project, Service, ThrottleDevice};
use bollard::models::{
    DeviceMapping, HostConfig, HostConfigCgroupnsModeEnum, HostConfigIsolationEnum, HostConfigLogConfig,
    PortBinding, PortMap, ResourcesBlkioWeightDevice, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};
use std::collections::BTreeSet;

/// Everything but mounts, volumes of others and networks. `service` has its `service:x` namespaces resolved.
pub(super) fn lower(project: &Project, service: &Service) -> HostConfig {
    let limits = service.deploy.as_ref().and_then(|deploy| deploy.resources.limits.as_ref());
    let reservations = service.deploy.as_ref().and_then(|deploy| deploy.resources.reservations.as_ref());
    let blkio = service.blkio_config.clone().unwrap_or_default();
    let cpus = limits.map(|limits| limits.cpus).filter(|cpus| *cpus > 0.0).unwrap_or(service.cpus);
    let memory =
        limits.map(|limits| limits.memory.0).filter(|bytes| *bytes != 0).unwrap_or(service.mem_limit.0);
    let reserved = reservations.map(|kept| kept.memory.0).filter(|bytes| *bytes != 0);
    let pids = limits.map(|limits| limits.pids).filter(|pids| *pids > 0).unwrap_or(service.pids_limit);
    let (cdi, plain): (Vec<_>, Vec<_>) = service.devices.iter().partition(|device| is_cdi(&device.source));
    let (security_opt, unconfined) = security_options(&service.security_opt);
    HostConfig {
        // Limits.
        cpu_shares: said(service.cpu_shares),
        cpu_period: said(service.cpu_period),
        cpu_quota: said(service.cpu_quota),
        cpu_realtime_period: said(service.cpu_rt_period),
        cpu_realtime_runtime: said(service.cpu_rt_runtime),
        cpuset_cpus: said(service.cpuset.clone()),
        cpu_count: said(service.cpu_count),
        cpu_percent: said(hundredths(service.cpu_percent)),
        nano_cpus: said(nano_cpus(cpus)),
        memory: said(memory),
        memory_reservation: said(reserved.unwrap_or(service.mem_reservation.0)),
        memory_swap: said(service.memswap_limit.0),
        memory_swappiness: said(service.mem_swappiness.0),
        oom_kill_disable: said(service.oom_kill_disable),
        oom_score_adj: said(service.oom_score_adj),
        pids_limit: said(pids),
        shm_size: said(service.shm_size.0),
        ulimits: said(ulimits(service)),
        blkio_weight: said(blkio.weight),
        blkio_weight_device: said(
            blkio
                .weight_device
                .iter()
                .map(|device| ResourcesBlkioWeightDevice {
                    path: Some(device.path.clone()),
                    weight: Some(usize::from(device.weight)),
                })
                .collect::<Vec<_>>(),
        ),
        blkio_device_read_bps: said(throttles(&blkio.device_read_bps)),
        blkio_device_read_iops: said(throttles(&blkio.device_read_iops)),
        blkio_device_write_bps: said(throttles(&blkio.device_write_bps)),
        blkio_device_write_iops: said(throttles(&blkio.device_write_iops)),
        // Devices.
        devices: said(
            plain
                .into_iter()
                .map(|device| DeviceMapping {
                    path_on_host: Some(device.source.clone()),
                    path_in_container: Some(device.target.clone()),
                    cgroup_permissions: Some(device.permissions.clone()),
                })
                .collect::<Vec<_>>(),
        ),
        device_cgroup_rules: said(service.device_cgroup_rules.clone()),
        device_requests: said(device_requests(service, &cdi)),
        // Privileges.
        cap_add: said(capabilities(&service.cap_add)),
        cap_drop: said(capabilities(&service.cap_drop)),
        privileged: said(service.privileged),
        security_opt: said(security_opt),
        masked_paths: unconfined.then(Vec::new),
        readonly_paths: unconfined.then(Vec::new),
        readonly_rootfs: said(service.read_only),
        group_add: said(service.group_add.clone()),
        userns_mode: said(service.userns_mode.clone()),
        // Namespaces.
        ipc_mode: said(service.ipc.clone()),
        pid_mode: said(service.pid.clone()),
        uts_mode: said(service.uts.clone()),
        cgroupns_mode: cgroupns(&service.cgroup),
        cgroup_parent: said(service.cgroup_parent.clone()),
        // Names.
        dns: said(service.dns.clone()),
        dns_options: said(service.dns_opt.clone()),
        dns_search: said(service.dns_search.clone()),
        extra_hosts: said(extra_hosts(service)),
        links: said(super::networking::links(project, service)),
        // Ports.
        port_bindings: said(port_bindings(&service.ports)),
        // Life.
        restart_policy: Some(restart_policy(service)),
        init: service.init,
        log_config: service.logging.as_ref().map(|logging| HostConfigLogConfig {
            typ: said(logging.driver.clone()),
            config: said(logging.options.clone().into_iter().collect()),
        }),
        runtime: said(service.runtime.clone()),
        isolation: isolation(&service.isolation),
        storage_opt: said(service.storage_opt.clone().into_iter().collect()),
        sysctls: said(service.sysctls.clone().into_iter().collect()),
        annotations: said(service.annotations.clone().into_iter().collect()),
        ..HostConfig::default()
    }
}

/// Billionths of a processor. `0.1` as an `f32` is not exactly a tenth, hence the rounding.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "processors are few; rounding is meant"
)]
fn nano_cpus(cpus: f32) -> i64 {
    let text = cpus.to_string();
    let exact: f64 = text.parse().unwrap_or(0.0);
    (exact * 1e9).round() as i64
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a percentage; rounding is meant"
)]
fn hundredths(percent: f32) -> i64 {
    (f64::from(percent) * 100.0).round() as i64
}

fn ulimits(service: &Service) -> Vec<ResourcesUlimits> {
    service
        .ulimits
        .iter()
        .map(|(name, limit)| {
            let (soft, hard) =
                if limit.single == 0 { (limit.soft, limit.hard) } else { (limit.single, limit.single) };
            ResourcesUlimits { name: Some(name.clone()), soft: Some(soft), hard: Some(hard) }
        })
        .collect()
}

fn throttles(devices: &[ThrottleDevice]) -> Vec<bollard::models::ThrottleDevice> {
    devices
        .iter()
        .map(|device| bollard::models::ThrottleDevice {
            path: Some(device.path.clone()),
            rate: Some(device.rate.0),
        })
        .collect()
}

/// `vendor.com/class=name` is a device that a CDI file describes.
pub(super) fn is_cdi(source: &str) -> bool {
    !source.starts_with('/')
        && source.split_once('=').is_some_and(|(kind, name)| kind.contains('/') && !name.is_empty())
}

fn device_requests(service: &Service, cdi: &[&crate::model::Device]) -> Vec<bollard::models::DeviceRequest> {
    let reserved = service
        .deploy
        .as_ref()
        .and_then(|deploy| deploy.resources.reservations.as_ref())
        .map(|kept| kept.devices.as_slice())
        .unwrap_or_default();
    let mut requests: Vec<_> = reserved.iter().map(|request| device_request(request, false)).collect();
    requests.extend(service.gpus.iter().map(|request| device_request(request, true)));
    if !cdi.is_empty() {
        requests.push(bollard::models::DeviceRequest {
            driver: Some("cdi".to_owned()),
            device_ids: Some(cdi.iter().map(|device| device.source.clone()).collect()),
            ..bollard::models::DeviceRequest::default()
        });
    }
    requests
}

fn device_request(request: &DeviceRequest, gpu: bool) -> bollard::models::DeviceRequest {
    let mut capabilities = request.capabilities.clone();
    if gpu && !capabilities.iter().any(|capability| capability == "gpu") {
        capabilities.push("gpu".to_owned());
    }
    bollard::models::DeviceRequest {
        driver: said(request.driver.clone()),
        count: said(request.count),
        device_ids: said(request.device_ids.clone()),
        capabilities: Some(vec![capabilities]),
        options: said(request.options.clone().into_iter().collect()),
    }
}

/// `systempaths=unconfined` is no security option of the engine: it empties the lists of masked and read-only paths.
fn security_options(options: &[String]) -> (Vec<String>, bool) {
    let unconfined =
        |option: &&String| *option == "systempaths=unconfined" || *option == "systempaths:unconfined";
    // The older spelling with a colon stays: the engine reads both, and shows what it was given.
    let kept = options.iter().filter(|option| !unconfined(option)).cloned();
    (kept.collect(), options.iter().any(|option| unconfined(&option)))
}

/// Capabilities in the kernel's spelling, sorted, each once.
fn capabilities(names: &[String]) -> Vec<String> {
    let full = |name: &String| {
        let name = name.trim().to_uppercase();
        if name == "ALL" || name.starts_with("CAP_") { name } else { format!("CAP_{name}") }
    };
    names.iter().map(full).collect::<BTreeSet<String>>().into_iter().collect()
}

fn cgroupns(mode: &str) -> Option<HostConfigCgroupnsModeEnum> {
    match mode {
        "host" => Some(HostConfigCgroupnsModeEnum::HOST),
        "private" => Some(HostConfigCgroupnsModeEnum::PRIVATE),
        _ => None,
    }
}

fn isolation(mode: &str) -> Option<HostConfigIsolationEnum> {
    match mode {
        "default" => Some(HostConfigIsolationEnum::DEFAULT),
        "process" => Some(HostConfigIsolationEnum::PROCESS),
        "hyperv" => Some(HostConfigIsolationEnum::HYPERV),
        _ => None,
    }
}

/// `name:address` lines, by name.
fn extra_hosts(service: &Service) -> Vec<String> {
    let line = |(name, addresses): (&String, &Vec<String>)| {
        addresses.iter().map(|address| format!("{name}:{address}")).collect::<Vec<_>>()
    };
    service.extra_hosts.iter().flat_map(line).collect()
}

/// A port's protocol; TCP when it says none.
pub(super) fn protocol(port: &Port) -> &str {
    if port.protocol.is_empty() { "tcp" } else { &port.protocol }
}

fn port_bindings(ports: &[Port]) -> PortMap {
    let mut bindings = PortMap::new();
    for port in ports {
        let binding =
            PortBinding { host_ip: said(port.host_ip.clone()), host_port: Some(port.published.clone()) };
        let key = format!("{}/{}", port.target, protocol(port));
        bindings.entry(key).or_default().get_or_insert_default().push(binding);
    }
    bindings
}

/// `deploy.restart_policy` wins over `restart`.
fn restart_policy(service: &Service) -> RestartPolicy {
    let swarm_style = service.deploy.as_ref().and_then(|deploy| deploy.restart_policy.as_ref());
    let (name, retries) = match swarm_style {
        Some(policy) => {
            (policy.condition.as_str(), policy.max_attempts.and_then(|count| i64::try_from(count).ok()))
        }
        None => match service.restart.split_once(':') {
            Some((name, count)) => (name, count.parse().ok()),
            None => (service.restart.as_str(), None),
        },
    };
    let name = match name {
        "no" | "none" => RestartPolicyNameEnum::NO,
        "always" | "any" => RestartPolicyNameEnum::ALWAYS,
        "unless-stopped" => RestartPolicyNameEnum::UNLESS_STOPPED,
        "on-failure" => RestartPolicyNameEnum::ON_FAILURE,
        // Checked at load: nothing else comes here but "not said".
        _ => RestartPolicyNameEnum::EMPTY,
    };
    RestartPolicy { name: Some(name), maximum_retry_count: retries.or(Some(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_processor_are_exact() {
        for (cpus, nanos) in
            [(0.1, 100_000_000), (0.5, 500_000_000), (1.0, 1_000_000_000), (2.25, 2_250_000_000)]
        {
            assert_eq!(nano_cpus(cpus), nanos);
        }
    }

    #[test]
    fn restart_policies_carry_their_retries() {
        let check = |restart: &str, name, retries| {
            let service = Service { restart: restart.to_owned(), ..Service::default() };
            let policy = restart_policy(&service);
            assert_eq!((policy.name, policy.maximum_retry_count), (Some(name), Some(retries)), "{restart}");
        };
        check("on-failure:3", RestartPolicyNameEnum::ON_FAILURE, 3);
        check("unless-stopped", RestartPolicyNameEnum::UNLESS_STOPPED, 0);
        check("", RestartPolicyNameEnum::EMPTY, 0);
    }

    #[test]
    fn what_needs_a_special_kernel_or_storage_reaches_the_body() {
        let blkio = crate::model::BlkioConfig {
            weight: 300,
            weight_device: vec![crate::model::WeightDevice {
                path: "/dev/sda".to_owned(),
                weight: 400,
                ..Default::default()
            }],
            ..Default::default()
        };
        let service = Service {
            cpu_rt_period: 1_000_000,
            cpu_rt_runtime: 950_000,
            blkio_config: Some(blkio),
            storage_opt: [("size".to_owned(), "1G".to_owned())].into(),
            ..Service::default()
        };
        let body = lower(&Project::default(), &service);
        assert_eq!((body.cpu_realtime_period, body.cpu_realtime_runtime), (Some(1_000_000), Some(950_000)));
        assert_eq!(body.blkio_weight, Some(300));
        let device = ResourcesBlkioWeightDevice { path: Some("/dev/sda".to_owned()), weight: Some(400) };
        assert_eq!(body.blkio_weight_device, Some(vec![device]));
        assert_eq!(body.storage_opt, Some([("size".to_owned(), "1G".to_owned())].into()));
    }

    #[test]
    fn capabilities_are_spelled_in_full_and_sorted() {
        let check = |names: &[&str], expect: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(capabilities(&names), expect, "{names:?}");
        };
        check(&["sys_time", "CAP_CHOWN", "CHOWN"], &["CAP_CHOWN", "CAP_SYS_TIME"]);
        check(&["net_admin", "all"], &["ALL", "CAP_NET_ADMIN"]);
        check(&[], &[]);
    }

    #[test]
    fn security_options_keep_their_spelling_and_unconfined_paths_are_no_option() {
        let options =
            ["no-new-privileges:true", "label=disable", "systempaths=unconfined"].map(ToOwned::to_owned);
        let (kept, unconfined) = security_options(&options);
        assert_eq!((kept, unconfined), (options[..2].to_vec(), true));
    }

    #[test]
    fn a_port_published_twice_has_two_bindings() {
        let port = |published: &str| Port { target: 80, published: published.to_owned(), ..Port::default() };
        let bindings = port_bindings(&[port("8080"), port("8081")]);
        assert_eq!(bindings.get("80/tcp").unwrap().as_ref().unwrap().len(), 2);
    }
}
