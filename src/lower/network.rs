//! A network to the body of `POST /networks/create`.

use super::said;
use crate::model::{Ipam, IpamPool, Network, NetworkKey, Project, hash, label};
use bollard::models::{Ipam as EngineIpam, IpamConfig, NetworkCreateRequest};

/// The body.
pub fn create_body(project: &Project, key: &NetworkKey, network: &Network) -> NetworkCreateRequest {
    let Network {
        name,
        driver,
        driver_opts,
        ipam,
        external: _,
        internal,
        attachable,
        labels,
        enable_ipv4,
        enable_ipv6,
        extensions: _,
    } = network;
    let mut labels: std::collections::HashMap<String, String> = labels.clone().into_iter().collect();
    labels.insert(label::PROJECT.to_owned(), project.name.to_string());
    labels.insert(label::NETWORK.to_owned(), key.to_string());
    labels.insert(label::VERSION.to_owned(), label::COMPATIBLE_VERSION.to_owned());
    labels.insert(label::CONFIG_HASH.to_owned(), hash::network(network));
    super::label_instance(project, &mut labels);
    NetworkCreateRequest {
        name: name.clone(),
        driver: Some(if driver.is_empty() { "bridge".to_owned() } else { driver.clone() }),
        options: said(driver_opts.clone().into_iter().collect()),
        ipam: said(lower_ipam(ipam)),
        internal: said(*internal),
        attachable: said(*attachable),
        enable_ipv4: *enable_ipv4,
        enable_ipv6: *enable_ipv6,
        labels: Some(labels),
        ..NetworkCreateRequest::default()
    }
}

fn lower_ipam(ipam: &Ipam) -> EngineIpam {
    let Ipam { driver, config, options, extensions: _ } = ipam;
    let pool = |pool: &IpamPool| {
        let IpamPool { subnet, gateway, ip_range, aux_addresses, extensions: _ } = pool;
        IpamConfig {
            subnet: said(subnet.clone()),
            ip_range: said(ip_range.clone()),
            gateway: said(gateway.clone()),
            auxiliary_addresses: said(aux_addresses.clone().into_iter().collect()),
        }
    };
    EngineIpam {
        driver: said(driver.clone()),
        config: said(config.iter().map(pool).collect()),
        options: said(options.clone().into_iter().collect()),
    }
}
