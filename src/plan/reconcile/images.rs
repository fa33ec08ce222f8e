//! Which images have to come from a registry or a build.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/05-services.md#pull_policy>

use super::Reconciler;
use crate::lower::bake::Wish;
use crate::model::{Hook, ModelKey, Service, ServiceName};
use crate::plan::{Action, Reason, StepId};
use crate::yaml::NodePath;
use std::collections::{BTreeMap, BTreeSet};

/// What has to happen to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    Pull(Reason),
    Build(Reason),
}

impl Reconciler<'_> {
    /// One step an image, however many services use it.
    pub(super) fn images(&mut self) {
        let mut needs: BTreeMap<String, (Need, Vec<ServiceName>)> = BTreeMap::new();
        for (name, service) in &self.project.services {
            if service.provider.is_some() || self.replicas(service) == 0 {
                continue;
            }
            let image = self.project.image_name(service);
            match self.image_need(service, &image) {
                Ok(None) => {}
                Ok(Some(need)) => {
                    let entry = needs.entry(image).or_insert_with(|| (need.clone(), Vec::new()));
                    // A build wins: the service that can build it knows best what the image is.
                    if matches!(need, Need::Build(_)) && !matches!(entry.0, Need::Build(_)) {
                        entry.0 = need;
                        entry.1.insert(0, name.clone());
                    } else {
                        entry.1.push(name.clone());
                    }
                }
                Err(policy) => {
                    let help = if service.build.is_some() {
                        "build it: `stack up --build`"
                    } else {
                        "pull it first: `docker pull`, or use another `pull_policy`"
                    };
                    self.problem(
                        NodePath::of(&["services", name.as_str(), "image"]),
                        format!(
                            "image `{image}` of service `{name}` is not there, and {policy} forbids to get it"
                        ),
                        help,
                    );
                }
            }
        }
        for (image, (need, services)) in needs {
            let first = services.first().cloned().unwrap_or_default();
            let platform =
                self.project.services.get(&first).map(|service| service.platform.clone()).unwrap_or_default();
            let builder = services
                .iter()
                .find(|name| self.project.services.get(*name).is_some_and(|service| service.build.is_some()));
            let (action, reason) = match need {
                Need::Pull(reason) => (
                    Action::PullImage {
                        image: image.clone(),
                        platform: (!platform.is_empty()).then_some(platform),
                        or_build: if self.policy.images.no_build { None } else { builder.cloned() },
                        services,
                    },
                    reason,
                ),
                Need::Build(reason) => (
                    Action::BuildImage {
                        service: builder.cloned().unwrap_or(first),
                        image: image.clone(),
                        wish: Wish::default(),
                    },
                    reason,
                ),
            };
            let step = self.plan.step(action, reason, []);
            self.image_steps.insert(image, step);
        }
    }

    /// Models are configured each time: their runner forgets what it was told.
    pub(super) fn models(&mut self) {
        let used: BTreeSet<ModelKey> = self
            .project
            .services
            .values()
            .filter(|service| self.replicas(service) > 0)
            .flat_map(|service| service.models.keys().cloned())
            .collect();
        for key in used {
            let Some(model) = self.project.models.get(&key) else { continue };
            let there = &self.observed.models;
            let pull = !there.contains(&model.model) && !there.contains(&format!("{}:latest", model.model));
            let action = Action::PrepareModel { key: key.clone(), model: model.model.clone(), pull };
            let reason = if pull { Reason::Missing } else { Reason::Requested };
            let step = self.plan.step(action, reason, []);
            self.model_steps.insert(key, step);
        }
    }

    /// The step that brings the image of a hook, when it is not there.
    pub(super) fn hook_image(&mut self, service: &Service, hook: &Hook) -> Option<StepId> {
        let image = if hook.image.is_empty() { self.project.image_name(service) } else { hook.image.clone() };
        if self.observed.images.contains_key(&image) || self.image_steps.contains_key(&image) {
            return self.image_steps.get(&image).copied();
        }
        let platform = (!service.platform.is_empty()).then(|| service.platform.clone());
        let services = vec![service.name.clone()];
        let action = Action::PullImage { image: image.clone(), platform, or_build: None, services };
        let step = self.plan.step(action, Reason::ImageMissing, []);
        self.image_steps.insert(image, step);
        Some(step)
    }

    /// What has to happen to a service's image; the error names what forbids to get a missing one.
    fn image_need(&self, service: &Service, image: &str) -> Result<Option<Need>, String> {
        let local = self.observed.images.contains_key(image);
        let asked = &self.policy.images;
        let policy =
            asked.pull.as_deref().filter(|policy| *policy != "policy").unwrap_or(&service.pull_policy);
        let buildable = service.build.is_some() && !asked.no_build;
        if service.build.is_some() && (asked.build || asked.build_only.contains(&service.name)) {
            return Ok(Some(Need::Build(Reason::BuildRequested)));
        }
        if buildable && policy == "build" {
            return Ok(Some(Need::Build(Reason::PullPolicy { policy: policy.to_owned() })));
        }
        let only_built = service.image.is_empty();
        match policy {
            "always" if !only_built => Ok(Some(Need::Pull(Reason::PullPolicy { policy: policy.to_owned() }))),
            _ if local => Ok(None),
            _ if only_built && buildable => Ok(Some(Need::Build(Reason::ImageMissing))),
            _ if only_built => Err("`--no-build`".to_owned()),
            "never" if buildable => Ok(Some(Need::Build(Reason::ImageMissing))),
            "never" => Err("pull policy `never`".to_owned()),
            _ => Ok(Some(Need::Pull(Reason::ImageMissing))),
        }
    }
}
