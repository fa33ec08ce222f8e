//! Replacement as `deploy.update_config` says: so many containers at once, each of them proven before the next, the new one
//! before the old one stops where that can be, and a way back.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/deploy.md#update_config>
//!
//! Everything that a failure asks for is in the plan beforehand: steps that run only when others failed. A service without
//! `update_config` is replaced all at once, the old container first.

use super::containers::temporary_name;
use super::{Reconciler, StartNeed};
use crate::model::{MountType, Service, ServiceName, SpecDuration, UpdateConfig, UpdateOrder};
use crate::observe::{Container, ContainerStatus, Health};
use crate::plan::{Action, ContainerRef, Group, GroupVerb, Reason, StepId, Target, Until, When};
use crate::yaml::NodePath;
use std::collections::BTreeMap;

/// One container to be replaced.
#[derive(Debug, Clone)]
pub(super) struct Rolled<'a> {
    pub(super) old: &'a Container,
    pub(super) number: u32,
    pub(super) reason: Reason,
}

/// A container that gets its name when all that has to follow its replacement has followed.
#[derive(Debug)]
pub(super) struct Naming {
    pub(super) new: ContainerRef,
    pub(super) reason: Reason,
    pub(super) group: Option<Group>,
    pub(super) after: Vec<StepId>,
}

/// How far the replacement of one container has come in the plan.
struct Progress<'a> {
    rolled: Rolled<'a>,
    new: ContainerRef,
    /// The name it has until the old one is gone.
    temporary: ContainerRef,
    group: Group,
    /// Whether it failed is known after these.
    proof: Vec<StepId>,
    /// What takes the new one away when it failed.
    rescue: StepId,
    /// The last step of those that make it serve.
    end: StepId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    Pause,
    Continue,
    Rollback,
}

impl<'a> Reconciler<'a> {
    /// Whether a service's containers are replaced by its rules and not all at once.
    pub(super) fn rolls(&self, service: &Service) -> bool {
        update_config(service).is_some() && !self.policy.no_start && self.entangled(service).is_none()
    }

    /// Why a service's containers cannot be replaced one by one: others live and die with them. A container is in the namespaces
    /// of one container for good, so that between the new one's proof and the old one's stop every sharer would have to be
    /// replaced too, each with a way back of its own; until that is built all are replaced at once, and a warning says so.
    fn entangled(&self, service: &Service) -> Option<String> {
        if !crate::graph::services::shared_services(service).is_empty() {
            return Some("it shares namespaces or volumes with another service".to_owned());
        }
        let dependents = self.graph.needed_by(&service.name);
        let (dependent, _) = dependents.into_iter().find(|(_, need)| need.by_id)?;
        Some(format!("`{dependent}` shares its namespaces or volumes"))
    }

    /// Why the new container cannot start before the old one stops.
    fn must_stop_first(&self, service: &Service, old: &Container) -> Option<String> {
        let mut ports =
            service.ports.iter().filter(|port| !port.published.is_empty() && port.published != "0");
        if let Some(port) = ports.next() {
            return Some(format!("its host port {} is fixed", port.published));
        }
        if service.container_name.is_some() {
            return Some("its container name is fixed".to_owned());
        }
        if service.network_mode == "host" {
            return Some("it is in the host's network".to_owned());
        }
        if !service.mac_address.is_empty() {
            return Some("its MAC address is fixed".to_owned());
        }
        for (key, network) in &service.networks {
            let Some(network) = network else { continue };
            let fixed = [&network.ipv4_address, &network.ipv6_address, &network.mac_address];
            if fixed.iter().any(|address| !address.is_empty()) {
                return Some(format!("its address in network `{key}` is fixed"));
            }
        }
        // Two programs that write the same files must know of each other; a socket is made for many.
        let is_socket = |source: &str| {
            std::path::Path::new(source).extension().is_some_and(|extension| extension == "sock")
        };
        for mount in &service.volumes {
            let shared = matches!(mount.kind, MountType::Volume | MountType::Bind) && !mount.read_only;
            if shared && !is_socket(&mount.source) {
                return Some(format!("both would write to `{}`", mount.target));
            }
        }
        if !self.renews_volumes(&service.name)
            && let Some(mount) = old.mounts.iter().find(|mount| mount.kind == "volume" && mount.writable)
        {
            return Some(format!("both would write to `{}`", mount.destination));
        }
        None
    }

