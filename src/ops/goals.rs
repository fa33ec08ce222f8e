//! What `--wait` waits for: that every service reaches its goal, and is still there when the last one has.
//!
//! A service that has a probe is to be healthy, one that has ended with 0 and stays so is done, and any other is to run, and
//! to go on running. The waits themselves are steps of the plan; here is the last look at all of them together, and the
//! answer to the question how far each service has come.

use super::{OpsError, Session, Stopwatch, list};
use crate::apply::{OnFailure, Outcome, StepOutcome};
use crate::engine::Engine;
use crate::event::{Diagnosis, EventKind, Goal, GoalOutcome, Goals, ServiceGoal, Subject, Timings};
use crate::model::DependencyCondition::ServiceHealthy;
use crate::model::{Project, Service, ServiceName};
use crate::observe::{self, Container, ContainerStatus, Health, ObservedState};
use crate::plan::lifecycle;
use crate::plan::{Action, Plan, Step, Until};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// How often what had reached its goal, and is found to have left it, is waited for again.
const LOOKS: u32 = 3;

/// Notes what was done for each service, and what went wrong with it: in every plan of a run, those of later rounds and of
/// second tries too.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    scores: Arc<Mutex<BTreeMap<ServiceName, Score>>>,
    goals: Arc<Mutex<Goals>>,
    stopwatch: Stopwatch,
}

#[derive(Debug, Clone, Default)]
struct Score {
    /// From the begin of the first step to the end of the last.
    span: Option<(Instant, Instant)>,
    /// Its provider has done its work.
    provided: bool,
    /// A wait for it ended well since it was started: an early probe may have succeeded of which the engine knows nothing.
    ready: bool,
    /// What went wrong in the last plan it had a part in.
    failure: Option<(String, Option<Box<Diagnosis>>)>,
}

impl Tally {
    /// Adds a plan that was carried out.
    pub(super) fn take(&self, plan: &Plan, outcome: &Outcome, project: Option<&Project>, eager: bool) {
        self.stopwatch.take(plan, outcome, project, eager);
        let mut scores = self.scores.lock().unwrap_or_else(PoisonError::into_inner);
        for name in plan.steps.iter().flat_map(|step| services(&step.action)) {
            scores.entry(name).or_default().failure = None;
        }
        for step in &plan.steps {
            for name in services(&step.action) {
                scores.entry(name).or_default().add(step, outcome);
            }
        }
    }

    fn of(&self, service: &ServiceName) -> Score {
        let scores = self.scores.lock().unwrap_or_else(PoisonError::into_inner);
        scores.get(service).cloned().unwrap_or_default()
    }

    /// How far each service had come when it was looked at last; nothing when nobody waited for them.
    pub fn goals(&self) -> Goals {
        self.goals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the time went, once; nothing when nothing was done.
    pub fn timings(&self) -> Option<Timings> {
        self.stopwatch.read()
    }

    /// What took longest so far, in words, the longest first.
    pub fn slowest(&self) -> Vec<String> {
        let timeline = self.stopwatch.timeline("");
        timeline.into_iter().flat_map(|timeline| timeline.costliest).map(|cost| cost.text).collect()
    }
}

impl Score {
    fn add(&mut self, step: &Step<Action>, outcome: &Outcome) {
        if let Some(span) = outcome.spans.get(&step.id) {
            let (began, ended) = self.span.unwrap_or((span.began, span.ended));
            self.span = Some((began.min(span.began), ended.max(span.ended)));
        }
        match outcome.steps.get(&step.id) {
            Some(StepOutcome::Failed(error)) if !error.cancelled && self.failure.is_none() => {
                self.failure = Some((error.message.clone(), error.diagnosis.clone()));
            }
            Some(StepOutcome::Done) => self.add_done(&step.action),
            Some(
                StepOutcome::Failed(_)
                | StepOutcome::Tolerated(_)
                | StepOutcome::Skipped(_)
                | StepOutcome::Cancelled
                | StepOutcome::NotNeeded,
            )
            | None => {}
        }
    }

