//! What waits for what, and what is said when it does not come.

use crate::support::scenario::scenario;
use crate::support::stacks::db_and_web;

const GATED: &str = "\
services:
  db:
    image: busybox
    command: sh -c 'echo opening the files; sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {test: PROBE, interval: 200ms, timeout: 2s, retries: 2}
  migrate:
    image: busybox
    command: sh -c 'echo migrating; exit CODE'
    depends_on: {db: {condition: service_healthy}}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {migrate: {condition: service_completed_successfully}}
";

fn gated(probe: &str, code: &str) -> String {
    GATED.replace("PROBE", probe).replace("CODE", code)
}

#[test]
fn each_gate_opens_when_its_condition_is_true() {
    scenario("a dependent must start after its dependency is ready, and not before", |story| {
        story.step("up").file("compose.yaml", &gated("[CMD, \"true\"]", "0")).runs("up -d").exits(0);
        story.running("db", &[1]).running("web", &[1]);
        let said = story.noted().to_owned();
        let at = |what: &str| {
            let line = format!("Container {}-{what}", story.project());
            said.find(&line).unwrap_or_else(|| story.fail(&format!("it says `{line}`")))
        };
        let order =
            [at("db-1 Healthy"), at("migrate-1 Starting"), at("migrate-1 Exited"), at("web-1 Starting")];
        story.must(order.is_sorted(), "healthy, then the migration, then its end, then the web");
    });
}

#[test]
fn an_unhealthy_dependency_fails_the_start_and_says_why() {
    scenario("a start that fails must show the culprit's probe and its last lines", |story| {
        let file = gated("[CMD-SHELL, \"echo BOOM; exit 1\"]", "0");
        story.step("up").file("compose.yaml", &file).runs("up -d").exits(1);
        let culprit = format!("container {}-db-1 is unhealthy", story.project());
        story.notes(&culprit).notes("exit 1: BOOM").notes("opening the files").notes("compose.yaml:6:");
        story.notes("waiting for it: migrate, web").not_started("web");
    });
}

#[test]
fn a_one_shot_that_fails_stops_what_waits_for_it() {
    scenario("a dependent of a failed one-shot must not start", |story| {
        story.step("up").file("compose.yaml", &gated("[CMD, \"true\"]", "3")).runs("up -d").exits(1);
        story.notes("service \"migrate\" didn't complete successfully: exit 3").notes("migrating");
        story.not_started("web");
        story.step("mend it").file("compose.yaml", &gated("[CMD, \"true\"]", "0")).runs("up -d").exits(0);
        story.running("web", &[1]);
    });
}

#[test]
fn a_dependency_that_is_not_required_only_costs_a_warning() {
    scenario("`required: false` must let the dependent start", |story| {
        let file = gated("[CMD, \"true\"]", "3").replace(
            "{migrate: {condition: service_completed_successfully}}",
            "{migrate: {condition: service_completed_successfully, required: false}}",
        );
        story.step("up").file("compose.yaml", &file).runs("up -d").exits(0);
        story.running("web", &[1]).notes("warning:").notes("exit 3");
    });
}

#[test]
fn wait_takes_a_one_shot_that_succeeded_for_what_it_is() {
    scenario("`up --wait` must not fail because a job has done its work", |story| {
        let file = "\
services:
  job:
    image: busybox
    command: [\"true\"]
  failing:
    image: busybox
    command: sh -c 'echo no luck; exit 7'
    healthcheck: {test: [CMD, \"true\"], interval: 30s}
    profiles: [bad]
";
        story.step("a job alone").file("compose.yaml", file).runs("up -d --wait").exits(0);
        story.step("one that fails").runs("up -d --wait failing").exits(1);
        story.notes("failing-1 exited (7)").notes("no luck");
    });
}

#[test]
fn pain_16_restart_waits_again_for_what_dependents_wait_for() {
    scenario("a dependent must not be restarted before its dependency is ready again", |story| {
        let file = &db_and_web("sleep infinity", "test: \"true\", interval: 1s");
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        story.step("restart").runs("restart").exits(0);
        let at = |text: &str| story.noted().find(&format!("{}-{text}", story.project()));
        let (ready, begun) = (at("db-1 Healthy"), at("web-1 Restarting"));
        story.must(ready.is_some() && ready < begun, "web is restarted once db is ready again");
        story.step("only web").runs("restart web").exits(0).running("web", &[1]);
        story.step("down").runs("down").exits(0).nothing_left();
    });
}

#[test]
fn a_dependency_is_waited_for_also_when_its_dependents_run_already() {
    scenario("an `up` must not end well while what others depend on is not ready", |story| {
        let ready =
            &db_and_web("sleep infinity", "test: [CMD, \"true\"], interval: 200ms, timeout: 5s, retries: 2");
        let sick = ready.replace("\"true\"", "\"false\"");
        story.step("up").file("compose.yaml", ready).runs("up -d").exits(0);
        let before = story.look();
        story.step("another db, which gets ready").file("compose.yaml", &ready.replace("2}", "3}"));
        let healthy = format!("Container {}-db-1 Healthy", story.project());
        story.runs("up -d").exits(0).notes(&healthy).kept(&before, "web");
        story.step("one that does not").file("compose.yaml", &sick).runs("up -d").exits(1);
        story.notes("db-1 is unhealthy").notes("waiting for it: web").kept(&before, "web");
        story.step("it still is not").runs("up -d").exits(1).notes("db-1 is unhealthy");
        story.step("waiting is no change").runs("plan --detailed-exitcode").exits(0).prints("Nothing to do");
        story.step("created only").runs("up --no-start").exits(0);
        story.step("mended").file("compose.yaml", ready).runs("up -d").exits(0).kept(&before, "web");
    });
}

#[test]
fn starting_a_service_starts_what_it_depends_on() {
    scenario("`start web` must bring up what web needs, behind its gates, and nothing else", |story| {
        let file = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, \"true\"], interval: 1s}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}}
  other:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";
        story
            .step("created")
            .file("compose.yaml", file)
            .runs("up -d --wait --no-start")
            .exits(0)
            .not_started("db");
        for words in ["start web", "-f compose.yaml start web"] {
            story.step(words).runs(words).exits(0).running("web", &[1]).running("db", &[1]);
            let at = |text: &str| story.noted().find(&format!("{}-{text}", story.project()));
            let (ready, begun) = (at("db-1 Healthy"), at("web-1 Starting"));
            story.must(ready.is_some() && ready < begun, "web is started once db is ready");
            let other = story.look().of("other")[0].state.clone();
            story.must(other != "running", "what nobody asked for is not started");
            story.runs("stop").exits(0);
        }
    });
}