    /// Whether one of two containers of a number is a new one that has not proven itself yet while the old one serves.
    pub(super) fn is_unproven(&self, service: &Service, container: &Container) -> bool {
        let ready = container.status == ContainerStatus::Running
            && matches!(container.health, None | Some(Health::Healthy));
        !ready && self.rolls(service)
    }

    /// The steps that replace a service's containers. Returns the new ones, and the steps after which they serve.
    pub(super) fn roll(
        &mut self,
        service: &'a Service,
        rolled: Vec<Rolled<'a>>,
        gates: &[StepId],
    ) -> (Vec<ContainerRef>, Vec<StepId>) {
        let rules = update_config(service).cloned().unwrap_or_default();
        let on_failure = match rules.failure_action.as_str() {
            "continue" => OnFailure::Continue,
            "rollback" => OnFailure::Rollback,
            _ => OnFailure::Pause,
        };
        let count = rolled.len();
        let allowed = match on_failure {
            OnFailure::Continue => count,
            OnFailure::Pause | OnFailure::Rollback => tolerated(rules.max_failure_ratio, count),
        };
        let start_first = self.starts_first(service, &rules, &rolled);
        let first = self.plan.next_id();
        let mut done: Vec<Progress<'a>> = Vec::new();
        let mut ends: Vec<StepId> = Vec::new();
        let mut barrier: Option<StepId> = None;
        let mut rolled = rolled.into_iter();
        loop {
            let batch: Vec<Rolled<'a>> = rolled.by_ref().take(at_once(&rules, count)).collect();
            if batch.is_empty() {
                break;
            }
            if !done.is_empty() {
                let step = self.pause(service, rules.delay, ends.iter().copied());
                self.plan.amend(step, |step| step.when = When::Over { most_failed: allowed });
                barrier = Some(step);
            }
            for one in batch {
                let progress = self.roll_one(service, one, (start_first, on_failure), &rules, gates, barrier);
                ends.push(progress.end);
                done.push(progress);
            }
        }
        let replaced =
            (self.has_restarting_dependents(service) || on_failure == OnFailure::Rollback).then(|| {
                let all = self.pause(service, SpecDuration::default(), ends.iter().copied());
                self.plan.amend(all, |step| step.when = When::Over { most_failed: allowed });
                all
            });
        if let Some(all) = replaced {
            if on_failure == OnFailure::Rollback {
                self.settle(service, &done, allowed, all);
            }
            self.replaced.insert(service.name.clone(), vec![all]);
        }
        let last = self.plan.next_id();
        for step in first.0..last.0 {
            // A failure is one of this service: what else is to be done goes on.
            self.plan.amend(StepId(step), |step| step.contained = true);
        }
        (done.iter().map(|progress| progress.new.clone()).collect(), ends)
    }

