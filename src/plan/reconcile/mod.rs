//! From what is wanted and what is seen to the steps that `up`, `create` and `scale` need.
//!
//! Passes, in order: images, networks, volumes, a verdict on every container, creations and replacements, starts with
//! their gates, orphans, the final wait. Each pass only adds steps after steps that are there.

mod containers;
mod diff;
mod images;
mod in_place;
mod leftovers;
mod networks;
mod notes;
mod orphans;
mod rolling;
mod start;
mod verdict;
mod volumes;

use super::builder::PlanBuilder;
use super::{AnonymousVolumes, ContainerRef, Plan, Policy, Question, Reason, Recreate, StepId};
use crate::graph::ServiceGraph;
use crate::model::{ModelKey, NetworkKey, Project, Service, ServiceName, VolumeKey};
use crate::observe::{Container, ContainerId, Fields, ObservedState, ObservedVolume};
use crate::yaml::NodePath;
use std::collections::{BTreeMap, BTreeSet};
use verdict::Verdict;

/// Everything a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What is wanted.
    pub project: &'a Project,
    /// Who waits for whom.
    pub graph: &'a ServiceGraph,
    /// What was seen.
    pub observed: &'a ObservedState,
    /// What the user asked for beside the file.
    pub policy: &'a Policy,
    /// What the services' containers should be made of, flattened; only needed to name the fields that differ.
    pub wanted: &'a BTreeMap<ServiceName, Fields>,
    /// Hashes of the contents of the services' configs and secrets, by `config:KEY` and `secret:KEY`.
    pub contents: &'a BTreeMap<ServiceName, Contents>,
}

/// Hashes of contents, by `config:KEY` and `secret:KEY`.
pub type Contents = BTreeMap<String, String>;

/// Why no plan can be made: something the engine lacks, at the place in the file that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The attribute that asks for it.
    pub path: NodePath,
    /// What is wrong.
    pub message: String,
    /// What can be done.
    pub help: Vec<String>,
}

/// Plans what makes the engine's state the project's.
///
/// # Errors
/// Every problem that makes a plan impossible: missing external networks and volumes, images that may be neither
/// pulled nor built, more than one container for a fixed name.
pub fn reconcile(input: &Input<'_>) -> Result<Plan, Vec<Problem>> {
    let mut reconciler = Reconciler::new(input);
    reconciler.check();
    reconciler.images();
    reconciler.models();
    reconciler.networks();
    reconciler.volumes();
    reconciler.verdicts();
    reconciler.containers();
    reconciler.starts();
    reconciler.orphans();
    reconciler.leftovers();
    reconciler.final_wait();
    reconciler.tidy_notes();
    if reconciler.problems.is_empty() { Ok(reconciler.plan.finish()) } else { Err(reconciler.problems) }
}

/// The containers whose definition differs from the one they were made from, and with `drift` all that stay: the ones whose fields are worth asking
/// the engine for, so that the plan can name what differs.
pub fn diverged(input: &Input<'_>) -> Vec<(ServiceName, ContainerId)> {
    let mut reconciler = Reconciler::new(input);
    reconciler.images();
    reconciler.verdicts();
    let mut found = Vec::new();
    for (service, verdicts) in &reconciler.verdicts {
        for verdict in verdicts {
            match verdict {
                Verdict::Replace { container, reason: Reason::ConfigChanged { .. }, .. } => {
                    found.push((service.clone(), container.id.clone()));
                }
                Verdict::Keep { container, .. } if input.policy.drift => {
                    found.push((service.clone(), container.id.clone()));
                }
                Verdict::Keep { .. }
                | Verdict::Replace { .. }
                | Verdict::Remove { .. }
                | Verdict::Create { .. } => {}
            }
        }
    }
    found
}

/// The ids of the networks that would have to be replaced: the ones whose containers are worth asking the engine for, because
/// it does not remove a network under the containers of others.
pub fn diverged_networks(input: &Input<'_>) -> Vec<String> {
    networks::diverged(&Reconciler::new(input))
}

/// The volumes whose definition changed, as questions: replacing one is the user's word.
pub fn diverged_volumes(project: &Project, observed: &[ObservedVolume]) -> Vec<Question> {
    volumes::diverged(project, observed).map(|(volume, found)| volumes::question(volume, found)).collect()
}

/// The names of the volumes that the user has agreed to replace: the ones whose users are worth asking the engine for, because
/// it does not remove a volume under the containers of others.
pub fn replaced_volumes(input: &Input<'_>) -> Vec<String> {
    volumes::diverged(input.project, &input.observed.volumes)
        .filter(|(volume, _)| volumes::agreed(input.policy, volume).is_some())
        .map(|(volume, _)| volume.name.clone())
        .collect()
}

