//! What was changed in place is put down on the engine: before, that it is under way, after, what it came to. What nobody needs
//! any more is taken away.

use super::Reconciler;
use super::verdict::Verdict;
use crate::observe::ContainerId;
use crate::plan::{Action, Reason, StepId};
use std::collections::BTreeMap;

impl Reconciler<'_> {
    /// Says of every container that is about to change that it is. A run that is cut short leaves that: then the next one
    /// looks at what the container really is.
    pub(super) fn begin_notes(&mut self) {
        let changing = self.changing();
        if changing.is_empty() {
            return;
        }
        let newest = self.observed.notes.first();
        let exists = |id: &str| self.observed.containers.iter().any(|container| container.id.0 == id);
        let mut notes: BTreeMap<String, Option<String>> = newest
            .map(|newest| newest.notes.clone())
            .unwrap_or_default()
            .into_iter()
            .filter(|(id, _)| exists(id))
            .collect();
        notes.extend(changing.keys().map(|id| (id.clone(), None)));
        let generation = newest.map_or(1, |newest| newest.generation + 1);
        let supersedes = newest.map(|newest| newest.name.clone());
        self.notes_begun = Some(self.write_notes(generation, notes, supersedes, Vec::new()));
    }

    /// Says what they came to.
    pub(super) fn finish_notes(&mut self, made: Vec<StepId>) {
        let Some(begun) = self.notes_begun else { return };
        let Some(Action::WriteNotes { generation, notes, name, .. }) = self.plan.action(begun).cloned()
        else {
            return;
        };
        let mut notes = notes;
        for (id, hash) in self.changing() {
            notes.insert(id, Some(hash));
        }
        let after = made.into_iter().chain([begun]).collect();
        self.write_notes(generation + 1, notes, Some(name), after);
    }

    /// Takes away what nobody needs any more, with whatever else is done.
    pub(super) fn tidy_notes(&mut self) {
        let kept = |id: &str| {
            self.verdicts.values().flatten().any(|verdict| match verdict {
                Verdict::Keep { container, .. } => container.id.0 == id,
                Verdict::Replace { .. } | Verdict::Remove { .. } | Verdict::Create { .. } => false,
            }) || self.held.iter().any(|service| {
                self.observed.containers.iter().any(|one| one.id.0 == id && one.identity.service == *service)
            })
        };
        let removals = self.plan.removals();
        let stale: Vec<_> = self
            .observed
            .notes
            .iter()
            .enumerate()
            .filter(|(position, notes)| {
                // The newest one is superseded by what this plan writes.
                *position > 0 || (self.notes_begun.is_none() && !notes.notes.keys().any(|id| kept(id)))
            })
            .map(|(_, notes)| (notes.id.clone(), notes.name.clone()))
            .collect();
        if self.plan.is_empty() {
            return;
        }
        let hooks: Vec<_> = self
            .observed
            .hooks_due
            .iter()
            .filter(|due| self.owes_no_hooks(&due.container))
            .map(|due| (due.id.clone(), due.name.clone()))
            .collect();
        for (id, name) in stale.into_iter().chain(hooks) {
            let step = self.plan.step(
                Action::RemoveNotes { id, name },
                Reason::Bookkeeping,
                removals.iter().copied(),
            );
            self.plan.amend(step, |step| step.optional = true);
        }
    }

    /// Whether a container is gone when the plan is done, or its service has no `post_start` hooks any more.
    fn owes_no_hooks(&self, id: &ContainerId) -> bool {
        let Some(container) = self.observed.containers.iter().find(|container| container.id == *id) else {
            return true;
        };
        let service = self.project.services.get(&container.identity.service);
        self.plan.removes(id) || service.is_some_and(|service| service.post_start.is_empty())
    }

    fn changing(&self) -> BTreeMap<String, String> {
        let mut changing = BTreeMap::new();
        for (service, verdicts) in &self.verdicts {
            for verdict in verdicts {
                if let Verdict::Keep { container, change } = verdict
                    && let Some(hash) = &change.note
                    && !self.held.contains(service)
                {
                    changing.insert(container.id.0.clone(), hash.clone());
                }
            }
        }
        changing
    }

    fn write_notes(
        &mut self,
        generation: u64,
        notes: BTreeMap<String, Option<String>>,
        supersedes: Option<String>,
        after: Vec<StepId>,
    ) -> StepId {
        let name = format!("{}_stack-notes-{generation}", self.project.name);
        let action = Action::WriteNotes { name, generation, notes, supersedes };
        self.plan.step(action, Reason::Bookkeeping, after)
    }
}
