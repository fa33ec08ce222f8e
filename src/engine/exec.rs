//! Programs run inside containers: `/containers/{id}/exec`, `/exec/{id}/…`.

use super::request::Call;
use super::stream::{Attached, OutputStream};
use super::{Engine, EngineError};
use bollard::exec::ResizeExecOptions;
use bollard::models::ExecConfig;
use futures_util::StreamExt;
use hyper::Method;
use std::pin::Pin;
use tokio::io::AsyncWrite;

/// What to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent flag of the API")]
pub struct ExecSpec {
    /// Program and arguments.
    pub command: Vec<String>,
    /// `KEY=value` pairs.
    pub environment: Vec<String>,
    /// User, or empty for the container's.
    pub user: String,
    /// Folder, or empty for the container's.
    pub working_dir: String,
    /// With all privileges.
    pub privileged: bool,
    /// With a terminal.
    pub tty: bool,
    /// With standard input.
    pub stdin: bool,
    /// Not attached to anything.
    pub detach: bool,
}

/// How a program ended, and all that it wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecRun {
    /// Its exit code.
    pub exit_code: i64,
    /// Both streams, as they came.
    pub output: Vec<u8>,
}

/// A program that runs, attached.
pub struct ExecSession {
    /// Its id, for [`Engine::exec_exit_code`] and [`Engine::resize_exec`].
    pub id: String,
    /// What it writes.
    pub output: OutputStream,
    /// What it reads; shutting it down is the end of its input.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
}

impl Engine {
    /// Starts a program in a running container. `None` when it was to be detached.
    ///
    /// # Errors
    /// `Conflict` when the container does not run, `NotFound` when it is gone.
    pub async fn exec(
        &self,
        id: &str,
        name: &str,
        spec: &ExecSpec,
    ) -> Result<Option<ExecSession>, EngineError> {
        let subject = format!("container `{name}`");
        let optional = |text: &String| (!text.is_empty()).then(|| text.clone());
        let config = ExecConfig {
            attach_stdin: Some(spec.stdin && !spec.detach),
            attach_stdout: Some(!spec.detach),
            attach_stderr: Some(!spec.detach),
            tty: Some(spec.tty),
            env: Some(spec.environment.clone()),
            cmd: Some(spec.command.clone()),
            privileged: Some(spec.privileged),
            user: optional(&spec.user),
            working_dir: optional(&spec.working_dir),
            ..ExecConfig::default()
        };
        let created = self
            .docker
            .create_exec(id, config)
            .await
            .map_err(|error| EngineError::from_bollard("run a command in", subject.clone(), &error))?;
        let path = format!("/exec/{}/start", created.id);
        let call = Call::new(Method::POST, "run a command in", &subject, &path)
            .json(&serde_json::json!({ "Detach": spec.detach, "Tty": spec.tty }));
        if spec.detach {
            self.call(call).await?;
            return Ok(None);
        }
        let Attached { output, input } = self.upgrade(call, spec.tty).await?;
        Ok(Some(ExecSession { id: created.id, output, input }))
    }

    /// The exit code of a program that has ended; 0 when the engine does not know. `GET /exec/{id}/json`.
    ///
    /// # Errors
    /// The engine's refusal, or no answer.
    pub async fn exec_exit_code(&self, exec: &str) -> Result<i64, EngineError> {
        let answer = self.docker.inspect_exec(exec).await;
        let answer = answer.map_err(|error| EngineError::from_bollard("inspect", "the command", &error))?;
        Ok(answer.exit_code.unwrap_or(0))
    }

    /// Tells a program's terminal its size. `POST /exec/{id}/resize`.
    ///
    /// # Errors
    /// The engine's refusal; a program that has just ended is one.
    pub async fn resize_exec(&self, exec: &str, rows: u16, columns: u16) -> Result<(), EngineError> {
        let options = ResizeExecOptions { height: rows, width: columns };
        let done = self.docker.resize_exec(exec, options).await;
        done.map_err(|error| EngineError::from_bollard("resize", "the terminal", &error))
    }

    /// Runs a program to its end and keeps what it writes.
    ///
    /// # Errors
    /// As [`Engine::exec`].
    pub async fn run_in_container(
        &self,
        id: &str,
        name: &str,
        spec: ExecSpec,
    ) -> Result<ExecRun, EngineError> {
        let Some(mut session) = self.exec(id, name, &spec).await? else { return Ok(ExecRun::default()) };
        let mut output = Vec::new();
        while let Some(chunk) = session.output.next().await {
            output.extend_from_slice(&chunk?.bytes);
        }
        Ok(ExecRun { exit_code: self.exec_exit_code(&session.id).await?, output })
    }
}
