//! Services that an external program provides.

use crate::support::scenario::{Scenario, scenario};
use std::os::unix::fs::PermissionsExt;

const STACK: &str = "\
services:
  store:
    provider: {type: stack-test-store, options: {size: 10, unknown: x}}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {OWN: mine}
    depends_on: [store]
";

/// Notes what it is called with, and answers as the protocol says.
const PROGRAM: &str = r#"#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
case "$2" in
  metadata) echo '{"up": {"parameters": [{"name": "size", "required": true}]}, "down": {"parameters": []}}' ;;
  *) case "$3" in
    up)
      echo '{"type": "info", "message": "making it"}'
      echo '{"type": "setenv", "message": "URL=store://here?x=1"}'
      echo '{"type": "rawsetenv", "message": "PLAIN=yes"}' ;;
  esac ;;
esac
"#;

fn program(story: &mut Scenario<'_>, text: &str) {
    story.file("bin/stack-test-store", text);
    let path = story.folder().join("bin/stack-test-store");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let folders = format!("{}:/usr/local/bin:/usr/bin:/bin", story.folder().join("bin").display());
    story.environment("PATH", &folders);
}

fn calls(story: &Scenario<'_>) -> Vec<String> {
    let text = std::fs::read_to_string(story.folder().join("bin/calls")).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

/// The environment that a service's container was created with.
fn environment(story: &Scenario<'_>, service: &str) -> String {
    let id = story.look().of(service).first().map(|seen| seen.id.clone()).unwrap_or_default();
    story.engine().get(&format!("/containers/{id}/json"))["Config"]["Env"].to_string()
}

#[test]
fn a_provider_runs_before_its_dependents_and_gives_them_variables() {
    scenario(
        "a provider must run first, with the options it knows, and its variables must arrive",
        |story| {
            story.step("up").file("compose.yaml", STACK);
            program(story, PROGRAM);
            story.runs("up -d").exits(0).running("web", &[1]);
            let up = format!("compose --project-name={} up --size=10 store", story.project());
            story.must(calls(story).contains(&up), &format!("it is called with `{up}`: {:?}", calls(story)));
            let environment = environment(story, "web");
            for variable in ["STORE_URL=store://here?x=1", "PLAIN=yes", "OWN=mine"] {
                story.must(environment.contains(variable), &format!("`{variable}` is in {environment}"));
            }
            story.step("again").runs("up -d").exits(0);
            story.must(calls(story).iter().filter(|call| **call == up).count() == 2, "it is asked each time");
            // With a project name alone no file is read, and so no provider known.
            story.step("down").runs("-f compose.yaml down").exits(0).nothing_left();
            // It names no parameters for this one, so it gets all options.
            let down = format!("compose --project-name={} down --size=10 --unknown=x store", story.project());
            story.must(
                calls(story).contains(&down),
                &format!("it is called with `{down}`: {:?}", calls(story)),
            );
        },
    );
}

#[test]
fn a_provider_is_told_to_stop_where_it_says_that_it_can() {
    scenario("a program that knows how to stop must be told, after those that need it", |story| {
        story.step("it does not say").file("compose.yaml", STACK);
        program(story, PROGRAM);
        story.runs("up -d").exits(0).runs("-f compose.yaml stop").exits(0).does_not_note("store");
        story.must(calls(story).iter().all(|call| !call.contains(" stop ")), "nobody told it to stop");
        story.step("it says");
        program(story, &PROGRAM.replace("\"down\":", "\"stop\": {\"parameters\": []}, \"down\":"));
        story.runs("-f compose.yaml start").exits(0).runs("-f compose.yaml stop web").exits(0);
        story.must(calls(story).iter().all(|call| !call.contains(" stop ")), "only `web` was to stop");
        story.runs("-f compose.yaml stop").exits(0);
        let stop = format!("compose --project-name={} stop --size=10 --unknown=x store", story.project());
        story.must(calls(story).contains(&stop), &format!("it is called with `{stop}`: {:?}", calls(story)));
        story.step("its program is gone").file("bin/stack-test-store", "");
        std::fs::remove_file(story.folder().join("bin/stack-test-store")).expect("to remove it");
        story.runs("-f compose.yaml start").exits(0).runs("-f compose.yaml stop").exits(0);
    });
}

#[test]
fn a_provider_that_fails_or_is_missing_stops_its_dependents_and_says_why() {
    scenario("what a provider says must reach the user", |story| {
        story.step("it fails").file("compose.yaml", STACK);
        program(
            story,
            "#!/bin/sh\n[ \"$2\" = metadata ] || echo '{\"type\": \"error\", \"message\": \"no room left\"}'\n",
        );
        story
            .runs("up -d")
            .exits(1)
            .notes("provider `stack-test-store` failed: no room left")
            .not_started("web");
        story.step("it is not there").environment("PATH", "/usr/bin:/bin");
        story.runs("up -d").exits(1).notes("is provided by `stack-test-store`, and there is no such program");
        story.notes("put it on `PATH`").not_started("web");
    });
}

#[test]
fn what_a_provider_gives_anew_replaces_its_dependents_and_says_so() {
    scenario("a container must have the values that its provider gives now", |story| {
        story.step("up").file("compose.yaml", STACK);
        program(story, PROGRAM);
        story.runs("up -d").exits(0);
        let first = story.look();
        story.step("the same again").runs("up -d").exits(0).kept(&first, "web");
        story.step("a plan does not run it").runs("plan").exits(0).prints("? service web");
        story.prints("decided once its image, or what its provider gives it, is known");
        let before = calls(story).len();
        story.step("another value");
        program(story, &PROGRAM.replace("store://here", "store://there"));
        story.runs("--progress json up -d").exits(0).replaced(&first, "web").running("web", &[1]);
        let asked = calls(story).iter().skip(before).filter(|call| call.contains(" up ")).count();
        story.must(asked == 1, &format!("it is asked once, and not {asked} times"));
        let reasons: Vec<String> = story
            .events()
            .iter()
            .filter_map(|event| event["reason"].as_str().map(ToOwned::to_owned))
            .collect();
        let named = "environment.STORE_URL: store://here?x=1 → store://there?x=1";
        story.must(reasons.iter().any(|reason| reason.contains(named)), &format!("`{named}`: {reasons:?}"));
        let environment = environment(story, "web");
        story.must(environment.contains("store://there"), &environment);
    });
}

#[test]
fn services_with_providers_move_between_the_tools() {
    scenario("what a provider gives must be in the hash as the reference has it", |story| {
        if !story.has_reference() {
            return;
        }
        // The reference of version 2 does not know `rawsetenv`.
        let plain: String = PROGRAM
            .lines()
            .filter(|line| !line.contains("rawsetenv"))
            .map(|line| format!("{line}\n"))
            .collect();
        let plain = plain.replace("?x=1\"}'", "?x=1\"}' ;;");
        story.file("compose.yaml", STACK);
        program(story, &plain);
        story.step("theirs").reference_runs("up -d").exits(0);
        let theirs = story.look();
        story.step("ours").runs("up -d").exits(0).kept(&theirs, "web").runs("-f compose.yaml down").exits(0);
        story.step("ours first").runs("up -d").exits(0);
        let ours = story.look();
        story.step("then theirs").reference_runs("up -d").exits(0).kept(&ours, "web");
    });
}
