//! Logs of a project: each line once, in order per container, also across restarts and replacements.
//!
//! A follower (`follow`) listens to the engine and has the log of each container read (`read`), from where reading it had got to. It
//! asks for timestamps always: they tell where to go on after a restart or a cut connection. They are taken off again (`lines`)
//! unless the user wants them.

mod follow;
mod lines;
mod read;

pub use follow::Follow;
pub(super) use follow::{follow, reconnect};

use super::{OpsError, Scope, Session};
use crate::model::ServiceName;
use std::collections::BTreeSet;

/// Which logs, and how far.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Only these services; empty: all but the ones with `attach: false`.
    pub services: Vec<String>,
    /// Go on with what is written later.
    pub follow: bool,
    /// Lines begin with the engine's time.
    pub timestamps: bool,
    /// Only the last so many lines of each container.
    pub tail: Option<u64>,
    /// Only from this time on, nanoseconds since 1970.
    pub since_nanos: Option<i64>,
    /// Only before this time, seconds since 1970.
    pub until: Option<i64>,
    /// Only this replica; 0 for all.
    pub index: u32,
}

/// Shows logs.
///
/// # Errors
/// The engine's, or an unknown service.
pub async fn run(session: &Session, scope: &Scope, request: &Request) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let services: BTreeSet<ServiceName> = request.services.iter().map(ServiceName::new).collect();
    super::lifecycle::known_services(scope, &services)?;
    let shown = match scope.project() {
        _ if !services.is_empty() => Some(services),
        Some(project) => Some(
            project
                .services
                .values()
                .filter(|service| service.attach != Some(false))
                .map(|service| service.name.clone())
                .collect(),
        ),
        None => None,
    };
    let follow = Follow {
        project: scope.name().to_owned(),
        services: shown,
        until: session.interrupts.first(),
        timestamps: request.timestamps,
        tail: request.tail,
        since_nanos: request.since_nanos,
        until_time: request.until,
        index: request.index,
        keep_following: request.follow,
        history: true,
        ..Follow::default()
    };
    follow.everything_started();
    self::follow(session, &engine, &follow).await?;
    if session.interrupts.interrupted() { Err(OpsError::Interrupted) } else { Ok(()) }
}
