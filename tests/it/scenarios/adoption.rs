//! Projects that move between `docker compose` and `stack`: run where both, and a real engine, are there.

use crate::support::scenario::{Scenario, on_the_fake, scenario};

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

/// What users of either tool have, a service each.
const VILLAGE: &str = "\
x-usual: &usual {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
services:
  settings:
    <<: *usual
    configs: [{source: inline, target: /etc/inline, mode: 0440}, {source: variable, uid: \"7\"}, mounted]
    secrets: [hidden, {source: mounted, target: /srv/key}]
    env_file: [{path: ./variables}, {path: ./nowhere, required: false}]
    label_file: ./labels
    ipc: shareable
  built:
    command: sleep infinity
    stop_signal: SIGKILL
    build: {context: ./built, args: {WHO: me}, labels: {a: b}}
  linked:
    <<: *usual
    links: [\"built:house\"]
    external_links: []
  inside:
    <<: *usual
    network_mode: service:built
    ipc: service:settings
    pid: service:settings
    volumes_from: [\"built:ro\"]
  roads:
    <<: *usual
    mac_address: 02:42:0a:55:07:0b
    networks:
      north: {ipv4_address: 10.85.NET.9, aliases: [inn], priority: 2}
      south: {link_local_ips: [169.254.9.9]}
    dns: 9.9.9.9
    extra_hosts: {h1: 1.2.3.4}
  fair:
    <<: *usual
    profiles: [fair]
  twins:
    <<: *usual
    scale: 2
    ports: [\"127.0.0.1::80\"]
  mayor:
    <<: *usual
    container_name: NAME-mayor
    deploy: {restart_policy: {condition: on-failure, max_attempts: 2}, labels: {x: y}}
  barn:
    <<: *usual
    volumes: [/hay, \"straw:/straw:ro\", {type: tmpfs, target: /dew, tmpfs: {size: 1m}}, {type: volume, source: straw, target: /part, volume: {nocopy: true}}]
    tmpfs: [/run/mist]
  chapel:
    extends: {service: base, file: ./base.yaml}
    healthcheck: {test: \"true\", interval: 1m, start_interval: 1s, start_period: 5s}
    depends_on: {mayor: {condition: service_started, restart: true}, fair: {condition: service_started, required: false}}
networks:
  north: {ipam: {config: [{subnet: 10.85.NET.0/24}]}, driver_opts: {com.docker.network.driver.mtu: 1400}}
  south: {internal: true, enable_ipv6: false}
volumes:
  straw: {labels: {x: y}}
configs:
  inline: {content: \"a $$ sign\"}
  variable: {environment: VILLAGE}
  mounted: {file: ./labels}
secrets:
  hidden: {environment: VILLAGE}
  mounted: {file: ./variables}
";

const VILLAGERS: [&str; 10] =
    ["settings", "built", "linked", "inside", "roads", "fair", "twins", "mayor", "barn", "chapel"];

fn village(story: &mut Scenario<'_>, net: &str) {
    let name = story.project().to_owned();
    story.environment("VILLAGE", "quiet").environment("COMPOSE_PROFILES", "fair");
    story.file("variables", "FROM=a file\n").file("labels", "kind=village\n");
    story.file("built/Dockerfile", "FROM busybox\nARG WHO\nENV WHO=$WHO\nVOLUME /cellar\n");
    story.file(
        "base.yaml",
        "services: {base: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, init: false}}\n",
    );
    story.file("compose.yaml", &VILLAGE.replace("NAME", &name).replace("NET", net));
}

#[test]
fn everything_people_use_is_taken_over_from_the_reference() {
    scenario(
        "no container of the reference may be recreated, and its one-offs must be left alone",
        |story| {
            if !story.has_reference() {
                return;
            }
            // Each its own addresses: the tests run side by side.
            village(story, "7");
            story.step("the reference starts it").reference_runs("up -d").exits(0);
            story.reference_runs("run -d mayor sleep 1000").exits(0);
            let theirs = story.look();
            story.must(theirs.0.len() == VILLAGERS.len() + 2, &format!("all are there: {theirs:?}"));
            story
                .step("stack has nothing to do")
                .runs("plan --detailed-exitcode")
                .exits(0)
                .runs("up -d")
                .exits(0);
            for service in VILLAGERS {
                story.kept(&theirs, service);
            }
            story.step("stack stops and starts it").runs("-f compose.yaml stop").exits(0);
            story.runs("-f compose.yaml up -d").exits(0);
            for service in VILLAGERS.into_iter().filter(|service| *service != "mayor") {
                story.same(&theirs, service);
            }
            story.step("and the reference has nothing to do").reference_runs("up -d").exits(0);
            for service in VILLAGERS.into_iter().filter(|service| *service != "mayor") {
                story.same(&theirs, service);
            }
            story.reference_runs("down -v --rmi local").exits(0);
        },
    );
}

#[test]
fn everything_people_use_is_handed_over_to_the_reference() {
    scenario("no container of ours may be recreated by the reference, nor by us afterwards", |story| {
        if !story.has_reference() {
            return;
        }
        village(story, "8");
        story.step("stack starts it").runs("up -d").exits(0);
        let ours = story.look();
        story.must(ours.0.len() == VILLAGERS.len() + 1, &format!("all are there: {ours:?}"));
        story.step("the reference has nothing to do").reference_runs("up -d").exits(0);
        for service in VILLAGERS {
            story.kept(&ours, service);
        }
        story
            .step("the reference scales")
            .reference_runs("up -d --scale twins=3")
            .exits(0)
            .running("twins", &[1, 2, 3]);
        story.step("stack scales back").runs("up -d").exits(0).running("twins", &[1, 2]);
        for service in VILLAGERS {
            story.kept(&ours, service);
        }
        story.step("and takes it down").runs("down -v --rmi local").exits(0).nothing_left();
    });
}

#[test]
fn an_image_that_differs_in_its_attestation_alone_replaces_nothing() {
    on_the_fake("a container must stay while it runs the manifest that the image has", |story, fake| {
        let file = "services: {web: {image: listed, command: sleep infinity, stop_signal: SIGKILL}}\n";
        fake.with(|world| world.add_image_list("listed:latest", "sha256:aa"));
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let before = story.look();
        story.step("another attestation, around the same manifest");
        fake.with(|world| world.add_image_list("listed:latest", "sha256:aa"));
        story.runs("plan --detailed-exitcode").exits(0).runs("up -d").exits(0).kept(&before, "web");
        story.step("another manifest");
        fake.with(|world| world.add_image_list("listed:latest", "sha256:bb"));
        story.runs("up -d").exits(0).replaced(&before, "web");
    });
}
