//! A project as a picture: its services, what they wait for, their networks and volumes.
//!
//! In: a [`Project`]. Out: a text for a file or for another program. The picture is laid out here, needs no other file and no
//! program, and suits light and dark surroundings. Deliberately absent: what runs; see `ps`. Start reading at [`Graph::of`].

mod layout;
mod svg;
mod texts;
mod viz;

pub use viz::{VizOptions, viz};

use crate::graph::ServiceGraph;
use crate::model::{DependencyCondition, MountType, Project, Service};
use serde::Serialize;

/// The form of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    /// A picture.
    Svg,
    /// For Graphviz.
    Dot,
    /// For Mermaid, which many wikis and code hosts draw.
    Mermaid,
    /// For programs.
    Json,
}

impl GraphFormat {
    /// The one that a file's name asks for.
    pub fn of(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "dot" | "gv" => Some(Self::Dot),
            "mmd" | "mermaid" => Some(Self::Mermaid),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The graph's text.
    pub fn text(self, graph: &Graph) -> String {
        match self {
            Self::Svg => svg::picture(graph),
            Self::Dot => texts::dot(graph),
            Self::Mermaid => texts::mermaid(graph),
            Self::Json => serde_json::to_string_pretty(graph).unwrap_or_default() + "\n",
        }
    }
}

/// What the picture shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graph {
    /// The project's name.
    pub project: String,
    /// Its services, by name.
    pub services: Vec<GraphService>,
    /// The networks that they are on.
    pub networks: Vec<GraphPart>,
    /// The named volumes that they mount.
    pub volumes: Vec<GraphPart>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphService {
    /// Its key.
    pub name: String,
    /// Its image; empty when a provider stands in for it.
    pub image: String,
    /// The program that provides it instead of a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// How many containers.
    pub replicas: u32,
    /// Published ports: `127.0.0.1:8080→80/udp`.
    pub ports: Vec<String>,
    /// Keys of its networks.
    pub networks: Vec<String>,
    /// Its network mode, when it has one instead of networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<String>,
    /// What it waits for.
    pub needs: Vec<GraphNeed>,
    /// The named volumes that it mounts.
    pub mounts: Vec<GraphMount>,
}

/// Why a service waits for another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphNeed {
    /// The other.
    pub service: String,
    /// As in a stack file: `service_healthy` and the like.
    pub condition: &'static str,
    /// Whether it is a failure when the other is not there.
    pub required: bool,
    /// Whether it is restarted with the other.
    pub restart: bool,
    /// It lives in the other's namespaces or takes its volumes.
    pub shares: bool,
}

/// A volume in a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphMount {
    /// The volume's key.
    pub volume: String,
    /// Where it is mounted.
    pub target: String,
    /// Whether it cannot be written to.
    pub read_only: bool,
}

/// A network or a volume.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphPart {
    /// Its key.
    pub key: String,
    /// Its name in the engine.
    pub name: String,
    /// Made and removed by others.
    pub external: bool,
    /// A network without a way out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
}

impl Graph {
    /// What there is to show of a project.
    pub fn of(project: &Project) -> Self {
        let needs = ServiceGraph::of(project);
        let services =
            project.services.values().map(|service| of_service(project, &needs, service)).collect();
        let networks = project.networks.iter().map(|(key, network)| GraphPart {
            key: key.to_string(),
            name: network.name.clone(),
            external: network.external,
            internal: network.internal,
        });
        let volumes = project.volumes.iter().map(|(key, volume)| GraphPart {
            key: key.to_string(),
            name: volume.name.clone(),
            external: volume.external,
            internal: false,
        });
        Self {
            project: project.name.to_string(),
            services,
            networks: networks.collect(),
            volumes: volumes.collect(),
        }
    }
}

fn of_service(project: &Project, graph: &ServiceGraph, service: &Service) -> GraphService {
    let needs = graph.needs(&service.name).into_iter().map(|(name, need)| GraphNeed {
        service: name.to_string(),
        condition: condition(need.condition),
        required: need.required,
        restart: need.restart,
        shares: need.by_id,
    });
    let named = service.volumes.iter().filter(|mount| {
        mount.kind == MountType::Volume && project.volumes.contains_key(mount.source.as_str())
    });
    let mounts = named.map(|mount| GraphMount {
        volume: mount.source.clone(),
        target: mount.target.clone(),
        read_only: mount.read_only,
    });
    let provider = service.provider.as_ref().map(|provider| provider.kind.clone());
    GraphService {
        name: service.name.to_string(),
        image: if provider.is_some() { String::new() } else { project.image_name(service) },
        provider,
        replicas: service.replicas(),
        ports: service.ports.iter().map(port).collect(),
        networks: service.networks.keys().map(ToString::to_string).collect(),
        network_mode: Some(service.network_mode.clone()).filter(|mode| !mode.is_empty()),
        needs: needs.collect(),
        mounts: mounts.collect(),
    }
}

fn port(port: &crate::model::Port) -> String {
    let host = if port.host_ip.contains(':') { format!("[{}]", port.host_ip) } else { port.host_ip.clone() };
    let published = if port.published.is_empty() { "any" } else { &port.published };
    let address = if host.is_empty() { published.to_owned() } else { format!("{host}:{published}") };
    let protocol = if matches!(port.protocol.as_str(), "" | "tcp") {
        String::new()
    } else {
        format!("/{}", port.protocol)
    };
    format!("{address}→{}{protocol}", port.target)
}

fn condition(condition: DependencyCondition) -> &'static str {
    match condition {
        DependencyCondition::ServiceStarted => "service_started",
        DependencyCondition::ServiceHealthy => "service_healthy",
        DependencyCondition::ServiceCompletedSuccessfully => "service_completed_successfully",
    }
}

impl GraphNeed {
    /// What is written at an arrow; empty where it is enough that the other was started.
    fn words(&self) -> String {
        let condition = match self.condition {
            "service_healthy" => "healthy",
            "service_completed_successfully" => "completed",
            _ => "",
        };
        let words = [
            condition,
            if self.shares { "shared" } else { "" },
            if self.restart && !self.shares { "restart" } else { "" },
        ];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

impl GraphMount {
    fn words(&self) -> String {
        format!("{}{}", self.target, if self.read_only { " (read-only)" } else { "" })
    }
}
