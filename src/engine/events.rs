//! What happens in the engine, as it happens: `GET /events`.

use super::lists::null_is_default;
use super::request::{Call, filters};
use super::stream::{self, Streamed};
use super::{Engine, EngineError};
use futures_util::StreamExt;
use hyper::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Events as they happen; it ends when the connection does.
pub type EventStream = Streamed<ContainerEvent>;

/// Something happened to a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerEvent {
    /// Its id.
    pub id: String,
    /// `create`, `start`, `die`, `destroy`, `health_status: healthy`, ….
    pub action: String,
    /// Its labels and name, and what belongs to the action (`exitCode`).
    pub attributes: BTreeMap<String, String>,
    /// When, in nanoseconds since 1970.
    pub time_nano: i64,
}

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// `key=value` or `key`: all of them must be there.
    pub labels: Vec<String>,
    /// `container`, `network`, `volume`, `image`; empty for all.
    pub kinds: Vec<String>,
    /// `die`, `health_status`, …; empty for all.
    pub actions: Vec<String>,
    /// From then on: Unix seconds with fraction, or RFC 3339; empty for now.
    pub since: String,
    /// Up to then; empty for without end.
    pub until: String,
}

/// Something happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineEvent {
    /// `container`, `network`, ….
    pub kind: String,
    /// `start`, `die`, `health_status: healthy`, `exec_create: sh`, ….
    pub action: String,
    /// The subject's id; a volume's name.
    pub id: String,
    /// `name`, `image`, `exitCode`, and the labels.
    pub attributes: BTreeMap<String, String>,
    /// When, in nanoseconds since 1970.
    pub time_nano: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Actor", deserialize_with = "null_is_default")]
    actor: Actor,
    time: i64,
    #[serde(rename = "timeNano")]
    time_nano: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Attributes", deserialize_with = "null_is_default")]
    attributes: BTreeMap<String, String>,
}

/// Docker's words for an event; Podman has two of its own.
fn into_event(message: Message) -> EngineEvent {
    let Message { kind, action, actor, time, time_nano } = message;
    let Actor { id, mut attributes } = actor;
    let action = if kind == "container" && action == "remove" { "destroy".to_owned() } else { action };
    if let Some(code) = attributes.remove("containerExitCode")
        && action == "die"
    {
        attributes.entry("exitCode".to_owned()).or_insert(code);
    }
    let time_nano = if time_nano == 0 { time.saturating_mul(1_000_000_000) } else { time_nano };
    EngineEvent { kind, action, id, attributes, time_nano }
}

impl Engine {
    /// Events that pass the filter. When this returns, the engine is listening: nothing that happens later is missed.
    ///
    /// # Errors
    /// The engine's refusal, or no answer; in the stream: the connection was cut.
    pub async fn events(&self, filter: &EventFilter) -> Result<Streamed<EngineEvent>, EngineError> {
        let EventFilter { labels, kinds, actions, since, until } = filter;
        let filters = filters(&[("label", labels), ("type", kinds), ("event", actions)]);
        let call = Call::new(Method::GET, "follow", "the engine's events", "/events")
            .query("filters", filters)
            .query_if(!since.is_empty(), "since", since.as_str())
            .query_if(!until.is_empty(), "until", until.as_str());
        let answer = self.call(call).await?;
        let messages =
            stream::json_values::<Message>(answer.into_body(), "follow", "the engine's events".to_owned());
        Ok(Box::pin(messages.map(|message| message.map(into_event))))
    }

    /// The events of containers from now on; of one project when it is named.
    ///
    /// # Errors
    /// As [`Engine::events`].
    pub async fn container_events(&self, project: Option<&str>) -> Result<EventStream, EngineError> {
        let filter = EventFilter {
            labels: project.iter().map(|name| format!("{}={name}", super::label::PROJECT)).collect(),
            kinds: vec!["container".to_owned()],
            ..EventFilter::default()
        };
        let events = self.events(&filter).await?;
        Ok(Box::pin(events.map(|event| {
            event.map(|EngineEvent { kind: _, action, id, attributes, time_nano }| ContainerEvent {
                id,
                action,
                attributes,
                time_nano,
            })
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn podman_s_events_read_as_docker_s() {
        let read = |text: &str| into_event(serde_json::from_str(text).unwrap());
        let gone = read(r#"{"Type":"container","Action":"remove","Actor":{"ID":"a"},"time":2}"#);
        assert_eq!((gone.action.as_str(), gone.time_nano), ("destroy", 2_000_000_000));
        let actor = r#"{"ID":"a","Attributes":{"containerExitCode":"3"}}"#;
        let died = read(&format!(r#"{{"Type":"container","Action":"die","Actor":{actor}}}"#));
        assert_eq!(died.attributes, BTreeMap::from([("exitCode".to_owned(), "3".to_owned())]));
        let made = read(&format!(r#"{{"Type":"container","Action":"create","Actor":{actor}}}"#));
        assert!(made.attributes.is_empty(), "a container that never ran has no exit code");
    }
}
