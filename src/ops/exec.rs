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
    let services = std::collections::BTreeSet::from([crate::model::ServiceName::new(which.service.as_str())]);
    super::lifecycle::known_services(scope, &services)?;
    let observed = observe::observe(engine, &list::containers_only(scope.name())).await?;
    let mut candidates: Vec<Container> = observed
        .containers
        .into_iter()
        .filter(|container| {
            container.identity.service.as_str() == which.service && container.status.is_alive()
        })
        .filter(|container| which.index == 0 || container.identity.number == Some(which.index))
        .collect();
    candidates.sort_by_key(|container| (container.identity.oneoff, container.identity.number));
    candidates.into_iter().next().ok_or_else(|| {
        let message = if which.index == 0 {
            format!("service \"{}\" is not running", which.service)
        } else {
            format!("service \"{}\" is not running container #{}", which.service, which.index)
        };
        OpsError::Other { message, hints: vec![format!("start it with `stack up -d {}`", which.service)] }
    })
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
