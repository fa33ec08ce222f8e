//! Volumes: made when missing; replaced only when the user has agreed to, and then with or without what is in them.
//!
//! The engine can neither change nor rename a volume, nor remove one that a container mounts. So a replacement that moves the
//! data goes by way of a second volume, the *keeper*: users go, keeper made, old copied to it, old removed, new made, keeper
//! copied to it, keeper removed, users come. At any moment one volume holds everything, and which one is seen from what is
//! there: the old one while there is one, else the keeper while there is one.

use super::{Problem, Reconciler, diff};
use crate::lower::fields;
use crate::lower::volume::COPY;
use crate::model::{Project, ServiceName, Volume, VolumeKey, hash};
use crate::observe::{Container, ObservedVolume};
use crate::plan::{Action, ContainerRef, FieldChange, OldData, Policy, Question, Reason, StepId};
use crate::yaml::NodePath;

/// The project's own volumes that were created with another definition.
pub(super) fn diverged<'a>(
    project: &'a Project,
    observed: &'a [ObservedVolume],
) -> impl Iterator<Item = (&'a Volume, &'a ObservedVolume)> {
    project.volumes.values().filter_map(|volume| {
        let found = observed.iter().find(|candidate| candidate.name == volume.name)?;
        let own = !volume.external && found.project.as_ref() == Some(&project.name);
        (own && has_diverged(volume, found)).then_some((volume, found))
    })
}

fn has_diverged(volume: &Volume, found: &ObservedVolume) -> bool {
    found.config_hash.as_ref().is_some_and(|seen| *seen != hash::volume(volume))
}

/// What the user has to decide about one.
pub(super) fn question(volume: &Volume, found: &ObservedVolume) -> Question {
    Question::ReplaceVolume { name: volume.name.clone(), fields: changes(volume, found) }
}

/// What becomes of its data, when the user has agreed to replace it.
pub(super) fn agreed(policy: &Policy, volume: &Volume) -> Option<OldData> {
    policy.replace_volumes.get(&volume.name).copied().or(policy.replace_all_volumes)
}

fn changes(volume: &Volume, found: &ObservedVolume) -> Vec<FieldChange> {
    if found.fields.is_empty() {
        Vec::new()
    } else {
        diff::changes(&found.fields, &fields::of_volume(volume))
    }
}

/// The name of the volume that keeps the data of another one.
fn keeper_name(volume: &str) -> String {
    format!("{volume}_kept")
}

impl<'a> Reconciler<'a> {
    pub(super) fn volumes(&mut self) {
        let tidied = self.tidy_copiers();
        for (key, volume) in &self.project.volumes {
            let keeper = self.keeper_of(volume);
            match self.find_volume(volume) {
                None if volume.external => self.problem(
                    NodePath::of(&["volumes", key.as_str()]),
                    format!("volume `{}` is declared as external and does not exist", volume.name),
                    format!("create it: `docker volume create {}`, or remove `external: true`", volume.name),
                ),
                None => {
                    let created = self.create_volume(key, volume, Reason::Missing, &[]);
                    if let Some(keeper) = keeper {
                        self.take_back(key, volume, &keeper.name, [&[created][..], &tidied].concat());
                    }
                }
                Some(_) if volume.external => {}
                Some(found) if found.project.as_ref() != Some(&self.project.name) => self.plan.warn(format!(
                    "volume `{}` exists and was not created by project `{}`; it is used as it is (set `external: true` to say so)",
                    found.name, self.project.name
                )),
                Some(found) if has_diverged(volume, found) => {
                    self.diverged_volume(key, volume, found, keeper, &tidied);
                }
                Some(_) => {
                    if let Some(keeper) = keeper {
                        self.finish_move(key, volume, keeper, &tidied);
                    }
                }
            }
        }
    }

