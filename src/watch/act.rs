//! What a batch leads to: syncs, rebuilds, restarts and commands, in that order, each told in one line.

use super::Watch;
use super::delivery::{Delivered, watched};
use super::stack::Touched;
use crate::event::{EventKind, Subject, WatchDeed};
use crate::load::LoadRequest;
use crate::model::{ServiceName, WatchAction};
use crate::ops::{Scope, Session, lifecycle, up};
use crate::plan::{ImagePolicy, OrphanPolicy, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

impl Watch<'_> {
    /// Rebuild, then sync, then restart, then exec: what was rebuilt has the files already.
    pub(super) async fn act(&mut self, touched: &Touched, build_files: &BTreeSet<PathBuf>) {
        let mut rebuild = self.stack.built_by(build_files);
        let mut restart: BTreeSet<ServiceName> = BTreeSet::new();
        let mut exec: Vec<usize> = Vec::new();
        for index in touched.rules() {
            let Some(rule) = self.stack.rules.get(index) else { continue };
            match rule.action {
                WatchAction::Rebuild => drop(rebuild.insert(rule.service.clone())),
                WatchAction::Restart | WatchAction::SyncRestart => drop(restart.insert(rule.service.clone())),
                WatchAction::SyncExec => exec.push(index),
                WatchAction::Sync => {}
            }
        }
        if !rebuild.is_empty() {
            let files = self.files_of(touched, build_files, &rebuild);
            self.rebuild(&rebuild, &files).await;
        }
        // What a restart or a command follows is told with that, in one line.
        let mut synced: BTreeMap<usize, Delivered> = BTreeMap::new();
        let mut failed = BTreeSet::new();
        for index in touched.rules() {
            let Some(rule) = self.stack.rules.get(index) else { continue };
            if !rule.syncs() || rebuild.contains(&rule.service) {
                continue;
            }
            let (service, alone) = (rule.service.clone(), rule.action == WatchAction::Sync);
            match self.sync(index, Some(touched)).await {
                Some(delivered) if alone => delivered.tell(self.session, WatchDeed::Sync, &service),
                Some(delivered) => drop(synced.insert(index, delivered)),
                None => drop(failed.insert(service)),
            }
        }
        restart.retain(|service| !rebuild.contains(service) && !failed.contains(service));
        if !restart.is_empty() {
            self.restart(&restart, &synced).await;
        }
        for index in exec {
            let skip = self
                .stack
                .rules
                .get(index)
                .is_none_or(|rule| rebuild.contains(&rule.service) || failed.contains(&rule.service));
            if !skip {
                self.exec(index, synced.remove(&index)).await;
            }
        }
    }

    /// What a rebuild of these services is about.
    fn files_of(
        &self,
        touched: &Touched,
        build_files: &BTreeSet<PathBuf>,
        services: &BTreeSet<ServiceName>,
    ) -> BTreeSet<PathBuf> {
        let of_rule = |index: usize| {
            let rule = self.stack.rules.get(index).filter(|rule| services.contains(&rule.service))?;
            let within = touched.within(index)?;
            // A rule about one file has its path as the root.
            Some(within.iter().map(|path| {
                let path = if path.as_os_str().is_empty() { rule.root.clone() } else { rule.root.join(path) };
                self.stack.shown(&path)
            }))
        };
        let rules = touched.rules().filter_map(of_rule).flatten();
        rules.chain(build_files.iter().map(|path| self.stack.shown(path))).collect()
    }

    /// Brings what containers lack: those of the service that one has just started of, or all.
    pub(super) async fn reconcile(&mut self, only: Option<&str>) {
        for index in 0..self.stack.rules.len() {
            let containers = self.containers().await;
            let wanted = self.stack.rules.get(index).is_some_and(|rule| {
                rule.syncs() && only.is_none_or(|id| containers.is_of(id, &rule.service))
            });
            drop(containers);
            if !wanted {
                continue;
            }
            // A newer state than ours may have been delivered with the start.
            self.stack.look_at(index);
            if let Some(delivered) = self.sync(index, None).await
                && let Some(rule) = self.stack.rules.get(index)
            {
                delivered.tell(self.session, WatchDeed::Sync, &rule.service);
            }
        }
    }

    /// Delivers a rule's difference to every running container of its service; nothing when one did not get it.
    async fn sync(&mut self, index: usize, touched: Option<&Touched>) -> Option<Delivered> {
        let began = Instant::now();
        let nothing = Delivered { count: 0, paths: BTreeSet::new(), began };
        let (Some(rule), Some(tree)) = (self.stack.rules.get(index), self.stack.trees.get(index)) else {
            return Some(nothing);
        };
        let whole = BTreeSet::from([PathBuf::new()]);
        let within = touched.and_then(|touched| touched.within(index)).unwrap_or(&whole);
        let forced = touched.is_some_and(|touched| !touched.overflow);
        let delivered = self.containers().await.deliver(&self.engine, rule, tree, within, forced, None).await;
        match delivered {
            Ok(count) => Some(Delivered { count, paths: within.clone(), began }),
            Err(error) => {
                let message = format!("{}: {error}", rule.service);
                self.session
                    .events
                    .send(Subject::Service(rule.service.to_string()), EventKind::Warning { message });
                None
            }
        }
    }

    /// Builds the services' images and replaces their containers; the old ones serve until the new image is there.
    async fn rebuild(&mut self, services: &BTreeSet<ServiceName>, files: &BTreeSet<PathBuf>) {
        let began = Instant::now();
        let before = self.containers().await.images_of(services);
        let load = LoadRequest {
            services: services.iter().map(ToString::to_string).collect(),
            without_dependencies: true,
            ..self.request.load.clone()
        };
        let policy = Policy {
            selected: services.clone(),
            images: ImagePolicy { build: true, ..ImagePolicy::default() },
            orphans: OrphanPolicy::Ignore,
            ..self.request.policy.clone()
        };
        let done = match crate::load::load(&load) {
            Ok(part) => {
                let project = Arc::new(part.project.clone());
                up::converge(self.session, &self.engine, &part, &project, &policy).await
            }
            Err(failure) => Err(failure.into()),
        };
        if !self.told(done, "the containers that ran go on") {
            return;
        }
        for service in services {
            let subject = Subject::Service(service.to_string());
            self.session.events.send(subject, watched(WatchDeed::Rebuild, files.len(), files, began));
        }
        self.refreshed().await;
        if self.request.prune {
            let after = self.containers().await.images_of(services);
            for image in before.difference(&after) {
                // Somebody else may use it: then it stays.
                drop(self.engine.remove_image(image, false).await);
            }
        }
        self.reconcile(None).await;
    }

    /// Restarts services; what was synced before that is told with it.
    async fn restart(&mut self, services: &BTreeSet<ServiceName>, synced: &BTreeMap<usize, Delivered>) {
        let began = Instant::now();
        let names: Vec<String> = services.iter().map(ToString::to_string).collect();
        let scope = Scope::Loaded(Arc::new(self.stack.loaded.clone()));
        let verb = lifecycle::Verb::Restart { alone: true };
        let session = &Session { events: self.session.events.trouble_only(), ..self.session.clone() };
        let done = lifecycle::run(session, &scope, &verb, &names, self.request.policy.timeout_s).await;
        if !self.told(done, "the files are there; it was not restarted") {
            return;
        }
        for service in services {
            let of_service = synced.iter().filter(|(index, _)| {
                self.stack.rules.get(**index).is_some_and(|rule| rule.service == *service)
            });
            let mut whole = Delivered { count: 0, paths: BTreeSet::new(), began };
            for (_, delivered) in of_service {
                whole.count += delivered.count;
                whole.paths.extend(delivered.paths.iter().cloned());
                whole.began = whole.began.min(delivered.began);
            }
            let deed = watched(WatchDeed::Restart, whole.count, &whole.paths, whole.began);
            self.session.events.send(Subject::Service(service.to_string()), deed);
        }
    }

    async fn exec(&self, index: usize, synced: Option<Delivered>) {
        let Some(rule) = self.stack.rules.get(index) else { return };
        let began = Instant::now();
        let done = self.containers().await.exec(&self.engine, rule).await;
        match done {
            Ok(()) => {
                let synced = synced.unwrap_or(Delivered { count: 0, paths: BTreeSet::new(), began });
                let deed = watched(WatchDeed::Exec, synced.count, &synced.paths, synced.began);
                self.session.events.send(Subject::Service(rule.service.to_string()), deed);
            }
            Err(message) => {
                let subject = Subject::Service(rule.service.to_string());
                self.session.events.send(subject, EventKind::Warning { message });
            }
        }
    }
}
