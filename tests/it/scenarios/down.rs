//! `down`: what goes, what stays, and what is said about it.

use crate::support::scenario::{on_the_fake, scenario};

const PROFILED: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
  test:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    profiles: [test]
  debug:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    profiles: [debug]
";

#[test]
fn pain_19_down_without_a_profile_takes_everything_and_with_one_what_it_takes_in() {
    scenario("a bare down must leave nothing of the project, whatever profiles brought it up", |story| {
        story.step("up with both profiles").file("compose.yaml", PROFILED);
        story.runs("--profile test --profile debug up -d").exits(0);
        let before = story.look();
        story.step("down with one").runs("-f compose.yaml --profile test down").exits(0);
        story.gone("test").gone("web").kept(&before, "debug").notes("is kept: it is in use by");
        story.step("bare down").runs("-f compose.yaml down").exits(0).nothing_left();
        story.step("up with a profile, and a bare down").runs("--profile test up -d").exits(0);
        story.runs("-f compose.yaml down").exits(0).nothing_left();
    });
}

#[test]
fn pain_17_who_burns_the_grace_is_named_with_the_likely_cause() {
    scenario("a container that has to be killed must be named, with the likely cause", |story| {
        if story.is_fake() {
            // No grace passes there.
            return;
        }
        let file = "\
services:
  shell:
    image: busybox
    command: sh -c 'while true; do sleep 1; done'
    stop_grace_period: 1s
  program:
    image: busybox
    command: sleep infinity
    stop_grace_period: 1s
  good:
    image: busybox
    command: sleep infinity
    stop_grace_period: 1s
    init: true
";
        story
            .step("up")
            .file("compose.yaml", &file.replace("    init: true\n", "    stop_signal: SIGKILL\n"));
        story.runs("up -d").exits(0).step("down").runs("down").exits(0).nothing_left();
        let name =
            |service: &str| format!("{}-{service}-1 did not stop within 1 s and was killed", story.project());
        let (shell, program, good) = (name("shell"), name("program"), name("good"));
        story.notes(&shell).notes("is a shell (`sh`)").notes(&program).notes("as the main process `sleep`");
        story.does_not_note(&good);
    });
}

#[test]
fn pain_22_data_that_nothing_will_refer_to_is_named_and_images_go_when_asked() {
    scenario(
        "down must not remove data or images unasked, and must name the data it leaves behind",
        |story| {
            let file = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [/scratch, \"data:/data\"]
volumes: {data: {}}
";
            story.step("up").file("compose.yaml", file).runs("up -d").exits(0).look();
            story.step("down").runs("down").exits(0).nothing_left();
            story.notes("anonymous volumes are kept").notes("/scratch of");
            story.step("down again, with volumes").runs("up -d").exits(0).runs("down -v").exits(0);
            story.notes(&format!("Volume {}_data Removed", story.project())).does_not_note("are kept");
        },
    );
}

#[test]
fn pain_26_who_keeps_a_network_is_named() {
    scenario("a container of somebody else in a network must be named", |story| {
        let mine = "services: {web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL}}\n";
        story.step("up").file("compose.yaml", mine).runs("up -d").exits(0);
        let network = format!("{}_default", story.project());
        let other = story.stranger(&network);
        story.step("down").runs("down").exits(0);
        story.notes(&format!("network `{network}` is kept")).notes(&other).notes("docker network disconnect");
        story.step("the stranger goes").remove_stranger(&other).runs("down").exits(0).nothing_left();
    });
}

#[test]
fn of_named_services_nothing_else_goes() {
    scenario("down SERVICE must take that one alone, with -v its volumes", |story| {
        let file = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [\"data:/data\", \"both:/both\"]
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: [db]
    volumes: [\"pages:/pages\", \"both:/both\"]
volumes: {data: {}, pages: {}, both: {}}
";
        let volume = |key: &str| format!("{}_{key}", story.project());
        let (data, pages, both) = (volume("data"), volume("pages"), volume("both"));
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let before = story.look();
        story.step("down db").runs("down db").exits(0).gone("db").kept(&before, "web");
        story.must(story.has_volume(&data), "its data is kept");
        story.step("down -v db, once more").runs("-f compose.yaml down -v db").exits(0).kept(&before, "web");
        story.must(!story.has_volume(&data), "its data is gone, as asked");
        story.must(story.has_volume(&pages) && story.has_volume(&both), "what web mounts is kept");
        story.step("down -v").runs("down -v").exits(0).nothing_left();
        story.must(!story.has_volume(&pages) && !story.has_volume(&both), "now all is gone");
    });
}

#[test]
fn images_go_when_asked() {
    on_the_fake("down --rmi must remove the project's images, and only then", |story, fake| {
        let file = "services: {web: {image: nginx, command: sleep infinity}}\n";
        let there = || fake.with(|world| world.image("nginx").is_some());
        story
            .step("up")
            .file("compose.yaml", file)
            .runs("up -d")
            .exits(0)
            .runs("-f compose.yaml down --rmi local")
            .exits(0);
        story.must(there(), "an image with a name of its own stays");
        story
            .step("all")
            .runs("up -d")
            .exits(0)
            .runs("-f compose.yaml down --rmi all")
            .exits(0)
            .notes("Image nginx Removed");
        story.must(!there(), "it is gone");
    });
}

#[test]
fn pain_17_a_fast_down_kills_what_keeps_no_data_and_leaves_the_rest_its_grace() {
    scenario("a fast down must not cut short what writes data", |story| {
        let file = "\
services:
  worker: {image: busybox, command: sleep infinity, stop_grace_period: 30s}
  db: {image: busybox, command: sleep infinity, stop_grace_period: 3s, volumes: [data:/data]}
volumes: {data: {}}
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        story.runs("down --fast -t 5").exits(1);
        story.step("down").runs("down --fast").exits(0).nothing_left();
        if !story.is_fake() {
            // No grace passes on the fake.
            let killed = |service: &str, after| {
                format!("{}-{service}-1 did not stop within {after} s", story.project())
            };
            let (worker, db) = (killed("worker", 1), killed("db", 3));
            story.notes(&worker).notes(&db);
        }
        let volume = format!("{}_data", story.project());
        story.must(story.has_volume(&volume), "the data stays");
        story.step("down -v").runs("down -v").exits(0);
    });
}

#[test]
fn pain_22_on_a_terminal_down_v_names_what_it_removes() {
    on_the_fake("data must not go without its name being read, nor a script be held up", |story, _| {
        let file = "services: {db: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, volumes: [\"data:/data\"]}}\nvolumes: {data: {}}\n";
        let says = format!("-v removes these volumes with their data: {}_data", story.project());
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        story.step("down in a terminal");
        let mut terminal = story.types("down -v");
        terminal.shows(&says, 1);
        let code = terminal.ends();
        story.must(code == Some(0), &terminal.screen()).nothing_left();
        story.step("in a script").runs("up -d").exits(0).runs("down -v").exits(0).nothing_left();
        story.does_not_note(&says);
    });
}
