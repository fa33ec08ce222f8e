//! What services take from the machine they run on: models by way of a plugin, and the engine's own socket.

use crate::support::scenario::{Scenario, scenario};
use std::os::unix::fs::PermissionsExt;

const MODELS: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    models: [tiny-llm]
  worker:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    models: {tiny-llm: {endpoint_var: WHERE, model_var: WHICH}}
models:
  tiny-llm: {model: ai/tiny, context_size: 100, runtime_flags: [--fast]}
";

/// Stands in for `docker model`: notes what it is called with, and has a model once it was pulled.
const PLUGIN: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
case "$1" in
  docker-cli-plugin-metadata) echo '{"SchemaVersion": "0.1.0", "Vendor": "test", "Version": "1"}' ;;
  ls) if [ -e "$here/pulled" ]; then echo '[{"tags": ["ai/tiny:latest"]}]'; else echo '[]'; fi ;;
  status) echo '{"running": true, "endpoint": "http://models.internal/v1/"}' ;;
  pull) if [ -e "$here/broken" ]; then echo 'no room left' >&2; exit 1; fi; touch "$here/pulled" ;;
esac
"#;

fn plugin(story: &mut Scenario<'_>) {
    story.file("docker/cli-plugins/docker-model", PLUGIN);
    let path = story.folder().join("docker/cli-plugins/docker-model");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let folder = story.folder().join("docker").display().to_string();
    story.environment("DOCKER_CONFIG", &folder);
}

fn calls(story: &Scenario<'_>) -> Vec<String> {
    let text = std::fs::read_to_string(story.folder().join("docker/cli-plugins/calls")).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn models_are_pulled_and_configured_and_services_told_where_they_answer() {
    scenario("a service with a model must know its name and address, and the model be there", |story| {
        story.file("compose.yaml", MODELS);
        plugin(story);
        story.step("a plan only asks").runs("plan").exits(0).prints("model tiny-llm (pull and configure)");
        let asked = calls(story);
        let changed = asked.iter().any(|call| call.starts_with("pull") || call.starts_with("configure"));
        story.must(!changed, &format!("it only asks: {asked:?}"));
        story.step("what it says when it fails is told").file("docker/cli-plugins/broken", "");
        story.runs("up -d").exits(1).notes("`docker model pull ai/tiny` failed: no room left").gone("web");
        std::fs::remove_file(story.folder().join("docker/cli-plugins/broken")).expect("it was there");
        story.step("up").runs("up -d").exits(0).running("web", &[1]).running("worker", &[1]);
        let configured = "configure --context-size 100 ai/tiny -- --fast".to_owned();
        story.must(calls(story).contains(&configured), &format!("configured: {:?}", calls(story)));
        for (service, variables) in [
            ("web", ["TINY_LLM_MODEL=ai/tiny", "TINY_LLM_URL=http://models.internal/v1/"]),
            ("worker", ["WHICH=ai/tiny", "WHERE=http://models.internal/v1/"]),
        ] {
            let environment = story.inspect(service)["Config"]["Env"].to_string();
            for variable in variables {
                story.must(environment.contains(variable), &format!("`{variable}` is in {environment}"));
            }
        }
        let ours = story.look();
        let pulls =
            |story: &Scenario<'_>| calls(story).iter().filter(|call| call.starts_with("pull")).count();
        let before = pulls(story);
        story.step("again").runs("up -d").exits(0).kept(&ours, "web").kept(&ours, "worker");
        let after = pulls(story);
        story.must(before == after, &format!("nothing is pulled again: {before}, {after}"));
    });
}

#[test]
fn without_the_plugin_a_model_is_refused_at_its_line() {
    scenario("what is missing must be said where it is asked for", |story| {
        story.step("no plugin").file("compose.yaml", MODELS).environment("DOCKER_CONFIG", "/nowhere");
        story.runs("up -d").exits(1).notes("docker plugin `model`, which is not installed");
        story.notes("compose.yaml:13:13").gone("web");
    });
}

const SOCKET: &str = "\
services:
  agent:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    use_api_socket: true
";

#[test]
fn the_engines_socket_comes_with_credentials_that_replace_nothing_when_they_change() {
    scenario("`use_api_socket` must give a service the engine and what one may pull with", |story| {
        let login = |secret: &str| format!(r#"{{"auths": {{"example.org": {{"auth": "{secret}"}}}}}}"#);
        let folder = story.folder().join("docker").display().to_string();
        story.file("compose.yaml", SOCKET).file("docker/config.json", &login("bWU6c2VjcmV0"));
        story.environment("DOCKER_CONFIG", &folder);
        story.step("up").runs("up -d").exits(0).running("agent", &[1]);
        story.does_not_note("bWU6c2VjcmV0");
        let socket = story.host().trim_start_matches("unix://").to_owned();
        // A socket outside of the folders for sockets may be forwarded from anywhere: the usual one is meant then.
        let source = if socket.starts_with("/run") || socket.starts_with("/var/run") {
            socket
        } else {
            "/var/run/docker.sock".to_owned()
        };
        let binds = story.inspect("agent")["HostConfig"]["Binds"].clone();
        let expect = serde_json::json!([format!("{source}:/var/run/docker.sock:rw")]);
        story.must(binds == expect, &format!("{expect} is mounted, and not {binds}"));
        if !story.is_fake() {
            let words = "exec -T agent cat /run/secrets/docker/config.json";
            story.runs(words).exits(0).prints("bWU6c2VjcmV0");
            story.runs("exec -T agent test -S /var/run/docker.sock").exits(0);
        }
        let before = story.look();
        story.step("another login").file("docker/config.json", &login("bWU6b3RoZXI="));
        story.runs("up -d").exits(0).kept(&before, "agent");
    });
}

#[test]
fn services_with_models_or_the_socket_move_between_the_tools() {
    scenario("what is given to a service must be in the hash as the reference has it", |story| {
        if !story.has_reference() {
            return;
        }
        story.file("compose.yaml", &format!("{SOCKET}{}", MODELS.trim_start_matches("services:\n")));
        plugin(story);
        // The reference is a plugin itself, and looks for others in the same folder.
        let compose =
            ["/root/.docker/cli-plugins", "/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins"];
        let compose = compose.map(|folder| std::path::Path::new(folder).join("docker-compose"));
        let Some(compose) = compose.iter().find(|path| path.exists()) else { return };
        let own = story.folder().join("docker/cli-plugins/docker-compose");
        std::fs::copy(compose, own).expect("the reference is copied");
        story.step("ours first").runs("up -d").exits(0);
        let ours = story.look();
        story.step("theirs").reference_runs("up -d").exits(0);
        for service in ["agent", "web", "worker"] {
            story.kept(&ours, service);
        }
        story.reference_runs("up -d --force-recreate").exits(0);
        let theirs = story.look();
        story.step("ours again").runs("up -d").exits(0);
        for service in ["agent", "web", "worker"] {
            story.kept(&theirs, service);
        }
    });
}
