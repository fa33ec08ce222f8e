//! Instances that are to be thrown away, and were not: because their owner was killed, or because somebody wants to look at
//! them.

use super::{Found, Life, Registry, list, remove};
use crate::engine::{Engine, label};
use crate::event::{EventKind, Subject, Verb};
use crate::lower;
use crate::model::Project;
use crate::ops::{OpsError, Session};
use std::path::PathBuf;

/// Takes away what owners left that were killed: instances that were to be thrown away, with their volumes and the images
/// that were built for them. The names of those that went come back. What somebody has made a project of their own since,
/// or wanted to be kept, stays, and so does `but`: that project somebody is just making their own.
///
/// # Errors
/// What could not be done, after everything else was.
pub async fn sweep(session: &Session, but: &str) -> Result<Vec<String>, OpsError> {
    let engine = session.engine().await?;
    let all = list(&engine).await?;
    let mut gone = Vec::new();
    let mut failed = None;
    for one in all.iter().filter(|one| one.owner_life == Some(Life::Dead) && !one.kept && one.project != but)
    {
        match sweep_one(session, &engine, one).await {
            Ok(true) => gone.push(one.project.clone()),
            Ok(false) => {}
            Err(error) => failed = Some(error),
        }
    }
    if session.dry_run.is_none() {
        Notes::of(session, &engine).tidy(&all);
    }
    failed.map_or(Ok(gone), Err)
}

/// The same, when a run of this machine and user has left something: for commands to which a look at the engine each time
/// would be too much.
///
/// # Errors
/// As [`sweep`].
pub async fn sweep_known(session: &Session, engine: &Engine, but: &str) -> Result<(), OpsError> {
    if session.dry_run.is_none() && Notes::of(session, engine).is_any_dead() {
        sweep(session, but).await?;
    }
    Ok(())
}

async fn sweep_one(session: &Session, engine: &Engine, one: &Found) -> Result<bool, OpsError> {
    if !is_all_its_own(engine, one).await? {
        return Ok(false);
    }
    let subject = Subject::Project(one.project.clone());
    let reason = Some("the run that made it was killed".to_owned());
    session.events.send(subject.clone(), EventKind::Started { verb: Verb::Remove, reason });
    let quiet = Session { events: session.events.trouble_only(), state: None, ..session.clone() };
    remove(&quiet, one, true).await?;
    session.events.send(subject, EventKind::Done { verb: Verb::Remove });
    Ok(true)
}

/// Whether everything of the project was made by the owner that is gone. A container that somebody else has added since, or
/// a volume, makes the project theirs; what was run once in it does not.
async fn is_all_its_own(engine: &Engine, one: &Found) -> Result<bool, OpsError> {
    let of_project = [format!("{}={}", label::PROJECT, one.project)];
    let containers = engine.list_containers(&of_project).await?;
    let volumes = engine.list_volumes(&of_project).await?;
    let is_foreign = |labels: &std::collections::BTreeMap<String, String>| {
        let once = labels.get(label::ONEOFF).is_some_and(|oneoff| oneoff == "True");
        !once && !labels.contains_key(label::INSTANCE_OWNER)
    };
    let mut labels = containers.iter().map(|row| &row.labels).chain(volumes.iter().map(|row| &row.labels));
    Ok(!labels.any(is_foreign))
}

/// Keeps an instance that was to be thrown away, until somebody takes it down: a volume without data says so.
///
/// # Errors
/// The engine's.
pub async fn keep(engine: &Engine, project: &Project) -> Result<(), OpsError> {
    Ok(engine.create_volume(lower::volume::keep_mark(project)).await?)
}

/// What is put down on this machine while an instance that is to be thrown away is there, so that the next command need not
/// ask the engine when there is none: an empty file for each, called after the project and the process.
#[derive(Debug)]
pub struct Notes {
    folder: Option<PathBuf>,
}

impl Notes {
    /// Those of an engine.
    pub fn of(session: &Session, engine: &Engine) -> Self {
        Self { folder: Registry::of(session, engine).folder().map(|folder| folder.join("ephemeral")) }
    }

    /// Puts one down. Where that cannot be, only `test` and `instances prune` find what is left.
    pub fn put(&self, project: &str) {
        let Some(folder) = &self.folder else { return };
        let pid = std::process::id();
        drop(
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(folder.join(format!("{project}.{pid}")), "")),
        );
    }

    /// Takes it back.
    pub fn take_back(&self, project: &str) {
        let Some(folder) = &self.folder else { return };
        let prefix = format!("{project}.");
        for name in self.names().into_iter().filter(|name| name.starts_with(&prefix)) {
            drop(std::fs::remove_file(folder.join(name)));
        }
    }

    /// Whether one is of a process that is gone.
    fn is_any_dead(&self) -> bool {
        self.names().iter().any(|name| is_dead(name))
    }

    /// Takes back those of instances that are gone.
    fn tidy(&self, before: &[Found]) {
        for name in self.names() {
            let Some((project, _)) = name.rsplit_once('.') else { continue };
            let lives = before.iter().any(|one| one.project == project && one.owner_life != Some(Life::Dead));
            // One that is just being made is not seen yet, and its process lives.
            if !lives && is_dead(&name) {
                self.take_back(project);
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let files = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok());
        let names = files.into_iter().flatten().filter_map(|file| file.ok()?.file_name().into_string().ok());
        names.collect()
    }
}

/// Whether the process that a note is called after is gone. That its number may be another's by now costs a look more at the
/// end of that one.
fn is_dead(name: &str) -> bool {
    let pid = name.rsplit_once('.').and_then(|(_, pid)| pid.parse().ok());
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    pid.is_none_or(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}
