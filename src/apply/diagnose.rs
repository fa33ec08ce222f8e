//! Asks the engine what a container that did not become ready has to say for itself: its state, its last probes, its
//! last lines.

use super::probe::Seen;
use super::{Cx, StepError};
use crate::engine::EngineErrorKind;
use crate::event::{Diagnosis, ProbeRun};
use crate::model::ServiceName;
use crate::observe::{ContainerId, LiveState};
use crate::plan::ContainerRef;
use crate::yaml::NodePath;
use std::time::Duration;

/// How many of the last log lines are kept.
const LINES: usize = 20;
/// How many of the last probes are kept.
const PROBES: usize = 3;

/// The container in question, and what is known about it already.
pub(super) struct Culprit<'a> {
    pub(super) service: &'a ServiceName,
    pub(super) name: &'a str,
    pub(super) id: &'a ContainerId,
    pub(super) state: &'a LiveState,
    /// What early probes have shown.
    pub(super) early: Seen,
}

/// Asks the engine what can be known. Whatever cannot be had is left out: a diagnosis must not fail.
pub(super) async fn container(
    cx: &Cx,
    culprit: Culprit<'_>,
    why: &str,
    waited: Duration,
    allowed: Option<Duration>,
) -> Diagnosis {
    let Culprit { service, name, id, state, early } = culprit;
    let log = cx.engine.last_log_lines(id, LINES).await.unwrap_or_default();
    let ended = matches!(state.status.as_str(), "exited" | "dead");
    let mut probes: Vec<ProbeRun> = state
        .probes
        .iter()
        .map(|probe| ProbeRun { exit_code: probe.exit_code, output: probe.output.clone() })
        .collect();
    // Where the engine has not probed, what was probed early is all there is.
    if probes.is_empty() {
        probes.extend(early.last.map(|(run, _)| run));
    }
    let failing_streak = if state.probes.is_empty() { i64::from(early.runs) } else { state.failing_streak };
    let surplus = probes.len().saturating_sub(PROBES);
    probes.drain(..surplus);
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Diagnosis {
        container: name.to_owned(),
        service: service.to_string(),
        dependents: dependents(cx, service),
        why: why.to_owned(),
        status: state.status.as_str().to_owned(),
        exit_code: ended.then_some(state.exit_code),
        start_error: state.start_error.clone(),
        out_of_memory: ran_out_of_memory(cx, name, id, state, ended).await,
        memory_limit_bytes: state.memory_limit,
        restarts: state.restarts,
        failing_streak,
        probes,
        log,
        waited_ms: millis(waited),
        allowed_ms: allowed.map(millis),
        place: place(cx, service, state.healthcheck.is_some()),
    }
}

/// How long the engine may take to tell why it killed a container: in so many looks, so far apart.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Whether it was killed for want of memory. The kernel tells the engine of the end and of its cause by two ways, and the end may
/// arrive first.
async fn ran_out_of_memory(cx: &Cx, name: &str, id: &ContainerId, state: &LiveState, ended: bool) -> bool {
    let may_have = ended && state.exit_code == 137 && state.memory_limit > 0;
    if state.oom_killed || !may_have {
        return state.oom_killed;
    }
    for _ in 0..LOOKS {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        if crate::observe::live_state(&cx.engine, id, name).await.is_ok_and(|state| state.oom_killed) {
            return true;
        }
    }
    false
}

/// Adds what is known about a container that the engine could not start. A container that is gone, or an engine that is,
/// has nothing to say.
pub(super) async fn start(
    cx: &Cx,
    container: &ContainerRef,
    id: &ContainerId,
    error: StepError,
) -> StepError {
    let of_engine =
        matches!(error.refusal, None | Some(EngineErrorKind::Server | EngineErrorKind::BadRequest));
    if !of_engine {
        return error;
    }
    let Ok(mut state) = crate::observe::live_state(&cx.engine, id, &container.name).await else {
        return error;
    };
    if error.message.contains(&state.start_error) {
        state.start_error.clear();
    }
    let culprit = Culprit {
        service: &container.service,
        name: &container.name,
        id,
        state: &LiveState { healthcheck: None, ..state },
        early: Seen::default(),
    };
    let diagnosis = self::container(cx, culprit, "could not be started", Duration::ZERO, None).await;
    StepError { diagnosis: Some(Box::new(diagnosis)), ..error }
}

/// Where the healthcheck is written, else the service.
fn place(cx: &Cx, service: &ServiceName, has_healthcheck: bool) -> Option<String> {
    let (project, sources) = (cx.project.as_ref()?, cx.sources.as_ref()?);
    let path = NodePath::of(&["services", service.as_str()]);
    // A probe may be the image's own.
    let paths = [has_healthcheck.then(|| path.key("healthcheck")), Some(path)];
    paths.into_iter().flatten().find_map(|path| sources.place(project.origins.span(&path)))
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
