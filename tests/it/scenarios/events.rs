//! `--progress json`: what programs read instead of rows.

use crate::support::scenario::{Scenario, scenario};
use serde_json::Value;
use stack::event::{
    Diagnosis, Event, EventKind, Goal, GoalOutcome, Goals, ProbeRun, ServiceGoal, ServiceTimings, Subject,
    Timings, Verb, WatchDeed,
};

fn written() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/events.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_events_schema_in_the_repository_is_current() {
    let hint = "out of date; run `cargo run --example schema events > schema/events.schema.json`";
    assert!(written() == stack::event::schema(), "{hint}");
}

#[test]
fn the_timeline_schema_in_the_repository_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/timeline.schema.json");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let hint = "out of date; run `cargo run --example schema timeline > schema/timeline.schema.json`";
    assert!(written == stack::event::timeline::schema(), "{hint}");
}

/// One of each kind; a new kind stops the build here.
fn one_of_each() -> Vec<EventKind> {
    let text = || "text".to_owned();
    let verb = Verb::Create;
    let diagnosis =
        Diagnosis { probes: vec![ProbeRun::default()], place: Some(text()), ..Diagnosis::default() };
    let of_service = ServiceTimings { waited_for: Some(text()), ..ServiceTimings::default() };
    let timings = Timings { services: vec![of_service], ..Timings::default() };
    let of_service = ServiceGoal {
        service: text(),
        goal: Goal::Completed,
        outcome: GoalOutcome::NotStarted,
        state: text(),
        took_ms: 1,
        message: Some(text()),
        diagnosis: Some(Box::default()),
    };
    let goals = Goals { services: vec![of_service] };
    let kinds = vec![
        EventKind::Planned { steps: 1 },
        EventKind::Started { verb, reason: Some(text()) },
        EventKind::Progress { verb, part: text(), current: 1, total: 2, text: text() },
        EventKind::Waiting { text: text() },
        EventKind::Done { verb },
        EventKind::Unchanged { status: text() },
        EventKind::Failed { verb, message: text(), diagnosis: Some(Box::new(diagnosis)) },
        EventKind::Skipped { verb, because: text() },
        EventKind::Warning { message: text() },
        EventKind::Watched { deed: WatchDeed::Sync, count: 1, paths: vec![text()], took_ms: 1 },
        EventKind::Timed { timings: Box::new(timings) },
        EventKind::Goals { goals: Box::new(goals) },
        EventKind::Output { line: text() },
    ];
    for kind in &kinds {
        match kind {
            EventKind::Planned { .. }
            | EventKind::Started { .. }
            | EventKind::Progress { .. }
            | EventKind::Waiting { .. }
            | EventKind::Done { .. }
            | EventKind::Unchanged { .. }
            | EventKind::Failed { .. }
            | EventKind::Skipped { .. }
            | EventKind::Warning { .. }
            | EventKind::Watched { .. }
            | EventKind::Timed { .. }
            | EventKind::Goals { .. }
            | EventKind::Output { .. } => {}
        }
    }
    kinds
}

