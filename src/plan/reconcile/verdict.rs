//! What becomes of each container: a total accounting, the ones that stay included.

use super::Reconciler;
use super::in_place::Change;
use crate::model::{Service, ServiceName, hash};
use crate::observe::{Container, ContainerStatus};
use crate::plan::{AnonymousVolumes, Reason, Recreate};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of one container, or of a number that has none.
#[derive(Debug, Clone)]
pub(super) enum Verdict<'a> {
    /// It stays, and may change in place.
    Keep { container: &'a Container, change: Change },
    /// It makes way for a new one.
    Replace { container: &'a Container, number: u32, reason: Reason },
    /// It goes.
    Remove { container: &'a Container, reason: Reason },
    /// A new one comes.
    Create { number: u32 },
}

impl<'a> Reconciler<'a> {
    pub(super) fn verdicts(&mut self) {
        let order: Vec<ServiceName> = self.graph.in_order().into_iter().cloned().collect();
        for name in order {
            let Some(service) = self.project.services.get(&name) else { continue };
            let waits_for_held =
                self.graph.needs(&name).iter().any(|(needed, _)| self.held.contains(*needed));
            if service.provider.is_some() {
                if waits_for_held {
                    self.held.insert(name);
                }
                continue;
            }
            let one_off = self.policy.one_off.as_ref().is_some_and(|one_off| one_off.service == name);
            let verdicts = if one_off { Vec::new() } else { self.service_verdicts(service) };
            let pending_image = self.image_steps.contains_key(&self.project.image_name(service));
            // What a provider gives is part of what a container is made of, and known once the provider has run.
            let pending_values =
                self.graph.needs(&name).iter().any(|(needed, _)| {
                    self.is_provider(needed) && !self.policy.provided.contains_key(*needed)
                });
            let undecided = verdicts.iter().any(|verdict| match verdict {
                Verdict::Keep { .. } => pending_image || pending_values,
                Verdict::Replace { reason: Reason::ConfigChanged { .. }, .. } => pending_values,
                Verdict::Replace { .. } | Verdict::Remove { .. } | Verdict::Create { .. } => false,
            });
            if undecided || (one_off && pending_values) {
                self.plan.defer(name.as_str());
                self.held.insert(name.clone());
            } else if waits_for_held {
                self.held.insert(name.clone());
            }
            self.verdicts.insert(name, verdicts);
        }
    }

    fn service_verdicts(&self, service: &'a Service) -> Vec<Verdict<'a>> {
        let mut verdicts = Vec::new();
        let mut by_number: BTreeMap<u32, Vec<&'a Container>> = BTreeMap::new();
        for container in &self.observed.containers {
            let identity = &container.identity;
            let counts =
                !identity.oneoff && identity.hook.is_none() && container.status != ContainerStatus::Removing;
            if counts && identity.service == service.name && !self.is_gone(container) {
                by_number.entry(identity.number.unwrap_or(1)).or_default().push(container);
            }
        }
        // A run that was interrupted in a replacement leaves two containers of one number.
        let mut present: Vec<(u32, &'a Container, Result<Change, Reason>)> = Vec::new();
        for (number, mut twins) in by_number {
            twins.sort_by_key(|twin| self.twin_rank(service, twin));
            let mut twins = twins.into_iter();
            if let Some(keeper) = twins.next() {
                present.push((number, keeper, self.judge(service, keeper)));
            }
            verdicts.extend(twins.map(|surplus| Verdict::Remove {
                container: surplus,
                reason: Reason::Repair { from: surplus.name.clone() },
            }));
        }
        // Surplus: the ones that would be replaced anyway go first, then the highest numbers.
        present.sort_by_key(|(number, _, judged)| (judged.is_err(), *number));
        let wanted = self.replicas(service);
        let keep = usize::try_from(wanted).unwrap_or(usize::MAX).min(present.len());
        let mut gone: Vec<u32> =
            self.gone.keys().filter(|(of, _)| *of == service.name).map(|(_, number)| *number).collect();
        gone.truncate(usize::try_from(wanted).unwrap_or(usize::MAX).saturating_sub(keep));
        verdicts.extend(gone.iter().map(|number| Verdict::Create { number: *number }));
        let mut highest =
            present.iter().map(|(number, ..)| *number).chain(gone.iter().copied()).max().unwrap_or(0);
        let surplus = present.split_off(keep);
        present.sort_by_key(|(number, ..)| *number);
        for (number, container, judged) in present {
            verdicts.push(match judged {
                Ok(change) => Verdict::Keep { container, change },
                Err(reason) => Verdict::Replace { container, number, reason },
            });
        }
        for (_, container, _) in surplus.into_iter().rev() {
            verdicts.push(Verdict::Remove { container, reason: Reason::ScaledDown { to: wanted } });
        }
        let missing = usize::try_from(wanted).unwrap_or(usize::MAX).saturating_sub(keep + gone.len());
        for _ in 0..missing {
            highest += 1;
            verdicts.push(Verdict::Create { number: highest });
        }
        verdicts
    }

    /// Of two containers of one number the first in this order stays: the one that already is what is wanted, else the
    /// one that serves, else the newest.
    fn twin_rank(&self, service: &Service, twin: &Container) -> (bool, bool, i64, String) {
        // A new one that has not proven itself must not cost the old one that serves.
        let current = twin.identity.current_hash() == Some(self.wanted_hash(service).as_str())
            && !self.is_unproven(service, twin);
        (!current, !twin.status.is_alive(), -twin.created, twin.id.0.clone())
    }

    /// The hash a service's container would get now.
    pub(super) fn wanted_hash(&self, service: &Service) -> String {
        hash::service(&self.resolved(service))
    }

    /// A service with the ids of the containers whose namespaces and volumes it shares.
    pub(super) fn resolved<'s>(&self, service: &'s Service) -> Cow<'s, Service> {
        service.with_container_ids(|parent| {
            // Of two containers that an interrupted run left it is the one that stays.
            let stays = self.verdicts.get(parent).into_iter().flatten().find_map(|verdict| match verdict {
                Verdict::Keep { container, .. } => Some(container.id.0.clone()),
                Verdict::Replace { .. } | Verdict::Remove { .. } | Verdict::Create { .. } => None,
            });
            if stays.is_some() {
                return stays;
            }
            let mut ids: Vec<&Container> = self
                .observed
                .containers
                .iter()
                .filter(|container| container.identity.service == *parent && !container.identity.oneoff)
                .collect();
            ids.sort_by_key(|container| container.identity.number);
            ids.first().map(|container| container.id.0.clone())
        })
    }

    /// What changes in a container that stays.
    ///
    /// # Errors
    /// Why it cannot stay, the strongest reason first.
    fn judge(&self, service: &Service, container: &Container) -> Result<Change, Reason> {
        match self.recreate(&service.name) {
            Recreate::Never => return Ok(self.network_drift(service, container)),
            Recreate::Force => return Err(Reason::Forced),
            Recreate::Diverged => {}
        }
        if container.status == ContainerStatus::Dead {
            return Err(Reason::NotRunning { status: container.status.as_str().to_owned() });
        }
        if let Some(parent) = self.recreated_parent(service) {
            return Err(Reason::ParentRecreated { service: parent });
        }
        let wanted_hash = self.wanted_hash(service);
        let fields = self.observed.fields.get(&container.id).zip(self.wanted.get(&service.name));
        let mut change = if container.identity.current_hash() == Some(wanted_hash.as_str()) {
            match fields.filter(|_| self.policy.drift) {
                Some((old, new)) => {
                    self.drift(service, old, new).map_err(|fields| Reason::Drifted { fields })?
                }
                None => Change::default(),
            }
        } else {
            let Some(fields) = fields else { return Err(Reason::ConfigChanged { fields: Vec::new() }) };
            self.in_place(service, container, fields, &wanted_hash)
                .map_err(|fields| Reason::ConfigChanged { fields })?
        };
        let name = self.project.image_name(service);
        if let (Some(made_from), Some(image)) =
            (&container.identity.image_digest, self.observed.images.get(&name))
            && *made_from != image.digest
            // Compose 5 labels with the digest of the platform's manifest, where the engine tells it, Compose 2 with the
            // image's id, as is done here. A container that either made stays while it runs the same manifest.
            && !image.is_of(container)
        {
            let (from, to) = (made_from.clone(), image.digest.clone());
            return Err(Reason::ImageChanged { image: name, from, to });
        }
        let files = self.changed_contents(service, container);
        if !files.is_empty() {
            return Err(Reason::ContentChanged { files });
        }
        if let Some(reason) = self.to_reattach(service, container) {
            return Err(reason);
        }
        if let Some(reason) = self.missing_volume(service, container) {
            return Err(reason);
        }
        if change.pieces.is_empty() {
            change = self.network_drift(service, container);
        }
        Ok(change)
    }

    /// Configs and secrets whose contents are not what the container was given. Of containers that the reference made
    /// nothing is known, and a container is not replaced for that.
    fn changed_contents(&self, service: &Service, container: &Container) -> Vec<String> {
        let (Some(given), Some(wanted)) = (&container.identity.contents, self.contents.get(&service.name))
        else {
            return Vec::new();
        };
        given
            .iter()
            .filter(|(file, hash)| wanted.get(*file).is_some_and(|wanted| wanted != *hash))
            .map(|(file, _)| file.replacen(':', " ", 1))
            .collect()
    }

    fn recreated_parent(&self, service: &Service) -> Option<ServiceName> {
        let parents: BTreeSet<ServiceName> = crate::graph::services::shared_services(service);
        parents.into_iter().find(|parent| {
            self.verdicts.get(parent).is_some_and(|verdicts| {
                verdicts
                    .iter()
                    .any(|verdict| matches!(verdict, Verdict::Replace { .. } | Verdict::Create { .. }))
            })
        })
    }

    /// What a container takes over the anonymous volumes of, when the user asked for it: one that was removed before.
    pub(super) fn heritage(&self, service: &ServiceName, number: u32) -> Option<&'a Container> {
        let removed = self
            .observed
            .detached
            .iter()
            .filter(|_| self.policy.anonymous_volumes == AnonymousVolumes::Reattached);
        removed
            .into_iter()
            .find(|one| one.identity.service == *service && one.identity.number == Some(number))
    }

    fn to_reattach(&self, service: &Service, container: &Container) -> Option<Reason> {
        let before = self.heritage(&service.name, container.identity.number.unwrap_or(1))?;
        let differs = before.mounts.iter().find(|old| {
            // Where the file mounts something else by now there is no place for it.
            container.mounts.iter().any(|now| {
                now.is_anonymous_volume() && now.destination == old.destination && now.name != old.name
            })
        })?;
        Some(Reason::Reattached { destination: differs.destination.clone() })
    }

    /// A named volume that should be mounted and is not.
    fn missing_volume(&self, service: &Service, container: &Container) -> Option<Reason> {
        for mount in &service.volumes {
            if mount.kind != crate::model::MountType::Volume || mount.source.is_empty() {
                continue;
            }
            let Some((key, volume)) = self.project.volumes.get_key_value(mount.source.as_str()) else {
                continue;
            };
            let mounted =
                container.mounts.iter().any(|seen| seen.kind == "volume" && seen.name == volume.name);
            if !mounted {
                return Some(Reason::VolumeChanged { volume: key.clone() });
            }
        }
        None
    }
}
