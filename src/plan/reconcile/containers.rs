//! Creations, replacements and removals of containers.
//!
//! A replacement is create (under a temporary name, so that a failure leaves the old one in place), stop, remove, rename.

use super::rolling::{Naming, Rolled};
use super::verdict::Verdict;
use super::{Planned, Reconciler, StartNeed};
use crate::model::{Service, ServiceName};
use crate::observe::{Container, ContainerStatus};
use crate::plan::{
    Action, ContainerRef, FieldChange, Group, GroupVerb, HookPhase, Lane, OneOff, Reason, StepId, Target,
};

impl<'a> Reconciler<'a> {
    pub(super) fn containers(&mut self) {
        let order: Vec<ServiceName> = self.graph.in_order().into_iter().cloned().collect();
        self.begin_notes();
        let mut made = Vec::new();
        for name in order {
            if self.held.contains(&name) {
                continue;
            }
            let Some(service) = self.project.services.get(&name) else { continue };
            if service.provider.is_some() {
                let has_run = self.policy.provided.contains_key(&name);
                let planned = if has_run { Planned::default() } else { self.provider(&name) };
                self.services.insert(name, planned);
                continue;
            }
            let verdicts = self.verdicts.get(&name).cloned().unwrap_or_default();
            let planned = self.service_containers(service, &verdicts, &mut made);
            self.services.insert(name, planned);
        }
        self.finish_notes(made);
    }