#[test]
fn every_kind_of_event_is_as_the_schema_says_and_a_made_up_one_is_not() {
    let validator = jsonschema::validator_for(&written()).unwrap();
    for kind in one_of_each() {
        let event = Event { seq: 0, at_ms: 1, subject: Subject::Container("p-web-1".to_owned()), kind };
        let value = serde_json::to_value(&event).unwrap();
        validator.validate(&value).unwrap_or_else(|error| panic!("{error}: {value}"));
        let mut wrong = value.clone();
        wrong["event"] = "exploded".into();
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

const FILE: &str = "\
services:
  db:
    image: busybox
    command: sh -c 'echo opening the files; sleep infinity'
    stop_signal: SIGKILL
    environment: {COLOUR: red}
    healthcheck: {test: [CMD-SHELL, \"test -f /ready || echo BOOM && test -f /ready\"], interval: 200ms, timeout: 5s, retries: 2}
  calm:
    image: busybox
    command: sh -c 'echo all is well; sleep infinity'
    stop_signal: SIGKILL
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}, calm: {condition: service_started}}
";

fn diagnosed(story: &mut Scenario<'_>) {
    let events = story.events();
    let failed = of_kind(&events, "failed");
    story.must(failed.len() == 1, &format!("one thing failed: {failed:?}"));
    let diagnosis = &failed[0]["diagnosis"];
    let expect = |story: &mut Scenario<'_>, what: &str, holds: bool| {
        story.must(holds, &format!("the diagnosis has {what}: {diagnosis}"));
    };
    expect(story, "the service", diagnosis["service"] == "db");
    expect(story, "who waits", diagnosis["dependents"] == serde_json::json!(["web"]));
    expect(story, "the probe's output", diagnosis["probes"][0]["output"].as_str().unwrap().contains("BOOM"));
    expect(story, "its exit code", diagnosis["probes"][0]["exit_code"] == 1);
    expect(story, "how many failed", diagnosis["failing_streak"].as_i64().unwrap() >= 2);
    expect(story, "the last lines", diagnosis["log"] == serde_json::json!(["opening the files"]));
    let place = diagnosis["place"].as_str().unwrap_or_default();
    expect(story, "the healthcheck's place", place.starts_with("compose.yaml:7:"));
}

#[test]
fn pain_2_a_failed_start_says_why_for_people_and_for_programs() {
    scenario("a gate that fails must show the culprit, and the culprit alone", |story| {
        story.step("for people").file("compose.yaml", FILE).runs("up -d").exits(1);
        story.notes("db-1 is unhealthy").notes("waiting for it: web").notes("exit 1: BOOM");
        story.notes("failed in a row").notes("opening the files").notes("defined at compose.yaml:7:");
        story.does_not_note("all is well");
        story.step("for programs").runs("--progress json up -d").exits(1);
        diagnosed(story);
        story.does_not_note("all is well");
    });
}

#[test]
fn pain_2_a_container_that_ran_out_of_memory_says_so_with_its_limit() {
    scenario("lack of memory must be told by name, with the limit", |story| {
        let file = "\
services:
  db:
    image: busybox
    command: tail /dev/zero
    mem_limit: 12m
    healthcheck: {test: [CMD, \"false\"], interval: 24h}
  web:
    image: busybox
    command: sleep infinity
    depends_on: {db: {condition: service_healthy}}
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1);
        story.notes("db-1 exited (137)").notes("exit code 137, killed: out of memory (OOM), limit 12 MiB");
        story.step("for programs").runs("--progress json up -d").exits(1);
        let events = story.events();
        let diagnosis = &of_kind(&events, "failed")[0]["diagnosis"];
        let told = (&diagnosis["out_of_memory"], &diagnosis["memory_limit_bytes"]);
        story.must(told == (&true.into(), &(12 << 20).into()), &format!("it is told: {diagnosis}"));
    });
}

#[test]
fn a_container_that_cannot_be_started_is_told_with_its_place_and_who_waits_for_it() {
    scenario(
        "a start that fails must show what the engine says, and where the service is written",
        |story| {
            let file = "\
services:
  db:
    image: busybox
    command: no-such-program
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: [db]
";
            story.step("up").file("compose.yaml", file).runs("--progress json up -d").exits(1);
            story.notes("cannot start container").notes("its image has no program `no-such-program`");
            let events = story.events();
            let diagnosis = &of_kind(&events, "failed")[0]["diagnosis"];
            let place = diagnosis["place"].as_str().unwrap_or_default();
            story.must(
                place.starts_with("compose.yaml:3:"),
                &format!("the service's place is told: {diagnosis}"),
            );
            let dependents = diagnosis["dependents"] == serde_json::json!(["web"]);
            story.must(dependents, &format!("who waits for it is told: {diagnosis}"));
            story.not_started("web");
        },
    );
}

#[test]
fn what_happens_can_be_read_by_programs() {
    scenario("every command's events must be as the schema says", |story| {
        let ready = FILE.replace("test -f /ready || echo BOOM && test -f /ready", "true");
        let changed = ready.replace("red", "blue");
        story.step("up").file("compose.yaml", &ready).runs("--progress json up -d --wait").exits(0);
        let events = story.events();
        story.must(of_kind(&events, "done").len() > 5, "what was done is told");
        story.file("compose.yaml", &changed);
        for words in
            ["up -d", "restart", "stop", "start", "pause", "unpause", "kill", "up -d --scale web=2", "down"]
        {
            story.step(words).runs(&format!("--progress json {words}")).exits(0);
            story.events();
        }
    });
}
