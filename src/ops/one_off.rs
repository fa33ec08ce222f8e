//! `run`: one command in a container of its own, beside those of its service.
//!
//! Two requests: [`create`] brings up what the service depends on and makes the container; [`begin`] attaches to it and starts
//! it. Between them the screen changes hands: what was done has been told, and the terminal is the program's.

use super::{OpsError, Session, list, up};
use crate::apply::OnFailure;
use crate::engine::{Attached, Engine, EngineErrorKind, WaitFor};
use crate::env::dotenv;
use crate::load::Loaded;
use crate::model::{Mount, Project, Service, label};
use crate::observe::{self, Container, ObservedState};
use crate::plan::{OneOff, Policy, lifecycle};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What the container has that its service's others have not.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Its random part of the name, whole.
    pub slug: String,
    /// `KEY=value`, or `KEY` with the project's value.
    pub environment: Vec<String>,
    /// Variables of files, below those.
    pub files: BTreeMap<String, String>,
    /// The user.
    pub user: Option<String>,
    /// The folder.
    pub working_dir: Option<String>,
    /// Capabilities more.
    pub cap_add: Vec<String>,
    /// Capabilities less.
    pub cap_drop: Vec<String>,
    /// `KEY=value` labels.
    pub labels: Vec<String>,
    /// With a terminal.
    pub tty: bool,
    /// With standard input.
    pub stdin: bool,
    /// Mounts of volumes that the file does not declare, which the engine makes by their own name: name, target, read-only.
    pub foreign_volumes: Vec<(String, String, bool)>,
}

/// A service as its one-off has it: one container, which ends for good.
pub fn changed(service: &Service, project: &Project, changes: &Changes) -> Service {
    let mut changed = service.clone();
    let Changes { slug, environment, files, user, working_dir, cap_add, cap_drop, labels, .. } = changes;
    changed.container_name = None;
    changed.restart = String::new();
    if let Some(deploy) = &mut changed.deploy {
        deploy.restart_policy = None;
        deploy.replicas = None;
    }
    changed.scale = None;
    changed.tty = changes.tty;
    changed.stdin_open = changes.stdin;
    let given = environment.iter().filter_map(|entry| match entry.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None => project.environment.get(entry).map(|value| (entry.clone(), value.to_owned())),
    });
    for (name, value) in files.clone().into_iter().chain(given) {
        changed.environment.insert(name, Some(value));
    }
    changed.user = user.clone().unwrap_or(changed.user);
    changed.working_dir = working_dir.clone().unwrap_or(changed.working_dir);
    changed.cap_drop.retain(|known| !cap_add.contains(known));
    changed.cap_add.retain(|known| !cap_drop.contains(known));
    changed.cap_add.extend(cap_add.iter().cloned());
    changed.cap_drop.extend(cap_drop.iter().cloned());
    for entry in labels {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        changed.labels.insert(name.to_owned(), value.to_owned());
    }
    changed.labels.insert(label::SLUG.to_owned(), slug.clone());
    let mounts = changes.foreign_volumes.iter().map(|(source, target, read_only)| Mount {
        source: source.clone(),
        target: target.clone(),
        read_only: *read_only,
        ..Mount::default()
    });
    changed.volumes.extend(mounts);
    changed
}

/// Variables of a file, `KEY=value` a line: `--env-from-file`. A bare `KEY` takes the project's value.
///
/// # Errors
/// What is wrong with the text.
pub fn variables(text: &str, project: &Project) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    let look = |known: &BTreeMap<String, String>, name: &str| {
        project.environment.get(name).map(str::to_owned).or_else(|| known.get(name).cloned())
    };
    let define = |known: &mut BTreeMap<String, String>, name: &str, value: String| {
        known.insert(name.to_owned(), value);
    };
    dotenv::parse(text, &mut found, look, define).map_err(|error| {
        let line = text.bytes().take(error.at).filter(|byte| *byte == b'\n').count() + 1;
        format!("line {line}: {}", error.message)
    })?;
    Ok(found)
}

