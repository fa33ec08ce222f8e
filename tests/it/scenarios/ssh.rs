//! An engine on another machine, by way of `ssh`.

use crate::support::docker;
use crate::support::scenario::{Scenario, on_the_real};
use std::os::unix::fs::PermissionsExt;

const FILE: &str = "\
services:
  web:
    image: busybox
    command: sh -c 'echo hello; sleep infinity'
    stop_signal: SIGKILL
";

/// A program in the place of `ssh`, before everything else that is called so.
fn ssh(story: &mut Scenario<'_>, script: &str, more: &str) {
    story.file("bin/ssh", &format!("#!/bin/sh\n{script}\n"));
    let program = story.folder().join("bin/ssh");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{more}/usr/local/bin:/usr/bin:/bin", story.folder().join("bin").display());
    story.environment("PATH", &path);
}

#[test]
fn everything_works_by_way_of_ssh() {
    on_the_real("an engine behind `ssh://` must be one like any other", |story| {
        let socket = story.host().strip_prefix("unix://").map(ToOwned::to_owned);
        let (Some(docker), Some(socket)) = (docker::docker(), socket) else {
            println!("note: not run: there is no docker command, or no socket");
            return;
        };
        let folder = format!("{}:", docker.parent().unwrap().display());
        // The other machine is this one: what is run there is what ssh would run.
        ssh(story, "while [ \"$1\" != -- ]; do shift; done\nshift 2\nexec \"$@\"", &folder);
        story.environment("DOCKER_HOST", &format!("ssh://me@lab:2222{socket}"));
        story.step("up").file("compose.yaml", FILE).runs("up -d --wait --wait-stable 0").exits(0);
        story.running("web", &[1]).runs("ps --format json").exits(0).prints("\"running\"");
        story.runs("logs --no-log-prefix web").exits(0);
        story.must(story.printed() == "hello\n", "logs come over it");
        story.step("both directions").runs_words(&["exec", "-T", "web", "sh", "-c", "cat; exit 3"]).exits(3);
        story.step("a file").file("some", "thing").runs("cp some web:/some").exits(0);
        story.runs("exec -T web cat /some").exits(0).prints("thing");
        story.step("down").runs("down").exits(0).nothing_left();
    });
}

#[test]
fn what_ssh_has_to_say_is_told() {
    on_the_real("an ssh that fails must be told in its own words", |story| {
        story.file("compose.yaml", FILE);
        ssh(story, "echo 'me@lab: Permission denied (publickey).' >&2\nexit 255", "");
        story.environment("DOCKER_HOST", "ssh://me@lab");
        story
            .step("refused")
            .runs("ps")
            .exits(1)
            .notes("Permission denied (publickey)")
            .notes("ssh://me@lab");
        story
            .step("no ssh")
            .environment("PATH", "/nowhere")
            .runs("ps")
            .exits(1)
            .notes("`ssh` cannot be started");
        story
            .step("a mistake")
            .environment("DOCKER_HOST", "ssh://me:secret@lab")
            .runs("ps")
            .exits(1)
            .notes("use a key");
    });
}