    /// A provider runs when what it needs has been started, and before what depends on it is created.
    fn provider(&mut self, name: &ServiceName) -> Planned<'a> {
        let needed: Vec<ServiceName> = self.graph.closure([name]).into_iter().cloned().collect();
        let order: Vec<ServiceName> = self.graph.in_order().into_iter().cloned().collect();
        for needed in order.iter().filter(|service| *service != name && needed.contains(service)) {
            self.start_service(needed);
        }
        let gates = if self.policy.no_start { Vec::new() } else { self.gates(name) };
        let action = Action::RunProvider { service: name.clone(), verb: "up".to_owned() };
        let step = self.plan.step(action, Reason::Requested, gates);
        Planned { ready: vec![step], started: vec![step], ..Planned::default() }
    }

    pub(super) fn is_provider(&self, service: &ServiceName) -> bool {
        self.project.services.get(service).is_some_and(|service| service.provider.is_some())
    }

    fn service_containers(
        &mut self,
        service: &'a Service,
        verdicts: &[Verdict<'a>],
        made: &mut Vec<StepId>,
    ) -> Planned<'a> {
        let mut planned = Planned::default();
        if verdicts.iter().any(is_replacement) {
            self.warn_of_entanglement(service);
        }
        // Removals first: a name they hold may be wanted by a container that stays or comes.
        let mut removed: Vec<(String, StepId)> = Vec::new();
        for verdict in verdicts {
            if let Verdict::Remove { container, reason } = verdict {
                let step = self.remove(container, reason, []);
                removed.push((container.name.clone(), step));
            }
        }
        for verdict in verdicts {
            match verdict {
                Verdict::Remove { .. } => {}
                Verdict::Keep { container, change } => {
                    self.leave_ended_namespace(service, container);
                    let (reference, ready) = self.keep(service, container, &removed);
                    let changed = self.change(container, &reference, change, ready);
                    if change.note.is_some() {
                        made.extend(changed.iter().copied());
                    }
                    planned.ready.extend(ready);
                    let ready = changed.last().copied().or(ready);
                    planned.containers.push((reference, ready, self.start_need(service, container)));
                }
                Verdict::Create { number } => {
                    let name = self.project.container_name(service, *number);
                    let after = removed.iter().filter(|(taken, _)| *taken == name).map(|(_, step)| *step);
                    let after: Vec<StepId> = after.collect();
                    // What it takes over from one that was removed for a volume's sake are its anonymous volumes.
                    let old = self.gone.get(&(service.name.clone(), *number)).copied();
                    let old = self.heritage(&service.name, *number).or(old);
                    let step = self.create(service, *number, &name, old, Reason::Missing, &after);
                    planned.ready.push(step);
                    let reference =
                        ContainerRef { target: Target::CreatedBy(step), name, service: service.name.clone() };
                    planned.containers.push((reference, Some(step), StartNeed::Start(Reason::Missing)));
                }
                Verdict::Replace { container, number, reason } if self.rolls(service) => {
                    planned.rolled.push(Rolled { old: container, number: *number, reason: reason.clone() });
                }
                Verdict::Replace { container, number, reason } => {
                    let (reference, ready) = self.replace(service, container, *number, reason);
                    planned.ready.push(ready);
                    planned.containers.push((reference, Some(ready), StartNeed::Start(reason.clone())));
                }
            }
        }
        planned
    }

    /// A container that stays gets back the name that an interrupted run, or somebody, took.
    fn keep(
        &mut self,
        service: &Service,
        container: &Container,
        removed: &[(String, StepId)],
    ) -> (ContainerRef, Option<StepId>) {
        let mut reference = ContainerRef::to(container);
        let mut ready = None;
        let wanted = self.project.container_name(service, container.identity.number.unwrap_or(1));
        // Names with `_` are those of older tools and of `--compatibility`.
        let same = |name: &str| name.replace('_', "-") == wanted.replace('_', "-");
        let going = |name: &str| removed.iter().any(|(gone, _)| gone == name);
        let free = going(&wanted) || self.observed.containers.iter().all(|other| other.name != wanted);
        if container.name != wanted && (is_temporary(&container.name) || (!same(&container.name) && free)) {
            let reason = if is_temporary(&container.name) {
                Reason::Repair { from: container.name.clone() }
            } else {
                let (old, new) = (Some(container.name.clone()), Some(wanted.clone()));
                Reason::Drifted { fields: vec![FieldChange { field: "name".to_owned(), old, new }] }
            };
            let after: Vec<StepId> = removed.iter().map(|(_, step)| *step).collect();
            reference.name.clone_from(&wanted);
            if is_temporary(&container.name) && self.rolls(service) && self.has_restarting_dependents(service)
            {
                self.namings.push(Naming { new: reference.clone(), reason, group: None, after });
                return (reference, None);
            }
            let action = Action::RenameContainer { container: reference.clone(), to: wanted };
            ready = Some(self.plan.step(action, reason, after));
        }
        (reference, ready)
    }

    fn start_need(&self, service: &Service, container: &Container) -> StartNeed {
        if let Some(dependency) =
            self.restarted_dependency(service).or_else(|| self.parent_to_be_started(service))
            && self.stops.contains_key(&container.id)
        {
            return StartNeed::Start(Reason::DependencyRestarted { service: dependency });
        }
        let status = || Reason::NotRunning { status: container.status.as_str().to_owned() };
        match container.status {
            ContainerStatus::Running | ContainerStatus::Restarting => {
                let due = !service.post_start.is_empty() && self.hooks_due(&container.id).is_some();
                if due { StartNeed::Hooks } else { StartNeed::Running }
            }
            // Differs: the reference tries to start it, which the engine refuses, and so `up` fails until somebody thaws it.
            ContainerStatus::Paused => StartNeed::Unpause(status()),
            ContainerStatus::Created
            | ContainerStatus::Removing
            | ContainerStatus::Exited
            | ContainerStatus::Dead
            | ContainerStatus::Other(_) => StartNeed::Start(status()),
        }
    }

    /// Differs: the reference starts a container that has ended and leaves those that share its namespaces as they are. The
    /// engine ended the namespace with its owner and makes a new one: whoever goes on in the old one has no network any more.
    fn leave_ended_namespace(&mut self, service: &Service, container: &Container) {
        if self.policy.no_start || !container.status.is_alive() {
            return;
        }
        if let Some(parent) = self.parent_to_be_started(service) {
            self.stop(container, &Reason::DependencyRestarted { service: parent }, []);
        }
    }

    /// A service whose namespaces this one shares and whose container, which is there, has to be started.
    fn parent_to_be_started(&self, service: &Service) -> Option<ServiceName> {
        self.graph.needs(&service.name).into_iter().find_map(|(needed, need)| {
            // Who takes volumes alone has nothing to lose: `restart` tells them apart.
            let parent = (need.by_id && need.restart).then(|| self.project.services.get(needed)).flatten()?;
            let first = self.verdicts.get(needed)?.iter().find_map(|verdict| match verdict {
                Verdict::Keep { container, .. } => Some(*container),
                Verdict::Replace { .. } | Verdict::Remove { .. } | Verdict::Create { .. } => None,
            })?;
            let begins = !first.status.is_alive() || self.parent_to_be_started(parent).is_some();
            begins.then(|| needed.clone())
        })
    }

    /// A dependency with `restart: true` whose containers are replaced.
    fn restarted_dependency(&self, service: &Service) -> Option<ServiceName> {
        self.graph.needs(&service.name).into_iter().find_map(|(needed, need)| {
            // One that went for its volume's sake is replaced too: its verdict is that a new one comes.
            let replaced = self.gone.keys().any(|(service, _)| service == needed)
                || self.verdicts.get(needed).is_some_and(|verdicts| verdicts.iter().any(is_replacement));
            (need.restart && replaced).then(|| needed.clone())
        })
    }

    pub(super) fn create(
        &mut self,
        service: &Service,
        number: u32,
        name: &str,
        replaces: Option<&Container>,
        reason: Reason,
        after: &[StepId],
    ) -> StepId {
        let mut needs = after.to_vec();
        needs.extend(self.freed.get(name));
        needs.extend(self.needed_to_create(service));
        let action = Action::CreateContainer {
            service: service.name.clone(),
            number,
            name: name.to_owned(),
            replaces: replaces.map(|old| old.id.clone()),
            fresh_volumes: replaces.is_some() && self.renews_volumes(&service.name),
            contents: self.contents.get(&service.name).cloned().unwrap_or_default(),
        };
        self.plan.step(action, reason, needs)
    }

    /// The container of `run`: made when what it depends on is there, and started by who waits for it.
    pub(super) fn create_one_off(&mut self, service: &Service, one_off: &OneOff, gates: &[StepId]) {
        let mut needs = gates.to_vec();
        needs.extend(self.needed_to_create(service));
        let contents = self.contents.get(&service.name).cloned().unwrap_or_default();
        let action = Action::CreateOneOff { one_off: one_off.clone(), contents };
        self.plan.step(action, Reason::Requested, needs);
    }

    /// The steps without which a service's containers cannot be created.
    fn needed_to_create(&self, service: &Service) -> Vec<StepId> {
        let mut needs = Vec::new();
        needs.extend(self.image_steps.get(&self.project.image_name(service)));
        needs.extend(service.models.keys().filter_map(|key| self.model_steps.get(key)));
        needs.extend(service.networks.keys().filter_map(|key| self.network_steps.get(key)));
        for mount in &service.volumes {
            needs.extend(self.volume_steps.get(mount.source.as_str()));
        }
        // Its body names the ids of the containers it shares namespaces or volumes with, and carries what providers give.
        for (needed, need) in self.graph.needs(&service.name) {
            if need.by_id || self.is_provider(needed) {
                needs.extend(self.services.get(needed).into_iter().flat_map(|planned| &planned.ready));
            }
        }
        needs
    }

    fn replace(
        &mut self,
        service: &'a Service,
        old: &Container,
        number: u32,
        reason: &Reason,
    ) -> (ContainerRef, StepId) {
        let name = self.project.container_name(service, number);
        let group = Group { subject: name.clone(), verb: GroupVerb::Recreate };
        let taken = self.observed.containers.iter().any(|container| container.name == name);
        let first_name = if taken { temporary_name(old, &name) } else { name.clone() };
        let heir_of = self.heritage(&service.name, number).unwrap_or(old);
        let created = self.create(service, number, &first_name, Some(heir_of), reason.clone(), &[]);
        self.plan.group(created, &group);
        let dependents = self.stop_dependents(&service.name);
        let gone = self.remove(old, reason, [created].into_iter().chain(dependents));
        self.plan.group(gone, &group);
        // A stop that a restarted dependency asked for before is a row of its own.
        if let Some(stop) = self.stops.get(&old.id).filter(|stop| **stop > created) {
            self.plan.group(*stop, &group);
        }
        let reference = ContainerRef {
            target: Target::CreatedBy(created),
            name: name.clone(),
            service: service.name.clone(),
        };
        if !taken {
            return (reference, gone);
        }
        let action = Action::RenameContainer { container: reference.clone(), to: name };
        let renamed = self.plan.step(action, reason.clone(), [gone]);
        self.plan.group(renamed, &group);
        (reference, renamed)
    }

    /// Dependents with `restart: true` stop before what they depend on does; the start phase brings them back.
    fn stop_dependents(&mut self, service: &ServiceName) -> Vec<StepId> {
        let dependents: Vec<ServiceName> = self
            .graph
            .needed_by(service)
            .into_iter()
            .filter(|(_, need)| need.restart)
            .map(|(dependent, _)| dependent.clone())
            .collect();
        let mut steps = Vec::new();
        for dependent in dependents {
            let kept: Vec<&Container> = self
                .verdicts
                .get(&dependent)
                .into_iter()
                .flatten()
                .filter_map(|verdict| match verdict {
                    Verdict::Keep { container, .. } | Verdict::Replace { container, .. } => Some(*container),
                    Verdict::Remove { .. } | Verdict::Create { .. } => None,
                })
                .filter(|container| container.status.is_alive())
                .collect();
            for container in kept {
                let reason = Reason::DependencyRestarted { service: service.clone() };
                steps.push(self.stop(container, &reason, []));
            }
        }
        steps
    }

    pub(super) fn stop(
        &mut self,
        container: &Container,
        reason: &Reason,
        after: impl IntoIterator<Item = StepId>,
    ) -> StepId {
        if let Some(step) = self.stops.get(&container.id) {
            return *step;
        }
        // Differs: the reference runs `pre_stop` on `stop` and `down` alone, and so a program that is replaced or scaled away
        // never gets to drain. A hook that fails does not keep the old container for ever: it is told.
        let service = self.project.services.get(&container.identity.service);
        let hooks = service.map_or(0, |service| service.pre_stop.len());
        let mut after: Vec<StepId> = after.into_iter().collect();
        for index in 0..if container.status == ContainerStatus::Running { hooks } else { 0 } {
            let hook = ContainerRef::to(container);
            let action = Action::RunHook { container: hook, phase: HookPhase::PreStop, index };
            let step = self.plan.step(action, reason.clone(), after);
            self.plan.amend(step, |step| step.optional = true);
            after = vec![step];
        }
        let action = Action::StopContainer {
            container: ContainerRef::to(container),
            timeout_s: self.policy.timeout_s,
        };
        let step = self.plan.step(action, reason.clone(), after);
        self.stops.insert(container.id.clone(), step);
        step
    }

    /// Stops a container, with its grace, and removes it; its anonymous volumes stay, because they may hold data that the
    /// replacement carries on.
    pub(super) fn remove(
        &mut self,
        container: &Container,
        reason: &Reason,
        after: impl IntoIterator<Item = StepId>,
    ) -> StepId {
        let mut after: Vec<StepId> = after.into_iter().collect();
        // Without a grace period a forced removal is the same as a stop and a removal, in one call.
        let force = container.status.is_alive()
            && self.policy.timeout_s == Some(0)
            && !self.stops.contains_key(&container.id);
        if container.status.is_alive() && !force {
            after = vec![self.stop(container, reason, after.clone())].into_iter().chain(after).collect();
        }
        let action =
            Action::RemoveContainer { container: ContainerRef::to(container), volumes: false, force };
        let step = self.plan.step(action, reason.clone(), after);
        self.freed.insert(container.name.clone(), step);
        step
    }

    /// Whether a service publishes a range, whose ports the engine hands out racily.
    pub(super) fn start_lane(service: &Service) -> Lane {
        if service.ports.iter().any(|port| port.published.contains('-')) {
            Lane::PublishedRange
        } else {
            Lane::Container
        }
    }
}

fn is_replacement(verdict: &Verdict<'_>) -> bool {
    matches!(verdict, Verdict::Replace { .. })
}

/// The name a replacement has until the old container is gone: `<12 digits of the old id>_<name>`, as the reference
/// makes it, so that either tool recognises the other's leftovers.
pub(super) fn temporary_name(old: &Container, name: &str) -> String {
    format!("{}_{name}", old.id.short())
}

/// Whether a name is one of those.
pub(super) fn is_temporary(name: &str) -> bool {
    name.split_once('_').is_some_and(|(digits, rest)| {
        digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && !rest.is_empty()
    })
}
