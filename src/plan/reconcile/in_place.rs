//! What can change in place, without a new container: limits, the restart policy, networks.
//!
//! Two ways lead to it. A container of ours says in a label what of its definition only a new container can change: when
//! that is the same, whatever differs can change in place. Of any other container all that differs must be seen, and be of
//! the kind that can. What the engine cannot do in place (it takes no limit away but that of processes) is a replacement.

use super::{Reconciler, diff};
use crate::lower::update::{IN_PLACE, REMOVABLE};
use crate::model::{Network, NetworkKey, Service, hash};
use crate::observe::{Container, Fields};
use crate::plan::{Action, ContainerRef, FieldChange, Group, GroupVerb, Reason, StepId};

/// What changes in place in a container that stays; nothing, mostly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// What is done, in order.
    pub(super) pieces: Vec<(Piece, Reason)>,
    /// The hash of the definition it is changed to, where its labels will not say it.
    pub(super) note: Option<String>,
}

/// One engine call of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Limits and restart policy.
    Limits,
    /// Leaves a network, by name.
    Leave(String),
    /// Joins a network.
    Join(NetworkKey),
}

impl<'a> Reconciler<'a> {
    /// How a container becomes what is wanted in place.
    ///
    /// # Errors
    /// It cannot: what differs.
    pub(super) fn in_place(
        &self,
        service: &Service,
        container: &Container,
        (old, new): (&Fields, &Fields),
        wanted_hash: &str,
    ) -> Result<Change, Vec<FieldChange>> {
        let changes = self.changes(service, old, new);
        let proven =
            container.identity.base_hash.as_deref() == Some(hash::base(&self.resolved(service)).as_str());
        let (light, heavy): (Vec<FieldChange>, Vec<FieldChange>) =
            changes.iter().cloned().partition(|change| is_light(&change.field));
        if !proven && (!heavy.is_empty() || light.is_empty()) {
            return Err(changes);
        }
        let reason = Reason::ConfigChanged { fields: light.clone() };
        let pieces = self.pieces(service, &light, old, &reason).ok_or(light)?;
        let note = (!pieces.is_empty()).then(|| wanted_hash.to_owned());
        Ok(Change { pieces, note })
    }

    /// What differs although the definition does not: somebody changed it by hand. Put right in place where it can be.
    ///
    /// # Errors
    /// It cannot: what differs.
    pub(super) fn drift(
        &self,
        service: &Service,
        old: &Fields,
        new: &Fields,
    ) -> Result<Change, Vec<FieldChange>> {
        let changes = self.changes(service, old, new);
        if !changes.iter().all(|change| is_light(&change.field)) {
            return Err(changes);
        }
        let reason = Reason::Drifted { fields: changes.clone() };
        let pieces = self.pieces(service, &changes, old, &reason).ok_or(changes)?;
        Ok(Change { pieces, note: None })
    }

    fn changes(&self, service: &Service, old: &Fields, new: &Fields) -> Vec<FieldChange> {
        let mut changes = diff::changes(old, new);
        // Which of its networks a container was created with first makes no difference as long as it stays in it.
        if self.keeps_first_network(service, old) {
            changes.retain(|change| change.field != "network_mode");
        }
        changes
    }

    /// The engine starts no container whose first network is gone, even when it is in others.
    fn keeps_first_network(&self, service: &Service, old: &Fields) -> bool {
        let first = old.get("network_mode").and_then(serde_json::Value::as_str);
        service.network_mode.is_empty()
            && first.is_some_and(|first| self.joined(service).any(|(_, network)| network.name == first))
    }

