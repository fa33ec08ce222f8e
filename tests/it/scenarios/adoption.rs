//! Projects that move between `docker compose` and `stack`: run where both, and a real engine, are there.

use crate::support::scenario::scenario;

pub const SHOP: &str = "\
services:
  web:
    image: nginx
    command: [nginx, -g, daemon off;]
    hostname: front
    ports: [\"80\", \"127.0.0.1::81/udp\"]
    expose: [7000]
    environment: {A: \"1\", B: , C: \"x & <y>\"}
    labels: {mine: yes}
    stop_signal: SIGKILL
    restart: on-failure:3
    cap_add: [NET_ADMIN]
    dns_opt: [use-vc]
    extra_hosts: [\"h1:1.2.3.4\"]
    tmpfs: [\"/t1:size=1m\"]
    ulimits: {nofile: {soft: 100, hard: 200}}
    sysctls: {net.core.somaxconn: 1024}
    shm_size: 64m
    mem_limit: 100m
    cpus: 0.5
    pids_limit: 100
    stop_grace_period: 3s
    working_dir: /tmp
    logging: {driver: json-file, options: {max-size: 1m}}
    healthcheck: {test: [CMD, \"true\"], interval: 1s, timeout: 500ms, retries: 3, start_period: 1s}
    volumes: [\"./conf:/conf:ro\", \"data:/data\", /anonymous, {type: tmpfs, target: /memory}]
    networks: {front: {aliases: [shop], priority: 5}, back: {}}
    configs: [{source: settings, target: /etc/settings}]
    secrets: [token]
    depends_on: {db: {condition: service_healthy, restart: true}}
    deploy: {resources: {limits: {cpus: \"0.5\", memory: 100m, pids: 100}}}
  db:
    image: redis
    stop_signal: SIGKILL
    healthcheck: {test: redis-cli ping, interval: 300ms}
    networks: [back]
  beside:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    network_mode: service:db
    volumes_from: [db]
networks:
  front: {labels: {x: y}}
  back: {internal: true}
volumes:
  data: {labels: {v: w}}
configs:
  settings: {file: ./conf/settings}
secrets:
  token: {file: ./conf/token}
";

#[test]
fn either_tool_takes_over_what_the_other_started() {
    scenario("moving between the tools must not recreate a container", |story| {
        if !story.has_reference() {
            // There is nothing to compare with; the hashes themselves are checked against recorded ones.
            return;
        }
        story.file("conf/settings", "a=b\n").file("conf/token", "t\n").file("compose.yaml", SHOP);
        story.step("the reference starts it").reference_runs("up -d").exits(0);
        let theirs = story.look();
        story
            .step("stack sees nothing to do")
            .runs("plan --detailed-exitcode")
            .exits(0)
            .runs("up -d")
            .exits(0);
        for service in ["web", "db", "beside"] {
            story.kept(&theirs, service);
        }
        story.step("stack starts it afresh").runs("down -v").exits(0).nothing_left().runs("up -d").exits(0);
        let ours = story.look();
        story.step("the reference sees nothing to do").reference_runs("up -d").exits(0);
        for service in ["web", "db", "beside"] {
            story.kept(&ours, service);
        }
        story.step("the reference takes it down").reference_runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn what_the_reference_started_changes_in_place_too() {
    scenario("a limit must change in place in a container that the reference made", |story| {
        if !story.has_reference() {
            return;
        }
        story.file("conf/settings", "a=b\n").file("conf/token", "t\n").file("compose.yaml", SHOP);
        story.step("the reference starts it").reference_runs("up -d").exits(0);
        let before = story.look();
        let changed = SHOP
            .replace("restart: on-failure:3", "restart: always")
            .replace("mem_limit: 100m", "mem_limit: 120m")
            .replace("memory: 100m", "memory: 120m");
        story.step("other limits").file("compose.yaml", &changed).runs("plan").exits(0);
        story
            .prints("mem_limit: 104857600 → 125829120")
            .prints("restart: on-failure:3 → always")
            .prints("1 to change");
        story.runs("up -d").exits(0).kept(&before, "web").kept(&before, "db").kept(&before, "beside");
        story.step("up again").runs("up -d").exits(0).runs("plan --detailed-exitcode").exits(0);
        story.kept(&before, "web");
        story.step("the reference, which cannot know, replaces it once").reference_runs("up -d").exits(0);
        story.replaced(&before, "web").kept(&before, "db");
        let now = story.look();
        story.step("and we take that over").runs("plan --detailed-exitcode").exits(0).runs("up -d").exits(0);
        story.kept(&now, "web");
    });
}

#[test]
fn volumes_of_an_outside_container_are_adopted_and_taken_read_only() {
    scenario("what the reference made with volumes of an outside container must be kept", |story| {
        let outside = story.stranger("none");
        let file = format!(
            "services:\n  web:\n    image: busybox\n    command: sleep infinity\n    stop_signal: SIGKILL\n    \
             volumes_from: [\"container:{outside}:ro\"]\n"
        );
        story.file("compose.yaml", &file);
        if story.has_reference() {
            story.step("the reference starts it").reference_runs("up -d").exits(0);
            let theirs = story.look();
            story.step("stack keeps it").runs("plan --detailed-exitcode").exits(0).runs("up -d").exits(0);
            story.kept(&theirs, "web").runs("down").exits(0);
        }
        story.step("made by stack it cannot write").runs("up -d").exits(0).running("web", &[1]);
        let from = story.inspect("web")["HostConfig"]["VolumesFrom"].clone();
        story.must(from == serde_json::json!([format!("{outside}:ro")]), &format!("read-only: {from}"));
        if story.has_reference() {
            let ours = story.look();
            story.step("and the reference keeps it").reference_runs("up -d").exits(0).kept(&ours, "web");
        }
        story.runs("down").exits(0).remove_stranger(&outside);
    });
}
