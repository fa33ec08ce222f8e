//! Readiness: probes that are run early, verdicts that are old, containers that get well by themselves.

use crate::support::scenario::{on_the_fake, scenario};
use crate::support::stacks::db_and_web;

/// Three services in a row, each ready a moment after its start, with a probe that the engine would run tomorrow.
const CHAIN: &str = include_str!("chain.yaml");

#[test]
fn pain_4_start_up_time_is_not_dominated_by_probe_intervals() {
    scenario("what waits for a probe must start when the probe would succeed", |story| {
        story.step("up").file("compose.yaml", CHAIN).runs("up -d --wait").exits(0);
        story.running("db", &[1]).running("api", &[1]).running("web", &[1]);
        let healthy = format!("Container {}-web-1 Healthy", story.project());
        story.notes(&healthy);
        story.step("down").runs("down").exits(0);
        story.step("created, then started").runs("create").exits(0).runs("start --wait").exits(0);
        story.running("web", &[1]);
    });
}

#[test]
fn early_probes_can_be_turned_off() {
    on_the_fake("with `--no-eager-health` or `x-stack` only the engine probes", |story, _fake| {
        let file = CHAIN.replace("24h", "1s");
        story.step("by the flag").file("compose.yaml", &file).runs("up -d --wait --no-eager-health").exits(0);
        story.running("web", &[1]).never_asked("POST", "/containers/*/exec");
        story.runs("stop -t 0").exits(0);
        story.step("by the flag").runs("start --wait --no-eager-health").exits(0);
        story.running("web", &[1]).never_asked("POST", "/containers/*/exec");
        story.runs("down").exits(0);
        let file = format!("{file}x-stack: {{eager_health: false}}\n");
        story.step("by the file").file("compose.yaml", &file).runs("up -d --wait").exits(0);
        story.running("web", &[1]).never_asked("POST", "/containers/*/exec");
        let wrong = file.replace("eager_health: false", "eager_health: 2");
        story.step("not understood").file("compose.yaml", &wrong).runs("up -d").exits(1);
        story.notes("`eager_health` is `true` or `false`").notes("compose.yaml:").changed_nothing();
    });
}

#[test]
fn no_two_early_probes_of_a_container_run_at_once() {
    on_the_fake("two waits for one container must take turns", |story, fake| {
        let file = "\
services:
  db:
    image: busybox
    command: sh -c 'sleep 40; touch /ready; sleep infinity'
    healthcheck: {test: [CMD-SHELL, test -f /ready], interval: 24h}
  web:
    image: busybox
    command: sleep infinity
    depends_on: {db: {condition: service_healthy}}
  api:
    image: busybox
    command: sleep infinity
    depends_on: {db: {condition: service_healthy, required: false}}
";
        fake.delay("POST", "/exec/*/start", std::time::Duration::from_millis(120));
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0).running("web", &[1]);
        story.running("api", &[1]);
        let mut probes: Vec<_> = fake
            .requests()
            .into_iter()
            .filter(|one| one.path.ends_with("/start") && one.path.starts_with("/exec/"))
            .map(|one| (one.at, one.at + one.took.unwrap_or_default()))
            .collect();
        probes.sort();
        story.must(probes.len() > 2, &format!("there were several probes: {probes:?}"));
        let apart = probes.windows(2).all(|two| two[0].1 <= two[1].0);
        story.must(apart, &format!("none began before the one before it had ended: {probes:?}"));
    });
}

#[test]
fn where_nothing_runs_probes_early_ones_open_the_gates_and_a_deadline_closes_them() {
    on_the_fake("Podman without systemd never probes: gates must work all the same", |story, fake| {
        fake.be_podman();
        story.step("up").file("compose.yaml", CHAIN).runs("up -d --wait").exits(0);
        story.running("web", &[1]);
        story.runs("down").exits(0);
        let never = CHAIN.replace(
            "test -f /ready], interval: 24h",
            "echo no answer; exit 4], interval: 1s, timeout: 1s, retries: 1",
        );
        story.step("a probe that fails for ever").file("compose.yaml", &never).runs("up -d").exits(1);
        story.notes("db-1 Waiting (starting, probe").notes("failed: exit 4: no answer)");
        story.notes("db-1 was not ready within 8 s").notes("of 8.0 s allowed").not_started("api");
    });
}

/// Fails in its first two lives and is well in the third.
const THIRD_LIFE: &str = "\
services:
  db:
    image: busybox
    command: sh -c 'test -f /second && touch /ready && exec sleep infinity; test -f /first && touch /second; touch /first; exit 1'
    restart: POLICY
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, test -f /ready], interval: 200ms, timeout: 5s, retries: 3}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}}
";

