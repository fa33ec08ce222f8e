//! What `up --wait` waits for, and what it says when that does not come.

use crate::support::scenario::{on_the_fake, on_the_real, scenario};

/// One of each kind: a probe, a job that ends, one that just runs.
const FILE: &str = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, PROBE], interval: 200ms, timeout: 5s, retries: 3}
  migrate:
    image: busybox
    command: sh -c 'exit CODE'
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}}
";

fn file(probe: &str, code: u8) -> String {
    FILE.replace("PROBE", probe).replace("CODE", &code.to_string())
}

#[test]
fn pain_1_of_each_service_it_is_known_what_it_was_to_reach_and_how_far_it_came() {
    scenario("a `--wait` that fails must say of every service how far it has come", |story| {
        story.step("well").file("compose.yaml", &file("\"true\"", 0));
        story.runs("up --wait").exits(0).does_not_note("GOAL");
        story.runs("down").exits(0).runs("--progress json up --wait").exits(0);
        let events = story.events();
        let reached = events.iter().find(|event| event["event"] == "goals").cloned().unwrap_or_default();
        let row = |name: &str| {
            let services = reached["goals"]["services"].as_array().cloned().unwrap_or_default();
            let found = services.into_iter().find(|one| one["service"] == name).unwrap_or_default();
            (found["goal"].clone(), found["outcome"].clone(), found["state"].clone())
        };
        let words = |goal: &str, state: &str| (goal.into(), "reached".into(), state.into());
        story.must(row("db") == words("healthy", "running (healthy)"), &format!("db: {reached}"));
        story.must(row("migrate") == words("completed", "exited (0)"), &format!("migrate: {reached}"));
        story.must(row("web") == words("running", "running"), &format!("web: {reached}"));
        story.runs("down").exits(0);
        story.step("a probe that fails").file("compose.yaml", &file("\"false\"", 0));
        story.runs("up --wait").exits(1).notes("SERVICE   GOAL");
        let said = story.noted().to_owned();
        let rows: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("SERVICE ")).skip(1).collect();
        let starts =
            ["db        healthy     failed, running (unhealthy)", "migrate   completed   reached after "];
        let [db, migrate, web, error, ..] = rows.as_slice() else { story.fail(&format!("rows: {rows:?}")) };
        story.must(*db == starts[0] && migrate.starts_with(starts[1]), &format!("{db}\n{migrate}"));
        story.must(*web == "web       running     not started, created", web);
        story.must(error.starts_with("error: ") && error.contains("db-1 is unhealthy"), error);
    });
}

#[test]
fn pain_1_who_fails_at_once_is_noticed_and_how_long_that_is_can_be_said() {
    scenario("`--wait` must not believe a start that ends within the stability window", |story| {
        let crash = |after: &str| {
            format!("services:\n  web:\n    image: busybox\n    command: sh -c 'sleep {after}; exit 7'\n")
        };
        story.step("by default a second").file("compose.yaml", &crash("0.4")).runs("up --wait").exits(1);
        story.notes("web-1 exited (7)").notes("web       running   failed, exited (7)").runs("down").exits(0);
        story.step("longer").file("compose.yaml", &crash("2")).runs("up --wait --wait-stable 4").exits(1);
        story.notes("web-1 exited (7)");
    });
}

#[test]
fn who_leaves_its_goal_while_others_are_waited_for_is_noticed() {
    on_the_real("what `--wait` reports must hold when it reports it", |story| {
        let file = "\
services:
  early:
    image: busybox
    command: sh -c 'sleep 2; exit 9'
  slow:
    image: busybox
    command: sh -c 'sleep 4; touch /ready; sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, test, -f, /ready], interval: 24h}
";
        story.step("up").file("compose.yaml", file).runs("up --wait").exits(1);
        story.notes("early-1 exited (9)").notes("slow      healthy   reached after ");
        story.notes("state: exited, exit code 9");
    });
}

#[test]
fn what_is_not_there_in_time_is_named_all_of_it() {
    scenario("`--wait-timeout` must name every service that is late", |story| {
        let file = "\
services:
  one: &slow
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, \"false\"], interval: 24h}
  two: *slow
  fine: {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
";
        story.step("up").file("compose.yaml", file).runs("up --wait --wait-timeout 2").exits(1);
        story.notes("was not ready within 2 s").notes("fine      running   reached after ");
        let said = story.noted().to_owned();
        let late = said.lines().filter(|line| line.contains(" healthy ")).count();
        story.must(late == 2, &format!("both are in the table: {said}"));
        story.runs("down").exits(0);
        let gated = "  web:\n    image: busybox\n    command: sleep infinity\n    depends_on: {one: {condition: service_healthy}}\n";
        let file = file.replace("  two: *slow\n", gated);
        story
            .step("before a dependent")
            .file("compose.yaml", &file)
            .runs("up --wait --wait-timeout 1")
            .exits(1);
        story.notes("one-1 was not ready within 1 s").notes("web       running   not started, created");
    });
}

#[test]
fn a_wait_on_what_runs_already_costs_one_list_more() {
    on_the_fake("the last look must be one request", |story, fake| {
        story.step("up").file("compose.yaml", &file("\"true\"", 0)).runs("up --wait").exits(0);
        let lists = || fake.requests().iter().filter(|one| one.path == "/containers/json").count();
        let before = lists();
        story.step("without").runs("up -d").exits(0);
        let without = lists() - before;
        story.step("with").runs("up --wait").exits(0);
        let with = lists() - before - without;
        story.must(with == without + 1, &format!("{with} lists, and {without} without --wait"));
    });
}
