//! `up` and `down`.

use crate::support::scenario::{Scenario, on_the_fake, scenario};

/// Two services that run until they are told to stop, and stop at once.
const TWO: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment:
      COLOUR: red
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";

#[test]
fn an_unchanged_up_touches_nothing() {
    scenario("a second `up` with the same file must not touch anything", |story| {
        story.step("up").file("compose.yaml", TWO).runs("up -d").exits(0);
        story.running("web", &[1]).running("db", &[1]);
        let before = story.look();
        story.step("up again").runs("up -d").exits(0);
        story.changed_nothing().kept(&before, "web").kept(&before, "db");
        story.step("down").runs("down").exits(0).nothing_left();
    });
}

#[test]
fn a_changed_service_alone_is_replaced_and_the_reason_told() {
    scenario("only the service that changed must be replaced, and `up` must say why", |story| {
        story.step("up").file("compose.yaml", TWO).runs("up -d").exits(0);
        let before = story.look();
        let changed = TWO.replace("COLOUR: red", "COLOUR: blue");
        story.step("change the environment of web").file("compose.yaml", &changed).runs("up -d").exits(0);
        story.replaced(&before, "web").kept(&before, "db").running("web", &[1]);
        story.notes("environment.COLOUR").notes("red").notes("blue");
        story.never_asked("POST", &format!("/containers/{}-db-1/*", story.project()));
    });
}

#[test]
fn scaling_up_and_down_keeps_the_numbers_that_stay() {
    scenario(
        "replicas that stay must keep their containers and numbers, and the highest must go first",
        |story| {
            story.step("up with one").file("compose.yaml", TWO).runs("up -d").exits(0);
            let one = story.look();
            story.step("up with three").runs("up -d --scale web=3").exits(0).running("web", &[1, 2, 3]);
            let three = story.look();
            let first = |snapshot: &crate::support::checks::Snapshot| snapshot.of("web")[0].id.clone();
            story.must(first(&one) == first(&three), "web 1 stays the same container when there are more");
            story.kept(&one, "db");
            story.step("up with two").runs("up -d --scale web=2").exits(0).running("web", &[1, 2]);
            let two = story.look();
            let ids = |snapshot: &crate::support::checks::Snapshot| -> Vec<String> {
                snapshot.of("web").into_iter().take(2).map(|one| one.id.clone()).collect()
            };
            story.must(ids(&three) == ids(&two), "web 1 and 2 stay the same containers when there are fewer");
            story.kept(&one, "db");
        },
    );
}

#[test]
fn orphans_are_named_and_removed_only_on_request() {
    scenario(
        "a container whose service is gone from the file must be named, and kept unless asked for",
        |story| {
            story.step("up").file("compose.yaml", TWO).runs("up -d").exits(0);
            let before = story.look();
            let alone = &TWO[..TWO.find("  db:").unwrap()];
            story.step("take db out of the file").file("compose.yaml", alone).runs("up -d").exits(0);
            let orphan = format!("{}-db-1", story.project());
            story.notes(&orphan).notes("--remove-orphans").changed_nothing();
            story.kept(&before, "db").kept(&before, "web");
            story.step("ask for it").runs("up -d --remove-orphans").exits(0);
            story.gone("db").kept(&before, "web").does_not_note("--remove-orphans");
        },
    );
}

#[test]
fn anonymous_volumes_survive_a_replacement() {
    scenario("what is in an anonymous volume must outlive the container that is replaced", |story| {
        let file = "\
services:
  db:
    image: redis:7
    entrypoint: [sleep, infinity]
    stop_signal: SIGKILL
    environment:
      COLOUR: red
    volumes:
      - /scratch
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let before = story.look();
        let volumes = |snapshot: &crate::support::checks::Snapshot| snapshot.of("db")[0].volumes.clone();
        let paths: Vec<String> = volumes(&before).into_keys().collect();
        story.must(
            paths == ["/data", "/scratch"],
            &format!("the file's and the image's anonymous volumes are there: {paths:?}"),
        );
        story
            .step("change it")
            .file("compose.yaml", &file.replace("COLOUR: red", "COLOUR: blue"))
            .runs("up -d")
            .exits(0);
        story.replaced(&before, "db");
        let after = story.look();
        story.must(
            volumes(&before) == volumes(&after),
            "the replacement has the same volumes at the same paths",
        );
    });
}

