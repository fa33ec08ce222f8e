//! Volumes: made when missing; replaced only when the user has agreed to lose what is in them.

use super::{Reconciler, diff};
use crate::lower::fields;
use crate::model::{Volume, VolumeKey, hash};
use crate::observe::ObservedVolume;
use crate::plan::{Action, Question, Reason};
use crate::yaml::NodePath;

impl<'a> Reconciler<'a> {
    pub(super) fn volumes(&mut self) {
        for (key, volume) in &self.project.volumes {
            match self.find_volume(volume) {
                None if volume.external => self.problem(
                    NodePath::of(&["volumes", key.as_str()]),
                    format!("volume `{}` is declared as external and does not exist", volume.name),
                    format!("create it: `docker volume create {}`, or remove `external: true`", volume.name),
                ),
                None => self.create_volume(key, volume),
                Some(_) if volume.external => {}
                Some(found) if found.project.as_ref() != Some(&self.project.name) => self.plan.warn(format!(
                    "volume `{}` exists and was not created by project `{}`; it is used as it is (set `external: true` to say so)",
                    found.name, self.project.name
                )),
                Some(found) => {
                    if found.config_hash.as_ref().is_some_and(|seen| *seen != hash::volume(volume)) {
                        self.diverged_volume(volume, found);
                    }
                }
            }
        }
    }

    pub(super) fn find_volume(&self, volume: &Volume) -> Option<&'a ObservedVolume> {
        self.observed.volumes.iter().find(|candidate| candidate.name == volume.name)
    }

    fn create_volume(&mut self, key: &VolumeKey, volume: &Volume) {
        let action = Action::CreateVolume { key: key.clone(), name: volume.name.clone() };
        let step = self.plan.step(action, Reason::Missing, []);
        self.volume_steps.insert(key.clone(), step);
    }

    /// The engine cannot change a volume, and replacing one loses its data: never without the user's word.
    fn diverged_volume(&mut self, volume: &Volume, found: &ObservedVolume) {
        let fields = if found.fields.is_empty() {
            Vec::new()
        } else {
            diff::changes(&found.fields, &fields::of_volume(volume))
        };
        let shown: Vec<String> = fields.iter().map(ToString::to_string).collect();
        let shown = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
        self.plan.ask(Question::ReplaceVolume { name: volume.name.clone(), fields });
        self.plan.warn(format!(
            "volume `{}` was created with another definition{shown}; it is kept as it is, with its data. To replace it, remove it first: `docker volume rm {}`",
            volume.name, volume.name
        ));
    }
}
