//! Acts: runs a plan's steps against the engine, each as soon as the ones before it are done.
//!
//! In: a [`Plan`]. Out: an [`Outcome`], and events while it goes. Deliberately absent: decisions. What
//! to do, in which order, and why, is in the plan. Start reading at [`run`].

mod build;
mod copy;
mod diagnose;
mod explain;
mod files;
mod grace;
mod hooks;
pub mod ignore;
mod judge;
mod models;
mod monitor;
pub mod pack;
mod place;
mod probe;
mod provider;
mod queue;
mod step;
mod wait;

pub use build::buildx::check as check_dockerfiles;
pub use hooks::exec_spec;
pub use models::ModelRunner;
pub use provider::plugin_of;
pub use queue::Limits;

use crate::engine::{Engine, EngineError, EngineErrorKind};
use crate::event::{Diagnosis, EventKind, EventSink, Subject, Verb};
use crate::model::{Project, Provided, ServiceName};
use crate::observe::{ContainerId, ObservedState};
use crate::plan::{Action, Group, GroupVerb, Plan, StepId, Target, When};
use crate::source::SourceMap;
use futures_util::future::BoxFuture;
use queue::Queue;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a run needs besides the plan.
#[derive(Debug, Clone)]
pub struct Cx {
    /// The engine.
    pub engine: Engine,
    /// The project the plan was made for; `None` when only labels were known.
    pub project: Option<Arc<Project>>,
    /// What was seen when the plan was made.
    pub observed: Arc<ObservedState>,
    /// Where events go.
    pub events: EventSink,
    /// Cancelled when the user asks to stop: nothing new begins, what runs is let finish.
    pub cancel: CancellationToken,
    /// How much runs at once.
    pub limits: Limits,
    /// What happens to the rest when a step fails.
    pub on_failure: OnFailure,
    /// While something waits for a probe it is run early, and not only when the engine's next one is due.
    pub eager_health: bool,
    /// The stack files' texts, for a diagnosis that says where something is written.
    pub sources: Option<Arc<SourceMap>>,
    /// The images that this run pulled or built, by reference: their digests go into labels.
    pub fresh_images: Arc<Mutex<BTreeMap<String, String>>>,
    /// The variables that providers gave in this run.
    pub provided: Arc<Mutex<Provided>>,
    /// Who gives containers what they lack when they have started.
    pub on_start: Option<Arc<dyn OnStart>>,
}

/// Gives a container what it lacks as soon as it has started: nothing that depends on it begins before.
pub trait OnStart: Debug + Send + Sync {
    /// A container of a service has started. What cannot be given is no reason to stop: it is told by whoever gives it.
    fn started<'a>(&'a self, cx: &'a Cx, service: &'a ServiceName, id: &'a ContainerId) -> BoxFuture<'a, ()>;
}

/// What happens to the rest when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing new begins: what was created stays for the user to look at.
    Stop,
    /// Steps that do not need the failed one go on: a teardown should take away what it can.
    Continue,
}

/// How a run ended, step by step.
#[derive(Debug, Default)]
#[must_use]
pub struct Outcome {
    /// What became of each step, in plan order.
    pub steps: BTreeMap<StepId, StepOutcome>,
    /// The containers that steps created.
    pub created: BTreeMap<StepId, ContainerId>,
    /// When each step that was begun began and ended.
    pub spans: BTreeMap<StepId, Span>,
    /// The run was cancelled.
    pub cancelled: bool,
}

/// The time that a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub began: Instant,
    /// When it ended, well or not.
    pub ended: Instant,
}

/// What became of a step.
#[derive(Debug)]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// It failed.
    Failed(StepError),
    /// It failed, and the plan said that this is no harm.
    Tolerated(StepError),
    /// It was not begun because this one failed.
    Skipped(StepId),
    /// It was not begun because the run was stopped.
    Cancelled,
    /// It would have put right a failure that did not happen.
    NotNeeded,
}

