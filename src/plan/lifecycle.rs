//! `start`, `stop`, `restart`, `kill`, `pause`, `unpause`: what happens to containers that are there.

use super::builder::PlanBuilder;
use super::{Action, ContainerRef, HookPhase, Plan, Reason, StepId, Until};
use crate::graph::ServiceGraph;
use crate::graph::services::Need;
use crate::model::{DependencyCondition, Project, ServiceName};
use crate::observe::{Container, ContainerStatus, Health, ObservedState};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done to which containers.
#[derive(Debug, Clone, Copy)]
pub struct Lifecycle<'a> {
    /// The stack files' view, when there is one: it knows the hooks.
    pub project: Option<&'a Project>,
    /// Who depends on whom.
    pub graph: &'a ServiceGraph,
    /// What was seen.
    pub observed: &'a ObservedState,
    /// Only these services; `None` is all.
    pub services: Option<&'a BTreeSet<ServiceName>>,
    /// Seconds before a kill, where the user gave one.
    pub timeout_s: Option<i64>,
}

/// Waits, so that dependents share them.
type Gates = BTreeMap<(ServiceName, DependencyCondition, bool), StepId>;

/// The wait for a dependency's condition after the steps that start it.
fn gate(
    plan: &mut PlanBuilder,
    gates: &mut Gates,
    input: &Lifecycle<'_>,
    (needed, need): (&ServiceName, &Need),
    dependent: &ServiceName,
    after: Vec<StepId>,
) -> StepId {
    let key = (needed.clone(), need.condition, need.required);
    *gates.entry(key).or_insert_with(|| {
        let action = Action::Wait {
            service: needed.clone(),
            containers: all(input, needed).into_iter().map(ContainerRef::to).collect(),
            until: Until::Condition(need.condition),
            timeout_s: None,
            stable_s: None,
        };
        let step = plan.step(action, Reason::Gate { service: dependent.clone() }, after);
        plan.amend(step, |step| step.optional = !need.required);
        step
    })
}

/// `start`: containers that do not run, dependencies first, behind their gates. What named services depend on is started too.
pub fn start(input: &Lifecycle<'_>, wait: Option<Option<u64>>) -> Plan {
    let services = input.services.map(|named| {
        named.iter().chain(input.graph.closure(named)).cloned().collect::<BTreeSet<ServiceName>>()
    });
    let input = &Lifecycle { services: services.as_ref(), ..*input };
    let mut plan = PlanBuilder::default();
    let mut started: BTreeMap<ServiceName, Vec<StepId>> = BTreeMap::new();
    let mut gates = Gates::new();
    for service in input.graph.in_order() {
        let containers = chosen(input, service);
        let asleep: Vec<&Container> =
            containers.iter().copied().filter(|container| !container.status.is_alive()).collect();
        if asleep.is_empty() {
            continue;
        }
        let mut after = Vec::new();
        for (needed, need) in input.graph.needs(service) {
            let steps = started.get(needed).cloned().unwrap_or_default();
            if need.condition == DependencyCondition::ServiceStarted && need.required {
                after.extend(steps);
                continue;
            }
            let seen = all(input, needed);
            if seen.is_empty() || (steps.is_empty() && satisfied(&seen, need.condition)) {
                continue;
            }
            let gate = gate(&mut plan, &mut gates, input, (needed, need), service, steps);
            after.push(gate);
        }
        if asleep.len() == containers.len()
            && let Some(first) = asleep.first()
        {
            for index in 0..hook_count(input, first, HookPhase::PreStart) {
                let container = ContainerRef::to(first);
                let action = Action::RunHook { container, phase: HookPhase::PreStart, index };
                after = vec![plan.step(action, Reason::Requested, after)];
            }
        }
        for container in asleep {
            let reason = Reason::NotRunning { status: container.status.as_str().to_owned() };
            let after = mark_hooks(&mut plan, input, container, &after);
            let action = Action::StartContainer { container: ContainerRef::to(container) };
            let step = plan.step(action, reason, after);
            let step = post_start(&mut plan, input, container, step);
            started.entry(service.clone()).or_default().push(step);
        }
    }
    if let Some(timeout_s) = wait {
        for service in input.graph.in_order() {
            let after = started.get(service).cloned().unwrap_or_default();
            goal(&mut plan, service, chosen(input, service), timeout_s, after);
        }
    }
    plan.finish()
}

/// `run`: the start of a container that was made for one command.
pub fn start_one_off(container: &Container) -> Plan {
    let mut plan = PlanBuilder::default();
    plan.step(Action::StartContainer { container: ContainerRef::to(container) }, Reason::Requested, []);
    plan.finish()
}

