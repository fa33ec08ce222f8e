//! The config hash: equal to the reference's, so that its containers are adopted and ours are by it.
//!
//! SHA-256 (hex) over the compact JSON of the resolved definition, fields in struct order, maps sorted, with
//! `<`, `>` and `&` escaped. A service leaves out `build`, `pull_policy`, `scale`, `deploy.replicas`, `depends_on` and
//! `profiles`: what none of them changes in a container. Names (of the service; not those of networks and volumes) and
//! `x-*` are not part of the text.

use super::output::{JSON, tree};
use super::{BlkioConfig, ByteSize, DeployConfig, Network, ResourceReservations, Resources, Service, Volume};
use crate::yaml;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The hash of a service whose namespaces (`service:x`) and `volumes_from` were replaced by container ids.
pub fn service(service: &Service) -> String {
    let deploy = service.deploy.clone().map(|deploy| DeployConfig { replicas: None, ..deploy });
    of(&Service {
        build: None,
        pull_policy: String::new(),
        scale: None,
        deploy,
        depends_on: BTreeMap::new(),
        profiles: Vec::new(),
        ..service.clone()
    })
}

/// The hash of what of a service's definition can only be changed by a new container: without the limits, the restart policy
/// and the networks, which change in place, and without what no container notices. `service` as in [`service`].
pub fn base(service: &Service) -> String {
    let devices = service
        .deploy
        .iter()
        .flat_map(|deploy| &deploy.resources.reservations)
        .flat_map(|kept| &kept.devices);
    let reserved =
        ResourceReservations { devices: devices.cloned().collect(), ..ResourceReservations::default() };
    let resources = Resources { reservations: Some(reserved), ..Resources::default() };
    let blkio = service.blkio_config.clone().map(|blkio| BlkioConfig { weight: 0, ..blkio });
    self::service(&Service {
        attach: None,
        develop: None,
        pre_start: Vec::new(),
        post_start: Vec::new(),
        pre_stop: Vec::new(),
        deploy: Some(DeployConfig { resources, ..DeployConfig::default() }),
        blkio_config: blkio.filter(|blkio| *blkio != BlkioConfig::default()),
        restart: String::new(),
        mem_limit: ByteSize::default(),
        mem_reservation: ByteSize::default(),
        memswap_limit: ByteSize::default(),
        cpus: 0.0,
        cpu_shares: 0,
        cpu_period: 0,
        cpu_quota: 0,
        cpuset: String::new(),
        pids_limit: 0,
        networks: BTreeMap::new(),
        ..service.clone()
    })
}

/// The hash of a network's definition.
pub fn network(network: &Network) -> String {
    of(network)
}

/// The hash of a volume's definition; its driver defaults to `local`.
pub fn volume(volume: &Volume) -> String {
    if volume.driver.is_empty() {
        return of(&Volume { driver: "local".to_owned(), ..volume.clone() });
    }
    of(volume)
}

