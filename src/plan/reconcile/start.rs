//! Starts, each behind the gates its service's dependencies put before it.

use super::{Planned, Reconciler, StartNeed};
use crate::graph::services::Need;
use crate::model::{DependencyCondition, Service, ServiceName};
use crate::observe::{ContainerId, ContainerStatus, Health, HooksDue};
use crate::plan::{Action, ContainerRef, HookPhase, Reason, StepId, Until};

impl Reconciler<'_> {
    pub(super) fn starts(&mut self) {
        let order: Vec<ServiceName> = self.graph.in_order().into_iter().cloned().collect();
        for name in order {
            self.start_service(&name);
        }
        self.give_names();
    }

    /// Plans the starts of a service's containers, once.
    pub(super) fn start_service(&mut self, name: &ServiceName) {
        let Some(service) = self.project.services.get(name) else { return };
        if !self.begun.insert(name.clone()) {
            return;
        }
        let Some(mut planned) = self.services.remove(name) else { return };
        if !self.policy.no_start {
            self.restart_after_replacements(service, &mut planned.containers);
        }
        // Containers that run already are waited for too, as the reference does: a run that replaces a database under its
        // dependents must not end well before that is ready. What is ready costs nothing.
        let gates = if self.policy.no_start { Vec::new() } else { self.gates(name) };
        if let Some(one_off) = self.policy.one_off.as_ref().filter(|one_off| one_off.service == *name) {
            self.create_one_off(service, one_off, &gates);
            return;
        }
        let gates = self.pre_start(service, &planned, gates);
        for (container, ready, need) in planned.containers.clone() {
            match need {
                StartNeed::Running => self.plan.unchanged(container.name.clone()),
                _ if self.policy.no_start => {}
                StartNeed::Start(reason) => {
                    let step = self.start(service, &container, ready, reason.clone(), &gates);
                    self.follows_replacements(service, &reason, step);
                    planned.started.push(step);
                }
                StartNeed::Unpause(reason) => {
                    let action = Action::UnpauseContainer { container: container.clone() };
                    let thawed = self.plan.step(action, reason, gates.iter().copied().chain(ready));
                    planned.started.push(self.due_hooks(service, &container, Some(thawed)).unwrap_or(thawed));
                }
                StartNeed::Hooks => planned.started.extend(self.due_hooks(service, &container, ready)),
            }
        }
        if !planned.rolled.is_empty() {
            let (containers, started) = self.roll(service, std::mem::take(&mut planned.rolled), &gates);
            planned.started.extend(started);
            let containers = containers.into_iter().map(|container| (container, None, StartNeed::Running));
            planned.containers.extend(containers);
        }
        if self.namings.iter().any(|naming| naming.new.service == *name) {
            // A run that was cut short had replaced it, and nothing tells whether its dependents were restarted.
            self.replaced.entry(name.clone()).or_insert_with(|| planned.started.clone());
        }
        self.services.insert(name.clone(), planned);
    }

    /// The steps after which a service whose hooks want to run first may start: only when none of its containers runs.
    /// What failed hooks left behind goes first.
    fn pre_start(&mut self, service: &Service, planned: &Planned<'_>, gates: Vec<StepId>) -> Vec<StepId> {
        let observed = self.observed;
        let leftovers = observed
            .containers
            .iter()
            .filter(|one| one.identity.service == service.name && one.identity.hook.is_some());
        let gone: Vec<StepId> = leftovers
            .map(|one| {
                let container = ContainerRef::to(one);
                let action = Action::RemoveContainer { container, volumes: false, force: true };
                self.plan.step(action, Reason::Repair { from: one.name.clone() }, [])
            })
            .collect();
        // Those that are replaced in turns run all the while, one or the other.
        let nothing_runs = planned.rolled.is_empty()
            && planned.containers.iter().all(|(.., need)| matches!(need, StartNeed::Start(_)));
        let Some((first, ..)) = planned.containers.first() else { return gates };
        if service.pre_start.is_empty() || !nothing_runs || self.policy.no_start {
            return gates;
        }
        let mut after: Vec<StepId> = gates;
        after.extend(gone);
        after.extend(planned.ready.iter().copied());
        if let crate::plan::Target::Existing(id) = &first.target {
            after.extend(self.stops.get(id));
        }
        for (index, hook) in service.pre_start.iter().enumerate() {
            after.extend(self.hook_image(service, hook));
            let action = Action::RunHook { container: first.clone(), phase: HookPhase::PreStart, index };
            after = vec![self.plan.step(action, Reason::Requested, after)];
        }
        after
    }

    pub(super) fn start(
        &mut self,
        service: &Service,
        container: &ContainerRef,
        ready: Option<StepId>,
        reason: Reason,
        gates: &[StepId],
    ) -> StepId {
        let mut after: Vec<StepId> = gates.iter().copied().chain(ready).collect();
        after.extend(service.models.keys().filter_map(|key| self.model_steps.get(key)));
        if let crate::plan::Target::Existing(id) = &container.target {
            after.extend(self.stops.get(id));
        }
        let lane = Self::start_lane(service);
        let noted = self.noted_hooks(container);
        if noted.is_none() && !service.post_start.is_empty() {
            // Put down before the start: a run that is killed after it must not lose them.
            let action = Action::MarkHooks { container: container.clone() };
            after = vec![self.plan.step(action, Reason::Bookkeeping, after)];
        }
        let action = Action::StartContainer { container: container.clone() };
        let started = self.plan.step(action, reason, after);
        self.plan.amend(started, |step| step.lane = lane);
        self.post_start(service, container, (Reason::Requested, noted), Some(started)).unwrap_or(started)
    }

    /// The hooks of a container that runs, when a run that was cut short, or a hook that failed, left some of them to be run.
    /// All are run: which one was the last to end well nobody knows. Returns the last step.
    fn due_hooks(
        &mut self,
        service: &Service,
        container: &ContainerRef,
        after: Option<StepId>,
    ) -> Option<StepId> {
        let noted = self.noted_hooks(container)?;
        self.post_start(service, container, (Reason::HooksDue, Some(noted)), after)
    }

    /// Returns the last of the hooks, or without any the last of what comes before.
    pub(super) fn post_start(
        &mut self,
        service: &Service,
        container: &ContainerRef,
        (reason, noted): (Reason, Option<String>),
        after: impl IntoIterator<Item = StepId>,
    ) -> Option<StepId> {
        let mut last: Vec<StepId> = after.into_iter().collect();
        for index in 0..service.post_start.len() {
            let action = Action::RunHook { container: container.clone(), phase: HookPhase::PostStart, index };
            last = vec![self.plan.step(action, reason.clone(), last)];
        }
        if !service.post_start.is_empty() {
            let action = Action::ClearHooks { container: container.clone(), id: noted };
            self.plan.step(action, Reason::Bookkeeping, last.iter().copied());
        }
        last.last().copied()
    }

    /// The network that says that a container's hooks are to be run, by id, when one was seen.
    pub(super) fn noted_hooks(&self, container: &ContainerRef) -> Option<String> {
        let crate::plan::Target::Existing(id) = &container.target else { return None };
        self.hooks_due(id).map(|due| due.id.clone())
    }

    pub(super) fn hooks_due(&self, container: &ContainerId) -> Option<&HooksDue> {
        self.observed.hooks_due.iter().find(|due| due.container == *container)
    }

    /// The steps after which a service may start.
    pub(super) fn gates(&mut self, service: &ServiceName) -> Vec<StepId> {
        let needs: Vec<(ServiceName, Need)> =
            self.graph.needs(service).into_iter().map(|(name, need)| (name.clone(), *need)).collect();
        let mut gates = Vec::new();
        for (needed, need) in needs {
            let started =
                self.services.get(&needed).map(|planned| planned.started.clone()).unwrap_or_default();
            let at_once = need.required && need.condition == DependencyCondition::ServiceStarted;
            if at_once || self.is_provider(&needed) {
                gates.extend(started);
            } else if !started.is_empty() || !self.holds_already(&needed, need.condition) {
                gates.extend(self.gate(service, &needed, need, started));
            }
        }
        gates
    }

    /// One wait for all dependents that wait for the same thing.
    fn gate(
        &mut self,
        dependent: &ServiceName,
        needed: &ServiceName,
        need: Need,
        started: Vec<StepId>,
    ) -> Option<StepId> {
        let key = (needed.clone(), need.condition, need.required);
        if let Some(step) = self.gates.get(&key) {
            return Some(*step);
        }
        let containers = self.containers_of(needed);
        if containers.is_empty() {
            return None;
        }
        let action = Action::Wait {
            service: needed.clone(),
            containers,
            until: Until::Condition(need.condition),
            // A limit for the wait is one for what comes before it, too.
            timeout_s: self.policy.wait.flatten(),
            stable_s: None,
        };
        let step = self.plan.step(action, Reason::Gate { service: dependent.clone() }, started);
        let optional = !need.required;
        self.plan.amend(step, |step| step.optional = optional);
        self.gates.insert(key, step);
        Some(step)
    }

    fn containers_of(&self, service: &ServiceName) -> Vec<ContainerRef> {
        self.services
            .get(service)
            .map(|planned| planned.containers.iter().map(|(container, ..)| container.clone()).collect())
            .unwrap_or_default()
    }

    /// Whether what is seen already satisfies a condition, for a service that this plan does not start.
    fn holds_already(&self, service: &ServiceName, condition: DependencyCondition) -> bool {
        let mut seen = self
            .observed
            .containers
            .iter()
            .filter(|container| {
                let identity = &container.identity;
                identity.service == *service && !identity.oneoff && identity.hook.is_none()
            })
            .peekable();
        if seen.peek().is_none() {
            return true;
        }
        match condition {
            DependencyCondition::ServiceStarted => true,
            DependencyCondition::ServiceHealthy => {
                seen.all(|container| container.health == Some(Health::Healthy))
            }
            DependencyCondition::ServiceCompletedSuccessfully => seen.any(|container| {
                container.status == ContainerStatus::Exited && container.exit_code == Some(0)
            }),
        }
    }

    /// `--wait`: every service reaches its goal.
    pub(super) fn final_wait(&mut self) {
        let Some(timeout_s) = self.policy.wait else { return };
        let services: Vec<(ServiceName, Vec<StepId>)> =
            self.services.iter().map(|(name, planned)| (name.clone(), planned.started.clone())).collect();
        for (service, started) in services {
            let containers = self.containers_of(&service);
            let gated = self.gates.keys().any(|(name, condition, required)| {
                *name == service && *required && *condition != DependencyCondition::ServiceStarted
            });
            // A gate before a dependent waits for the same, or more.
            if containers.is_empty() || gated {
                continue;
            }
            let stable_s = self.policy.stable_s;
            let action = Action::Wait { service, containers, until: Until::Goal, timeout_s, stable_s };
            self.plan.step(action, Reason::Requested, started);
        }
    }
}
