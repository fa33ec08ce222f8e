//! What `watch` does where the system's limits end, and where there is more than is good.
//!
//! | pain 30 asks for | test |
//! | --- | --- |
//! | no more watches than folders that are not left out | `pain_30_what_is_left_out_is_not_watched_…`, `watch_ignores::pain_28_a_folder_that_is_left_out_is_not_watched` |
//! | a limit that is used up is said, and the files arrive nevertheless | `pain_30_used_up_watches_…`, `pain_30_used_up_watchers_…` |
//! | little work while nothing happens, and from a save to the container | measured by `script/bench` |

use super::watch_reload::holds;
use crate::support::scenario::on_the_real;

const STACK: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    develop:
      watch:
        - {path: ./src, action: sync, target: /app}
";

/// Follows an edit, a new folder and a deletion where a limit is reached, and says which.
fn follows_in_spite_of(limit: (&str, u32), setting: &str) {
    on_the_real("a limit of the system must be named, and the files followed in spite of it", |story| {
        story.step("a limit").file("compose.yaml", STACK).file("src/a/b/one", "1\n").file("src/c/two", "2\n");
        story.runs("up -d").exits(0);
        let Some(watch) = story.goes_on_with_limits(&[limit], "watch --no-up") else {
            println!("left out: no user namespace of one's own here");
            return;
        };
        watch.says(setting, 1);
        watch.says("looked at every second instead", 1);
        story.step("an edit").file("src/a/b/one", "new\n");
        holds(story, &watch, "/app/a/b/one", "new\n");
        story.step("a new folder, and a file that goes").file("src/d/three", "3\n");
        std::fs::remove_file(story.folder().join("src/c/two")).expect("to remove it");
        holds(story, &watch, "/app/d/three", "3\n");
        holds(story, &watch, "/app/c/two", "");
    });
}

#[test]
fn pain_30_used_up_watches_are_named_and_the_files_are_looked_at_instead() {
    follows_in_spite_of(("user/max_inotify_watches", 3), "fs.inotify.max_user_watches");
}

#[test]
fn pain_30_used_up_watchers_are_named_and_the_files_are_looked_at_instead() {
    follows_in_spite_of(("user/max_inotify_instances", 0), "fs.inotify.max_user_instances");
}

#[test]
fn pain_30_what_is_left_out_is_not_watched_and_very_many_files_are_said_with_what_to_leave_out() {
    on_the_real("a tree that is mostly no source must cost nothing, or be pointed out", |story| {
        story.step("most is not left out").file("compose.yaml", STACK).file("src/main.py", "1\n");
        let heavy = story.folder().join("src/node_modules/x");
        std::fs::create_dir_all(&heavy).expect("a folder");
        for number in 0..10_500 {
            std::fs::write(heavy.join(format!("f{number}")), "").expect("a file");
        }
        story.runs("up -d").exits(0);
        let watch = story.goes_on("watch --no-up");
        watch.says("10500 of them in `node_modules/x`", 1);
        watch.says("`ignore: [\"node_modules/x/\"]`", 1);
        story.step("it is left out now");
        story.file("compose.yaml", &STACK.replace("target: /app}", "target: /app, ignore: [node_modules/]}"));
        watch.says("Project", 1);
        story.file("src/main.py", "2\n");
        holds(story, &watch, "/app/main.py", "2\n");
        drop(watch);
        let again = story.goes_on("watch --no-up");
        // `src` and the project's folder; none of what is left out.
        again.says("watching 2 folders", 1);
        story.must(again.count("are followed") == 0, "there is nothing to leave out any more");
    });
}