/// Why a step failed.
#[derive(Debug)]
pub struct StepError {
    /// What went wrong, for people.
    pub message: String,
    /// What can be done about it.
    pub hints: Vec<String>,
    /// What a container that did not become ready has to say for itself.
    pub diagnosis: Option<Box<Diagnosis>>,
    /// The user cancelled it; there is nothing to report.
    pub cancelled: bool,
    /// How the engine refused, when it did.
    pub refusal: Option<EngineErrorKind>,
    /// The host port that somebody else has, when that is what is wrong.
    pub taken_port: Option<u16>,
}

impl StepError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hints: Vec::new(),
            diagnosis: None,
            cancelled: false,
            refusal: None,
            taken_port: None,
        }
    }
}

impl From<EngineError> for StepError {
    fn from(error: EngineError) -> Self {
        Self { refusal: Some(error.kind), ..Self::new(error.to_string()) }
    }
}

impl Outcome {
    /// The steps that failed, in plan order: the root causes, not what was skipped because of them.
    pub fn failures(&self) -> impl Iterator<Item = (StepId, &StepError)> {
        self.steps.iter().filter_map(|(id, outcome)| match outcome {
            StepOutcome::Failed(error) if !error.cancelled => Some((*id, error)),
            StepOutcome::Failed(_)
            | StepOutcome::Done
            | StepOutcome::Tolerated(_)
            | StepOutcome::Skipped(_)
            | StepOutcome::NotNeeded
            | StepOutcome::Cancelled => None,
        })
    }

    /// Whether everything was done.
    pub fn is_success(&self) -> bool {
        !self.cancelled
            && self.steps.values().all(|outcome| {
                matches!(outcome, StepOutcome::Done | StepOutcome::Tolerated(_) | StepOutcome::NotNeeded)
            })
    }
}

/// Runs a plan to its end: every step is done, failed, skipped or cancelled when this returns, and no task is left.
pub async fn run(plan: &Plan, cx: &Cx) -> Outcome {
    let mut queue = Queue::new(plan, cx.limits);
    let mut outcome = Outcome::default();
    let mut running: JoinSet<(StepId, Result<Option<ContainerId>, StepError>)> = JoinSet::new();
    let has_waits = plan.steps.iter().any(|step| matches!(step.action, Action::Wait { .. }));
    let waits = cx.cancel.child_token();
    let mut hub = wait::Hub::start(cx, has_waits).await;
    loop {
        while let Some(id) = queue.next() {
            let Some(step) = plan.steps.get(id.0) else { continue };
            let step = step.clone();
            announce(cx, &step.action, step.group.as_ref(), Phase::Started(&step.reason));
            let now = Instant::now();
            outcome.spans.insert(id, Span { began: now, ended: now });
            let resolved = resolved(plan, &outcome);
            // What puts a failure right goes on when the failure has stopped everything else.
            let waits = if queue.is_rescue(id) { cx.cancel.child_token() } else { waits.clone() };
            let (cx, subscription) = (cx.clone(), hub.subscribe());
            running.spawn(async move {
                let done = step::perform(&cx, &step.action, &resolved, subscription, &waits).await;
                let told = |error| place::told(&cx, &step.action, of_service(&step.action, error));
                (id, done.map_err(told))
            });
        }
        if running.is_empty() {
            break;
        }
        // Both branches are cancel-safe: a finished task stays in the set until it is taken.
        tokio::select! {
            biased;
            () = cx.cancel.cancelled(), if !outcome.cancelled => {
                outcome.cancelled = true;
                queue.stop_admitting();
            }
            joined = running.join_next() => {
                let Some(joined) = joined else { break };
                let (id, result) = match joined {
                    Ok(pair) => pair,
                    // A panic in a step is a bug; it must not be reported as success.
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                };
                if let Some(span) = outcome.spans.get_mut(&id) {
                    span.ended = Instant::now();
                }
                settle(plan, cx, &mut queue, &mut outcome, id, result, &waits);
            }
        }
    }
    hub.stop().await;
    for id in queue.left() {
        let spared = plan.steps.get(id.0).is_some_and(|step| matches!(step.when, When::MoreFailed { .. }));
        outcome.steps.insert(id, if spared { StepOutcome::NotNeeded } else { StepOutcome::Cancelled });
    }
    for id in queue.spared() {
        outcome.steps.insert(*id, StepOutcome::NotNeeded);
    }
    outcome
}

