//! `wait`: until containers end.

use super::{OpsError, Scope, Session, list};
use crate::engine::WaitFor;
use crate::model::ServiceName;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeSet;

/// Waits for the running containers of services to end, and tells each end as it comes. The code of the last one comes back.
///
/// # Errors
/// None of them runs; the engine's; interrupted.
pub async fn run(
    session: &Session,
    scope: &Scope,
    services: &[String],
    tell: impl Fn(&str, i64),
) -> Result<i64, OpsError> {
    let engine = session.engine().await?;
    let named: BTreeSet<ServiceName> = services.iter().map(ServiceName::new).collect();
    super::lifecycle::known_services(scope, &named)?;
    let mut containers = list::of_services(&engine, scope, services).await?;
    containers.retain(|container| container.status.is_alive());
    if containers.is_empty() {
        return Err(OpsError::other(format!("no containers for project \"{}\"", scope.name())));
    }
    let ends = containers.iter().map(|container| {
        let engine = &engine;
        async move {
            let code = engine.wait_container(&container.id.0, &container.name, WaitFor::NotRunning).await;
            (container, code)
        }
    });
    let mut ends: FuturesUnordered<_> = ends.collect();
    let mut last = 0;
    let interrupted = session.interrupts.first();
    loop {
        // Both branches are cancel-safe.
        tokio::select! {
            next = ends.next() => match next {
                Some((container, code)) => {
                    last = code?;
                    tell(&container.id.0, last);
                }
                None => return Ok(last),
            },
            () = interrupted.cancelled() => return Err(OpsError::Interrupted),
        }
    }
}
