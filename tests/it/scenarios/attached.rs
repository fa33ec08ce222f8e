//! `up` that stays and shows the logs.

use crate::support::fake_engine::Fault;
use crate::support::scenario::{on_the_fake, scenario};
use std::time::Duration;

const FILE: &str = "\
services:
  web:
    image: busybox
    command: sh -c 'echo hello; sleep infinity'
    stop_signal: SIGKILL
    depends_on: [db]
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";

#[test]
fn an_interrupt_stops_dependents_first_and_exits_with_130() {
    scenario("Ctrl-C must stop the project in reverse order and keep its containers", |story| {
        story.step("up, then Ctrl-C").file("compose.yaml", FILE).interrupted("up", "hello", 1).exits(130);
        story.prints("web-1  | hello").notes("Gracefully Stopping").prints("web-1 exited with code 137");
        let said = story.noted().to_owned();
        let stopped = said.find("web-1 Stopped").unwrap_or(usize::MAX);
        let stopping = said.find("db-1 Stopping").unwrap_or(0);
        story.must(stopped < stopping, "the dependent stops first");
        let states: Vec<String> = ["web", "db"]
            .iter()
            .flat_map(|one| {
                story.look().of(one).into_iter().map(|seen| seen.state.clone()).collect::<Vec<_>>()
            })
            .collect();
        story.must(
            states == ["exited", "exited"],
            &format!("both are stopped, and both are there: {states:?}"),
        );
    });
}

#[test]
fn a_second_interrupt_kills_what_does_not_stop() {
    scenario("a second Ctrl-C must not wait for a container's grace", |story| {
        let deaf = "\
services:
  deaf:
    image: busybox
    command: sh -c 'trap \"\" TERM; echo hello; while true; do sleep 1; done'
    stop_grace_period: 80s
";
        story
            .step("up, then Ctrl-C twice")
            .file("compose.yaml", deaf)
            .interrupted("up", "hello", 2)
            .exits(130);
        let states: Vec<String> =
            story.look().of("deaf").into_iter().map(|seen| seen.state.clone()).collect();
        story.must(states == ["exited"], &format!("it was killed: {states:?}"));
    });
}

#[test]
fn it_ends_by_itself_when_nothing_runs_any_more() {
    scenario("an attached `up` of jobs must show their output and end with them", |story| {
        let jobs = "services:\n  job:\n    image: busybox\n    command: sh -c 'echo did it; exit 0'\n";
        story.step("up").file("compose.yaml", jobs).runs("up").exits(0);
        story.prints("job-1  | did it").prints("job-1 exited with code 0");
    });
}

#[test]
fn events_that_come_late_lose_no_line_and_end_nothing() {
    on_the_fake("an attached `up` must not take what it has not heard of for nothing", |story, fake| {
        fake.lag(Duration::from_millis(700));
        story.step("up, and the start is told late").file("compose.yaml", FILE);
        story.interrupted("up", "hello", 1).exits(130).prints("web-1  | hello");
        story.step("a job that is over before its start is told");
        let job = "services:\n  job:\n    image: busybox\n    command: sh -c 'echo did it; exit 0'\n";
        story.file("compose.yaml", job).runs("up --remove-orphans").exits(0).prints("job-1  | did it");
    });
}

#[test]
fn what_starts_while_the_follower_is_not_listening_yet_is_shown_from_its_first_line() {
    on_the_fake("an attached `up` must listen before anything starts", |story, fake| {
        fake.trap(1, "GET", "*/events*", Fault::Delay(Duration::from_millis(700)));
        story.step("up, and listening takes its time").file("compose.yaml", FILE);
        story.interrupted("up", "hello", 1).exits(130).prints("web-1  | hello");
    });
}
