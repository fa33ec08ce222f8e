//! An engine that accepts everything and answers nothing any more, in the middle of an `up`.

use crate::support::fake_engine::{FakeEngine, Fault};
use crate::support::running::Running;
use crate::support::scenario::{Scenario, on_the_fake};
use std::time::Duration;

const SHOP: &str = "\
services:
  db:
    image: busybox
    command: sleep infinity
    container_name: depot
    healthcheck: {test: [CMD, \"true\"], interval: 2s}
  web:
    image: busybox
    command: sleep infinity
    depends_on: {db: {condition: service_healthy}}
";

/// Begins an `up` whose engine answers nothing any more from this request on.
fn hangs_from(story: &mut Scenario<'_>, fake: &FakeEngine, method: &str, pattern: &str) -> Running {
    story.environment("STACK_ENGINE_TIMEOUT", "1").file("compose.yaml", SHOP);
    fake.trap(1, method, pattern, Fault::Hang);
    let running = story.begins("up -d");
    while !fake.hangs_within(Duration::from_secs(1)) {}
    fake.trap(0, "*", "*", Fault::Hang);
    running
}

fn then_all_is_well(story: &mut Scenario<'_>) {
    story.step("the engine is back").runs("up -d").exits(0).running("db", &[1]).running("web", &[1]);
    story.runs("plan --detailed-exitcode").exits(0);
}

#[test]
fn an_engine_that_hangs_in_a_start_is_given_up_with_the_service_named_and_what_is_left() {
    on_the_fake(
        "a hanging engine must not hang `up`, and the end must say how far it came",
        |story, fake| {
            let running = hangs_from(story, fake, "POST", "/containers/*/start");
            running.says("the engine does not answer; what is left is done when it is back");
            let socket = story.host().to_owned();
            story.ends(running).exits(1).notes(&format!(
            "error: service `db`: cannot start container `depot`: the engine at {socket} accepted the request and did not \
             answer within 1s; it may hang or be overloaded"
        ));
            story.notes("steps were done; not come to: Service db, Container").notes("goes on from there");
            fake.heal();
            then_all_is_well(story);
        },
    );
}

#[test]
fn an_engine_that_hangs_while_something_waits_is_given_up_with_the_container_s_name() {
    on_the_fake("what was waited for must be named as people know it, and not by its id", |story, fake| {
        let running = hangs_from(story, fake, "GET", "/containers/depot/json");
        story
            .ends(running)
            .exits(1)
            .notes("error: service `db`: cannot inspect container `depot`: the engine at ");
        story.notes("not come to: Container");
        fake.heal();
        let id = story.look().of("db").first().map(|one| one.id.clone()).unwrap_or_default();
        story.must(id.len() == 64, "there is one").does_not_note(&id);
        then_all_is_well(story);
    });
}

#[test]
fn an_engine_that_is_gone_is_told_once_with_all_that_it_was_about() {
    on_the_fake(
        "of many steps that the engine lets down one must say why, and the others be named",
        |story, fake| {
            let service = |n| format!("  s{n}: {{image: busybox, command: sleep infinity}}\n");
            let file = format!("services:\n{}", (1..=12).map(service).collect::<String>());
            story.environment("STACK_ENGINE_TIMEOUT", "1").file("compose.yaml", &file);
            fake.trap(0, "POST", "/containers/create", Fault::Hang);
            let running = story.begins("up -d");
            while !fake.hangs_within(Duration::from_secs(1)) {}
            fake.trap(0, "*", "*", Fault::Hang);
            story.ends(running).exits(1);
            let errors = story.noted().matches("error: ").count();
            story.must(errors == 1, &format!("it is said once, and not {errors} times"));
            let told = story.noted().lines().find(|line| line.contains("the same happened to: "));
            let told = told.unwrap_or_default().to_owned();
            story.must(told.matches(&format!("Container {}-s", story.project())).count() == 8, &told);
            story.must(told.ends_with(" and 3 more"), &told).notes("not come to: ");
            fake.heal();
            story.step("the engine is back").runs("up -d").exits(0).runs("plan --detailed-exitcode").exits(0);
        },
    );
}

#[test]
fn an_engine_that_hangs_for_a_while_is_waited_for_and_the_run_goes_on() {
    on_the_fake("what can still come right must come right without a second command", |story, fake| {
        let running = hangs_from(story, fake, "POST", "/containers/*/start");
        running.says("the engine does not answer; what is left is done when it is back");
        fake.heal();
        story.ends(running).exits(0).running("db", &[1]).running("web", &[1]);
        then_all_is_well(story);
    });
}

#[test]
fn a_time_for_answers_that_is_no_number_of_seconds_is_refused() {
    on_the_fake("a slip in a variable must be told, and nothing be done", |story, fake| {
        for wrong in ["0", "soon", "-1"] {
            story
                .environment("STACK_ENGINE_TIMEOUT", wrong)
                .file("compose.yaml", SHOP)
                .runs("up -d")
                .exits(1);
            story.notes(&format!(
                "STACK_ENGINE_TIMEOUT is `{wrong}`; it must be a whole number of seconds above 0"
            ));
            story.must(fake.requests().is_empty(), "the engine was not even asked");
        }
    });
}
