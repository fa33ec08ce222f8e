//! An instance: a copy of a project that runs beside the others of the same stack file.
//!
//! In: a project under the instance's own name. Out: the same with every name and host port that only one project on an
//! engine can have made its own. Pure: which ports are free is found out above, and handed in.
//!
//! | what | becomes |
//! | --- | --- |
//! | project name, and all names that come of it | `PROJECT-INSTANCE` |
//! | `container_name`, `name` of networks and volumes | with `-INSTANCE` behind, unless external |
//! | `container:NAME` of a container of the project | follows that |
//! | fixed host ports | others, by [`map_ports`] |
//! | subnets of networks | left to the engine; where a service has a fixed address, refused |
//! | the name of a bridge on the host | left to the engine |
//! | bind mounts, devices, images with a name, external networks and volumes | shared |

use super::{Network, Project, ProjectName, Service, Volume};
use crate::yaml::NodePath;
use std::collections::{BTreeMap, BTreeSet};

/// What makes a project an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// The project it is an instance of.
    pub origin: ProjectName,
    /// The host port that each fixed one became; filled in before anything is made.
    pub ports: PortMap,
    /// It keeps the host ports of the file, which only one at a time can have.
    pub keeps_ports: bool,
    /// The machine whose folders and processes it belongs to.
    pub host: String,
    /// The process it lives as long as, for one that is to be thrown away.
    pub owner: Option<String>,
}

/// Host ports by the ones that stand in the file.
pub type PortMap = BTreeMap<u16, u16>;

/// Host ports one after the other: a port, or a range to pick from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRun {
    /// The first.
    pub first: u16,
    /// How many; at least 1.
    pub length: u16,
}

impl PortRun {
    /// Reads `8080` or `8000-8010`; `None` for nothing at all and for what is no port.
    pub fn parse(published: &str) -> Option<Self> {
        let (first, last) = published.split_once('-').unwrap_or((published, published));
        let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
        let length = last.checked_sub(first)?.checked_add(1)?;
        (first > 0).then_some(Self { first, length })
    }

    /// Its ports.
    pub fn ports(self) -> impl Iterator<Item = u16> {
        (0..self.length).filter_map(move |offset| self.first.checked_add(offset))
    }
}

/// Something that cannot be had twice, or is shared though it looks as if it were not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// Where it is said.
    pub path: NodePath,
    /// Whether the instance cannot be had because of it.
    pub fatal: bool,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

/// The driver option that names a bridge on the host.
const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

