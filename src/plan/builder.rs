//! Puts a plan together so that its invariants hold by construction.

use super::{Action, Group, Lane, Plan, Question, Reason, Step, StepId, Target, When};
use crate::observe::ContainerId;
use crate::yaml::NodePath;
use std::collections::BTreeSet;

/// A plan in the making. Steps can only be put after steps that are there, so the result is topologically ordered.
#[derive(Debug, Default)]
pub(super) struct PlanBuilder {
    plan: Plan<Action>,
}

impl PlanBuilder {
    /// Adds a step after others.
    pub(super) fn step(
        &mut self,
        action: Action,
        reason: Reason,
        after: impl IntoIterator<Item = StepId>,
    ) -> StepId {
        let id = StepId(self.plan.steps.len());
        let after: BTreeSet<StepId> = after.into_iter().collect();
        debug_assert!(after.iter().all(|earlier| *earlier < id), "a step comes after steps that are there");
        let lane = lane(&action);
        self.plan.steps.push(Step {
            id,
            action,
            reason,
            after: after.into_iter().collect(),
            when: When::default(),
            contained: false,
            optional: false,
            lane,
            group: None,
        });
        id
    }

    /// The id the next step will have.
    pub(super) fn next_id(&self) -> StepId {
        StepId(self.plan.steps.len())
    }

    /// What a step does.
    pub(super) fn action(&self, id: StepId) -> Option<&Action> {
        self.plan.steps.get(id.0).map(|step| &step.action)
    }

    /// The steps that remove containers.
    pub(super) fn removals(&self) -> Vec<StepId> {
        let removes = |step: &&Step<Action>| matches!(step.action, Action::RemoveContainer { .. });
        self.plan.steps.iter().filter(removes).map(|step| step.id).collect()
    }

    /// Whether a container that was there is removed.
    pub(super) fn removes(&self, id: &ContainerId) -> bool {
        let target = Target::Existing(id.clone());
        let removed = |action: &Action| {
            let removal = matches!(action, Action::RemoveContainer { .. });
            removal && action.container().is_some_and(|container| container.target == target)
        };
        self.plan.steps.iter().any(|step| removed(&step.action))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plan.steps.is_empty()
    }

    /// Changes the step that was added last: its lane, row or whether it may fail.
    pub(super) fn amend(&mut self, id: StepId, change: impl FnOnce(&mut Step<Action>)) {
        if let Some(step) = self.plan.steps.get_mut(id.0) {
            change(step);
        }
    }

    /// Puts a step into a row.
    pub(super) fn group(&mut self, id: StepId, group: &Group) {
        self.amend(id, |step| step.group = Some(group.clone()));
    }

    pub(super) fn warn(&mut self, message: impl Into<String>) {
        self.plan.warnings.push(message.into());
    }

    /// Warns of what an attribute asks for, which is told with its place.
    pub(super) fn warn_about(&mut self, path: NodePath, message: impl Into<String>) {
        self.plan.about.push((path, message.into()));
    }

    pub(super) fn ask(&mut self, question: Question) {
        self.plan.questions.push(question);
    }

    pub(super) fn defer(&mut self, service: impl Into<String>) {
        self.plan.deferred.push(service.into());
    }

    pub(super) fn unchanged(&mut self, container: impl Into<String>) {
        self.plan.unchanged.push(container.into());
    }

    pub(super) fn finish(self) -> Plan<Action> {
        self.plan
    }
}

fn lane(action: &Action) -> Lane {
    match action {
        Action::PullImage { .. } | Action::PushImage { .. } | Action::PrepareModel { .. } => Lane::Pull,
        Action::BuildImage { .. } => Lane::Build,
        // A stop is the container's own grace period: the engine does nothing meanwhile.
        Action::Wait { .. }
        | Action::RunHook { .. }
        | Action::RunProvider { .. }
        | Action::Delay { .. }
        | Action::Monitor { .. }
        | Action::StopContainer { .. }
        | Action::RestartContainer { .. } => Lane::Free,
        Action::CreateNetwork { .. }
        | Action::RemoveNetwork { .. }
        | Action::ConnectNetwork { .. }
        | Action::DisconnectNetwork { .. }
        | Action::WriteNotes { .. }
        | Action::RemoveNotes { .. }
        | Action::MarkHooks { .. }
        | Action::ClearHooks { .. }
        | Action::RemoveImage { .. }
        | Action::CreateVolume { .. }
        | Action::RemoveVolume { .. }
        | Action::CreateKeeper { .. }
        | Action::CopyVolume { .. }
        | Action::CreateContainer { .. }
        | Action::CreateOneOff { .. }
        | Action::UpdateContainer { .. }
        | Action::StartContainer { .. }
        | Action::KillContainer { .. }
        | Action::RemoveContainer { .. }
        | Action::RenameContainer { .. }
        | Action::PauseContainer { .. }
        | Action::UnpauseContainer { .. } => Lane::Container,
    }
}
