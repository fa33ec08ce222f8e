//! A service to the body of `POST /containers/{id}/update`: limits and restart policy, in place.
//! <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerUpdate>

use super::host_config;
use crate::model::{Project, Service};
use bollard::models::{ContainerUpdateBody, HostConfig, RestartPolicy, RestartPolicyNameEnum};

/// The attributes that can change in place, in the names that [`fields`](super::fields) uses.
pub const IN_PLACE: &[&str] = &[
    "restart",
    "mem_limit",
    "mem_reservation",
    "memswap_limit",
    "cpus",
    "cpu_shares",
    "cpu_period",
    "cpu_quota",
    "cpuset",
    "pids_limit",
    "blkio_config.weight",
];

/// The attributes among them that the engine can also take away in place: a zero means "as it was" for the others.
pub const REMOVABLE: &[&str] = &["restart", "pids_limit"];

/// The body.
pub fn body(project: &Project, service: &Service) -> ContainerUpdateBody {
    let HostConfig {
        restart_policy,
        memory,
        memory_reservation,
        memory_swap,
        nano_cpus,
        cpu_shares,
        cpu_period,
        cpu_quota,
        cpuset_cpus,
        pids_limit,
        blkio_weight,
        ..
    } = host_config::lower(project, service);
    // Here an empty name means "as it was".
    let restart_policy = restart_policy.map(|policy| match policy.name {
        Some(RestartPolicyNameEnum::EMPTY) | None => {
            RestartPolicy { name: Some(RestartPolicyNameEnum::NO), ..policy }
        }
        Some(_) => policy,
    });
    ContainerUpdateBody {
        restart_policy,
        memory,
        memory_reservation,
        // At creation the engine allows as much swap as memory where nothing is said; at a change it keeps the old sum and
        // refuses a memory limit above it.
        memory_swap: memory_swap.or(memory.map(|bytes| bytes.saturating_mul(2))),
        nano_cpus,
        cpu_shares,
        cpu_period,
        cpu_quota,
        cpuset_cpus,
        pids_limit: Some(pids_limit.unwrap_or(0)),
        blkio_weight,
        ..ContainerUpdateBody::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ByteSize;

    #[test]
    fn a_memory_limit_brings_its_swap_and_what_is_not_said_is_unlimited_or_left_alone() {
        let service = Service { mem_limit: ByteSize(1000), ..Service::default() };
        let body = body(&Project::default(), &service);
        assert_eq!((body.memory, body.memory_swap, body.pids_limit), (Some(1000), Some(2000), Some(0)));
        assert_eq!(
            body.restart_policy.and_then(|policy| policy.name).map(|name| name.to_string()),
            Some("no".to_owned())
        );
        assert_eq!(body.nano_cpus, None);
    }
}
