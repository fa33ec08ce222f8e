//! `build`, `pull` and `push`, and what becomes of images otherwise.

use crate::support::scenario::{Scenario, on_the_real};

const FILE: &str = "\
services:
  base:
    build: {context: ., dockerfile_inline: \"FROM busybox\\nRUN echo from the base > /base\\n\"}
    profiles: [never]
  app:
    image: stack-test/PROJECT:1
    command: sh -c 'cat /base /named /arg /secret /variable; echo; sleep infinity'
    stop_signal: SIGKILL
    build:
      context: ./ctx
      args: {WORD: hello, FROM_HERE: null}
      target: final
      labels: {mine: 'yes'}
      tags: ['stack-test/PROJECT:two']
      additional_contexts: {up: 'service:base', named: ./named}
      secrets: [token, {source: variable, target: second}]
      extra_hosts: ['somewhere:1.2.3.4']
      shm_size: 64m
      ulimits: {nofile: 1234}
secrets:
  token: {file: ./token}
  variable: {environment: A_SECRET}
";

const DOCKERFILE: &str = "\
FROM up AS first
FROM first AS final
ARG WORD
ARG FROM_HERE
COPY --from=named file /named
RUN echo $WORD $FROM_HERE > /arg
RUN --mount=type=secret,id=token cp /run/secrets/token /secret
RUN --mount=type=secret,id=second cp /run/secrets/second /variable
RUN grep -q somewhere /etc/hosts && [ $(ulimit -n) = 1234 ] && df /dev/shm | grep -q 65536
FROM first AS other
RUN exit 9
";

fn files(story: &mut Scenario<'_>) {
    let file = FILE.replace("PROJECT", story.project());
    story.file("compose.yaml", &file).file("ctx/Dockerfile", DOCKERFILE).file("named/file", "by name\n");
    story.file("token", "s3cret\n").environment("A_SECRET", "of a variable").environment("FROM_HERE", "here");
}

fn images(story: &Scenario<'_>) -> Vec<String> {
    let all = story.engine().get("/images/json");
    let tags = all
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|image| image["RepoTags"].as_array().cloned().unwrap_or_default());
    tags.filter_map(|tag| tag.as_str().map(ToOwned::to_owned)).collect()
}

#[test]
fn buildkit_builds_what_only_it_can() {
    on_the_real("with buildx, secrets, named contexts and services as contexts must work", |story| {
        if !story.has_buildx() {
            return;
        }
        files(story);
        story.step("build").runs("build app").exits(0).notes("Building").notes("Built");
        story.must(!story.noted().contains("s3cret"), "no secret is told");
        let (name, two) =
            (format!("stack-test/{}:1", story.project()), format!("stack-test/{}:two", story.project()));
        let there = images(story);
        story
            .must(there.contains(&name) && there.contains(&two), &format!("both names are there: {there:?}"));
        let label = story.engine().get(&format!("/images/{name}/json"))["Config"]["Labels"].clone();
        story.must(label["mine"] == "yes", &format!("the file's label: {label}"));
        story.must(label["com.docker.compose.service"] == "app", &format!("the project's labels: {label}"));
        story.step("what was built runs").runs("up -d").exits(0).runs("logs --no-log-prefix app").exits(0);
        for line in ["from the base\n", "by name\n", "hello here\n", "s3cret\n", "of a variable"] {
            story.prints(line);
        }
        story.step("nothing is built again").runs("up -d").exits(0).does_not_note("Build");
        story.step("a step that fails");
        let other = story.read("compose.yaml").replace("target: final", "target: other");
        story
            .file("compose.yaml", &other)
            .runs("build app")
            .exits(1)
            .notes("exit code: 9")
            .notes("step: [")
            .notes("Dockerfile:11");
        story.must(story.noted().matches("exit code: 9").count() == 1, "it is told once");
        story.step("down").runs("down --rmi all").exits(0).nothing_left();
        story.remove_image_by_hand(&two);
    });
}

#[test]
fn the_classic_builder_says_what_it_cannot_do() {
    on_the_real("without buildx, what only BuildKit can must be refused by name", |story| {
        files(story);
        story.step("refused").runs("build app").exits(1).notes("`build.secrets`").notes("BuildKit can do it");
        story.must(!story.noted().contains("s3cret"), "no secret is told");
        story.step("what it can").runs("--profile never build base").exits(0).notes("Built");
        let image = format!("{}-base", story.project());
        story.must(images(story).iter().any(|name| name.starts_with(&image)), "it is there");
        story.remove_image_by_hand(&image);
        story.step("nothing to do").file("other.yaml", "services: {a: {image: busybox}}\n");
        story.runs("-f other.yaml build").exits(0).notes("no service to build");
        story.runs("-f other.yaml push").exits(0).notes("nothing to push");
    });
}

#[test]
fn what_buildx_is_told_can_be_looked_at() {
    on_the_real("`build --print` must show the file for bake, with the flags in it", |story| {
        files(story);
        story.step("print").runs(
            "build --print --build-arg MORE=1 --no-cache --pull --ssh default --provenance=mode=max app",
        );
        story.exits(0);
        let told: serde_json::Value = serde_json::from_str(story.printed()).unwrap_or_default();
        let app = &told["target"]["app"];
        story.must(
            app["args"]["MORE"] == "1" && app["args"]["FROM_HERE"] == "here",
            &format!("arguments: {app}"),
        );
        story.must(app["no-cache"] == true && app["pull"] == true, "flags");
        story.must(app["ssh"] == serde_json::json!(["default"]), "the agent");
        story.must(app["contexts"]["up"] == "target:base", "a service as context");
        story.must(told["target"]["base"].is_object(), "and that service");
        story.must(!story.printed().contains("s3cret"), "no secret is told");
    });
}

#[test]
fn pull_asks_for_what_registries_have_and_says_what_it_leaves() {
    let file = "\
services:
  gone: {image: 'localhost:1/nothing:1'}
  kept: {image: 'localhost:1/kept:1', pull_policy: never}
  built: {image: 'localhost:1/built:1', build: {context: ., dockerfile_inline: 'FROM busybox'}}
  own: {build: {context: ., dockerfile_inline: 'FROM busybox'}}
";
    on_the_real(
        "`pull` must fail where an image cannot be had, unless it can be built or does not matter",
        |story| {
            story.step("all").file("compose.yaml", file).runs("pull").exits(1);
            story.notes("cannot pull image `localhost:1/nothing:1`").notes("localhost:1/kept:1 Skipped");
            story
                .notes("warning: cannot pull image `localhost:1/built:1`")
                .notes("-own Skipped (it is built)");
            story.step("failures do not matter").runs("pull --ignore-pull-failures").exits(0);
            story.step("what can be built").runs("pull built").exits(0);
            story.runs("pull --ignore-buildable built").exits(0).notes("built:1 Skipped");
            story.step("a rehearsal").runs("pull --dry-run gone").exits(0).prints("(pull)");
            story
                .step("a push to nowhere")
                .runs("push built")
                .exits(1)
                .notes("cannot push image `localhost:1/built:1`");
            story.runs("push --ignore-push-failures").exits(0);
            story.step("a typo").runs("pull gnoe").exits(1).notes("no such service: gnoe");
        },
    );
}
