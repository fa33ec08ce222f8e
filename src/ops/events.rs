//! `events`: what happens to a project's containers, as it happens.

use super::{OpsError, Scope, Session};
use crate::engine::{EngineEvent, EventFilter, label};
use crate::model::ServiceName;
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long an engine that does not answer is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Only of these services; empty: all.
    pub services: Vec<String>,
    /// From then on, nanoseconds since 1970; else from now on.
    pub since_nanos: Option<i64>,
    /// Up to then; else without end.
    pub until_nanos: Option<i64>,
}

/// Something happened to a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectEvent {
    /// When, in nanoseconds since 1970.
    pub time_nano: i64,
    /// `start`, `die`, `health_status: healthy`, ….
    pub action: String,
    /// The container's id.
    pub id: String,
    /// Its service.
    pub service: String,
    /// Its name and image, an exit code, the user's labels.
    pub attributes: BTreeMap<String, String>,
}

/// Tells events until the time is up, or for ever. Where the engine's answer breaks off it goes on from the last one.
///
/// # Errors
/// The engine's first answer; an unknown service; interrupted.
pub async fn run(
    session: &Session,
    scope: &Scope,
    request: &Request,
    mut tell: impl FnMut(&ProjectEvent) -> std::io::Result<()>,
) -> Result<(), OpsError> {
    let services: BTreeSet<ServiceName> = request.services.iter().map(ServiceName::new).collect();
    super::lifecycle::known_services(scope, &services)?;
    let engine = session.engine().await?;
    let mut filter = EventFilter {
        labels: vec![format!("{}={}", label::PROJECT, scope.name()), format!("{}=False", label::ONEOFF)],
        kinds: vec!["container".to_owned()],
        since: request.since_nanos.map(seconds).unwrap_or_default(),
        until: request.until_nanos.map(seconds).unwrap_or_default(),
        ..EventFilter::default()
    };
    let interrupted = session.interrupts.first();
    let mut last = Last::default();
    let mut stream = engine.events(&filter).await?;
    loop {
        // Both branches are cancel-safe.
        let next = tokio::select! {
            next = stream.next() => next,
            () = interrupted.cancelled() => return Err(OpsError::Interrupted),
        };
        match next {
            Some(Ok(event)) => {
                if !last.is_new(&event) {
                    continue;
                }
                if let Some(event) = of_project(event, &services) {
                    tell(&event).map_err(|error| OpsError::other(error.to_string()))?;
                }
            }
            None if request.until_nanos.is_some() => return Ok(()),
            Some(Err(_)) | None => {
                if last.time_nano > 0 {
                    filter.since = seconds(last.time_nano);
                }
                session.warn(
                    scope.name(),
                    "the engine has stopped talking; going on from there when it answers",
                );
                stream = loop {
                    match engine.events(&filter).await {
                        Ok(stream) => break stream,
                        Err(_silence) => tokio::select! {
                            () = tokio::time::sleep(PAUSE) => {}
                            () = interrupted.cancelled() => return Err(OpsError::Interrupted),
                        },
                    }
                };
            }
        }
    }
}

/// What was told last, so that nothing is told twice.
#[derive(Debug, Default)]
struct Last {
    time_nano: i64,
    /// What happened at that very time.
    told: BTreeSet<(String, String)>,
}

impl Last {
    fn is_new(&mut self, event: &EngineEvent) -> bool {
        if event.time_nano < self.time_nano {
            return false;
        }
        if event.time_nano > self.time_nano {
            self.time_nano = event.time_nano;
            self.told.clear();
        }
        self.told.insert((event.id.clone(), event.action.clone()))
    }
}

/// The event without what is between the tools and the engine; `None` for another service's.
fn of_project(event: EngineEvent, services: &BTreeSet<ServiceName>) -> Option<ProjectEvent> {
    let EngineEvent { kind: _, action, id, mut attributes, time_nano } = event;
    let service = attributes.get(label::SERVICE).cloned().unwrap_or_default();
    if !services.is_empty() && !services.contains(service.as_str()) {
        return None;
    }
    attributes.retain(|name, _| !name.starts_with("com.docker.compose.") && !name.starts_with(label::OWN));
    Some(ProjectEvent { time_nano, action, id, service, attributes })
}

/// Seconds with nine decimals, as the engine reads them.
fn seconds(nanos: i64) -> String {
    format!("{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_a_second_time_after_a_break_is_not_told_again() {
        let event = |time_nano, action: &str| EngineEvent {
            time_nano,
            action: action.to_owned(),
            id: "a".to_owned(),
            ..EngineEvent::default()
        };
        let mut last = Last::default();
        assert!(last.is_new(&event(5, "create")));
        assert!(last.is_new(&event(5, "start")), "two things may happen at once");
        assert!(!last.is_new(&event(5, "start")) && !last.is_new(&event(4, "create")));
        assert!(last.is_new(&event(6, "start")));
    }
}
