//! What of a project can be reached from here: its published ports, and the variables that name them.

use super::{OpsError, Scope, list};
use crate::engine::{Address, Engine};
use crate::model::Project;
use crate::observe::{Container, ObservedPort};
use std::collections::BTreeMap;

/// A published port of a running container.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Endpoint {
    /// The service.
    pub service: String,
    /// The container's number within the service.
    pub replica: u32,
    /// The port in the container.
    pub target: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// Where it is reached: a name or an address.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// What a browser or HTTP client would ask for; nothing for ports that do not look like HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Ports that are asked by HTTP more often than not.
const HTTP_PORTS: [u16; 14] =
    [80, 3000, 4200, 5000, 5173, 8000, 8008, 8080, 8081, 8088, 8090, 8888, 9000, 9090];

/// The published ports of a project, by service, number and port in the container. Empty `services` means all.
///
/// # Errors
/// The engine's, or an unknown service.
pub async fn endpoints(
    engine: &Engine,
    scope: &Scope,
    services: &[String],
) -> Result<Vec<Endpoint>, OpsError> {
    let filter = list::Filter { services: services.to_vec(), orphans: true, ..list::Filter::default() };
    let containers = list::containers(engine, scope, &filter).await?;
    let host = match engine.address() {
        Address::Unix(_) => None,
        Address::Tcp(authority) => authority.rsplit_once(':').map(|(host, _)| host),
        Address::Ssh(host) => Some(host.host.as_str()),
    };
    Ok(of_containers(&containers, scope.project(), host))
}

/// `engine` is the host that the engine is on; `None` for this one.
fn of_containers(containers: &[Container], project: Option<&Project>, engine: Option<&str>) -> Vec<Endpoint> {
    // The engine tells a port once for IPv4 and once for IPv6; IPv4 is reached from everywhere.
    let mut found: BTreeMap<(String, u32, u16, String, u16), Endpoint> = BTreeMap::new();
    for container in containers {
        let Some(replica) = container.identity.number else { continue };
        for port in container.ports.iter().filter(|port| port.published != 0) {
            let service = container.identity.service.to_string();
            let host = reached_at(&port.host_ip, engine);
            let url = scheme(project, &service, port)
                .map(|scheme| format!("{scheme}://{}:{}", in_url(&host), port.published));
            let key = (service.clone(), replica, port.target, port.protocol.clone(), port.published);
            let endpoint = Endpoint {
                service,
                replica,
                target: port.target,
                protocol: port.protocol.clone(),
                host,
                port: port.published,
                url,
            };
            match found.entry(key) {
                std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(endpoint)),
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    if entry.get().host.contains(':') {
                        entry.insert(endpoint);
                    }
                }
            }
        }
    }
    found.into_values().collect()
}

/// The same port as the project's other containers reach it: by the service's name, and by its own number.
pub(super) fn inside(endpoint: &Endpoint) -> Endpoint {
    let (host, port) = (endpoint.service.clone(), endpoint.target);
    let scheme = endpoint.url.as_deref().and_then(|url| url.split_once("://"));
    let url = scheme.map(|(scheme, _)| format!("{scheme}://{host}:{port}"));
    Endpoint { host, port, url, ..endpoint.clone() }
}

/// Where a port that is published at `address` is reached.
fn reached_at(address: &str, engine: Option<&str>) -> String {
    match (address, engine) {
        ("" | "0.0.0.0" | "::", Some(engine)) => engine.to_owned(),
        ("" | "0.0.0.0" | "::", None) => "127.0.0.1".to_owned(),
        (address, _) => address.to_owned(),
    }
}

