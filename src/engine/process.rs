//! A container's main process: its terminal or pipes, its end, what runs beside it, what it uses.

use super::containers::subject;
use super::request::Call;
use super::stream::{self, Attached, Streamed};
use super::{Engine, EngineError, EngineErrorKind};
use bollard::errors::Error;
use bollard::models::ContainerWaitResponse;
use bollard::query_parameters::ResizeContainerTTYOptions;
use futures_util::StreamExt;
use hyper::Method;
use hyper_util::rt::TokioIo;

/// Which end of a container to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WaitFor {
    /// Its end; at once when it does not run.
    #[default]
    NotRunning,
    /// The next end, also of a container that is started only after this call was sent.
    NextExit,
    /// Its removal.
    Removed,
}

/// What runs in a container, as `ps` would print it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processes {
    /// Column titles.
    pub titles: Vec<String>,
    /// A row each.
    pub rows: Vec<Vec<String>>,
}

fn condition(until: WaitFor) -> &'static str {
    match until {
        WaitFor::NotRunning => "not-running",
        WaitFor::NextExit => "next-exit",
        WaitFor::Removed => "removed",
    }
}

impl Engine {
    /// Attaches to a container's output from now on and, with `stdin`, to its input. `tty` is whether it has a terminal; the
    /// answer's bytes alone cannot tell. `keys` is the sequence that lets go of a container with a terminal again, such as
    /// `ctrl-p,ctrl-q`, or empty for the engine's own. `POST /containers/{id}/attach`.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `Conflict` when it is paused or restarting, `BadRequest` for a sequence that cannot be typed.
    pub async fn attach_container(
        &self,
        id: &str,
        name: &str,
        tty: bool,
        stdin: bool,
        keys: &str,
    ) -> Result<Attached, EngineError> {
        let subject = subject(name);
        let path = format!("/containers/{id}/attach");
        let call = Call::new(Method::POST, "attach to", &subject, &path)
            .query("stream", "1")
            .query("stdout", "1")
            .query("stderr", "1")
            .query_if(stdin, "stdin", "1")
            .query_if(!keys.is_empty(), "detachKeys", keys);
        self.upgrade(call, tty).await
    }

    /// Tells a container's terminal its size. `POST /containers/{id}/resize`.
    ///
    /// # Errors
    /// `Conflict` when it does not run.
    pub async fn resize_container(&self, id: &str, rows: u16, columns: u16) -> Result<(), EngineError> {
        let options = ResizeContainerTTYOptions { h: rows.into(), w: columns.into() };
        let done = self.docker.resize_container_tty(id, options).await;
        done.map_err(|error| EngineError::from_bollard("resize", "the terminal", &error))
    }

    /// Waits for a container's end and returns its exit code. `POST /containers/{id}/wait`.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn wait_container(&self, id: &str, name: &str, until: WaitFor) -> Result<i64, EngineError> {
        self.expect_exit(id, name, until).await?.await
    }

    /// Waits for a container's end as [`Engine::wait_container`] does, in two steps: when this returns, the engine is waiting,
    /// and no end is missed; what it returns waits for the exit code.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn expect_exit(
        &self,
        id: &str,
        name: &str,
        until: WaitFor,
    ) -> Result<impl Future<Output = Result<i64, EngineError>> + use<>, EngineError> {
        let (subject, path) = (subject(name), format!("/containers/{id}/wait"));
        let call = Call::new(Method::POST, "wait for", &subject, &path).query("condition", condition(until));
        let answer = self.call(call).await?;
        Ok(async move {
            let mut values =
                stream::json_values::<ContainerWaitResponse>(answer.into_body(), "wait for", subject.clone());
            match values.next().await {
                Some(answer) => Ok(answer?.status_code),
                None => Err(EngineError {
                    operation: "wait for",
                    subject,
                    kind: EngineErrorKind::Unreachable,
                    message: "the connection was cut before it ended".to_owned(),
                }),
            }
        })
    }

    /// What runs in a container. `GET /containers/{id}/top`.
    ///
    /// # Errors
    /// `Conflict` when it does not run.
    pub async fn list_processes(&self, id: &str, name: &str) -> Result<Processes, EngineError> {
        let answer = self.docker.top_processes(id, None).await;
        let answer =
            answer.map_err(|error| EngineError::from_bollard("list processes of", subject(name), &error))?;
        Ok(Processes {
            titles: answer.titles.unwrap_or_default(),
            rows: answer.processes.unwrap_or_default(),
        })
    }

    /// What a container uses: one sample, or one a second; the engine's JSON as it is. `GET /containers/{id}/stats`.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn container_stats(
        &self,
        id: &str,
        name: &str,
        follow: bool,
    ) -> Result<Streamed<serde_json::Value>, EngineError> {
        let subject = subject(name);
        let path = format!("/containers/{id}/stats");
        let call = Call::new(Method::GET, "read statistics of", &subject, &path);
        let answer = self.call(call.query("stream", if follow { "1" } else { "0" })).await?;
        Ok(stream::json_values(answer.into_body(), "read statistics of", subject))
    }

    /// Sends a request that turns the connection into a program's pipes.
    pub(super) async fn upgrade(&self, call: Call<'_>, tty: bool) -> Result<Attached, EngineError> {
        let (operation, subject) = (call.operation, call.subject.to_owned());
        let call = call.header("connection", "Upgrade").header("upgrade", "tcp");
        let answer = self.call(call).await?;
        let upgraded = hyper::upgrade::on(answer).await.map_err(|err| {
            EngineError::from_bollard(operation, subject.clone(), &Error::HyperResponseError { err })
        })?;
        let (read, write) = tokio::io::split(TokioIo::new(upgraded));
        let bytes = Box::pin(tokio_util::io::ReaderStream::new(read));
        Ok(Attached { output: stream::output(bytes, tty, operation, subject), input: Box::pin(write) })
    }
}
