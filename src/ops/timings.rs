//! Where the time of a run went: the spans of its steps, by service and kind.

use super::timeline::Recorder;
use crate::apply::{Outcome, Span};
use crate::event::{ServiceTimings, Timeline, Timings};
use crate::model::{Project, ServiceName};
use crate::plan::{Action, Plan, StepId};
use indexmap::IndexMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Takes the time of every plan of a run: those of later rounds and of second tries too.
#[derive(Debug, Clone, Default)]
pub struct Stopwatch {
    laps: Arc<Mutex<Vec<Lap>>>,
    recorder: Recorder,
    silent: bool,
}

/// A step's time, for one service.
#[derive(Debug, Clone)]
struct Lap {
    service: Option<ServiceName>,
    kind: Kind,
    span: Span,
    /// The dependency that it waited for, where that is what it is about.
    on: Option<ServiceName>,
}

/// What a step's time is put down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pull,
    Build,
    Stop,
    Create,
    /// For a dependency, when everything of its own was done.
    Gate,
    Start,
    Ready,
    /// Of no service: networks, volumes, what keeps the books.
    Other,
}

impl Stopwatch {
    /// Adds a plan that was carried out. `eager`: probes were run early.
    pub(super) fn take(&self, plan: &Plan, outcome: &Outcome, project: Option<&Project>, eager: bool) {
        self.recorder.take(plan, outcome, project, eager);
        let mut laps = self.laps.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = outcome.spans.values().map(|span| span.began).min() else { return };
        for step in &plan.steps {
            let Some(span) = outcome.spans.get(&step.id).copied() else { continue };
            let kind = kind(&step.action);
            let lap = |service: Option<&ServiceName>| Lap { service: service.cloned(), kind, span, on: None };
            if let Action::PullImage { services, .. } = &step.action {
                laps.extend(services.iter().map(|service| lap(Some(service))));
            } else {
                laps.push(lap(step.action.service()));
            }
            if matches!(step.action, Action::StartContainer { .. }) {
                let gate = gate(plan, outcome, step.id, first);
                laps.extend(gate.map(|(service, span, on)| Lap {
                    service: Some(service),
                    kind: Kind::Gate,
                    span,
                    on,
                }));
            }
        }
    }

    /// One that tells nothing by itself, for its timeline alone.
    pub fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    /// What it shows; nothing when nothing was done. From then on it begins anew.
    pub(super) fn read(&self) -> Option<Timings> {
        let laps = std::mem::take(&mut *self.laps.lock().unwrap_or_else(PoisonError::into_inner));
        if self.silent { None } else { report(&laps) }
    }

    /// Everything that it has seen so far, step by step; nothing when nothing was done.
    pub fn timeline(&self, project: &str) -> Option<Timeline> {
        self.recorder.read(project)
    }
}

/// The time that a start had to wait for a dependency although everything of its own was done: whose, when, for whom.
pub(super) fn gate(
    plan: &Plan,
    outcome: &Outcome,
    start: StepId,
    first: Instant,
) -> Option<(ServiceName, Span, Option<ServiceName>)> {
    let step = |id: StepId| plan.steps.get(id.0);
    let span = |id: StepId| outcome.spans.get(&id);
    let start = step(start)?;
    let own = start.action.service()?;
    let wait = start
        .after
        .iter()
        .filter_map(|id| step(*id))
        .filter(|step| {
            let runs = matches!(step.action, Action::Wait { .. } | Action::StartContainer { .. });
            runs && step.action.service().is_some_and(|service| service != own)
        })
        .max_by_key(|step| span(step.id).map(|span| span.ended))?;
    let open = span(wait.id)?.ended;
    let begun = span(start.id)?.began;
    let own_steps = plan.steps.iter().filter(|step| step.action.service() == Some(own));
    let ended = own_steps.filter_map(|step| span(step.id)).map(|span| span.ended);
    let prepared = ended.filter(|ended| *ended <= begun).max().unwrap_or(first);
    let span = Span { began: prepared, ended: open };
    (prepared < open).then(|| (own.clone(), span, wait.action.service().cloned()))
}

