//! `ps`, `ls`: what there is.

use super::{OpsError, Scope};
use crate::engine::{Engine, label};
use crate::model::ServiceName;
use crate::observe::{self, Container, ContainerStatus, ObserveRequest};
use std::collections::{BTreeMap, BTreeSet};

/// Which containers `ps` shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these services; empty: all.
    pub services: Vec<String>,
    /// Stopped and one-off containers too.
    pub all: bool,
    /// Containers of services that no file names too.
    pub orphans: bool,
    /// Only containers in one of these states; implies `all`.
    pub status: Vec<String>,
}

/// The containers of a project, by name.
///
/// # Errors
/// The engine's, or an unknown service.
pub async fn containers(engine: &Engine, scope: &Scope, filter: &Filter) -> Result<Vec<Container>, OpsError> {
    let services: BTreeSet<ServiceName> = filter.services.iter().map(ServiceName::new).collect();
    super::lifecycle::known_services(scope, &services)?;
    let observed = observe::observe(engine, &containers_only(scope.name())).await?;
    let mut containers: Vec<Container> = observed
        .containers
        .into_iter()
        .filter(|container| {
            let identity = &container.identity;
            let all = filter.all || !filter.status.is_empty();
            let known = scope.project().is_none_or(|project| {
                project.services.contains_key(&identity.service)
                    || project.disabled_services.contains_key(&identity.service)
            });
            identity.config_hash.is_some()
                && (services.is_empty() || services.contains(&identity.service))
                && (all || (container.status.is_alive() && !identity.oneoff))
                && (filter.orphans || known)
                && (filter.status.is_empty()
                    || filter.status.iter().any(|status| status == container.status.as_str()))
        })
        .collect();
    containers.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(containers)
}

/// All containers of the named services, one-offs too, or of the project when none is named; by service and number.
///
/// # Errors
/// The engine's; a service that neither the files nor the engine know.
pub async fn of_services(
    engine: &Engine,
    scope: &Scope,
    services: &[String],
) -> Result<Vec<Container>, OpsError> {
    let observed = observe::observe(engine, &containers_only(scope.name())).await?;
    let mut containers = observed.containers;
    containers.retain(|container| container.identity.hook.is_none());
    let strange: BTreeSet<ServiceName> = services
        .iter()
        .map(ServiceName::new)
        .filter(|name| containers.iter().all(|container| container.identity.service != *name))
        .collect();
    super::lifecycle::known_services(scope, &strange)?;
    containers.retain(|container| {
        services.is_empty() || services.iter().any(|name| name == container.identity.service.as_str())
    });
    let order = |one: &Container| (one.identity.service.clone(), one.identity.number, one.name.clone());
    containers.sort_by_key(order);
    Ok(containers)
}

/// A project that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProject {
    /// Its name.
    pub name: String,
    /// The states of its containers.
    pub states: Vec<ContainerStatus>,
    /// Its stack files, comma separated; empty when no container says.
    pub config_files: String,
    /// The name of the instance, when it is one.
    pub instance: Option<String>,
}

/// All projects that the engine has, by name; the ones without a running container only with `all`.
///
/// # Errors
/// The engine's.
pub async fn projects(engine: &Engine, all: bool) -> Result<Vec<FoundProject>, OpsError> {
    let mut projects: BTreeMap<String, (FoundProject, BTreeSet<String>)> = BTreeMap::new();
    for container in observe::all_projects(engine).await? {
        let name = container.identity.project.to_string();
        let (found, files) = projects.entry(name.clone()).or_insert_with(|| {
            let instance = container.labels.get(label::INSTANCE).cloned();
            let found = FoundProject { name, states: Vec::new(), config_files: String::new(), instance };
            (found, BTreeSet::new())
        });
        if all || container.status.is_alive() {
            found.states.push(container.status);
        }
        let of_container = container.identity.config_files.unwrap_or_default();
        files.extend(of_container.split(',').filter(|file| !file.is_empty()).map(ToOwned::to_owned));
    }
    let told = |(found, files): (FoundProject, BTreeSet<String>)| {
        let config_files = files.into_iter().collect::<Vec<_>>().join(",");
        FoundProject { config_files, ..found }
    };
    Ok(projects.into_values().filter(|(found, _)| !found.states.is_empty()).map(told).collect())
}

/// A look at nothing but a project's containers.
pub(super) fn containers_only(project: &str) -> ObserveRequest {
    ObserveRequest { project: project.to_owned(), ..ObserveRequest::default() }
}
