//! How a command ends: the failure that people read and the code that scripts read.
//!
//! | code | when |
//! | --- | --- |
//! | 0 | it worked; for `plan --detailed-exitcode`: nothing to do |
//! | 1 | any error: usage, a bad stack file, the engine, a dependency that did not become ready |
//! | 2 | `plan --detailed-exitcode`: there are changes |
//! | 101 | a bug in this program |
//! | 124, 125 | `test`: the time was up; it did not come to the command |
//! | 130 | interrupted by SIGINT or SIGTERM; `test`: by SIGINT |
//! | 143 | `test`: ended by SIGTERM |
//! | other | the code of the program that was run (`exec`, `run`) or of the container asked about |

use crate::engine::EngineError;
use crate::load::LoadFailure;
use crate::source::{Colour, Diagnostics, Report, SourceMap, to_text};
use crate::ui::ci::Mark;
use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The stack files cannot be used.
    Load(Box<LoadFailure>),
    /// Something else that has to be told.
    Message {
        /// What happened.
        message: String,
        /// What can be done about it.
        hints: Vec<String>,
        /// Where it is to be seen in files, when that is known.
        marks: Vec<Mark>,
    },
    /// Everything was said already; only the code is left.
    Code(u8),
}

/// The form in which mistakes and warnings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// For people.
    Text(Colour),
    /// For programs: each time a [`Report`] on a line.
    Json,
}

impl Failure {
    /// A failure that is told in one sentence.
    pub fn message(message: impl Into<String>) -> Self {
        Self::Message { message: message.into(), hints: Vec::new(), marks: Vec::new() }
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Message { hints, .. } = &mut self {
            hints.push(hint.into());
        }
        self
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Load(_) | Self::Message { .. } => 1,
            Self::Code(code) => *code,
        }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// What is to be seen beside the lines of files; one without a place when no line is to blame.
    pub fn marks(&self) -> Vec<Mark> {
        match self {
            Self::Load(failure) => Mark::of_report(&Report::of(&failure.diagnostics, &failure.sources)),
            Self::Message { message, marks, .. } if marks.is_empty() => {
                vec![Mark::at(None, message.clone())]
            }
            Self::Message { marks, .. } => marks.clone(),
            Self::Code(_) => Vec::new(),
        }
    }

    /// The failure in one line; empty when all was said.
    pub fn first_line(&self) -> String {
        let mark = self.marks().into_iter().next();
        mark.and_then(|mark| mark.message.lines().next().map(ToOwned::to_owned)).unwrap_or_default()
    }

    /// What people read on standard error; empty when all was said.
    pub fn text(&self, colour: Colour) -> String {
        match self {
            Self::Load(failure) => to_text(&failure.diagnostics, &failure.sources, colour),
            Self::Message { message, hints, marks: _ } => {
                let (error, hint, reset) = match colour {
                    Colour::Always => ("\u{1b}[1;31merror\u{1b}[0m", "\u{1b}[1;36mhint\u{1b}[0m", ""),
                    Colour::Never => ("error", "hint", ""),
                };
                let mut text = format!("{error}: {message}{reset}\n");
                for line in hints {
                    text.push_str(&format!("  {hint}: {line}\n"));
                }
                text
            }
            Self::Code(_) => String::new(),
        }
    }
}

impl Words {
    /// What is written to standard error about a failure; empty when all was said.
    pub fn failure(self, failure: &Failure) -> String {
        match (self, failure) {
            (Self::Text(colour), failure) => failure.text(colour),
            (Self::Json, Failure::Load(failure)) => Report::of(&failure.diagnostics, &failure.sources).line(),
            (Self::Json, Failure::Message { message, hints, marks: _ }) => {
                let (message, help) = (message.clone(), hints.clone());
                Report { error: true, message, help, diagnostics: Vec::new() }.line()
            }
            (Self::Json, Failure::Code(_)) => String::new(),
        }
    }

    /// What is written to standard error about findings that stop nothing.
    pub fn warnings(self, warnings: &Diagnostics, sources: &SourceMap) -> String {
        match self {
            _ if warnings.is_empty() => String::new(),
            Self::Text(colour) => to_text(warnings, sources, colour),
            Self::Json => Report::of(warnings, sources).line(),
        }
    }
}

impl From<Box<LoadFailure>> for Failure {
    fn from(failure: Box<LoadFailure>) -> Self {
        Self::Load(failure)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::message(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::message(error.to_string())
    }
}
