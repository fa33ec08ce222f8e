//! Builds by `docker buildx bake`: BuildKit, with everything that it can.
//!
//! The plugin is run as a program of its own, with the file on its standard input. What it does comes as JSON, a line each; other
//! lines are its own words about a failure: the place in the Dockerfile.

use super::super::{Cx, StepError, provider};
use crate::engine::Engine;
use crate::event::{EventKind, Subject, Verb};
use crate::lower::bake::{self, Wish};
use crate::model::{BuildConfig, Project, ServiceName};
use base64::Engine as _;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// How many of the last lines of a step are kept for when it fails.
const LINES: usize = 20;

/// The plugin, where BuildKit is wanted and there is one.
pub(super) fn find(engine: &Engine, project: &Project) -> Option<PathBuf> {
    // Its engine builds with Buildah; the plugin would start a builder in a container from a registry.
    if is_off(project) || engine.is_podman() { None } else { provider::plugin(project, "buildx") }
}

/// Whether somebody wants the classic builder.
pub(super) fn is_off(project: &Project) -> bool {
    project.environment.get("DOCKER_BUILDKIT").is_some_and(|value| matches!(value, "0" | "false"))
}

/// Builds a service's image.
pub(super) async fn image(
    cx: &Cx,
    (program, project): (&Path, &Project),
    (service, build): (&ServiceName, &BuildConfig),
    image: &str,
    wish: Wish,
) -> Result<(), StepError> {
    let file = bake::file(project, [service], wish).to_string();
    let mut child = command(&cx.engine, program, project, &bake::entitlements(build))
        .args(["--progress", "rawjson"])
        .spawn()
        .map_err(|error| StepError::new(format!("cannot start `{}`: {error}", program.display())))?;
    let input = child.stdin.take();
    let feed = async {
        if let Some(mut input) = input {
            // One that ends without reading says why itself.
            drop(input.write_all(file.as_bytes()).await);
        }
    };
    let mut story = Story::default();
    let output = child.stderr.take();
    let listen = async {
        if let Some(output) = output {
            listen(cx, image, output, &mut story).await;
        }
    };
    let ((), (), ended) = futures_util::future::join3(feed, listen, child.wait()).await;
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(story.failure(image, status)),
        Err(error) => Err(StepError::new(format!("cannot wait for `{}`: {error}", program.display()))),
    }
}

/// Has the Dockerfiles of services checked, without building anything. What is found is the answer's text.
///
/// # Errors
/// There is no such plugin, or it cannot be started.
pub async fn check(
    engine: &Engine,
    project: &Project,
    services: &[&ServiceName],
) -> Result<(bool, String), StepError> {
    let Some(program) = find(engine, project) else {
        return Err(StepError {
            hints: vec!["install the docker plugin `buildx`".to_owned()],
            ..StepError::new("only BuildKit can check a Dockerfile, by way of a plugin that is not there")
        });
    };
    let file = bake::file(project, services.iter().copied(), Wish::default()).to_string();
    let fail = |error: std::io::Error| StepError::new(format!("cannot run `{}`: {error}", program.display()));
    let mut command = command(engine, &program, project, &[]);
    let mut child = command
        .args(["--call", "check", "--progress", "quiet"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    if let Some(mut input) = child.stdin.take() {
        // One that ends without reading says why itself.
        drop(input.write_all(file.as_bytes()).await);
    }
    let ended = child.wait_with_output().await.map_err(fail)?;
    let mut text = String::from_utf8_lossy(&ended.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&ended.stderr));
    Ok((ended.status.success(), text))
}

fn command(engine: &Engine, program: &Path, project: &Project, entitlements: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(["bake", "--file", "-"]);
    for entitlement in entitlements {
        command.arg("--allow").arg(entitlement);
    }
    command
        .current_dir(&project.working_dir)
        .env_clear()
        .envs(project.environment.iter())
        // The file names what it reads; to be asked about that again would be to be asked about one's own stack file.
        .env("BUILDX_BAKE_ENTITLEMENTS_FS", "0")
        .env("DOCKER_HOST", engine.address().to_string())
        .env_remove("DOCKER_CONTEXT")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A line of `--progress rawjson`: a part of BuildKit's status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    vertexes: Vec<Vertex>,
    logs: Vec<Log>,
}

/// A step.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Vertex {
    digest: String,
    name: String,
    started: Option<String>,
    cached: bool,
    error: String,
}

/// What a step wrote.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Log {
    vertex: String,
    data: String,
}

/// What was told of a build.
#[derive(Debug, Default)]
struct Story {
    /// The steps that were told, by digest: the name, and whether they came from the cache.
    told: BTreeMap<String, (String, bool)>,
    /// The last lines of each step.
    lines: BTreeMap<String, VecDeque<String>>,
    /// The step that failed, and why.
    failed: Option<(String, String)>,
    /// The plugin's own last words.
    words: VecDeque<String>,
}

async fn listen(cx: &Cx, image: &str, output: impl AsyncRead + Unpin, story: &mut Story) {
    let subject = Subject::Image(image.to_owned());
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        for text in story.hear(&line) {
            let (part, current, total) = (String::new(), 0, 0);
            let progress = EventKind::Progress { verb: Verb::Build, part, current, total, text };
            cx.events.send(subject.clone(), progress);
        }
    }
}