/// The hooks that run in it once it has started.
pub fn hooks_of_one_off(project: &Project, container: &Container) -> Plan {
    let mut plan = PlanBuilder::default();
    let service = project.services.get(&container.identity.service);
    let mut after = Vec::new();
    for index in 0..service.map_or(0, |service| service.post_start.len()) {
        let container = ContainerRef::to(container);
        let action = Action::RunHook { container, phase: HookPhase::PostStart, index };
        after = vec![plan.step(action, Reason::Requested, after)];
    }
    plan.finish()
}

/// The wait for a service's goal, when it has containers.
fn goal(
    plan: &mut PlanBuilder,
    service: &ServiceName,
    containers: Vec<&Container>,
    timeout_s: Option<u64>,
    after: Vec<StepId>,
) {
    let containers: Vec<ContainerRef> = containers.into_iter().map(ContainerRef::to).collect();
    if !containers.is_empty() {
        let (service, until) = (service.clone(), Until::Goal);
        let action = Action::Wait { service, containers, until, timeout_s, stable_s: None };
        plan.step(action, Reason::Requested, after);
    }
}

/// Waits for the goals of services whose containers were started before.
pub fn wait(observed: &ObservedState, services: &BTreeSet<ServiceName>, timeout_s: Option<u64>) -> Plan {
    let mut plan = PlanBuilder::default();
    for service in services {
        let of_it = |one: &&Container| {
            let identity = &one.identity;
            identity.service == *service && !identity.oneoff && identity.hook.is_none()
        };
        goal(&mut plan, service, observed.containers.iter().filter(of_it).collect(), timeout_s, Vec::new());
    }
    plan.finish()
}

/// `stop`: containers that run, dependents first. Programs that provide a service are told, where they know how to stop it.
pub fn stop(input: &Lifecycle<'_>) -> Plan {
    let mut plan = PlanBuilder::default();
    let mut stopped: BTreeMap<ServiceName, Vec<StepId>> = BTreeMap::new();
    for service in input.graph.in_order().into_iter().rev() {
        let after: Vec<StepId> = input
            .graph
            .needed_by(service)
            .into_iter()
            .flat_map(|(dependent, _)| stopped.get(dependent).cloned().unwrap_or_default())
            .collect();
        for container in chosen(input, service).into_iter().filter(|container| container.status.is_alive()) {
            let after = pre_stop(&mut plan, input, container, &after);
            let action =
                Action::StopContainer { container: ContainerRef::to(container), timeout_s: input.timeout_s };
            let step = plan.step(action, Reason::Requested, after);
            stopped.entry(service.clone()).or_default().push(step);
        }
        let is_provided = |project: &Project| {
            project.service(service.as_str()).is_some_and(|service| service.provider.is_some())
        };
        if input.project.is_some_and(is_provided)
            && input.services.is_none_or(|services| services.contains(service))
        {
            let action = Action::RunProvider { service: service.clone(), verb: "stop".to_owned() };
            let step = plan.step(action, Reason::Requested, after);
            stopped.entry(service.clone()).or_default().push(step);
        }
    }
    plan.finish()
}

/// `restart`: the engine's restart, in order over dependencies with `restart: true`; dependents over such edges are
/// restarted too, unless `alone`.
///
/// Differs: the reference restarts dependents at once, whatever condition they wait for when they are first started. Where a
/// dependency with a condition is restarted too, its dependents wait for the condition again.
pub fn restart(input: &Lifecycle<'_>, alone: bool) -> Plan {
    let mut plan = PlanBuilder::default();
    let mut gates = Gates::new();
    let mut reasons: BTreeMap<ServiceName, Reason> = BTreeMap::new();
    let mut steps: BTreeMap<ServiceName, Vec<StepId>> = BTreeMap::new();
    for service in input.graph.in_order() {
        let named = input.services.is_none_or(|services| services.contains(service));
        let cause = input
            .graph
            .needs(service)
            .into_iter()
            .find(|(needed, need)| need.restart && reasons.contains_key(*needed))
            .map(|(needed, _)| Reason::DependencyRestarted { service: needed.clone() });
        let reason = match (named, cause) {
            (true, _) => Reason::Requested,
            (false, Some(cause)) if !alone => cause,
            (false, _) => continue,
        };
        reasons.insert(service.clone(), reason.clone());
        let mut after = Vec::new();
        for (needed, need) in input.graph.needs(service) {
            let Some(restarted) = steps.get(needed).cloned() else { continue };
            match need.condition {
                DependencyCondition::ServiceStarted if need.restart => after.extend(restarted),
                DependencyCondition::ServiceStarted => {}
                DependencyCondition::ServiceHealthy | DependencyCondition::ServiceCompletedSuccessfully => {
                    after.push(gate(&mut plan, &mut gates, input, (needed, need), service, restarted));
                }
            }
        }
        for container in all(input, service) {
            let after = if container.status.is_alive() {
                pre_stop(&mut plan, input, container, &after)
            } else {
                after.clone()
            };
            let after = mark_hooks(&mut plan, input, container, &after);
            let action = Action::RestartContainer {
                container: ContainerRef::to(container),
                timeout_s: input.timeout_s,
            };
            let step = plan.step(action, reason.clone(), after);
            let step = post_start(&mut plan, input, container, step);
            steps.entry(service.clone()).or_default().push(step);
        }
    }
    plan.finish()
}