/// What the steps so far have created, by step and by service.
fn resolved(plan: &Plan, outcome: &Outcome) -> step::Resolved {
    let mut by_service = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    for (id, container) in &outcome.created {
        let Some(step) = plan.steps.get(id.0) else { continue };
        let Action::CreateContainer { service, number, .. } = &step.action else { continue };
        if numbers.get(service).is_none_or(|lowest| number < lowest) {
            numbers.insert(service.clone(), *number);
            by_service.insert(service.clone(), container.clone());
        }
    }
    step::Resolved { created: outcome.created.clone(), by_service }
}

/// Of what the engine gave no answer to is told whose it was.
fn of_service(action: &Action, error: StepError) -> StepError {
    let silent = matches!(error.refusal, Some(EngineErrorKind::Unreachable | EngineErrorKind::TimedOut));
    match action.service().filter(|_| silent) {
        Some(service) => StepError { message: format!("service `{service}`: {}", error.message), ..error },
        None => error,
    }
}

fn settle(
    plan: &Plan,
    cx: &Cx,
    queue: &mut Queue,
    outcome: &mut Outcome,
    id: StepId,
    result: Result<Option<ContainerId>, StepError>,
    waits: &CancellationToken,
) {
    let Some(step) = plan.steps.get(id.0) else { return };
    let error = match result {
        Ok(created) => {
            if let Some(container) = created {
                outcome.created.insert(id, container);
            }
            announce(cx, &step.action, step.group.as_ref(), Phase::Done(is_last_of_group(plan, id)));
            queue.done(id);
            outcome.steps.insert(id, StepOutcome::Done);
            return;
        }
        Err(error) => error,
    };
    let skipped = queue.failed(id);
    if step.optional {
        cx.events.send(subject(&step.action), EventKind::Warning { message: error.message.clone() });
        outcome.steps.insert(id, StepOutcome::Tolerated(error));
    } else {
        if !error.cancelled {
            announce(cx, &step.action, step.group.as_ref(), Phase::Failed(&error));
        }
        outcome.steps.insert(id, StepOutcome::Failed(error));
        if cx.on_failure == OnFailure::Stop && !step.contained {
            queue.admit_rescues_only();
            waits.cancel();
        }
    }
    for late in skipped {
        outcome.steps.insert(late, StepOutcome::Skipped(id));
    }
}

fn is_last_of_group(plan: &Plan, id: StepId) -> bool {
    let Some(group) = plan.steps.get(id.0).and_then(|step| step.group.as_ref()) else { return true };
    !plan.steps.iter().any(|later| later.id > id && later.group.as_ref() == Some(group))
}

