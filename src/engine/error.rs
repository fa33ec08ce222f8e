//! What can go wrong between us and the engine, in terms a decision can be made on.

use std::fmt;

/// An engine call that failed: what was asked, about what, and how it failed.
#[derive(Debug, thiserror::Error)]
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
    /// 409 because a name is taken or the state does not allow it.
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
