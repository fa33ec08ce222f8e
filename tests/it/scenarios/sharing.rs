//! Services that live in the namespaces of another one, and what becomes of them with it.

use crate::support::scenario::{Scenario, on_the_real, scenario};

const HOUSE: &str = "\
x-usual: &usual {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
services:
  base: {<<: *usual, ipc: shareable, environment: {COLOUR: red}}
  net: {<<: *usual, network_mode: \"service:base\"}
  ipc: {<<: *usual, ipc: \"service:base\"}
  pid: {<<: *usual, pid: \"service:base\"}
  far: {<<: *usual, network_mode: \"service:net\"}
  plain: {<<: *usual}
";

const SHARERS: [&str; 4] = ["net", "ipc", "pid", "far"];

/// Where each says that it lives is where the others are now.
fn all_are_at_home(story: &mut Scenario<'_>) {
    for (service, mode, with) in [
        ("net", "NetworkMode", "base"),
        ("ipc", "IpcMode", "base"),
        ("pid", "PidMode", "base"),
        ("far", "NetworkMode", "net"),
    ] {
        let home = format!("container:{}", story.inspect(with)["Id"].as_str().unwrap_or_default());
        let found = story.inspect(service)["HostConfig"][mode].clone();
        story.must(found == home, &format!("`{service}` shares with `{with}`: {found}, and not {home}"));
    }
    story.runs("plan --detailed-exitcode").exits(0);
}

#[test]
fn who_shares_a_namespace_is_replaced_with_the_one_it_belongs_to() {
    scenario("a replaced container must take along those in its namespaces, and nobody else", |story| {
        story.step("up").file("compose.yaml", HOUSE).runs("up -d").exits(0);
        all_are_at_home(story);
        let before = story.look();
        story
            .step("another colour")
            .file("compose.yaml", &HOUSE.replace("red", "blue"))
            .runs("up -d")
            .exits(0);
        for service in SHARERS.into_iter().chain(["base"]) {
            story.replaced(&before, service);
        }
        story.kept(&before, "plain");
        all_are_at_home(story);
        let before = story.look();
        story.step("somebody removes it").remove_by_hand("base").runs("up -d").exits(0).running("base", &[1]);
        for service in SHARERS {
            story.replaced(&before, service);
        }
        story.kept(&before, "plain");
        all_are_at_home(story);
    });
}

#[test]
fn differs_who_shares_the_network_of_a_container_that_ended_gets_its_network_back() {
    on_the_real("a started container must take along those that lived in its old namespaces", |story| {
        story.step("up").file("compose.yaml", HOUSE).runs("up -d").exits(0);
        let before = story.look();
        story.step("it dies").by_hand("base", "kill", "").runs("plan").exits(0);
        story.prints("`base` is restarted").runs("up -d").exits(0);
        for service in SHARERS.into_iter().chain(["base"]) {
            story.same(&before, service).running(service, &[1]);
        }
        story.kept(&before, "plain");
        for service in ["net", "far"] {
            story.runs(&format!("exec -T {service} ip addr")).exits(0).prints(": eth0");
        }
        all_are_at_home(story);
    });
}

#[test]
fn a_namespace_of_nobody_is_an_error_with_the_name_that_was_meant() {
    scenario("what cannot be shared must be named at its line, before anything is touched", |story| {
        for (attribute, what) in
            [("network_mode", "the network"), ("ipc", "the IPC namespace"), ("pid", "the processes")]
        {
            let file = |of: &str| {
                format!(
                    "services:\n  base: {{image: busybox}}\n  off: {{image: busybox, profiles: [extra]}}\n  web: {{image: busybox, \
                     {attribute}: \"service:{of}\"}}\n"
                )
            };
            story.step("a near name").file("compose.yaml", &file("bsae")).runs("up -d");
            story.notes(&format!("service `web` shares {what} of an undefined service `bsae`"));
            story
                .notes("compose.yaml:4:")
                .notes("a service with a similar name exists: `base`")
                .nothing_left();
            story.step("one that is switched off").file("compose.yaml", &file("off")).runs("up -d");
            story.notes(&format!("service `web` shares {what} of `off`, which no active profile includes"));
            story.notes("activate its profile: `--profile extra`").nothing_left();
        }
    });
}
