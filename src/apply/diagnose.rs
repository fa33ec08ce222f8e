//! What a container that did not become ready has to say for itself: its state, its last probes, its last lines.

use super::Cx;
use crate::model::ServiceName;
use crate::observe::{ContainerId, LiveState, Probe};
use crate::yaml::NodePath;
use std::time::Duration;

/// How many of the last log lines are kept.
const LINES: usize = 20;
/// How many of the last probes are kept.
const PROBES: usize = 3;

/// Everything worth knowing about a container that did not become ready.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Diagnosis {
    /// The container.
    pub container: String,
    /// Its service.
    pub service: String,
    /// Services that wait for it, directly or not, nearest first.
    pub dependents: Vec<String>,
    /// What it failed to do.
    pub why: String,
    /// Its state.
    pub status: String,
    /// Its exit code, when it has exited.
    pub exit_code: Option<i64>,
    /// It was killed because memory was short, and the limit in bytes (0: none of its own).
    pub out_of_memory: Option<i64>,
    /// Failed probes in a row.
    pub failing_streak: i64,
    /// The last probes, oldest first.
    pub probes: Vec<Probe>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// How long it was waited for.
    pub waited_ms: u64,
    /// The attribute to look at: the healthcheck, else the service.
    #[serde(skip)]
    pub path: NodePath,
}

/// Asks the engine what can be known. Whatever cannot be had is left out: a diagnosis must not fail.
pub(super) async fn container(
    cx: &Cx,
    service: &ServiceName,
    name: &str,
    id: &ContainerId,
    state: &LiveState,
    why: &str,
    waited: Duration,
) -> Diagnosis {
    let log = cx.engine.last_log_lines(id, LINES).await.unwrap_or_default();
    let ended = matches!(state.status.as_str(), "exited" | "dead");
    let mut probes = state.probes.clone();
    let surplus = probes.len().saturating_sub(PROBES);
    probes.drain(..surplus);
    let service_path = NodePath::of(&["services", service.as_str()]);
    Diagnosis {
        container: name.to_owned(),
        service: service.to_string(),
        dependents: dependents(cx, service),
        why: why.to_owned(),
        status: state.status.as_str().to_owned(),
        exit_code: ended.then_some(state.exit_code),
        out_of_memory: state.oom_killed.then_some(state.memory_limit),
        failing_streak: state.failing_streak,
        probes,
        log,
        waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        path: if state.has_healthcheck { service_path.key("healthcheck") } else { service_path },
    }
}

fn dependents(cx: &Cx, service: &ServiceName) -> Vec<String> {
    let Some(project) = &cx.project else { return Vec::new() };
    let graph = crate::graph::ServiceGraph::of(project);
    let mut found: Vec<ServiceName> = Vec::new();
    let mut frontier = std::collections::VecDeque::from([service.clone()]);
    while let Some(at) = frontier.pop_front() {
        for (dependent, _) in graph.needed_by(&at) {
            if !found.contains(dependent) {
                found.push(dependent.clone());
                frontier.push_back(dependent.clone());
            }
        }
    }
    found.iter().map(ToString::to_string).collect()
}

impl Diagnosis {
    /// The block that people read below the error. `place` is `file:line:col` of what to look at.
    pub fn text(&self, place: Option<&str>) -> String {
        let mut text = String::new();
        if !self.dependents.is_empty() {
            text.push_str(&format!("  waiting for it: {}\n", self.dependents.join(", ")));
        }
        let mut state = self.status.clone();
        if let Some(code) = self.exit_code {
            state.push_str(&format!(", exit code {code}"));
        }
        match self.out_of_memory {
            Some(0) => state.push_str(", killed: out of memory (OOM)"),
            Some(limit) => state.push_str(&format!(", killed: out of memory (OOM), limit {limit} bytes")),
            None => {}
        }
        text.push_str(&format!(
            "  state: {state}, after {}.{} s\n",
            self.waited_ms / 1000,
            self.waited_ms % 1000 / 100
        ));
        if !self.probes.is_empty() {
            text.push_str(&format!("  last probes ({} failed in a row):\n", self.failing_streak));
            for probe in &self.probes {
                text.push_str(&format!(
                    "    exit {}: {}\n",
                    probe.exit_code,
                    probe.output.trim().replace('\n', "\n      ")
                ));
            }
        }
        if self.log.is_empty() {
            text.push_str("  it has written nothing\n");
        } else {
            text.push_str(&format!("  last lines of {}:\n", self.container));
            for line in &self.log {
                text.push_str(&format!("    {line}\n"));
            }
        }
        if let Some(place) = place {
            text.push_str(&format!("  defined at {place}\n"));
        }
        text
    }
}
