//! `exec`: a program in a running container.

use super::{OpsError, Scope, list};
use crate::engine::{Engine, ExecSession, ExecSpec};
use crate::observe::{self, Container};

/// Which container.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// The service.
    pub service: String,
    /// The replica's number; 0 for the lowest that runs.
    pub index: u32,
}

/// The running container that is meant; one-offs only when no regular one runs.
///
/// # Errors
/// None runs, with a word on why that may be.
pub async fn container(engine: &Engine, scope: &Scope, which: &Which) -> Result<Container, OpsError> {
    let mut candidates = candidates(engine, scope, which).await?;
    candidates.retain(|container| container.status.is_alive());
    candidates.into_iter().next().ok_or_else(|| not_running(scope, which))
}

/// All containers that may be meant, in any state, the likeliest first.
///
/// # Errors
/// The engine's, or an unknown service.
pub async fn candidates(engine: &Engine, scope: &Scope, which: &Which) -> Result<Vec<Container>, OpsError> {
    let services = std::collections::BTreeSet::from([crate::model::ServiceName::new(which.service.as_str())]);
    let observed = observe::observe(engine, &list::containers_only(scope.name())).await?;
    let mut candidates: Vec<Container> = observed
        .containers
        .into_iter()
        .filter(|container| {
            let identity = &container.identity;
            identity.service.as_str() == which.service && identity.hook.is_none()
        })
        .collect();
    if candidates.is_empty() {
        // A service that left the file may still have containers.
        super::lifecycle::known_services(scope, &services)?;
    }
    candidates.retain(|container| which.index == 0 || container.identity.number == Some(which.index));
    candidates.sort_by_key(|container| {
        (!container.status.is_alive(), container.identity.oneoff, container.identity.number)
    });
    Ok(candidates)
}

fn not_running(scope: &Scope, which: &Which) -> OpsError {
    let message = if which.index == 0 {
        format!("service \"{}\" is not running", which.service)
    } else {
        format!("service \"{}\" is not running container #{}", which.service, which.index)
    };
    let is_known = scope.project().is_none_or(|project| project.service(&which.service).is_some());
    let hint = is_known.then(|| format!("start it with `stack up -d {}`", which.service));
    OpsError::Other { message, hints: hint.into_iter().collect() }
}

/// Starts the program; `None` when it was to be detached.
///
/// # Errors
/// The engine's.
pub async fn start(
    engine: &Engine,
    container: &Container,
    spec: &ExecSpec,
) -> Result<Option<ExecSession>, OpsError> {
    Ok(engine.exec(&container.id.0, &container.name, spec).await?)
}
