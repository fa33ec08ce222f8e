//! The containers that files go to, and what each has been given.

use super::rules::Rule;
use super::sync::{self, Receiver, SyncError};
use super::tree::{self, Tree};
use crate::apply::exec_spec;
use crate::engine::{Engine, EngineError};
use crate::model::ServiceName;
use crate::observe::{self, ContainerStatus, ObserveRequest};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A rule, as it is known across reloads of the stack file.
type RuleKey = (ServiceName, PathBuf, String);

/// The running containers of the project.
#[derive(Debug, Default)]
pub(super) struct Containers {
    running: Vec<Running>,
    /// What each container has of each rule.
    delivered: BTreeMap<(String, RuleKey), Tree>,
    /// When images were made, in nanoseconds since 1970.
    made: BTreeMap<String, i128>,
}

#[derive(Debug, Clone)]
struct Running {
    receiver: Receiver,
    service: ServiceName,
    image: String,
}

impl Containers {
    /// Asks the engine which containers run. What is gone is forgotten.
    pub(super) async fn refresh(&mut self, engine: &Engine, project: &str) -> Result<(), EngineError> {
        let request = ObserveRequest { project: project.to_owned(), ..ObserveRequest::default() };
        let observed = observe::observe(engine, &request).await?;
        let own = |container: &&observe::Container| {
            !container.identity.oneoff && container.identity.config_hash.is_some()
        };
        let ids: BTreeSet<&str> =
            observed.containers.iter().map(|container| container.id.0.as_str()).collect();
        self.delivered.retain(|(id, _), _| ids.contains(id.as_str()));
        self.running = observed
            .containers
            .iter()
            .filter(own)
            .filter(|container| container.status == ContainerStatus::Running)
            .map(|container| Running {
                receiver: Receiver {
                    id: container.id.0.clone(),
                    name: container.name.clone(),
                    project: project.to_owned(),
                },
                service: container.identity.service.clone(),
                image: container.image_id.clone(),
            })
            .collect();
        for running in &self.running {
            if !self.made.contains_key(&running.image) {
                // An image that was removed under its container says nothing: then everything counts as newer.
                let made = engine.image_created_nano(&running.image).await.unwrap_or_default();
                self.made.insert(running.image.clone(), made);
            }
        }
        Ok(())
    }

    /// Whether a running container is one of a service's.
    pub(super) fn is_of(&self, id: &str, service: &ServiceName) -> bool {
        self.running.iter().any(|running| running.receiver.id == id && running.service == *service)
    }

    /// The images that a service's containers run.
    pub(super) fn images_of(&self, services: &BTreeSet<ServiceName>) -> BTreeSet<String> {
        let of = self.running.iter().filter(|running| services.contains(&running.service));
        of.map(|running| running.image.clone()).collect()
    }

    /// Brings every running container of the rule's service, or the one that is named, what it lacks below `within`. The
    /// result is how many paths the one that lacked most was given.
    pub(super) async fn deliver(
        &mut self,
        engine: &Engine,
        rule: &Rule,
        wanted: &Tree,
        within: &BTreeSet<PathBuf>,
        touched: bool,
        only: Option<&str>,
    ) -> Result<usize, SyncError> {
        let key: RuleKey = (rule.service.clone(), rule.root.clone(), rule.target.clone());
        let mut jobs = Vec::new();
        let receives = |running: &&Running| {
            running.service == rule.service && only.is_none_or(|id| running.receiver.id == id)
        };
        for running in self.running.iter().filter(receives) {
            let made = self.made.get(&running.image).copied().unwrap_or_default();
            let delivered = self
                .delivered
                .entry((running.receiver.id.clone(), key.clone()))
                .or_insert_with(|| from_image(rule, wanted, made));
            let difference = tree::difference(delivered, wanted, within, touched);
            if !difference.is_empty() {
                jobs.push((running.receiver.clone(), difference));
            }
        }
        let images: BTreeSet<String> = self.running.iter().map(|running| running.image.clone()).collect();
        let images: Vec<String> = images.into_iter().collect();
        let sent = jobs
            .iter()
            .map(|(receiver, difference)| sync::deliver(engine, receiver, &images, rule, difference, wanted));
        let results = futures_util::future::join_all(sent).await;
        let mut most = 0;
        let mut failed = None;
        for ((receiver, difference), result) in jobs.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    most = most.max(difference.len());
                    if let Some(delivered) = self.delivered.get_mut(&(receiver.id, key.clone())) {
                        settle(delivered, wanted, within);
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(most), Err)
    }

    /// Runs a rule's command in every running container of its service; what went wrong, for people.
    pub(super) async fn exec(&self, engine: &Engine, rule: &Rule) -> Result<(), String> {
        let spec = exec_spec(&rule.exec.as_hook());
        for running in self.running.iter().filter(|running| running.service == rule.service) {
            let Receiver { id, name, project: _ } = &running.receiver;
            let run =
                engine.run_in_container(id, name, spec.clone()).await.map_err(|error| error.to_string())?;
            if run.exit_code != 0 {
                let said = String::from_utf8_lossy(&run.output);
                return Err(format!("{name}: the command ended with {}: {}", run.exit_code, said.trim()));
            }
        }
        Ok(())
    }
}

/// What a container that was given nothing yet has: what was there when its image was made. With `initial_sync` nothing is
/// taken for granted.
fn from_image(rule: &Rule, wanted: &Tree, made_nano: i128) -> Tree {
    if rule.initial_sync {
        return Tree::new();
    }
    let old = wanted.iter().filter(|(_, entry)| entry.modified_nano <= made_nano);
    old.map(|(path, entry)| (path.clone(), entry.clone())).collect()
}

/// What was wanted below these paths is there now.
fn settle(delivered: &mut Tree, wanted: &Tree, within: &BTreeSet<PathBuf>) {
    for prefix in within {
        let old: Vec<PathBuf> = tree::below(delivered, prefix).map(|(path, _)| path.clone()).collect();
        for path in old {
            delivered.remove(&path);
        }
        delivered.extend(tree::below(wanted, prefix).map(|(path, entry)| (path.clone(), entry.clone())));
    }
}
