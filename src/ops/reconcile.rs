//! Load and observe to a plan: what `plan`, `up`, `create` and `scale` share.

use super::instances::ports;
use super::{OpsError, Session, contents, detached, elsewhere, sources};
use crate::engine::Engine;
use crate::graph::ServiceGraph;
use crate::load::Loaded;
use crate::lower;
use crate::model::{Project, Provided, ServiceName};
use crate::observe::{self, Fields, ObserveRequest, ObservedState};
use crate::plan::{self, AnonymousVolumes, Input, Plan, Policy, Problem, Question};
use crate::yaml::NodePath;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A plan and the view it was made from.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The view.
    pub observed: Arc<ObservedState>,
    /// The project with what it takes from this machine, when that is more than its files say.
    pub completed: Option<Arc<Project>>,
}

/// Observes and plans. Only questions are sent to the engine.
///
/// # Errors
/// The engine's, and every problem that makes a plan impossible.
pub async fn plan(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    policy: &Policy,
) -> Result<Planned, OpsError> {
    let mut policy = Cow::Borrowed(policy);
    if policy.images.build_stale {
        policy.to_mut().images.build_only = sources::stale(engine, &loaded.project).await?;
    }
    let policy = policy.as_ref();
    let detached = detached::known(session, engine, &loaded.project);
    let request = request(&loaded.project, detached.iter().map(|one| one.volume.clone()));
    let (observed, completed) = futures_util::future::join(
        observe::observe(engine, &request),
        Box::pin(super::machine::complete(engine, &loaded.project)),
    )
    .await;
    let mut observed = observed?;
    let (completed, models) = completed?;
    observed.models = models;
    let detached = detached::found(detached, &loaded.project, &observed.volumes);
    let told = if policy.anonymous_volumes == AnonymousVolumes::Reattached {
        observed.detached = detached;
        None
    } else {
        detached::warning(&detached, &observed)
    };
    let completed = provide(completed, &loaded.project, &policy.provided);
    let completed = ports::give(session, engine, completed, &loaded.project).await?.map(Arc::new);
    let project = completed.as_deref().unwrap_or(&loaded.project);
    let graph = ServiceGraph::of(project);
    supported(session, engine, project)?;
    let nothing = BTreeMap::new();
    let contents = contents::of(project).await;
    let contents = &contents;
    let input = Input { project, graph: &graph, observed: &observed, policy, wanted: &nothing, contents };
    let replaced = plan::diverged_networks(&input);
    let volumes = plan::replaced_volumes(&input);
    let diverged = plan::diverged(&input);
    if !replaced.is_empty() {
        let attached = observe::attached(engine, &replaced).await?;
        for network in &mut observed.networks {
            network.attached = attached.get(&network.id).cloned().unwrap_or_default();
        }
    }
    for name in volumes {
        let users = observe::users(engine, &name).await?;
        for volume in observed.volumes.iter_mut().filter(|volume| volume.name == name) {
            volume.users.clone_from(&users);
        }
    }
    let input = Input { project, graph: &graph, observed: &observed, policy, wanted: &nothing, contents };
    if diverged.is_empty() {
        let mut plan = plan::reconcile(&input).map_err(OpsError::Problems)?;
        plan.warnings.extend(told);
        warn(session, engine, project, &observed, &mut plan).await?;
        return Ok(Planned { plan, observed: Arc::new(observed), completed });
    }
    // Something differs: now it is worth asking what.
    let ids: Vec<_> = diverged.iter().map(|(_, id)| id.clone()).collect();
    let services: BTreeSet<&ServiceName> = diverged.iter().map(|(service, _)| service).collect();
    let (details, wanted) = futures_util::future::join(
        observe::details(engine, &ids),
        wanted(engine, project, &observed, &services),
    )
    .await;
    observed.fields = details?;
    let input = Input { project, graph: &graph, observed: &observed, policy, wanted: &wanted, contents };
    let mut plan = plan::reconcile(&input).map_err(OpsError::Problems)?;
    plan.warnings.extend(told);
    warn(session, engine, project, &observed, &mut plan).await?;
    Ok(Planned { plan, observed: Arc::new(observed), completed })
}

/// Adds what only the plan shows to be worth telling.
async fn warn(
    session: &Session,
    engine: &Engine,
    project: &Project,
    observed: &ObservedState,
    plan: &mut Plan,
) -> Result<(), OpsError> {
    let sources = sources::warnings(engine, project, observed, plan).await?;
    let elsewhere = elsewhere::warnings(engine, project, observed, plan).await?;
    let about = std::mem::take(&mut plan.about);
    let placed =
        about.into_iter().map(|(path, message)| format!("{}{message}", place(session, project, &path)));
    plan.warnings.extend(placed.chain(sources).chain(elsewhere));
    Ok(())
}

