//! Containers that start, and events that are lost: the files are there nevertheless.

use crate::support::background::Background;
use crate::support::scenario::{Scenario, on_the_real};
use crate::support::trees::{project, the_trees_are_equal, watching};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

/// `late` reads, as the first thing it does, what `early` was given.
const GATED: &str = "\
services:
  early:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [shared:/app]
    develop: {watch: [{path: ./src, action: sync, target: /app, initial_sync: true}]}
  late:
    image: busybox
    command: cat /app/a /app/b/c
    volumes: [shared:/app]
    depends_on: [early]
volumes:
  shared:
";

fn a_dependent_finds_the_files(words: &str) {
    on_the_real("what depends on a service must find the service's files", |story| {
        story.step("watch").file("compose.yaml", GATED).file("src/a", "one\n").file("src/b/c", "two\n");
        let watch = story.goes_on(words);
        watch.says("; Ctrl-C ends it", 1);
        watch.says("late-1 Started", 1);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            story.runs("logs --no-log-prefix late").exits(0);
            let found = story.printed().to_owned();
            if !found.is_empty() {
                story.must(
                    found == "one\ntwo\n",
                    &format!("it found them: {found}\n{}", watch.lines().join("\n")),
                );
                break;
            }
            story.must(Instant::now() < deadline, &watch.lines().join("\n"));
        }
        story.must(watch.count("Service early Synced") == 1, "they were sent once");
    });
}

#[test]
fn pain_8_with_watch_a_services_files_are_there_before_what_depends_on_it_starts() {
    a_dependent_finds_the_files("watch");
}

#[test]
fn pain_8_with_an_attached_up_a_services_files_are_there_before_what_depends_on_it_starts() {
    a_dependent_finds_the_files("up --watch");
}

/// Edits, deletes and renames, 50 files each.
fn edit_150_files(src: &Path) {
    for number in 0..50 {
        let at = |kind: &str| src.join(format!("many/{kind}{number}"));
        std::fs::write(at("edited"), "edited\n").expect("a file");
        std::fs::remove_file(at("deleted")).expect("removed");
        std::fs::rename(at("before"), at("after")).expect("renamed");
    }
}

fn many_files(story: &mut Scenario<'_>) {
    for number in 0..50 {
        for kind in ["edited", "deleted", "before"] {
            story.file(&format!("src/many/{kind}{number}"), "old\n");
        }
    }
}

fn id_of_web(story: &Scenario<'_>) -> String {
    story.look().of("web").first().map(|seen| seen.id.clone()).unwrap_or_default()
}

#[test]
fn pain_8_a_container_that_was_stopped_has_all_edits_when_stack_or_the_engine_starts_it() {
    on_the_real("a container that starts must have what was edited meanwhile, whoever started it", |story| {
        project(story, "sync");
        many_files(story);
        let watch = watching(story);
        story.step("stopped, edited, started by `stack`").runs("stop web").exits(0);
        edit_150_files(&story.folder().join("src"));
        story.runs("start web").exits(0);
        the_trees_are_equal(story, &watch, 1);
        story.step("stopped, edited, started by somebody else").runs("stop web").exits(0);
        for number in 0..50 {
            let many = story.folder().join("src/many");
            std::fs::rename(many.join(format!("after{number}")), many.join(format!("again{number}")))
                .expect("renamed");
        }
        let id = id_of_web(story);
        story.engine().post(&format!("/containers/{id}/start"), &serde_json::Value::Null);
        the_trees_are_equal(story, &watch, 2);
    });
}

#[test]
fn pain_8_a_container_that_crashed_and_is_started_again_by_its_policy_has_all_edits() {
    on_the_real("a container that is restarted by its policy must have what was edited meanwhile", |story| {
        project(story, "sync");
        many_files(story);
        let stack = story.read("compose.yaml");
        let waits =
            "restart: always\n    command: sh -c 'until [ -e /die ]; do sleep 0.05; done; rm /die; exit 3'";
        story.file("compose.yaml", &stack.replace("command: sleep infinity", waits));
        let watch = watching(story);
        story.step("it crashes").runs("exec -T web touch /die").exits(0);
        edit_150_files(&story.folder().join("src"));
        the_trees_are_equal(story, &watch, 1);
    });
}

/// Has the kernel throw away what happens: `watch` does not read while more is done than its queue holds.
fn lose_events(watch: &Background, src: &Path, meanwhile: impl FnOnce()) -> bool {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap_or_default();
    let Some(limit) = limit.trim().parse::<u32>().ok().filter(|limit| *limit <= 100_000) else {
        println!("left out: the kernel's queue is too long to fill");
        return false;
    };
    watch.signal(Signal::STOP);
    // Two files by turns: the same event twice in a row is one.
    for number in 0..=limit / 2 {
        std::fs::write(src.join(format!("noise{}", number % 2)), format!("{number}\n")).expect("a file");
    }
    meanwhile();
    watch.signal(Signal::CONT);
    true
}

#[test]
fn pain_15_events_that_were_lost_leave_no_difference() {
    on_the_real("when the system lost events the trees must be equal nevertheless", |story| {
        project(story, "sync");
        many_files(story);
        let watch = watching(story);
        let src = story.folder().join("src");
        story.step("edits whose events are lost, and a folder in another's place");
        let lost = lose_events(&watch, &src, || {
            edit_150_files(&src);
            std::fs::remove_dir_all(src.join("lib")).expect("removed");
            std::fs::create_dir_all(src.join("lib/deeper")).expect("a folder");
            std::fs::write(src.join("lib/deeper/x"), "x\n").expect("a file");
        });
        if lost {
            the_trees_are_equal(story, &watch, 1);
            story.step("what is new is followed");
            std::fs::write(src.join("lib/y"), "y\n").expect("a file");
            std::fs::write(src.join("lib/deeper/x"), "x 2\n").expect("a file");
            the_trees_are_equal(story, &watch, 2);
        }
    });
}

#[test]
fn pain_9_what_is_edited_while_the_first_up_is_under_way_is_applied_after_it() {
    on_the_real("an edit during the first `up` must not be lost", |story| {
        let stack = "\
services:
  slow:
    image: busybox
    command: sh -c 'until [ -e /go ]; do sleep 0.05; done'
    stop_signal: SIGKILL
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {LEVEL: info}
    depends_on: {slow: {condition: service_completed_successfully}}
";
        story.step("the first up waits").file("compose.yaml", stack);
        let watch = story.goes_on("watch");
        watch.says("slow-1 Started", 1);
        story.step("an edit meanwhile").file("compose.yaml", &stack.replace("info", "debug"));
        story.runs("exec -T slow touch /go").exits(0);
        watch.says("environment.LEVEL: info → debug", 1);
        watch.says("Reloaded 1 file", 1);
        let variables = story.inspect("web")["Config"]["Env"].to_string();
        story.must(variables.contains("LEVEL=debug"), &variables);
    });
}
