//! `docker compose`: this program as a plugin of the docker command, and as `docker-compose`.

use crate::support::background::Background;
use crate::support::scenario::on_the_real;
use rustix::process::Signal;
use std::process::{Command, Output, Stdio};

const FILE: &str = "\
services:
  web:
    image: busybox
    command: sh -c 'trap exit TERM; echo hello; while :; do sleep 0.1; done'
";

fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_docker_command_finds_and_runs_it() {
    on_the_real("`docker compose` must be this program, with the docker command's own flags", |story| {
        let Some(mut docker) = story.docker() else { return };
        story.step("what it is").file("compose.yaml", FILE);
        let (code, told, _) = ran(docker.args(["compose", "version", "--short"]));
        story.must(code == Some(0) && told == "5.5.0\n", &format!("a version tools can live with: {told}"));
        let Some(mut docker) = story.docker() else { return };
        let (code, told, _) = ran(docker.arg("compose"));
        story.must(code == Some(0) && told.contains("docker compose"), &format!("help: {told}"));
        story.step("up, by a flag of the docker command and not by the variable");
        let Some(mut docker) = story.docker() else { return };
        let host = story.host().to_owned();
        docker.env("DOCKER_HOST", "unix:///nowhere");
        let words = ["-H", &host, "compose", "--project-name", story.project(), "up", "-d"];
        let (code, _, told) = ran(docker.args(words));
        story.must(code == Some(0) && told.contains("-web-1 Started"), &told);
        story.running("web", &[1]);
        story.step("an end from outside, without a terminal");
        let Some(mut docker) = story.docker() else { return };
        docker.args(["compose", "-p", story.project(), "up"]);
        let mut following = Background::start("up", docker);
        following.says("Running", 1);
        following.signal(Signal::TERM);
        let code = following.ends();
        story.must(code == Some(130), &format!("as the docker command passes it on: {code:?}"));
        story.step("down");
        let Some(mut docker) = story.docker() else { return };
        let (code, _, told) = ran(docker.args(["compose", "-p", story.project(), "down"]));
        story.must(code == Some(0), &told).nothing_left();
    });
}

#[test]
fn it_takes_the_place_of_a_plugin_and_gives_it_back() {
    on_the_real("`install-plugin` must keep what was there", |story| {
        story.step("over another one").file("docker/cli-plugins/docker-compose", "another");
        let config = story.folder().join("docker").display().to_string();
        story.environment("DOCKER_CONFIG", &config).runs("install-plugin").exits(0).notes("kept as");
        let link = std::fs::read_link(story.folder().join("docker/cli-plugins/docker-compose"));
        story.must(link.is_ok_and(|target| target.ends_with("stack")), "it is a link to this program");
        story.runs("install-plugin").exits(0).notes("this program already");
        story.step("and back").runs("install-plugin --remove").exits(0).notes("what it was before");
        story.must(story.read("docker/cli-plugins/docker-compose") == "another", "the other one is back");
        story.runs("install-plugin --remove").exits(1).notes("is not this program");
        story.must(story.read("docker/cli-plugins/docker-compose") == "another", "it is left alone");
    });
}

#[test]
fn alone_it_is_docker_compose() {
    on_the_real("a link called `docker-compose` must behave as that program", |story| {
        let link = story.folder().join("docker-compose");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stack"), &link).unwrap();
        let (code, told, _) = ran(Command::new(&link).arg("-v"));
        story.must(code == Some(0) && told == "Docker Compose version v5.5.0\n", &told);
        let (code, told, _) = ran(Command::new(&link).arg("docker-cli-plugin-metadata"));
        story.must(code == Some(0) && told.contains("\"SchemaVersion\": \"0.1.0\""), &told);
        story.file("compose.yaml", FILE);
        let host = story.host().to_owned();
        let mut command = Command::new(&link);
        command
            .current_dir(story.folder())
            .env("DOCKER_HOST", "unix:///nowhere")
            .args(["-H", &host, "ps", "-q"]);
        let (code, told, said) = ran(&mut command);
        story.must(code == Some(0) && told.is_empty(), &format!("{told}{said}"));
    });
}