/// What the user would have to decide, asked of the engine's list of volumes alone.
///
/// # Errors
/// The engine's.
pub async fn questions(session: &Session, loaded: &Loaded) -> Result<Vec<Question>, OpsError> {
    let engine = session.engine().await?;
    Ok(plan::diverged_volumes(&loaded.project, &observe::volumes(&engine).await?))
}

/// The project with what providers gave that have run already.
fn provide(completed: Option<Project>, own: &Project, provided: &Provided) -> Option<Project> {
    if provided.is_empty() {
        return completed;
    }
    let mut project = completed.unwrap_or_else(|| own.clone());
    for service in project.services.values_mut() {
        if let Cow::Owned(given) = lower::machine::provided_to(service, provided) {
            **service = given;
        }
    }
    Some(project)
}

/// What a project is observed with.
fn request(project: &Project, detached: impl Iterator<Item = String>) -> ObserveRequest {
    let images: BTreeSet<String> = project
        .services
        .values()
        .filter(|service| service.provider.is_none())
        .flat_map(|service| {
            let hooks = service.pre_start.iter().map(|hook| hook.image.clone());
            hooks.filter(|image| !image.is_empty()).chain([project.image_name(service)])
        })
        .collect();
    let volumes: Vec<String> =
        project.volumes.values().map(|volume| volume.name.clone()).chain(detached).collect();
    ObserveRequest {
        project: project.name.to_string(),
        networks: Some(project.networks.values().map(|network| network.name.clone()).collect()),
        volumes: (!volumes.is_empty()).then_some(volumes),
        images: images.into_iter().collect(),
    }
}

/// Refuses what cannot be honoured, and warns of what can be done without.
fn supported(session: &Session, engine: &Engine, project: &Project) -> Result<(), OpsError> {
    let mut problems = Vec::new();
    let offer = lower::support::Offer { api: engine.api_version().0, podman: engine.is_podman() };
    for unsupported in lower::support::check(project, offer) {
        if unsupported.tolerable {
            let place = place(session, project, &unsupported.path);
            let message = format!("{place}{}: {}", unsupported.path, unsupported.message);
            session.warn(project.name.as_str(), message);
        } else {
            problems.push(Problem { path: unsupported.path, message: unsupported.message, help: Vec::new() });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(OpsError::Problems(problems)) }
}

/// Where an attribute is written, with what separates it from a message; nothing where no file is known.
fn place(session: &Session, project: &Project, path: &NodePath) -> String {
    let place = session.sources.as_ref().and_then(|sources| sources.place(project.origins.span(path)));
    place.map_or_else(String::new, |place| format!("{place}: "))
}

/// What the containers of services should be made of, flattened.
async fn wanted(
    engine: &Engine,
    project: &Project,
    observed: &ObservedState,
    services: &BTreeSet<&ServiceName>,
) -> BTreeMap<ServiceName, Fields> {
    let mut ids: BTreeMap<ServiceName, (Option<u32>, String)> = BTreeMap::new();
    for container in observed.containers.iter().filter(|container| !container.identity.oneoff) {
        let candidate = (container.identity.number, container.id.0.clone());
        let entry = ids.entry(container.identity.service.clone()).or_insert_with(|| candidate.clone());
        if candidate.0 < entry.0 {
            *entry = candidate;
        }
    }
    let ids: BTreeMap<ServiceName, String> = ids.into_iter().map(|(name, (_, id))| (name, id)).collect();
    let each = services.iter().filter_map(|name| project.services.get(*name)).map(|service| async {
        let image = project.image_name(service);
        // Without the image what it would give the container shows as the file's own wish.
        let defaults = engine.image_defaults(&image).await.unwrap_or_default();
        let name = project.container_name(service, 1);
        let lowered = lower::container::create(&lower::container::Request {
            project,
            service,
            purpose: lower::container::Purpose::Replica(1),
            name: &name,
            image_digest: None,
            replaces: None,
            image_volumes: &[],
            contents: &BTreeMap::new(),
            container_ids: &ids,
            api: engine.api_version().0,
        });
        (service.name.clone(), lower::fields::of_lowered(&lowered, &name, &defaults))
    });
    futures_util::future::join_all(each).await.into_iter().collect()
}
