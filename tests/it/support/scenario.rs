//! A scenario: one obligation, steps named as sentences, the real binary, and checks on what the engine then has.
//!
//! The same text runs on the fake engine and, with `STACK_TEST_ENGINE=real`, on a real one. Whatever fails, the panic says
//! everything: files, commands, outputs, and the engine's state. Checks are in `checks.rs`.

use super::background::Background;
use super::docker;
use super::fake_engine::FakeEngine;
use super::place::{Place, block_on};
use super::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

/// How long one command may take; none does on purpose.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs a scenario on each engine there is. `obligation` says what must hold: "an unchanged up must not touch anything".
pub fn scenario(obligation: &str, story: impl Fn(&mut Scenario<'_>)) {
    for place in [Some(Place::fake(World::new())), Place::real()].into_iter().flatten() {
        story(&mut Scenario::new(obligation, &place));
    }
}

/// Runs a scenario on the fake engine alone: for what only it can do, faults above all.
pub fn on_the_fake<T>(obligation: &str, story: impl Fn(&mut Scenario<'_>, &FakeEngine) -> T) -> T {
    let place = Place::fake(World::new());
    let fake = place.fake.as_ref().expect("it was made a line above");
    story(&mut Scenario::new(obligation, &place), fake)
}

/// Runs a scenario on the real engine alone: for what needs real files in real containers.
pub fn on_the_real(obligation: &str, story: impl Fn(&mut Scenario<'_>)) {
    if let Some(place) = Place::real() {
        story(&mut Scenario::new(obligation, &place));
    }
}

/// A scenario under way.
pub struct Scenario<'a> {
    pub(super) place: &'a Place,
    obligation: String,
    folder: tempfile::TempDir,
    home: tempfile::TempDir,
    pub(super) environment: BTreeMap<String, String>,
    /// What was done so far, for the panic.
    pub(super) story: Vec<String>,
    /// How many requests the fake engine had seen when the step began.
    pub(super) requests_before: usize,
    pub(super) last: Ran,
}

/// How a command ended.
#[derive(Debug, Clone, Default)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl<'a> Scenario<'a> {
    fn new(obligation: &str, place: &'a Place) -> Self {
        let folder = || tempfile::Builder::new().prefix("scenario-").tempdir().expect("a temporary folder");
        Self {
            place,
            obligation: obligation.to_owned(),
            folder: folder(),
            home: folder(),
            environment: BTreeMap::new(),
            story: Vec::new(),
            requests_before: 0,
            last: Ran::default(),
        }
    }

    /// The project's name, its own on every run.
    pub fn project(&self) -> &str {
        &self.place.unique
    }

    /// Where the engine listens.
    pub fn host(&self) -> &str {
        &self.place.host
    }

    /// The engine's things of a kind that have a label.
    pub fn labelled(&self, kind: &str, label: &str) -> Vec<Value> {
        self.place.raw().labelled(kind, label)
    }

    /// Begins a step: what is done, as a sentence.
    pub fn step(&mut self, sentence: &str) -> &mut Self {
        self.story.push(format!("step: {sentence}"));
        self.requests_before = self.place.fake.as_ref().map_or(0, |fake| fake.requests().len());
        self
    }

    /// Writes a file into the project's folder.
    pub fn file(&mut self, path: &str, text: &str) -> &mut Self {
        let full = self.folder.path().join(path);
        std::fs::create_dir_all(full.parent().expect("a file is in a folder")).expect("a folder");
        std::fs::write(&full, text).expect("a file");
        self.story.push(format!("file {path}:\n{}", indented(text)));
        self
    }

    /// What a file in the project's folder holds.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).expect("the file is there")
    }

    /// Who may do what with a file in the project's folder.
    pub fn mode(&self, path: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(self.folder.path().join(path)).expect("the file is there");
        file.permissions().mode() & 0o777
    }

    /// Sets an environment variable for the commands that follow.
    pub fn environment(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self.story.push(format!("environment: {name}={value}"));
        self
    }

    /// Whether this is the fake engine.
    pub fn is_fake(&self) -> bool {
        self.place.fake.is_some()
    }

    /// Whether `docker compose` is installed and this is a real engine.
    pub fn has_reference(&self) -> bool {
        let found = std::process::Command::new("docker").args(["compose", "version"]).output();
        self.place.fake.is_none() && found.is_ok_and(|found| found.status.success())
    }

    /// Runs `docker compose` with these words in the project's folder.
    pub fn reference_runs(&mut self, words: &str) -> &mut Self {
        self.reference_runs_words(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// The same, for words that hold spaces.
    pub fn reference_runs_words(&mut self, words: &[&str]) -> &mut Self {
        let ran = std::process::Command::new("docker")
            .args(["compose", "--project-name", self.project()])
            .args(words)
            .current_dir(self.folder.path())
            .env("DOCKER_HOST", &self.place.host)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .output()
            .expect("docker compose starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.last = Ran { code: ran.status.code(), stdout: text(&ran.stdout), stderr: text(&ran.stderr) };
        let words = words.join(" ");
        self.story.push(format!(
            "$ docker compose {words}\n  exit code {:?}\n  stdout:\n{}  stderr:\n{}",
            self.last.code,
            indented(&self.last.stdout),
            indented(&self.last.stderr)
        ));
        self
    }

    /// Runs `stack` with these words, and goes on whatever comes of it.
    pub fn runs(&mut self, words: &str) -> &mut Self {
        self.runs_words(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// The same, for words that hold spaces.
    pub fn runs_words(&mut self, words: &[&str]) -> &mut Self {
        let mut command = tokio::process::Command::from(self.command(words));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let words = words.join(" ");
        let ended = block_on(async { tokio::time::timeout(PATIENCE, command.output()).await });
        let Ok(ended) = ended else {
            self.story.push(format!("$ stack {words}\n  (no end after {} s)", PATIENCE.as_secs()));
            self.fail("a command did not end");
        };
        let ended = ended.unwrap_or_else(|error| panic!("{}: {error}", env!("CARGO_BIN_EXE_stack")));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.last =
            Ran { code: ended.status.code(), stdout: text(&ended.stdout), stderr: text(&ended.stderr) };
        self.story.push(format!(
            "$ stack {words}\n  exit code {:?}\n  stdout:\n{}  stderr:\n{}",
            self.last.code,
            indented(&self.last.stdout),
            indented(&self.last.stderr)
        ));
        self
    }

    /// What the last command wrote as events; each must be as `schema/events.schema.json` says, and what is said about a
    /// failure beside them as `schema/report.schema.json` says.
    #[track_caller]
    pub fn events(&mut self) -> Vec<Value> {
        let lines = self.last.stderr.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> =
            lines.map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        let (events, reports): (Vec<Value>, Vec<Value>) =
            lines.into_iter().partition(|line| line.get("error").is_none());
        for (schema, lines) in [("events", &events), ("report", &reports)] {
            let path = format!("{}/schema/{schema}.schema.json", env!("CARGO_MANIFEST_DIR"));
            let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("the schema"))
                .expect("the schema is JSON");
            let validator = jsonschema::validator_for(&schema).expect("the schema is one");
            for line in lines {
                if let Err(error) = validator.validate(line) {
                    self.fail(&format!("a line is as its schema says: {error}: {line}"));
                }
            }
        }
        self.must(!events.is_empty(), "there are events");
        events
    }

    /// The code the last command ended with; `None` when a signal ended it.
    pub fn last_code(&self) -> Option<i32> {
        self.last.code
    }

    /// Runs `stack` with these words, waits until it has written `text` to standard output, and sends it SIGINT as often as
    /// asked, half a second apart.
    pub fn interrupted(&mut self, words: &str, text: &str, times: u32) -> &mut Self {
        use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
        let mut command = self.stack(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let ran = block_on(async {
            tokio::time::timeout(PATIENCE, async {
                let mut child = command.spawn().expect("stack starts");
                let mut out = BufReader::new(child.stdout.take().expect("standard output"));
                let mut err = child.stderr.take().expect("standard error");
                let mut stdout = String::new();
                while !stdout.contains(text) && out.read_line(&mut stdout).await.expect("text") > 0 {}
                let id =
                    child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
                for _ in 0..times {
                    // It may have ended already, which the exit code tells.
                    id.map(|id| rustix::process::kill_process(id, rustix::process::Signal::INT));
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                let mut stderr = String::new();
                let (read, also, status) = tokio::join!(
                    out.read_to_string(&mut stdout),
                    err.read_to_string(&mut stderr),
                    child.wait()
                );
                read.and(also).expect("text");
                Ran { code: status.expect("an end").code(), stdout, stderr }
            })
            .await
        });
        let Ok(ran) = ran else { self.fail("an interrupted command did not end") };
        self.last = ran;
        self.story.push(format!(
            "$ stack {words}   (SIGINT, {times} times, after `{text}`)\n  exit code {:?}\n  stdout:\n{}  stderr:\n{}",
            self.last.code,
            indented(&self.last.stdout),
            indented(&self.last.stderr)
        ));
        self
    }

    fn stack(&self, words: &str) -> tokio::process::Command {
        let mut command =
            tokio::process::Command::from(self.command(&words.split_whitespace().collect::<Vec<_>>()));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        self.command_for(self.project(), words)
    }

    /// `stack`, or what stands for it.
    fn program(&self) -> std::process::Command {
        let docker = docker::docker().filter(|_| !self.is_fake() && docker::through_docker());
        let Some(docker) = docker else {
            return std::process::Command::new(env!("CARGO_BIN_EXE_stack"));
        };
        let mut command = std::process::Command::new(docker);
        command.arg("--config").arg(docker::config_with_plugin(self.home())).arg("compose");
        command
    }

    /// The home folder that `stack` sees.
    pub(super) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// `stack`, about a project, in this one's folder.
    pub(super) fn command_for(&self, project: &str, words: &[&str]) -> std::process::Command {
        let mut command = self.program();
        command
            .arg("--project-name")
            .arg(project)
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("DOCKER_HOST", &self.place.host)
            // A plugin of this machine cannot build on a fake engine.
            .env("DOCKER_BUILDKIT", "0")
            .envs(&self.environment);
        command
    }

    /// Starts `stack` with these words, to go on while the story does.
    pub fn goes_on(&mut self, words: &str) -> Background {
        self.story.push(format!("$ stack {words} &"));
        Background::start(words, self.command(&words.split_whitespace().collect::<Vec<_>>()))
    }

    /// The same in a user namespace of its own, where the system's limits are others: `limits` are `/proc/sys` names and
    /// values. `None` where one may not have that.
    pub fn goes_on_with_limits(&mut self, limits: &[(&str, u32)], words: &str) -> Option<Background> {
        let own = ["-U", "-r"];
        let may = std::process::Command::new("unshare").args(own).arg("true").output();
        if !may.is_ok_and(|ended| ended.status.success()) {
            return None;
        }
        self.story.push(format!("$ stack {words} &, where {limits:?}"));
        let mut script: String =
            limits.iter().map(|(name, value)| format!("echo {value} > /proc/sys/{name} && ")).collect();
        script.push_str("exec \"$@\"");
        let stack = self.command(&words.split_whitespace().collect::<Vec<_>>());
        let mut command = std::process::Command::new("unshare");
        command.args(own).args(["sh", "-c", &script, "sh"]).arg(stack.get_program()).args(stack.get_args());
        command.current_dir(self.folder.path()).env_clear();
        command.envs(stack.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Some(Background::start(words, command))
    }

    /// The engine's socket, to do what somebody else would.
    pub fn engine(&self) -> super::raw::Raw {
        self.place.raw()
    }

    /// The project's folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Ends the test, and says all there is to say.
    #[track_caller]
    pub fn fail(&self, what: &str) -> ! {
        let rule = "-".repeat(60);
        panic!(
            "on the {} engine: {}\nviolated: {what}\n{rule}\n{}\n{rule}\nthe engine has:\n{}{}",
            self.place.word(),
            self.obligation,
            self.story.join("\n"),
            self.engine_state(),
            self.requests_text(),
        );
    }

    fn engine_state(&self) -> String {
        let label = self.project_label();
        let raw = self.place.raw();
        let mut text = String::new();
        for kind in ["containers", "networks", "volumes"] {
            for row in raw.labelled(kind, &label) {
                let of = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                let name = row["Names"][0].as_str().map_or_else(|| of("Name"), ToOwned::to_owned);
                text.push_str(&format!("  {kind}: {name} {} {}\n", of("Id"), of("Status")));
                for (key, value) in row["Labels"].as_object().into_iter().flatten() {
                    text.push_str(&format!("      {key}={}\n", value.as_str().unwrap_or_default()));
                }
            }
        }
        text
    }

    fn requests_text(&self) -> String {
        let Some(fake) = &self.place.fake else { return String::new() };
        let mut text = "requests of the last step:\n".to_owned();
        for one in fake.requests().iter().skip(self.requests_before) {
            text.push_str(&format!("  {} -> {:?}\n", one.line(), one.status));
            if one.is_mutating() && !one.body.is_empty() && one.body.len() < 4000 {
                text.push_str(&format!("      {}\n", one.body));
            }
        }
        text
    }

    pub(super) fn project_label(&self) -> String {
        let (key, value) = self.place.label();
        format!("{key}={value}")
    }

    /// The engine's answer about one of its things.
    pub(super) fn get(&self, path: &str) -> Value {
        self.place.raw().get(path)
    }
}

pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
