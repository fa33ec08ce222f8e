//! How far each service has come on its way to what `--wait` waits for, as a value: the ui makes a table of it, and
//! `--progress json` has it as it is.

use super::Diagnosis;
use schemars::JsonSchema;
use serde::Serialize;

/// How far the services of a run have come, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Goals {
    /// Every service that has a container to wait for.
    pub services: Vec<ServiceGoal>,
}

/// How far one service has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ServiceGoal {
    /// Its key in the file.
    pub service: String,
    /// What it is to reach.
    pub goal: Goal,
    /// How far it has come.
    pub outcome: GoalOutcome,
    /// What is seen of its containers, in a few words: `running (starting)`.
    pub state: String,
    /// From the first step for it to the last, in milliseconds.
    pub took_ms: u64,
    /// What went wrong with it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What a container that did not become ready has to say for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Box<Diagnosis>>,
}

/// What a service is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Its probe succeeds.
    Healthy,
    /// It has exited with 0.
    Completed,
    /// It runs, and goes on running; or it ends with 0.
    Running,
    /// Its provider has done its work.
    Provided,
}

/// How far a service has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalOutcome {
    /// It is there.
    Reached,
    /// It cannot get there.
    Failed,
    /// It was on its way when the run ended.
    Unreached,
    /// It was not started.
    NotStarted,
}

impl Goals {
    /// Whether all services are where they are to be.
    pub fn all_reached(&self) -> bool {
        self.services.iter().all(|service| service.outcome == GoalOutcome::Reached)
    }
}

impl Goal {
    /// The goal as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Completed => "completed",
            Self::Running => "running",
            Self::Provided => "provided",
        }
    }
}
