//! `down` and `rm`: what goes, dependents before what they depend on.

use super::builder::PlanBuilder;
use super::{Action, ContainerRef, HookPhase, Plan, Reason, StepId};
use crate::graph::ServiceGraph;
use crate::model::{MountType, Project, ServiceName, VolumeKey};
use crate::observe::{Container, ObservedState};
use std::collections::{BTreeMap, BTreeSet};

/// What `down` is to take away.
#[derive(Debug, Clone, Copy)]
pub struct Teardown<'a> {
    /// The project's name.
    pub project_name: &'a str,
    /// The stack files' view, when there is one: which services are known, their hooks, which volumes are external.
    pub project: Option<&'a Project>,
    /// Who depends on whom.
    pub graph: &'a ServiceGraph,
    /// What was seen.
    pub observed: &'a ObservedState,
    /// Only these services; `None` is everything.
    pub services: Option<&'a BTreeSet<ServiceName>>,
    /// How long containers may take to stop.
    pub grace: Grace,
    /// Volumes too: the project's named ones and the containers' anonymous ones.
    pub volumes: bool,
    /// Containers whose service is in no file, and one-offs, too.
    pub orphans: bool,
    /// Profiles were named: services that none of them takes in are left alone.
    pub only_active: bool,
    /// Images of the services that go, by reference.
    pub images: &'a BTreeSet<String>,
}

/// How long containers may take to stop before they are killed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grace {
    /// As long as each was made for.
    #[default]
    Own,
    /// So many seconds.
    Seconds(i64),
    /// A second, except that what has a volume or a writable folder of the host gets its own.
    Fast,
}

impl Grace {
    /// Seconds for one container; `None` is its own.
    fn of(self, container: &Container) -> Option<i64> {
        let is_data = |kind: &str| matches!(kind, "volume" | "bind");
        match self {
            Self::Own => None,
            Self::Seconds(seconds) => Some(seconds),
            Self::Fast if container.mounts.iter().any(|mount| mount.writable && is_data(&mount.kind)) => None,
            Self::Fast => Some(1),
        }
    }
}

/// Plans a `down`.
pub fn teardown(input: &Teardown<'_>) -> Plan {
    let mut plan = PlanBuilder::default();
    let (going, staying): (Vec<&Container>, Vec<&Container>) =
        input.observed.containers.iter().partition(|container| goes(input, container));
    let mut last: BTreeMap<ServiceName, Vec<StepId>> = BTreeMap::new();
    let mut removed = Vec::new();
    let providers = providers(input);
    for service in teardown_order(input.graph, &going, &providers) {
        let dependents: Vec<StepId> = input
            .graph
            .needed_by(&service)
            .into_iter()
            .flat_map(|(dependent, _)| last.get(dependent).cloned().unwrap_or_default())
            .collect();
        if providers.contains(&service) {
            let action = Action::RunProvider { service: service.clone(), verb: "down".to_owned() };
            last.entry(service.clone()).or_default().push(plan.step(
                action,
                Reason::Requested,
                dependents.clone(),
            ));
        }
        for container in going.iter().filter(|container| container.identity.service == service) {
            let reference = ContainerRef::to(container);
            let gentle = input.grace != Grace::Seconds(0);
            let mut after = dependents.clone();
            if container.status.is_alive() {
                after = pre_stop(&mut plan, input, container, &after);
            }
            if container.status.is_alive() && gentle {
                let timeout_s = input.grace.of(container);
                let stop = Action::StopContainer { container: reference.clone(), timeout_s };
                let stop = plan.step(stop, Reason::Requested, after);
                last.entry(service.clone()).or_default().push(stop);
                after = vec![stop];
            }
            // Forced, because a restart policy may have brought the container back meanwhile; without a grace period
            // it is the stop as well.
            let remove =
                Action::RemoveContainer { container: reference, volumes: input.volumes, force: true };
            let remove = plan.step(remove, Reason::Requested, after);
            if !(container.status.is_alive() && gentle) {
                last.entry(service.clone()).or_default().push(remove);
            }
            removed.push(remove);
        }
    }
    networks(&mut plan, input, &staying, &removed);
    if staying.is_empty() {
        for notes in &input.observed.notes {
            let action = Action::RemoveNotes { id: notes.id.clone(), name: notes.name.clone() };
            let step = plan.step(action, Reason::Bookkeeping, removed.iter().copied());
            plan.amend(step, |step| step.optional = true);
        }
    }
    for due in &input.observed.hooks_due {
        if !staying.iter().any(|container| container.id == due.container) {
            let action = Action::RemoveNotes { id: due.id.clone(), name: due.name.clone() };
            let step = plan.step(action, Reason::Bookkeeping, removed.iter().copied());
            plan.amend(step, |step| step.optional = true);
        }
    }
    if input.volumes {
        volumes(&mut plan, input, (&going, &staying), &removed);
    }
    if !input.volumes {
        unreachable_data(&mut plan, &going);
    }
    for image in input.images.iter().filter(|image| input.observed.images.contains_key(*image)) {
        let action = Action::RemoveImage { image: image.clone() };
        let step = plan.step(action, Reason::Requested, removed.iter().copied());
        // Others may use it: then it stays, and that is no failure.
        plan.amend(step, |step| step.optional = true);
    }
    plan.finish()
}

/// Removes the given containers: what `rm` does once it has asked.
pub fn remove_containers(containers: &[&Container], volumes: bool) -> Plan {
    let mut plan = PlanBuilder::default();
    for container in containers {
        let action =
            Action::RemoveContainer { container: ContainerRef::to(container), volumes, force: false };
        plan.step(action, Reason::Requested, []);
    }
    plan.finish()
}

