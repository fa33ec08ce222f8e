//! Copies of a project that run side by side.

use crate::support::place::block_on;
use crate::support::scenario::{Scenario, on_the_real, scenario};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Everything that only one project on an engine can have, and a page that says whose it is.
const FIXED: &str = "\
services:
  web:
    image: busybox
    container_name: PROJECT-site
    command: sh -c 'mkdir /www && echo \"I am $${WHO}\" > /www/index.html && exec httpd -f -p 80 -h /www'
    stop_signal: SIGKILL
    environment: {WHO: \"${STACK_INSTANCE:-nobody}\"}
    ports: ['8080:80']
    networks: [front]
    volumes: ['data:/data']
networks:
  front: {name: PROJECT-front}
volumes:
  data: {name: PROJECT-data}
";

fn write(story: &mut Scenario<'_>, text: &str) {
    let text = text.replace("PROJECT", story.project());
    story.file("compose.yaml", &text);
}

/// The host port of an instance, as `urls` says it.
fn port(story: &mut Scenario<'_>, instance: &str) -> u16 {
    story.runs(&format!("--instance {instance} urls --format json")).exits(0);
    let found: Value = serde_json::from_str(story.printed()).expect("JSON");
    let port = found[0]["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    port.unwrap_or_else(|| story.fail(&format!("`{instance}` publishes a port")))
}

fn page(port: u16) -> String {
    let mut text = String::new();
    for _ in 0..100 {
        text.clear();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            drop(stream.write_all(b"GET / HTTP/1.0\r\n\r\n"));
            if stream.read_to_string(&mut text).is_ok() && text.contains("I am") {
                return text;
            }
        }
        block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    }
    text
}

#[test]
fn twenty_instances_start_at_once_and_the_end_of_one_leaves_nineteen() {
    on_the_real("instances with fixed ports and names must not clash, however they start", |story| {
        write(story, FIXED);
        let names: Vec<String> = (1..=20).map(|number| format!("i{number}")).collect();
        let running: Vec<_> =
            names.iter().map(|name| story.begins(&format!("--instance {name} up -d"))).collect();
        for one in running {
            story.ends(one).exits(0);
        }
        let ports: Vec<u16> = names.iter().map(|name| port(story, name)).collect();
        for (name, port) in names.iter().zip(&ports) {
            story.must(page(*port).contains(&format!("I am {name}\n")), &format!("{name} answers on {port}"));
        }
        story.step("one goes").runs("--instance i7 down -v").exits(0);
        for (name, port) in names.iter().zip(&ports).filter(|(name, _)| *name != "i7") {
            story.must(page(*port).contains(&format!("I am {name}\n")), &format!("{name} answers on"));
        }
        story.runs("instances ls --format json").exits(0);
        let rows: Value = serde_json::from_str(story.printed()).expect("JSON");
        let of_project = |row: &&Value| row["Of"] == story.project();
        let count = rows.as_array().into_iter().flatten().filter(of_project).count();
        story.must(count == 19, &format!("19 are left, not {count}"));
    });
}

#[test]
fn an_instance_has_everything_of_its_own_and_the_project_goes_on() {
    scenario("an instance must touch nothing of the project's, nor of another instance's", |story| {
        write(story, FIXED);
        story.runs("up -d").exits(0);
        let project = story.look();
        story.step("two instances").runs("--instance Feature/One up -d").exits(0);
        story.environment("STACK_INSTANCE", "two").runs("up -d").exits(0);
        let name = story.project().to_owned();
        for (instance, file) in [("feature-one", "a"), ("two", "b")] {
            let label = format!("com.docker.compose.project={name}-{instance}");
            let containers = story.labelled("containers", &label);
            let site = format!("/{name}-site-{instance}");
            story.must(
                containers.len() == 1 && containers[0]["Names"][0] == site.as_str(),
                "its container is its own",
            );
            let networks = story.labelled("networks", &label);
            let front = format!("{name}-front-{instance}");
            story.must(networks.iter().any(|row| row["Name"] == front.as_str()), "its network is its own");
            story.runs_words(&[
                "--instance",
                instance,
                "exec",
                "-T",
                "web",
                "touch",
                &format!("/data/{file}"),
            ]);
        }
        story.step("each sees its own data alone").runs("exec -T web ls /data").exits(0);
        if !story.is_fake() {
            let seen = story.printed().trim().to_owned();
            story.must(seen == "b", "the volume is its own");
        }
        story.runs("ls").exits(0).prints("INSTANCE").prints("feature-one");
        story.step("an unchanged instance is left alone").runs("up -d").exits(0).notes("Running");
        story.runs("plan --detailed-exitcode").exits(0).notes("host ports 8080→");
        story.step("the instances go").runs("down -v").exits(0);
        story.runs("--instance feature-one down -v").exits(0);
        let now: Vec<String> = story.look().0.iter().map(|one| one.id.clone()).collect();
        story.must(project.0.len() == 1 && now == [project.0[0].id.clone()], "the project itself goes on");
        story.environment("STACK_INSTANCE", "").runs("down -v").exits(0);
    });
}

#[test]
fn data_of_an_instance_is_not_taken_for_the_projects_under_an_old_name() {
    scenario("a warning that is none must not be given", |story| {
        write(story, &FIXED.replace("  data: {name: PROJECT-data}", "  data: {}"));
        story.runs("--instance x up -d").exits(0);
        story.runs("up -d").exits(0).does_not_note("under an old name");
        story.runs("--instance y up -d").exits(0).does_not_note("under an old name");
    });
}

#[test]
fn an_instance_keeps_its_ports_for_good() {
    on_the_real("a port must stay an instance's, whoever forgets what", |story| {
        write(story, FIXED);
        story.runs("--instance x up -d").exits(0);
        let first = port(story, "x");
        story.runs("--instance x stop").exits(0).runs("--instance x start").exits(0);
        let again = port(story, "x");
        story.must(again == first, "after a stop");
        story.runs("--instance x config").exits(0).prints(&format!("published: \"{first}\""));
        story.runs("--instance x up -d --force-recreate").exits(0);
        let again = port(story, "x");
        story.must(again == first, "after a replacement");
        story.runs("--instance x down").exits(0);
        story.runs("--instance x up -d").exits(0);
        let again = port(story, "x");
        story.must(again == first, "after a down");
        story.step("the user's state folder is lost").environment("XDG_STATE_HOME", "/nowhere/state");
        story.runs("--instance x up -d").exits(0).notes("Running");
        story.must(page(first).contains("I am x"), "its containers say which it is");
        story.runs("--instance x down -v").exits(0);
    });
}

#[test]
fn a_port_that_somebody_else_has_meanwhile_is_exchanged() {
    on_the_real("an instance must come up although another process has taken its port", |story| {
        write(story, FIXED);
        story.runs("--instance x up -d").exits(0);
        let first = port(story, "x");
        story.runs("--instance x down").exits(0);
        let other = TcpListener::bind(("0.0.0.0", first)).expect("the port is free now");
        story.step("it is seen before").runs("--instance x up -d").exits(0);
        let second = port(story, "x");
        story.must(second != first, "another port is taken");
        story.runs("--instance x down").exits(0);
        drop(other);
        let Ok(_other) = TcpListener::bind(("::1", second)) else { return };
        story.step("the engine finds it out").runs("--instance x up -d").exits(0);
        let third = port(story, "x");
        story.must(page(third).contains("I am x"), "it answers");
        story.runs("--instance x down -v").exits(0);
    });
}

#[test]
fn what_only_one_can_have_is_refused_at_its_place() {
    scenario("an instance that cannot be must be refused before anything is made", |story| {
        let file = "\
services:
  web:
    image: busybox
    networks:
      back: {ipv4_address: 172.30.9.9}
networks:
  back: {ipam: {config: [{subnet: 172.30.9.0/24}]}}
";
        story.file("compose.yaml", file);
        story.runs("--instance x up -d").exits(1);
        story.notes("compose.yaml:5:28").notes("fixed address 172.30.9.9").notes("leave the address out");
        story.must(story.networks_named("back").is_empty(), "nothing was made");
        story.runs("--instance /// up -d").exits(1).notes("`///` cannot be the name of an instance");
        story.runs("--instance auto up -d").exits(1).notes("is in no git checkout").notes("--instance NAME");
        story.step("a subnet alone is left to the engine");
        story.file("compose.yaml", &file.replace("{ipv4_address: 172.30.9.9}", "{}"));
        story.runs("--instance x up -d").exits(0).runs("--instance x down").exits(0);
    });
}

#[test]
fn auto_calls_an_instance_after_its_checkout() {
    scenario("`auto` must be the branch of the first checkout", |story| {
        write(story, FIXED);
        story.file(".git/HEAD", "ref: refs/heads/Fix/Login\n");
        let name = format!("name: {}-fix-login", story.project());
        story.runs("--instance auto config").exits(0).prints(&name).prints("-site-fix-login");
        story.step("a rename of the branch").file(".git/HEAD", "ref: refs/heads/main\n");
        story.runs("--instance auto config --format json").exits(0).prints("-site-main");
    });
}

#[test]
fn what_nobody_needs_is_pruned_and_nothing_else() {
    scenario("only instances whose folder or owner is gone may be removed", |story| {
        write(story, FIXED);
        for instance in ["gone", "stays"] {
            let folder = format!("trees/{instance}");
            let text = story.read("compose.yaml").replace("-site", &format!("-{instance}"));
            story.file(&format!("{folder}/compose.yaml"), &text);
            story.runs(&format!("-f {folder}/compose.yaml --instance {instance} up -d")).exits(0);
        }
        let name = story.project().to_owned();
        let labels = |owner: &str| {
            serde_json::json!({
                "com.docker.compose.project": format!("{name}-left"),
                "com.docker.compose.service": "web",
                "com.docker.compose.config-hash": "x",
                "com.docker.compose.oneoff": "False",
                "com.docker.compose.project.working_dir": "/",
                "dev.stack.instance": "left",
                "dev.stack.instance.of": name.clone(),
                "dev.stack.instance.host": "another-machine/",
                "dev.stack.instance.owner": owner,
            })
        };
        let body = serde_json::json!({"Image": "busybox", "Cmd": ["true"], "Labels": labels("1/1/1/x")});
        story.made_by_hand(&format!("{name}-left-web-1"), &body);
        std::fs::remove_dir_all(story.folder().join("trees/gone")).expect("the folder goes");
        story.runs("instances").exits(0).prints("its folder is gone").prints("of a process elsewhere");
        let has = |story: &Scenario<'_>, kind: &str, instance: &str| {
            !story.labelled(kind, &format!("com.docker.compose.project={name}-{instance}")).is_empty()
        };
        story.step("nobody says yes").runs("instances prune").exits(1).notes("nothing was removed");
        story.must(has(story, "containers", "gone"), "it is asked first");
        story.step("a rehearsal").runs("--dry-run instances prune").exits(0);
        story.must(has(story, "containers", "gone"), "nothing is done");
        story.runs("instances prune --force").exits(0).notes("its volumes stay");
        story.must(!has(story, "containers", "gone"), "the one whose folder is gone is removed");
        story.must(has(story, "volumes", "gone"), "its data stay");
        story.must(has(story, "containers", "stays"), "the other one stays");
        story.must(has(story, "containers", "left"), "what is of another machine stays");
        story.runs("instances prune --force --volumes --older-than 0").exits(0);
        story.must(!has(story, "volumes", "gone"), "with the word for it data go too");
        story.must(!has(story, "containers", "left"), "what is old goes with the word for it");
        story.runs("-f trees/stays/compose.yaml --instance stays down -v").exits(0);
    });
}

#[test]
fn a_saved_plan_and_a_rollback_are_of_the_instance() {
    scenario("what was kept of an instance must be carried out as that instance", |story| {
        write(story, FIXED);
        story.runs("--instance x plan -o x.plan").exits(0);
        story.runs("apply x.plan").exits(0);
        let site = format!("/{}-site-x", story.project());
        let label = format!("com.docker.compose.project={}-x", story.project());
        let rows = story.labelled("containers", &label);
        story.must(rows.len() == 1 && rows[0]["Names"][0] == site.as_str(), "the plan's container");
        let ports = rows[0]["Labels"]["dev.stack.instance.ports"].clone();
        write(story, &FIXED.replace("SIGKILL", "SIGQUIT"));
        story.runs("--instance x up -d -t 0").exits(0);
        story.runs("--instance x rollback -t 0").exits(0);
        let rows = story.labelled("containers", &label);
        story.must(rows.len() == 1 && rows[0]["Names"][0] == site.as_str(), "it is called as before");
        story.must(rows[0]["Labels"]["dev.stack.instance.ports"] == ports, "on the ports of before");
        story.runs("--instance x down -v").exits(0);
    });
}
