//! Who takes part: profiles, services named on the command line and what they depend on, resources that are used.
//! <https://github.com/compose-spec/compose-spec/blob/main/15-profiles.md>

use super::session::Session;
use crate::model::{MountType, Project, ServiceName};
use crate::source::nearest;
use crate::source::{Diagnostic, Span};
use crate::yaml::{Mapping, Node};
use std::collections::{BTreeMap, BTreeSet};

/// The services that profiles leave out, and the profiles that are active. Naming a service activates its profiles.
///
/// With `dependencies`, what a service that takes part depends on takes part too, whatever its profiles are, and so on;
/// no other service with those profiles does.
pub fn by_profile(
    tree: &Mapping,
    profiles: &[String],
    named: &[String],
    dependencies: bool,
) -> (BTreeSet<String>, Vec<String>) {
    let mut active = profiles.to_vec();
    for name in named {
        let service = tree.get("services").and_then(|services| services.get(name));
        if let Some(service) = service.filter(|service| !takes_part(service, profiles)) {
            active.extend(profiles_of(service).map(str::to_owned));
        }
    }
    let services = tree.get("services").and_then(Node::as_mapping).into_iter().flat_map(Mapping::iter);
    let (mut waiting, left_out): (Vec<_>, Vec<_>) =
        services.partition(|(_, entry)| takes_part(&entry.value, &active));
    let mut disabled: BTreeMap<&str, &Node> =
        left_out.into_iter().map(|(name, entry)| (name, &entry.value)).collect();
    if dependencies {
        let mut waiting: Vec<&Node> = waiting.drain(..).map(|(_, entry)| &entry.value).collect();
        while let Some(service) = waiting.pop() {
            let needs = service.get("depends_on").and_then(Node::as_mapping);
            let names = needs.into_iter().flat_map(Mapping::iter).map(|(name, _)| name);
            waiting.extend(names.filter_map(|name| disabled.remove(name)));
        }
    }
    (disabled.into_keys().map(str::to_owned).collect(), active)
}

fn profiles_of(service: &Node) -> impl Iterator<Item = &str> {
    service.get("profiles").and_then(Node::as_sequence).unwrap_or_default().iter().filter_map(Node::as_str)
}

fn takes_part(service: &Node, active: &[String]) -> bool {
    let mut own = profiles_of(service).peekable();
    own.peek().is_none()
        || active.iter().any(|profile| profile == "*")
        || own.any(|profile| active.iter().any(|active| active == profile))
}

/// Leaves the named services and, unless that is not wanted, what they depend on; the others no longer take part.
pub fn services(project: &mut Project, session: &mut Session<'_>) {
    let named = &session.request.services;
    if named.is_empty() {
        return;
    }
    let mut chosen: BTreeSet<ServiceName> = BTreeSet::new();
    let mut waiting: Vec<ServiceName> = Vec::new();
    for name in named {
        let before = waiting.len();
        waiting.extend(project.services.keys().filter(|known| matches(name, known.as_str())).cloned());
        if waiting.len() == before {
            let mut diagnostic =
                Diagnostic::error("unknown-service", Span::NONE, format!("no such service: {name}"));
            let known = project.services.keys().map(ServiceName::as_str);
            diagnostic = if let Some(near) = nearest(name, known) {
                diagnostic.help(format!("a service with a similar name exists: `{near}`"))
            } else {
                let all: Vec<_> = project.services.keys().map(|known| format!("`{known}`")).collect();
                diagnostic.help(format!("services are {}", all.join(", ")))
            };
            session.diagnostics.push(diagnostic);
        }
    }
    while let Some(name) = waiting.pop() {
        let Some(service) = project.services.get(&name) else { continue };
        if chosen.insert(name) && !session.request.without_dependencies {
            waiting.extend(service.depends_on.keys().cloned());
        }
    }
    let all = std::mem::take(&mut project.services);
    for (name, mut service) in all {
        service.depends_on.retain(|dependency, _| chosen.contains(dependency));
        if chosen.contains(&name) {
            project.services.insert(name, service);
        } else {
            project.disabled_services.insert(name, service);
        }
    }
}

/// A name, or a pattern with `*` and `?`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = name.chars();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => {
                let tail = characters.as_str();
                let mut candidate = rest.as_str();
                loop {
                    if matches(tail, candidate) {
                        return true;
                    }
                    let mut shorter = candidate.chars();
                    if shorter.next().is_none() {
                        return false;
                    }
                    candidate = shorter.as_str();
                }
            }
            '?' => {
                if rest.next().is_none() {
                    return false;
                }
            }
            _ => {
                if rest.next() != Some(character) {
                    return false;
                }
            }
        }
    }
    rest.next().is_none()
}

/// Drops networks, volumes, secrets, configs and models that no service uses.
pub fn resources(project: &mut Project) {
    let services = || project.services.values();
    let networks: BTreeSet<_> = services().flat_map(|service| service.networks.keys().cloned()).collect();
    let models: BTreeSet<_> = services().flat_map(|service| service.models.keys().cloned()).collect();
    let volumes: BTreeSet<_> = services()
        .flat_map(|service| &service.volumes)
        .filter(|mount| mount.kind == MountType::Volume)
        .map(|mount| mount.source.clone())
        .collect();
    let configs: BTreeSet<_> =
        services().flat_map(|service| &service.configs).map(|config| config.source.clone()).collect();
    let secrets: BTreeSet<_> = services()
        .flat_map(|service| {
            service.secrets.iter().chain(service.build.iter().flat_map(|build| &build.secrets))
        })
        .map(|secret| secret.source.clone())
        .collect();
    project.networks.retain(|key, _| networks.contains(key));
    project.models.retain(|key, _| models.contains(key));
    project.volumes.retain(|key, _| volumes.contains(key.as_str()));
    project.configs.retain(|key, _| configs.contains(key.as_str()));
    project.secrets.retain(|key, _| secrets.contains(key.as_str()));
}