impl Story {
    /// Takes a line in, and returns what of it is worth telling.
    fn hear(&mut self, line: &str) -> Vec<String> {
        let Some(status) = line.starts_with('{').then(|| serde_json::from_str::<Status>(line).ok()).flatten()
        else {
            keep(&mut self.words, line.to_owned());
            return Vec::new();
        };
        let mut told = Vec::new();
        for vertex in status.vertexes {
            if !vertex.error.is_empty() && !vertex.error.ends_with("context canceled") {
                self.failed = Some((vertex.digest.clone(), vertex.error));
            }
            let known = self.told.get(&vertex.digest).map(|(_, cached)| *cached);
            let news = known.is_none() || (vertex.cached && known == Some(false));
            if vertex.started.is_none() || !news {
                continue;
            }
            self.told.insert(vertex.digest, (vertex.name.clone(), vertex.cached));
            told.extend(step(&vertex.name, vertex.cached));
        }
        for log in status.logs {
            let bytes = base64::engine::general_purpose::STANDARD.decode(&log.data).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for line in text.lines().map(|line| line.rsplit('\r').next().unwrap_or_default()) {
                if line.trim().is_empty() {
                    continue;
                }
                keep(self.lines.entry(log.vertex.clone()).or_default(), line.to_owned());
                told.push(line.to_owned());
            }
        }
        told
    }

    /// What failed, the last lines of that step alone, and where it is written.
    fn failure(self, image: &str, status: std::process::ExitStatus) -> StepError {
        let mut message = match &self.failed {
            Some((_, error)) => format!("cannot build image `{image}`: {error}"),
            None => format!("cannot build image `{image}`: `docker buildx bake` ended with {status}"),
        };
        let failed = self.failed.as_ref().map(|(digest, _)| digest);
        if let Some((name, _)) = failed.and_then(|digest| self.told.get(digest)) {
            message.push_str(&format!("\n  step: {name}"));
        }
        let lines = failed.and_then(|digest| self.lines.get(digest)).into_iter().flatten();
        for line in lines {
            message.push_str(&format!("\n    {line}"));
        }
        // Its last line says the same as the step's error.
        let words = self.words.iter().filter(|line| self.failed.is_none() || !line.starts_with("ERROR: "));
        for line in words {
            message.push_str(&format!("\n  {line}"));
        }
        StepError::new(message)
    }
}

/// A step of a Dockerfile as the classic builder tells it: `Step 2/3 : COPY . /src`. How the builder gets its files and names
/// its image is its own affair, unless it fails.
fn step(name: &str, cached: bool) -> Option<String> {
    let (place, instruction) = name.strip_prefix('[')?.split_once("] ")?;
    let number = place.rsplit(' ').next().filter(|number| number.contains('/'))?;
    // With several stages it takes the stage's name to tell one step from another.
    let stage = place.strip_suffix(number).unwrap_or_default().trim().rsplit(' ').next().unwrap_or_default();
    let number = if stage.is_empty() { number.to_owned() } else { format!("{stage} {number}") };
    Some(format!("Step {number} : {instruction}{}", if cached { " (cached)" } else { "" }))
}

fn keep(lines: &mut VecDeque<String>, line: String) {
    if lines.len() == LINES {
        lines.pop_front();
    }
    lines.push_back(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_failure_is_told_with_its_step_its_last_lines_and_its_place() {
        let mut story = Story::default();
        let step = r#"{"vertexes":[{"digest":"a","name":"[2/2] RUN x","started":"t"},{"digest":"b","name":"[internal] load","started":"t"}]}"#;
        assert_eq!(story.hear(step), ["Step 2/2 : RUN x"]);
        assert!(story.hear(step).is_empty(), "once");
        assert_eq!(story.hear(r#"{"logs":[{"vertex":"a","data":"b25lCnR3bwo="}]}"#), ["one", "two"]);
        assert!(story.hear(r#"{"vertexes":[{"digest":"a","name":"[2/2] RUN x","started":"t","error":"exit code: 3"}]}"#).is_empty());
        for line in ["Dockerfile:2", "   2 | >>> RUN x", "ERROR: failed to solve: exit code: 3"] {
            assert!(story.hear(line).is_empty());
        }
        let failure = story.failure("p-app", std::process::ExitStatus::from_raw(256));
        assert_eq!(
            failure.message,
            "cannot build image `p-app`: exit code: 3\n  step: [2/2] RUN x\n    one\n    two\n  Dockerfile:2\n     2 | >>> RUN x"
        );
    }

    #[test]
    fn what_comes_from_the_cache_says_so() {
        let mut story = Story::default();
        let cached = r#"{"vertexes":[{"digest":"a","name":"[1/1] FROM x","started":"t","cached":true}]}"#;
        assert_eq!(story.hear(cached), ["Step 1/1 : FROM x (cached)"]);
        assert!(story.hear(cached).is_empty());
        assert_eq!(
            step("[app final 2/3] COPY . /src", false).as_deref(),
            Some("Step final 2/3 : COPY . /src")
        );
        assert_eq!(step("[app] exporting to image", false), None);
    }
}
