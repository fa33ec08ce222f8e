//! Directed acyclic graphs: a thin wrap of petgraph that keeps its nodes by name and tells a cycle as a path.
//!
//! In: nodes and labelled edges, `from → to` meaning "from needs to". Out: topological order, neighbours, closures,
//! cycles. Deliberately absent: Compose words (they are in [`services`]).

pub mod services;

pub use services::ServiceGraph;

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use petgraph::{Direction, visit};
use std::collections::{BTreeMap, BTreeSet};

/// A directed graph of distinct nodes. Edges point from what needs to what is needed.
#[derive(Debug, Clone)]
pub struct Dag<N, E> {
    graph: StableDiGraph<N, E>,
    index: BTreeMap<N, NodeIndex>,
}

impl<N: Ord, E> Default for Dag<N, E> {
    fn default() -> Self {
        Self { graph: StableDiGraph::new(), index: BTreeMap::new() }
    }
}

/// A closed path: each edge starts where the one before ended, the last ends where the first started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle<N, E> {
    /// The edges, starting at the smallest node.
    pub edges: Vec<(N, N, E)>,
}

impl<N: Clone + Ord, E: Clone> Dag<N, E> {
    /// Adds a node unless it is there.
    pub fn add_node(&mut self, node: N) {
        if !self.index.contains_key(&node) {
            let index = self.graph.add_node(node.clone());
            self.index.insert(node, index);
        }
    }

    /// Adds an edge, and its ends when they are not there. A second edge between the same ends replaces the first.
    pub fn add_edge(&mut self, from: &N, to: &N, edge: E) {
        self.add_node(from.clone());
        self.add_node(to.clone());
        if let (Some(from), Some(to)) = (self.index.get(from), self.index.get(to)) {
            self.graph.update_edge(*from, *to, edge);
        }
    }

    /// All nodes, ordered.
    pub fn nodes(&self) -> impl Iterator<Item = &N> {
        self.index.keys()
    }

    /// What a node needs, with the edges, ordered by name.
    pub fn needs(&self, node: &N) -> Vec<(&N, &E)> {
        self.neighbours(node, Direction::Outgoing)
    }

    /// What needs a node, with the edges, ordered by name.
    pub fn needed_by(&self, node: &N) -> Vec<(&N, &E)> {
        self.neighbours(node, Direction::Incoming)
    }

    fn neighbours(&self, node: &N, direction: Direction) -> Vec<(&N, &E)> {
        let Some(index) = self.index.get(node) else { return Vec::new() };
        let mut found: Vec<_> = self
            .graph
            .edges_directed(*index, direction)
            .filter_map(|edge| {
                let other = if direction == Direction::Outgoing { edge.target() } else { edge.source() };
                Some((self.graph.node_weight(other)?, edge.weight()))
            })
            .collect();
        found.sort_by(|left, right| left.0.cmp(right.0));
        found
    }

    /// The given nodes and all that they need, directly or not.
    pub fn closure<'a>(&'a self, roots: impl IntoIterator<Item = &'a N>) -> BTreeSet<&'a N> {
        let mut seen = BTreeSet::new();
        for root in roots {
            let Some(index) = self.index.get(root) else { continue };
            let mut walk = visit::Dfs::new(&self.graph, *index);
            while let Some(next) = walk.next(&self.graph) {
                seen.extend(self.graph.node_weight(next));
            }
        }
        seen
    }

    /// All nodes, each after everything it needs. Independent nodes keep the order of their names.
    ///
    /// # Errors
    /// A cycle, as a path.
    pub fn topological(&self) -> Result<Vec<&N>, Cycle<N, E>> {
        match toposort(&self.graph, None) {
            Ok(order) => {
                Ok(order.into_iter().rev().filter_map(|index| self.graph.node_weight(index)).collect())
            }
            Err(_) => Err(self.cycles().into_iter().next().unwrap_or(Cycle { edges: Vec::new() })),
        }
    }

