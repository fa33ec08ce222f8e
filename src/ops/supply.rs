//! `build`, `pull` and `push`: images, and nothing else. They change no project, and so take no turn.

use super::{OpsError, Session};
use crate::apply::{self, OnFailure};
use crate::engine::Engine;
use crate::event::{EventKind, LogLine, Subject};
use crate::load::Loaded;
use crate::lower::bake::Wish;
use crate::observe::{self, ObserveRequest, ObservedState};
use crate::plan::supply::{self, Chosen, PullWish};
use crate::plan::{Action, Plan};
use std::sync::Arc;

/// Builds the images of services.
///
/// # Errors
/// The builder's: all that failed, each with its step.
pub async fn build(session: &Session, loaded: &Loaded, chosen: &Chosen, wish: Wish) -> Result<(), OpsError> {
    let plan = supply::build(&loaded.project, chosen, wish);
    if plan.is_empty() {
        session.warn(loaded.project.name.as_str(), "no service to build");
        return Ok(());
    }
    let engine = session.engine().await?;
    carry_out(session, &engine, loaded, &plan, ObservedState::default()).await
}

/// Has the Dockerfiles of services checked by BuildKit, and tells what it finds.
///
/// # Errors
/// It finds something, or there is no BuildKit to ask.
pub async fn check(session: &Session, loaded: &Loaded, chosen: &Chosen) -> Result<(), OpsError> {
    let project = &loaded.project;
    let plan = supply::build(project, chosen, Wish::default());
    let services: Vec<_> = plan.steps.iter().filter_map(|step| step.action.service()).collect();
    if services.is_empty() {
        session.warn(project.name.as_str(), "no service to build");
        return Ok(());
    }
    let engine = session.engine().await?;
    let checked = apply::check_dockerfiles(&engine, project, &services).await;
    let (good, text) =
        checked.map_err(|error| OpsError::Other { message: error.message, hints: error.hints })?;
    for line in text.lines() {
        let line = LogLine { source: String::new(), stderr: false, text: line.to_owned() };
        drop(session.lines.send(line).await);
    }
    if good { Ok(()) } else { Err(OpsError::other("the check of the Dockerfiles found something")) }
}

/// Pulls the images of services.
///
/// # Errors
/// The registries': all that failed.
pub async fn pull(
    session: &Session,
    loaded: &Loaded,
    chosen: &Chosen,
    wish: &PullWish,
) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let project = &loaded.project;
    let images = project.services.values().map(|service| service.image.clone());
    let request = ObserveRequest {
        project: project.name.to_string(),
        images: images.filter(|image| !image.is_empty()).collect(),
        ..ObserveRequest::default()
    };
    let observed = observe::observe(&engine, &request).await?;
    let plan = supply::pull(project, &observed, chosen, wish);
    tell_what_stays(session, loaded, chosen, &plan);
    carry_out(session, &engine, loaded, &plan, observed).await
}

/// Services that are passed over, each with why.
fn tell_what_stays(session: &Session, loaded: &Loaded, chosen: &Chosen, plan: &Plan) {
    let project = &loaded.project;
    let is_pulled = |image: &str| {
        plan.steps
            .iter()
            .any(|step| matches!(&step.action, Action::PullImage { image: one, .. } if one == image))
    };
    for service in project.services.values().filter(|service| service.provider.is_none()) {
        if !(chosen.services.is_empty() || chosen.services.contains(&service.name)) {
            continue;
        }
        let image = project.image_name(service);
        if session.dry_run.is_none() && !is_pulled(&image) {
            let why = if service.image.is_empty() { "Skipped (it is built)" } else { "Skipped" };
            session.events.send(Subject::Image(image), EventKind::Unchanged { status: why.to_owned() });
        }
    }
}

/// Pushes the images that services build.
///
/// # Errors
/// The registries': all that failed.
pub async fn push(
    session: &Session,
    loaded: &Loaded,
    chosen: &Chosen,
    ignore_failures: bool,
) -> Result<(), OpsError> {
    let plan = supply::push(&loaded.project, chosen, ignore_failures);
    if plan.is_empty() {
        session
            .warn(loaded.project.name.as_str(), "no service has both `build` and `image`: nothing to push");
        return Ok(());
    }
    let engine = session.engine().await?;
    carry_out(session, &engine, loaded, &plan, ObservedState::default()).await
}

async fn carry_out(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    plan: &Plan,
    observed: ObservedState,
) -> Result<(), OpsError> {
    let project = Arc::new(loaded.project.clone());
    session.apply(engine, plan, Some(&project), &Arc::new(observed), OnFailure::Continue).await
}
