//! Two runs on one project: they take turns, and nobody else is held up.

use crate::support::forward::over_tcp;
use crate::support::scenario::{Scenario, on_the_fake, scenario};

/// An `up` of this holds the project until somebody makes `/ready` in `db`.
const SLOW: &str = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, test -f /ready], interval: 24h}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {COLOUR: red}
    depends_on: {db: {condition: service_healthy}}
";

const FIVE: &str = "\
x-one: &one {image: busybox, command: sleep infinity, stop_signal: SIGKILL, volumes: [/data]}
services: {a: *one, b: *one, c: *one, d: *one, e: *one}
";

fn db_is_ready(story: &mut Scenario<'_>) {
    story.runs("exec -T db touch /ready").exits(0);
}

#[test]
fn pain_13_runs_on_one_project_take_turns_and_say_who_has_it() {
    scenario("who comes second must wait, and be told for whom", |story| {
        story.file("compose.yaml", SLOW);
        let first = story.begins("up -d");
        first.says("db-1 Waiting");
        let pid = first.pid();
        story.step("not willing to wait").runs("--lock-timeout 0 up -d").exits(1);
        story.notes(&format!("is being changed by another run (pid {pid}, `stack up`, for"));
        story.step("willing for a moment").runs("stop --lock-timeout 1").exits(1);
        story.notes("is being changed by another run").notes("wait longer with --lock-timeout");
        let second = story.begins("up -d");
        second.says(&format!("Waiting (another run has the project: pid {pid}, `stack up`"));
        db_is_ready(story);
        story.ends(first).exits(0).ends(second).exits(0);
        story.notes("Free").notes("web-1 Running").running("web", &[1]);
    });
}

#[test]
fn pain_13_a_holder_that_was_killed_holds_nobody_up() {
    scenario("a lock must go with its holder", |story| {
        story.file("compose.yaml", SLOW);
        let mut first = story.begins("up -d");
        first.says("db-1 Waiting");
        let second = story.begins("up -d");
        second.says("another run has the project");
        first.kill();
        second.says("Free");
        db_is_ready(story);
        story.ends(second).exits(0).running("web", &[1]);
    });
}

#[test]
fn pain_13_only_what_changes_the_project_waits() {
    scenario("looking, other projects, and `kill` must not wait", |story| {
        story.file("compose.yaml", SLOW);
        let first = story.begins("up -d");
        first.says("db-1 Waiting");
        for words in ["ps", "logs", "config -q", "plan", "ls", "--dry-run up -d"] {
            story.step(words).runs(&format!("--lock-timeout 0 {words}")).exits(0);
        }
        let other = format!("{}-other", story.project());
        let alone = "services: {job: {image: busybox, command: sleep infinity, stop_signal: SIGKILL}}\n";
        story.file("other.yaml", alone);
        for words in ["-f other.yaml --lock-timeout 0 up -d", "-f other.yaml --lock-timeout 0 down"] {
            let ran = story.begins_for(&other, words).end();
            story.must(ran.code == Some(0), &format!("another project is free: {}", ran.stderr));
        }
        story.step("what is reached for when something hangs").runs("--lock-timeout 0 kill").exits(0);
        story.ends(first).exits(1);
    });
}

#[test]
fn a_wait_for_another_run_can_be_given_up() {
    scenario("Ctrl-C must end the wait, and change nothing", |story| {
        story.file("compose.yaml", SLOW);
        let first = story.begins("up -d");
        first.says("db-1 Waiting");
        let second = story.begins("down");
        second.says("another run has the project");
        second.interrupt();
        story.ends(second).exits(130);
        db_is_ready(story);
        story.ends(first).exits(0).running("web", &[1]);
    });
}

