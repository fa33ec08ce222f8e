//! The dependency graph of a project without its files, from the label that every container carries.

use crate::graph::ServiceGraph;
use crate::graph::services::Need;
use crate::model::{DependencyCondition, ServiceName};
use crate::observe::ObservedState;
use std::collections::BTreeSet;

/// The graph that the `depends_on` labels hold: `service:condition:restart`, comma separated. Missing parts take the
/// reference's defaults (started or healthy, restart).
pub fn graph_from_labels(observed: &ObservedState) -> ServiceGraph {
    let mut services = BTreeSet::new();
    let mut edges = Vec::new();
    for container in &observed.containers {
        let from = &container.identity.service;
        services.insert(from.clone());
        let label = container.identity.depends_on.as_deref().unwrap_or_default();
        for entry in label.split(',').filter(|entry| !entry.is_empty()) {
            let mut parts = entry.split(':');
            let to = ServiceName::new(parts.next().unwrap_or_default());
            let condition = match parts.next() {
                Some("service_healthy") => DependencyCondition::ServiceHealthy,
                Some("service_completed_successfully") => DependencyCondition::ServiceCompletedSuccessfully,
                _ => DependencyCondition::ServiceStarted,
            };
            let restart = parts.next() != Some("false");
            // Without the file nobody can say whether a dependency was required: a missing one must not stop the rest.
            edges.push((from.clone(), to, Need { condition, restart, required: false, by_id: false }));
        }
    }
    ServiceGraph::from_edges(services, edges)
}
