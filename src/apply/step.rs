//! One action to engine calls: a match, nothing else.

use super::wait::{self, Subscription, Wait};
use super::{
    Cx, StepError, build, container_id, copy, diagnose, explain, files, grace, hooks, image_digest, models,
    monitor, provider,
};
use crate::engine::{EngineErrorKind, PullProgress};
use crate::event::{EventKind, Subject, Verb};
use crate::lower;
use crate::lower::bake::Wish;
use crate::lower::container::Purpose;
use crate::model::{Project, Service, ServiceName};
use crate::observe::ContainerId;
use crate::plan::{Action, ContainerRef, StepId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The containers that the steps before this one created.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) created: BTreeMap<StepId, ContainerId>,
    /// The same by service, the lowest number of each.
    pub(super) by_service: BTreeMap<ServiceName, ContainerId>,
}

/// Does it. The result is the container it created, if it created one.
pub(super) async fn perform(
    cx: &Cx,
    action: &Action,
    resolved: &Resolved,
    subscription: Subscription,
    waits: &CancellationToken,
) -> Result<Option<ContainerId>, StepError> {
    let id = |container: &ContainerRef| target(container, resolved);
    match action {
        Action::PullImage { image, platform, or_build, .. } => {
            pull(cx, image, platform.as_deref(), or_build.as_ref()).await?;
        }
        Action::BuildImage { service, image, wish } => build::image(cx, service, image, *wish).await?,
        Action::PushImage { image, .. } => push(cx, image).await?,
        Action::PrepareModel { key, pull, .. } => models::prepare(cx, key, *pull).await?,
        Action::CreateNetwork { key, .. } => {
            let project = project(cx)?;
            let Some(network) = project.networks.get(key) else {
                return Err(unknown("network", key.as_str()));
            };
            cx.engine.create_network(lower::network::create_body(project, key, network)).await?;
        }
        Action::RemoveNetwork { id, name } | Action::RemoveNotes { id, name } => {
            let removed = cx.engine.remove_network(id, name).await;
            if let Err(error) = removed {
                return Err(explain::network(cx, id, name, error).await);
            }
        }
        Action::ConnectNetwork { network, key, container } => {
            let (project, service) = service(cx, &container.service)?;
            let endpoint = lower::networking::endpoint(project, service, key, &container.name);
            cx.engine.connect_network(network, id(container)?.0.as_str(), endpoint).await?;
        }
        Action::DisconnectNetwork { network, container } => {
            cx.engine.disconnect_network(network, id(container)?.0.as_str()).await?;
        }
        Action::CreateVolume { key, .. } => {
            let project = project(cx)?;
            let Some(volume) = project.volumes.get(key) else { return Err(unknown("volume", key.as_str())) };
            cx.engine.create_volume(lower::volume::create_body(project, key, volume)).await?;
        }
        Action::RemoveVolume { name } => cx.engine.remove_volume(name).await?,
        Action::CreateKeeper { name, of } => {
            cx.engine.create_volume(lower::volume::keeper_body(project(cx)?, name, of)).await?;
        }
        Action::CopyVolume { from, to, image } => copy::volume(cx, from, to, image).await?,
        Action::RemoveImage { image } => cx.engine.remove_image(image, false).await?,
        Action::WriteNotes { name, generation, notes, supersedes, .. } => {
            let body = lower::notes::body(project(cx)?, name, *generation, notes);
            cx.engine.create_network(body).await?;
            if let Some(older) = supersedes {
                cx.engine.remove_network(older, older).await?;
            }
        }
        Action::MarkHooks { container } => hooks::mark(cx, &id(container)?).await?,
        Action::ClearHooks { container, id: known } => {
            // What was never created has nothing to be cleared of.
            if let Some(of) = container_id(&container.target, &resolved.created) {
                hooks::clear(cx, of, known.as_deref()).await?;
            }
        }
        Action::Delay { for_ms, .. } => monitor::delay(Duration::from_millis(*for_ms), waits).await?,
        Action::Monitor { container, for_ms } => {
            let watched = (container, &id(container)?);
            monitor::watch(cx, watched, Duration::from_millis(*for_ms), waits).await?;
        }
        Action::CreateContainer { service, number, name, replaces, fresh_volumes, contents } => {
            let heir = Heir { replaces: replaces.as_ref(), fresh_volumes: *fresh_volumes, contents };
            let made = (Purpose::Replica(*number), name.as_str());
            return create(cx, resolved, service, made, heir).await.map(Some);
        }
        Action::CreateOneOff { one_off, contents } => {
            let heir = Heir { replaces: None, fresh_volumes: true, contents };
            let purpose = Purpose::OneOff { aliases: one_off.aliases, remove: one_off.remove };
            let made = (purpose, one_off.name.as_str());
            return create(cx, resolved, &one_off.service, made, heir).await.map(Some);
        }
        Action::UpdateContainer { container } => {
            let (project, service) = service(cx, &container.service)?;
            let body = lower::update::body(project, service);
            cx.engine.update_container(&id(container)?.0, &container.name, body).await.map_err(|error| {
                let hint = "replace the container instead: `stack up --force-recreate`".to_owned();
                StepError { hints: vec![hint], ..StepError::from(error) }
            })?;
        }
        Action::StartContainer { container } => {
            let id = id(container)?;
            files::inject(cx, container, &id).await?;
            let started = cx.engine.start_container(&id.0, &container.name).await;
            if let Err(error) = started {
                let explained = explain::start(cx, container, error);
                return Err(diagnose::start(cx, container, &id, explained).await);
            }
            if let Some(giver) = &cx.on_start {
                giver.started(cx, &container.service, &id).await;
            }
        }
        Action::StopContainer { container, timeout_s } => {
            grace::stop(cx, container, &id(container)?, *timeout_s).await?;
        }
        Action::RestartContainer { container, timeout_s } => {
            let restarted = cx.engine.restart_container(&id(container)?.0, &container.name, *timeout_s).await;
            restarted.map_err(|error| explain::start(cx, container, error))?;
        }
        Action::KillContainer { container, signal } => {
            cx.engine.kill_container(&id(container)?.0, &container.name, signal).await?;
        }
        Action::RemoveContainer { container, volumes, force } => {
            // What was never created need not be taken away.
            if container_id(&container.target, &resolved.created).is_none() {
                return Ok(None);
            }
            cx.engine.remove_container(&id(container)?.0, &container.name, *force, *volumes).await?;
        }
        Action::RenameContainer { container, to } => {
            cx.engine.rename_container(&id(container)?.0, to).await?;
        }
        Action::PauseContainer { container } => {
            cx.engine.pause_container(&id(container)?.0, &container.name).await?;
        }
        Action::UnpauseContainer { container } => {
            cx.engine.unpause_container(&id(container)?.0, &container.name).await?;
        }
        Action::RunHook { container, phase, index } => {
            hooks::run(cx, resolved, container, &id(container)?, (*phase, *index)).await?;
        }
        Action::Wait { service, containers, until, timeout_s, stable_s } => {
            let containers: Result<Vec<_>, StepError> =
                containers.iter().map(|container| Ok((container.name.clone(), id(container)?))).collect();
            let timeout = timeout_s.map(Duration::from_secs);
            let stable = stable_s.map_or(wait::SETTLING, Duration::from_secs);
            let wait = Wait { service, containers: containers?, until: *until, timeout, stable };
            wait::until(cx, &wait, subscription, waits).await?;
        }
        Action::RunProvider { service, verb } => provider::run(cx, service, verb).await?,
    }
    Ok(None)
}

