//! Services that an external program provides.
//!
//! The program is a Docker CLI plugin or is found on `PATH`. It is run as `PROGRAM compose --project-name=P VERB --option=value
//! … SERVICE` and answers in JSON lines: `info` and `debug` tell, `error` says why it failed, `setenv` gives the services
//! that depend on it a variable `SERVICE_NAME`, `rawsetenv` the same without the prefix. `PROGRAM compose metadata` says
//! which options it knows, and whether it knows `stop`; a program that does not answer that gets all options and no `stop`.
//! <https://github.com/docker/compose/blob/main/docs/extension.md>

use super::step::service;
use super::{Cx, StepError};
use crate::event::{EventKind, Subject, Verb};
use crate::lower::machine::provided_to;
use crate::model::{Project, Provider, Service, ServiceName};
use serde::Deserialize;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

/// How long a program may take to say what it can.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where Docker keeps CLI plugins for everybody.
const PLUGIN_FOLDERS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    up: CommandMetadata,
    down: CommandMetadata,
    stop: Option<CommandMetadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CommandMetadata {
    parameters: Vec<Parameter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parameter {
    name: String,
    required: bool,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

/// Runs a provider's program and remembers the variables that it gives.
pub(super) async fn run(cx: &Cx, name: &ServiceName, verb: &str) -> Result<(), StepError> {
    let (project, service) = service(cx, name)?;
    let Some(provider) = &service.provider else { return Ok(()) };
    let Some(program) = find(project, &provider.kind) else {
        // Nothing of it can be running that it could stop.
        if verb == "stop" {
            return Ok(());
        }
        let mut error = StepError::new(format!(
            "service `{name}` is provided by `{}`, and there is no such program",
            provider.kind
        ));
        error.hints.push("install it as a plugin of the docker command line, or put it on `PATH`".to_owned());
        return Err(error);
    };
    let metadata = metadata(cx, project, &program).await;
    let known = match (verb, &metadata) {
        ("stop", None | Some(Metadata { stop: None, .. })) => return Ok(()),
        ("stop", Some(Metadata { stop: Some(stop), .. })) => Some(stop),
        ("down", Some(metadata)) => Some(&metadata.down),
        (_, Some(metadata)) => Some(&metadata.up),
        (_, None) => None,
    };
    let options = options(provider, known).map_err(|missing| {
        StepError::new(format!(
            "service `{name}`: its provider `{}` needs the option `{missing}`",
            provider.kind
        ))
    })?;
    let mut command = command(cx, project, &program);
    command.arg(format!("--project-name={}", project.name)).arg(verb).args(options).arg(name.as_str());
    let failed =
        |reason: String| StepError::new(format!("service `{name}`: provider `{}` {reason}", provider.kind));
    let mut child = command.spawn().map_err(|error| failed(format!("cannot be run: {error}")))?;
    let (output, notes) = (child.stdout.take(), child.stderr.take());
    let told = async {
        match output {
            Some(output) => listen(cx, name, output).await,
            None => Ok(Told::default()),
        }
    };
    let (told, ()) = futures_util::future::join(told, pass_on(cx, name, notes)).await;
    // A program that speaks another language is not waited for: dropping it ends it.
    let told = told.map_err(failed)?;
    let ended = child.wait().await.map_err(|error| failed(format!("cannot be waited for: {error}")))?;
    if let Some(error) = told.error {
        return Err(failed(format!("failed: {error}")));
    }
    if !ended.success() {
        return Err(failed(format!("failed: {ended}")));
    }
    cx.provided.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), told.variables);
    Ok(())
}

/// A service with what the providers that it depends on have given so far.
pub(super) fn given<'a>(cx: &Cx, service: &'a Service) -> Cow<'a, Service> {
    let provided = cx.provided.lock().unwrap_or_else(PoisonError::into_inner);
    provided_to(service, &provided)
}

/// The plugin `docker-NAME`, else the program `NAME`.
fn find(project: &Project, kind: &str) -> Option<PathBuf> {
    // `compose` would be ourselves; a path is no name.
    if kind.is_empty() || kind == "compose" || kind.contains('/') {
        return None;
    }
    let folders = project.environment.get("PATH").unwrap_or_default();
    let mut programs = std::env::split_paths(folders).map(|folder| folder.join(kind));
    plugin(project, kind).or_else(|| programs.find(|path| is_program(path)))
}

/// The plugin `docker-NAME` of the docker command line.
pub(super) fn plugin(project: &Project, name: &str) -> Option<PathBuf> {
    plugin_of(&project.environment, name)
}

