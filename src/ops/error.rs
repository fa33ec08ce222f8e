//! What can stop a request, with what was found out about it.

use crate::apply::Outcome;
use crate::engine::{ConnectError, EngineError, EngineErrorKind};
use crate::event::Diagnosis;
use crate::load::LoadFailure;
use crate::plan::{Plan, Problem};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// The stack files cannot be used.
    #[error("the stack file has errors")]
    Load(Box<LoadFailure>),
    /// No engine answers.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// An engine call failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No plan can be made.
    #[error("the project cannot be brought up as it is")]
    Problems(Vec<Problem>),
    /// A plan was begun and did not succeed.
    #[error("not everything was done")]
    Failed(Vec<Failed>),
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
    /// Something else, in one sentence.
    #[error("{message}")]
    Other {
        /// What happened.
        message: String,
        /// What can be done about it.
        hints: Vec<String>,
    },
}

/// One step that failed.
#[derive(Debug)]
pub struct Failed {
    /// What went wrong.
    pub message: String,
    /// What can be done about it.
    pub hints: Vec<String>,
    /// What a container that did not become ready has to say for itself.
    pub diagnosis: Option<Box<Diagnosis>>,
    /// How the engine refused, when it did.
    pub refusal: Option<EngineErrorKind>,
}

impl OpsError {
    /// A failure in one sentence.
    pub fn other(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hints: Vec::new() }
    }

    /// Whether all that went wrong is that the engine has moved on since it was looked at: a name was taken meanwhile, or a
    /// container is gone. Another run on the same project does that.
    pub(super) fn is_stale_view(&self) -> bool {
        let Self::Failed(failed) = self else { return false };
        let stale = |one: &Failed| {
            matches!(one.refusal, Some(EngineErrorKind::Conflict | EngineErrorKind::NotFound))
                && one.diagnosis.is_none()
        };
        !failed.is_empty() && failed.iter().all(stale)
    }

    pub(super) fn of_outcome(plan: &Plan, outcome: Outcome) -> Self {
        let mut failed = Vec::new();
        for (id, result) in outcome.steps {
            let crate::apply::StepOutcome::Failed(error) = result else { continue };
            if error.cancelled || plan.steps.get(id.0).is_none() {
                continue;
            }
            failed.push(Failed {
                message: error.message,
                hints: error.hints,
                diagnosis: error.diagnosis,
                refusal: error.refusal,
            });
        }
        Self::Failed(failed)
    }
}

impl From<Box<LoadFailure>> for OpsError {
    fn from(failure: Box<LoadFailure>) -> Self {
        Self::Load(failure)
    }
}
