//! What Podman's service takes without a word and does not do. Pure.
//!
//! It answers the Engine API's 1.41 and leaves out fields that it has no use for; the user of such an attribute would believe that it
//! holds. Each was seen with Podman 4.3, where the container, network or volume did not have it. What it refuses by itself is not
//! here.

use super::support::Unsupported;
use crate::model::{Project, Service};
use crate::yaml::NodePath;

/// The attributes that Podman passes over, each at its place.
pub(super) fn passed_over(project: &Project, found: &mut Vec<Unsupported>) {
    let mut warn = |path: NodePath, used: bool| {
        if used {
            let message = "Podman's service passes over this (seen with Podman 4.3)".to_owned();
            found.push(Unsupported { path, message, tolerable: true });
        }
    };
    for (name, service) in &project.services {
        of_service(service, &NodePath::of(&["services", name.as_str()]), &mut warn);
    }
    for (key, network) in project.networks.iter().filter(|(_, network)| !network.external) {
        let ipam = &network.ipam;
        let path = NodePath::of(&["networks", key.as_str(), "ipam"]);
        warn(path.key("options"), !ipam.options.is_empty());
        for (index, pool) in ipam.config.iter().enumerate() {
            warn(path.key("config").index(index).key("aux_addresses"), !pool.aux_addresses.is_empty());
        }
    }
}

fn of_service(service: &Service, path: &NodePath, warn: &mut impl FnMut(NodePath, bool)) {
    warn(path.key("domainname"), !service.domainname.is_empty());
    warn(path.key("runtime"), !service.runtime.is_empty());
    warn(path.key("cgroup"), service.cgroup == "private");
    warn(path.key("device_cgroup_rules"), !service.device_cgroup_rules.is_empty());
    warn(path.key("gpus"), !service.gpus.is_empty());
    let reserved = service.deploy.as_ref().and_then(|deploy| deploy.resources.reservations.as_ref());
    warn(
        path.key("deploy").key("resources").key("reservations").key("devices"),
        reserved.is_some_and(|reserved| !reserved.devices.is_empty()),
    );
    for (index, device) in service.devices.iter().enumerate() {
        warn(path.key("devices").index(index), super::host_config::is_cdi(&device.source));
    }
    for (index, volume) in service.volumes.iter().enumerate() {
        let Some(options) = &volume.volume else { continue };
        let path = path.key("volumes").index(index).key("volume");
        warn(path.key("nocopy"), options.nocopy);
        warn(path.key("labels"), !options.labels.is_empty());
    }
    // Of several networks Podman takes none first.
    let several = service.networks.len() > 1;
    for (key, network) in &service.networks {
        let Some(network) = network else { continue };
        let path = path.key("networks").key(key.as_str());
        warn(path.key("priority"), several && network.priority != 0);
        warn(path.key("link_local_ips"), !network.link_local_ips.is_empty());
        warn(path.key("driver_opts"), !network.driver_opts.is_empty());
    }
}