fn goes(input: &Teardown<'_>, container: &Container) -> bool {
    let identity = &container.identity;
    // What depends on them stays, as the reference has it: it was not named.
    if let Some(chosen) = input.services {
        return !identity.oneoff && chosen.contains(&identity.service);
    }
    // A helper container that a failed hook left behind is nobody's work any more.
    if identity.config_hash.is_none() {
        return identity.hook.is_some();
    }
    // Differs: the reference leaves containers of services behind that a profile brought in and no profile does now, and
    // their network with them. Without a profile everything of the project goes; with one what it takes in.
    let known = input.project.is_none_or(|project| {
        project.services.contains_key(&identity.service)
            || (!input.only_active && project.disabled_services.contains_key(&identity.service))
    });
    input.orphans || (known && !identity.oneoff)
}

/// The services whose providers are told: only the files know them.
fn providers(input: &Teardown<'_>) -> BTreeSet<ServiceName> {
    let services = input.project.into_iter().flat_map(|project| &project.services);
    let provided = services.filter(|(name, service)| {
        service.provider.is_some() && input.services.is_none_or(|chosen| chosen.contains(*name))
    });
    provided.map(|(name, _)| name.clone()).collect()
}

/// What is in anonymous volumes is kept, but nothing will refer to it any more.
fn unreachable_data(plan: &mut PlanBuilder, going: &[&Container]) {
    let mut kept = Vec::new();
    for container in going.iter().filter(|container| !container.identity.oneoff) {
        for mount in container.mounts.iter().filter(|mount| mount.is_anonymous_volume()) {
            let short = mount.name.get(..12).unwrap_or(&mount.name);
            kept.push(format!("{} of {} ({short})", mount.destination, container.name));
        }
    }
    if !kept.is_empty() {
        plan.warn(format!(
            "anonymous volumes are kept, but the next `up` makes new ones: {}. `up --reattach` mounts them again, `down -v` removes them while their containers are there",
            kept.join(", ")
        ));
    }
}

/// Dependents first; services the graph does not know come before all others.
fn teardown_order(
    graph: &ServiceGraph,
    going: &[&Container],
    providers: &BTreeSet<ServiceName>,
) -> Vec<ServiceName> {
    let present = going.iter().map(|container| &container.identity.service);
    let present: BTreeSet<&ServiceName> = present.chain(providers).collect();
    let known: Vec<&ServiceName> = graph.in_order();
    let unknown = present.iter().filter(|service| !known.contains(*service)).copied();
    unknown.chain(known.iter().rev().filter(|service| present.contains(*service)).copied()).cloned().collect()
}

fn pre_stop(
    plan: &mut PlanBuilder,
    input: &Teardown<'_>,
    container: &Container,
    after: &[StepId],
) -> Vec<StepId> {
    let hooks = input
        .project
        .and_then(|project| project.services.get(&container.identity.service))
        .map_or(0, |service| service.pre_stop.len());
    let mut after = after.to_vec();
    for index in 0..hooks {
        let action =
            Action::RunHook { container: ContainerRef::to(container), phase: HookPhase::PreStop, index };
        after = vec![plan.step(action, Reason::Requested, after)];
    }
    after
}

fn networks(plan: &mut PlanBuilder, input: &Teardown<'_>, staying: &[&Container], removed: &[StepId]) {
    for network in &input.observed.networks {
        if network.project.as_ref().map(crate::model::ProjectName::as_str) != Some(input.project_name) {
            continue;
        }
        let users: Vec<&str> = staying
            .iter()
            .filter(|container| container.networks.contains_key(&network.name))
            .map(|container| container.name.as_str())
            .collect();
        if users.is_empty() {
            let action = Action::RemoveNetwork { id: network.id.clone(), name: network.name.clone() };
            let step = plan.step(action, Reason::Requested, removed.iter().copied());
            // Containers of others may be attached: then the network stays, and that is no failure.
            plan.amend(step, |step| step.optional = true);
        } else {
            plan.warn(format!("network `{}` is kept: it is in use by {}", network.name, users.join(", ")));
        }
    }
}

/// The project's volumes; where services were named, those that they mount, by the file or as they are.
fn volumes(
    plan: &mut PlanBuilder,
    input: &Teardown<'_>,
    (going, staying): (&[&Container], &[&Container]),
    removed: &[StepId],
) {
    let in_file = |key: Option<&VolumeKey>| {
        let services = input.project.into_iter().flat_map(|project| &project.services);
        let chosen = |name: &ServiceName| input.services.is_some_and(|services| services.contains(name));
        let mut mounts = services.filter(|(name, _)| chosen(name)).flat_map(|(_, service)| &service.volumes);
        key.is_some_and(|key| {
            mounts.any(|mount| mount.kind == MountType::Volume && mount.source == key.as_str())
        })
    };
    for volume in &input.observed.volumes {
        if volume.project.as_ref().map(crate::model::ProjectName::as_str) != Some(input.project_name) {
            continue;
        }
        let mounted = || going.iter().any(|one| one.mounts.iter().any(|mount| mount.name == volume.name));
        if input.services.is_some() && !mounted() && !in_file(volume.key.as_ref()) {
            continue;
        }
        let users: Vec<&str> = staying
            .iter()
            .filter(|container| container.mounts.iter().any(|mount| mount.name == volume.name))
            .map(|container| container.name.as_str())
            .collect();
        if users.is_empty() {
            let action = Action::RemoveVolume { name: volume.name.clone() };
            let step = plan.step(action, Reason::Requested, removed.iter().copied());
            plan.amend(step, |step| step.optional = true);
        } else {
            plan.warn(format!("volume `{}` is kept: it is in use by {}", volume.name, users.join(", ")));
        }
    }
}