    pub(super) fn find_volume(&self, volume: &Volume) -> Option<&'a ObservedVolume> {
        self.observed.volumes.iter().find(|candidate| candidate.name == volume.name)
    }

    fn keeper_of(&self, volume: &Volume) -> Option<&'a ObservedVolume> {
        let keeps = |candidate: &&ObservedVolume| {
            candidate.moves.as_ref() == Some(&volume.name)
                && candidate.project.as_ref() == Some(&self.project.name)
        };
        self.observed.volumes.iter().find(keeps)
    }

    /// Whether a container is removed because a volume it mounts is replaced.
    pub(super) fn is_gone(&self, container: &Container) -> bool {
        self.gone.values().any(|gone| gone.id == container.id)
    }

    /// Containers that volumes were copied through when a run was killed: they would keep the volumes.
    fn tidy_copiers(&mut self) -> Vec<StepId> {
        let observed = self.observed;
        let left = observed.containers.iter().filter(|one| one.identity.hook.as_deref() == Some(COPY));
        left.map(|container| {
            let reference = ContainerRef::to(container);
            let action = Action::RemoveContainer { container: reference, volumes: true, force: true };
            self.plan.step(action, Reason::Repair { from: container.name.clone() }, [])
        })
        .collect()
    }

    fn create_volume(
        &mut self,
        key: &VolumeKey,
        volume: &Volume,
        reason: Reason,
        after: &[StepId],
    ) -> StepId {
        let action = Action::CreateVolume { key: key.clone(), name: volume.name.clone() };
        let step = self.plan.step(action, reason, after.iter().copied());
        self.volume_steps.insert(key.clone(), step);
        step
    }

    /// What is kept goes into the new volume before anybody uses it, and is kept no longer.
    fn take_back(&mut self, key: &VolumeKey, volume: &Volume, keeper: &str, after: Vec<StepId>) {
        let Some(copied) = self.copy(key, keeper, &volume.name, after) else { return };
        let action = Action::RemoveVolume { name: keeper.to_owned() };
        let removed = self.plan.step(action, Reason::VolumeChanged { volume: key.clone() }, [copied]);
        self.volume_steps.insert(key.clone(), removed);
    }

    /// A run was killed after it had made the new volume, and before it had all the data.
    fn finish_move(&mut self, key: &VolumeKey, volume: &Volume, keeper: &ObservedVolume, tidied: &[StepId]) {
        // Whoever uses it already has begun with what there was: writing over that could lose data.
        if self.users(&volume.name).next().is_none() {
            self.take_back(key, volume, &keeper.name, tidied.to_vec());
        } else {
            self.plan.warn(format!(
                "volume `{}` keeps the data that `{}` had before it was replaced; it was not copied back because containers use `{}` already. Once it is not needed: `docker volume rm {}`",
                keeper.name, volume.name, volume.name, keeper.name
            ));
        }
    }

    /// Copies through a container of an image that is here, or that a step brings.
    fn copy(&mut self, key: &VolumeKey, from: &str, to: &str, mut after: Vec<StepId>) -> Option<StepId> {
        let users = self.project.services.values().filter(|service| {
            service.provider.is_none() && service.volumes.iter().any(|mount| mount.source == key.as_str())
        });
        let others = self.project.services.values().filter(|service| service.provider.is_none());
        let images: Vec<String> =
            users.chain(others).map(|service| self.project.image_name(service)).collect();
        let here = images.iter().find(|image| self.observed.images.contains_key(*image));
        let coming = images.iter().find(|image| self.image_steps.contains_key(*image));
        let Some(image) = here.or(coming).cloned() else {
            self.problems.push(Problem {
                path: NodePath::of(&["volumes", key.as_str()]),
                message: format!("cannot copy volume `{from}` to `{to}`: no image is here to do it with"),
                help: vec!["pull one that the stack file names".to_owned()],
            });
            return None;
        };
        after.extend(self.image_steps.get(&image));
        let action = Action::CopyVolume { from: from.to_owned(), to: to.to_owned(), image };
        Some(self.plan.step(action, Reason::VolumeChanged { volume: key.clone() }, after))
    }

    /// Own containers that mount a volume.
    fn users<'s>(&'s self, volume: &'s str) -> impl Iterator<Item = &'a Container> + 's {
        self.observed.containers.iter().filter(move |container| {
            container.identity.hook.as_deref() != Some(COPY)
                && container.mounts.iter().any(|mount| mount.kind == "volume" && mount.name == volume)
        })
    }

    fn diverged_volume(
        &mut self,
        key: &VolumeKey,
        volume: &Volume,
        found: &'a ObservedVolume,
        keeper: Option<&'a ObservedVolume>,
        tidied: &[StepId],
    ) {
        let stale = keeper.map(|keeper| {
            // The old one is whole, so what was copied of it is not needed.
            let action = Action::RemoveVolume { name: keeper.name.clone() };
            self.plan.step(action, Reason::Repair { from: keeper.name.clone() }, tidied.iter().copied())
        });
        let fields = changes(volume, found);
        let Some(data) = agreed(self.policy, volume) else {
            let shown: Vec<String> = fields.iter().map(ToString::to_string).collect();
            let shown = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
            self.plan.ask(question(volume, found));
            self.plan.warn(format!(
                "volume `{}` was created with another definition{shown}; it is kept as it is, with its data. `--migrate-volumes` replaces it and moves its data, `--yes` replaces it and loses its data",
                volume.name
            ));
            return;
        };
        if self.refuse_to_take_from_others(key, volume, found) {
            return;
        }
        let reason = Reason::ConfigChanged { fields };
        let mut after = tidied.to_vec();
        after.extend(stale);
        let users: Vec<&'a Container> = self.users(&found.name).collect();
        for container in users {
            let changed = Reason::VolumeChanged { volume: key.clone() };
            let identity = &container.identity;
            if !self.is_gone(container) {
                let dependents = self.stop_restarted_with(&identity.service);
                after.push(self.remove(container, &changed, dependents));
                if !identity.oneoff && identity.hook.is_none() {
                    let number = identity.number.unwrap_or(1);
                    self.gone.insert((identity.service.clone(), number), container);
                }
            } else if let Some(freed) = self.freed.get(&container.name) {
                after.push(*freed);
            }
        }
        let keeper = keeper_name(&volume.name);
        if data == OldData::Moves {
            let action = Action::CreateKeeper { name: keeper.clone(), of: volume.name.clone() };
            let made = self.plan.step(action, reason.clone(), after);
            let Some(copied) = self.copy(key, &volume.name, &keeper, vec![made]) else { return };
            after = vec![copied];
        }
        let remove = Action::RemoveVolume { name: found.name.clone() };
        let removed = self.plan.step(remove, reason.clone(), after);
        let created = self.create_volume(key, volume, reason, &[removed]);
        if data == OldData::Moves {
            self.take_back(key, volume, &keeper, vec![created]);
        }
    }

    /// Dependents with `restart: true` stop before a container goes for its volume's sake; the start phase brings them back.
    fn stop_restarted_with(&mut self, service: &ServiceName) -> Vec<StepId> {
        let dependents: Vec<&ServiceName> = self
            .graph
            .needed_by(service)
            .into_iter()
            .filter(|(_, need)| need.restart)
            .map(|(name, _)| name)
            .collect();
        let alive: Vec<&'a Container> = self
            .observed
            .containers
            .iter()
            .filter(|container| {
                let identity = &container.identity;
                let counts = !identity.oneoff && identity.hook.is_none() && container.status.is_alive();
                counts && dependents.contains(&&identity.service)
            })
            .collect();
        let reason = Reason::DependencyRestarted { service: service.clone() };
        alive.into_iter().map(|container| self.stop(container, &reason, [])).collect()
    }

    /// The engine does not remove a volume that others mount: better to know before our own containers are gone.
    fn refuse_to_take_from_others(
        &mut self,
        key: &VolumeKey,
        volume: &Volume,
        found: &ObservedVolume,
    ) -> bool {
        let comes_back = |id: &str| {
            self.observed.containers.iter().filter(|one| one.id.0 == id).any(|one| {
                let identity = &one.identity;
                let known = self.project.services.contains_key(&identity.service);
                identity.hook.is_some() || (known && !(identity.oneoff && one.status.is_alive()))
            })
        };
        let others: Vec<String> = found
            .users
            .iter()
            .filter(|(id, _)| !comes_back(id))
            .map(|(_, name)| format!("`{name}`"))
            .collect();
        if others.is_empty() {
            return false;
        }
        self.problems.push(Problem {
            path: NodePath::of(&["volumes", key.as_str()]),
            message: format!(
                "volume `{}` cannot be replaced: containers that would not come back use it: {}",
                volume.name,
                others.join(", ")
            ),
            help: vec!["stop and remove them first, or give the changed volume another `name`".to_owned()],
        });
        true
    }
}
