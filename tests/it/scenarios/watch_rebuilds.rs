//! Rebuilds: one service alone, the old container until the new image is there, and nothing left behind.
//!
//! | pain 29 asks for | test |
//! | --- | --- |
//! | an edit of one service leaves the others' containers and images | `pain_29_a_rebuild_leaves_the_other_services_alone_and_one_image` |
//! | after a build that fails the old container still answers | `pain_29_a_build_that_fails_leaves_the_old_container_answering` |
//! | many rebuilds keep one image for each service, and others' images | `pain_29_a_rebuild_leaves_the_other_services_alone_and_one_image` |

use crate::support::scenario::{Scenario, on_the_real};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::process::Command;

const STACK: &str = "\
services:
  frontend:
    build: front
    command: httpd -f -h /www
    stop_signal: SIGKILL
    depends_on: [backend]
    develop: {watch: [{path: ./front/version, action: rebuild}]}
  backend:
    build: back
    command: sleep infinity
    stop_signal: SIGKILL
    develop: {watch: [{path: ./back/version, action: rebuild}]}
";

fn project(story: &mut Scenario<'_>) {
    story.file("compose.yaml", STACK);
    for folder in ["front", "back"] {
        story.file(&format!("{folder}/Dockerfile"), "FROM busybox\nCOPY version /www/version\n");
        story.file(&format!("{folder}/version"), "0\n");
    }
}

/// The ids of all images on the engine that have no name, and of those that have this repository's.
fn images(story: &Scenario<'_>, of: &str) -> BTreeSet<String> {
    let mut command = Command::new("docker");
    command.args(["--host", story.host(), "images", "--no-trunc", "--quiet"]);
    command.args(if of.is_empty() { ["--filter", "dangling=true"] } else { ["--filter", of] });
    let listed = command.output().expect("docker starts");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8_lossy(&listed.stdout).lines().map(ToOwned::to_owned).collect()
}

/// How many: a hundred by hand, a few each time.
#[expect(clippy::disallowed_methods, reason = "how the tests are told how much to try")]
fn rebuilds() -> usize {
    std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(10)
}

#[test]
fn pain_29_a_rebuild_leaves_the_other_services_alone_and_one_image() {
    on_the_real("a rebuild must concern one service, and leave one image of it", |story| {
        story.step("watch");
        project(story);
        let mut watch = story.goes_on("watch");
        watch.says("; Ctrl-C ends it", 1);
        let labelled = format!("label=com.docker.compose.project={}", story.project());
        let before = story.look();
        let (own, nameless) = (images(story, &labelled), images(story, ""));
        story.must(own.len() == 2, &format!("an image for each service: {own:?}"));
        let backend = story.inspect("backend")["Image"].clone();
        for number in 1..=rebuilds() {
            story.step("a rebuild").file("front/version", &format!("{number}\n"));
            watch.says("Service frontend Rebuilt", number);
        }
        story.runs("exec -T frontend cat /www/version").exits(0).prints(&rebuilds().to_string());
        story.same(&before, "backend").replaced(&before, "frontend");
        story.must(story.inspect("backend")["Image"] == backend, "its image too");
        story.step("the end: what was begun is done");
        watch.signal(Signal::INT);
        story.must(watch.ends() == Some(130), "an interrupted watch ends with 130");
        let own_after = images(story, &labelled);
        story.must(own_after.len() == 2, &format!("an image for each service: {own_after:?}"));
        story.must(images(story, "").is_superset(&nameless), "nobody else's image was touched");
        story.must(own_after.intersection(&own).count() == 1, "the other service has the one it had");
    });
}

#[test]
fn pain_29_a_build_that_fails_leaves_the_old_container_answering() {
    on_the_real("what ran must serve until there is something better", |story| {
        story.step("watch");
        project(story);
        let watch = story.goes_on("watch");
        watch.says("; Ctrl-C ends it", 1);
        let before = story.look();
        let answers = |story: &mut Scenario<'_>| {
            story.runs("exec -T backend wget -q -O - http://frontend/version").exits(0).prints("0");
        };
        answers(story);
        story
            .step("a build that fails")
            .file("front/Dockerfile", "FROM busybox\nCOPY version /www/version\nRUN false\n");
        watch.says("the containers that ran go on", 1);
        story.same(&before, "frontend");
        answers(story);
    });
}