/// The state that the passes share.
struct Reconciler<'a> {
    project: &'a Project,
    graph: &'a ServiceGraph,
    observed: &'a ObservedState,
    policy: &'a Policy,
    wanted: &'a BTreeMap<ServiceName, Fields>,
    contents: &'a BTreeMap<ServiceName, Contents>,
    plan: PlanBuilder,
    problems: Vec<Problem>,
    /// The step that brings an image, by reference.
    image_steps: BTreeMap<String, StepId>,
    /// The step that makes a model ready.
    model_steps: BTreeMap<ModelKey, StepId>,
    /// The step that makes a network.
    network_steps: BTreeMap<NetworkKey, StepId>,
    /// The step that makes a volume.
    volume_steps: BTreeMap<VolumeKey, StepId>,
    /// What becomes of each service's containers.
    verdicts: BTreeMap<ServiceName, Vec<Verdict<'a>>>,
    /// Services that cannot be decided before an image has come, and those that wait for them.
    held: BTreeSet<ServiceName>,
    /// The steps after which a name is free, by name.
    freed: BTreeMap<String, StepId>,
    /// The steps that stop a container, so that none is stopped twice.
    stops: BTreeMap<ContainerId, StepId>,
    /// The step that says which containers are about to change in place.
    notes_begun: Option<StepId>,
    /// Containers that are removed because a volume they mount is replaced, with what comes after them: by service and number.
    gone: BTreeMap<(ServiceName, u32), &'a Container>,
    /// The containers that the replacement of a network takes back into it.
    reconnected: BTreeSet<(NetworkKey, ContainerId)>,
    /// What the plan does with each service.
    services: BTreeMap<ServiceName, Planned<'a>>,
    /// The steps after which all containers of a service have been replaced by its rules.
    replaced: BTreeMap<ServiceName, Vec<StepId>>,
    /// Starts of dependents that follow such a replacement.
    followers: BTreeMap<ServiceName, Vec<StepId>>,
    /// Containers that get their names after those.
    namings: Vec<rolling::Naming>,
    /// Services whose starts are planned.
    begun: BTreeSet<ServiceName>,
    /// Waits, so that dependents share them.
    gates: BTreeMap<(ServiceName, crate::model::DependencyCondition, bool), StepId>,
}

/// What the plan does with a service's containers.
#[derive(Debug, Default)]
struct Planned<'a> {
    /// Its containers at the end, with the step after which each may be started.
    containers: Vec<(ContainerRef, Option<StepId>, StartNeed)>,
    /// The steps after which all its containers exist under their names.
    ready: Vec<StepId>,
    /// The steps that start them.
    started: Vec<StepId>,
    /// Containers that are replaced as the service's rules say, once its dependencies are there.
    rolled: Vec<rolling::Rolled<'a>>,
}

/// Whether and why a container has to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
enum StartNeed {
    /// It runs and goes on running.
    Running,
    /// It has to be started.
    Start(Reason),
    /// It is frozen and has to be thawed.
    Unpause(Reason),
    /// It runs, and not all of its `post_start` hooks have.
    Hooks,
}

impl<'a> Reconciler<'a> {
    fn new(input: &Input<'a>) -> Self {
        Self {
            project: input.project,
            graph: input.graph,
            observed: input.observed,
            policy: input.policy,
            wanted: input.wanted,
            contents: input.contents,
            plan: PlanBuilder::default(),
            problems: Vec::new(),
            image_steps: BTreeMap::new(),
            model_steps: BTreeMap::new(),
            network_steps: BTreeMap::new(),
            volume_steps: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            held: BTreeSet::new(),
            freed: BTreeMap::new(),
            stops: BTreeMap::new(),
            notes_begun: None,
            gone: BTreeMap::new(),
            reconnected: BTreeSet::new(),
            services: BTreeMap::new(),
            replaced: BTreeMap::new(),
            followers: BTreeMap::new(),
            namings: Vec::new(),
            begun: BTreeSet::new(),
            gates: BTreeMap::new(),
        }
    }

    /// How many containers a service should have.
    fn replicas(&self, service: &Service) -> u32 {
        self.policy.scale.get(&service.name).copied().unwrap_or_else(|| service.replicas())
    }

    /// Whether the user named a service; naming none means all.
    fn is_named(&self, service: &ServiceName) -> bool {
        self.policy.selected.is_empty() || self.policy.selected.contains(service)
    }

    /// Whether a service's containers get fresh anonymous volumes.
    fn renews_volumes(&self, service: &ServiceName) -> bool {
        self.policy.anonymous_volumes == AnonymousVolumes::Fresh && self.is_named(service)
    }

    /// How readily a service's containers are replaced.
    fn recreate(&self, service: &ServiceName) -> Recreate {
        if self.renews_volumes(service) {
            Recreate::Force
        } else if self.is_named(service) {
            self.policy.recreate
        } else {
            self.policy.recreate_dependencies
        }
    }

    fn check(&mut self) {
        for (name, service) in &self.project.services {
            if service.container_name.is_some() && self.replicas(service) > 1 {
                self.problems.push(Problem {
                    path: NodePath::of(&["services", name.as_str(), "container_name"]),
                    message: format!(
                        "service `{name}` has a fixed container name and cannot have {} containers",
                        self.replicas(service)
                    ),
                    help: vec!["remove `container_name`, or scale it to 1".to_owned()],
                });
            }
        }
    }

    fn problem(&mut self, path: NodePath, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem { path, message: message.into(), help: vec![help.into()] });
    }
}
