//! What is remembered of instances on this machine while no container says it: their host ports.

use super::super::history::{engine_key, put};
use super::super::lock::Guard;
use crate::engine::Engine;
use crate::model::Project;
use crate::model::instance::PortMap;
use crate::ops::{OpsError, Session};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the file.
const FILE: &str = "instances.json";

/// How long ports are kept that nobody has asked for.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// The instances on an engine that were brought up from here.
#[derive(Debug, Clone)]
pub(super) struct Registry {
    engine: String,
    /// `None` where there is no folder to keep it in.
    folder: Option<PathBuf>,
}

/// What is remembered of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its host ports.
    pub(super) ports: PortMap,
    /// When they were last asked for (RFC 3339).
    pub(super) used: String,
}

impl Registry {
    pub(super) fn of(session: &Session, engine: &Engine) -> Self {
        let engine = engine_key(engine);
        let folder = session.state.as_ref().map(|state| state.join(&engine));
        Self { engine, folder }
    }

    /// Where what is remembered of the engine is; `None` where there is no such place.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Keeps others from choosing ports at the same time.
    pub(super) async fn lock(&self, session: &Session, project: &str) -> Result<Option<Guard>, OpsError> {
        session.guard(&format!("ports of {}", self.engine), project).await
    }

    /// What is remembered, by project name. What cannot be read is nothing: ports are found again.
    pub(super) fn read(&self) -> BTreeMap<String, Entry> {
        let text = self.folder.as_ref().and_then(|folder| std::fs::read_to_string(folder.join(FILE)).ok());
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Remembers the ports of an instance. That it cannot be done is told; they are the same next time all the same, unless
    /// somebody else has them by then.
    pub(super) fn keep_ports(&self, session: &Session, project: &Project, ports: &PortMap) {
        let now = jiff::Timestamp::now();
        let is_recent = |entry: &Entry| {
            let used = entry.used.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            now.duration_since(used).unsigned_abs() < KEPT
        };
        self.change(session, project.name.as_str(), |entries| {
            entries.retain(|_, entry| is_recent(entry));
            let entry = entries.entry(project.name.to_string()).or_default();
            entry.ports.extend(ports);
            entry.used = now.to_string();
        });
    }

    /// Forgets instances.
    pub(super) fn forget(&self, session: &Session, project: &str) {
        self.change(session, project, |entries| drop(entries.remove(project)));
    }

    fn change(&self, session: &Session, project: &str, change: impl FnOnce(&mut BTreeMap<String, Entry>)) {
        let Some(folder) = &self.folder else { return };
        let before = self.read();
        let mut entries = before.clone();
        change(&mut entries);
        if entries == before {
            return;
        }
        let text = serde_json::to_string_pretty(&entries).unwrap_or_default();
        let file = folder.join(FILE);
        if let Err(error) = put(folder, &file, &text) {
            let file = file.display();
            session.warn(
                project,
                format!("the host ports of this instance are not remembered: {file}: {error}"),
            );
        }
    }
}
