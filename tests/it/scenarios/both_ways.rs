//! Ten kinds of projects that people have, each started by one tool and taken over by the other: nobody recreates anything.
//!
//! Also what version 5 of the reference leaves behind: there is none here to run, so its containers are made by hand, with the
//! labels that it writes.

use crate::support::scenario::{Scenario, on_the_real, scenario};
use serde_json::json;

/// A project, and which of its containers end by themselves: those are the same ones, and may have run again.
struct Project {
    what: &'static str,
    file: &'static str,
    beside: &'static [(&'static str, &'static str)],
    services: &'static [&'static str],
    ends: &'static [&'static str],
    one_off_of: Option<&'static str>,
}

const PLAIN: Project =
    Project { what: "", file: "", beside: &[], services: &[], ends: &[], one_off_of: None };

const PROJECTS: [Project; 10] = [
    Project {
        what: "configs and secrets from files, variables and the stack file itself",
        file: "\
services:
  app:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    configs: [plain, {source: inline, target: /etc/inline, uid: \"5\", gid: \"6\", mode: 0440}, {source: variable, target: /etc/variable}]
    secrets: [token, {source: hidden, target: key, mode: 0400}, {source: token, target: /srv/token}]
configs:
  plain: {file: ./plain}
  inline: {content: \"a = ${BOTH_WAYS}\\n\"}
  variable: {environment: BOTH_WAYS}
secrets:
  token: {file: ./token}
  hidden: {environment: BOTH_WAYS}
",
        beside: &[("plain", "a=b\n"), ("token", "t\n")],
        services: &["app"],
        ..PLAIN
    },
    Project {
        what: "shared network, ipc and pid namespaces",
        file: "\
x-usual: &usual {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
services:
  base: {<<: *usual, ipc: shareable}
  net: {<<: *usual, network_mode: \"service:base\"}
  ipc: {<<: *usual, ipc: \"service:base\"}
  pid: {<<: *usual, pid: \"service:base\"}
  all: {<<: *usual, network_mode: \"service:net\", ipc: \"service:base\", pid: \"service:net\"}
",
        services: &["base", "net", "ipc", "pid"],
        ..PLAIN
    },
    Project {
        what: "one-off containers beside a service",
        file: "services: {app: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, ports: [\"127.0.0.1::80\"], restart: always}}\n",
        services: &["app"],
        one_off_of: Some("app"),
        ..PLAIN
    },
    Project {
        what: "several replicas, by scale and by deploy",
        file: "\
x-usual: &usual {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
services:
  three: {<<: *usual, scale: 3, volumes: [/own]}
  two: {<<: *usual, deploy: {mode: replicated, replicas: 2, resources: {limits: {memory: 32m}}, update_config: {order: start-first}}}
  none: {<<: *usual, scale: 0}
",
        services: &["three", "two"],
        ..PLAIN
    },
    Project {
        what: "volumes_from, named and anonymous volumes",
        file: "\
x-usual: &usual {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
services:
  store: {<<: *usual, volumes: [\"data:/data\", /anonymous, {type: volume, source: named, target: /n, read_only: true}]}
  reader: {<<: *usual, volumes_from: [\"store:ro\"]}
  both: {<<: *usual, volumes_from: [store, reader], volumes: [{type: tmpfs, target: /memory, tmpfs: {size: 1m}}]}
volumes:
  data: {labels: {kept: \"yes\"}}
  named: {driver: local, driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}
",
        services: &["store", "reader", "both"],
        ..PLAIN
    },
    Project {
        what: "a migration that ends, a database that gets healthy, and who waits for them",
        file: "\
services:
  db:
    image: redis
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, redis-cli, ping], interval: 300ms, timeout: 2s, retries: 20, start_period: 5s}
    ulimits: {nofile: {soft: 100, hard: 200}, nproc: 500}
  migrate: {image: redis, command: redis-cli -h db set done 1, depends_on: {db: {condition: service_healthy}}}
  web:
    image: nginx
    stop_signal: SIGKILL
    depends_on: {migrate: {condition: service_completed_successfully}, db: {condition: service_healthy, restart: true}}
",
        services: &["db", "web"],
        ends: &["migrate"],
        ..PLAIN
    },
    Project {
        what: "an override, extends, env_file and interpolation",
        file: "\
services:
  web:
    extends: {file: base.yaml, service: base}
    env_file: [./one.env, {path: ./none.env, required: false}]
    environment: {WHO: \"${BOTH_WAYS:-nobody}\", DOLLAR: \"a$$b\", FROM: }
    labels: [\"com.example.note=<a> & b\"]
    profiles: [extra]
  always: {extends: {file: base.yaml, service: base}, tty: true, stdin_open: true, init: false, hostname: always}
",
        beside: &[
            ("compose.override.yaml", "services: {always: {environment: [\"OVER=1\"], cap_drop: [NET_RAW]}}\n"),
            ("base.yaml", "services: {base: {image: busybox, command: [sleep, infinity], stop_signal: SIGKILL, read_only: true}}\n"),
            ("one.env", "ONE=1\nQUOTED='x y'\n"),
            (".env", "COMPOSE_PROFILES=extra\n"),
        ],
        services: &["web", "always"],
        ..PLAIN
    },
    Project {
        what: "networks with addresses, aliases and options, and services without any",
        file: "\
x-usual: &usual {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
services:
  fixed: {<<: *usual, networks: {front: {ipv4_address: 10.86.9.9, aliases: [shop]}, back: }}
  lone: {<<: *usual, network_mode: none}
  host: {<<: *usual, network_mode: host}
  inner: {<<: *usual, networks: [back], dns: [9.9.9.9], extra_hosts: [\"h:1.2.3.4\"]}
networks:
  front: {ipam: {config: [{subnet: 10.86.9.0/24, gateway: 10.86.9.1}]}, driver_opts: {com.docker.network.driver.mtu: \"1400\"}, labels: {a: b}}
  back: {internal: true}
",
        services: &["fixed", "lone", "host", "inner"],
        ..PLAIN
    },
    Project {
        what: "an image that is built",
        file: "\
services:
  app: {build: {context: ./app, args: {WHO: me}}, command: sleep infinity, stop_signal: SIGKILL}
  named: {build: ./app, image: \"PROJECT-named\", command: sleep infinity, stop_signal: SIGKILL, volumes: [\"./app:/src:ro\"]}
",
        beside: &[("app/Dockerfile", "FROM busybox\nARG WHO\nENV WHO=$WHO\nVOLUME /cellar\n")],
        services: &["app", "named"],
        ..PLAIN
    },
    Project {
        what: "hooks, devices, limits and logging",
        file: "\
services:
  app:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    post_start: [{command: touch /tmp/started}]
    pre_stop: [{command: [\"true\"], user: root}]
    devices: [\"/dev/null:/dev/nothing:r\"]
    cpus: 0.5
    cpuset: \"0\"
    mem_limit: 64m
    memswap_limit: 96m
    pids_limit: 50
    shm_size: 8m
    sysctls: {net.core.somaxconn: 1024}
    security_opt: [\"no-new-privileges:true\"]
    group_add: [\"27\"]
    logging: {driver: local, options: {max-size: 1m}}
    blkio_config: {weight: 300}
    stop_grace_period: 1m30s
    annotations: {com.example.note: hello}
    develop: {watch: [{path: ., action: restart}]}
",
        services: &["app"],
        ..PLAIN
    },
];

fn prepare(story: &mut Scenario<'_>, project: &Project) {
    let file = project.file.replace("PROJECT", story.project());
    story.environment("BOTH_WAYS", "x & <y>").file("compose.yaml", &file);
    for (path, text) in project.beside {
        story.file(path, text);
    }
}

fn one_off(story: &mut Scenario<'_>, project: &Project) {
    if let Some(service) = project.one_off_of {
        story.reference_runs(&format!("run -d {service} sleep 1000")).exits(0);
    }
}

#[test]
fn ten_kinds_of_projects_are_taken_over_from_the_reference_and_by_it() {
    for project in &PROJECTS {
        let obligation = format!("no container may be recreated by the other tool: {}", project.what);
        on_the_real(&obligation, |story| {
            if !story.has_reference() {
                return;
            }
            prepare(story, project);
            story.step("the reference starts it").reference_runs("up -d --build").exits(0);
            one_off(story, project);
            let theirs = story.look();
            let expect = if project.ends.is_empty() { 0 } else { 2 };
            story.step("stack has nothing to replace").runs("plan --detailed-exitcode").exits(expect);
            story.runs("up -d").exits(0);
            let keeps = |story: &mut Scenario<'_>, before: &_| {
                for service in project.services {
                    story.kept(before, service);
                }
                for service in project.ends {
                    story.same(before, service);
                }
            };
            keeps(story, &theirs);
            let left = story.look().0.len();
            story.must(left == theirs.0.len(), &format!("nothing is there that was not: {left}"));
            story.step("stack starts it afresh").runs("down -v --remove-orphans").exits(0).nothing_left();
            story.runs("up -d").exits(0);
            one_off(story, project);
            let ours = story.look();
            story.step("the reference has nothing to replace").reference_runs("up -d").exits(0);
            keeps(story, &ours);
            story.runs("up -d").exits(0);
            keeps(story, &ours);
            story
                .step("it goes")
                .reference_runs("down -v --rmi local --remove-orphans")
                .exits(0)
                .nothing_left();
        });
    }
}

/// Version 5 takes the config hash over the same text as 2.40 (`hash.rs` compares with its own recorded values); what it labels
/// otherwise is the image, by the digest of the platform's manifest, which on some engines is not the image's id.
#[test]
fn what_version_5_of_the_reference_made_is_kept() {
    scenario(
        "labels of another version and another kind of image digest must not replace a container",
        |story| {
            let file = "\
services:
  web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, environment: {COLOUR: red}}
";
            story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
            let whole = story.inspect("web");
            let ours = whole["Config"]["Labels"].as_object().cloned().unwrap_or_default();
            let mut labels: serde_json::Map<_, _> =
                ours.into_iter().filter(|(name, _)| !name.starts_with("dev.stack.")).collect();
            labels["com.docker.compose.version"] = "5.0.2".into();
            labels["com.docker.compose.image"] = format!("sha256:{}", "5".repeat(64)).into();
            let body = json!({
                "Image": "busybox", "Cmd": ["sleep", "infinity"], "Labels": labels, "StopSignal": "SIGKILL",
                "Env": ["COLOUR=red"], "HostConfig": whole["HostConfig"],
                "NetworkingConfig": {"EndpointsConfig": {format!("{}_default", story.project()): {}}},
            });
            story.step("the container is one that version 5 made").remove_by_hand("web");
            let name = format!("{}-web-1", story.project());
            story.made_by_hand(&name, &body).by_hand("web", "start", "");
            let theirs = story.look();
            story
                .step("it is kept")
                .runs("plan --detailed-exitcode")
                .exits(0)
                .runs("up -d")
                .exits(0)
                .kept(&theirs, "web");
            story.step("a change still replaces it").file("compose.yaml", &file.replace("red", "blue"));
            story.runs("up -d").exits(0).replaced(&theirs, "web").runs("down").exits(0).nothing_left();
        },
    );
}
