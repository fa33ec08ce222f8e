//! What happens to containers, as it happens: `GET /events`.

use super::{Engine, EngineError};
use bollard::errors::Error;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::{BodyStream, Either, Full};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Events as they happen; it ends when the connection does.
pub type EventStream = std::pin::Pin<Box<dyn Stream<Item = Result<ContainerEvent, EngineError>> + Send>>;

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

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
    #[serde(rename = "timeNano")]
    time_nano: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Attributes")]
    attributes: Option<BTreeMap<String, String>>,
}

impl Engine {
    /// The events of containers from now on; of one project when it is named. When this returns, the engine is
    /// listening: nothing that happens later is missed.
    ///
    /// # Errors
    /// The engine's refusal, or no answer. The stream itself ends when the connection does.
    pub async fn container_events(&self, project: Option<&str>) -> Result<EventStream, EngineError> {
        let failed = |error: Error| EngineError::from_bollard("follow", "the engine's events", &error);
        let mut filters = BTreeMap::from([("type", vec!["container".to_owned()])]);
        if let Some(project) = project {
            filters.insert("label", vec![format!("{}={project}", super::label::PROJECT)]);
        }
        let filters = serde_json::to_string(&filters).unwrap_or_default();
        let query = serde_urlencoded::to_string([("filters", filters)]).unwrap_or_default();
        let request = hyper::Request::builder()
            .uri(format!("http://engine/events?{query}"))
            .body(Either::Left(Full::new(Bytes::new())))
            .map_err(|err| failed(Error::HttpClientError { err }))?;
        let answer = self.transport.send(request).await.map_err(failed)?;
        if !answer.status().is_success() {
            let status_code = answer.status().as_u16();
            return Err(failed(Error::DockerResponseServerError {
                status_code,
                message: "refused".to_owned(),
            }));
        }
        let frames = BodyStream::new(answer.into_body());
        let stream =
            futures_util::stream::unfold((frames, Vec::new()), |(mut frames, mut buffer)| async move {
                loop {
                    if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = buffer.drain(..=end).collect();
                        if line.iter().all(u8::is_ascii_whitespace) {
                            continue;
                        }
                        return Some((parse(&line), (frames, buffer)));
                    }
                    match frames.next().await {
                        Some(Ok(frame)) => {
                            if let Some(data) = frame.data_ref() {
                                buffer.extend_from_slice(data);
                            }
                        }
                        Some(Err(err)) => {
                            let error = Error::HyperResponseError { err };
                            let error = EngineError::from_bollard("follow", "the engine's events", &error);
                            return Some((Err(error), (frames, buffer)));
                        }
                        None => return None,
                    }
                }
            });
        Ok(Box::pin(stream))
    }
}

fn parse(line: &[u8]) -> Result<ContainerEvent, EngineError> {
    let message: Message = serde_json::from_slice(line).map_err(|err| {
        EngineError::from_bollard("follow", "the engine's events", &Error::JsonSerdeError { err })
    })?;
    Ok(ContainerEvent {
        id: message.actor.id,
        action: message.action,
        attributes: message.actor.attributes.unwrap_or_default(),
        time_nano: message.time_nano,
    })
}
