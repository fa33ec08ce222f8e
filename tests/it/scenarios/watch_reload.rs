//! The stack files change under a watch: what they say about containers, and what they say about watching.
//!
//! | pain 9 asks for | test |
//! | --- | --- |
//! | a changed variable replaces that service alone; a new service comes, a removed one goes; a mistake is shown at its place and changes nothing, and mending it is enough | `watch::pain_9_edits_of_the_stack_file_are_applied_and_mistakes_change_nothing` |
//! | what is edited during the first `up` is applied | `watch_starts::pain_9_what_is_edited_while_the_first_up_is_under_way_is_applied_after_it` |
//! | the rules themselves are read anew | `pain_9_watch_rules_themselves_are_read_anew` |

use crate::support::background::Background;
use crate::support::scenario::{Scenario, on_the_real};
use rustix::process::Signal;
use std::time::{Duration, Instant};

const WEB: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    develop:
      watch:
        - {path: ./src, action: sync, target: /app}
";

/// Waits until a file has this text in a container; no text is no file.
#[track_caller]
pub(super) fn holds(story: &mut Scenario<'_>, watch: &Background, path: &str, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        story.runs(&format!("exec -T web cat {path}"));
        if story.printed() == text {
            return;
        }
        story.must(Instant::now() < deadline, &watch.lines().join("\n"));
    }
}

/// Does several things at once, as far as the watch can tell.
fn at_once(watch: &Background, edits: impl FnOnce()) {
    watch.signal(Signal::STOP);
    edits();
    watch.signal(Signal::CONT);
}

#[test]
fn pain_9_watch_rules_themselves_are_read_anew() {
    on_the_real("a rule that is added must be followed, and one that is removed must not", |story| {
        story.step("watch").file("compose.yaml", WEB).file("src/a", "1\n").file("conf/b", "1\n");
        let watch = story.goes_on("watch");
        watch.says("; Ctrl-C ends it", 1);
        let before = story.look();
        story.step("a second rule");
        story.file(
            "compose.yaml",
            &format!("{WEB}        - {{path: ./conf, action: sync, target: /conf, initial_sync: true}}\n"),
        );
        holds(story, &watch, "/conf/b", "1\n");
        story.file("conf/b", "2\n");
        holds(story, &watch, "/conf/b", "2\n");
        story.same(&before, "web");
        story.step("without it again, and the first leads elsewhere");
        story.file("compose.yaml", &WEB.replace("/app", "/elsewhere"));
        watch.says("Reloaded 1 file", 2);
        story.file("conf/b", "3\n").file("src/a", "2\n");
        holds(story, &watch, "/elsewhere/a", "2\n");
        holds(story, &watch, "/conf/b", "2\n");
        story.same(&before, "web");
    });
}

#[test]
fn pain_8_a_container_that_a_reload_replaces_has_its_files_before_what_depends_on_it_starts() {
    on_the_real("what depends on a replaced service must find the files of now", |story| {
        let stack = |level: &str| {
            format!(
                "\
services:
  early:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {{LEVEL: {level}}}
    volumes: [shared:/app]
    develop: {{watch: [{{path: ./src, action: sync, target: /app, initial_sync: true}}]}}
  late:
    image: busybox
    command: cat /app/a
    environment: {{LEVEL: {level}}}
    volumes: [shared:/app]
    depends_on: [early]
volumes:
  shared:
"
            )
        };
        story.step("watch").file("compose.yaml", &stack("one")).file("src/a", "one\n");
        let watch = story.goes_on("watch");
        watch.says("; Ctrl-C ends it", 1);
        story.step("both are replaced, and a file is another one");
        let folder = story.folder().to_owned();
        at_once(&watch, || {
            std::fs::write(folder.join("src/a"), "two\n").expect("a file");
            std::fs::write(folder.join("compose.yaml"), stack("two")).expect("a file");
        });
        watch.says("Reloaded", 1);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            story.runs("logs --no-log-prefix late").exits(0);
            let found = story.printed().to_owned();
            if !found.is_empty() {
                story.must(found == "two\n", &format!("it found it: {found}\n{}", watch.lines().join("\n")));
                break;
            }
            story.must(Instant::now() < deadline, &watch.lines().join("\n"));
        }
    });
}

#[test]
fn what_is_deleted_together_with_an_edit_of_the_stack_file_is_acted_on() {
    on_the_real("a checkout that changes the stack file too must hide nothing from the rules", |story| {
        let stack = WEB.replace("action: sync, target: /app", "action: restart");
        story.step("watch").file("compose.yaml", &stack).file("src/a", "1\n").file("src/b", "1\n");
        let watch = story.goes_on("watch");
        watch.says("; Ctrl-C ends it", 1);
        let before = story.look();
        story.step("a deletion, and another service");
        let folder = story.folder().to_owned();
        let other = "  other:\n    image: busybox\n    command: sleep infinity\n    stop_signal: SIGKILL\n";
        at_once(&watch, || {
            std::fs::remove_file(folder.join("src/a")).expect("removed");
            std::fs::write(folder.join("compose.yaml"), format!("{stack}{other}")).expect("a file");
        });
        watch.says("Reloaded", 1);
        watch.says("Service web Restarted", 1);
        story.same(&before, "web").running("other", &[1]);
        story.step("an edit of the rule itself is no reason for what it does");
        story.file("compose.yaml", &format!("{stack}{other}").replace("restart}", "restart, ignore: [b]}"));
        watch.says("Reloaded", 2);
        std::fs::write(story.folder().join("src/c"), "1\n").expect("a file");
        watch.says("Service web Restarted", 2);
        story.must(watch.count("Service web Restarted") == 2, "once for the file");
    });
}
