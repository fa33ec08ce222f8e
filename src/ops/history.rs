//! What was applied, kept for `stack rollback`: the configurations of a project on an engine, newest last.
//!
//! A generation is written before the first step of a run and marked once all of it was done, so that a run that failed or
//! was killed is known as one. It holds the project as it was resolved, without the contents of config and secret files, and
//! the image that each name stood for. Deliberately absent: anything that [`up`] needs. Without the history all works as
//! before, only there is nothing to go back to.

use super::saved::Saved;
use super::{OpsError, Session, config, up};
use crate::engine::{Address, Engine};
use crate::load::Loaded;
use crate::model::{Project, Service, hash};
use crate::observe::ObservedState;
use crate::plan::{Action, Plan, Policy};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many generations of a project are kept.
const KEPT: usize = 10;

/// The form of the files.
const FORMAT: u32 = 1;

/// A configuration that was applied, or begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    format_version: u32,
    /// Counts up from 1.
    pub number: u64,
    /// When it was begun (RFC 3339).
    pub at: String,
    /// Whether all of it was done.
    pub applied: bool,
    /// Whether only services that were named took part.
    pub partial: bool,
    /// What each service was.
    pub services: BTreeMap<String, Part>,
    /// The project.
    pub saved: Saved,
}

/// What a service was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The hash of its definition, apart from the name of its image.
    definition: String,
    /// The name of its image.
    image: String,
    /// The id of the image that the name stood for; empty when that is not known.
    image_id: String,
}

impl Part {
    fn of(project: &Project, service: &Service, ids: &BTreeMap<String, String>) -> Self {
        let image = project.image_name(service);
        let plain = Service { image: String::new(), pull_policy: String::new(), ..service.clone() };
        let image_id = ids.get(&image).cloned().unwrap_or_default();
        Self { definition: hash::service(&plain), image, image_id }
    }

    /// Whether containers of both would be the same: an image goes by its id where that is known.
    fn is_same(&self, other: &Self) -> bool {
        let image = if self.image_id.is_empty() || other.image_id.is_empty() {
            self.image == other.image
        } else {
            self.image_id == other.image_id
        };
        image && self.definition == other.definition
    }
}

/// The history of a project on an engine.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
}

impl History {
    /// The one of a project; `None` when there is no folder to keep it in.
    pub fn of(session: &Session, engine: &Engine, project: &str) -> Option<Self> {
        let folder = session.state.as_ref()?.join(engine_key(engine)).join(project);
        Some(Self { folder })
    }

    /// What is kept, newest last. What cannot be read is left out: another version may have written it.
    pub fn read(&self) -> Vec<Generation> {
        self.numbers().into_iter().filter_map(|number| self.generation(number)).collect()
    }

    /// The newest that is kept. A project has ten, and a run that changes nothing needs no other.
    fn newest(&self) -> Option<Generation> {
        self.numbers().into_iter().rev().find_map(|number| self.generation(number))
    }

    /// The numbers of the files that are there, in order.
    fn numbers(&self) -> Vec<u64> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let number = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
        let mut numbers: Vec<u64> = files
            .filter_map(|file| number(&file.path()).filter(|number| self.file(*number) == file.path()))
            .collect();
        numbers.sort_unstable();
        numbers
    }

    fn generation(&self, number: u64) -> Option<Generation> {
        let text = std::fs::read_to_string(self.file(number)).ok()?;
        serde_json::from_str(&text).ok().filter(|generation: &Generation| generation.format_version == FORMAT)
    }

    /// A file of another kind that is kept in the same place.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn file(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.json"))
    }

    /// Writes a file of the folder.
    pub(super) fn put(&self, file: &Path, text: &str) -> io::Result<()> {
        put(&self.folder, file, text)
    }

    /// Writes one; the oldest go.
    fn write(&self, generation: &Generation) -> io::Result<()> {
        self.put(&self.file(generation.number), &serde_json::to_string_pretty(generation)?)?;
        let kept = self.numbers();
        for old in kept.iter().take(kept.len().saturating_sub(KEPT)) {
            std::fs::remove_file(self.file(*old))?;
        }
        Ok(())
    }
}