/// An IPv6 address stands in brackets.
fn in_url(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// What the stack file says the port speaks, or what its number suggests.
fn scheme(project: Option<&Project>, service: &str, port: &ObservedPort) -> Option<&'static str> {
    let said = project
        .and_then(|project| project.service(service))
        .into_iter()
        .flat_map(|service| &service.ports)
        .filter(|own| own.target == u32::from(port.target))
        .map(|own| own.app_protocol.as_str())
        .find(|protocol| !protocol.is_empty());
    match (said, port.target) {
        (Some("https"), _) | (None, 443 | 8443) if port.protocol == "tcp" => Some("https"),
        (Some("http" | "h2c"), _) => Some("http"),
        (None, target) if port.protocol == "tcp" && HTTP_PORTS.contains(&target) => Some("http"),
        (Some(_) | None, _) => None,
    }
}

/// The variables that name a project and its endpoints: `STACK_PROJECT`, and of each service `STACK_<SERVICE>_HOST`,
/// `STACK_<SERVICE>_PORT_<TARGET>` and `STACK_<SERVICE>_URL` (its first port that looks like HTTP). Names are in upper case,
/// other characters than letters and digits are `_`; replicas from the second on have their number behind the service.
pub fn variables(project: &str, endpoints: &[Endpoint]) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from([("STACK_PROJECT".to_owned(), project.to_owned())]);
    for endpoint in endpoints {
        let mut name = format!("STACK_{}", word(&endpoint.service));
        if endpoint.replica > 1 {
            name = format!("{name}_{}", endpoint.replica);
        }
        let mut port = format!("{name}_PORT_{}", endpoint.target);
        if endpoint.protocol != "tcp" {
            port = format!("{port}_{}", word(&endpoint.protocol));
        }
        variables.entry(format!("{name}_HOST")).or_insert_with(|| endpoint.host.clone());
        variables.entry(port).or_insert_with(|| endpoint.port.to_string());
        if let Some(url) = &endpoint.url {
            variables.entry(format!("{name}_URL")).or_insert_with(|| url.clone());
        }
    }
    variables
}

fn word(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceName;
    use crate::observe::{ContainerId, Identity};

    fn port(host_ip: &str, published: u16, target: u16, protocol: &str) -> ObservedPort {
        ObservedPort { host_ip: host_ip.to_owned(), published, target, protocol: protocol.to_owned() }
    }

    fn container(service: &str, number: u32, ports: Vec<ObservedPort>) -> Container {
        let identity =
            Identity { service: ServiceName::new(service), number: Some(number), ..Identity::default() };
        Container { id: ContainerId(format!("{service}{number}")), identity, ports, ..Container::default() }
    }

    #[test]
    fn each_port_is_named_once_and_where_it_is_reached() {
        let web = container(
            "my-web",
            1,
            vec![
                port("::", 32768, 80, "tcp"),
                port("0.0.0.0", 32768, 80, "tcp"),
                port("127.0.0.1", 5300, 53, "udp"),
                port("", 0, 9999, "tcp"),
            ],
        );
        let found = of_containers(
            &[web.clone(), container("my-web", 2, vec![port("::1", 81, 443, "tcp")])],
            None,
            None,
        );
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.replica, one.target, one.host.as_str(), one.url.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                (1, 53, "127.0.0.1", None),
                (1, 80, "127.0.0.1", Some("http://127.0.0.1:32768")),
                (2, 443, "::1", Some("https://[::1]:81")),
            ]
        );
        let names: Vec<String> =
            variables("shop", &found).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            names,
            [
                "STACK_MY_WEB_2_HOST=::1",
                "STACK_MY_WEB_2_PORT_443=81",
                "STACK_MY_WEB_2_URL=https://[::1]:81",
                "STACK_MY_WEB_HOST=127.0.0.1",
                "STACK_MY_WEB_PORT_53_UDP=5300",
                "STACK_MY_WEB_PORT_80=32768",
                "STACK_MY_WEB_URL=http://127.0.0.1:32768",
                "STACK_PROJECT=shop",
            ]
        );
        let far = of_containers(&[web], None, Some("build.example.com"));
        assert_eq!(far.last().map(|one| one.host.as_str()), Some("build.example.com"));
    }
}