    /// One cycle for each knot of nodes that need each other, ordered.
    pub fn cycles(&self) -> Vec<Cycle<N, E>> {
        let mut cycles: Vec<_> =
            tarjan_scc(&self.graph).into_iter().filter_map(|component| self.cycle_in(&component)).collect();
        cycles.sort_by(|left, right| {
            left.edges.first().map(|edge| &edge.0).cmp(&right.edges.first().map(|edge| &edge.0))
        });
        cycles
    }

    /// The shortest closed path from the smallest node of a strongly connected component back to itself.
    fn cycle_in(&self, component: &[NodeIndex]) -> Option<Cycle<N, E>> {
        let start = *component.iter().min_by_key(|index| self.graph.node_weight(**index))?;
        let mut reached_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut frontier = std::collections::VecDeque::from([start]);
        while let Some(at) = frontier.pop_front() {
            for edge in self.graph.edges_directed(at, Direction::Outgoing) {
                let next = edge.target();
                if next == start {
                    return self.path_back(start, at, &reached_from);
                }
                if component.contains(&next) && !reached_from.contains_key(&next) {
                    reached_from.insert(next, at);
                    frontier.push_back(next);
                }
            }
        }
        None
    }

    fn path_back(
        &self,
        start: NodeIndex,
        last: NodeIndex,
        reached_from: &BTreeMap<NodeIndex, NodeIndex>,
    ) -> Option<Cycle<N, E>> {
        let mut path = vec![start, last];
        let mut at = last;
        while at != start {
            at = *reached_from.get(&at)?;
            path.push(at);
        }
        path.reverse();
        if last == start {
            path = vec![start, start];
        }
        let mut edges = Vec::new();
        for pair in path.windows(2) {
            let [from, to] = pair else { continue };
            let edge = self.graph.find_edge(*from, *to)?;
            edges.push((
                self.graph.node_weight(*from)?.clone(),
                self.graph.node_weight(*to)?.clone(),
                self.graph.edge_weight(edge)?.clone(),
            ));
        }
        Some(Cycle { edges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dag(edges: &[(&'static str, &'static str)]) -> Dag<&'static str, u32> {
        let mut dag = Dag::default();
        for (number, (from, to)) in edges.iter().enumerate() {
            dag.add_edge(from, to, u32::try_from(number).unwrap());
        }
        dag
    }

    #[test]
    fn every_node_comes_after_what_it_needs() {
        let dag = dag(&[("web", "api"), ("api", "db"), ("api", "cache"), ("job", "db")]);
        let order = dag.topological().unwrap();
        let at = |name: &str| order.iter().position(|node| **node == name).unwrap();
        for (from, to) in [("web", "api"), ("api", "db"), ("api", "cache"), ("job", "db")] {
            assert!(at(to) < at(from), "{to} must come before {from} in {order:?}");
        }
    }

    #[test]
    fn a_cycle_is_told_as_a_closed_path_from_its_smallest_node() {
        let dag = dag(&[("c", "a"), ("a", "b"), ("b", "c"), ("x", "a")]);
        let cycle = dag.topological().unwrap_err();
        assert_eq!(cycle.edges, [("a", "b", 1), ("b", "c", 2), ("c", "a", 0)]);
    }

    #[test]
    fn a_node_that_needs_itself_is_a_cycle_of_one_edge() {
        let cycle = dag(&[("a", "a")]).topological().unwrap_err();
        assert_eq!(cycle.edges, [("a", "a", 0)]);
    }

    #[test]
    fn each_knot_gives_one_cycle() {
        let cycles = dag(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("a", "c")]).cycles();
        let starts: Vec<_> = cycles.iter().map(|cycle| cycle.edges[0].0).collect();
        assert_eq!(starts, ["a", "c"]);
    }

    #[test]
    fn the_closure_holds_the_roots_and_all_they_need() {
        let dag = dag(&[("web", "api"), ("api", "db"), ("job", "db")]);
        assert_eq!(dag.closure([&"api"]), BTreeSet::from([&"api", &"db"]));
    }
}
