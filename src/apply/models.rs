//! Models, which the docker plugin `model` (Docker Model Runner) keeps and serves.
//!
//! `docker model ls --json` says what is there, `status --json` where it answers; `pull` and `configure` make it so.
//! <https://docs.docker.com/ai/compose/models-and-compose/>

use super::{Cx, StepError, provider, step};
use crate::event::{EventKind, Subject, Verb};
use crate::model::{Model, ModelKey, Project};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// The plugin.
#[derive(Debug, Clone)]
pub struct ModelRunner<'a> {
    program: PathBuf,
    project: &'a Project,
    /// For `DOCKER_HOST`.
    engine: String,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    endpoint: String,
}

impl<'a> ModelRunner<'a> {
    /// Finds the plugin; `engine` is the engine's address.
    pub fn find(project: &'a Project, engine: String) -> Option<Self> {
        let program = provider::plugin(project, "model")?;
        Some(Self { program, project, engine })
    }

    /// The names of the models that are there.
    ///
    /// # Errors
    /// What the plugin says, or what is wrong with its answer.
    pub async fn listed(&self) -> Result<BTreeSet<String>, String> {
        // It says `null` when there is none.
        let listed: Option<Vec<Listed>> = self.ask(&["ls", "--json"]).await?;
        Ok(listed.unwrap_or_default().into_iter().flat_map(|model| model.tags).collect())
    }

    /// Where containers reach the models.
    ///
    /// # Errors
    /// What the plugin says, or what is wrong with its answer.
    pub async fn endpoint(&self) -> Result<String, String> {
        let status: Status = self.ask(&["status", "--json"]).await?;
        match status.endpoint.as_str() {
            "" => Err("`docker model status` names no endpoint".to_owned()),
            endpoint => Ok(endpoint.to_owned()),
        }
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, words: &[&str]) -> Result<T, String> {
        let answer = self.run(words.iter().map(|word| (*word).to_owned()).collect()).await?;
        serde_json::from_slice(&answer).map_err(|error| {
            format!("the answer of `docker model {}` is not understood: {error}", words.join(" "))
        })
    }

    /// Runs `docker model …` to its end; what it wrote.
    async fn run(&self, words: Vec<String>) -> Result<Vec<u8>, String> {
        let said = format!("`docker model {}`", words.join(" "));
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env_clear()
            .envs(self.project.environment.iter())
            .env("DOCKER_HOST", &self.engine)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.map_err(|error| format!("{said} cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(format!("{said} failed: {}", if why.is_empty() { output.status.to_string() } else { why }))
    }
}

/// Pulls a model that is not there, and gives it the settings of the file.
pub(super) async fn prepare(cx: &Cx, key: &ModelKey, pull: bool) -> Result<(), StepError> {
    let project = step::project(cx)?;
    let Some(model) = project.models.get(key) else {
        return Err(StepError::new(format!("no such model: {key}")));
    };
    let Some(runner) = ModelRunner::find(project, cx.engine.address().to_string()) else {
        return Err(StepError::new("the docker plugin `model` is not there any more"));
    };
    if pull {
        cx.events.send(
            Subject::Model(key.to_string()),
            EventKind::Progress {
                verb: Verb::Prepare,
                part: String::new(),
                current: 0,
                total: 0,
                text: format!("Pulling {}", model.model),
            },
        );
        runner.run(vec!["pull".to_owned(), model.model.clone()]).await.map_err(StepError::new)?;
    }
    runner.run(settings(model)).await.map(drop).map_err(StepError::new)
}

fn settings(model: &Model) -> Vec<String> {
    let Model { name: _, model, context_size, runtime_flags, extensions: _ } = model;
    let mut words = vec!["configure".to_owned()];
    if *context_size > 0 {
        words.extend(["--context-size".to_owned(), context_size.to_string()]);
    }
    words.push(model.clone());
    if !runtime_flags.is_empty() {
        words.push("--".to_owned());
        words.extend(runtime_flags.iter().cloned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_settings_are_words_for_its_runner() {
        let model = Model { model: "ai/tiny".to_owned(), ..Model::default() };
        assert_eq!(settings(&model), ["configure", "ai/tiny"]);
        let model = Model { context_size: 100, runtime_flags: vec!["--a".to_owned()], ..model };
        assert_eq!(settings(&model), ["configure", "--context-size", "100", "ai/tiny", "--", "--a"]);
    }
}