/// Writes a file of a folder, for its owner alone, whole or not at all.
pub(super) fn put(folder: &Path, file: &Path, text: &str) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}-{}", std::process::id()));
    // Left behind by a process of that number that was killed.
    drop(std::fs::remove_file(&draft));
    let mut open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    open.write_all(text.as_bytes())?;
    std::fs::rename(&draft, file)
}

/// A name for an engine, the same for all who mean it.
pub(super) fn engine_key(engine: &Engine) -> String {
    let address = match engine.address() {
        // Several paths lead to one socket.
        Address::Unix(path) => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
        other @ (Address::Tcp(_) | Address::Ssh(_)) => other.to_string(),
    };
    let digest = Sha256::digest(address.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A run that is being put down.
#[derive(Debug)]
pub(super) struct Record {
    history: History,
    generation: Generation,
    /// The newest before it.
    before: Option<Generation>,
    /// Images whose id is only known once they were pulled or built.
    coming: BTreeSet<String>,
}

/// Puts down that a configuration is about to be applied; `None` when it is the newest that is kept, or nothing is kept.
pub(super) fn begin(
    session: &Session,
    engine: &Engine,
    loaded: &Loaded,
    policy: &Policy,
    plan: &Plan,
    observed: &ObservedState,
) -> Option<Record> {
    if session.dry_run.is_some() {
        return None;
    }
    let project = &loaded.project;
    let history = History::of(session, engine, project.name.as_str())?;
    let coming: BTreeSet<String> = plan
        .steps
        .iter()
        .filter_map(|step| {
            if let Action::PullImage { image, .. } | Action::BuildImage { image, .. } = &step.action {
                Some(image.clone())
            } else {
                None
            }
        })
        .collect();
    let ids: BTreeMap<String, String> = observed
        .images
        .iter()
        .filter(|(name, _)| !coming.contains(*name))
        .map(|(name, image)| (name.clone(), image.id.clone()))
        .collect();
    let services: BTreeMap<String, Part> = project
        .services
        .values()
        .map(|service| (service.name.to_string(), Part::of(project, service, &ids)))
        .collect();
    let newest = history.newest();
    let newest = newest.as_ref();
    let partial = !policy.selected.is_empty();
    if !plan.has_changes()
        && let Some(newest) = newest
        && newest.applied
        && services
            .iter()
            .all(|(name, part)| newest.services.get(name).is_some_and(|known| known.is_same(part)))
        && (partial || newest.services.len() == services.len())
    {
        return None;
    }
    let Project { working_dir, files, env_files, disabled_services, .. } = project;
    let saved = Saved {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        stack_file: config::render(loaded, config::Format::Yaml),
        working_dir: working_dir.clone(),
        files: files.clone(),
        env_files: env_files.clone(),
        instance: project.instance.as_ref().map(|instance| instance.name.clone()),
        disabled: disabled_services.keys().cloned().collect(),
        policy: Policy { scale: policy.scale.clone(), ..Policy::default() },
        world: BTreeMap::new(),
    };
    // A run that begins again what the last one began, and what only starts what had stopped, is no other configuration.
    // What an image that is still to come turns out to be is only known afterwards.
    let again = newest.filter(|newest| {
        let settled = coming.is_empty() || !newest.applied;
        settled && newest.saved == saved && newest.partial == partial && is_same(&newest.services, &services)
    });
    let number = match (again, newest) {
        (Some(again), _) => again.number,
        (None, Some(newest)) => newest.number + 1,
        (None, None) => 1,
    };
    let generation = Generation {
        format_version: FORMAT,
        number,
        at: jiff::Timestamp::now().to_string(),
        applied: again.is_some_and(|again| again.applied),
        partial,
        services,
        saved,
    };
    let before = newest.filter(|newest| newest.number != number).cloned();
    let record = Record { history, generation, before, coming };
    record.keep(session);
    Some(record)
}

impl Record {
    fn keep(&self, session: &Session) {
        if let Err(error) = self.history.write(&self.generation) {
            let folder = self.history.folder.display();
            session.warn(
                "rollback",
                format!("this configuration is not kept for `stack rollback`: {folder}: {error}"),
            );
        }
    }

    /// Puts down that all of it was done.
    pub(super) async fn done(mut self, session: &Session, engine: &Engine) {
        for image in &self.coming {
            let Ok(id) = engine.image_digest(image).await else { continue };
            for part in self.generation.services.values_mut().filter(|part| part.image == *image) {
                part.image_id.clone_from(&id);
            }
        }
        self.generation.applied = true;
        let generation = &self.generation;
        let nothing_new = self.before.as_ref().is_some_and(|before| {
            before.applied
                && before.saved == generation.saved
                && before.partial == generation.partial
                && is_same(&before.services, &generation.services)
        });
        if nothing_new {
            // A pull or a build that brought the image that was there is no other configuration.
            drop(std::fs::remove_file(self.history.file(generation.number)));
        } else {
            self.keep(session);
        }
    }
}

/// Where a rollback goes.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The configuration.
    pub generation: Generation,
    /// The services that go back; empty: all.
    pub services: Vec<String>,
}

/// The configuration that services go back to: the newest that was applied in full before the last one and in which they
/// were something else. Going back is put down too, so that doing it twice returns to where one was.
///
/// # Errors
/// There is none, or the one that was asked for is not kept.
pub fn destination(
    history: &[Generation],
    services: &[String],
    to: Option<u64>,
) -> Result<Destination, OpsError> {
    let nothing = |message: String| OpsError::Other {
        message,
        hints: vec!["`stack rollback --list` shows what is kept".to_owned()],
    };
    if let Some(number) = to {
        let found = history.iter().find(|generation| generation.number == number);
        let generation = found.ok_or_else(|| nothing(format!("configuration {number} is not kept")))?.clone();
        check_services(&generation, services).map_err(nothing)?;
        let services = match services {
            [] if generation.partial => generation.services.keys().cloned().collect(),
            named => named.to_vec(),
        };
        return Ok(Destination { generation, services });
    }
    let covers =
        |generation: &&Generation| services.iter().all(|name| generation.services.contains_key(name));
    let current = history
        .iter()
        .rev()
        .find(covers)
        .ok_or_else(|| nothing("nothing is kept to go back to".to_owned()))?;
    let services: Vec<String> = match services {
        [] if current.partial => current.services.keys().cloned().collect(),
        named => named.to_vec(),
    };
    let differs = |older: &&Generation| {
        if services.is_empty() {
            return !older.partial
                && (older.saved.stack_file != current.saved.stack_file
                    || !is_same(&older.services, &current.services));
        }
        services.iter().all(|name| older.services.contains_key(name))
            && services.iter().any(|name| match (older.services.get(name), current.services.get(name)) {
                (Some(old), Some(new)) => !old.is_same(new),
                (_, _) => true,
            })
    };
    let older = history.iter().rev().filter(|one| one.number < current.number && one.applied);
    let generation = older
        .filter(|one| differs(one))
        .max_by_key(|one| one.number)
        .ok_or_else(|| nothing("no earlier configuration that differs is kept".to_owned()))?;
    Ok(Destination { generation: generation.clone(), services })
}

fn is_same(left: &BTreeMap<String, Part>, right: &BTreeMap<String, Part>) -> bool {
    let found = |(name, part): (&String, &Part)| right.get(name).is_some_and(|other| other.is_same(part));
    left.len() == right.len() && left.iter().all(found)
}

fn check_services(generation: &Generation, services: &[String]) -> Result<(), String> {
    match services.iter().find(|name| !generation.services.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(format!("configuration {} has no service `{name}`", generation.number)),
    }
}

/// The history of a project.
///
/// # Errors
/// No engine can be reached.
pub async fn list(session: &Session, project: &str) -> Result<Vec<Generation>, OpsError> {
    let engine = session.engine().await?;
    Ok(History::of(session, &engine, project).map(|history| history.read()).unwrap_or_default())
}

/// Goes back. `loaded` is the project of the destination.
///
/// # Errors
/// An image that ran then is no longer there; what could not be done.
pub async fn rollback(
    session: &Session,
    mut loaded: Loaded,
    destination: &Destination,
    policy: Policy,
) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    pin(&engine, &mut loaded.project, &destination.generation).await?;
    let number = destination.generation.number;
    session.warn(
        loaded.project.name.as_str(),
        format!(
            "going back to configuration {number} of {}; the stack file is as it was, and `stack up` applies it again",
            destination.generation.at
        ),
    );
    let selected = loaded.project.services.keys().cloned();
    let policy = Policy {
        selected: if destination.services.is_empty() { BTreeSet::new() } else { selected.collect() },
        scale: destination.generation.saved.policy.scale.clone(),
        ..policy
    };
    let project = Arc::new(loaded.project.clone());
    up::converge(session, &engine, &loaded, &project, &policy).await
}