/// Brings up what the service depends on, and makes the container. The project is the one whose service was [`changed`].
/// Nothing comes back from a rehearsal.
///
/// # Errors
/// The engine's, and whatever keeps the dependencies from getting ready.
pub async fn create(
    session: &Session,
    loaded: &Loaded,
    policy: &Policy,
) -> Result<Option<Container>, OpsError> {
    let Some(one_off) = &policy.one_off else { return Ok(None) };
    let engine = session.engine().await?;
    let project = Arc::new(loaded.project.clone());
    Box::pin(up::converge(session, &engine, loaded, &project, policy)).await?;
    if session.dry_run.is_some() {
        return Ok(None);
    }
    let observed = observe::observe(&engine, &list::containers_only(project.name.as_str())).await?;
    let found = observed.containers.into_iter().find(|container| container.name == one_off.name);
    found.map(Some).ok_or_else(|| OpsError::other(format!("container `{}` is gone already", one_off.name)))
}

/// A command that runs.
pub struct Running {
    /// The engine it runs on.
    pub engine: Engine,
    /// Its terminal or pipes.
    pub attached: Option<Attached>,
    /// Its exit code, once it has ended; with a container that the engine removes, once it is gone.
    pub exit: std::pin::Pin<Box<dyn Future<Output = Result<i64, OpsError>> + Send>>,
}

/// Starts the container: attached first, so that nothing it writes is lost, when `tty` says with a terminal or without.
///
/// # Errors
/// The engine's: a program that is not there, a port that is taken.
pub async fn begin(
    session: &Session,
    loaded: &Loaded,
    one_off: &OneOff,
    container: &Container,
    attach: Option<(bool, bool)>,
) -> Result<Running, OpsError> {
    let engine = session.engine().await?;
    let (id, name) = (container.id.0.as_str(), container.name.as_str());
    let attached = match attach {
        Some((tty, stdin)) => Some(engine.attach_container(id, name, tty, stdin, "").await?),
        None => None,
    };
    let exit = engine.expect_exit(id, name, WaitFor::NextExit).await?;
    let project = Arc::new(loaded.project.clone());
    let seen = Arc::new(ObservedState { containers: vec![container.clone()], ..ObservedState::default() });
    let start = lifecycle::start_one_off(container);
    let started = session.apply(&engine, &start, Some(&project), &seen, OnFailure::Stop).await;
    if let Err(error) = started {
        if one_off.remove {
            discard(&engine, container).await?;
        }
        return Err(error);
    }
    let gone = one_off.remove.then(|| (engine.clone(), container.clone()));
    let exit = Box::pin(async move {
        let code = exit.await?;
        if let Some((engine, container)) = gone {
            removed(&engine, &container).await;
        }
        Ok(code)
    });
    Ok(Running { engine, attached, exit })
}

/// Runs the hooks of a container that was started.
///
/// # Errors
/// A hook that fails.
pub async fn hooks(session: &Session, loaded: &Loaded, container: &Container) -> Result<(), OpsError> {
    let plan = lifecycle::hooks_of_one_off(&loaded.project, container);
    if plan.is_empty() {
        return Ok(());
    }
    let engine = session.engine().await?;
    let project = Arc::new(loaded.project.clone());
    let seen = Arc::new(ObservedState { containers: vec![container.clone()], ..ObservedState::default() });
    session.apply(&engine, &plan, Some(&project), &seen, OnFailure::Stop).await
}

/// How long the engine may take to remove what has ended.
const REMOVAL: Duration = Duration::from_secs(10);

/// Returns when the engine has removed a container that has ended. Its exit code is not asked for here: Podman tells 0 of what it
/// has removed.
async fn removed(engine: &Engine, container: &Container) {
    let removal = engine.wait_container(&container.id.0, &container.name, WaitFor::Removed);
    // One that is gone already cannot be waited for, and one that stays has its result all the same.
    drop(tokio::time::timeout(REMOVAL, removal).await);
}

/// The engine removes what it could not start; an older one leaves it.
async fn discard(engine: &Engine, container: &Container) -> Result<(), OpsError> {
    match engine.remove_container(&container.id.0, &container.name, true, true).await {
        Err(error) if matches!(error.kind, EngineErrorKind::NotFound | EngineErrorKind::Conflict) => Ok(()),
        done => Ok(done?),
    }
}
