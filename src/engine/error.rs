//! What can go wrong between us and the engine, in terms a decision can be made on.

use bollard::errors::Error;
use std::fmt;

/// An engine call that failed: what was asked, about what, and how it failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {operation} {subject}: {message}")]
pub struct EngineError {
    /// The verb, as in `cannot {operation} …`: `create`, `start`, `list`.
    pub operation: &'static str,
    /// What it was about, literal in backticks where it is a name: ``container `p-web-1` ``.
    pub subject: String,
    /// How it failed.
    pub kind: EngineErrorKind,
    /// The engine's own words, or ours where it said nothing.
    pub message: String,
}

/// How an engine call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineErrorKind {
    /// 404: the subject does not exist.
    NotFound,
    /// A name is taken or the state does not allow it: 409, and what some engines say otherwise.
    Conflict,
    /// 400: the request is wrong.
    BadRequest,
    /// 401 or 403.
    Denied,
    /// Another answer of 5xx.
    Server,
    /// No answer: connection refused, cut, or no socket.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// An answer that could not be understood.
    Unexpected,
}

impl fmt::Display for EngineErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::BadRequest => "bad request",
            Self::Denied => "denied",
            Self::Server => "engine error",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed out",
            Self::Unexpected => "unexpected answer",
        })
    }
}

impl EngineError {
    /// Says what was asked, about what, and keeps the engine's own words.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest of bollard's list is mistakes in requests and answers"
    )]
    pub(super) fn from_bollard(operation: &'static str, subject: impl Into<String>, error: &Error) -> Self {
        let (kind, message) = match error {
            Error::DockerResponseServerError { status_code, message } => {
                let words = if message.trim().is_empty() {
                    format!("the engine answered with status {status_code} and no words")
                } else {
                    message.clone()
                };
                (kind_of(*status_code, message), words)
            }
            Error::RequestTimeoutError => (
                EngineErrorKind::TimedOut,
                "the engine accepted the request and did not answer in time".to_owned(),
            ),
            Error::IOError { err } if err.kind() == std::io::ErrorKind::TimedOut => {
                (EngineErrorKind::TimedOut, err.to_string())
            }
            Error::IOError { err } => (EngineErrorKind::Unreachable, err.to_string()),
            Error::HyperLegacyError { err } => (EngineErrorKind::Unreachable, innermost(err)),
            Error::HyperResponseError { err } => (EngineErrorKind::Unreachable, innermost(err)),
            Error::DockerStreamError { error } => (EngineErrorKind::Server, error.clone()),
            _ => (EngineErrorKind::Unexpected, error.to_string()),
        };
        Self { operation, subject: subject.into(), kind, message: message.trim().to_owned() }
    }

    /// Whether the same call may be sent again without harm: it never reached the engine, or asked only.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, EngineErrorKind::Unreachable | EngineErrorKind::TimedOut)
    }
}

fn kind_of(status: u16, message: &str) -> EngineErrorKind {
    // Podman answers 500 where Docker says that a name is taken or a state does not allow the call.
    let conflict = ["is already in use", "container state improper"];
    match status {
        // A container that is in a network already: its name there is taken, by itself.
        403 if message.contains("already exists in network") => EngineErrorKind::Conflict,
        500 if conflict.iter().any(|words| message.contains(words)) => EngineErrorKind::Conflict,
        400 => EngineErrorKind::BadRequest,
        401 | 403 => EngineErrorKind::Denied,
        404 => EngineErrorKind::NotFound,
        409 => EngineErrorKind::Conflict,
        500..=599 => EngineErrorKind::Server,
        _ => EngineErrorKind::Unexpected,
    }
}

/// The cause at the bottom: "connection refused" rather than "client error (Connect)".
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn podman_s_conflicts_are_conflicts_and_other_500s_are_not() {
        let check = |message: &str, expect| assert_eq!(kind_of(500, message), expect, "{message}");
        check("the container name \"a\" is already in use by b", EngineErrorKind::Conflict);
        check("can only kill running containers: container state improper", EngineErrorKind::Conflict);
        check("no space left on device", EngineErrorKind::Server);
    }

    #[test]
    fn a_refusal_without_words_says_its_status() {
        let refusal = Error::DockerResponseServerError { status_code: 400, message: String::new() };
        let error = EngineError::from_bollard("build", "image `a`", &refusal);
        assert_eq!(
            error.to_string(),
            "cannot build image `a`: the engine answered with status 400 and no words"
        );
    }
}
