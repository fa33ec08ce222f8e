//! Logs of containers: `GET /containers/{id}/logs`.

use super::request::Call;
use super::stream::{self, OutputStream};
use super::{ApiVersion, Engine, EngineError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use hyper::Method;

/// Which part of a log.
#[derive(Debug, Clone, Default)]
pub struct LogRequest {
    /// Go on with what is written later.
    pub follow: bool,
    /// Every line begins with its time (RFC 3339) and a blank.
    pub timestamps: bool,
    /// Only the last so many lines.
    pub tail: Option<u64>,
    /// Only what was written from this time on, nanoseconds since 1970.
    pub since_nanos: Option<i64>,
    /// Only what was written before this time, seconds since 1970.
    pub until: Option<i64>,
}

/// A piece of what a program wrote, as the engine sends it: usually a line with its end, with a terminal anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// It was written to standard error.
    pub stderr: bool,
    /// What was written.
    pub bytes: Bytes,
}

impl Engine {
    /// A container's log, from its beginning or as asked.
    ///
    /// # Errors
    /// In the stream: `NotFound` when it is gone, `Server` when its log driver cannot be read.
    pub fn logs(
        &self,
        id: &str,
        request: &LogRequest,
    ) -> impl Stream<Item = Result<LogChunk, EngineError>> + Unpin + Send + use<> {
        let (engine, id, request) = (self.clone(), id.to_owned(), request.clone());
        let opened = async move { engine.open_log(&id, &request).await };
        Box::pin(futures_util::stream::once(opened).try_flatten())
    }

    async fn open_log(&self, id: &str, request: &LogRequest) -> Result<OutputStream, EngineError> {
        let LogRequest { follow, timestamps, tail, since_nanos, until } = request;
        let subject = super::containers::subject(id);
        let path = format!("/containers/{id}/logs");
        let call = Call::new(Method::GET, "read the log of", &subject, &path)
            .query("stdout", "1")
            .query("stderr", "1")
            .query_if(*follow, "follow", "1")
            .query_if(*timestamps, "timestamps", "1")
            .query_if(tail.is_some(), "tail", tail.unwrap_or(0).to_string())
            .query_if(since_nanos.is_some(), "since", unix_seconds(since_nanos.unwrap_or(0)))
            .query_if(until.is_some(), "until", until.unwrap_or(0).to_string());
        let answer = self.call(call).await?;
        let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let bare = match kind {
            Some("application/vnd.docker.multiplexed-stream") => false,
            // From 1.42 on the engine says which kind it is; older ones do not, and bytes alone cannot tell.
            Some("application/vnd.docker.raw-stream") if self.api_version() >= ApiVersion(42) => true,
            _ => self.has_terminal(id).await?,
        };
        Ok(stream::output(stream::body_bytes(answer.into_body()), bare, "read the log of", subject))
    }

    async fn has_terminal(&self, id: &str) -> Result<bool, EngineError> {
        let config = self.inspect_container(id).await?.config;
        Ok(config.and_then(|config| config.tty).unwrap_or(false))
    }

    /// The last lines a container has written, both streams, without line ends.
    ///
    /// # Errors
    /// As [`Engine::logs`].
    pub async fn last_log_lines(
        &self,
        id: &(impl std::fmt::Display + ?Sized),
        count: usize,
    ) -> Result<Vec<String>, EngineError> {
        let tail = u64::try_from(count).ok();
        let mut stream = self.logs(&id.to_string(), &LogRequest { tail, ..LogRequest::default() });
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?.bytes);
        }
        Ok(String::from_utf8_lossy(&bytes).lines().map(ToOwned::to_owned).collect())
    }
}

/// Nanoseconds to seconds with nine decimals, as the engine reads them.
fn unix_seconds(nanos: i64) -> String {
    format!("{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_nanoseconds() {
        assert_eq!(unix_seconds(1_700_000_000_000_000_001), "1700000000.000000001");
    }
}
