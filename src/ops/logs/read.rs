//! One container's log, read to its end, and what the container is called in it.

use super::follow::Follow;
use super::lines::{Position, Splitter, rfc3339};
use crate::engine::{ContainerEvent, Engine, EngineErrorKind, LogRequest};
use crate::event::LogLine;
use crate::observe::{Container, ContainerId};
use crate::ops::Session;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A container whose log is read, and how it is called.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub(super) id: ContainerId,
    pub(super) service: String,
    pub(super) number: Option<u32>,
    pub(super) label: String,
}

impl Followed {
    pub(super) fn of(container: &Container, project: &str) -> Self {
        Self {
            id: container.id.clone(),
            service: container.identity.service.to_string(),
            number: container.identity.number,
            label: short_name(
                &container.name,
                project,
                container.identity.service.as_str(),
                container.identity.number,
            ),
        }
    }

    pub(super) fn of_event(event: &ContainerEvent, project: &str) -> Option<Self> {
        use crate::model::label;
        let attribute = |key: &str| event.attributes.get(key).cloned();
        if attribute(label::ONEOFF).as_deref() == Some("True") || attribute(label::CONFIG_HASH).is_none() {
            return None;
        }
        let service = attribute(label::SERVICE)?;
        let number = attribute(label::CONTAINER_NUMBER).and_then(|number| number.parse().ok());
        let label = short_name(&attribute("name").unwrap_or_default(), project, &service, number);
        Some(Self { id: ContainerId(event.id.clone()), service, number, label })
    }
}

/// The name without the project's; a container with a fixed name keeps it. One that is still called by its temporary
/// name is shown by the name it will have.
fn short_name(name: &str, project: &str, service: &str, number: Option<u32>) -> String {
    for separator in ["-", "_"] {
        if let Some(rest) = name.strip_prefix(&format!("{project}{separator}")) {
            return rest.to_owned();
        }
        if let Some(number) = number
            && name.ends_with(&format!("_{project}{separator}{service}{separator}{number}"))
        {
            return format!("{service}{separator}{number}");
        }
    }
    name.to_owned()
}

/// Begins to read a container's log.
pub(super) fn spawn(
    readers: &mut JoinSet<(Followed, Position)>,
    session: &Session,
    engine: &Engine,
    follow: &Follow,
    followed: Followed,
    since_nanos: Option<i64>,
    tail: Option<u64>,
) {
    let request = LogRequest {
        follow: follow.keep_following,
        timestamps: true,
        tail,
        since_nanos,
        until: follow.until_time,
    };
    let (engine, lines) = (engine.clone(), session.lines.clone());
    let shape = Shape { timestamps: follow.timestamps, split_streams: follow.split_streams };
    readers.spawn(async move {
        let position = read(&engine, &followed, &request, shape, &lines).await;
        (followed, position)
    });
}

/// How lines are given out.
#[derive(Debug, Clone, Copy)]
struct Shape {
    timestamps: bool,
    split_streams: bool,
}

/// Reads one container's log to its end; the result is the time of the last line.
async fn read(
    engine: &Engine,
    followed: &Followed,
    request: &LogRequest,
    shape: Shape,
    lines: &mpsc::Sender<LogLine>,
) -> Position {
    let mut last = request.since_nanos;
    let after = request.since_nanos;
    let mut stream = engine.logs(&followed.id.0, request);
    let mut splitter = Splitter::default();
    while let Some(chunk) = stream.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                if error.kind != EngineErrorKind::NotFound && error.kind != EngineErrorKind::Unreachable {
                    let text = format!("{}: {error}", followed.label);
                    let line = LogLine { source: String::new(), stderr: true, text };
                    drop(lines.send(line).await);
                }
                break;
            }
        };
        for (time, text) in splitter.take(&chunk.bytes, chunk.stderr) {
            // The engine counts `since` in seconds: lines of the same second may come again.
            if let (Some(time), Some(after)) = (time, after)
                && time <= after
            {
                continue;
            }
            last = time.or(last);
            let text = match (shape.timestamps, time) {
                (true, Some(time)) => format!("{} {text}", rfc3339(time)),
                _ => text,
            };
            let stderr = chunk.stderr && shape.split_streams;
            let line = LogLine { source: followed.label.clone(), stderr, text };
            if lines.send(line).await.is_err() {
                return last;
            }
        }
    }
    for (stderr, (time, text)) in splitter.rest() {
        last = time.or(last);
        let stderr = stderr && shape.split_streams;
        drop(lines.send(LogLine { source: followed.label.clone(), stderr, text }).await);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_the_project_and_fixed_names_stay() {
        assert_eq!(short_name("shop-web-1", "shop", "web", Some(1)), "web-1");
        assert_eq!(short_name("my-db", "shop", "db", Some(1)), "my-db");
        assert_eq!(short_name("0123456789ab_shop-web-1", "shop", "web", Some(1)), "web-1");
    }
}
