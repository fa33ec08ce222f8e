//! What the containers have been given, shared by the watch and by whatever starts containers beside it.
//!
//! A container that is started by a plan gets its files as a part of being started, so that what depends on it finds them.
//! One that somebody else starts is noticed by its event. Both go through here, one at a time: nothing is sent twice, and
//! an older state never overtakes a newer one.

use super::containers::Containers;
use super::{auto, rules, tree};
use crate::apply::{Cx, OnStart};
use crate::event::{EventKind, Subject, WatchDeed};
use crate::model::ServiceName;
use crate::observe::ContainerId;
use crate::ops::Session;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;
use tokio::sync::{Mutex, MutexGuard};

/// What the containers of a project have been given.
#[derive(Debug, Default)]
pub struct Delivery {
    containers: Mutex<Containers>,
    /// Services that are built and have no rules get those that their Dockerfile tells.
    pub(super) auto: bool,
}

impl Delivery {
    /// Nothing was given yet. With `auto`, services that are built and have no rules get derived ones.
    pub fn new(auto: bool) -> Self {
        Self { containers: Mutex::default(), auto }
    }

    /// The containers, for one user at a time.
    pub(super) async fn containers(&self) -> MutexGuard<'_, Containers> {
        self.containers.lock().await
    }

    async fn give(&self, cx: &Cx, service: &ServiceName, id: &ContainerId) {
        let Some(project) = &cx.project else { return };
        let (rules, _) = if self.auto {
            rules::of_project(&auto::with_rules(project).0)
        } else {
            rules::of_project(project)
        };
        let rules: Vec<_> =
            rules.into_iter().filter(|rule| rule.service == *service && rule.syncs()).collect();
        if rules.is_empty() {
            return;
        }
        let began = Instant::now();
        let whole = BTreeSet::from([PathBuf::new()]);
        let mut containers = self.containers.lock().await;
        // What goes wrong here is told by the watch, which looks at each container that has started.
        if containers.refresh(&cx.engine, project.name.as_str()).await.is_err() {
            return;
        }
        for rule in rules {
            let tree = tree::scan(&rule);
            let to = Some(id.0.as_str());
            let delivered = containers.deliver(&cx.engine, &rule, &tree, &whole, false, to).await;
            if let Ok(count @ 1..) = delivered {
                let subject = Subject::Service(service.to_string());
                cx.events.send(subject, watched(WatchDeed::Sync, count, &whole, began));
            }
        }
    }
}

impl OnStart for Delivery {
    fn started<'a>(&'a self, cx: &'a Cx, service: &'a ServiceName, id: &'a ContainerId) -> BoxFuture<'a, ()> {
        self.give(cx, service, id).boxed()
    }
}

/// What a sync brought.
#[derive(Debug)]
pub(super) struct Delivered {
    /// How many paths the container that lacked most was given.
    pub(super) count: usize,
    /// Which, relative to the rule's.
    pub(super) paths: BTreeSet<PathBuf>,
    pub(super) began: Instant,
}

impl Delivered {
    /// A line, unless there was nothing to do.
    pub(super) fn tell(&self, session: &Session, deed: WatchDeed, service: &ServiceName) {
        if self.count > 0 {
            let kind = watched(deed, self.count, &self.paths, self.began);
            session.events.send(Subject::Service(service.to_string()), kind);
        }
    }
}

pub(super) fn watched(deed: WatchDeed, count: usize, paths: &BTreeSet<PathBuf>, began: Instant) -> EventKind {
    let paths: Vec<String> =
        paths.iter().map(|path| path.display().to_string()).filter(|path| !path.is_empty()).take(3).collect();
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    EventKind::Watched { deed, count, paths, took_ms }
}
