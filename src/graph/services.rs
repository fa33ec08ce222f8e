//! Which service must wait for which, and what for.

use super::{Cycle, Dag};
use crate::model::{Dependency, DependencyCondition, Project, Service, ServiceName};
use std::collections::BTreeSet;

/// Why one service needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// What must be true before the dependent starts.
    pub condition: DependencyCondition,
    /// The dependent is restarted when the dependency is replaced or restarted.
    pub restart: bool,
    /// A missing or failed dependency stops the dependent.
    pub required: bool,
    /// The dependent's container cannot be created without the dependency's container id: it shares a namespace or
    /// takes its volumes.
    pub by_id: bool,
}

/// The services of a project and what they need. Built from `depends_on`, shared namespaces, `volumes_from` and `links`.
#[derive(Debug, Clone, Default)]
pub struct ServiceGraph {
    dag: Dag<ServiceName, Need>,
}

impl ServiceGraph {
    /// The graph of the services that take part. Dependencies that do not take part (a profile or a selection left
    /// them out) have no edge.
    pub fn of(project: &Project) -> Self {
        let mut dag = Dag::default();
        for (name, service) in &project.services {
            dag.add_node(name.clone());
            let shared = shared_services(service);
            for (dependency, Dependency { condition, restart, required, extensions: _ }) in
                &service.depends_on
            {
                if project.services.contains_key(dependency) {
                    let by_id = shared.contains(dependency);
                    let need = Need { condition: *condition, restart: *restart, required: *required, by_id };
                    dag.add_edge(name, dependency, need);
                }
            }
            for dependency in shared {
                if project.services.contains_key(&dependency) && !service.depends_on.contains_key(&dependency)
                {
                    dag.add_edge(name, &dependency, Need::by_id());
                }
            }
        }
        Self { dag }
    }

    /// A graph from what the labels of containers say, for commands that run without a file.
    pub fn from_edges(
        services: impl IntoIterator<Item = ServiceName>,
        edges: impl IntoIterator<Item = (ServiceName, ServiceName, Need)>,
    ) -> Self {
        let mut dag = Dag::default();
        let mut known = BTreeSet::new();
        for service in services {
            known.insert(service.clone());
            dag.add_node(service);
        }
        for (from, to, need) in edges {
            if known.contains(&from) && known.contains(&to) {
                dag.add_edge(&from, &to, need);
            }
        }
        Self { dag }
    }

    /// Services, each after everything it needs. Services in a cycle, which a load refuses but labels may hold, come
    /// last, by name.
    pub fn in_order(&self) -> Vec<&ServiceName> {
        self.dag.topological().unwrap_or_else(|_| self.dag.nodes().collect())
    }

    /// What a service needs, by name.
    pub fn needs(&self, service: &ServiceName) -> Vec<(&ServiceName, &Need)> {
        self.dag.needs(service)
    }

    /// What needs a service, by name.
    pub fn needed_by(&self, service: &ServiceName) -> Vec<(&ServiceName, &Need)> {
        self.dag.needed_by(service)
    }

    /// The given services and all they need.
    pub fn closure<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a ServiceName>,
    ) -> BTreeSet<&'a ServiceName> {
        self.dag.closure(roots)
    }

    /// Every knot of services that need each other, one closed path each.
    pub fn cycles(&self) -> Vec<Cycle<ServiceName, Need>> {
        self.dag.cycles()
    }
}

impl Need {
    /// The need that follows from sharing a namespace or volumes, where `depends_on` says nothing.
    fn by_id() -> Self {
        Self { condition: DependencyCondition::ServiceStarted, restart: true, required: true, by_id: true }
    }
}

/// The services whose container id a service's container is created with: `network_mode`, `ipc` and `pid` of
/// `service:x`, and `volumes_from`.
pub fn shared_services(service: &Service) -> BTreeSet<ServiceName> {
    let namespaces = [&service.network_mode, &service.ipc, &service.pid];
    let shared = namespaces.into_iter().filter_map(|mode| mode.strip_prefix("service:"));
    let volumes = service
        .volumes_from
        .iter()
        .filter(|entry| !entry.starts_with("container:"))
        .map(|entry| entry.split(':').next().unwrap_or(entry));
    shared.chain(volumes).map(ServiceName::new).collect()
}