    /// `None` when the engine cannot do it in place.
    fn pieces(
        &self,
        service: &Service,
        changes: &[FieldChange],
        old: &Fields,
        reason: &Reason,
    ) -> Option<Vec<(Piece, Reason)>> {
        let limits: Vec<&FieldChange> =
            changes.iter().filter(|change| IN_PLACE.contains(&change.field.as_str())).collect();
        let takes_away =
            |change: &&FieldChange| change.new.is_none() && !REMOVABLE.contains(&change.field.as_str());
        // The engine keeps processors and quotas apart for ever.
        let either =
            |field: &str| limits.iter().any(|change| change.field == field) || old.contains_key(field);
        let mixes = !limits.is_empty() && either("cpus") && (either("cpu_quota") || either("cpu_period"));
        if !limits.is_empty() && (self.observed.cannot_update || limits.iter().any(takes_away) || mixes) {
            return None;
        }
        let touched = |name: &str| {
            changes.iter().any(|change| {
                let rest = change.field.strip_prefix("networks.").and_then(|rest| rest.strip_prefix(name));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let networks = changes.iter().any(|change| change.field.starts_with("networks."));
        if networks && (!self.keeps_first_network(service, old) || !service.network_mode.is_empty()) {
            return None;
        }
        let mut pieces = Vec::new();
        if !limits.is_empty() {
            pieces.push((Piece::Limits, reason.clone()));
        }
        if networks {
            let attached = old.iter().filter(|(_, value)| *value == "joined");
            for name in attached.filter_map(|(field, _)| field.strip_prefix("networks.")) {
                if touched(name) {
                    pieces.push((Piece::Leave(name.to_owned()), reason.clone()));
                }
            }
            for (key, network) in self.joined(service) {
                if touched(&network.name) {
                    pieces.push((Piece::Join(key.clone()), reason.clone()));
                }
            }
        }
        Some(pieces)
    }

    /// The networks of a service.
    pub(super) fn joined<'s>(
        &self,
        service: &'s Service,
    ) -> impl Iterator<Item = (&'s NetworkKey, &'a Network)> + use<'a, 's> {
        let project = self.project;
        service.networks.keys().filter_map(move |key| Some((key, project.networks.get(key)?)))
    }

    /// What the lists alone show of a container's networks: one it lost, one that was made anew under its name, one of the
    /// project's own that its service does not name. Networks of others are let be: proxies are put into them by hand.
    pub(super) fn network_drift(&self, service: &Service, container: &Container) -> Change {
        let mut change = Change::default();
        if !service.network_mode.is_empty() {
            return change;
        }
        for (key, network) in self.joined(service) {
            let reason = Reason::NetworkChanged { network: key.clone() };
            let id = self.find_network(key, network).map(|found| found.id.as_str()).unwrap_or_default();
            match container.networks.get(&network.name) {
                None => {
                    // An engine that does not list the networks of what does not run must not refuse to join it twice.
                    if !container.status.is_alive() {
                        change.pieces.push((Piece::Leave(network.name.clone()), reason.clone()));
                    }
                    change.pieces.push((Piece::Join(key.clone()), reason));
                }
                Some(endpoint)
                    if !endpoint.network_id.is_empty() && !id.is_empty() && endpoint.network_id != id =>
                {
                    change.pieces.push((Piece::Leave(network.name.clone()), reason.clone()));
                    change.pieces.push((Piece::Join(key.clone()), reason));
                }
                Some(_) => {}
            }
        }
        let wanted = |name: &str| self.joined(service).any(|(_, network)| network.name == name);
        for name in container.networks.keys().filter(|name| !wanted(name)) {
            let own =
                self.observed.networks.iter().any(|network| {
                    network.name == *name && network.project.as_ref() == Some(&self.project.name)
                });
            if own && !service.networks.is_empty() {
                let reason = Reason::NetworkExtra { network: name.clone() };
                change.pieces.push((Piece::Leave(name.clone()), reason));
            }
        }
        change
    }

    /// The steps of a change. Returns the ones after which it is made.
    pub(super) fn change(
        &mut self,
        container: &Container,
        reference: &ContainerRef,
        change: &Change,
        ready: Option<StepId>,
    ) -> Vec<StepId> {
        let mut after: Vec<StepId> = ready.into_iter().collect();
        let first = self.plan.next_id();
        if change.note.is_some() {
            after.extend(self.notes_begun);
        }
        for (piece, reason) in &change.pieces {
            let action = match piece {
                Piece::Limits => Action::UpdateContainer { container: reference.clone() },
                Piece::Leave(network) => {
                    Action::DisconnectNetwork { network: network.clone(), container: reference.clone() }
                }
                Piece::Join(key) => {
                    // A network that is replaced brings its containers back itself.
                    let Some(network) = self.project.networks.get(key) else { continue };
                    if self.reconnects(key, container) {
                        continue;
                    }
                    after.extend(self.network_steps.get(key));
                    Action::ConnectNetwork {
                        network: network.name.clone(),
                        key: key.clone(),
                        container: reference.clone(),
                    }
                }
            };
            after = vec![self.plan.step(action, reason.clone(), after)];
        }
        if change.note.is_some() {
            let group = Group { subject: reference.name.clone(), verb: GroupVerb::Update };
            for step in first.0..self.plan.next_id().0 {
                self.plan.group(StepId(step), &group);
            }
        }
        after
    }

    /// Whether the replacement of a network ends with a container in it.
    fn reconnects(&self, key: &NetworkKey, container: &Container) -> bool {
        self.reconnected.contains(&(key.clone(), container.id.clone()))
    }
}

/// Whether an attribute can change in place.
fn is_light(field: &str) -> bool {
    IN_PLACE.contains(&field) || field.starts_with("networks.")
}
