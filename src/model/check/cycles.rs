//! Services that wait for each other, so that none can start.

use super::references::dependency_place;
use crate::graph::Dag;
use crate::model::{Project, ServiceName};
use crate::source::{Diagnostic, Diagnostics};

/// Reports each cycle of dependencies as a whole path, with the place of every edge.
pub(super) fn check(project: &Project, diagnostics: &mut Diagnostics) {
    let mut graph: Dag<ServiceName, ()> = Dag::default();
    for (name, service) in &project.services {
        for dependency in service.depends_on.keys().filter(|key| project.services.contains_key(*key)) {
            graph.add_edge(name, dependency, ());
        }
    }
    for cycle in graph.cycles() {
        let mut edges = cycle.edges.iter().filter_map(|(from, to, ())| {
            let service = project.services.get(from)?;
            let (span, verb) = dependency_place(project, service, to.as_str());
            Some((span, format!("`{from}` {verb} `{to}`")))
        });
        let (Some((first, ..)), Some((span, label))) = (cycle.edges.first(), edges.next()) else { continue };
        let path: Vec<String> = std::iter::once(first)
            .chain(cycle.edges.iter().map(|(_, to, ())| to))
            .map(|name| format!("`{name}`"))
            .collect();
        if cycle.edges.len() == 1 {
            let message = format!("service `{first}` waits for itself");
            let diagnostic = Diagnostic::error("dependency-cycle", span, message).label(label);
            diagnostics.push(diagnostic.help("remove this dependency"));
            continue;
        }
        let message = format!("services wait for each other: {}", path.join(" → "));
        let mut diagnostic = Diagnostic::error("dependency-cycle", span, message).label(label);
        for (span, label) in edges {
            diagnostic = diagnostic.related(span, label);
        }
        diagnostics.push(diagnostic.help("remove one of these dependencies"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;

    #[test]
    fn a_cycle_is_told_as_a_path() {
        let text = "services:\n  a: {image: x, depends_on: {b: {}}}\n  b: {image: x, depends_on: {c: {}}}\n  \
                    c: {image: x, depends_on: {a: {}}}\n  d: {image: x, depends_on: {a: {}}}\n";
        assert_eq!(
            findings(text, &[]),
            "f:2:30 services wait for each other: `a` → `b` → `c` → `a` (remove one of these dependencies)\n"
        );
    }

    #[test]
    fn a_service_may_not_wait_for_itself() {
        assert_eq!(
            findings("services:\n  a: {image: x, depends_on: {a: {}}}\n", &[]),
            "f:2:30 service `a` waits for itself (remove this dependency)\n"
        );
    }
}