    fn starts_first(&mut self, service: &Service, rules: &UpdateConfig, rolled: &[Rolled<'_>]) -> bool {
        if rules.order != Some(UpdateOrder::StartFirst) {
            return false;
        }
        let obstacle = rolled.iter().find_map(|one| self.must_stop_first(service, one.old));
        if let Some(obstacle) = &obstacle {
            let message = format!(
                "service `{}` is to start the new container first, but stops the old one first: {obstacle}",
                service.name
            );
            self.plan.warn_about(
                NodePath::of(&["services", service.name.as_str(), "deploy", "update_config", "order"]),
                message,
            );
        }
        obstacle.is_none()
    }

    /// Says so where the rules cannot be followed at all.
    pub(super) fn warn_of_entanglement(&mut self, service: &Service) {
        if update_config(service).is_some()
            && !self.policy.no_start
            && let Some(why) = self.entangled(service)
        {
            let message = format!(
                "service `{}` is replaced all at once, whatever its `update_config` says: {why}",
                service.name
            );
            self.plan.warn_about(
                NodePath::of(&["services", service.name.as_str(), "deploy", "update_config"]),
                message,
            );
        }
    }

    pub(super) fn has_restarting_dependents(&self, service: &Service) -> bool {
        self.graph.needed_by(&service.name).iter().any(|(_, need)| need.restart)
    }

    /// Dependents with `restart: true` go on until all of what they depend on has been replaced, and are restarted then: not
    /// before, because a replacement that fails must cost them nothing.
    pub(super) fn restart_after_replacements(
        &mut self,
        service: &Service,
        containers: &mut [(ContainerRef, Option<StepId>, StartNeed)],
    ) {
        let needs = self.graph.needs(&service.name).into_iter().filter(|(_, need)| need.restart);
        let replaced: Vec<(ServiceName, Vec<StepId>)> = needs
            .filter_map(|(needed, _)| self.replaced.get(needed).map(|steps| (needed.clone(), steps.clone())))
            .collect();
        let Some((dependency, _)) = replaced.first() else { return };
        let reason = Reason::DependencyRestarted { service: dependency.clone() };
        for (container, _, need) in containers {
            let Target::Existing(id) = &container.target else { continue };
            let seen = self.observed.containers.iter().find(|seen| seen.id == *id);
            if let (Some(seen), StartNeed::Running | StartNeed::Hooks) = (seen, &need) {
                let stop = self.stop(seen, &reason, replaced.iter().flat_map(|(_, steps)| steps.clone()));
                // What was replaced is not to stay half done because of it.
                self.plan.amend(stop, |step| step.contained = true);
                *need = StartNeed::Start(reason.clone());
            }
        }
    }

    /// A start that follows the replacement of dependencies: those get their names after it.
    pub(super) fn follows_replacements(&mut self, service: &Service, reason: &Reason, start: StepId) {
        let Reason::DependencyRestarted { .. } = reason else { return };
        self.plan.amend(start, |step| step.contained = true);
        let needs = self.graph.needs(&service.name).into_iter().filter(|(_, need)| need.restart);
        for (needed, _) in needs.filter(|(needed, _)| self.replaced.contains_key(*needed)) {
            self.followers.entry(needed.clone()).or_default().push(start);
        }
    }

    /// The last act of a replacement: the new containers get their names once all that has to follow has followed. A run that is
    /// killed before leaves names behind by which the next one sees that dependents were still to be restarted.
    pub(super) fn give_names(&mut self) {
        let mut followed: BTreeMap<ServiceName, StepId> = BTreeMap::new();
        for naming in std::mem::take(&mut self.namings) {
            let Naming { new, reason, group, after } = naming;
            let service = self.project.services.get(&new.service);
            if let (Some(service), Some(followers)) = (service, self.followers.get(&new.service).cloned())
                && !followed.contains_key(&new.service)
            {
                let most_failed = followers.len();
                let step = self.pause(service, SpecDuration::default(), followers);
                // One that cannot be started again is told of, and no reason to leave a temporary name.
                self.plan.amend(step, |step| step.when = When::Over { most_failed });
                followed.insert(new.service.clone(), step);
            }
            let after = after.into_iter().chain(followed.get(&new.service).copied());
            let action = Action::RenameContainer { container: new.clone(), to: new.name };
            let step = self.plan.step(action, reason, after);
            self.plan.amend(step, |step| {
                step.contained = true;
                step.group = group;
            });
        }
    }

    fn roll_one(
        &mut self,
        service: &'a Service,
        rolled: Rolled<'a>,
        (start_first, on_failure): (bool, OnFailure),
        rules: &UpdateConfig,
        gates: &[StepId],
        barrier: Option<StepId>,
    ) -> Progress<'a> {
        let Rolled { old, number, reason } = rolled.clone();
        let name = self.project.container_name(service, number);
        let verb = if start_first { GroupVerb::RecreateStartFirst } else { GroupVerb::Recreate };
        let group = Group { subject: name.clone(), verb };
        let first = self.plan.next_id();
        let first_name = temporary_name(old, &name);
        let before: Vec<StepId> = barrier.into_iter().collect();
        let heir_of = self.heritage(&service.name, number).unwrap_or(old);
        let created = self.create(service, number, &first_name, Some(heir_of), reason.clone(), &before);
        let reference = |name: &str| ContainerRef {
            target: Target::CreatedBy(created),
            name: name.to_owned(),
            service: service.name.clone(),
        };
        let (new, temporary) = (reference(&name), reference(&first_name));
        let keeps_old = on_failure == OnFailure::Rollback;
        let mut ready = created;
        if !start_first {
            ready = self.stop_if_alive(old, &reason, created);
            if !keeps_old {
                ready = self.take_place(service, old, &new, &reason, &group, [ready]);
            }
        }
        let started = self.start(service, &new, Some(ready), reason.clone(), gates);
        let proof_from = self.plan.next_id();
        let action = Action::Wait {
            service: service.name.clone(),
            containers: vec![new.clone()],
            until: Until::Goal,
            timeout_s: None,
            stable_s: None,
        };
        let mut proven = self.plan.step(action, reason.clone(), [started]);
        let for_ms = milliseconds(rules.monitor);
        if for_ms > 0 {
            let action = Action::Monitor { container: new.clone(), for_ms };
            proven = self.plan.step(action, reason.clone(), [proven]);
        }
        let mut end = proven;
        if start_first {
            end = self.stop_if_alive(old, &reason, proven);
            if !keeps_old {
                end = self.take_place(service, old, &new, &reason, &group, [end]);
            }
        }
        for step in first.0..self.plan.next_id().0 {
            self.plan.group(StepId(step), &group);
        }
        let proof: Vec<StepId> = [started].into_iter().chain((proof_from.0..=proven.0).map(StepId)).collect();
        // With the old one gone there is nothing to go back to: the new one stays, to be looked at.
        let rescue = if start_first || keeps_old {
            self.take_away(&service.name, &temporary, proof.iter().copied())
        } else {
            proven
        };
        if !start_first && keeps_old && old.status.is_alive() {
            self.bring_back(service, old, rescue);
        }
        Progress { rolled, new, temporary, group, proof, rescue, end }
    }

