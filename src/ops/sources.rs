//! Images that are older than what they are built from: told, or built with `--build=auto`.
//!
//! Times decide, as `make` has it: a change of a file or folder of the build context that its ignore file lets through, or of the
//! Dockerfile, after the image was last built or tagged. A build that comes to the same image renews that time.

use crate::apply::ignore;
use crate::engine::{Engine, EngineError, EngineErrorKind};
use crate::model::{BuildConfig, Project, ServiceName};
use crate::observe::ObservedState;
use crate::plan::{Action, Plan};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Dockerfiles that are newer than the images of services that are not about to be built. The engine is asked about an image
/// only when the Dockerfile is newer than every container of the service.
///
/// # Errors
/// The engine's.
pub(super) async fn warnings(
    engine: &Engine,
    project: &Project,
    observed: &ObservedState,
    plan: &Plan,
) -> Result<Vec<String>, EngineError> {
    let mut warnings = Vec::new();
    for service in project.services.values() {
        let Some((path, changed)) = service.build.as_ref().and_then(dockerfile) else { continue };
        let image = project.image_name(service);
        let built =
            |action: &Action| matches!(action, Action::BuildImage { image: built, .. } if *built == image);
        let containers = observed.containers.iter().filter(|one| one.identity.service == service.name);
        let Some(created) = containers.map(|one| one.created).max() else { continue };
        let created = UNIX_EPOCH + Duration::from_secs(u64::try_from(created).unwrap_or_default());
        if changed <= created || plan.steps.iter().any(|step| built(&step.action)) {
            continue;
        }
        if age(engine, &image).await?.is_some_and(|made| made < changed) {
            let path = path.strip_prefix(&project.working_dir).unwrap_or(&path).display();
            warnings.push(format!(
                "`{path}` is newer than the image of `{}`: `stack up --build` builds it anew, `--build=auto` only what is older than its sources",
                service.name
            ));
        }
    }
    Ok(warnings)
}

/// The services whose image is older than its sources.
///
/// # Errors
/// The engine's.
pub(super) async fn stale(engine: &Engine, project: &Project) -> Result<BTreeSet<ServiceName>, EngineError> {
    let mut found = BTreeSet::new();
    for service in project.services.values() {
        let Some(build) = service.build.clone() else { continue };
        // An image that is not there is built in any case.
        let Some(made) = age(engine, &project.image_name(service)).await? else { continue };
        let changed = tokio::task::spawn_blocking(move || last_change(&build)).await.unwrap_or_default();
        // What cannot be looked at (a repository, an archive) may have changed.
        if changed.is_none_or(|changed| changed > made) {
            found.insert(service.name.clone());
        }
    }
    Ok(found)
}

/// When an image was last built, tagged or pulled; `None` when it is not there.
async fn age(engine: &Engine, image: &str) -> Result<Option<SystemTime>, EngineError> {
    match engine.image_renewed(image).await {
        Ok(time) => Ok(Some(time)),
        Err(error) if error.kind == EngineErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A build's Dockerfile, and when it was changed; none where it is written in the stack file or lies elsewhere.
fn dockerfile(build: &BuildConfig) -> Option<(PathBuf, SystemTime)> {
    if !build.dockerfile_inline.is_empty() {
        return None;
    }
    let path = Path::new(&build.context).join(build.dockerfile_path());
    let changed = path.metadata().ok()?.modified().ok()?;
    Some((path, changed))
}

/// The newest time below a build context, Dockerfile included.
fn last_change(build: &BuildConfig) -> Option<SystemTime> {
    let root = Path::new(&build.context);
    let rules = ignore::Rules::read(root, Path::new(build.dockerfile_path())).ok()?;
    let mut newest = root.metadata().ok()?.modified().ok()?;
    newest = newest.max(dockerfile(build).map_or(newest, |(_, changed)| changed));
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).ok()?.flatten() {
            let path = entry.path();
            let Ok(relative) = path.strip_prefix(root) else { continue };
            let ignored = rules.ignores(relative);
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() && (!ignored || rules.may_let_back_in(relative)) {
                folders.push(path.clone());
            }
            if !ignored {
                newest = newest.max(metadata.modified().unwrap_or(newest));
            }
        }
    }
    Some(newest)
}
