//! Networks: made when missing, replaced when their definition changed.

use super::{Problem, Reconciler, diff};
use crate::lower::fields;
use crate::model::{Network, NetworkKey, ServiceName, hash};
use crate::observe::{Container, ObservedNetwork};
use crate::plan::{Action, ContainerRef, FieldChange, Reason, StepId};
use crate::yaml::NodePath;
use serde_json::Value;

/// The ids of the project's networks that would have to be replaced: the ones worth asking who is in them.
pub(super) fn diverged(reconciler: &Reconciler<'_>) -> Vec<String> {
    let own = |(key, network): (&NetworkKey, &Network)| {
        let found = reconciler.find_network(key, network)?;
        let ours = !network.external && found.project.as_ref() == Some(&reconciler.project.name);
        (ours && has_diverged(network, found)).then(|| found.id.clone())
    };
    reconciler.project.networks.iter().filter_map(own).collect()
}

fn has_diverged(network: &Network, found: &ObservedNetwork) -> bool {
    found.config_hash.as_ref().is_some_and(|seen| *seen != hash::network(network))
}

impl<'a> Reconciler<'a> {
    pub(super) fn networks(&mut self) {
        for (key, network) in &self.project.networks {
            let found = self.find_network(key, network);
            match found {
                None if network.external => self.problem(
                    NodePath::of(&["networks", key.as_str()]),
                    format!("network `{}` is declared as external and does not exist", network.name),
                    format!("create it: `docker network create {}`, or remove `external: true`", network.name),
                ),
                None => {
                    let action = Action::CreateNetwork { key: key.clone(), name: network.name.clone() };
                    let step = self.plan.step(action, Reason::Missing, []);
                    self.network_steps.insert(key.clone(), step);
                }
                Some(_) if network.external => {}
                Some(found) if found.project.as_ref() != Some(&self.project.name) => self.plan.warn(format!(
                    "network `{}` exists and was not created by project `{}`; it is used as it is (set `external: true` to say so)",
                    found.name, self.project.name
                )),
                Some(found) => {
                    if !has_diverged(network, found) {
                        continue;
                    }
                    let strangers = self.strangers(found);
                    if strangers.is_empty() {
                        self.replace_network(key, network, found);
                    } else {
                        self.refuse_replacement(key, found, &strangers);
                    }
                }
            }
        }
    }

    /// The network that is meant: the project's own by its exact name, else any of that name.
    pub(super) fn find_network(&self, key: &NetworkKey, network: &Network) -> Option<&'a ObservedNetwork> {
        let named = |candidate: &&ObservedNetwork| candidate.name == network.name;
        let own = |candidate: &&ObservedNetwork| {
            candidate.project.as_ref() == Some(&self.project.name) && candidate.key.as_ref() == Some(key)
        };
        let all = &self.observed.networks;
        all.iter()
            .find(|candidate| named(candidate) && own(candidate))
            .or_else(|| all.iter().find(named))
            .or_else(|| {
                if network.external {
                    all.iter().find(|candidate| candidate.id == network.name)
                } else {
                    None
                }
            })
    }

    /// The engine refuses to remove a network that has endpoints, hence disconnect, remove, create, connect. The
    /// containers stay, with the aliases and addresses the file gives them.
    fn replace_network(&mut self, key: &NetworkKey, network: &Network, found: &ObservedNetwork) {
        let reason = Reason::ConfigChanged { fields: network_changes(network, found) };
        let attached: Vec<&Container> = self
            .observed
            .containers
            .iter()
            .filter(|container| container.networks.contains_key(&found.name))
            .collect();
        let mut left = Vec::new();
        for container in &attached {
            let action = Action::DisconnectNetwork {
                network: found.name.clone(),
                container: ContainerRef::to(container),
            };
            left.push(self.plan.step(action, Reason::NetworkChanged { network: key.clone() }, []));
        }
        let remove = Action::RemoveNetwork { id: found.id.clone(), name: found.name.clone() };
        let removed = self.plan.step(remove, reason.clone(), left);
        let create = Action::CreateNetwork { key: key.clone(), name: network.name.clone() };
        let created = self.plan.step(create, reason, [removed]);
        let mut ready: Option<StepId> = None;
        for container in attached {
            let wants_it =
                self.service_of(container).is_some_and(|service| service.networks.contains_key(key));
            if wants_it {
                let action = Action::ConnectNetwork {
                    network: network.name.clone(),
                    key: key.clone(),
                    container: ContainerRef::to(container),
                };
                self.reconnected.insert((key.clone(), container.id.clone()));
                ready =
                    Some(self.plan.step(action, Reason::NetworkChanged { network: key.clone() }, [created]));
            }
        }
        self.network_steps.insert(key.clone(), ready.unwrap_or(created));
    }

    /// Who is in a network and not of this project: the engine does not remove it under them.
    fn strangers(&self, found: &ObservedNetwork) -> Vec<String> {
        let own = |id: &str| self.observed.containers.iter().any(|container| container.id.0 == id);
        let mut names: Vec<String> =
            found.attached.iter().filter(|(id, _)| !own(id)).map(|(_, name)| name.clone()).collect();
        names.sort();
        names
    }

    /// Differs: the reference stops the project's containers and takes them out of the network before the engine refuses
    /// to remove it; they stay down. We look first, and touch nothing.
    fn refuse_replacement(&mut self, key: &NetworkKey, found: &ObservedNetwork, strangers: &[String]) {
        let name = &found.name;
        let quoted: Vec<String> = strangers.iter().map(|stranger| format!("`{stranger}`")).collect();
        let quoted = quoted.join(", ");
        let changes: Vec<String> = self
            .project
            .networks
            .get(key)
            .map(|network| network_changes(network, found))
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let changes = if changes.is_empty() { String::new() } else { format!(" ({})", changes.join(", ")) };
        self.problems.push(Problem {
            path: NodePath::of(&["networks", key.as_str()]),
            message: format!(
                "network `{name}` changed{changes} and cannot be replaced: containers of others are in it: {quoted}"
            ),
            help: vec![
                format!("take them out first: `docker network disconnect {name} CONTAINER`"),
                "or take the change back, or give the changed network another `name`".to_owned(),
            ],
        });
    }

    pub(super) fn service_of(&self, container: &Container) -> Option<&'a crate::model::Service> {
        self.project.services.get::<ServiceName>(&container.identity.service).map(AsRef::as_ref)
    }
}

/// What differs, as far as the list shows it.
fn network_changes(network: &Network, found: &ObservedNetwork) -> Vec<FieldChange> {
    if found.fields.is_empty() {
        return Vec::new();
    }
    let wanted = fields::of_network(network);
    let mut seen = found.fields.clone();
    match (wanted.get("ipam"), seen.get("ipam")) {
        // The engine chooses addresses where nothing is said, and a gateway where only a subnet is.
        (None, _) => drop(seen.remove("ipam")),
        (Some(Value::Array(wanted)), Some(Value::Array(pools))) => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let trimmed = pools.iter().zip(wanted).map(|(pool, wanted)| {
                let (pool, wanted) = (text(pool), text(wanted));
                if wanted.contains(" gateway ") {
                    pool
                } else {
                    let mut words: Vec<&str> = pool.split(' ').collect();
                    if let Some(at) = words.iter().position(|word| *word == "gateway") {
                        words.drain(at..at + 2);
                    }
                    words.join(" ")
                }
            });
            let trimmed: Vec<String> = trimmed.collect();
            seen.insert("ipam".to_owned(), trimmed.into());
        }
        (Some(_), _) => {}
    }
    diff::changes(&seen, &wanted)
}