    /// With a way back the old containers stay until all new ones serve; then either those go or these.
    fn settle(&mut self, service: &'a Service, done: &[Progress<'a>], allowed: usize, all: StepId) {
        let ends: Vec<StepId> = done.iter().map(|progress| progress.end).collect();
        for progress in done {
            let first = self.plan.next_id();
            let Rolled { old, reason, .. } = &progress.rolled;
            let after = [all, progress.end];
            self.take_place(service, old, &progress.new, reason, &progress.group, after);
            for step in first.0..self.plan.next_id().0 {
                self.plan.group(StepId(step), &progress.group);
            }
        }
        let rules =
            service.deploy.as_ref().and_then(|deploy| deploy.rollback_config.clone()).unwrap_or_default();
        let start_first = rules.order == Some(UpdateOrder::StartFirst)
            && done.iter().all(|progress| self.must_stop_first(service, progress.rolled.old).is_none());
        let after: Vec<StepId> = ends
            .iter()
            .copied()
            .chain(done.iter().flat_map(|progress| progress.proof.iter().copied().chain([progress.rescue])))
            .collect();
        let mut before: Vec<StepId> = Vec::new();
        let mut back: Vec<StepId> = Vec::new();
        for (position, progress) in done.iter().enumerate() {
            if position > 0 && position % at_once(&rules, done.len()) == 0 {
                before = vec![self.pause(service, rules.delay, back.iter().copied())];
            }
            let old = progress.rolled.old;
            let begin = |planner: &mut Self, action: Action| {
                let reason = Reason::UpdateFailed { service: service.name.clone() };
                let step = planner.plan.step(action, reason, after.iter().chain(&before).copied());
                planner.plan.amend(step, |step| step.when = When::MoreFailed { than: allowed });
                step
            };
            if start_first {
                let action = Action::StartContainer { container: ContainerRef::to(old) };
                let started = begin(self, action);
                self.hooks_when_it_was_stopped(service, old, started);
                let action = Action::Wait {
                    service: service.name.clone(),
                    containers: vec![ContainerRef::to(old)],
                    until: Until::Goal,
                    timeout_s: None,
                    stable_s: None,
                };
                let reason = Reason::UpdateFailed { service: service.name.clone() };
                let proven = self.plan.step(action, reason.clone(), [started]);
                back.push(self.plan.step(removal(&progress.temporary), reason, [proven]));
            } else {
                let removed = begin(self, removal(&progress.temporary));
                if old.status.is_alive() {
                    let reason = Reason::UpdateFailed { service: service.name.clone() };
                    let action = Action::StartContainer { container: ContainerRef::to(old) };
                    let started = self.plan.step(action, reason, [removed]);
                    self.hooks_when_it_was_stopped(service, old, started);
                    back.push(started);
                }
            }
        }
    }

    /// The old one goes, the new one gets its name: at once, or where dependents are to be restarted after that.
    fn take_place(
        &mut self,
        service: &Service,
        old: &Container,
        new: &ContainerRef,
        reason: &Reason,
        group: &Group,
        after: impl IntoIterator<Item = StepId>,
    ) -> StepId {
        let removed = self.remove(old, reason, after);
        let (new, reason) = (new.clone(), reason.clone());
        if self.has_restarting_dependents(service) {
            self.namings.push(Naming { new, reason, group: Some(group.clone()), after: vec![removed] });
            return removed;
        }
        let action = Action::RenameContainer { container: new.clone(), to: new.name };
        self.plan.step(action, reason, [removed])
    }

    fn stop_if_alive(&mut self, old: &Container, reason: &Reason, after: StepId) -> StepId {
        if old.status.is_alive() { self.stop(old, reason, [after]) } else { after }
    }

    fn take_away(
        &mut self,
        service: &ServiceName,
        new: &ContainerRef,
        after: impl IntoIterator<Item = StepId>,
    ) -> StepId {
        let reason = Reason::UpdateFailed { service: service.clone() };
        let step = self.plan.step(removal(new), reason, after);
        self.plan.amend(step, |step| step.when = When::MoreFailed { than: 0 });
        if self.project.services.get(service).is_some_and(|service| !service.post_start.is_empty()) {
            let action = Action::ClearHooks { container: new.clone(), id: None };
            let cleared = self.plan.step(action, Reason::Bookkeeping, [step]);
            self.plan.amend(cleared, |step| step.optional = true);
        }
        step
    }

    /// Starts an old container again that was stopped for a new one, with its hooks, as for any start.
    fn bring_back(&mut self, service: &Service, old: &Container, after: StepId) {
        let container = ContainerRef::to(old);
        let reason = Reason::UpdateFailed { service: service.name.clone() };
        let noted = self.noted_hooks(&container);
        let mut after = after;
        if noted.is_none() && !service.post_start.is_empty() {
            let action = Action::MarkHooks { container: container.clone() };
            after = self.plan.step(action, Reason::Bookkeeping, [after]);
        }
        let action = Action::StartContainer { container: container.clone() };
        let started = self.plan.step(action, reason.clone(), [after]);
        self.post_start(service, &container, (reason, noted), Some(started));
    }

    /// The hooks of an old container that is started again, unless it was never stopped: then the update did not come to it,
    /// and to start it does nothing.
    fn hooks_when_it_was_stopped(&mut self, service: &Service, old: &Container, started: StepId) {
        let Some(stopped) = self.stops.get(&old.id).copied() else { return };
        if service.post_start.is_empty() {
            return;
        }
        let container = ContainerRef::to(old);
        let reason = Reason::UpdateFailed { service: service.name.clone() };
        let noted = self.noted_hooks(&container);
        // Whether it was stopped is only known now, hence not before the start.
        let mut after = vec![started, stopped];
        if noted.is_none() {
            let action = Action::MarkHooks { container: container.clone() };
            after = vec![self.plan.step(action, Reason::Bookkeeping, after)];
        }
        self.post_start(service, &container, (reason, noted), after);
    }

    fn pause(
        &mut self,
        service: &Service,
        delay: SpecDuration,
        after: impl IntoIterator<Item = StepId>,
    ) -> StepId {
        let action = Action::Delay { service: service.name.clone(), for_ms: milliseconds(delay) };
        self.plan.step(action, Reason::Requested, after)
    }
}

