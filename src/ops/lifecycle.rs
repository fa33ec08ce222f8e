//! `start`, `stop`, `restart`, `kill`, `pause`, `unpause`, `rm`: what happens to containers that are there.

use super::{OpsError, Scope, Session, down, list, reconcile};
use crate::apply::OnFailure;
use crate::load::Loaded;
use crate::model::ServiceName;
use crate::observe::{self, Container};
use crate::plan::lifecycle::{self, Lifecycle};
use crate::plan::{Action, Plan, Policy, remove_containers};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Start what does not run; wait for it to be ready, with a limit in seconds, when asked.
    Start {
        /// `Some(None)` waits without a limit.
        wait: Option<Option<u64>>,
    },
    /// Stop what runs.
    Stop,
    /// Restart; without the dependents that want to be restarted too when `alone`.
    Restart {
        /// Only the named services.
        alone: bool,
    },
    /// Send a signal.
    Kill {
        /// Its name or number.
        signal: String,
        /// To containers of services that no file names, too.
        orphans: bool,
    },
    /// Freeze.
    Pause,
    /// Thaw.
    Unpause,
}

/// Does it to the named services' containers, or to all.
///
/// # Errors
/// The engine's, an unknown service, or what could not be done.
pub async fn run(
    session: &Session,
    scope: &Scope,
    verb: &Verb,
    services: &[String],
    timeout_s: Option<i64>,
) -> Result<(), OpsError> {
    let services: BTreeSet<ServiceName> = services.iter().map(ServiceName::new).collect();
    known_services(scope, &services)?;
    let engine = session.engine().await?;
    let work = async |session: &Session| {
        Box::pin(run_alone(session, &engine, scope, verb, &services, timeout_s)).await
    };
    match verb {
        // It is what one reaches for when something hangs, and the lock may be held by just that.
        Verb::Kill { .. } => work(session).await,
        // What was restarted already would be restarted once more.
        Verb::Restart { .. } => session.locked(&engine, scope.name(), work).await,
        Verb::Start { .. } | Verb::Stop | Verb::Pause | Verb::Unpause => {
            let work = async |session: &Session| {
                session.through_trouble(&engine, scope.name(), async || work(session).await).await
            };
            session.locked(&engine, scope.name(), work).await
        }
    }
}

async fn run_alone(
    session: &Session,
    engine: &crate::engine::Engine,
    scope: &Scope,
    verb: &Verb,
    services: &BTreeSet<ServiceName>,
    timeout_s: Option<i64>,
) -> Result<(), OpsError> {
    let observed = Arc::new(observe::observe(engine, &list::containers_only(scope.name())).await?);
    let graph = down::graph(scope, &observed);
    let input = Lifecycle {
        project: scope.project(),
        graph: &graph,
        observed: &observed,
        services: (!services.is_empty()).then_some(services),
        timeout_s,
    };
    let plan = match verb {
        Verb::Start { wait } => {
            startable(scope, services, &observed.containers)?;
            lifecycle::start(&input, *wait)
        }
        Verb::Stop => lifecycle::stop(&input),
        Verb::Restart { alone } => {
            if let Scope::Loaded(loaded) = scope {
                tell_what_waits(session, engine, loaded, services).await;
            }
            lifecycle::restart(&input, *alone)
        }
        Verb::Kill { signal, orphans } => {
            let chosen: Vec<&Container> = observed
                .containers
                .iter()
                .filter(|container| services.is_empty() || services.contains(&container.identity.service))
                .filter(|container| *orphans || is_declared(scope, container))
                .collect();
            lifecycle::kill(&chosen, signal)
        }
        Verb::Pause => lifecycle::pause(&input),
        Verb::Unpause => lifecycle::unpause(&input),
    };
    if plan.is_empty() && matches!(verb, Verb::Kill { .. }) {
        session.warn(scope.name(), "no container to kill");
    }
    apply(session, engine, scope, &plan, &observed, verb).await
}

/// A restart brings back what a container was made from. Whoever restarts after an edit mostly expects the edit: what of it
/// waits for `up` is told, and a file that cannot be planned with now is no reason not to restart.
async fn tell_what_waits(
    session: &Session,
    engine: &crate::engine::Engine,
    loaded: &Loaded,
    services: &BTreeSet<ServiceName>,
) {
    let Ok(planned) = reconcile::plan(session, engine, loaded, &Policy::default()).await else { return };
    let mut waits: BTreeMap<String, String> = BTreeMap::new();
    for step in &planned.plan.steps {
        let replaced = if let Action::CreateContainer { service, replaces: Some(_), .. } = &step.action {
            Some(service)
        } else {
            None
        };
        let changes = matches!(
            step.action,
            Action::UpdateContainer { .. } | Action::ConnectNetwork { .. } | Action::DisconnectNetwork { .. }
        );
        let changed = step.action.container().filter(|_| changes).map(|container| &container.service);
        let Some(service) = replaced.or(changed) else { continue };
        if services.is_empty() || services.contains(service) {
            waits.entry(service.to_string()).or_insert_with(|| step.reason.to_string());
        }
    }
    if !waits.is_empty() {
        let all: Vec<String> = waits.iter().map(|(service, why)| format!("`{service}` ({why})")).collect();
        session.warn(
            loaded.project.name.as_str(),
            format!(
                "a restart does not apply changes of the stack file: {}. `stack up` does",
                all.join(", ")
            ),
        );
    }
}