/// The instance name that a text comes to: lower case, other characters than letters, digits and `_` as `-`. A long one is
/// cut and told apart by a number, so that names of containers stay names of hosts.
pub fn normalize(text: &str) -> String {
    const LONGEST: usize = 30;
    let mut name = String::new();
    for next in text.to_lowercase().chars() {
        match next {
            'a'..='z' | '0'..='9' | '_' => name.push(next),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_matches(['-', '_']);
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    // FNV-1a: short, and the same on every machine.
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{}-{hash:08x}", name.get(..LONGEST - 9).unwrap_or(name).trim_end_matches(['-', '_']))
}

/// Gives a project that is called `ORIGIN-INSTANCE` names of its own, all but the ports. What cannot be had twice is told.
pub fn isolate(project: &mut Project, instance: Instance) -> Vec<Clash> {
    let own = Own { project: project.name.to_string(), suffix: format!("-{}", instance.name) };
    let mut clashes = Vec::new();
    let mut renamed = BTreeMap::new();
    for service in services(project) {
        if let Some(name) = &mut service.container_name {
            let new = own.name(name);
            renamed.insert(std::mem::replace(name, new.clone()), new);
        }
    }
    for service in services(project) {
        follow(service, &renamed);
    }
    let external: BTreeSet<String> = project
        .networks
        .iter()
        .filter(|(_, network)| network.external)
        .map(|(key, _)| key.to_string())
        .collect();
    for service in project.services.values() {
        clashes.extend(of_service(service, &external));
    }
    for (key, network) in &mut project.networks {
        clashes.extend(of_network(key.as_str(), network, &own));
    }
    for (key, volume) in &mut project.volumes {
        let Volume { name, external, .. } = volume;
        if !*external && *name != format!("{}_{key}", own.project) {
            *name = own.name(name);
        }
    }
    project.instance = Some(Box::new(instance));
    clashes
}

/// How names become the instance's own.
struct Own {
    project: String,
    suffix: String,
}

impl Own {
    /// A name that somebody wrote, made the instance's. Also one that looks as if it were the instance's own: it could be
    /// another one's by accident.
    fn name(&self, written: &str) -> String {
        if written.is_empty() { String::new() } else { format!("{written}{}", self.suffix) }
    }
}

fn services(project: &mut Project) -> impl Iterator<Item = &mut Service> {
    project.services.values_mut().chain(project.disabled_services.values_mut()).map(AsMut::as_mut)
}

/// Makes what names containers of the project go on naming them.
fn follow(service: &mut Service, renamed: &BTreeMap<String, String>) {
    let Service { network_mode, pid, ipc, volumes_from, external_links, .. } = service;
    for mode in [network_mode, pid, ipc] {
        if let Some(new) = mode.strip_prefix("container:").and_then(|name| renamed.get(name)) {
            *mode = format!("container:{new}");
        }
    }
    for donor in volumes_from {
        let Some(rest) = donor.strip_prefix("container:") else { continue };
        let (name, mode) = rest.split_once(':').map_or((rest, None), |(name, mode)| (name, Some(mode)));
        if let Some(new) = renamed.get(name) {
            let mode = mode.map(|mode| format!(":{mode}")).unwrap_or_default();
            *donor = format!("container:{new}{mode}");
        }
    }
    for link in external_links {
        let (name, alias) = link.split_once(':').unwrap_or((link, link));
        if let Some(new) = renamed.get(name) {
            *link = format!("{new}:{alias}");
        }
    }
}

fn of_service(service: &Service, external: &BTreeSet<String>) -> Vec<Clash> {
    let path = NodePath::of(&["services", service.name.as_str()]);
    let name = &service.name;
    let mut clashes = Vec::new();
    if service.network_mode == "host" {
        clashes.push(Clash {
            path: path.key("network_mode"),
            fatal: false,
            message: format!("service `{name}` listens on the host's own ports, which all instances share"),
            help: "publish its ports instead: an instance gets free ones for those",
        });
    }
    for (key, joined) in &service.networks {
        let Some(joined) = joined else { continue };
        let fixed = [("ipv4_address", &joined.ipv4_address), ("ipv6_address", &joined.ipv6_address)];
        for (attribute, address) in fixed.into_iter().filter(|(_, address)| !address.is_empty()) {
            let whose = if external.contains(key.as_str()) { "external network" } else { "network" };
            clashes.push(Clash {
                path: path.key("networks").key(key.as_str()).key(attribute),
                fatal: true,
                message: format!(
                    "service `{name}` has the fixed address {address} on {whose} `{key}`, which two instances cannot both have"
                ),
                help: "leave the address out: other services find it by its name",
            });
        }
    }
    clashes
}

fn of_network(key: &str, network: &mut Network, own: &Own) -> Option<Clash> {
    if network.external {
        return None;
    }
    if network.name != format!("{}_{key}", own.project) {
        network.name = own.name(&network.name);
    }
    let Network { driver, driver_opts, ipam, .. } = network;
    driver_opts.remove(BRIDGE_NAME);
    if ipam.config.is_empty() {
        return None;
    }
    if matches!(driver.as_str(), "" | "bridge" | "overlay") {
        // Two networks of one subnet cannot be had; nothing depends on which one it is.
        ipam.config.clear();
        return None;
    }
    Some(Clash {
        path: NodePath::of(&["networks", key, "ipam", "config"]),
        fatal: true,
        message: format!(
            "network `{key}` has a fixed subnet of the driver `{driver}`, which two instances cannot both have"
        ),
        help: "make it by hand and share it: `external: true`",
    })
}

/// The fixed host ports of a project: by where they begin, as long as the longest that begins there.
pub fn fixed_ports(project: &Project) -> Vec<PortRun> {
    let mut runs: BTreeMap<u16, PortRun> = BTreeMap::new();
    let published = project.services.values().flat_map(|service| &service.ports);
    for run in published.filter_map(|port| PortRun::parse(&port.published)) {
        let known = runs.entry(run.first).or_insert(run);
        known.length = known.length.max(run.length);
    }
    runs.into_values().collect()
}

/// Puts other host ports in the place of the fixed ones; those that `ports` does not have stay.
pub fn map_ports(project: &mut Project, ports: &PortMap) {
    for port in services(project).flat_map(|service| &mut service.ports) {
        let Some(run) = PortRun::parse(&port.published) else { continue };
        let Some(first) = ports.get(&run.first).copied() else { continue };
        port.published = match run.length {
            1 => first.to_string(),
            length => format!("{first}-{}", first.saturating_add(length - 1)),
        };
    }
    if let Some(instance) = &mut project.instance {
        instance.ports.clone_from(ports);
    }
}

/// Leaves the fixed host ports to the engine: free ones, other ones at every start.
pub fn leave_ports(project: &mut Project) {
    for port in services(project).flat_map(|service| &mut service.ports) {
        if PortRun::parse(&port.published).is_some() {
            port.published.clear();
        }
    }
}

/// Writes a map as labels have it: `8080=20123,5432=24004`.
pub fn ports_text(ports: &PortMap) -> String {
    ports.iter().map(|(from, to)| format!("{from}={to}")).collect::<Vec<_>>().join(",")
}

/// Reads it; what is no pair of ports is left out.
pub fn ports_of(text: &str) -> PortMap {
    let pair = |entry: &str| {
        let (from, to) = entry.split_once('=')?;
        Some((from.parse().ok()?, to.parse().ok()?))
    };
    text.split(',').filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NetworkKey, Port, ServiceName, ServiceNetwork, VolumeKey};

    fn isolated(mut project: Project) -> (Project, Vec<Clash>) {
        project.name = ProjectName::new("shop-x");
        let instance =
            Instance { name: "x".to_owned(), origin: ProjectName::new("shop"), ..Instance::default() };
        let clashes = isolate(&mut project, instance);
        (project, clashes)
    }

    fn with_service(service: Service) -> Project {
        let mut project = Project::default();
        let service = Service { name: ServiceName::new("web"), ..service };
        project.services.insert(service.name.clone(), Box::new(service));
        project
    }

    #[test]
    fn ports_that_are_left_to_the_engine_are_fixed_no_more() {
        let port = Port { target: 80, published: "8080".to_owned(), ..Port::default() };
        let mut project = with_service(Service { ports: vec![port], ..Service::default() });
        assert_eq!(fixed_ports(&project), [PortRun { first: 8080, length: 1 }]);
        leave_ports(&mut project);
        assert_eq!(fixed_ports(&project), []);
    }

    #[test]
    fn a_name_is_made_of_what_a_branch_is_called() {
        let check = |text: &str, expect: &str| assert_eq!(normalize(text), expect, "{text}");
        check("feature/Login_Page#12", "feature-login_page-12");
        check("--x--", "x");
        check("///", "");
        check("a-very-long-name-of-a-branch-that-says-it-all", "a-very-long-name-of-a-845b840e");
        assert_ne!(normalize(&"a".repeat(40)), normalize(&"a".repeat(41)));
        assert_eq!(normalize(&normalize(&"a".repeat(40))), normalize(&"a".repeat(40)));
    }

    #[test]
    fn written_names_get_the_instances_and_what_refers_to_them_follows() {
        let mut project = with_service(Service {
            container_name: Some("api".to_owned()),
            pid: "container:api".to_owned(),
            volumes_from: vec!["container:api:ro".to_owned(), "container:other".to_owned()],
            external_links: vec!["api".to_owned(), "other:o".to_owned()],
            ..Service::default()
        });
        let volume = |name: &str| Volume { name: name.to_owned(), ..Volume::default() };
        project.volumes.insert(VolumeKey::new("data"), volume("shop-x_data"));
        project.volumes.insert(VolumeKey::new("own"), volume("big"));
        project.volumes.insert(VolumeKey::new("told"), volume("pg-x"));
        project.volumes.insert(VolumeKey::new("theirs"), Volume { external: true, ..volume("shared") });
        let (project, clashes) = isolated(project);
        assert_eq!(clashes, []);
        let web = project.service("web").unwrap();
        assert_eq!(web.container_name.as_deref(), Some("api-x"));
        assert_eq!(web.pid, "container:api-x");
        assert_eq!(web.volumes_from, ["container:api-x:ro", "container:other"]);
        assert_eq!(web.external_links, ["api-x:api", "other:o"]);
        let names: Vec<_> = project.volumes.values().map(|volume| volume.name.as_str()).collect();
        assert_eq!(names, ["shop-x_data", "big-x", "shared", "pg-x-x"]);
    }

    #[test]
    fn a_subnet_is_left_to_the_engine_and_a_fixed_address_is_refused_at_its_place() {
        let mut project = with_service(Service {
            networks: [(
                NetworkKey::new("back"),
                Some(Box::new(ServiceNetwork {
                    ipv4_address: "10.1.0.9".to_owned(),
                    ..ServiceNetwork::default()
                })),
            )]
            .into(),
            ..Service::default()
        });
        let pool = crate::model::IpamPool { subnet: "10.1.0.0/24".to_owned(), ..Default::default() };
        let ipam = crate::model::Ipam { config: vec![pool], ..Default::default() };
        let network = Network { name: "shop-x_back".to_owned(), ipam, ..Network::default() };
        let fixed = Network { driver: "macvlan".to_owned(), name: "lan".to_owned(), ..network.clone() };
        project.networks.insert(NetworkKey::new("back"), network);
        project.networks.insert(NetworkKey::new("lan"), fixed);
        let (project, clashes) = isolated(project);
        assert!(project.networks.get("back").unwrap().ipam.config.is_empty());
        assert_eq!(project.networks.get("lan").unwrap().name, "lan-x");
        let told: Vec<_> = clashes.iter().map(|clash| (clash.path.to_string(), clash.fatal)).collect();
        assert_eq!(
            told,
            [
                ("services.web.networks.back.ipv4_address".to_owned(), true),
                ("networks.lan.ipam.config".to_owned(), true)
            ]
        );
    }

    #[test]
    fn ports_are_mapped_by_where_they_begin_and_ranges_stay_ranges() {
        let port = |published: &str, protocol: &str| Port {
            published: published.to_owned(),
            protocol: protocol.to_owned(),
            ..Port::default()
        };
        let ports = vec![port("53", "tcp"), port("53", "udp"), port("8000-8009", "tcp"), port("", "tcp")];
        let mut project = with_service(Service { ports, ..Service::default() });
        let runs = fixed_ports(&project);
        assert_eq!(runs, [PortRun { first: 53, length: 1 }, PortRun { first: 8000, length: 10 }]);
        map_ports(&mut project, &PortMap::from([(53, 20053), (8000, 21000)]));
        let published: Vec<_> =
            project.service("web").unwrap().ports.iter().map(|port| port.published.as_str()).collect();
        assert_eq!(published, ["20053", "20053", "21000-21009", ""]);
    }

    #[test]
    fn a_map_of_ports_is_read_as_it_is_written() {
        let ports = PortMap::from([(80, 20080), (5432, 25432)]);
        assert_eq!(ports_text(&ports), "80=20080,5432=25432");
        assert_eq!(ports_of(&ports_text(&ports)), ports);
        assert_eq!(ports_of("x=1,80,=,80=99999"), PortMap::new());
    }
}
