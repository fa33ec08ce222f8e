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
    /// A container's exit ended it, as it was asked to; with that exit's code.
    #[error("a container exited with code {0}")]
    Exited(i64),
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
    /// The host port that somebody else has, when that is what is wrong.
    pub taken_port: Option<u16>,
}

impl OpsError {
    /// A failure in one sentence.
    pub fn other(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hints: Vec::new() }
    }

    /// Adds what can be done about a failure in one sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Other { hints, .. } = &mut self {
            hints.push(hint.into());
        }
        self
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

    /// The host ports that turned out to be somebody else's; empty when anything else went wrong too.
    pub(super) fn taken_ports(&self) -> Vec<u16> {
        let Self::Failed(failed) = self else { return Vec::new() };
        let ports: Option<Vec<u16>> = failed.iter().map(|one| one.taken_port).collect();
        ports.unwrap_or_default()
    }

    /// Whether what went wrong is that the engine stopped answering: what it has done then is only known to itself.
    pub(super) fn is_engine_trouble(&self) -> bool {
        match self {
            Self::Engine(error) => is_silence(Some(error.kind)),
            Self::Failed(failed) => failed.iter().any(|one| is_silence(one.refusal)),
            Self::Load(_)
            | Self::Connect(_)
            | Self::Problems(_)
            | Self::Exited(_)
            | Self::Interrupted
            | Self::Other { .. } => false,
        }
    }

    pub(super) fn of_outcome(plan: &Plan, outcome: Outcome) -> Self {
        let left = what_is_left(plan, &outcome);
        let mut failed: Vec<Failed> = Vec::new();
        // An engine that is gone fails every step that is under way, and all say the same.
        let mut likewise: Vec<String> = Vec::new();
        for (id, result) in outcome.steps {
            let crate::apply::StepOutcome::Failed(error) = result else { continue };
            let Some(step) = plan.steps.get(id.0).filter(|_| !error.cancelled) else { continue };
            if is_silence(error.refusal) && failed.iter().any(|one| is_silence(one.refusal)) {
                likewise.push(step.action.subject());
                continue;
            }
            failed.push(Failed {
                message: error.message,
                hints: error.hints,
                diagnosis: error.diagnosis,
                refusal: error.refusal,
                taken_port: error.taken_port,
            });
        }
        if let Some(first) = failed.iter_mut().find(|one| is_silence(one.refusal))
            && !likewise.is_empty()
        {
            first.hints.push(format!("the same happened to: {}", list(likewise)));
        }
        let of_engine = |one: &Failed| {
            use EngineErrorKind::{Server, TimedOut, Unreachable};
            matches!(one.refusal, Some(Server | TimedOut | Unreachable))
        };
        if let Some(last) = failed.iter_mut().rfind(|one| of_engine(one)) {
            last.hints.extend(left);
        }
        Self::Failed(failed)
    }
}

/// Whether the engine gave no answer at all.
fn is_silence(refusal: Option<EngineErrorKind>) -> bool {
    matches!(refusal, Some(EngineErrorKind::Unreachable | EngineErrorKind::TimedOut))
}

/// A list that does not get too long to be read.
fn list(mut names: Vec<String>) -> String {
    const NAMED: usize = 8;
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// How far a run has come, and what it has not come to, where the engine let it down.
fn what_is_left(plan: &Plan, outcome: &Outcome) -> Option<String> {
    use crate::apply::StepOutcome;
    let mut subjects: Vec<String> = Vec::new();
    let mut done = 0;
    for step in &plan.steps {
        match outcome.steps.get(&step.id) {
            Some(StepOutcome::Skipped(_) | StepOutcome::Cancelled) | None => {
                let subject = step.action.subject();
                if !subjects.contains(&subject) {
                    subjects.push(subject);
                }
            }
            Some(StepOutcome::Done | StepOutcome::Tolerated(_) | StepOutcome::NotNeeded) => done += 1,
            Some(StepOutcome::Failed(_)) => {}
        }
    }
    (!subjects.is_empty()).then(|| {
        format!(
            "{done} of {} steps were done; not come to: {}. The same command goes on from there",
            plan.steps.len(),
            list(subjects)
        )
    })
}

impl From<Box<LoadFailure>> for OpsError {
    fn from(failure: Box<LoadFailure>) -> Self {
        Self::Load(failure)
    }
}