#[test]
fn pain_16_a_container_that_its_restart_policy_heals_opens_the_gate() {
    scenario("a gate must wait while a restart policy can still heal what it waits for", |story| {
        let file = THIRD_LIFE.replace("POLICY", "on-failure:3");
        story.step("up").file("compose.yaml", &file).runs("up -d").exits(0);
        story.running("db", &[1]).running("web", &[1]);
    });
}

#[test]
fn pain_16_a_container_that_nothing_brings_back_fails_the_gate_at_once() {
    scenario("a gate must fail when what it waits for has exited for good", |story| {
        for policy in ["\"no\"", "on-failure:1"] {
            let file = THIRD_LIFE.replace("POLICY", policy);
            story.step("up").file("compose.yaml", &file).runs("up -d").exits(1);
            story.notes("db-1 exited (1)").notes("state: exited, exit code 1").not_started("web");
            story.runs("down").exits(0);
        }
    });
}

#[test]
fn pain_16_what_a_probe_said_before_the_start_does_not_fail_it() {
    let file = &db_and_web(
        "sleep infinity",
        "test: [CMD-SHELL, test -f /ready], interval: 200ms, timeout: 5s, retries: 1",
    );
    scenario("an `unhealthy` of before must wait for a new probe", |story| {
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1).notes("db-1 is unhealthy");
        story.step("it still is").runs("up -d").exits(1).notes("db-1 is unhealthy");
        story.runs("exec -T db touch /ready").exits(0);
        story.step("it got well, and is not restarted").runs("up -d").exits(0).running("web", &[1]);
        story.runs("stop -t 0").exits(0);
        story.step("stopped, and started again").runs("start --wait").exits(0).running("web", &[1]);
    });
    on_the_fake("also where the engine keeps the old word until a new probe", |story, fake| {
        fake.with(|world| world.keeps_health = true);
        story.step("up").file("compose.yaml", file).runs("up -d").exits(1).notes("db-1 is unhealthy");
        story.runs("stop -t 0").exits(0);
        let ready = file.replace("test -f /ready", "\"true\"");
        story.step("mended").file("compose.yaml", &ready).runs("up -d --wait").exits(0).running("web", &[1]);
        story.runs("stop -t 0").exits(0);
        let id = story.look().of("db")[0].id.clone();
        fake.with(|world| world.say_unhealthy(&id));
        let words = "up -d --wait --no-eager-health";
        story.step("started with an old word on it").runs(words).exits(0).running("web", &[1]);
    });
}

#[test]
fn pain_1_a_one_shot_that_has_done_its_work_does_not_fail_wait() {
    scenario("`up --wait` must take exit 0 of a job for success, and only that", |story| {
        let file = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, \"true\"], interval: 24h}
  migrate:
    image: busybox
    command: sh -c 'exit CODE'
";
        story.step("well").file("compose.yaml", &file.replace("CODE", "0")).runs("up -d --wait").exits(0);
        story.step("not well").file("compose.yaml", &file.replace("CODE", "3")).runs("up -d --wait").exits(1);
        story.notes("migrate-1 exited (3)").notes("exit code 3");
        let alone = "services:\n  job:\n    image: busybox\n    command: echo hi\n";
        story.step("alone").file("compose.yaml", alone).runs("up -d --wait --remove-orphans").exits(0);
        let second = "\
services:
  job:
    image: busybox
    command: sh -c 'test -f /tried && exit 0; touch /tried; exit 1'
    restart: on-failure
";
        story.step("at the second try").file("compose.yaml", second).runs("up -d --wait").exits(0);
        story.must(story.look().of("job")[0].state == "exited", "the job has ended");
    });
}

#[test]
fn a_container_that_stops_between_the_look_and_the_gate_costs_a_new_look() {
    on_the_fake("a view that was old when the gate was reached must not fail the run", |story, fake| {
        story.step("up").file("compose.yaml", CHAIN).runs("up -d --wait").exits(0);
        let db = story.look().of("db")[0].id.clone();
        let web = CHAIN.replace("  web:\n", "  web:\n    environment: {COLOUR: blue}\n");
        story.step("killed while `up` plans").file("compose.yaml", &web);
        fake.with(|world| world.kill_container(&db, "KILL")).unwrap();
        fake.with(|world| world.listed_once_as_running.replace(Some(db.clone())));
        story.runs("up -d --wait").exits(0).running("db", &[1]).running("web", &[1]);
    });
}