#[test]
fn pain_13_following_the_logs_holds_nobody_up() {
    scenario("an attached `up` must hold the project only while it changes it", |story| {
        let file = "services: {job: {image: busybox, command: sh -c 'echo here I am; sleep infinity', stop_signal: SIGKILL}}\n";
        story.file("compose.yaml", file);
        let attached = story.begins("up");
        attached.says("here I am");
        let following = story.begins("logs -f");
        following.says("here I am");
        story
            .step("another up")
            .runs("--lock-timeout 20 up -d --scale job=2")
            .exits(0)
            .running("job", &[1, 2]);
        attached.interrupt();
        story.ends(attached).exits(130);
        drop(following);
    });
}

#[test]
fn of_two_runs_with_different_files_the_last_one_wins_whole() {
    scenario("the second run's file must be what is there in the end, and nothing of the first's", |story| {
        story.file("compose.yaml", SLOW);
        let first = story.begins("up -d");
        first.says("db-1 Waiting");
        story.file("blue.yaml", &SLOW.replace("red", "blue").replace("24h", "23h"));
        let second = story.begins("-f blue.yaml up -d --no-eager-health");
        second.says("another run has the project");
        db_is_ready(story);
        story.ends(first).exits(0);
        drop(second);
        story.file("green.yaml", &SLOW.replace("red", "green").replace("web:", "site:"));
        story.runs("-f green.yaml up -d db").exits(0);
        db_is_ready(story);
        story.runs("-f green.yaml up -d --remove-orphans").exits(0).running("site", &[1]).gone("web");
        story.runs("-f green.yaml plan --detailed-exitcode").exits(0);
    });
}

/// So many `up`s, and so many that replace everything.
fn many_at_once(story: &mut Scenario<'_>, ups: usize, replacements: usize) {
    story.file("compose.yaml", FIVE);
    for (words, count) in [("up -d", ups), ("up -d --force-recreate", replacements)] {
        let all: Vec<_> = (0..count).map(|_| story.begins(words)).collect();
        for one in all {
            story.ends(one).exits(0);
        }
        for service in ["a", "b", "c", "d", "e"] {
            story.running(service, &[1]);
        }
    }
}

#[test]
fn pain_13_many_runs_at_once_all_succeed_with_one_container_each() {
    scenario("twenty runs at once must end well, and leave what one would", |story| {
        many_at_once(story, 20, 8);
        story.step("and it is finished").runs("plan --detailed-exitcode").exits(0);
    });
}

fn leases(story: &Scenario<'_>) -> usize {
    let label = format!("dev.stack.lease={}", story.project());
    story.labelled("volumes", &label).len()
}

#[test]
fn on_an_engine_over_a_network_runs_take_turns_too() {
    scenario("runs that share nothing but the engine must take turns, and leave nothing on it", |story| {
        let address = over_tcp(story.host());
        story.environment("DOCKER_HOST", &address);
        many_at_once(story, 4, 4);
        story.must(leases(story) == 0, "no lease is left");
        story.runs("down").exits(0);
        story.file("compose.yaml", SLOW);
        let first = story.begins("up -d");
        first.says("db-1 Waiting");
        story.must(leases(story) > 0, "it has a lease");
        let pid = first.pid();
        story.step("not willing to wait").runs("--lock-timeout 0 down").exits(1);
        story.notes(&format!("(pid {pid}, `stack up` on "));
        db_is_ready(story);
        story.ends(first).exits(0);
        story.must(leases(story) == 0, "no lease is left");
    });
}

#[test]
fn a_lease_whose_holder_is_not_heard_of_is_taken_and_its_holder_told() {
    on_the_fake("a lease must run out, and who has lost it must stop", |story, _fake| {
        let address = over_tcp(story.host());
        story.environment("DOCKER_HOST", &address).file("compose.yaml", SLOW);
        let first = story.begins("up -d");
        first.says("db-1 Waiting");
        first.freeze();
        let second = story.begins("up -d --no-eager-health");
        second.says("another run has the project");
        second.says("Free");
        first.thaw();
        story.ends(first).exits(1).notes("another run took over project");
        second.interrupt();
        story.ends(second).exits(130);
        story.must(leases(story) == 0, "no lease is left");
    });
}