fn of<T: Serialize>(definition: &T) -> String {
    let text = yaml::to_json(&tree(definition, JSON), None);
    let mut hash = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let written = write!(hash, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to text never fails");
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ipam, IpamPool};

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn check_network(network: &Network, expect: &str) {
        assert_eq!(super::network(network), expect, "{network:?}");
    }

    #[test]
    fn a_network_hashes_as_the_reference_labels_it() {
        let named = |name: &str| Network { name: name.to_owned(), ..Network::default() };
        check_network(
            &named("hm-net-own"),
            "359896cb72dce6e233a3c33ec08a2dfcde645bace0ce1552edf8eeb198c1cf25",
        );
        check_network(
            &named("hm-net_default"),
            "f21b04c3e187b352c9952e111f19fd1665bb6115ce310847a11ee1c0f2b7e304",
        );
        let extensions = [("x-a".to_owned(), serde_yaml::Value::from(1))].into();
        check_network(
            &Network {
                attachable: true,
                enable_ipv4: Some(true),
                enable_ipv6: Some(false),
                extensions,
                ..named("hm-net_m")
            },
            "1fc76bdb0d4cb6f27c11f096c791c04c8aa71b6ef478751d67549ee5500ca3ba",
        );
        let pool = IpamPool {
            subnet: "172.31.200.0/24".to_owned(),
            gateway: "172.31.200.1".to_owned(),
            ip_range: "172.31.200.128/25".to_owned(),
            aux_addresses: map(&[("h", "172.31.200.5")]),
            ..IpamPool::default()
        };
        let ipam = Ipam {
            driver: "default".to_owned(),
            config: vec![pool],
            options: map(&[("o", "p")]),
            ..Ipam::default()
        };
        check_network(
            &Network {
                driver: "bridge".to_owned(),
                driver_opts: map(&[("com.docker.network.bridge.name", "hmbr0")]),
                ipam,
                internal: true,
                labels: map(&[("a", "1"), ("b", "2")]),
                ..named("hm-net_n")
            },
            "45a37090a62bf0fe10f849ee1bc82b92ec29a828f9373e3c500d1b8d67069882",
        );
    }

    #[test]
    fn a_volume_hashes_as_the_reference_labels_it() {
        let plain = Volume { name: "hm-net_vv".to_owned(), labels: map(&[("a", "b")]), ..Volume::default() };
        assert_eq!(volume(&plain), "77f35f2044a976bc06828493786960d5a0496ec5d9bb8da26e60f9771a71714d");
        let options = Volume {
            name: "hm-net-w".to_owned(),
            driver: "local".to_owned(),
            driver_opts: map(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=1m")]),
            ..Volume::default()
        };
        assert_eq!(volume(&options), "288f4258435aed731787fb9e4a63bedd69af5318ef9b26b4a0c15b13bfdc9975");
    }

    #[test]
    fn a_service_hashes_without_what_does_not_change_its_containers() {
        let service = Service { image: "alpine".to_owned(), ..Service::default() };
        let with_all = Service {
            pull_policy: "always".to_owned(),
            scale: Some(3),
            profiles: vec!["p".to_owned()],
            depends_on: [(crate::model::ServiceName::new("db"), crate::model::Dependency::default())].into(),
            build: Some(crate::model::BuildConfig::default()),
            ..service.clone()
        };
        assert_eq!(super::service(&service), super::service(&with_all));
        let other = Service { image: "busybox".to_owned(), ..Service::default() };
        assert_ne!(super::service(&service), super::service(&other));
    }

    /// The values that the tests of Compose 5 record, with the definitions they are taken of.
    /// <https://github.com/docker/compose/blob/main/pkg/compose/hash_test.go>
    #[test]
    fn version_5_of_the_reference_hashes_alike() {
        let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let check = crate::model::Healthcheck { test: text(&["CMD", "true"]), ..Default::default() };
        let port = crate::model::Port {
            target: 80,
            published: "8080".to_owned(),
            protocol: "tcp".to_owned(),
            ..Default::default()
        };
        let mount = crate::model::Mount {
            kind: crate::model::MountType::Volume,
            source: "data".to_owned(),
            target: "/data".to_owned(),
            ..Default::default()
        };
        let web = Service {
            image: "nginx:latest".to_owned(),
            command: Some(text(&["nginx", "-g", "daemon off;"])),
            user: "nobody".to_owned(),
            tty: true,
            stdin_open: true,
            restart: "always".to_owned(),
            environment: [("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), None)].into(),
            labels: map(&[("com.example", "v")]),
            annotations: map(&[("note", "x")]),
            cap_add: text(&["NET_ADMIN"]),
            extra_hosts: [("alpha".to_owned(), text(&["10.0.0.1"]))].into(),
            deploy: Some(DeployConfig { replicas: Some(3), ..Default::default() }),
            ports: vec![port],
            healthcheck: Some(check),
            volumes: vec![mount],
            networks: [(crate::model::NetworkKey::new("default"), None)].into(),
            ..Service::default()
        };
        let expect = "75bc312132c71fac4971d123202631b6978ac9d796336621af744d46611b42a2";
        assert_eq!(service(&web), expect);
        let network =
            Network { name: "proj_default".to_owned(), driver: "bridge".to_owned(), ..Network::default() };
        check_network(&network, "eeef29d8955b1d4e9382986e213c80789065d989d7a6d035163e0180159aaac0");
        let data = Volume { name: "proj_data".to_owned(), ..Volume::default() };
        let expect = "dd3953f0ff20e0f9044086b0483690f2cc2b4653e57aaaa5fa8ea2735da61000";
        assert_eq!(volume(&data), expect);
    }

    #[test]
    fn a_limit_of_zero_is_left_out_of_the_hash() {
        let limits = BTreeMap::from([("a".to_owned(), crate::model::Ulimit::default())]);
        let service = Service { image: "q".to_owned(), ulimits: limits, ..Service::default() };
        assert_eq!(
            yaml::to_json(&tree(&service, JSON), None),
            r#"{"command":null,"entrypoint":null,"image":"q","ulimits":{"a":{}}}"#
        );
    }
}
