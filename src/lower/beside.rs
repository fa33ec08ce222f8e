//! A container that works on another one's files from beside it.

use bollard::models::{ContainerCreateBody, HostConfig};

/// Runs a program as root that sees a container's processes, and through the first of them, at `/proc/1/root`, its files. It
/// has no network and carries no label: it belongs to no project.
pub fn lower(image: &str, container: &str, program: &str, arguments: Vec<String>) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![program.to_owned()]),
        cmd: Some(arguments),
        user: Some("0".to_owned()),
        host_config: Some(HostConfig {
            pid_mode: Some(format!("container:{container}")),
            network_mode: Some("none".to_owned()),
            // To look through `/proc` at a process of another user, or of one with more rights than a container's.
            cap_add: Some(vec!["SYS_PTRACE".to_owned()]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}
