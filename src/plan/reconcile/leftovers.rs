//! Networks and volumes of the project that left its file, or got another key there. They are named and left alone: `up` is not
//! asked to remove anything.

use super::Reconciler;
use crate::yaml::Node;

impl Reconciler<'_> {
    pub(super) fn leftovers(&mut self) {
        // A part of the project says nothing about the rest; a plan that is made without a file's tree neither.
        let Some(tree) = self.project.origins.tree().filter(|_| self.policy.selected.is_empty()) else {
            return;
        };
        let own = Some(&self.project.name);
        // The network that nobody declares may belong to services that a profile leaves out.
        let implicit = !self.project.disabled_services.is_empty();
        let networks: Vec<&str> = self
            .observed
            .networks
            .iter()
            .filter(|network| network.project.as_ref() == own)
            .filter_map(|network| Some((network.name.as_str(), network.key.as_ref()?)))
            .filter(|(_, key)| !self.project.networks.contains_key(*key))
            .filter(|(_, key)| {
                !(declares(tree, "networks", key.as_str()) || (implicit && key.as_str() == "default"))
            })
            .map(|(name, _)| name)
            .collect();
        let volumes: Vec<&str> = self
            .observed
            .volumes
            .iter()
            .filter(|volume| volume.project.as_ref() == own)
            .filter_map(|volume| Some((volume.name.as_str(), volume.key.as_ref()?)))
            .filter(|(_, key)| {
                !self.project.volumes.contains_key(*key) && !declares(tree, "volumes", key.as_str())
            })
            .map(|(name, _)| name)
            .collect();
        let named =
            |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if !networks.is_empty() {
            let text = named(&networks);
            self.plan.warn(format!(
                "networks of this project are not in the stack file any more: {text}. They are left alone; `down` removes them"
            ));
        }
        if !volumes.is_empty() {
            let text = named(&volumes);
            let remove = volumes.join(" ");
            self.plan.warn(format!(
                "volumes of this project are not in the stack file any more: {text}. They keep their data; to remove them with it: `docker volume rm {remove}`"
            ));
        }
    }
}

fn declares(tree: &Node, section: &str, key: &str) -> bool {
    tree.get(section).is_some_and(|section| section.get(key).is_some())
}
