//! Mistakes: each is named, and nothing is touched.

use crate::support::scenario::scenario;

#[test]
fn a_bad_file_creates_nothing() {
    scenario("a file with mistakes must be refused as a whole, each mistake at its place", |story| {
        let file = "\
services:
  web:
    image: busybox
    comand: x
    netwroks: [a]
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1);
        story.notes("compose.yaml:4:5").notes("`command`").notes("compose.yaml:5:5").notes("`networks`");
        story.nothing_left();
    });
}

#[test]
fn what_is_not_supported_is_refused_at_its_line() {
    scenario("an attribute that cannot be honoured must be refused by name, not passed over", |story| {
        let file = "\
services:
  web:
    image: busybox
    uts: service:other
  other:
    image: busybox
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1);
        story.notes("`service:other` is none of").notes("compose.yaml:4:").nothing_left();
    });
}

#[test]
fn an_external_network_that_is_not_there_is_told_before_anything_is_made() {
    scenario("a missing external resource must stop the start before anything is created", |story| {
        let file = "\
services:
  web:
    image: busybox
    networks: [outside]
networks:
  outside:
    external: true
    name: no-such-network-anywhere
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1);
        story
            .notes("no-such-network-anywhere")
            .notes("docker network create")
            .notes("compose.yaml:7:5")
            .nothing_left();
    });
}

#[test]
fn an_unknown_service_is_named_with_its_near_name() {
    scenario("a slip in a service's name must be told with what was meant", |story| {
        let file =
            "services:\n  web:\n    image: busybox\n    command: sleep infinity\n    stop_signal: SIGKILL\n";
        story.step("up").file("compose.yaml", file).runs("up -d wbe").exits(1).notes("no such service: wbe");
        story.runs("up -d").exits(0);
        for command in ["logs we", "stop we", "exec -T we true", "ps we", "restart we"] {
            // With -p alone no file would be read, and any name would do.
            story
                .step(command)
                .runs(&format!("-f compose.yaml {command}"))
                .exits(1)
                .notes("no such service: we")
                .notes("`web`");
        }
    });
}

#[test]
fn an_image_that_may_not_be_had_is_told_before_anything_is_made() {
    scenario("`pull_policy: never` with a missing image must stop the start", |story| {
        let file = "services:\n  web:\n    image: no-such-image-anywhere:9\n    pull_policy: never\n";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1);
        story.notes("no-such-image-anywhere:9").notes("compose.yaml:3:").nothing_left();
    });
}

#[test]
fn a_value_that_no_engine_knows_is_refused_at_its_line() {
    scenario("nothing that a file asks for may be dropped in silence", |story| {
        let file = "services:\n  web:\n    image: busybox\n    restart: sometimes\n    isolation: nonsense\n";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1);
        story.notes("compose.yaml:4:").notes("`sometimes` is none of `no`, `always`");
        story.notes("compose.yaml:5:").notes("`nonsense` is none of").nothing_left();
    });
}
