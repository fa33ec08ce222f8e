//! How a test went, as a value: what `--report-json` writes, and what `JUnit` files and summaries are made of.

use super::{Ran, Request};
use crate::event::{ServiceGoal, Timings};
use crate::model::Project;
use crate::ops::{OpsError, Signal};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// How a test went. All times are in milliseconds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The project, by the name that the engine knows.
    pub project: String,
    /// The project that it is a copy of; the same when it is none.
    pub origin: String,
    /// When it began (RFC 3339).
    pub started_at: String,
    /// How it ended.
    pub verdict: Verdict,
    /// The exit code that stands for it.
    pub exit_code: u8,
    /// How far each service came.
    pub services: Vec<ServiceGoal>,
    /// The command; absent when it did not come to that, or when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandReport>,
    /// What went wrong, for people, when it was not the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why not everything was taken away again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teardown_error: Option<String>,
    /// Whether the environment was kept.
    pub kept: bool,
    /// Where the time went while it was brought up; absent when nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// What took longest while it was brought up, in words, the longest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<String>,
    /// Until everything was ready, or was not.
    pub up_ms: u64,
    /// In all, but for taking it away.
    pub total_ms: u64,
    /// What went wrong, with all that is known about it.
    #[serde(skip)]
    pub cause: Option<OpsError>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything came up, and the command ended with 0.
    Passed,
    /// The command did not end with 0, or could not be run.
    Failed,
    /// It did not come to the command.
    NotReady,
    /// The time was up.
    TimedOut,
    /// A signal ended it.
    Interrupted,
}

/// A command that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CommandReport {
    /// Program and arguments.
    pub words: Vec<String>,
    /// The service that it ran in; absent when that was the machine itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its exit code, as a shell tells it.
    pub exit_code: u8,
    /// What there is to say beside the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How long it took.
    pub took_ms: u64,
}

impl CommandReport {
    pub(super) fn new(request: &Request, ran: Ran, took_ms: u64) -> Self {
        let Ran { code, message } = ran;
        let (words, service) = (request.words.clone(), request.service.clone());
        Self { words, service, exit_code: code, message, took_ms }
    }

    /// What went wrong with it, in one sentence; `None` when nothing did.
    pub fn trouble(&self) -> Option<String> {
        match (&self.message, self.exit_code) {
            (Some(message), _) => Some(message.clone()),
            (None, 0) => None,
            (None, code) => Some(format!("it ended with exit code {code}")),
        }
    }
}

/// A command in one line, as a shell would take it.
pub fn command_line(words: &[String]) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:=@%+,".contains(letter);
    let quoted = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            return word.clone();
        }
        format!("'{}'", word.replace('\'', "'\\''"))
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The exit code of a test whose environment did not come up: the command was not run, and has no code.
const NOT_READY: u8 = 125;
/// The exit code of a test whose time was up, as of `timeout`.
const TIMED_OUT: u8 = 124;

impl Report {
    pub(super) fn new(project: &Project) -> Self {
        let origin = project.instance.as_ref().map_or(&project.name, |instance| &instance.origin);
        Self {
            project: project.name.to_string(),
            origin: origin.to_string(),
            started_at: Timestamp::now().to_string(),
            verdict: Verdict::NotReady,
            exit_code: NOT_READY,
            services: Vec::new(),
            command: None,
            error: None,
            teardown_error: None,
            kept: false,
            timings: None,
            slowest: Vec::new(),
            up_ms: 0,
            total_ms: 0,
            cause: None,
        }
    }

    pub(super) fn fails(&mut self, error: OpsError) {
        self.error = Some(sentence(&error));
        self.cause = Some(error);
    }

    /// Says how it ended, once it has.
    pub(super) fn judge(&mut self, late: Option<Duration>, signal: Option<Signal>) {
        let (verdict, exit_code) = match (signal, late, &self.command) {
            (Some(signal), ..) => (Verdict::Interrupted, signal.exit_code()),
            (None, Some(limit), _) => {
                self.error = Some(format!("it was not over within {} s", limit.as_secs()));
                self.cause = None;
                (Verdict::TimedOut, TIMED_OUT)
            }
            (None, None, _) if self.error.is_some() => (Verdict::NotReady, NOT_READY),
            (None, None, Some(command)) if command.exit_code != 0 => (Verdict::Failed, command.exit_code),
            (None, None, _) => (Verdict::Passed, 0),
        };
        self.verdict = verdict;
        self.exit_code = exit_code;
    }

    /// The JSON schema (draft 2020-12) of what `--report-json` writes.
    pub fn schema() -> serde_json::Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        settings.into_generator().into_root_schema_for::<Self>().to_value()
    }
}

/// What an error says, all of it.
pub(super) fn sentence(error: &OpsError) -> String {
    match error {
        OpsError::Failed(failed) => {
            let messages: Vec<&str> = failed.iter().map(|one| one.message.as_str()).collect();
            messages.join("\n")
        }
        OpsError::Problems(problems) => {
            let messages: Vec<&str> = problems.iter().map(|one| one.message.as_str()).collect();
            messages.join("\n")
        }
        OpsError::Connect(error) => error.text(),
        OpsError::Load(_)
        | OpsError::Engine(_)
        | OpsError::Exited(_)
        | OpsError::Interrupted
        | OpsError::Other { .. } => error.to_string(),
    }
}
