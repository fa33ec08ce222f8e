//! What the flags of `watch`, and of `up` beside it, change.

use crate::support::scenario::{Scenario, on_the_real};
use crate::support::trees::{STACK, project, the_trees_are_equal};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn watch_without_up_follows_what_runs_and_replaces_nothing() {
    on_the_real("with --no-up nothing may be brought up, and files must arrive all the same", |story| {
        story.step("up, and an edit since then");
        project(story, "sync");
        story.runs("up -d").exits(0);
        let before = story.look();
        story.file("compose.yaml", &STACK.replace("ACTION", "sync").replace("info", "debug"));
        story.file("requirements.txt", "two\n");
        story.step("watch");
        let watch = story.goes_on("watch --no-up");
        watch.says("; Ctrl-C ends it", 1);
        the_trees_are_equal(story, &watch, 1);
        story.kept(&before, "web");
        story.step("when nothing runs nothing is started; what somebody starts is followed");
        story.runs("down").exits(0).nothing_left();
        std::fs::write(story.folder().join("src/later.py"), "later\n").expect("a file");
        story.nothing_left().runs("up -d").exits(0);
        the_trees_are_equal(story, &watch, 2);
    });
}

#[test]
fn a_quiet_watch_says_what_it_did_and_what_went_wrong() {
    on_the_real("--quiet must hide the steps of builds and what is only progress", |story| {
        story.step("watch");
        project(story, "sync");
        let watch = story.goes_on("watch --quiet");
        // It does not say when it has begun: what is edited while the stack comes up is not lost.
        let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
        while story.runs("exec -T web true").last_code() != Some(0) {
            story.must(std::time::Instant::now() < until, "the stack comes up");
        }
        the_trees_are_equal(story, &watch, 1);
        story.step("a rebuild").file("requirements.txt", "two\n");
        watch.says("Service web Rebuilt", 1);
        story.step("a build that fails").file("Dockerfile", "FROM busybox\nRUN exit 4\n");
        watch.says("returned a non-zero code: 4", 1);
        for hidden in ["Ctrl-C", "Building", "Starting", "Recreate"] {
            story.must(watch.count(hidden) == 0, &format!("`{hidden}`:\n{}", watch.lines().join("\n")));
        }
    });
}

/// The ids of the images that carry the project's label, named or not.
fn images(story: &Scenario<'_>) -> BTreeSet<String> {
    let label = format!("label=com.docker.compose.project={}", story.project());
    let words = ["--host", story.host(), "images", "--no-trunc", "--quiet", "--filter", &label];
    let listed = Command::new("docker").args(words).output().expect("docker starts");
    String::from_utf8_lossy(&listed.stdout).lines().map(ToOwned::to_owned).collect()
}

#[test]
fn images_that_a_rebuild_replaced_stay_when_that_is_asked_for() {
    on_the_real("--prune=false must leave the images of before, and --prune remove them", |story| {
        project(story, "sync");
        for (words, left) in [("watch --prune=false", 2), ("watch --prune", 2)] {
            story.step(words);
            let mut watch = story.goes_on(words);
            watch.says("; Ctrl-C ends it", 1);
            story.file("requirements.txt", &format!("for {words}\n"));
            watch.says("Service web Rebuilt", 1);
            // What was begun is done when it has ended.
            watch.signal(Signal::INT);
            story.must(watch.ends() == Some(130), "an interrupted watch ends with 130");
            let found = images(story);
            story.must(found.len() == left, &format!("{left} images: {found:?}"));
        }
        let used = story.inspect("web")["Image"].as_str().unwrap_or_default().to_owned();
        for image in images(story).into_iter().filter(|image| *image != used) {
            story.remove_image_by_hand(&image);
        }
    });
}

#[test]
fn an_attached_up_tells_rules_from_dockerfiles_when_asked_to() {
    on_the_real("`up --watch --auto` must follow what the Dockerfile copies", |story| {
        story.file("Dockerfile", "FROM python\nCOPY src /app\nCMD [\"python3\", \"-u\", \"/app/main.py\"]\n");
        story.file("src/main.py", "import time\nprint('begun', flush=True)\ntime.sleep(1000)\n");
        story.file("compose.yaml", "services: {web: {build: ., stop_signal: SIGKILL}}\n");
        story.step("without it there is no rule");
        let up = story.goes_on("up --watch");
        up.says("no service has watch rules", 1);
        drop(up);
        story.step("with it");
        let up = story.goes_on("up --watch --auto");
        up.says("sync to `/app` of web", 1);
        up.says("web-1 Started", 1);
        std::fs::write(story.folder().join("src/new.py"), "n = 1\n").expect("a file");
        up.says("Service web Restarted", 1);
        story.runs("exec -T web cat /app/new.py").exits(0).prints("n = 1");
    });
}