/// `kill`: containers that run, all at once.
pub fn kill(containers: &[&Container], signal: &str) -> Plan {
    let mut plan = PlanBuilder::default();
    for container in containers.iter().filter(|container| container.status.is_alive()) {
        let action =
            Action::KillContainer { container: ContainerRef::to(container), signal: signal.to_owned() };
        plan.step(action, Reason::Requested, []);
    }
    plan.finish()
}

/// `pause`: containers that run.
pub fn pause(input: &Lifecycle<'_>) -> Plan {
    each(
        input,
        |status| *status == ContainerStatus::Running,
        |container| Action::PauseContainer { container },
    )
}

/// `unpause`: containers that are frozen.
pub fn unpause(input: &Lifecycle<'_>) -> Plan {
    each(
        input,
        |status| *status == ContainerStatus::Paused,
        |container| Action::UnpauseContainer { container },
    )
}

fn each(
    input: &Lifecycle<'_>,
    wanted: impl Fn(&ContainerStatus) -> bool,
    action: impl Fn(ContainerRef) -> Action,
) -> Plan {
    let mut plan = PlanBuilder::default();
    for service in input.graph.in_order() {
        for container in chosen(input, service).into_iter().filter(|container| wanted(&container.status)) {
            plan.step(action(ContainerRef::to(container)), Reason::Requested, []);
        }
    }
    plan.finish()
}

/// The chosen containers of a service, by number.
fn chosen<'a>(input: &Lifecycle<'a>, service: &ServiceName) -> Vec<&'a Container> {
    if input.services.is_none_or(|services| services.contains(service)) {
        all(input, service)
    } else {
        Vec::new()
    }
}

fn all<'a>(input: &Lifecycle<'a>, service: &ServiceName) -> Vec<&'a Container> {
    let mut containers: Vec<&Container> = input
        .observed
        .containers
        .iter()
        .filter(|container| {
            let identity = &container.identity;
            identity.service == *service && !identity.oneoff && identity.config_hash.is_some()
        })
        .collect();
    containers.sort_by_key(|container| container.identity.number);
    containers
}

fn satisfied(containers: &[&Container], condition: DependencyCondition) -> bool {
    match condition {
        DependencyCondition::ServiceStarted => containers.iter().all(|container| container.status.is_alive()),
        DependencyCondition::ServiceHealthy => {
            containers.iter().all(|container| container.health == Some(Health::Healthy))
        }
        DependencyCondition::ServiceCompletedSuccessfully => containers
            .iter()
            .any(|container| container.status == ContainerStatus::Exited && container.exit_code == Some(0)),
    }
}

fn pre_stop(
    plan: &mut PlanBuilder,
    input: &Lifecycle<'_>,
    container: &Container,
    after: &[StepId],
) -> Vec<StepId> {
    let mut after = after.to_vec();
    for index in 0..hook_count(input, container, HookPhase::PreStop) {
        let action =
            Action::RunHook { container: ContainerRef::to(container), phase: HookPhase::PreStop, index };
        after = vec![plan.step(action, Reason::Requested, after)];
    }
    after
}

/// Puts down before a start that hooks follow it: a run that is killed in between must not lose them.
fn mark_hooks(
    plan: &mut PlanBuilder,
    input: &Lifecycle<'_>,
    container: &Container,
    after: &[StepId],
) -> Vec<StepId> {
    if hook_count(input, container, HookPhase::PostStart) == 0 {
        return after.to_vec();
    }
    let action = Action::MarkHooks { container: ContainerRef::to(container) };
    vec![plan.step(action, Reason::Bookkeeping, after.iter().copied())]
}

fn post_start(plan: &mut PlanBuilder, input: &Lifecycle<'_>, container: &Container, after: StepId) -> StepId {
    let mut last = after;
    let count = hook_count(input, container, HookPhase::PostStart);
    for index in 0..count {
        let container = ContainerRef::to(container);
        let action = Action::RunHook { container, phase: HookPhase::PostStart, index };
        last = plan.step(action, Reason::Requested, [last]);
    }
    if count > 0 {
        let action = Action::ClearHooks { container: ContainerRef::to(container), id: None };
        plan.step(action, Reason::Bookkeeping, [last]);
    }
    last
}

fn hook_count(input: &Lifecycle<'_>, container: &Container, phase: HookPhase) -> usize {
    let service = input.project.and_then(|project| project.services.get(&container.identity.service));
    service.map_or(0, |service| match phase {
        HookPhase::PreStart => service.pre_start.len(),
        HookPhase::PostStart => service.post_start.len(),
        HookPhase::PreStop => service.pre_stop.len(),
    })
}