pub(super) fn kind(action: &Action) -> Kind {
    match action {
        Action::PullImage { .. } => Kind::Pull,
        Action::BuildImage { .. } => Kind::Build,
        Action::StopContainer { .. } | Action::KillContainer { .. } | Action::RemoveContainer { .. } => {
            Kind::Stop
        }
        Action::CreateContainer { .. }
        | Action::CreateOneOff { .. }
        | Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::UpdateContainer { .. }
        | Action::RenameContainer { .. } => Kind::Create,
        Action::StartContainer { .. }
        | Action::RestartContainer { .. }
        | Action::PauseContainer { .. }
        | Action::UnpauseContainer { .. }
        | Action::RunHook { .. }
        | Action::MarkHooks { .. }
        | Action::ClearHooks { .. }
        | Action::RunProvider { .. } => Kind::Start,
        Action::Wait { .. } | Action::Delay { .. } | Action::Monitor { .. } => Kind::Ready,
        Action::PrepareModel { .. }
        | Action::PushImage { .. }
        | Action::RemoveImage { .. }
        | Action::CreateNetwork { .. }
        | Action::RemoveNetwork { .. }
        | Action::CreateVolume { .. }
        | Action::RemoveVolume { .. }
        | Action::CopyVolume { .. }
        | Action::CreateKeeper { .. }
        | Action::WriteNotes { .. }
        | Action::RemoveNotes { .. } => Kind::Other,
    }
}

fn report(laps: &[Lap]) -> Option<Timings> {
    let began = laps.iter().map(|lap| lap.span.began).min()?;
    let ended = laps.iter().map(|lap| lap.span.ended).max()?;
    let mut by_service: IndexMap<&ServiceName, Vec<&Lap>> = IndexMap::new();
    for lap in laps {
        if let Some(service) = &lap.service {
            by_service.entry(service).or_default().push(lap);
        }
    }
    let mut services: Vec<ServiceTimings> = by_service
        .into_iter()
        .map(|(service, laps)| {
            let took = |kind: Kind| covered(laps.iter().filter(|lap| lap.kind == kind).map(|lap| lap.span));
            let gates = laps.iter().filter(|lap| lap.kind == Kind::Gate);
            let longest = gates.max_by_key(|lap| lap.span.ended - lap.span.began);
            let last = laps.iter().map(|lap| lap.span.ended).max().unwrap_or(began);
            ServiceTimings {
                service: service.to_string(),
                pull_ms: took(Kind::Pull),
                build_ms: took(Kind::Build),
                stop_ms: took(Kind::Stop),
                create_ms: took(Kind::Create),
                waited_ms: took(Kind::Gate),
                waited_for: longest.and_then(|lap| lap.on.as_ref()).map(ToString::to_string),
                start_ms: took(Kind::Start),
                ready_ms: took(Kind::Ready),
                done_ms: millis(last - began),
            }
        })
        .collect();
    services.sort_by(|one, other| (one.done_ms, &one.service).cmp(&(other.done_ms, &other.service)));
    let busy = laps.iter().filter(|lap| !matches!(lap.kind, Kind::Gate | Kind::Ready));
    let total_ms = millis(ended - began);
    let waiting_ms = total_ms.saturating_sub(covered(busy.map(|lap| lap.span)));
    Some(Timings { total_ms, waiting_ms, services })
}

/// Milliseconds in which at least one of the spans was under way.
fn covered(spans: impl Iterator<Item = Span>) -> u64 {
    let mut spans: Vec<Span> = spans.collect();
    spans.sort_by_key(|span| span.began);
    let mut sum = Duration::ZERO;
    let mut until = None;
    for span in spans {
        let from = until.map_or(span.began, |until| span.began.max(until));
        sum += span.ended.saturating_duration_since(from);
        until = until.max(Some(span.ended));
    }
    millis(sum)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_at_once_counts_once_and_waiting_is_what_nothing_else_fills() {
        let zero = Instant::now();
        let lap = |service: &str, kind, from: u64, to: u64| Lap {
            service: (!service.is_empty()).then(|| ServiceName::new(service)),
            kind,
            span: Span { began: zero + Duration::from_millis(from), ended: zero + Duration::from_millis(to) },
            on: (kind == Kind::Gate).then(|| ServiceName::new("db")),
        };
        let laps = [
            lap("", Kind::Other, 0, 10),
            lap("web", Kind::Create, 10, 30),
            lap("web", Kind::Create, 20, 40),
            lap("db", Kind::Create, 10, 30),
            lap("db", Kind::Start, 30, 50),
            lap("db", Kind::Ready, 50, 250),
            lap("web", Kind::Gate, 40, 250),
            lap("web", Kind::Start, 250, 300),
        ];
        let timings = report(&laps).unwrap();
        assert_eq!((timings.total_ms, timings.waiting_ms), (300, 200));
        let [db, web] = timings.services.as_slice() else { panic!("{timings:?}") };
        assert_eq!((db.create_ms, db.start_ms, db.ready_ms, db.done_ms), (20, 20, 200, 250));
        assert_eq!((web.create_ms, web.waited_ms, web.start_ms, web.done_ms), (30, 210, 50, 300));
        assert_eq!(web.waited_for.as_deref(), Some("db"));
        assert_eq!(report(&[]), None);
    }
}
