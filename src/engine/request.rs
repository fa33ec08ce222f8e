//! Requests of our own through the shared transport, for what bollard would decode too strictly, too late or not at all.

use super::stream::ByteStream;
use super::{Engine, EngineError, EngineErrorKind};
use bollard::errors::Error;
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Method, Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One request.
pub(super) struct Call<'a> {
    /// The verb for errors.
    pub(super) operation: &'static str,
    /// The subject for errors.
    pub(super) subject: &'a str,
    method: Method,
    /// Without version.
    path: &'a str,
    query: Vec<(&'a str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Payload,
}

/// What goes along with a request.
enum Payload {
    Full(Bytes),
    Stream(ByteStream),
}

impl<'a> Call<'a> {
    /// A request without query and body.
    pub(super) fn new(method: Method, operation: &'static str, subject: &'a str, path: &'a str) -> Self {
        let body = Payload::Full(Bytes::new());
        Self { operation, subject, method, path, query: Vec::new(), headers: Vec::new(), body }
    }

    /// Adds a parameter.
    pub(super) fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a parameter when there is something to say.
    pub(super) fn query_if(self, said: bool, name: &'a str, value: impl Into<String>) -> Self {
        if said { self.query(name, value) } else { self }
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends JSON along.
    pub(super) fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = Payload::Full(Bytes::from(value.to_string()));
        self.header("content-type", "application/json")
    }

    /// Sends a tar archive along.
    pub(super) fn tar(mut self, archive: ByteStream) -> Self {
        self.body = Payload::Stream(archive);
        self.header("content-type", "application/x-tar")
    }
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Engine {
    /// Sends a request and returns its answer when its head says success.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Response<Incoming>, EngineError> {
        let Call { operation, subject, method, path, query, headers, body } = call;
        let failed = |error: Error| EngineError::from_bollard(operation, subject, &error);
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        let mut request = Request::builder().method(method).uri(format!("http://engine{path}{mark}{query}"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let body = match body {
            Payload::Full(bytes) => Either::Left(Full::new(bytes)),
            Payload::Stream(stream) => {
                let frames: super::transport::Frames = Box::pin(stream.map_ok(Frame::data));
                Either::Right(StreamBody::new(frames))
            }
        };
        let request = request.body(body).map_err(|err| failed(Error::HttpClientError { err }))?;
        let answer = self.transport.send(request).await.map_err(failed)?;
        let status_code = answer.status().as_u16();
        if status_code < 400 {
            return Ok(answer);
        }
        let body =
            answer.into_body().collect().await.map_err(|err| failed(Error::HyperResponseError { err }))?;
        let bytes = body.to_bytes();
        let message = serde_json::from_slice::<Refusal>(&bytes)
            .map_or_else(|_| String::from_utf8_lossy(&bytes).into_owned(), |refusal| refusal.message);
        Err(failed(Error::DockerResponseServerError { status_code, message }))
    }

    /// Sends a request and reads the whole answer as JSON.
    pub(super) async fn call_json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, EngineError> {
        let (operation, subject) = (call.operation, call.subject);
        let failed = |error: Error| EngineError::from_bollard(operation, subject, &error);
        let answer = self.call(call).await?;
        let body =
            answer.into_body().collect().await.map_err(|err| failed(Error::HyperResponseError { err }))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| EngineError {
            operation,
            subject: subject.to_owned(),
            kind: EngineErrorKind::Unexpected,
            message: format!("the answer cannot be read: {error}"),
        })
    }
}

/// `{"label":["a=b"]}`, as a `filters` parameter wants it; what is empty is left out.
pub(super) fn filters(filters: &[(&str, &[String])]) -> String {
    let said = filters.iter().filter(|(_, values)| !values.is_empty());
    let map: serde_json::Map<String, serde_json::Value> =
        said.map(|(name, values)| ((*name).to_owned(), values.to_vec().into())).collect();
    serde_json::Value::Object(map).to_string()
}
