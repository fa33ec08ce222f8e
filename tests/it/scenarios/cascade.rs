//! An attached `up` that ends with a container: `--abort-on-container-exit`, `--abort-on-container-failure`,
//! `--exit-code-from`. The codes are the reference's, but for a service that never ran.

use crate::support::fake_engine::Fault;
use crate::support::scenario::{Scenario, on_the_fake, scenario};

/// A job that comes first and ends well, a service that fails after it, and one that ends with 9 when it is told to stop.
const FILE: &str = "\
services:
  job:
    image: busybox
    command: sh -c 'exit 0'
  web:
    image: busybox
    command: sh -c 'echo hello; sleep 1; exit 5'
    depends_on: {job: {condition: service_completed_successfully}}
  side:
    image: busybox
    command: sh -c 'trap \"exit 9\" TERM; while true; do sleep 0.1; done'
";

fn nothing_runs(story: &mut Scenario<'_>) {
    let alive: Vec<String> = ["job", "web", "side"]
        .iter()
        .flat_map(|one| story.look().of(one).into_iter().map(|seen| seen.state.clone()).collect::<Vec<_>>())
        .filter(|state| state == "running" || state == "restarting")
        .collect();
    story.must(alive.is_empty(), &format!("everything was stopped: {alive:?}"));
}

#[test]
fn the_first_exit_ends_everything_with_its_code_a_jobs_too() {
    scenario("`--abort-on-container-exit` must stop the rest and end with the first exit's code", |story| {
        story.step("up").file("compose.yaml", FILE);
        story.runs("up --abort-on-container-exit").exits(0).notes("Aborting on container exit...");
        story.prints("job-1 exited with code 0");
        nothing_runs(story);
        let failing = "services:\n  web:\n    image: busybox\n    command: sh -c 'sleep 1; exit 7'\n  side:\n    image: busybox\n    command: sleep infinity\n    stop_signal: SIGKILL\n";
        story.step("a service that fails").file("compose.yaml", failing);
        story.runs("up --remove-orphans --abort-on-container-exit").exits(7);
        story.prints("web-1 exited with code 7").prints("side-1 exited with code 137");
        nothing_runs(story);
    });
}

#[test]
fn only_a_failure_ends_everything_when_that_is_asked_for() {
    scenario("`--abort-on-container-failure` must let jobs that end well be", |story| {
        story.step("up").file("compose.yaml", FILE);
        story.runs("up --abort-on-container-failure").exits(5).prints("web-1  | hello");
        story.notes("Aborting on container exit...").prints("side-1 exited with code 9");
        nothing_runs(story);
        let jobs = "services:\n  job:\n    image: busybox\n    command: sh -c 'exit 0'\n  web:\n    image: busybox\n    command: sh -c 'exit 0'\n";
        story.step("jobs that all end well").file("compose.yaml", jobs);
        story.runs("up --remove-orphans --abort-on-container-failure").exits(0);
    });
}

#[test]
fn the_code_may_be_that_of_one_service() {
    scenario("`--exit-code-from` must end with the code of its service", |story| {
        story.step("the service is stopped with the rest").file("compose.yaml", FILE);
        story.runs("up --exit-code-from side").exits(9);
        story.step("it is the one that fails").runs("up --abort-on-container-failure --exit-code-from web");
        story.exits(5);
        story.step("it is not there").runs("up --exit-code-from wbe").exits(1).notes("no such service: wbe");
    });
}

#[test]
fn a_service_that_never_ran_gives_no_code() {
    scenario("`--exit-code-from` must not end well when its service never ran", |story| {
        let never = "\
services:
  web:
    image: busybox
    command: sh -c 'sleep 1; exit 0'
  test:
    image: busybox
    command: sh -c 'exit 0'
    depends_on: {slow: {condition: service_completed_successfully}}
  slow:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";
        story.step("another one ends first").file("compose.yaml", never);
        story.runs("up --exit-code-from test").exits(1).notes("`test` has not run");
        story.step("it has run before, with another file");
        let alone = "services:\n  test:\n    image: busybox\n    command: sh -c 'exit 0'\n";
        story.file("compose.yaml", alone).runs("up --remove-orphans --exit-code-from test").exits(0);
        story.step("and not in this run").file("compose.yaml", never);
        story.runs("up --exit-code-from test").exits(1).notes("`test` has not run");
    });
}

#[test]
fn a_job_that_others_wait_for_and_that_fails_is_told_as_such_and_the_rest_is_stopped() {
    scenario("the reason for the end must not be lost in the end", |story| {
        let failing = "\
services:
  job:
    image: busybox
    command: sh -c 'sleep 1; exit 3'
  web:
    image: busybox
    command: sleep infinity
    depends_on: {job: {condition: service_completed_successfully}}
  side:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";
        story.step("up").file("compose.yaml", failing);
        story.runs("up --abort-on-container-exit").exits(1).notes("didn't complete successfully: exit 3");
        nothing_runs(story);
    });
}

#[test]
fn a_container_that_its_policy_starts_again_has_not_exited() {
    scenario("a restart policy must have its say before everything ends", |story| {
        let stubborn = "\
services:
  web:
    image: busybox
    command: sh -c 'test -e /second && exit 4; touch /second; exit 3'
    restart: on-failure:1
  side:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";
        story.step("up").file("compose.yaml", stubborn).runs("up --abort-on-container-exit");
        if !story.is_fake() {
            story.exits(4);
        }
    });
}

#[test]
fn an_exit_whose_news_is_lost_still_gives_the_code() {
    on_the_fake("the code must not depend on one event", |story, fake| {
        let jobs = "services:\n  job:\n    image: busybox\n    command: sh -c 'exit 6'\n";
        fake.trap(2, "GET", "*/events*", Fault::Delay(std::time::Duration::from_millis(400)));
        story.step("up").file("compose.yaml", jobs).runs("up --abort-on-container-failure").exits(6);
    });
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    scenario("an `up` that returns cannot wait for an exit", |story| {
        story.step("up -d").file("compose.yaml", FILE).runs("up -d --abort-on-container-exit").exits(1);
        story.notes("cannot be used with");
        story.step("up --wait").runs("up --wait --exit-code-from web").exits(1).notes("cannot be used with");
    });
}
