//! Containers that start, and events that are lost: the files are there nevertheless.
//!
//! | pain 8 asks for | test |
//! | --- | --- |
//! | edits, deletions and renames while stopped; started by `stack` or by the engine's own means | `pain_8_a_container_that_was_stopped_has_all_edits_when_stack_or_the_engine_starts_it` |
//! | the same after a crash | `pain_8_a_container_that_crashed_and_is_started_again_by_its_policy_has_all_edits` |
//! | files before dependents | `pain_8_with_watch_…`, `pain_8_with_an_attached_up_…`, `watch_reload::pain_8_…` |
//! | a file older than the image and not in it | `pain_8_a_file_that_is_older_than_the_image_and_not_in_it_is_delivered` |
//! | nothing is sent again to a tree that is equal | `pain_8_a_container_that_has_everything_is_sent_nothing`, `pain_8_a_watch_that_begins_on_a_tree_in_sync_sends_nothing` |

use crate::support::background::Background;
use crate::support::forward::recorded;
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

#[test]
fn pain_15_lost_events_and_a_start_at_once_do_not_hide_a_new_folder_from_a_restart() {
    on_the_real("a look because of a start must not make the lost events unseen", |story| {
        project(story, "sync+restart");
        let watch = watching(story);
        let src = story.folder().join("src");
        story.step("events are lost, a folder is made, and somebody starts the container anew");
        let id = id_of_web(story);
        let engine = story.engine();
        let lost = lose_events(&watch, &src, || {
            std::fs::remove_file(src.join("noise0")).expect("removed");
            std::fs::remove_file(src.join("noise1")).expect("removed");
            std::fs::create_dir(src.join("empty")).expect("a folder");
            engine.post(&format!("/containers/{id}/restart?t=0"), &serde_json::Value::Null);
        });
        if lost {
            watch.says("Service web Restarted", 1);
            story.runs("exec -T web ls -d /app/empty").exits(0);
        }
    });
}

#[test]
fn pain_8_a_delivery_that_fails_at_a_start_is_told_and_holds_nobody_up() {
    on_the_real("what depends on a service whose files cannot arrive must start all the same", |story| {
        story.step("watch, with a service whose files cannot be written").file("src/a", "1\n").file(
            "compose.yaml",
            "\
services:
  early:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    read_only: true
    develop: {watch: [{path: ./src, action: sync, target: /app, initial_sync: true}]}
  late:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: [early]
",
        );
        let watch = watching(story);
        watch.says("-early-1` is read-only at `/app`", 1);
        story.running("early", &[1]).running("late", &[1]);
    });
}

const INITIAL: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    develop: {watch: [{path: ./src, action: sync, target: /app, initial_sync: true}]}
";

#[test]
fn pain_8_a_file_that_is_older_than_the_image_and_not_in_it_is_delivered() {
    on_the_real("what an image does not have must arrive, however old it is", |story| {
        story.step("a file of 1990").file("compose.yaml", INITIAL).file("src/old", "old\n");
        let long_ago = std::time::UNIX_EPOCH + Duration::from_hours(20 * 365 * 24);
        let file = std::fs::File::options().write(true).open(story.folder().join("src/old")).expect("a file");
        file.set_modified(long_ago).expect("a time");
        let watch = watching(story);
        watch.says("Service web Synced", 1);
        story.runs("exec -T web cat /app/old").exits(0).prints("old");
    });
}

#[test]
fn pain_8_a_container_that_has_everything_is_sent_nothing() {
    on_the_real("a container that is started again and lacks nothing must be sent nothing", |story| {
        story.step("watch").file("compose.yaml", INITIAL);
        for number in 0..200 {
            story.file(&format!("src/{number}"), "same\n");
        }
        let watch = watching(story);
        watch.says("Service web Synced", 1);
        story.step("somebody starts it anew");
        let id = id_of_web(story);
        story.engine().post(&format!("/containers/{id}/restart?t=0"), &serde_json::Value::Null);
        // A file brings the next line; it would be the one after that.
        story.file("src/mark", "1\n");
        watch.says("Service web Synced 1 file", 1);
        story.must(watch.count("Service web Synced") == 2, &watch.lines().join("\n"));
    });
}

#[test]
fn pain_8_a_watch_that_begins_on_a_tree_in_sync_sends_nothing() {
    on_the_real("where the container has all files, a start of watch must send none of them", |story| {
        story.step("an image with the files in it");
        project(story, "sync");
        for number in 0..1000 {
            story.file(&format!("src/d{}/{number}", number % 10), "same\n");
        }
        story.runs("up -d").exits(0);
        let (address, asked) = recorded(story.host());
        story.environment("DOCKER_HOST", &address).step("watch");
        let watch = story.goes_on("watch --no-up");
        watch.says("; Ctrl-C ends it", 1);
        // Whatever is sent at the start is sent before this.
        the_trees_are_equal(story, &watch, 1);
        let sent = asked.lock().expect("a list").iter().filter(|line| line.starts_with("PUT ")).count();
        let (all, marks) = (watch.count("Synced"), watch.count("Synced 1 file"));
        story.must(
            sent == all && all == marks,
            &format!("the mark alone was sent: {sent} archives\n{}", watch.lines().join("\n")),
        );
    });
}