async fn apply(
    session: &Session,
    engine: &crate::engine::Engine,
    scope: &Scope,
    plan: &Plan,
    observed: &Arc<observe::ObservedState>,
    verb: &Verb,
) -> Result<(), OpsError> {
    let project = scope.project().map(|project| Arc::new(project.clone()));
    let on_failure = match verb {
        Verb::Start { .. } | Verb::Restart { .. } => OnFailure::Stop,
        Verb::Stop | Verb::Kill { .. } | Verb::Pause | Verb::Unpause => OnFailure::Continue,
    };
    session.apply(engine, plan, project.as_ref(), observed, on_failure).await
}

/// The stopped containers that `rm` would remove, after stopping what runs when asked.
///
/// # Errors
/// The engine's, an unknown service, or what could not be stopped.
pub async fn removable(
    session: &Session,
    scope: &Scope,
    services: &[String],
    stop: bool,
) -> Result<Vec<Container>, OpsError> {
    if stop {
        run(session, scope, &Verb::Stop, services, None).await?;
    }
    let engine = session.engine().await?;
    let filter = list::Filter { services: services.to_vec(), all: true, orphans: false, status: Vec::new() };
    let containers = list::containers(&engine, scope, &filter).await?;
    // In a dry run nothing was stopped, and would have been.
    let stopped = stop && session.dry_run.is_some();
    Ok(containers.into_iter().filter(|container| stopped || !container.status.is_alive()).collect())
}

/// Removes them.
///
/// # Errors
/// The engine's, or what could not be removed.
pub async fn remove(
    session: &Session,
    scope: &Scope,
    containers: &[Container],
    volumes: bool,
) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let chosen: Vec<&Container> = containers.iter().collect();
    let plan = remove_containers(&chosen, volumes);
    let work = async |session: &Session| {
        session.apply(&engine, &plan, None, &Arc::default(), OnFailure::Continue).await
    };
    session.locked(&engine, scope.name(), work).await
}

/// A service that is neither in the files nor, where there are none, in the labels is a mistake of the user's.
pub(super) fn known_services(scope: &Scope, services: &BTreeSet<ServiceName>) -> Result<(), OpsError> {
    let Some(project) = scope.project() else { return Ok(()) };
    let known = |name: &ServiceName| {
        project.services.contains_key(name) || project.disabled_services.contains_key(name)
    };
    match services.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(unknown) => {
            let names =
                project.services.keys().chain(project.disabled_services.keys()).map(ServiceName::as_str);
            let hint = nearest(unknown.as_str(), names).map(|near| format!("did you mean `{near}`?"));
            Err(OpsError::Other {
                message: format!("no such service: {unknown}"),
                hints: hint.into_iter().collect(),
            })
        }
    }
}

/// The name that is a slip of the finger away.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min()
        .map(|(_, name)| name)
}

/// How many letters have to be put, taken or changed (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, other) in right.iter().enumerate() {
            let change = row.get(column).copied().unwrap_or(0) + usize::from(letter != *other);
            let put = next.last().copied().unwrap_or(0) + 1;
            let take = row.get(column + 1).copied().unwrap_or(0) + 1;
            next.push(change.min(put).min(take));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

fn is_declared(scope: &Scope, container: &Container) -> bool {
    scope.project().is_none_or(|project| project.services.contains_key(&container.identity.service))
}

/// `start` makes no containers: a service without one is a mistake worth naming.
fn startable(
    scope: &Scope,
    services: &BTreeSet<ServiceName>,
    containers: &[Container],
) -> Result<(), OpsError> {
    let Some(project) = scope.project() else { return Ok(()) };
    for (name, service) in &project.services {
        let meant = services.is_empty() || services.contains(name);
        let exists = containers.iter().any(|container| container.identity.service == *name);
        if meant && !exists && service.replicas() > 0 && service.provider.is_none() {
            return Err(OpsError::Other {
                message: format!("service \"{name}\" has no container to start"),
                hints: vec!["create it with `stack up`".to_owned()],
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let names = ["web", "database", "cache"];
        assert_eq!(nearest("wbe", names.into_iter()), None);
        assert_eq!(nearest("we", names.into_iter()), Some("web"));
        assert_eq!(nearest("databse", names.into_iter()), Some("database"));
        assert_eq!(nearest("frontend", names.into_iter()), None);
    }
}
