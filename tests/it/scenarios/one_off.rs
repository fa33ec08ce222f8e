//! `run`: one command in a container of its own.

use crate::support::scenario::{Scenario, on_the_real};
use rustix::process::Signal;
use serde_json::Value;

const FILE: &str = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, 'true'], interval: 1s}
  job:
    image: busybox
    command: echo from the file
    restart: always
    container_name: fixed
    ports: ['80']
    environment: {A: file, B: file}
    cap_add: [NET_ADMIN]
    volumes: [/data, 'kept:/kept']
    networks: {default: {aliases: [other]}}
    depends_on: {db: {condition: service_healthy}}
volumes:
  kept: {}
";

/// The one-offs that are there, inspected.
fn one_offs(story: &Scenario<'_>) -> Vec<Value> {
    let engine = story.engine();
    let label = format!("com.docker.compose.project={}", story.project());
    let all = engine.labelled("containers", &label);
    let ours = all.iter().filter(|row| row["Labels"]["com.docker.compose.oneoff"] == "True");
    ours.map(|row| engine.get(&format!("/containers/{}/json", row["Id"].as_str().unwrap()))).collect()
}

#[test]
fn a_one_off_has_its_service_s_definition_and_a_life_of_its_own() {
    on_the_real("`run` must start dependencies and make a container as the reference does", |story| {
        story.step("run").file("compose.yaml", FILE).runs("run job").exits(0).prints("from the file");
        story.running("db", &[1]);
        let all = one_offs(story);
        let one = all.first().cloned().unwrap_or_default();
        let labels = &one["Config"]["Labels"];
        let slug = labels["com.docker.compose.slug"].as_str().unwrap_or_default().to_owned();
        let name = format!("{}-job-run-{}", story.project(), slug.get(..12).unwrap_or_default());
        story.must(slug.len() == 64, &format!("a slug of 64 digits: {labels}"));
        story.must(one["Name"] == format!("/{name}"), &format!("named after it: {}", one["Name"]));
        story.must(labels.get("com.docker.compose.container-number").is_none(), "it has no number");
        story.must(one["HostConfig"]["RestartPolicy"]["Name"] == "no", "it is not started again");
        story.must(one["HostConfig"]["AutoRemove"] == false, "it stays");
        story.must(
            one["HostConfig"]["PortBindings"].as_object().is_none_or(serde_json::Map::is_empty),
            "no ports",
        );
        let networks = one["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
        let aliases: Vec<&Value> = networks.values().map(|network| &network["Aliases"]).collect();
        story.must(aliases == [&serde_json::json!([name])], &format!("its own name alone: {aliases:?}"));
        for (of, key) in [("Config", "OpenStdin"), ("Config", "StdinOnce"), ("Config", "AttachStdin")] {
            story.must(one[of][key] == true, key);
        }
        story.step("others leave it alone").runs("up -d").exits(0).does_not_note("rphan").runs("ps").exits(0);
        story.must(!story.printed().contains("-run-"), "`ps` does not show it");
        story.runs("ps -a").exits(0).prints("-job-run-");
        story.step("down with orphans takes it").runs("down -v --remove-orphans").exits(0).nothing_left();
    });
}

#[test]
fn flags_of_run_change_the_one_container() {
    on_the_real("each flag of `run` must reach the container", |story| {
        story.step("variables, from three places").file("compose.yaml", FILE);
        story.file("some.env", "A=env\nC='x y'\nNOTHING\n").environment("FROM_HERE", "here");
        let words = "run --rm --no-deps --env-from-file some.env -e A=flag -e FROM_HERE -e UNSET -T job env";
        story
            .runs(words)
            .exits(0)
            .prints("A=flag\n")
            .prints("B=file\n")
            .prints("C=x y\n")
            .prints("FROM_HERE=here\n");
        story.must(
            !story.printed().contains("UNSET") && !story.printed().contains("NOTHING"),
            "unset ones are dropped",
        );
        story.gone("db");
        story.must(one_offs(story).is_empty(), "`--rm` took it");
        story.step("user, folder, entrypoint, quiet");
        story.runs("run --rm --no-deps -q -u 1000 -w /tmp --entrypoint id job").exits(0).prints("uid=1000");
        story.must(story.noted().is_empty(), &format!("nothing else is said: {}", story.noted()));
        story.runs_words(&["run", "--rm", "--no-deps", "--entrypoint", "sh -c", "job", "echo $HOME-$0"]);
        story.exits(0).prints("/root-");
        story.step("name, labels, capabilities, ports, aliases, mounts, in the background");
        story.file("sub/file", "mounted");
        let flags = "run -d --name NAME -l a=b --cap-add SYS_TIME --cap-drop NET_ADMIN -p 80 --use-aliases -v ./sub:/sub:ro -v \
                     kept:/again -v /more job sleep 100";
        let name = format!("{}-named", story.project());
        story.runs(&flags.replace("NAME", &name)).exits(0);
        let all = one_offs(story);
        let one = all.first().cloned().unwrap_or_default();
        story.must(story.printed().trim() == one["Id"], "its id is printed");
        story.must(one["Name"] == format!("/{name}"), "it has the name");
        story.must(one["Config"]["Labels"]["a"] == "b", "it has the label");
        let host = &one["HostConfig"];
        let caps = (host["CapAdd"].to_string(), host["CapDrop"].to_string());
        story.must(caps.0.contains("SYS_TIME") && !caps.0.contains("NET_ADMIN"), &format!("added: {caps:?}"));
        story.must(caps.1.contains("NET_ADMIN"), &format!("dropped: {caps:?}"));
        story.must(host["PortBindings"]["80/tcp"].is_array(), "the port is published");
        let aliases = one["NetworkSettings"]["Networks"].to_string();
        story.must(aliases.contains("\"job\"") && aliases.contains("\"other\""), &aliases);
        let mounts = one["Mounts"].to_string();
        for target in ["/sub", "/again", "/more", "/data", "/kept"] {
            story.must(mounts.contains(&format!("\"{target}\"")), &format!("{target}: {mounts}"));
        }
        story.step("down").runs("down -v -t 0 --remove-orphans").exits(0).nothing_left();
    });
}

#[test]
fn a_one_off_ends_as_its_command_does() {
    on_the_real("exit codes, input and signals must pass through", |story| {
        story.step("codes").file("compose.yaml", FILE);
        story.runs_words(&["run", "--rm", "--no-deps", "job", "sh", "-c", "exit 7"]).exits(7);
        story.runs("run --rm --no-deps job nosuch").exits(1).notes("no program `nosuch`");
        story.must(one_offs(story).is_empty(), "what could not start is taken away");
        story.step("mistakes").runs("run jbo").exits(1).notes("no such service: jbo").notes("`job`");
        story.runs("run -P -p 1:1 job").exits(1).notes("--service-ports and --publish are incompatible");
        story.runs("run --env-from-file nosuch job").exits(1).notes("cannot read `nosuch`");
        story.changed_nothing();
        story.step("a signal");
        let script = "trap 'exit 5' TERM INT; echo ready >&2; while :; do sleep 0.1; done";
        story.file(
            "compose.yaml",
            &FILE.replace("echo from the file", &format!("['sh', '-c', \"{script}\"]")),
        );
        let mut running = story.goes_on("run --rm --no-deps -T job");
        running.says("ready", 1);
        running.signal(Signal::TERM);
        let code = running.ends();
        story.must(code == Some(5), &format!("the command had its say: {code:?} {:?}", running.lines()));
        story.must(one_offs(story).is_empty(), "`--rm` took it");
        story.step("down").runs("down -v -t 0 --remove-orphans").exits(0).nothing_left();
    });
}

#[test]
fn a_one_off_in_a_terminal_is_the_terminal_s() {
    on_the_real("a shell by `run` must have the terminal, and may be left running", |story| {
        story.step("a shell").file("compose.yaml", FILE);
        let mut terminal = story.types("run --rm job sh");
        terminal.shows("/ #", 1);
        terminal.press("tty\n").shows("/dev/pts/0", 1);
        // A key that comes while the shell still reads is none for the program that it starts.
        terminal.press("echo be''gun; sleep 100\n").shows("begun", 1);
        terminal.press("\u{3}").press("exit 9\n");
        let code = terminal.ends();
        story.must(code == Some(9), &format!("it ends as the shell did: {code:?}\n{}", terminal.screen()));
        story.must(terminal.is_as_before(), "the terminal is as it was");
        story.step("left running");
        let mut terminal = story.types("run --rm job sh");
        terminal.shows("/ #", 1);
        terminal.press("\u{10}").press("\u{11}").shows("goes on running", 1);
        let code = terminal.ends();
        story.must(
            code == Some(0) && terminal.is_as_before(),
            &format!("left: {code:?}\n{}", terminal.screen()),
        );
        let states: Vec<String> =
            one_offs(story).iter().map(|one| one["State"]["Status"].to_string()).collect();
        story.must(states == ["\"running\""], &format!("it runs on: {states:?}"));
        story.step("down").runs("down -v -t 0 --remove-orphans").exits(0).nothing_left();
    });
}

#[test]
fn a_rehearsal_of_run_shows_its_plan() {
    on_the_real("`run --dry-run` must only say what it would do", |story| {
        story.step("rehearse").file("compose.yaml", FILE).runs("--dry-run run job").exits(0);
        story.prints("job-run-").prints("(for one command)").nothing_left();
    });
}
