//! The recipes in `examples/ci`: they are what their readers take for YAML, and what they run works.

use crate::support::scenario::{Scenario, scenario};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Output};

const FILE: &str = "services: {web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL}}\n";

fn recipe(name: &str) -> Value {
    let path = format!("{}/examples/ci/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a script as a runner does, with this `stack` on its path.
fn run(story: &Scenario<'_>, script: &str, variables: &BTreeMap<&str, String>) -> Output {
    let stack = std::path::Path::new(env!("CARGO_BIN_EXE_stack")).parent().expect("a folder");
    Command::new("bash")
        .args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script])
        .current_dir(story.folder())
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", stack.display()))
        .env("HOME", story.folder())
        .env("DOCKER_HOST", story.host())
        .env("COMPOSE_PROJECT_NAME", story.project())
        .envs(variables)
        .output()
        .expect("bash starts")
}

#[track_caller]
fn ends(story: &mut Scenario<'_>, ran: &Output, code: i32) {
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    story.must(ran.status.code() == Some(code), &format!("{:?}: {said}", ran.status));
}

#[test]
fn the_action_for_github_runs_and_hands_over_its_reports() {
    let action = recipe("action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    let steps = action["runs"]["steps"].as_array().expect("steps").clone();
    for step in &steps {
        assert!(step["uses"].is_string() || step["shell"] == "bash", "a step says how it runs: {step}");
        let text = step["run"].as_str().unwrap_or_default();
        assert!(!text.contains("${{ inputs"), "no input is part of a script: {text}");
    }
    let step = steps.iter().find(|step| step["name"] == "Run the tests").expect("the step that matters");
    let script = step["run"].as_str().expect("a script");
    scenario("the action must run the command, and end with its code", |story| {
        story.file("compose.yaml", FILE).step("the script of the action");
        let folder = story.folder().join("out").display().to_string();
        let mut variables = BTreeMap::from([
            ("FOLDER", folder),
            ("COMMAND", "echo \"$STACK_PROJECT\" > name; exit 7".to_owned()),
            ("SERVICES", "web".to_owned()),
            ("STACK_FILE", "compose.yaml".to_owned()),
            ("TIMEOUT", "60".to_owned()),
        ]);
        let known = step["env"].as_object().expect("variables");
        assert!(variables.keys().all(|name| known.contains_key(*name)) && known.len() == variables.len());
        let ran = run(story, script, &variables);
        ends(story, &ran, 7);
        story.must(story.read("name").contains("-test-"), "it ran against a copy");
        for file in ["junit.xml", "report.json", "logs/web-1.log", "timeline.html"] {
            story.must(story.folder().join("out").join(file).exists(), file);
        }
        story.step("nothing said");
        for name in ["COMMAND", "SERVICES", "STACK_FILE"] {
            variables.insert(name, String::new());
        }
        let ran = run(story, script, &variables);
        ends(story, &ran, 0);
    });
}

#[test]
fn the_workflow_uses_inputs_that_the_action_has() {
    let (action, workflow) = (recipe("action.yml"), recipe("github.yml"));
    let steps = workflow["jobs"]["test"]["steps"].as_array().expect("steps");
    let uses = steps.iter().find(|step| step["uses"] == "./.github/actions/stack-test").expect("the action");
    for name in uses["with"].as_object().expect("inputs").keys() {
        assert!(action["inputs"].get(name).is_some(), "the action has no input `{name}`");
    }
}

#[test]
fn the_job_for_gitlab_runs() {
    let job = recipe("gitlab.yml")["test"].clone();
    assert_eq!(job["artifacts"]["reports"]["junit"], "junit.xml");
    let lines = |key: &str| -> Vec<String> {
        let lines = job[key].as_array().into_iter().flatten();
        lines.map(|line| line.as_str().expect("a line").to_owned()).collect()
    };
    let script = lines("script").join("\n");
    assert!(lines("before_script").iter().any(|line| line == "stack config --quiet"));
    scenario("the job must run the command, and end with its code", |story| {
        story.file("compose.yaml", FILE).file("run-tests.sh", "#!/bin/sh\necho hi\nexit 5\n");
        let made = std::fs::set_permissions(
            story.folder().join("run-tests.sh"),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        );
        made.expect("it can be run");
        story.step("the script of the job");
        let ran = run(story, &script, &BTreeMap::new());
        ends(story, &ran, 5);
        story.must(story.folder().join("junit.xml").exists(), "the report is there");
        story.must(story.folder().join("logs/web-1.log").exists(), "the logs are there");
    });
}
