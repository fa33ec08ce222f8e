//! `build`, `pull` and `push`: where images come from and go to.

use super::builder::PlanBuilder;
use super::{Action, Plan, Reason};
use crate::graph::ServiceGraph;
use crate::lower::bake::Wish;
use crate::model::{Project, Service, ServiceName};
use crate::observe::ObservedState;
use std::collections::{BTreeMap, BTreeSet};

/// Which services: the named ones, or all; with what they depend on, where that is asked for.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Their names; empty is all.
    pub services: BTreeSet<ServiceName>,
    /// What they depend on, too.
    pub dependencies: bool,
}

impl Chosen {
    /// The services, by name.
    fn of<'p>(&self, project: &'p Project) -> Vec<&'p Service> {
        let needed: BTreeSet<ServiceName> = if self.dependencies {
            ServiceGraph::of(project).closure(&self.services).into_iter().cloned().collect()
        } else {
            BTreeSet::new()
        };
        let chosen = |name: &ServiceName| {
            self.services.is_empty() || self.services.contains(name) || needed.contains(name)
        };
        let all = project.services.values().map(|service| &**service);
        all.filter(|service| chosen(&service.name) && service.provider.is_none()).collect()
    }
}

/// `build`: a step for each image that can be built.
pub fn build(project: &Project, chosen: &Chosen, wish: Wish) -> Plan {
    let mut plan = PlanBuilder::default();
    let mut seen = BTreeSet::new();
    for service in chosen.of(project).into_iter().filter(|service| service.build.is_some()) {
        let image = project.image_name(service);
        if seen.insert(image.clone()) {
            let action = Action::BuildImage { service: service.name.clone(), image, wish };
            plan.step(action, Reason::Requested, []);
        }
    }
    plan.finish()
}

/// What `pull` does not do.
#[derive(Debug, Clone, Default)]
pub struct PullWish {
    /// `always` or `missing`: wins over every service's `pull_policy`.
    pub policy: Option<String>,
    /// Leave out what can be built.
    pub ignore_buildable: bool,
    /// What no registry has is no failure.
    pub ignore_failures: bool,
}

/// `pull`: a step for each image that a registry has. What can be built instead is no failure.
pub fn pull(project: &Project, observed: &ObservedState, chosen: &Chosen, wish: &PullWish) -> Plan {
    let mut images: BTreeMap<String, Vec<&Service>> = BTreeMap::new();
    for service in chosen.of(project) {
        for hook in service.pre_start.iter().filter(|hook| !hook.image.is_empty()) {
            images.entry(hook.image.clone()).or_default().push(service);
        }
        let image = &service.image;
        let left_out = image.is_empty() || (wish.ignore_buildable && service.build.is_some());
        if !left_out && is_due(service, observed, wish.policy.as_deref()) {
            images.entry(image.clone()).or_default().push(service);
        }
    }
    let mut plan = PlanBuilder::default();
    for (image, users) in images {
        let buildable = users.iter().any(|service| service.image == image && service.build.is_some());
        let platform = users.iter().map(|service| &service.platform).find(|platform| !platform.is_empty());
        let action = Action::PullImage {
            image,
            platform: platform.cloned(),
            or_build: None,
            services: users.iter().map(|service| service.name.clone()).collect(),
        };
        let step = plan.step(action, Reason::Requested, []);
        plan.amend(step, |step| step.optional = wish.ignore_failures || buildable);
    }
    plan.finish()
}

/// Whether a service's image is asked for: whoever says `pull` wants it, unless a policy keeps to what is there.
fn is_due(service: &Service, observed: &ObservedState, asked: Option<&str>) -> bool {
    let there = observed.images.contains_key(&service.image);
    let latest = || {
        let last = service.image.rsplit('/').next().unwrap_or_default();
        !last.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
    };
    match asked.unwrap_or(&service.pull_policy) {
        "never" | "build" => false,
        "missing" | "if_not_present" => !there || latest(),
        _ => true,
    }
}

/// `push`: a step for each name of each image that is built here and has a name of its own.
pub fn push(project: &Project, chosen: &Chosen, ignore_failures: bool) -> Plan {
    let mut plan = PlanBuilder::default();
    let mut seen = BTreeSet::new();
    for service in chosen.of(project) {
        let Some(build) = service.build.as_ref().filter(|_| !service.image.is_empty()) else { continue };
        for image in std::iter::once(&service.image).chain(&build.tags) {
            if seen.insert(image.clone()) {
                let action = Action::PushImage { image: image.clone(), service: service.name.clone() };
                let step = plan.step(action, Reason::Requested, []);
                plan.amend(step, |step| step.optional = ignore_failures);
            }
        }
    }
    plan.finish()
}