/// What a new container takes over from an old one.
#[derive(Debug, Clone, Copy)]
struct Heir<'a> {
    replaces: Option<&'a ContainerId>,
    fresh_volumes: bool,
    contents: &'a BTreeMap<String, String>,
}

async fn create(
    cx: &Cx,
    resolved: &Resolved,
    name: &ServiceName,
    (purpose, container_name): (Purpose, &str),
    heir: Heir<'_>,
) -> Result<ContainerId, StepError> {
    let (project, service) = service(cx, name)?;
    let service = provider::given(cx, service);
    let service = service.as_ref();
    let image = project.image_name(service);
    let mut known = cx.observed.containers.iter().chain(&cx.observed.detached);
    let old = heir.replaces.and_then(|id| known.find(|container| container.id == *id));
    let mounts: Option<Vec<lower::ReplacedMount>> = old.map(|old| {
        old.mounts
            .iter()
            .filter(|_| !heir.fresh_volumes)
            .map(|mount| lower::ReplacedMount {
                kind: mount.kind.clone(),
                name: mount.name.clone(),
                destination: mount.destination.clone(),
                writable: mount.writable,
            })
            .collect()
    });
    // What the image declares as volumes matters only when there is something to carry over.
    let has_volumes = mounts.iter().flatten().any(|mount| mount.kind == "volume");
    let image_volumes = if has_volumes {
        cx.engine.image_defaults(&image).await?.volumes.unwrap_or_default()
    } else {
        Vec::new()
    };
    let final_name = match purpose {
        Purpose::Replica(number) => project.container_name(service, number),
        Purpose::OneOff { .. } | Purpose::Hook => container_name.to_owned(),
    };
    let mut lowered = lower::container::create(&lower::container::Request {
        project,
        service,
        purpose,
        name: &final_name,
        image_digest: image_digest(cx, &image),
        replaces: mounts.as_deref(),
        image_volumes: &image_volumes,
        contents: heir.contents,
        container_ids: &ids_by_service(cx, resolved),
        api: cx.engine.api_version().0,
    });
    if let Some(options) = lowered.body.host_config.as_mut().and_then(|host| host.security_opt.as_mut()) {
        files::inline_seccomp(&project.working_dir, options)?;
    }
    if service.use_api_socket
        && let Some(socket) = files::socket_of(cx.engine.address())
        && let Some(binds) = lowered.body.host_config.as_mut().and_then(|host| host.binds.as_mut())
    {
        lower::machine::really_at(binds, socket);
    }
    let platform = (!service.platform.is_empty()).then_some(service.platform.as_str());
    let created = cx.engine.create_container(container_name, platform, lowered.body).await;
    let id = created.map_err(|error| {
        // The image is not there: another look would not find it either.
        let final_word = error.kind == EngineErrorKind::NotFound;
        if final_word { StepError::new(error.to_string()) } else { error.into() }
    })?;
    for (network, endpoint) in lowered.connect_after {
        cx.engine.connect_network(&network, &id, endpoint).await?;
    }
    Ok(ContainerId(id))
}