#[test]
fn fresh_anonymous_volumes_are_made_on_request() {
    scenario("with -V a replaced container must not get the old one's anonymous volumes", |story| {
        let file = "\
services:
  db:
    image: redis:7
    entrypoint: [sleep, infinity]
    stop_signal: SIGKILL
    volumes:
      - /scratch
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let before = story.look();
        story.step("ask for fresh ones").runs("up -d --force-recreate -V").exits(0);
        story.replaced(&before, "db");
        let after = story.look();
        let (old, new) = (&before.of("db")[0].volumes, &after.of("db")[0].volumes);
        story.must(old.keys().eq(new.keys()), "volumes are mounted at the same paths");
        let shared = new.values().any(|name| old.values().any(|other| other == name));
        story.must(!shared, "no old volume is used again");
    });
}

#[test]
fn an_older_engine_that_takes_one_network_at_a_time_gets_the_others_afterwards() {
    on_the_fake(
        "a service must be on all its networks before it starts, also before API 1.44",
        |story, fake| {
            fake.set_api_version(41);
            let file = "\
services:
  web:
    image: busybox
    command: sleep infinity
    networks: [front, back]
networks:
  front:
  back:
";
            story.step("up").file("compose.yaml", file).runs("up -d").exits(0).running("web", &[1]);
            let networks =
                fake.with(|world| world.containers[0].endpoints.keys().cloned().collect::<Vec<_>>());
            let expect = ["back", "front"].map(|key| format!("{}_{key}", story.project()));
            story.must(networks == expect, &format!("web is on {expect:?}, and not on {networks:?}"));
            let changes = fake.changes();
            let at = |part: &str| changes.iter().position(|line| line.contains(part));
            story.must(
                at("/connect").is_some() && at("/connect") < at("/start"),
                &format!("it joins before it starts: {changes:?}"),
            );
            let before = story.look();
            story.step("up again").runs("up -d").exits(0).changed_nothing().kept(&before, "web");
        },
    );
}

#[test]
fn a_dependent_waits_for_health_and_an_unhealthy_one_stops_it() {
    scenario(
        "a dependent must start after its dependency is healthy, and not at all when it is not",
        |story| {
            let file = |probe: &str| {
                format!(
                    "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on:
      db:
        condition: service_healthy
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck:
      test: {probe}
      interval: 500ms
      retries: 2
"
                )
            };
            story.step("up").file("compose.yaml", &file("exit 0")).runs("up -d").exits(0);
            story.running("web", &[1]).running("db", &[1]);
            let now = story.look();
            let started = |service: &str| now.of(service)[0].started_at.clone();
            story.must(started("db") < started("web"), "db is started before web");
            story.step("down").runs("down").exits(0).nothing_left();
            story
                .step("up with a probe that fails")
                .file("compose.yaml", &file("exit 1"))
                .runs("up -d")
                .exits(1);
            story.notes("db").notes("unhealthy").running("db", &[1]);
            let states: Vec<String> =
                story.look().of("web").into_iter().map(|one| one.state.clone()).collect();
            story.must(states == ["created"], &format!("web is created and not started: {states:?}"));
        },
    );
}

/// What the reference calls a container until the one it replaces is gone.
fn temporary_name(story: &Scenario<'_>, old: &str) -> String {
    format!("{}_{}-web-1", &old[..12], story.project())
}