/// Names images by their ids where their names stand for others now.
async fn pin(engine: &Engine, project: &mut Project, generation: &Generation) -> Result<(), OpsError> {
    let mut missing = Vec::new();
    for (name, service) in &mut project.services {
        let Some(part) = generation.services.get(name.as_str()) else { continue };
        if service.provider.is_some() || part.image_id.is_empty() {
            continue;
        }
        match engine.image_digest(&part.image).await {
            Ok(id) if id == part.image_id => continue,
            _another => {}
        }
        if engine.image_digest(&part.image_id).await.is_ok() {
            service.image.clone_from(&part.image_id);
            "never".clone_into(&mut service.pull_policy);
        } else if !part.image.contains('@') {
            missing.push(format!("`{name}`: `{}` ({})", part.image, short(&part.image_id)));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(OpsError::Other {
        message: format!("images that ran then are no longer on the engine: {}", missing.join(", ")),
        hints: vec!["pull or build them, and apply the stack file that names them".to_owned()],
    })
}

fn short(id: &str) -> &str {
    let hex = id.rsplit(':').next().unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}

/// The folder under which all histories are.
pub fn folder(state_home: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
    let absolute =
        |text: Option<&str>| text.map(Path::new).filter(|path| path.is_absolute()).map(Path::to_owned);
    let base = absolute(state_home).or_else(|| absolute(home).map(|home| home.join(".local/state")));
    Some(base?.join("stack"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u64, applied: bool, services: &[(&str, &str)]) -> Generation {
        let part = |image: &str| Part {
            definition: "same".to_owned(),
            image: "app".to_owned(),
            image_id: image.to_owned(),
        };
        Generation {
            format_version: FORMAT,
            number,
            at: String::new(),
            applied,
            partial: false,
            services: services.iter().map(|(name, image)| ((*name).to_owned(), part(image))).collect(),
            saved: Saved {
                version: String::new(),
                stack_file: String::new(),
                working_dir: PathBuf::new(),
                files: Vec::new(),
                env_files: Vec::new(),
                instance: None,
                disabled: Vec::new(),
                policy: Policy::default(),
                world: BTreeMap::new(),
            },
        }
    }

    fn goes_to(history: &[Generation], services: &[&str]) -> Option<u64> {
        let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
        destination(history, &services, None).ok().map(|destination| destination.generation.number)
    }

    #[test]
    fn a_rollback_goes_to_the_newest_configuration_that_was_whole_and_different() {
        let old = generation(1, true, &[("web", "a"), ("db", "a")]);
        let web = generation(2, true, &[("web", "b"), ("db", "a")]);
        let failed = generation(3, false, &[("web", "c"), ("db", "a")]);
        let db = generation(4, true, &[("web", "b"), ("db", "b")]);
        assert_eq!(goes_to(std::slice::from_ref(&old), &[]), None);
        assert_eq!(goes_to(&[old.clone(), web.clone()], &[]), Some(1));
        assert_eq!(goes_to(&[old.clone(), web.clone(), failed.clone()], &[]), Some(2));
        let all = [old, web, failed, db];
        assert_eq!(goes_to(&all, &[]), Some(2));
        assert_eq!(goes_to(&all, &["web"]), Some(1));
        assert_eq!(goes_to(&all, &["db"]), Some(2));
        assert_eq!(goes_to(&all, &["cache"]), None);
    }

    #[test]
    fn after_a_part_was_changed_that_part_goes_back() {
        let whole = generation(1, true, &[("web", "a"), ("db", "a")]);
        let part = Generation { partial: true, ..generation(2, true, &[("web", "b")]) };
        let found = destination(&[whole, part], &[], None).expect("somewhere to go");
        assert_eq!((found.generation.number, found.services), (1, vec!["web".to_owned()]));
    }
}
