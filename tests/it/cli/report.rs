//! Mistakes and warnings for programs: `--format json` of `config` and `plan`, `--progress json` of every command.

use serde_json::Value;
use std::process::{Command, Output};

const BROKEN: &str = "\
services:
  web:
    imge: nginx
    image: ${TAG}
    networks: [frontt]
networks:
  front: {}
";

fn written() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn stack(text: &str, words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(words)
        .current_dir(folder.path())
        .env_remove("TAG")
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .output()
        .unwrap()
}

/// The one line on standard error, which is as the schema says.
#[track_caller]
fn report(output: &Output) -> Value {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(text.lines().count(), 1, "{text}");
    let validator = jsonschema::validator_for(&written()).unwrap();
    assert!(validator.validate(&report).is_ok(), "{report:#}");
    report
}

#[test]
fn the_report_schema_in_the_repository_is_current() {
    let hint = "out of date; run `cargo run --example schema report > schema/report.schema.json`";
    assert!(written() == stack::source::Report::schema(), "{hint}");
}

#[test]
fn every_mistake_of_a_file_is_in_one_report_with_its_place() {
    for words in [
        ["config", "--format", "json"],
        ["plan", "--format", "json"],
        ["--progress", "json", "up"],
        ["--progress", "json", "config"],
    ] {
        let output = stack(BROKEN, &words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
        let report = report(&output);
        assert_eq!(report["error"], true);
        assert!(
            report["message"]
                .as_str()
                .unwrap()
                .ends_with("compose.yaml:3:5: a service has no attribute `imge`")
        );
        let found: Vec<(&str, u64)> = report["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| (finding["severity"].as_str().unwrap(), finding["line"].as_u64().unwrap()))
            .collect();
        assert_eq!(found, [("error", 3), ("warning", 4), ("error", 5)], "{words:?}");
    }
}

#[test]
fn warnings_alone_are_no_error() {
    let output = stack("services: {a: {image: 'x:${TAG}'}}\n", &["config", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["services"]["a"].is_object());
    let report = report(&output);
    assert_eq!(report["error"], false);
    assert_eq!(report["diagnostics"].as_array().unwrap().len(), 1);
    assert!(stack("services: {a: {image: x}}\n", &["config", "--format", "json"]).stderr.is_empty());
}

#[test]
fn a_failure_that_no_file_is_to_blame_for_is_a_report_too() {
    let output = stack("services: {a: {image: x}}\n", &["--progress", "json", "up", "-d"]);
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    assert!(report["message"].as_str().unwrap().contains("/nonexistent/docker.sock"), "{report:#}");
    assert!(report.get("diagnostics").is_none());
}
