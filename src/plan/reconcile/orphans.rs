//! Containers whose service left the file.

use super::Reconciler;
use crate::observe::Container;
use crate::plan::{OrphanPolicy, Reason};

impl<'a> Reconciler<'a> {
    pub(super) fn orphans(&mut self) {
        let orphans: Vec<&'a Container> =
            self.observed.containers.iter().filter(|container| self.is_orphan(container)).collect();
        match self.policy.orphans {
            OrphanPolicy::Ignore => {}
            OrphanPolicy::Remove => {
                for orphan in orphans {
                    self.remove(orphan, &Reason::Orphan, []);
                }
            }
            OrphanPolicy::Warn if orphans.is_empty() => {}
            OrphanPolicy::Warn => {
                let names: Vec<&str> = orphans.iter().map(|orphan| orphan.name.as_str()).collect();
                self.plan.warn(format!(
                    "Found orphan containers ([{}]) for this project: their services are not in the stack file any more. Remove them with `--remove-orphans`",
                    names.join(" ")
                ));
            }
        }
    }

    /// Services that a profile or a selection leaves out are no orphans; one-off containers are once they have ended.
    fn is_orphan(&self, container: &Container) -> bool {
        let identity = &container.identity;
        if identity.config_hash.is_none() {
            return false;
        }
        if identity.oneoff {
            return self.policy.orphans == OrphanPolicy::Remove && !container.status.is_alive();
        }
        !self.project.services.contains_key(&identity.service)
            && !self.project.disabled_services.contains_key(&identity.service)
    }
}
