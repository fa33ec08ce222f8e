//! Instances: copies of a project that run side by side.
//!
//! What an instance is called and what its names become is settled when the files are loaded ([`crate::model::instance`]);
//! here is what needs the engine and the machine: host ports ([`ports`]), what there is ([`list`]), and taking away what
//! nobody needs any more ([`remove`]). An instance that is to be thrown away carries its [`Owner`]: whoever comes after a
//! process that was killed finds what it left ([`sweep`]).

pub mod ports;

mod ephemeral;
mod owner;
mod registry;

pub use ephemeral::{Notes, keep, sweep, sweep_known};
pub use owner::{Life, Owner, host};
use registry::Registry;

use super::down::{self, Images, Volumes};
use super::{OpsError, Scope, Session};
use crate::engine::{Engine, label};
use crate::model::instance::{PortMap, ports_of};
use crate::observe::ContainerStatus;
use crate::plan::Grace;
use std::collections::BTreeMap;

/// An instance that the engine has something of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub instance: String,
    /// The project it is an instance of.
    pub origin: String,
    /// The name of the project that it is.
    pub project: String,
    /// The states of its containers.
    pub states: Vec<ContainerStatus>,
    /// Its host ports.
    pub ports: PortMap,
    /// The project directory.
    pub working_dir: String,
    /// Whether that is still there.
    pub folder: Life,
    /// The process that it lives as long as, for one that is to be thrown away.
    pub owner: Option<Owner>,
    /// Whether that is still there; `None` for one that is to stay.
    pub owner_life: Option<Life>,
    /// Somebody wants to look at it, whatever became of that process.
    pub kept: bool,
    /// When its oldest container was created, seconds since 1970; `None` without any.
    pub created: Option<i64>,
    /// Its volumes.
    pub volumes: Vec<String>,
}

impl Found {
    /// Whether it is to be thrown away when its owner is done.
    pub fn is_ephemeral(&self) -> bool {
        self.owner_life.is_some()
    }

    /// Why nobody needs it any more; `None` while somebody may.
    pub fn abandoned(&self) -> Option<&'static str> {
        if self.owner_life == Some(Life::Dead) && !self.kept {
            return Some("the process that made it is gone");
        }
        (self.folder == Life::Dead).then_some("its folder is gone")
    }
}

/// All instances that the engine has a container, network or volume of, by project name.
///
/// # Errors
/// The engine's.
pub async fn list(engine: &Engine) -> Result<Vec<Found>, OpsError> {
    let labels = [label::INSTANCE.to_owned()];
    let (containers, networks, volumes) = futures_util::try_join!(
        engine.list_containers(&labels),
        engine.list_networks(&labels),
        engine.list_volumes(&labels),
    )?;
    let mut found = BTreeMap::new();
    for row in containers {
        let Some(one) = entry(&mut found, &row.labels) else { continue };
        one.states.push(ContainerStatus::parse(&row.state));
        one.ports
            .extend(row.labels.get(label::INSTANCE_PORTS).map(|text| ports_of(text)).unwrap_or_default());
        one.created = Some(one.created.map_or(row.created, |created| created.min(row.created)));
    }
    for row in networks {
        entry(&mut found, &row.labels);
    }
    for row in volumes {
        if let Some(one) = entry(&mut found, &row.labels) {
            if row.labels.contains_key(label::INSTANCE_KEPT) {
                one.kept = true;
            } else {
                one.volumes.push(row.name);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The instance that labels speak of.
fn entry<'a>(
    found: &'a mut BTreeMap<String, Found>,
    labels: &BTreeMap<String, String>,
) -> Option<&'a mut Found> {
    let text = |key: &str| labels.get(key).cloned();
    let (project, instance) = (text(label::PROJECT)?, text(label::INSTANCE)?);
    Some(found.entry(project.clone()).or_insert_with(|| {
        let host = text(label::INSTANCE_HOST).unwrap_or_default();
        let working_dir = text(label::WORKING_DIR).unwrap_or_default();
        let owner = text(label::INSTANCE_OWNER);
        let process = owner.as_deref().and_then(Owner::parse);
        Found {
            instance,
            origin: text(label::INSTANCE_OF).unwrap_or_default(),
            project,
            states: Vec::new(),
            ports: PortMap::new(),
            folder: owner::folder(&working_dir, &host),
            working_dir,
            owner_life: owner.map(|_| process.as_ref().map_or(Life::Unknown, |process| process.life(&host))),
            owner: process,
            kept: false,
            created: None,
            volumes: Vec::new(),
        }
    }))
}

/// Takes an instance away: its containers and networks, with `volumes` its volumes too.
///
/// # Errors
/// What could not be done, after everything else was.
pub async fn remove(session: &Session, instance: &Found, volumes: bool) -> Result<(), OpsError> {
    let engine = session.engine().await?;
    let request = down::Request {
        grace: Grace::Fast,
        volumes: if volumes { Volumes::Go } else { Volumes::Stay },
        orphans: true,
        images: if instance.is_ephemeral() { Images::Local } else { Images::None },
        ..down::Request::default()
    };
    Box::pin(down::run(session, &Scope::Named(instance.project.clone()), &request)).await?;
    if session.dry_run.is_none() {
        Registry::of(session, &engine).forget(session, &instance.project);
    }
    Ok(())
}