#[test]
fn pain_5_a_swap_that_was_cut_short_before_the_rename_is_put_right() {
    scenario("the leftovers of a recreation, ours or the reference's, must not be in the way", |story| {
        story.step("up, and a change").file("compose.yaml", TWO).runs("up -d").exits(0);
        let old = story.look().of("web")[0].id.clone();
        story.file("compose.yaml", &TWO.replace("red", "blue")).runs("up -d").exits(0);
        let before = story.look();
        let replaces = story.inspect("web")["Config"]["Labels"]["com.docker.compose.replace"].clone();
        story.must(replaces.is_string(), "it says that it replaces another one");
        story.step("as it is when the old one is gone and nobody came to rename the new one");
        let name = temporary_name(story, &old);
        story.by_hand("web", "stop?t=0", "").by_hand("web", &format!("rename?name={name}"), "");
        story.runs("up -d").exits(0).same(&before, "web").same(&before, "db").running("web", &[1]);
        story.notes(&format!("an interrupted run left it as `{name}`"));
        let name = story.look().of("web")[0].name.clone();
        story.must(name == format!("{}-web-1", story.project()), &format!("it has its name back: {name}"));
        story.step("once is enough").runs("up -d").exits(0).changed_nothing();
    });
}

#[test]
fn pain_5_a_swap_that_was_cut_short_after_the_creation_is_put_right() {
    scenario("of a new one that was only created and an old one that serves one must be left", |story| {
        story.step("up").file("compose.yaml", TWO).runs("up -d").exits(0);
        let old = story.look().of("web")[0].id.clone();
        story.step("as it is when the reference is killed after it has created the new one");
        let labels = story.inspect("web")["Config"]["Labels"].clone();
        let (name, replaced) = (temporary_name(story, &old), format!("{}-web-1", story.project()));
        story.twin_by_hand(&name, &labels, &replaced);
        story.step("the next up, with the change").file("compose.yaml", &TWO.replace("red", "blue"));
        story.runs("up -d").exits(0).running("web", &[1]);
        let left = story.look();
        let names: Vec<&str> = left.of("web").iter().map(|one| one.name.as_str()).collect();
        story.must(names == [replaced.as_str()], &format!("one, under its name: {names:?}"));
        story.must(left.of("web")[0].id != old, "and it is a new one, with the change");
        story.step("once is enough").runs("up -d").exits(0).changed_nothing();
    });
}

#[test]
fn pain_6_runs_in_any_order_recreate_nothing() {
    scenario("an unchanged project must never see a container recreated", |story| {
        let file = "\
services:
  web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, environment: {A: b}, depends_on: [db]}
  db: {image: redis, stop_signal: SIGKILL, volumes: [data:/data, /anonymous]}
  job: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, configs: [settings], network_mode: \"service:db\"}
configs: {settings: {content: hello}}
volumes: {data: {}}
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let before = story.look();
        let words = [
            "up -d",
            "up -d web",
            "up -d db",
            "up -d job --no-deps",
            "up -d --wait",
            "up -d --remove-orphans",
            "up -d --drift",
            "create",
            "create web",
            "up -d --no-start",
            "restart web",
            "stop job",
        ];
        // On a real engine a round takes longer; `script/test` has others to run.
        let rounds = if story.is_fake() { 100 } else { 25 };
        // Any order, and the same each time (the constants are Knuth's).
        let mut random = 6_u64;
        for round in 0..rounds {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let words = words[usize::try_from(random >> 33).unwrap_or(0) % words.len()];
            let words = if words.contains("--no-start") { "up --no-start" } else { words };
            story.step(&format!("round {round}")).runs(words).exits(0);
            for service in ["web", "db", "job"] {
                story.same(&before, service);
            }
        }
    });
}

#[test]
fn differs_up_thaws_what_is_paused() {
    scenario("`up` must end with all running, whatever somebody has frozen", |story| {
        let file = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: [db]
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let before = story.look();
        for frozen in ["db", "web"] {
            story.step(&format!("{frozen} is paused")).runs(&format!("pause {frozen}")).exits(0);
            story.runs("plan").exits(0).prints("is paused").runs("up -d web").exits(0);
            story.kept(&before, "db").kept(&before, "web").running("db", &[1]).running("web", &[1]);
        }
    });
}
