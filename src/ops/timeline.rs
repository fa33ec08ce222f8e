//! What a run spent its time on, step by step: the spans of its steps with what held up the end, and words for what took longest.

use super::timings::{self, Kind};
use crate::apply::{Outcome, Span, StepOutcome};
use crate::event::{Timeline, TimelineBar, TimelineCost, TimelineKind, TimelineRow};
use crate::model::{DependencyCondition, Project, Service, ServiceName, SpecDuration};
use crate::plan::{Action, Plan, Step, StepId, Until};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How many of the things that took longest are told.
const TOLD: usize = 5;
/// What takes less than this is not worth a word.
const WORTH_TELLING: Duration = Duration::from_millis(100);
/// The engine's own pause between two probes, where nothing is said.
const INTERVAL: Duration = Duration::from_secs(30);
/// The engine's own grace, where nothing is said.
const GRACE: Duration = Duration::from_secs(10);

/// Keeps what became of every plan of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Mark>>>);

/// A step.
#[derive(Debug, Clone)]
struct Mark {
    kind: TimelineKind,
    service: Option<ServiceName>,
    subject: String,
    span: Span,
    critical: bool,
    failed: bool,
    /// What to say about it, when it turns out to be one of those that took longest.
    words: Option<String>,
}

impl Recorder {
    /// Adds a plan that was carried out. `eager`: probes were run early.
    pub(super) fn take(&self, plan: &Plan, outcome: &Outcome, project: Option<&Project>, eager: bool) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = outcome.spans.values().map(|span| span.began).min() else { return };
        let critical = critical_path(plan, outcome);
        for step in &plan.steps {
            let Some(span) = outcome.spans.get(&step.id).copied() else { continue };
            let failed = matches!(outcome.steps.get(&step.id), Some(StepOutcome::Failed(_)));
            let service = service_of(&step.action);
            let about = service.as_ref().and_then(|name| project?.service(name.as_str()));
            marks.push(Mark {
                kind: kind(timings::kind(&step.action)),
                subject: step.action.subject(),
                span,
                critical: critical.contains(&step.id),
                failed,
                words: Some(words(&step.action, about, span, failed, eager)),
                service,
            });
            if matches!(step.action, Action::StartContainer { .. })
                && let Some((own, span, on)) = timings::gate(plan, outcome, step.id, first)
            {
                marks.push(Mark {
                    kind: TimelineKind::Wait,
                    service: Some(own),
                    subject: on.map_or_else(String::new, |on| format!("Service {on}")),
                    span,
                    critical: false,
                    failed: false,
                    words: None,
                });
            }
        }
    }

    /// What was kept; `None` when nothing was done.
    pub(super) fn read(&self, project: &str) -> Option<Timeline> {
        timeline(project, &self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The steps that the last one had to wait for: from it back to whichever of its predecessors ended last, and so on.
fn critical_path(plan: &Plan, outcome: &Outcome) -> BTreeSet<StepId> {
    let ended = |id: &StepId| outcome.spans.get(id).map(|span| span.ended);
    let mut path = BTreeSet::new();
    let mut next = outcome.spans.keys().copied().max_by_key(|id| ended(id));
    while let Some(id) = next.filter(|id| path.insert(*id)) {
        let after = plan.steps.get(id.0).map(|step: &Step<Action>| step.after.as_slice()).unwrap_or_default();
        next = after.iter().copied().filter(|id| ended(id).is_some()).max_by_key(|id| ended(id));
    }
    path
}

/// The service that a step is for. An image may be for several; it stands in the row of the first.
fn service_of(action: &Action) -> Option<ServiceName> {
    if let Action::PullImage { services, .. } = action {
        return services.first().cloned();
    }
    action.service().cloned()
}

fn kind(kind: Kind) -> TimelineKind {
    match kind {
        Kind::Pull => TimelineKind::Pull,
        Kind::Build => TimelineKind::Build,
        Kind::Stop => TimelineKind::Stop,
        Kind::Create => TimelineKind::Create,
        Kind::Gate => TimelineKind::Wait,
        Kind::Start => TimelineKind::Start,
        Kind::Ready => TimelineKind::Ready,
        Kind::Other => TimelineKind::Other,
    }
}

/// What a step that took long has to say for itself.
fn words(action: &Action, service: Option<&Service>, span: Span, failed: bool, eager: bool) -> String {
    let took = seconds(span.ended - span.began);
    if let Action::Wait { service: name, until, .. } = action {
        return wait_words(name, *until, service, &took, failed, eager);
    }
    let subject = action.subject();
    let failed = if failed { ", and failed" } else { "" };
    match kind(timings::kind(action)) {
        TimelineKind::Pull => format!("{subject} took {took} to be pulled{failed}"),
        TimelineKind::Build => format!("{subject} took {took} to be built{failed}"),
        TimelineKind::Stop => format!("{subject} took {took} to stop{}{failed}", killed(service, span)),
        TimelineKind::Create => format!("{subject} took {took} to be created{failed}"),
        TimelineKind::Start => {
            format!("{subject} took {took} to be started{}{failed}", hooks(action, service))
        }
        TimelineKind::Ready => {
            format!(
                "{subject} was given {took} before the next was replaced, as `update_config` says{failed}"
            )
        }
        TimelineKind::Wait | TimelineKind::Other => format!("{subject} took {took}{failed}"),
    }
}

fn wait_words(
    name: &ServiceName,
    until: Until,
    service: Option<&Service>,
    took: &str,
    failed: bool,
    eager: bool,
) -> String {
    let check = service.and_then(|service| service.healthcheck.as_ref()).filter(|check| !check.disable);
    let what = match until {
        Until::Condition(DependencyCondition::ServiceHealthy) => "healthy",
        Until::Condition(DependencyCondition::ServiceCompletedSuccessfully) => "completed",
        Until::Condition(DependencyCondition::ServiceStarted) => "started",
        Until::Goal if check.is_some() => "healthy",
        Until::Goal => "running",
    };
    if failed {
        return format!("{name} was not {what} after {took}");
    }
    match what {
        "healthy" => {
            let interval = check.map(|check| check.interval.map_or(INTERVAL, SpecDuration::as_duration));
            let why = match interval {
                _ if eager => "its probe was run early and often, and passed no sooner".to_owned(),
                Some(interval) => format!("its probe runs every {}", plain(interval)),
                None => "as the probe of its image says".to_owned(),
            };
            format!("{name} became healthy {took} after its start: {why}")
        }
        "completed" => format!("{name} completed {took} after its start"),
        _ => format!("{name} was watched for {took} to see that it stays up"),
    }
}

/// Whether a stop took as long as the grace allows: then it ended with a kill.
fn killed(service: Option<&Service>, span: Span) -> String {
    let grace =
        service.and_then(|service| service.stop_grace_period).map_or(GRACE, SpecDuration::as_duration);
    if span.ended - span.began < grace || grace.is_zero() {
        return String::new();
    }
    ": it did not end by itself, and was killed when its grace was over".to_owned()
}

fn hooks(action: &Action, service: Option<&Service>) -> &'static str {
    let is_start = matches!(action, Action::StartContainer { .. });
    let has = service.is_some_and(|service| !service.post_start.is_empty() || !service.pre_start.is_empty());
    if has && !is_start { ": its hooks ran" } else { "" }
}

fn timeline(project: &str, marks: &[Mark]) -> Option<Timeline> {
    let began = marks.iter().map(|mark| mark.span.began).min()?;
    let ended = marks.iter().map(|mark| mark.span.ended).max()?;
    let bar = |mark: &Mark| TimelineBar {
        kind: mark.kind,
        service: mark.service.as_ref().map(ToString::to_string),
        subject: mark.subject.clone(),
        from_ms: millis(mark.span.began, began),
        to_ms: millis(mark.span.ended, began),
        critical: mark.critical,
        failed: mark.failed,
    };
    let mut rows: BTreeMap<Option<&ServiceName>, Vec<TimelineBar>> = BTreeMap::new();
    for mark in marks {
        rows.entry(mark.service.as_ref()).or_default().push(bar(mark));
    }
    let mut rows: Vec<TimelineRow> = rows
        .into_iter()
        .map(|(service, mut bars)| {
            bars.sort_by_key(|bar| (bar.from_ms, bar.to_ms));
            TimelineRow { service: service.map(ToString::to_string), bars }
        })
        .collect();
    // What belongs to no service comes first; the others as they began.
    rows.sort_by_key(|row| {
        let first = row.bars.iter().map(|bar| bar.from_ms).min();
        let last = row.bars.iter().map(|bar| bar.to_ms).max();
        (row.service.is_some(), first, last)
    });
    let mut critical_path: Vec<TimelineBar> = marks.iter().filter(|mark| mark.critical).map(bar).collect();
    critical_path.sort_by_key(|bar| (bar.from_ms, bar.to_ms));
    Some(Timeline {
        format_version: 1,
        project: project.to_owned(),
        total_ms: millis(ended, began),
        succeeded: !marks.iter().any(|mark| mark.failed),
        rows,
        critical_path,
        costliest: costliest(marks),
    })
}

/// What took longest. Of replicas that did the same the slowest speaks for all.
fn costliest(marks: &[Mark]) -> Vec<TimelineCost> {
    let mut longest: BTreeMap<(Option<&ServiceName>, TimelineKind), &Mark> = BTreeMap::new();
    let length = |mark: &Mark| mark.span.ended - mark.span.began;
    for mark in marks.iter().filter(|mark| mark.words.is_some() && length(mark) >= WORTH_TELLING) {
        let known = longest.entry((mark.service.as_ref(), mark.kind)).or_insert(mark);
        if length(mark) > length(known) {
            *known = mark;
        }
    }
    let mut found: Vec<&Mark> = longest.into_values().collect();
    found.sort_by_key(|mark| std::cmp::Reverse(length(mark)));
    let told = found.into_iter().take(TOLD).map(|mark| TimelineCost {
        kind: mark.kind,
        service: mark.service.as_ref().map(ToString::to_string),
        took_ms: u64::try_from(length(mark).as_millis()).unwrap_or(u64::MAX),
        critical: mark.critical,
        text: mark.words.clone().unwrap_or_default(),
    });
    told.collect()
}

fn millis(at: Instant, began: Instant) -> u64 {
    u64::try_from((at - began).as_millis()).unwrap_or(u64::MAX)
}

/// `5 s`, or `2.5 s`.
fn plain(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

/// `6.1 s`.
fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
