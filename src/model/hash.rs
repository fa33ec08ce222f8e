//! The config hash: equal to the reference's, so that its containers are adopted and ours are by it.
//!
//! SHA-256 (hex) over the compact JSON of the resolved definition, fields in struct order, maps sorted, with
//! `<`, `>` and `&` escaped. A service leaves out `build`, `pull_policy`, `scale`, `deploy.replicas`, `depends_on` and
//! `profiles`: what none of them changes in a container. Names (of the service; not those of networks and volumes) and
//! `x-*` are not part of the text.

use super::output::{JSON, tree};
use super::{DeployConfig, Network, Service, Volume};
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