#[derive(Clone, Copy)]
enum Phase<'a> {
    Started(&'a crate::plan::Reason),
    Done(bool),
    Failed(&'a StepError),
}

/// Tells what happens to what. The steps of a group are one row: it begins with the first and ends with the last.
fn announce(cx: &Cx, action: &Action, group: Option<&Group>, phase: Phase<'_>) {
    use crate::plan::Reason;
    // Whether a provider can stop at all is known only once its program was asked.
    let asks_to_stop = matches!(action, Action::RunProvider { verb, .. } if verb == "stop");
    let silent = asks_to_stop
        || matches!(
            action,
            Action::WriteNotes { .. }
                | Action::RemoveNotes { .. }
                | Action::MarkHooks { .. }
                | Action::ClearHooks { .. }
                | Action::Delay { .. }
        );
    // What is not worth a row when it goes well is when it fails.
    if silent && !matches!(phase, Phase::Failed(_)) {
        return;
    }
    let verb = match group.map(|group| group.verb) {
        Some(GroupVerb::Recreate | GroupVerb::RecreateStartFirst) => Verb::Recreate,
        Some(GroupVerb::Update) => Verb::Update,
        None => verb(action),
    };
    for subject in subjects(action, group) {
        let kind = match &phase {
            Phase::Started(_) if !begins_row(action, group) => continue,
            Phase::Started(reason) => {
                let worth_telling = matches!(
                    reason,
                    Reason::ConfigChanged { .. }
                        | Reason::ImageChanged { .. }
                        | Reason::ContentChanged { .. }
                        | Reason::Drifted { .. }
                        | Reason::NetworkExtra { .. }
                        | Reason::UpdateFailed { .. }
                        | Reason::NetworkChanged { .. }
                        | Reason::VolumeChanged { .. }
                        | Reason::ParentRecreated { .. }
                        | Reason::DependencyRestarted { .. }
                        | Reason::Forced
                        | Reason::Reattached { .. }
                        | Reason::HooksDue
                        | Reason::Repair { .. }
                        | Reason::ScaledDown { .. }
                        | Reason::Orphan
                );
                let first = group.is_some() || !matches!(action, Action::StartContainer { .. });
                EventKind::Started { verb, reason: (worth_telling && first).then(|| reason.to_string()) }
            }
            Phase::Done(false) => continue,
            Phase::Done(true) => EventKind::Done { verb },
            // Of several containers that are waited for, only the culprit failed.
            Phase::Failed(error) if !is_culprit(error, &subject) => continue,
            Phase::Failed(error) => {
                EventKind::Failed { verb, message: error.message.clone(), diagnosis: error.diagnosis.clone() }
            }
        };
        cx.events.send(subject, kind);
    }
}

fn is_culprit(error: &StepError, subject: &Subject) -> bool {
    error
        .diagnosis
        .as_ref()
        .is_none_or(|diagnosis| *subject == Subject::Container(diagnosis.container.clone()))
}

/// Whether a step is the first of its row: a replacement begins with the creation, a change with its first step, and telling
/// of the others again would not hurt.
fn begins_row(action: &Action, group: Option<&Group>) -> bool {
    match group.map(|group| group.verb) {
        None | Some(GroupVerb::Update) => true,
        Some(GroupVerb::Recreate | GroupVerb::RecreateStartFirst) => {
            matches!(action, Action::CreateContainer { .. })
        }
    }
}

fn subjects(action: &Action, group: Option<&Group>) -> Vec<Subject> {
    if let Some(group) = group {
        return vec![Subject::Container(group.subject.clone())];
    }
    // What is waited for are containers; a row for each reads better than one for the service.
    if let Action::Wait { containers, .. } = action {
        return containers.iter().map(|container| Subject::Container(container.name.clone())).collect();
    }
    vec![subject(action)]
}

fn subject(action: &Action) -> Subject {
    match action {
        Action::PullImage { image, .. }
        | Action::BuildImage { image, .. }
        | Action::PushImage { image, .. }
        | Action::RemoveImage { image } => Subject::Image(image.clone()),
        Action::CreateNetwork { name, .. }
        | Action::RemoveNetwork { name, .. }
        | Action::WriteNotes { name, .. }
        | Action::RemoveNotes { name, .. } => Subject::Network(name.clone()),
        Action::PrepareModel { key, .. } => Subject::Model(key.to_string()),
        Action::CreateVolume { name, .. }
        | Action::RemoveVolume { name }
        | Action::CreateKeeper { name, .. }
        | Action::CopyVolume { to: name, .. } => Subject::Volume(name.clone()),
        Action::CreateContainer { name, .. } => Subject::Container(name.clone()),
        Action::CreateOneOff { one_off, .. } => Subject::Container(one_off.name.clone()),
        Action::ConnectNetwork { container, .. }
        | Action::DisconnectNetwork { container, .. }
        | Action::UpdateContainer { container }
        | Action::StartContainer { container }
        | Action::StopContainer { container, .. }
        | Action::RestartContainer { container, .. }
        | Action::KillContainer { container, .. }
        | Action::RemoveContainer { container, .. }
        | Action::RenameContainer { container, .. }
        | Action::PauseContainer { container }
        | Action::UnpauseContainer { container }
        | Action::Monitor { container, .. }
        | Action::RunHook { container, .. }
        | Action::MarkHooks { container }
        | Action::ClearHooks { container, .. } => Subject::Container(container.name.clone()),
        Action::Wait { service, .. }
        | Action::RunProvider { service, .. }
        | Action::Delay { service, .. } => Subject::Service(service.to_string()),
    }
}

fn verb(action: &Action) -> Verb {
    use crate::model::DependencyCondition;
    use crate::plan::Until;
    match action {
        Action::PullImage { .. } => Verb::Pull,
        Action::BuildImage { .. } => Verb::Build,
        Action::PushImage { .. } => Verb::Push,
        Action::CreateNetwork { .. }
        | Action::CreateVolume { .. }
        | Action::CreateKeeper { .. }
        | Action::CreateContainer { .. }
        | Action::CreateOneOff { .. } => Verb::Create,
        Action::CopyVolume { .. } => Verb::Copy,
        Action::RemoveNetwork { .. }
        | Action::RemoveVolume { .. }
        | Action::RemoveImage { .. }
        | Action::RemoveNotes { .. }
        | Action::RemoveContainer { .. } => Verb::Remove,
        Action::Delay { .. } | Action::Monitor { .. } => Verb::WaitRunning,
        Action::ConnectNetwork { .. } => Verb::Connect,
        Action::DisconnectNetwork { .. } => Verb::Disconnect,
        Action::UpdateContainer { .. } | Action::WriteNotes { .. } => Verb::Update,
        Action::StartContainer { .. } => Verb::Start,
        Action::StopContainer { .. } => Verb::Stop,
        Action::RestartContainer { .. } => Verb::Restart,
        Action::KillContainer { .. } => Verb::Kill,
        Action::RenameContainer { .. } => Verb::Rename,
        Action::PauseContainer { .. } => Verb::Pause,
        Action::UnpauseContainer { .. } => Verb::Unpause,
        Action::RunHook { .. } | Action::MarkHooks { .. } | Action::ClearHooks { .. } => Verb::Hook,
        Action::RunProvider { .. } => Verb::Provide,
        Action::PrepareModel { .. } => Verb::Prepare,
        Action::Wait { until, .. } => match until {
            Until::Condition(DependencyCondition::ServiceStarted) => Verb::WaitRunning,
            Until::Condition(DependencyCondition::ServiceCompletedSuccessfully) => Verb::WaitCompleted,
            Until::Condition(DependencyCondition::ServiceHealthy) | Until::Goal => Verb::WaitHealthy,
        },
    }
}

/// The container a target means, once the step that creates it is done.
fn container_id<'a>(
    target: &'a Target,
    created: &'a BTreeMap<StepId, ContainerId>,
) -> Option<&'a ContainerId> {
    match target {
        Target::Existing(id) => Some(id),
        Target::CreatedBy(step) => created.get(step),
    }
}

/// The digest that goes into the image label of a container made from `image` now.
fn image_digest(cx: &Cx, image: &str) -> Option<String> {
    let fresh = cx.fresh_images.lock().unwrap_or_else(PoisonError::into_inner);
    fresh.get(image).cloned().or_else(|| cx.observed.images.get(image).map(|seen| seen.digest.clone()))
}
