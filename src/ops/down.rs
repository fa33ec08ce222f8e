//! `down`: takes away what the project has.

use super::{OpsError, Scope, Session, detached};
use crate::apply::OnFailure;
use crate::engine::Engine;
use crate::graph::ServiceGraph;
use crate::model::{Project, ServiceName, label};
use crate::observe::{self, ObserveRequest, ObservedState};
use crate::plan::{Action, Grace, Plan, Teardown, graph_from_labels, teardown};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What `down` is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Only these services; empty: everything.
    pub services: Vec<String>,
    /// How long containers may take to stop.
    pub grace: Grace,
    /// Volumes too.
    pub volumes: Volumes,
    /// Containers of services that no file names, and one-offs, too.
    pub orphans: bool,
    /// Profiles were named: services that none of them takes in are left alone.
    pub only_active: bool,
    /// Images, too.
    pub images: Images,
}

/// What becomes of a project's volumes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Volumes {
    /// They stay.
    #[default]
    Stay,
    /// They go.
    Go,
    /// They go, and are named first: somebody reads it.
    Told,
}

impl Volumes {
    fn go(self) -> bool {
        self != Self::Stay
    }
}

/// Which images go with a project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Images {
    /// None.
    #[default]
    None,
    /// The ones that have no name of their own: what a build made for the project.
    Local,
    /// All that its services use.
    All,
}

/// Plans a `down`: what it would do, and the view it was made from.
///
/// # Errors
/// The engine's, or an unknown service.
pub async fn plan(
    engine: &Engine,
    scope: &Scope,
    request: &Request,
) -> Result<(Plan, Arc<ObservedState>), OpsError> {
    let images = images(engine, scope, request).await?;
    let wanted = ObserveRequest {
        images: images.iter().cloned().collect(),
        ..everything(scope, request.volumes.go())
    };
    let observed = observe::observe(engine, &wanted).await?;
    let graph = graph(scope, &observed);
    let services: BTreeSet<ServiceName> = request.services.iter().map(ServiceName::new).collect();
    super::lifecycle::known_services(scope, &services)?;
    let input = Teardown {
        project_name: scope.name(),
        project: scope.project(),
        graph: &graph,
        observed: &observed,
        services: (!services.is_empty()).then_some(&services),
        grace: request.grace,
        volumes: request.volumes.go(),
        orphans: request.orphans,
        only_active: request.only_active,
        images: &images,
    };
    let plan = teardown(&input);
    Ok((plan, Arc::new(observed)))
}

/// Takes it away. What cannot be removed does not keep the rest.
///
/// # Errors
/// What could not be done, after everything else was.
pub async fn run(session: &Session, scope: &Scope, request: &Request) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let work = async |session: &Session| {
        let again = async || Box::pin(run_alone(session, &engine, scope, request)).await;
        session.through_trouble(&engine, scope.name(), again).await
    };
    session.locked(&engine, scope.name(), work).await
}

async fn run_alone(
    session: &Session,
    engine: &Engine,
    scope: &Scope,
    request: &Request,
) -> Result<(), OpsError> {
    let (plan, observed) = plan(engine, scope, request).await?;
    if plan.is_empty() && observed.containers.is_empty() {
        session.warn(scope.name(), format!("No resource found to remove for project \"{}\".", scope.name()));
    }
    for warning in &plan.warnings {
        session.warn(scope.name(), warning.clone());
    }
    if request.volumes == Volumes::Told {
        let volumes: Vec<String> = plan
            .steps
            .iter()
            .filter_map(|step| {
                let Action::RemoveVolume { name } = &step.action else { return None };
                Some(name.clone())
            })
            .collect();
        if !volumes.is_empty() {
            let text = format!("-v removes these volumes with their data: {}", volumes.join(", "));
            session.warn(scope.name(), text);
        }
    }
    let project = scope.project().map(|project| Arc::new(project.clone()));
    if session.dry_run.is_none() && !request.volumes.go() {
        // Before anything is removed: a run that is killed must not be the one that forgets.
        let going = |action: &Action| {
            let removes = matches!(action, Action::RemoveContainer { .. });
            action.container().filter(|_| removes).map(|container| container.name.clone())
        };
        let going: BTreeSet<String> = plan.steps.iter().filter_map(|step| going(&step.action)).collect();
        let going: Vec<_> = observed.containers.iter().filter(|one| going.contains(&one.name)).collect();
        detached::remember(session, engine, scope.name(), &going);
    }
    session.apply(engine, &plan, project.as_ref(), &observed, OnFailure::Continue).await?;
    if session.dry_run.is_none() && request.volumes.go() && request.services.is_empty() {
        detached::forget(session, engine, scope.name());
    }
    Ok(())
}

/// The images that go, by reference. Without the files only those are known that were built for the project: a label says so.
async fn images(engine: &Engine, scope: &Scope, request: &Request) -> Result<BTreeSet<String>, OpsError> {
    match scope.project() {
        Some(project) => Ok(images_of(project, request)),
        None if request.images == Images::Local && request.services.is_empty() => {
            let label = [format!("{}={}", label::PROJECT, scope.name())];
            let built = engine.list_images_by_label(&label).await?;
            let own = [format!("{}-", scope.name()), format!("{}_", scope.name())];
            let tags = built.into_iter().flat_map(|image| image.repo_tags);
            Ok(tags.filter(|tag| own.iter().any(|start| tag.starts_with(start))).collect())
        }
        None => Ok(BTreeSet::new()),
    }
}

fn images_of(project: &Project, request: &Request) -> BTreeSet<String> {
    let chosen = |name: &ServiceName| {
        request.services.is_empty() || request.services.iter().any(|service| service == name.as_str())
    };
    let services = project.services.iter().filter(|(name, _)| chosen(name)).map(|(_, service)| service);
    let all = services.filter(|service| service.provider.is_none());
    match request.images {
        Images::None => BTreeSet::new(),
        Images::Local => all
            .filter(|service| service.image.is_empty())
            .map(|service| project.image_name(service))
            .collect(),
        Images::All => all.map(|service| project.image_name(service)).collect(),
    }
}

/// Everything that carries the project's label.
fn everything(scope: &Scope, volumes: bool) -> ObserveRequest {
    ObserveRequest {
        project: scope.name().to_owned(),
        networks: Some(Vec::new()),
        volumes: volumes.then(Vec::new),
        images: Vec::new(),
    }
}

/// The files' graph, or the labels' where no file was read.
pub(super) fn graph(scope: &Scope, observed: &ObservedState) -> ServiceGraph {
    match scope.project() {
        Some(project) => {
            // Services that a profile leaves out may run all the same.
            let mut all = project.clone();
            all.services.extend(project.disabled_services.clone());
            ServiceGraph::of(&all)
        }
        None => graph_from_labels(observed),
    }
}