/// The id that `service:x` stands for: the lowest-numbered container of each service, new ones first.
pub(super) fn ids_by_service(cx: &Cx, resolved: &Resolved) -> BTreeMap<ServiceName, String> {
    let mut ids: BTreeMap<ServiceName, (Option<u32>, String)> = BTreeMap::new();
    for container in &cx.observed.containers {
        let identity = &container.identity;
        if identity.oneoff || identity.config_hash.is_none() {
            continue;
        }
        let candidate = (identity.number, container.id.0.clone());
        let entry = ids.entry(identity.service.clone()).or_insert_with(|| candidate.clone());
        if candidate.0 < entry.0 {
            *entry = candidate;
        }
    }
    let mut ids: BTreeMap<ServiceName, String> = ids.into_iter().map(|(name, (_, id))| (name, id)).collect();
    for (service, id) in &resolved.by_service {
        ids.insert(service.clone(), id.0.clone());
    }
    ids
}

async fn pull(
    cx: &Cx,
    image: &str,
    platform: Option<&str>,
    or_build: Option<&ServiceName>,
) -> Result<(), StepError> {
    let pulled = cx.engine.pull_image(image, platform, transfer(cx, image, Verb::Pull)).await;
    match (pulled, or_build) {
        (Ok(()), _) => remember_image(cx, image).await,
        (Err(_), Some(service)) => build::image(cx, service, image, Wish::default()).await,
        // That no registry has it is no sign that the engine has moved on.
        (Err(error), None) => Err(StepError::new(error.to_string())),
    }
}

/// Sends an image to its registry.
pub(super) async fn push(cx: &Cx, image: &str) -> Result<(), StepError> {
    let pushed = cx.engine.push_image(image, transfer(cx, image, Verb::Push)).await;
    pushed.map_err(|error| {
        let hints = match error.kind {
            EngineErrorKind::Denied => {
                vec![format!("log in to its registry: `docker login {}`", registry_of(image))]
            }
            EngineErrorKind::NotFound => vec!["build it first: `stack build`".to_owned()],
            EngineErrorKind::Conflict
            | EngineErrorKind::BadRequest
            | EngineErrorKind::Server
            | EngineErrorKind::Unreachable
            | EngineErrorKind::TimedOut
            | EngineErrorKind::Unexpected => Vec::new(),
        };
        StepError { hints, ..StepError::new(error.to_string()) }
    })
}

/// The registry that a reference names; none for Docker Hub, which is what `docker login` means by itself.
fn registry_of(image: &str) -> &str {
    let host = image.split_once('/').map_or("", |(host, _)| host);
    if host.contains(['.', ':']) || host == "localhost" { host } else { "" }
}

/// Tells how far a transfer is.
fn transfer(cx: &Cx, image: &str, verb: Verb) -> impl FnMut(PullProgress) + use<> {
    let events = cx.events.clone();
    let subject = Subject::Image(image.to_owned());
    move |progress| {
        let PullProgress { layer: part, current, total, status: text } = progress;
        events.send(subject.clone(), EventKind::Progress { verb, part, current, total, text });
    }
}

/// What an image is now goes into the labels of containers made from it.
pub(super) async fn remember_image(cx: &Cx, image: &str) -> Result<(), StepError> {
    let digest = cx.engine.image_digest(image).await?;
    cx.fresh_images.lock().unwrap_or_else(PoisonError::into_inner).insert(image.to_owned(), digest);
    Ok(())
}

fn target(container: &ContainerRef, resolved: &Resolved) -> Result<ContainerId, StepError> {
    container_id(&container.target, &resolved.created)
        .cloned()
        .ok_or_else(|| StepError::new(format!("container `{}` was not created", container.name)))
}

pub(super) fn project(cx: &Cx) -> Result<&Arc<Project>, StepError> {
    cx.project.as_ref().ok_or_else(|| StepError::new("this needs the project's stack file"))
}

pub(super) fn service<'a>(cx: &'a Cx, name: &ServiceName) -> Result<(&'a Project, &'a Service), StepError> {
    let project = project(cx)?;
    match project.services.get(name) {
        Some(service) => Ok((project, service)),
        None => Err(unknown("service", name.as_str())),
    }
}

fn unknown(kind: &str, name: &str) -> StepError {
    StepError::new(format!("no such {kind}: {name}"))
}
