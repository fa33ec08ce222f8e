//! Anonymous volumes of containers that `down` removed: the engine keeps them, and forgets whose they were.
//!
//! `down` puts that down in a file beside the history of what was applied, on the machine that ran it, for its owner alone. The
//! next `up` says what starts empty though there is data of before; `up --reattach` mounts it again.

use super::Session;
use super::history::History;
use crate::engine::{Engine, EngineError, VolumeRow};
use crate::model::{Project, ServiceName};
use crate::observe::{Container, ContainerId, Identity, ObservedMount, ObservedState};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The name of the file.
const FILE: &str = "anonymous-volumes.json";

/// One anonymous volume, and where it was mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Detached {
    service: ServiceName,
    number: u32,
    destination: String,
    volume: String,
}

/// Whether a volume has no name of its own: the engine calls it by 64 digits.
fn is_anonymous(mount: &ObservedMount) -> bool {
    let digits = mount.name.bytes().all(|byte| byte.is_ascii_hexdigit());
    mount.kind == "volume" && mount.name.len() == 64 && digits
}

/// Puts down whose anonymous volumes the containers' are that a `down` removed.
/// What cannot be put down is told; the volumes are there all the same.
pub(super) fn remember(session: &Session, engine: &Engine, project: &str, gone: &[&Container]) {
    let Some(file) = History::of(session, engine, project).map(|history| history.beside(FILE)) else {
        return;
    };
    let mut all = read(&file);
    let mut more = false;
    for container in gone.iter().filter(|one| !one.identity.oneoff && one.identity.hook.is_none()) {
        for mount in container.mounts.iter().filter(|mount| is_anonymous(mount)) {
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
    if let Err(error) = if more { write(&file, &all) } else { Ok(()) } {
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

fn write(file: &Path, all: &[Detached]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".{FILE}-{}", std::process::id()));
    drop(std::fs::remove_file(&draft));
    let mut open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    open.write_all(serde_json::to_string_pretty(all)?.as_bytes())?;
    std::fs::rename(&draft, file)
}

/// What is there of them, as containers that had them: what a plan can let new ones take over from. The engine is asked only
/// when anything was put down.
///
/// # Errors
/// The engine's.
pub(super) async fn find(
    session: &Session,
    engine: &Engine,
    project: &Project,
) -> Result<Vec<Container>, EngineError> {
    let history = History::of(session, engine, project.name.as_str());
    let mut all = history.map(|history| read(&history.beside(FILE))).unwrap_or_default();
    all.retain(|one| project.services.contains_key(&one.service));
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let there: BTreeSet<String> =
        engine.list_volumes(&[]).await?.into_iter().map(|row: VolumeRow| row.name).collect();
    let mut found: BTreeMap<(ServiceName, u32), Container> = BTreeMap::new();
    for one in all.into_iter().filter(|one| there.contains(&one.volume)) {
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
    Ok(found.into_values().collect())
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
