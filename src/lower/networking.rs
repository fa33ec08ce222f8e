//! How a container takes part in networks.

use super::said;
use crate::model::{Network, NetworkKey, Project, Service, ServiceNetwork};
use bollard::models::{EndpointIpamConfig, EndpointSettings};
use std::collections::HashMap;

/// The driver option that names an interface.
const INTERFACE_NAME: &str = "com.docker.network.endpoint.ifname";

/// The engine's network mode: the namespace that is asked for, else the primary network's name, else none.
pub(super) fn network_mode(project: &Project, service: &Service) -> String {
    match service.network_mode.as_str() {
        "" => primary(project, service)
            .map_or_else(|| "none".to_owned(), |(_, network, _)| network.name.clone()),
        "disabled" => "none".to_owned(),
        mode => mode.to_owned(),
    }
}

/// Endpoints for the body, by network name, and the ones that have to be joined afterwards: before API 1.44 the engine
/// takes one endpoint only.
pub(super) fn endpoints(
    project: &Project,
    service: &Service,
    name: &str,
    api: u32,
) -> (HashMap<String, EndpointSettings>, Vec<(String, EndpointSettings)>) {
    if !service.network_mode.is_empty() {
        return (HashMap::new(), Vec::new());
    }
    let all = ordered(project, service)
        .into_iter()
        .map(|(key, network, _)| (network.name.clone(), endpoint(project, service, key, name)));
    if api >= 44 {
        return (all.collect(), Vec::new());
    }
    let mut all = all;
    (all.next().into_iter().collect(), all.collect())
}

/// One endpoint: the aliases are the container's name, the service's, and what the file gives.
pub fn endpoint(project: &Project, service: &Service, key: &NetworkKey, name: &str) -> EndpointSettings {
    let settings = service.networks.get(key).cloned().flatten().unwrap_or_default();
    let is_primary = primary(project, service).is_some_and(|(primary, ..)| primary == key);
    let ServiceNetwork {
        aliases,
        gw_priority,
        interface_name,
        ipv4_address,
        ipv6_address,
        link_local_ips,
        mac_address,
        driver_opts,
        priority: _,
        extensions: _,
    } = *settings;
    let mut all = vec![name.to_owned(), service.name.to_string()];
    all.extend(aliases);
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|alias| seen.insert(alias.clone()));
    let mac = if mac_address.is_empty() && is_primary { service.mac_address.clone() } else { mac_address };
    let mut options: HashMap<String, String> = driver_opts.into_iter().collect();
    if !interface_name.is_empty() {
        options.insert(INTERFACE_NAME.to_owned(), interface_name);
    }
    let ipam = EndpointIpamConfig {
        ipv4_address: said(ipv4_address.clone()),
        ipv6_address: said(ipv6_address.clone()),
        link_local_ips: said(link_local_ips),
    };
    EndpointSettings {
        aliases: Some(all),
        ip_address: said(ipv4_address),
        global_ipv6_address: None,
        ipv6_gateway: said(ipv6_address),
        ipam_config: said(ipam),
        mac_address: said(mac),
        driver_opts: said(options),
        gw_priority: said(gw_priority),
        links: said(links(project, service)),
        ..EndpointSettings::default()
    }
}

/// `container:alias` for every link: to services of the project by three names, to outside containers by one.
pub(super) fn links(project: &Project, service: &Service) -> Vec<String> {
    let mut links = Vec::new();
    for entry in &service.links {
        let (target, alias) = entry.split_once(':').unwrap_or((entry, entry));
        let Some(linked) = project.services.get(target) else { continue };
        for number in 1..=linked.replicas() {
            let name = project.container_name(linked, number);
            let short = format!("{target}{}{number}", project.separator());
            for alias in [alias, short.as_str(), name.as_str()] {
                links.push(format!("{name}:{alias}"));
            }
        }
    }
    for entry in &service.external_links {
        let (target, alias) = entry.split_once(':').unwrap_or((entry, entry));
        links.push(format!("{target}:{alias}"));
    }
    links
}

type Joined<'a> = (&'a NetworkKey, &'a Network, i64);

fn primary<'a>(project: &'a Project, service: &'a Service) -> Option<Joined<'a>> {
    ordered(project, service).into_iter().next()
}

/// Networks of a service: the highest priority first, ties by name.
fn ordered<'a>(project: &'a Project, service: &'a Service) -> Vec<Joined<'a>> {
    let mut joined: Vec<Joined<'a>> = service
        .networks
        .iter()
        .filter_map(|(key, settings)| {
            let priority = settings.as_ref().map_or(0, |settings| settings.priority);
            Some((key, project.networks.get(key)?, priority))
        })
        .collect();
    joined.sort_by_key(|(key, _, priority)| (-priority, key.as_str()));
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceName;

    fn project(priorities: &[(&str, i64)]) -> (Project, Service) {
        let mut project = Project::default();
        let mut service = Service { name: ServiceName::new("web"), ..Service::default() };
        for (name, priority) in priorities {
            let key = NetworkKey::new(*name);
            project.networks.insert(key.clone(), Network { name: format!("p_{name}"), ..Network::default() });
            let network = ServiceNetwork { priority: *priority, ..ServiceNetwork::default() };
            service.networks.insert(key, Some(Box::new(network)));
        }
        (project, service)
    }

    #[test]
    fn the_primary_network_has_the_highest_priority_then_the_first_name() {
        let (project, service) = project(&[("a", 0), ("b", 10), ("c", 10)]);
        assert_eq!(network_mode(&project, &service), "p_b");
    }

    #[test]
    fn an_old_engine_takes_the_primary_endpoint_and_the_rest_are_joined_afterwards() {
        let (project, service) = project(&[("a", 0), ("b", 10)]);
        let (first, rest) = endpoints(&project, &service, "p-web-1", 41);
        assert_eq!(first.keys().collect::<Vec<_>>(), ["p_b"]);
        assert_eq!(rest.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["p_a"]);
        assert_eq!(endpoints(&project, &service, "p-web-1", 44).0.len(), 2);
    }

    #[test]
    fn a_container_goes_by_its_own_name_and_its_services() {
        let (project, service) = project(&[("a", 0)]);
        let endpoint = endpoint(&project, &service, &NetworkKey::new("a"), "p-web-1");
        assert_eq!(endpoint.aliases.unwrap(), ["p-web-1", "web"]);
    }
}
