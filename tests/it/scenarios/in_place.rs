//! Changes without a new container: limits, the restart policy, networks; and what comes of them later.

use crate::support::scenario::{Scenario, on_the_fake, on_the_real, scenario};

const LIMITED: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    mem_limit: 64m
    cpus: 0.5
    pids_limit: 100
    restart: \"no\"
    networks: [front]
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    networks: [front]
networks:
  front:
  rear:
";

/// A value of the host configuration of web's container.
fn host(story: &Scenario<'_>, path: &str) -> serde_json::Value {
    story.inspect("web").pointer(&format!("/HostConfig/{path}")).cloned().unwrap_or_default()
}

fn networks(story: &Scenario<'_>) -> Vec<String> {
    let inspected = story.inspect("web");
    let networks = inspected["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
    let own = format!("{}_", story.project());
    networks.keys().map(|name| name.trim_start_matches(&own).to_owned()).collect()
}

#[test]
fn limits_and_the_restart_policy_change_in_place_and_stay_changed() {
    scenario("a changed limit must reach the running container, without a new one", |story| {
        story.step("up").file("compose.yaml", LIMITED).runs("up -d").exits(0);
        let before = story.look();
        let changed = LIMITED
            .replace("64m", "128m")
            .replace("cpus: 0.5", "cpus: 0.25")
            .replace("pids_limit: 100", "pids_limit: 50")
            .replace("\"no\"", "on-failure:3");
        story.step("plan").file("compose.yaml", &changed).runs("plan").exits(0).changed_nothing();
        story
            .prints("~ change container")
            .prints("mem_limit: 67108864 → 134217728")
            .prints("cpus: 0.5 → 0.25");
        story.prints("restart: (none) → on-failure:3").prints("1 to change");
        story.step("change them").runs("up -d").exits(0).kept(&before, "web").kept(&before, "db");
        story.notes("Updated").notes("mem_limit");
        story.must(host(story, "Memory") == 128 << 20, "the memory limit is the new one");
        story.must(host(story, "NanoCpus") == 250_000_000, "the processor limit is the new one");
        story.must(host(story, "PidsLimit") == 50, "the limit of processes is the new one");
        story.must(host(story, "RestartPolicy/Name") == "on-failure", "the restart policy is the new one");
        story.step("up again").runs("up -d").exits(0).changed_nothing().kept(&before, "web");
        story.runs("plan --detailed-exitcode").exits(0);
        story
            .step("change them back")
            .file("compose.yaml", LIMITED)
            .runs("plan --detailed-exitcode")
            .exits(2);
        story.runs("up -d").exits(0).kept(&before, "web");
        story.must(host(story, "Memory") == 64 << 20, "the memory limit is the old one again");
        story.must(host(story, "RestartPolicy/Name") == "no", "the restart policy is the old one again");
        story.step("up again").runs("up -d").exits(0).changed_nothing();
        story.step("down").runs("down").exits(0).nothing_left();
        let left = story.networks_named("stack-notes");
        story.must(left.is_empty(), &format!("nothing is left of the books: {left:?}"));
    });
}

#[test]
fn a_limit_that_the_engine_cannot_take_away_in_place_is_a_replacement() {
    scenario("a limit that is gone from the file must be gone from the container", |story| {
        story.step("up").file("compose.yaml", LIMITED).runs("up -d").exits(0);
        let before = story.look();
        let without = LIMITED.replace("    mem_limit: 64m\n", "");
        story.step("take it away").file("compose.yaml", &without).runs("up -d").exits(0);
        story.replaced(&before, "web").kept(&before, "db").notes("mem_limit: 67108864 → (none)");
        story.must(host(story, "Memory") == 0, "there is no memory limit");
        let before = story.look();
        story
            .step("take away the limit of processes, which it can")
            .file("compose.yaml", &without.replace("    pids_limit: 100\n", ""))
            .runs("up -d")
            .exits(0);
        story.kept(&before, "web");
        let pids = host(story, "PidsLimit");
        story.must(pids == 0 || pids.is_null() || pids == -1, &format!("processes are not limited: {pids}"));
    });
}

#[test]
fn networks_are_joined_and_left_and_aliases_change_in_place() {
    scenario("a service that joins or leaves a network must keep its containers", |story| {
        story.step("up").file("compose.yaml", LIMITED).runs("up -d").exits(0);
        let before = story.look();
        let web = |networks: &str| LIMITED.replacen("networks: [front]", &format!("networks: {networks}"), 1);
        story.step("join another").file("compose.yaml", &web("[front, rear]")).runs("up -d").exits(0);
        story.kept(&before, "web").kept(&before, "db");
        story.must(networks(story) == ["front", "rear"], "web is in both networks");
        story.step("up again").runs("up -d").exits(0).changed_nothing();
        story
            .step("another alias")
            .file("compose.yaml", &web("{front: {}, rear: {aliases: [shop]}}"))
            .runs("up -d")
            .exits(0)
            .kept(&before, "web");
        let name = format!("{}_rear", story.project());
        let aliases = story.inspect("web")["NetworkSettings"]["Networks"][&name]["Aliases"].to_string();
        story.must(
            aliases.contains("\"shop\"") && aliases.contains("\"web\""),
            &format!("aliases: {aliases}"),
        );
        story.step("leave it").file("compose.yaml", LIMITED).runs("up -d").exits(0).kept(&before, "web");
        story.must(networks(story) == ["front"], "web is in one network again");
        story.step("up again").runs("up -d").exits(0).changed_nothing();
        story
            .step("leave the first one, without which no engine starts it")
            .file("compose.yaml", &web("[rear]"))
            .runs("up -d")
            .exits(0)
            .replaced(&before, "web");
        story.must(networks(story) == ["rear"], "web is in the other network");
    });
}

#[test]
fn what_the_engine_never_sees_is_no_reason_to_touch_a_container() {
    scenario("a change that no container notices must not replace one", |story| {
        story.step("up").file("compose.yaml", LIMITED).runs("up -d").exits(0);
        let before = story.look();
        let changed = LIMITED.replacen(
            "    mem_limit: 64m\n",
            "    deploy: {update_config: {order: stop-first, parallelism: 2}}\n    mem_limit: 64m\n    attach: false\n",
            1,
        );
        story.step("change how it is updated").file("compose.yaml", &changed);
        story.runs("plan --detailed-exitcode").exits(0).runs("up -d").exits(0).changed_nothing();
        story.kept(&before, "web").kept(&before, "db");
    });
}

#[test]
fn after_a_change_in_place_an_unchanged_up_asks_no_more_than_before() {
    on_the_fake("knowing what was changed in place must not cost requests", |story, fake| {
        story.step("up").file("compose.yaml", LIMITED).runs("up -d").exits(0);
        story.step("change").file("compose.yaml", &LIMITED.replace("64m", "128m")).runs("up -d").exits(0);
        let before = fake.requests().len();
        story.step("up again").runs("up -d").exits(0).changed_nothing();
        let asked = fake.requests().len() - before;
        story.must(asked <= 4, &format!("{asked} requests, and not at most 4"));
    });
}

#[test]
fn a_change_that_was_cut_short_is_made_by_the_next_run() {
    on_the_fake("wherever a change in place is cut short, the next run must finish it", |story, fake| {
        let change = LIMITED.replace("64m", "128m").replacen("[front]", "[front, rear]", 1);
        for nth in 1.. {
            story.step("up").file("compose.yaml", LIMITED).runs("up -d").exits(0);
            let before = story.look();
            fake.forget_requests();
            fake.fail(nth, "CHANGE", "*", 500, "planted");
            story.step("change, and fail on the way").file("compose.yaml", &change).runs("up -d");
            let failed = story.last_code() != Some(0);
            fake.heal();
            // Back and forth: neither may take the container for what it is not.
            story.step("back").file("compose.yaml", LIMITED).runs("up -d").exits(0).kept(&before, "web");
            story.must(host(story, "Memory") == 64 << 20, "the memory limit is the first one");
            story.must(networks(story) == ["front"], "web is in one network");
            story.step("and forth").file("compose.yaml", &change).runs("up -d").exits(0).kept(&before, "web");
            story.must(host(story, "Memory") == 128 << 20, "the memory limit is the second one");
            story.must(networks(story) == ["front", "rear"], "web is in both networks");
            story.step("down").runs("down").exits(0);
            if !failed {
                story.must(nth > 4, "several steps were cut short");
                return;
            }
        }
    });
}

#[test]
fn pain_23_changed_contents_of_configs_and_secrets_replace_their_users_alone() {
    scenario(
        "new contents of a config or secret must reach the services that use it, and only those",
        |story| {
            let file = |inline: &str| {
                format!(
                    "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    configs: [inline]
  job:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    secrets: [from_file, from_environment]
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
configs:
  inline: {{content: \"{inline}\"}}
secrets:
  from_file: {{file: ./token}}
  from_environment: {{environment: TOKEN}}
"
                )
            };
            story.environment("TOKEN", "one").file("token", "t1").file("compose.yaml", &file("a"));
            story.step("up").runs("up -d").exits(0);
            let before = story.look();
            story.step("up again").runs("up -d").exits(0).changed_nothing();
            story.step("another inline config").file("compose.yaml", &file("b")).runs("plan").exits(0);
            story.prints("content of config inline changed").runs("up -d").exits(0);
            story.replaced(&before, "web").kept(&before, "job").kept(&before, "db");
            let before = story.look();
            story.step("another file").file("token", "t2").runs("up -d").exits(0);
            story.notes("content of secret from_file changed").does_not_note("t2");
            story.replaced(&before, "job").kept(&before, "web");
            let before = story.look();
            story.step("another variable").environment("TOKEN", "two").runs("up -d").exits(0);
            story
                .notes("content of secret from_environment changed")
                .replaced(&before, "job")
                .kept(&before, "web");
            story.step("up again").runs("up -d").exits(0).changed_nothing();
        },
    );
}

#[test]
fn pain_23_a_restart_after_an_edit_prints_what_waits_for_up() {
    scenario("a restart must not let anybody believe that an edit is applied", |story| {
        let stack = "services:\n  web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, environment: {COLOUR: red, API_TOKEN: one}}\n  db: {image: busybox, command: sleep infinity, stop_signal: SIGKILL}\n";
        story.step("up").file("compose.yaml", stack).runs("up -d").exits(0);
        let before = story.look();
        story.step("restart").runs("-f compose.yaml restart -t 0").exits(0).does_not_note("does not apply");
        story.file("compose.yaml", &stack.replace("red", "blue").replace("one", "two"));
        story
            .step("restart after an edit")
            .runs("-f compose.yaml restart -t 0")
            .exits(0)
            .same(&before, "web");
        story.notes("a restart does not apply changes of the stack file: `web` (");
        story.notes("environment.COLOUR: red → blue").notes("environment.API_TOKEN: ******** → ********");
        story.notes("`stack up` does");
        story
            .step("of another service")
            .runs("-f compose.yaml restart -t 0 db")
            .exits(0)
            .does_not_note("does not apply");
    });
}

#[test]
fn pain_23_a_dockerfile_newer_than_the_image_is_told_and_built_with_auto() {
    on_the_real("an edited Dockerfile must not go unseen, nor an unchanged one be built", |story| {
        let dockerfile = |text: &str| format!("FROM busybox\nENV R={text}\nCMD [\"sleep\", \"infinity\"]\n");
        let stack = "services:\n  web: {build: web, stop_signal: SIGKILL}\n  api: {build: api, stop_signal: SIGKILL}\n";
        story.step("up").file("web/Dockerfile", &dockerfile("w")).file("api/Dockerfile", &dockerfile("a"));
        story.file("compose.yaml", stack).runs("up -d").exits(0).does_not_note("is newer");
        story.runs("up -d --build=auto").exits(0).changed_nothing().does_not_note("Built");
        let before = story.look();
        story.file("web/Dockerfile", &dockerfile("w2"));
        story.step("an edit").runs("up -d").exits(0).changed_nothing().same(&before, "web");
        story.notes("`web/Dockerfile` is newer than the image of `web`").does_not_note("`api");
        story.step("build what is older").runs("up -d --build=auto").exits(0);
        story.replaced(&before, "web").kept(&before, "api").does_not_note("api Built");
        story.runs("up -d").exits(0).changed_nothing().does_not_note("is newer");
        story.step("down").runs("down --rmi local").exits(0).nothing_left();
    });
}