    fn add_done(&mut self, action: &Action) {
        self.provided |= matches!(action, Action::RunProvider { .. });
        if matches!(action, Action::StartContainer { .. }) {
            self.ready = false;
        }
        if let Action::Wait { until, .. } = action {
            self.ready |= matches!(until, Until::Goal | Until::Condition(ServiceHealthy));
        }
    }
}

/// The services that a step is for.
fn services(action: &Action) -> Vec<ServiceName> {
    if let Action::PullImage { services, .. } = action {
        return services.clone();
    }
    action.service().cloned().into_iter().collect()
}

/// Takes a last look after a run that has waited for its goals: what has left its goal meanwhile is waited for again, and what
/// cannot come back is a failure, with its diagnosis. Who listens to events is told how far each service has come.
pub(super) async fn last_look(
    session: &Session,
    engine: &Engine,
    project: &Arc<Project>,
    timeout_s: Option<u64>,
    ended: Result<(), OpsError>,
) -> Result<(), OpsError> {
    let tally = session.tally.clone().unwrap_or_default();
    let mut ended = ended;
    let mut goals = Goals::default();
    for look in 1..=LOOKS {
        // Who has stopped it knows why; when it was stopped because it took too long, somebody asks what did.
        if session.interrupts.signal().is_some() {
            break;
        }
        let request = list::containers_only(project.name.as_str());
        let observed = match observe::observe(engine, &request).await {
            Ok(observed) => Arc::new(observed),
            Err(error) => {
                // What went wrong before is worth more than that the engine is gone now.
                ended = ended.and(Err(error.into()));
                break;
            }
        };
        goals = read(&tally, project, &observed);
        if ended.is_err() || goals.all_reached() || look == LOOKS {
            break;
        }
        let left: BTreeSet<ServiceName> = goals
            .services
            .iter()
            .filter(|service| service.outcome != GoalOutcome::Reached)
            .map(|service| ServiceName::new(&service.service))
            .collect();
        let plan = lifecycle::wait(&observed, &left, timeout_s);
        ended = session.apply(engine, &plan, Some(project), &observed, OnFailure::Stop).await;
    }
    if !goals.services.is_empty() {
        let subject = Subject::Project(project.name.to_string());
        session.events.send(subject, EventKind::Goals { goals: Box::new(goals.clone()) });
    }
    *tally.goals.lock().unwrap_or_else(PoisonError::into_inner) = goals;
    ended
}

fn read(tally: &Tally, project: &Project, observed: &ObservedState) -> Goals {
    let services = project.services.values();
    Goals {
        services: services.filter_map(|service| one(&tally.of(&service.name), service, observed)).collect(),
    }
}

fn one(score: &Score, service: &Service, observed: &ObservedState) -> Option<ServiceGoal> {
    let containers: Vec<&Container> = observed
        .containers
        .iter()
        .filter(|container| {
            let identity = &container.identity;
            identity.service == service.name && !identity.oneoff && identity.hook.is_none()
        })
        .collect();
    let is_provided = service.provider.is_some();
    if containers.is_empty() && !is_provided && service.replicas() == 0 {
        return None;
    }
    let goal = if is_provided { Goal::Provided } else { goal(service, &containers) };
    let outcome = match &score.failure {
        Some(_) => GoalOutcome::Failed,
        None if is_provided && score.provided => GoalOutcome::Reached,
        None => containers
            .iter()
            .map(|container| outcome(container, score.ready))
            .max_by_key(|outcome| severity(*outcome))
            .unwrap_or(GoalOutcome::NotStarted),
    };
    let (message, diagnosis) = score.failure.clone().map_or((None, None), |(text, more)| (Some(text), more));
    let took = score.span.map_or(0, |(began, ended)| (ended - began).as_millis());
    Some(ServiceGoal {
        service: service.name.to_string(),
        goal,
        outcome,
        state: state(&containers, score.ready, is_provided),
        took_ms: u64::try_from(took).unwrap_or(u64::MAX),
        message,
        diagnosis,
    })
}

fn goal(service: &Service, containers: &[&Container]) -> Goal {
    let probed = service.healthcheck.as_ref().is_some_and(|check| !check.disable);
    if containers.iter().any(|container| container.health.is_some()) || (containers.is_empty() && probed) {
        return Goal::Healthy;
    }
    let is_over = |container: &&Container| {
        container.status == ContainerStatus::Exited && container.exit_code == Some(0)
    };
    if !containers.is_empty() && containers.iter().all(is_over) { Goal::Completed } else { Goal::Running }
}

/// How far one container has come, by what the list shows.
fn outcome(container: &Container, ready: bool) -> GoalOutcome {
    match (&container.status, container.health) {
        (ContainerStatus::Running, None | Some(Health::Healthy)) => GoalOutcome::Reached,
        (ContainerStatus::Running, Some(Health::Starting)) if ready => GoalOutcome::Reached,
        (ContainerStatus::Exited, _) if container.exit_code == Some(0) => GoalOutcome::Reached,
        (ContainerStatus::Exited | ContainerStatus::Dead, _) => GoalOutcome::Failed,
        (ContainerStatus::Created, _) => GoalOutcome::NotStarted,
        (
            ContainerStatus::Running
            | ContainerStatus::Paused
            | ContainerStatus::Restarting
            | ContainerStatus::Removing
            | ContainerStatus::Other(_),
            _,
        ) => GoalOutcome::Unreached,
    }
}

/// Of several containers the one that has come least far speaks for the service.
fn severity(outcome: GoalOutcome) -> u8 {
    match outcome {
        GoalOutcome::Reached => 0,
        GoalOutcome::Unreached => 1,
        GoalOutcome::NotStarted => 2,
        GoalOutcome::Failed => 3,
    }
}

/// `running (healthy)`, `exited (3)`; of several containers each once.
fn state(containers: &[&Container], ready: bool, is_provided: bool) -> String {
    let words = |container: &&Container| {
        let detail = match (&container.status, container.health) {
            (ContainerStatus::Exited | ContainerStatus::Dead, _) => {
                container.exit_code.map(|code| code.to_string())
            }
            (_, Some(Health::Starting)) if !ready => Some("starting".to_owned()),
            (_, Some(Health::Starting | Health::Healthy)) => Some("healthy".to_owned()),
            (_, Some(Health::Unhealthy)) => Some("unhealthy".to_owned()),
            (_, None) => None,
        };
        let status = container.status.as_str();
        detail.map_or_else(|| status.to_owned(), |detail| format!("{status} ({detail})"))
    };
    let states: BTreeSet<String> = containers.iter().map(words).collect();
    match (states.is_empty(), is_provided) {
        (false, _) => states.into_iter().collect::<Vec<_>>().join(", "),
        (true, true) => String::new(),
        (true, false) => "not created".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{ContainerId, Identity};

    fn container(service: &str, status: ContainerStatus, code: Option<i64>) -> Container {
        let identity =
            Identity { service: ServiceName::new(service), number: Some(1), ..Identity::default() };
        Container {
            id: ContainerId(service.to_owned()),
            identity,
            status,
            exit_code: code,
            ..Container::default()
        }
    }

    #[test]
    fn of_several_containers_the_one_that_has_come_least_far_speaks() {
        let service = Service { name: ServiceName::new("web"), scale: Some(2), ..Service::default() };
        let fine = container("web", ContainerStatus::Running, None);
        let broken = container("web", ContainerStatus::Exited, Some(3));
        let observed = ObservedState { containers: vec![fine, broken], ..ObservedState::default() };
        let seen = one(&Score::default(), &service, &observed).unwrap();
        assert_eq!((seen.goal, seen.outcome), (Goal::Running, GoalOutcome::Failed));
        assert_eq!(seen.state, "exited (3), running");
    }

    #[test]
    fn what_was_not_created_is_told_and_what_is_not_to_be_there_is_not() {
        let service = Service { name: ServiceName::new("web"), ..Service::default() };
        let nothing = ObservedState::default();
        let seen = one(&Score::default(), &service, &nothing).unwrap();
        assert_eq!((seen.outcome, seen.state.as_str()), (GoalOutcome::NotStarted, "not created"));
        let none = Service { scale: Some(0), ..service };
        assert_eq!(one(&Score::default(), &none, &nothing), None);
    }

    #[test]
    fn a_job_that_is_done_and_a_healthy_one_are_there() {
        let done = container("job", ContainerStatus::Exited, Some(0));
        assert_eq!(outcome(&done, false), GoalOutcome::Reached);
        assert_eq!(goal(&Service::default(), &[&done]), Goal::Completed);
        let well =
            Container { health: Some(Health::Healthy), ..container("db", ContainerStatus::Running, None) };
        assert_eq!(
            (outcome(&well, false), goal(&Service::default(), &[&well])),
            (GoalOutcome::Reached, Goal::Healthy)
        );
        let ill = Container { health: Some(Health::Unhealthy), ..well };
        assert_eq!(outcome(&ill, true), GoalOutcome::Unreached);
        let early = Container { health: Some(Health::Starting), ..ill };
        let seen = [false, true].map(|ready| (outcome(&early, ready), state(&[&early], ready, false)));
        assert_eq!(seen[0], (GoalOutcome::Unreached, "running (starting)".to_owned()));
        assert_eq!(seen[1], (GoalOutcome::Reached, "running (healthy)".to_owned()));
    }
}