fn removal(container: &ContainerRef) -> Action {
    Action::RemoveContainer { container: container.clone(), volumes: false, force: true }
}

fn update_config(service: &Service) -> Option<&UpdateConfig> {
    service.deploy.as_ref().and_then(|deploy| deploy.update_config.as_ref())
}

/// One at a time where nothing is said, all at once for 0.
fn at_once(rules: &UpdateConfig, count: usize) -> usize {
    match rules.parallelism {
        None => 1,
        Some(0) => count.max(1),
        Some(number) => usize::try_from(number).unwrap_or(count).max(1),
    }
}

/// How many of so many may fail.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share of a few containers; rounding down is meant"
)]
fn tolerated(ratio: f32, count: usize) -> usize {
    (f64::from(ratio.clamp(0.0, 1.0)) * count as f64 + 1e-6).floor() as usize
}

fn milliseconds(duration: SpecDuration) -> u64 {
    u64::try_from(duration.nanoseconds() / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_failures_is_rounded_down() {
        for (ratio, count, expect) in [(0.0, 4, 0), (0.25, 4, 1), (0.3, 10, 3), (0.49, 4, 1), (1.0, 3, 3)] {
            assert_eq!(tolerated(ratio, count), expect, "{ratio} of {count}");
        }
    }
}