/// The plugin `docker-NAME` that the docker command would find with these variables.
pub fn plugin_of(environment: &crate::model::Environment, name: &str) -> Option<PathBuf> {
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let own = variable("DOCKER_CONFIG").map(PathBuf::from);
    let own = own.or_else(|| Some(Path::new(variable("HOME")?).join(".docker")));
    let plugin = format!("docker-{name}");
    let plugins = own.map(|folder| folder.join("cli-plugins")).into_iter();
    let mut plugins = plugins.chain(PLUGIN_FOLDERS.map(PathBuf::from)).map(|folder| folder.join(&plugin));
    plugins.find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// `PROGRAM compose`, with the project's variables and this engine.
fn command(cx: &Cx, project: &Project, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("compose")
        .env_clear()
        .envs(project.environment.iter())
        .env("COMPOSE_PROJECT_NAME", project.name.as_str())
        .env("DOCKER_HOST", cx.engine.address().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What the program says it can; none when it does not say.
async fn metadata(cx: &Cx, project: &Project, program: &Path) -> Option<Metadata> {
    let mut command = command(cx, project, program);
    let output = command.arg("metadata").stderr(Stdio::null()).output();
    let output = tokio::time::timeout(PATIENCE, output).await.ok()?.ok()?;
    let metadata = output.status.success().then_some(output.stdout)?;
    serde_json::from_slice(&metadata).ok()
}

/// `--option=value` for each value of each option that the command knows; a command that says nothing knows all.
fn options(provider: &Provider, known: Option<&CommandMetadata>) -> Result<Vec<String>, String> {
    let parameters = known.map(|known| known.parameters.as_slice()).unwrap_or_default();
    let missing =
        |parameter: &&Parameter| parameter.required && !provider.options.contains_key(&parameter.name);
    if let Some(missing) = parameters.iter().find(missing) {
        return Err(missing.name.clone());
    }
    let is_known =
        |option: &str| parameters.is_empty() || parameters.iter().any(|parameter| parameter.name == option);
    let known = provider.options.iter().filter(|(option, _)| is_known(option));
    Ok(known
        .flat_map(|(option, values)| values.iter().map(move |value| format!("--{option}={value}")))
        .collect())
}

/// What a program told until it closed its output.
#[derive(Debug, Default)]
struct Told {
    error: Option<String>,
    variables: Vec<(String, String)>,
}

/// # Errors
/// What it says cannot be understood, as the end of a sentence about it.
async fn listen(cx: &Cx, name: &ServiceName, output: impl AsyncRead + Unpin) -> Result<Told, String> {
    let mut told = Told::default();
    let mut lines = BufReader::new(output).lines();
    let subject = Subject::Service(name.to_string());
    while let Some(line) = lines.next_line().await.map_err(|error| format!("cannot be read: {error}"))? {
        if line.trim().is_empty() {
            continue;
        }
        let Ok(Line { kind, message }) = serde_json::from_str(&line) else {
            return Err(format!("says `{line}`, which is no line of its protocol"));
        };
        let variable = || {
            let pair = message.split_once('=').filter(|(name, _)| !name.is_empty());
            pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(|| format!("sets `{message}`, which is no `NAME=value`"))
        };
        match kind.as_str() {
            "info" => cx.events.send(
                subject.clone(),
                EventKind::Progress {
                    verb: Verb::Provide,
                    part: String::new(),
                    current: 0,
                    total: 0,
                    text: message,
                },
            ),
            "debug" => {}
            "error" => told.error = Some(message),
            "setenv" => {
                let (variable, value) = variable()?;
                told.variables.push((format!("{}_{variable}", name.as_str().to_uppercase()), value));
            }
            "rawsetenv" => told.variables.push(variable()?),
            other => return Err(format!("sends a message of the unknown type `{other}`")),
        }
    }
    Ok(told)
}

/// Shows what a program writes to standard error.
async fn pass_on(cx: &Cx, name: &ServiceName, notes: Option<impl AsyncRead + Unpin>) {
    let Some(notes) = notes else { return };
    let mut notes = BufReader::new(notes);
    let mut bytes = Vec::new();
    while matches!(notes.read_until(b'\n', &mut bytes).await, Ok(1..)) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        cx.events.send(Subject::Service(name.to_string()), EventKind::Output { line });
        bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> Provider {
        let options = [("size", vec!["10"]), ("name", vec!["a", "b"])];
        let options = options
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values.into_iter().map(ToOwned::to_owned).collect()));
        Provider { kind: "p".to_owned(), options: options.collect(), ..Provider::default() }
    }

    fn knows(parameters: &[(&str, bool)]) -> CommandMetadata {
        let parameters = parameters
            .iter()
            .map(|(name, required)| Parameter { name: (*name).to_owned(), required: *required })
            .collect();
        CommandMetadata { parameters }
    }

    #[test]
    fn options_are_passed_as_far_as_the_program_knows_them() {
        let all = ["--name=a", "--name=b", "--size=10"].map(ToOwned::to_owned).to_vec();
        assert_eq!(options(&provider(), None), Ok(all.clone()));
        assert_eq!(options(&provider(), Some(&knows(&[]))), Ok(all));
        let size = vec!["--size=10".to_owned()];
        assert_eq!(options(&provider(), Some(&knows(&[("size", true), ("x", false)]))), Ok(size));
        assert_eq!(options(&provider(), Some(&knows(&[("must", true)]))), Err("must".to_owned()));
    }
}
