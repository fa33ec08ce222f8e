//! `doctor`: what is wrong around a project is told, with its remedy.

use crate::support::scenario::{Scenario, on_the_real};
use serde_json::Value;
use std::io::Read;
use std::net::TcpListener;

const SHOP: &str = "services: {web: {image: busybox, build: ., command: sleep infinity}}\n";

/// The findings of a check, from `--format json`.
fn found(story: &Scenario<'_>, check: &str) -> Vec<Value> {
    let all: Vec<Value> =
        serde_json::from_str(story.printed()).unwrap_or_else(|error| story.fail(&error.to_string()));
    all.into_iter().filter(|one| one["check"] == check).collect()
}

#[test]
fn with_everything_in_place_each_check_says_what_it_found() {
    on_the_real("`doctor` must find the engine, say why it is that one, and change nothing", |story| {
        story.step("look").file("compose.yaml", SHOP).runs("doctor --format json").exits(0).nothing_left();
        let engine = found(story, "engine");
        let told = engine.first().map(|one| one["message"].to_string()).unwrap_or_default();
        story.must(told.contains(" answers at unix://") && told.contains("(DOCKER_HOST)"), &told);
        for check in ["versions", "disk", "buildx", "credentials", "file watchers", "project"] {
            story.must(!found(story, check).is_empty(), &format!("`{check}` was looked at"));
        }
        let project = found(story, "project");
        story.must(project[0]["health"] == "fine", &format!("{project:?}"));
        story.step("for people").runs("doctor").exits(0).prints("✔ engine").prints("✔ project");
    });
}

#[test]
fn without_an_engine_the_remedy_is_told_and_the_code_is_1() {
    on_the_real("`doctor` must tell what to do when no engine answers", |story| {
        story.file("compose.yaml", SHOP).step("a socket that is not there");
        story.environment("DOCKER_HOST", "unix:///nowhere/engine.sock").runs("doctor --format json").exits(1);
        let engine = found(story, "engine");
        story.must(engine[0]["health"] == "broken", &format!("{engine:?}"));
        let hint = engine[0]["hints"][0].as_str().unwrap_or_default().to_owned();
        story.must(
            hint == "there is no socket `/nowhere/engine.sock`: start the engine, or correct DOCKER_HOST",
            &hint,
        );
        story.must(!found(story, "credentials").is_empty(), "everything else is looked at all the same");
        story.step("nobody listens").environment("DOCKER_HOST", "tcp://127.0.0.1:9").runs("doctor").exits(1);
        story.prints("✘ engine").prints("hint: start the engine there, or correct DOCKER_HOST");
        story.step("an address that is none").environment("DOCKER_HOST", "nonsense").runs("doctor").exits(1);
        story.prints("it has no scheme").prints("hint: set DOCKER_HOST to an address");
        story
            .step("a context that is not there")
            .environment("DOCKER_HOST", "")
            .environment("DOCKER_CONTEXT", "lab");
        story.runs("doctor").exits(1).prints("context `lab`").prints("`docker context ls`");
    });
}

#[test]
fn what_is_amiss_around_it_is_a_warning_or_a_mistake_with_its_place() {
    on_the_real("`doctor` must look at files and credentials too", |story| {
        story.file(
            "docker/config.json",
            r#"{"credsStore": "not-installed", "auths": {"r.io": {"auth": "c2VjcmV0OnNlY3JldA=="}}}"#,
        );
        let config = story.folder().join("docker").to_string_lossy().into_owned();
        story
            .file("compose.yaml", SHOP)
            .environment("DOCKER_CONFIG", &config)
            .runs("doctor --format json")
            .exits(0);
        let credentials = found(story, "credentials");
        story.must(credentials[0]["health"] == "warning", &format!("{credentials:?}"));
        story.must(!story.printed().contains("c2Vj"), "no credential is told");
        story.prints("docker-credential-not-installed");
        story.step("no config at all").file("docker/config.json", "{nonsense").runs("doctor").exits(1);
        story.prints("✘ credentials").prints("docker login");
        story.file("docker/config.json", "{}");
        story
            .step("a mistake")
            .file("compose.yaml", "services: {web: {imagee: x}}\n")
            .runs("doctor")
            .exits(1);
        story.prints("✘ project").prints("`stack config` shows every mistake at its place");
    });
}

#[test]
fn an_engine_that_hangs_need_not_be_waited_for() {
    on_the_real("Ctrl-C must end `doctor` while it waits for an answer", |story| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        story.file("compose.yaml", SHOP).environment("DOCKER_HOST", &address);
        let mut terminal = story.types("doctor");
        let (mut connection, _) = listener.accept().unwrap();
        connection.read_exact(&mut [0]).unwrap();
        terminal.press("\u{3}");
        let code = terminal.ends();
        story.must(code == Some(130), &format!("{code:?}\n{}", terminal.screen()));
        story.step("in the end").environment("STACK_ENGINE_TIMEOUT", "1").runs("doctor").exits(1);
        story.prints("✘ engine").prints("hint: it hangs or is overloaded");
    });
}
