//! What has to be done, decided in one place: a pure function from the wanted and the seen to a [`Plan`].
//!
//! In: [`Project`](crate::model::Project), [`ObservedState`](crate::observe::ObservedState), [`Policy`]. Out: a
//! [`Plan`], data that can be printed, compared, serialised and applied. Deliberately absent: the engine, the clock,
//! the file system, questions asked aloud (they are [`Question`]s in the plan). Start reading at [`reconcile()`].

mod action;
mod builder;
mod labels;
mod policy;
mod reason;
mod reconcile;
mod teardown;
mod text;

pub mod lifecycle;
pub mod supply;

pub use action::{Action, ContainerRef, HookPhase, Target, Until};
pub use labels::graph_from_labels;
pub use policy::{AnonymousVolumes, ImagePolicy, OldData, OneOff, OrphanPolicy, Policy, Recreate};
pub use reason::{FieldChange, Reason};
pub use reconcile::{
    Contents, Input, Problem, diverged, diverged_networks, diverged_volumes, reconcile, replaced_volumes,
};
pub use teardown::{Grace, Teardown, remove_containers, teardown};

use crate::yaml::NodePath;
use schemars::JsonSchema;
use serde::Serialize;

/// Position of a step in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// Steps that people see as one row: a replacement is create, stop, remove, rename, start.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Group {
    /// The container, by the name it ends up with.
    pub subject: String,
    /// What the group amounts to.
    pub verb: GroupVerb,
}

/// What a group of steps amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupVerb {
    /// The container is replaced.
    Recreate,
    /// It is replaced by one that starts, and proves itself, before the old one stops.
    RecreateStartFirst,
    /// It is changed in place.
    Update,
}

/// A queue of its own: at most so many of its steps run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Calls that the engine answers after real work (create, start, stop, remove).
    Container,
    /// Starts of containers that publish a range: the engine hands ports out racily, so one at a time.
    PublishedRange,
    /// Pulls.
    Pull,
    /// Builds.
    Build,
    /// Waits and hooks: as many as there are.
    Free,
}

/// What must have become of the steps before one for it to run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All of them are done.
    #[default]
    AllDone,
    /// All are over and more than so many of them were not done: it puts right what the failure left. It runs also when
    /// nothing new begins any more; when all went well it is not needed, nor is what comes after it.
    MoreFailed {
        /// How many may have failed without it.
        than: usize,
    },
    /// All are over, and at most so many of them were not done.
    Over {
        /// How many may have failed.
        most_failed: usize,
    },
}

impl When {
    /// The usual case, which need not be said.
    fn is_usual(&self) -> bool {
        *self == Self::AllDone
    }
}

/// One thing to do, why, and after what.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step<A> {
    /// Its position.
    pub id: StepId,
    /// What to do.
    pub action: A,
    /// Why.
    pub reason: Reason,
    /// The steps that must be done before.
    pub after: Vec<StepId>,
    /// What must have become of those.
    #[serde(skip_serializing_if = "When::is_usual")]
    pub when: When,
    /// Whether a failure is a failure of the run that leaves steps which do not need this one to go on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub contained: bool,
    /// Whether a failure only costs a warning and the dependents go on (`required: false`).
    pub optional: bool,
    /// Which queue it runs in.
    pub lane: Lane,
    /// The row it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// Something the user must decide before the plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Question {
    /// A volume's definition changed; replacing it loses its data.
    ReplaceVolume {
        /// Its name in the engine.
        name: String,
        /// What differs, as far as the list shows it.
        fields: Vec<FieldChange>,
    },
}

/// What has to be done, in an order in which every step comes after the ones it needs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[must_use]
pub struct Plan<A = Action> {
    /// The steps, topologically ordered.
    pub steps: Vec<Step<A>>,
    /// What the user should know first.
    pub warnings: Vec<String>,
    /// What the user must decide first; the plan acts as if the answer were no.
    pub questions: Vec<Question>,
    /// Services that can only be decided after this plan ran (an image is pulled or built first).
    pub deferred: Vec<String>,
    /// Containers that are as they should be, by name: nothing is done to them.
    pub unchanged: Vec<String>,
    /// Warnings about an attribute of the file, until whoever knows the files has said where it is written.
    #[serde(skip)]
    pub about: Vec<(NodePath, String)>,
}

impl<A> Default for Plan<A> {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            warnings: Vec::new(),
            questions: Vec::new(),
            deferred: Vec::new(),
            unchanged: Vec::new(),
            about: Vec::new(),
        }
    }
}

impl Plan {
    /// Whether anything changes when it is carried out, now or once what is deferred can be decided. Waiting changes nothing.
    pub fn has_changes(&self) -> bool {
        let waits = |step: &Step<Action>| matches!(step.action, Action::Wait { .. });
        !self.deferred.is_empty() || !self.steps.iter().all(waits)
    }
}

impl<A> Plan<A> {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps that put right what a failure left, and the ones after them: without a failure none of them runs.
    pub fn rescues(&self) -> std::collections::BTreeSet<StepId> {
        let mut rescues = std::collections::BTreeSet::new();
        for step in &self.steps {
            let follows = step.after.iter().any(|earlier| rescues.contains(earlier));
            let is_one = match step.when {
                When::MoreFailed { .. } => true,
                When::AllDone => follows,
                When::Over { .. } => false,
            };
            if is_one {
                rescues.insert(step.id);
            }
        }
        rescues
    }

    /// The plan's order as a graph: edges point from a step to the ones it comes after.
    pub fn graph(&self) -> crate::graph::Dag<StepId, ()> {
        let mut graph = crate::graph::Dag::default();
        for step in &self.steps {
            graph.add_node(step.id);
            for earlier in &step.after {
                graph.add_edge(&step.id, earlier, ());
            }
        }
        graph
    }
}
