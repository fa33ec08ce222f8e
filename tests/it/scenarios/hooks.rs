//! Hooks: when they run, and what a failing one does.

use crate::support::scenario::{Scenario, on_the_fake, on_the_real, scenario};

const HOOKED: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [/data]
    environment: {COLOUR: red}
    pre_start:
      - command: [sh, -c, \"echo preparing; exit CODE\"]
    post_start:
      - command: [touch, /started]
    pre_stop:
      - command: [sh, -c, \"exit 0\"]
";

#[test]
fn a_pre_start_hook_runs_in_a_container_of_its_own_before_the_first_start() {
    scenario("a start must wait for its hook, and a failed hook must be kept to look at", |story| {
        let bad = HOOKED.replace("CODE", "3");
        story.step("it fails").file("compose.yaml", &bad).runs("up -d").exits(1);
        story.notes("hook of `web` exited with 3: preparing").notes("is kept until the next `up` or `down`");
        let kept = story.look();
        let states: Vec<&str> = kept.of("web").iter().map(|one| one.state.as_str()).collect();
        story.must(states.contains(&"created") && states.contains(&"exited"), &format!("kept: {states:?}"));
        let good = HOOKED.replace("CODE", "0");
        story.step("mended").file("compose.yaml", &good).runs("up -d").exits(0).running("web", &[1]);
        story.notes("Hook done");
        story.runs("exec -T web test -f /started").exits(0);
        story.step("beside a running one it does not run").runs("up -d --scale web=2").exits(0);
        story.running("web", &[1, 2]);
        story.step("down takes what is left").runs("down").exits(0).nothing_left();
        story.step("down after a failure").file("compose.yaml", &bad).runs("up -d").exits(1);
        story.runs("down").exits(0).nothing_left();
    });
}

#[test]
fn a_pre_start_hook_runs_again_when_everything_was_stopped() {
    scenario("`start` must run the hooks of a service none of whose containers runs", |story| {
        story.step("up").file("compose.yaml", &HOOKED.replace("CODE", "0")).runs("up -d").exits(0);
        story.runs("stop").exits(0);
        // The files know the hooks; with a project's name alone none are read.
        story.step("start").runs("-f compose.yaml start").exits(0).notes("Hook done").running("web", &[1]);
    });
}

#[test]
fn the_image_of_a_hook_is_pulled_when_it_is_not_there() {
    on_the_fake("a hook's image must come like a service's", |story, fake| {
        fake.with(|world| world.registry.insert("registry.example/tools:1".to_owned()));
        let file = HOOKED.replace("exit CODE\"]", "exit 0\"]\n        image: registry.example/tools:1");
        story.step("the plan says so").file("compose.yaml", &file).runs("plan").exits(0);
        story.prints("get image registry.example/tools:1 (pull)").changed_nothing();
        story
            .step("up")
            .runs("up -d")
            .exits(0)
            .running("web", &[1])
            .notes("Image registry.example/tools:1 Pulled");
        let gone = story.engine().call("DELETE", "/images/registry.example/tools:1", None);
        story.must(matches!(gone, Ok((200, _))), &format!("the image is gone again: {gone:?}"));
        story.step("nothing to run, nothing to pull").runs("plan").exits(0).prints("Nothing to do");
    });
}

#[test]
fn differs_pre_stop_runs_before_a_container_is_replaced_or_scaled_away() {
    scenario("a program must get its chance to drain, whatever takes it away", |story| {
        let file = HOOKED.replace("exit 0\"]", "echo farewell; exit 7\"]").replace("CODE", "0");
        story
            .step("up")
            .file("compose.yaml", &file)
            .runs("up -d --scale web=2")
            .exits(0)
            .running("web", &[1, 2]);
        story.step("scaled away").runs("up -d --scale web=1").exits(0).running("web", &[1]);
        story.notes("hook of `web` exited with 7: farewell");
        let before = story.look();
        story.file("compose.yaml", &file.replace("red", "blue"));
        story.step("replaced").runs("up -d").exits(0).replaced(&before, "web").running("web", &[1]);
        story.notes("hook of `web` exited with 7: farewell");
    });
}

const WARMED: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    post_start:
      - command: [sh, -c, \"WARM\"]
";

/// The hooks that are due are named, then run, and then no more.
fn hooks_are_due_until_they_have_run(story: &mut Scenario<'_>) {
    story.step("their command can be mended: that touches no container");
    story.file("compose.yaml", &WARMED.replace("WARM", "touch /warm"));
    let before = story.look();
    story.runs("plan").exits(0).prints("(run post_start hooks)");
    story.prints("an interrupted or failed run did not finish its post_start hooks").changed_nothing();
    story.runs("up -d").exits(0).notes("Hook done").same(&before, "web");
    story.runs("exec -T web test -f /warm").exits(0);
    story.step("then all is well").runs("plan --detailed-exitcode").exits(0).prints("Nothing to do");
    let left = story.labelled("networks", &format!("dev.stack.hooks={}", story.project()));
    story.must(left.is_empty(), &format!("the note is gone: {left:?}"));
}

#[test]
fn a_post_start_hook_that_fails_is_run_again_by_the_next_up() {
    scenario("an `up` must not call done what an earlier one failed to do", |story| {
        story.step("it fails").file("compose.yaml", &WARMED.replace("WARM", "echo cold; exit 4"));
        story.runs("up -d").exits(1).notes("hook of `web` exited with 4: cold").running("web", &[1]);
        story.runs("up -d").exits(1).notes("hook of `web` exited with 4: cold");
        hooks_are_due_until_they_have_run(story);
        story
            .step("down takes what is left of it")
            .runs("-f compose.yaml restart")
            .exits(0)
            .notes("Hook done");
        story.file("compose.yaml", &WARMED.replace("WARM", "exit 4"));
        story.runs("-f compose.yaml restart").exits(1).runs("down").exits(0).nothing_left();
        let left = story.labelled("networks", &format!("dev.stack.hooks={}", story.project()));
        story.must(left.is_empty(), &format!("the note is gone: {left:?}"));
    });
}

#[test]
fn a_post_start_hook_that_an_up_was_killed_in_is_run_by_the_next() {
    on_the_real("a killed run must not cost a container its hook", |story| {
        for command in ["up -d", "-f compose.yaml start"] {
            story.file("compose.yaml", &WARMED.replace("WARM", "sleep 60"));
            story.step("killed in the hook");
            let mut running = story.begins(command);
            running.says("Running hook");
            running.kill();
            story.ends(running);
            story.running("web", &[1]);
            hooks_are_due_until_they_have_run(story);
            story.runs("stop").exits(0);
        }
    });
}
