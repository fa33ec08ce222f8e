//! `rollback`: back to what was applied before.

use crate::support::scenario::{Scenario, scenario};

const STACK: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {COLOUR: blue}
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {SIZE: small}
    volumes: [data:/data]
volumes:
  data:
";

fn variable(story: &Scenario<'_>, service: &str, name: &str) -> String {
    let inspected = story.inspect(service);
    let all = inspected["Config"]["Env"].as_array().cloned().unwrap_or_default();
    let mut found =
        all.iter().filter_map(|entry| entry.as_str()?.strip_prefix(&format!("{name}=")).map(str::to_owned));
    found.next_back().unwrap_or_default()
}

#[test]
fn a_rollback_returns_to_what_was_applied_before_and_twice_to_where_one_was() {
    scenario("a change that was a mistake must be undone in one command", |story| {
        story.step("nothing is kept yet").file("compose.yaml", STACK).runs("rollback").exits(1);
        story.notes("nothing is kept to go back to");
        story.step("up").runs("up -d").exits(0);
        story.runs("rollback").exits(1).notes("no earlier configuration that differs is kept");
        let before = story.look();
        let changed = STACK.replace("blue", "red");
        story.step("change web").file("compose.yaml", &changed).runs("up -d").exits(0);
        story.replaced(&before, "web").runs("up -d").exits(0);
        let before = story.look();
        story.step("look first").runs("--dry-run rollback").exits(0).changed_nothing();
        story.prints("environment.COLOUR: red → blue").prints("1 to replace");
        story.step("go back").runs("rollback").exits(0).replaced(&before, "web").kept(&before, "db");
        story.notes("going back to configuration 1").notes("`stack up` applies it again");
        story.must(variable(story, "web", "COLOUR") == "blue", "web is as it was");
        let before = story.look();
        story.step("and again").runs("rollback").exits(0).replaced(&before, "web").kept(&before, "db");
        story.must(variable(story, "web", "COLOUR") == "red", "web is as the file says");
        story.step("which up finds in order").runs("up -d").exits(0).changed_nothing();
        story.runs("rollback --list").exits(0).prints("   1  ").prints("   3  ").prints("applied");
        story.step("to one of them").runs("rollback --to 1").exits(0);
        story.must(variable(story, "web", "COLOUR") == "blue", "web is as it was at first");
        story.runs("rollback --to 77").exits(1).notes("configuration 77 is not kept");
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn one_service_goes_back_and_the_others_stay() {
    scenario("a rollback of one service must leave the others", |story| {
        story.step("up").file("compose.yaml", STACK).runs("up -d").exits(0);
        let red = STACK.replace("blue", "red");
        story.step("change web").file("compose.yaml", &red).runs("up -d").exits(0);
        story.step("then db").file("compose.yaml", &red.replace("small", "large")).runs("up -d").exits(0);
        let before = story.look();
        story
            .step("web goes back")
            .runs("rollback web")
            .exits(0)
            .replaced(&before, "web")
            .kept(&before, "db");
        story.must(variable(story, "web", "COLOUR") == "blue", "web is as it was");
        story.must(variable(story, "db", "SIZE") == "large", "db is as it is");
        story.does_not_note("orphan");
        story.runs("rollback cache").exits(1);
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn after_a_run_that_failed_a_rollback_goes_to_the_last_that_did_not() {
    scenario("what failed must not be what one goes back to", |story| {
        story.step("up").file("compose.yaml", STACK).runs("up -d").exits(0);
        let broken = STACK.replace(
            "{COLOUR: blue}",
            "{COLOUR: red}\n    healthcheck: {test: \"false\", interval: 200ms, retries: 2}",
        );
        story.step("break web").file("compose.yaml", &broken).runs("up -d --wait").exits(1);
        let before = story.look();
        story.runs("rollback --list").exits(0).prints("not completed");
        story.step("go back").runs("rollback --wait").exits(0).kept(&before, "db").running("web", &[1]);
        story.must(variable(story, "web", "COLOUR") == "blue", "web is as it was");
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn what_is_kept_is_for_its_owner_alone_and_holds_no_secret_files() {
    scenario("a history must not tell secrets", |story| {
        let stack = "services: {web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, secrets: [token]}}\nsecrets: {token: {file: ./token}}\n";
        let state = story.folder().join("state");
        story.environment("XDG_STATE_HOME", &state.to_string_lossy());
        story.step("up").file("token", "hunter2").file("compose.yaml", stack).runs("up -d").exits(0);
        let mut files = Vec::new();
        let mut folders = vec![state.join("stack")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
            }
        }
        story.must(files.len() == 1, &format!("one configuration is kept: {files:?}"));
        let inside =
            files[0].strip_prefix(story.folder()).expect("in the folder").to_string_lossy().into_owned();
        story.must(story.mode(&inside) & 0o777 == 0o600, "only its owner may read it");
        story.must(!story.read(&inside).contains("hunter2"), "the secret is not in it");
        story.step("down").runs("down").exits(0).nothing_left();
    });
}

#[test]
fn an_image_whose_name_moved_on_is_the_one_that_ran() {
    scenario("a rollback must run the image that ran, not what its name stands for now", |story| {
        let dockerfile =
            |text: &str| format!("FROM busybox\nENV RELEASE={text}\nCMD [\"sleep\", \"infinity\"]\n");
        let stack = "services: {web: {build: ., stop_signal: SIGKILL}}\n";
        story.step("up").file("Dockerfile", &dockerfile("one")).file("compose.yaml", stack);
        story.runs("up -d --build").exits(0);
        let first = story.inspect("web")["Image"].clone();
        story.step("another release").file("Dockerfile", &dockerfile("two")).runs("up -d --build").exits(0);
        let second = story.inspect("web")["Image"].clone();
        story.must(first != second, "the image is another");
        story.step("go back").runs("rollback").exits(0);
        story.must(story.inspect("web")["Image"] == first, "the first image runs again");
        story.step("and again").runs("rollback").exits(0);
        story.must(story.inspect("web")["Image"] == second, "the second image runs again");
        story.step("down").runs("down --rmi local").exits(0).nothing_left();
    });
}

#[test]
fn an_image_that_is_gone_is_named_and_nothing_is_changed() {
    scenario("a rollback must not begin what it cannot end", |story| {
        let dockerfile = |text: &str| format!("FROM busybox\nENV R={text}\nCMD [\"sleep\", \"infinity\"]\n");
        let stack = "services: {web: {build: ., stop_signal: SIGKILL}}\n";
        story.step("up").file("Dockerfile", &dockerfile("one")).file("compose.yaml", stack);
        story.runs("up -d --build").exits(0);
        let first = story.inspect("web")["Image"].as_str().unwrap_or_default().to_owned();
        story.step("another release").file("Dockerfile", &dockerfile("two")).runs("up -d --build").exits(0);
        let before = story.look();
        story.remove_image_by_hand(&first);
        story.step("go back").runs("rollback").exits(1).changed_nothing().same(&before, "web");
        story.notes("images that ran then are no longer on the engine: `web`");
        story.step("down").runs("down --rmi local").exits(0).nothing_left();
    });
}
