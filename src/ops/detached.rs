//! Anonymous volumes of containers that `down` removed: the engine keeps them, and forgets whose they were.
//!
//! `down` puts that down in a file beside the history of what was applied, on the machine that ran it, for its owner alone. The
//! next `up` says what starts empty though there is data of before; `up --reattach` mounts it again.

use super::Session;
use super::history::History;
use crate::engine::Engine;
use crate::model::{Project, ServiceName};
use crate::observe::{Container, ContainerId, Identity, ObservedMount, ObservedState, ObservedVolume};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The name of the file.
const FILE: &str = "anonymous-volumes.json";

/// One anonymous volume, and where it was mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Detached {
    service: ServiceName,
    number: u32,
    destination: String,
    /// The volume's name.
    pub(super) volume: String,
}

/// Puts down whose anonymous volumes the containers' are that a `down` removed.
/// What cannot be put down is told; the volumes are there all the same.
pub(super) fn remember(session: &Session, engine: &Engine, project: &str, gone: &[&Container]) {
    let Some(history) = History::of(session, engine, project) else { return };
    let file = history.beside(FILE);
    let mut all = read(&file);
    let mut more = false;
    for container in gone.iter().filter(|one| !one.identity.oneoff && one.identity.hook.is_none()) {
        for mount in container.mounts.iter().filter(|mount| mount.is_anonymous_volume()) {
            let entry = Detached {
                service: container.identity.service.clone(),
                number: container.identity.number.unwrap_or(1),
                destination: mount.destination.clone(),
                volume: mount.name.clone(),
            };
            all.retain(|known| {
                (&known.service, known.number, &known.destination)
                    != (&entry.service, entry.number, &entry.destination)
            });
            all.push(entry);
            more = true;
        }
    }
    let text = serde_json::to_string_pretty(&all).unwrap_or_default();
    if let Err(error) = if more { history.put(&file, &text) } else { Ok(()) } {
        let file = file.display();
        session
            .warn(project, format!("`up --reattach` will not find the anonymous volumes: {file}: {error}"));
    }
}

/// Forgets them: they were removed.
pub(super) fn forget(session: &Session, engine: &Engine, project: &str) {
    if let Some(file) = History::of(session, engine, project).map(|history| history.beside(FILE)) {
        drop(std::fs::remove_file(file));
    }
}

fn read(file: &Path) -> Vec<Detached> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // What another version wrote in another form is none of ours.
    serde_json::from_str(&text).unwrap_or_default()
}

/// What was put down of services that the project has.
pub(super) fn known(session: &Session, engine: &Engine, project: &Project) -> Vec<Detached> {
    let history = History::of(session, engine, project.name.as_str());
    let mut all = history.map(|history| read(&history.beside(FILE))).unwrap_or_default();
    all.retain(|one| project.services.contains_key(&one.service));
    all
}

/// What is there of them, as containers that had them: what a plan can let new ones take over from.
pub(super) fn found(all: Vec<Detached>, project: &Project, volumes: &[ObservedVolume]) -> Vec<Container> {
    let there: BTreeSet<&str> = volumes.iter().map(|volume| volume.name.as_str()).collect();
    let mut found: BTreeMap<(ServiceName, u32), Container> = BTreeMap::new();
    for one in all.into_iter().filter(|one| there.contains(one.volume.as_str())) {
        let container = found.entry((one.service.clone(), one.number)).or_insert_with(|| Container {
            id: ContainerId(format!("detached-{}-{}", one.service, one.number)),
            name: project
                .services
                .get(&one.service)
                .map(|service| project.container_name(service, one.number))
                .unwrap_or_default(),
            identity: Identity {
                project: project.name.clone(),
                service: one.service.clone(),
                number: Some(one.number),
                ..Identity::default()
            },
            ..Container::default()
        });
        container.mounts.push(ObservedMount {
            kind: "volume".to_owned(),
            name: one.volume,
            destination: one.destination,
            writable: true,
            ..ObservedMount::default()
        });
    }
    found.into_values().collect()
}

/// What would start empty, or has started so, though there is data of before.
pub(super) fn warning(detached: &[Container], observed: &ObservedState) -> Option<String> {
    let mut waits = Vec::new();
    for before in detached {
        let now = observed.containers.iter().find(|one| {
            let (now, then) = (&one.identity, &before.identity);
            !now.oneoff && (&now.service, now.number) == (&then.service, then.number)
        });
        // Whoever runs without it has been told.
        if now.is_none() {
            let places = before.mounts.iter().map(|mount| mount.destination.as_str());
            waits.push(format!("{} of {}", places.collect::<Vec<_>>().join(", "), before.name));
        }
    }
    (!waits.is_empty()).then(|| {
        format!(
            "anonymous volumes of before are there, and new ones are made: {}. `up --reattach` mounts the old ones again",
            waits.join("; ")
        )
    })
}
