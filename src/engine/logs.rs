//! Logs of containers: `GET /containers/{id}/logs`.

use super::{Engine, EngineError};
use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptions;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

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

/// A piece of a log, as the engine sends it: usually a line with its end.
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
        let seconds = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
        let options = LogsOptions {
            follow: request.follow,
            stdout: true,
            stderr: true,
            since: request.since_nanos.map_or(0, |nanos| seconds(nanos.div_euclid(1_000_000_000))),
            until: request.until.map_or(0, seconds),
            timestamps: request.timestamps,
            tail: request.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string()),
        };
        let subject = format!("container `{id}`");
        let docker = self.docker.clone();
        let id = id.to_owned();
        let stream = async_stream(docker, id, options);
        Box::pin(stream.map(move |item| match item {
            Ok(LogOutput::StdErr { message }) => Ok(LogChunk { stderr: true, bytes: message }),
            Ok(
                LogOutput::StdOut { message } | LogOutput::Console { message } | LogOutput::StdIn { message },
            ) => Ok(LogChunk { stderr: false, bytes: message }),
            Err(error) => Err(EngineError::from_bollard("read the log of", subject.clone(), &error)),
        }))
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

/// bollard's stream borrows its client; this one owns it.
fn async_stream(
    docker: bollard::Docker,
    id: String,
    options: LogsOptions,
) -> impl Stream<Item = Result<LogOutput, bollard::errors::Error>> {
    futures_util::stream::once(async move {
        let stream: std::pin::Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>> =
            Box::pin(docker.logs(&id, Some(options)));
        stream
    })
    .flatten()
}
