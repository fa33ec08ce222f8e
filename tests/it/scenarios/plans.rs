//! Plans that are shown, saved and applied: nothing may change before somebody says so.

use crate::support::scenario::{on_the_fake, scenario};

const SHOP: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {COLOUR: red, API_TOKEN: first}
    depends_on: [db]
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    mem_limit: 64m
    volumes: [data:/data]
networks:
  default: {labels: {tier: one}}
volumes:
  data: {}
";

/// What `plan --format json` printed fits the schema in the repository.
fn fits_the_schema(printed: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/plan.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        schema == stack::ui::plan::schema(),
        "out of date; run `cargo run --example schema plan > schema/plan.schema.json`"
    );
    let plan: serde_json::Value = serde_json::from_str(printed).expect("the plan is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(&plan).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{printed}");
}

#[test]
fn pain_12_a_plan_shows_both_sides_hides_secrets_asks_only_and_fits_its_schema() {
    scenario("a plan must say what would change, field by field, and change nothing", |story| {
        story
            .step("from nothing")
            .file("compose.yaml", SHOP)
            .runs("plan --format json")
            .exits(0)
            .changed_nothing();
        fits_the_schema(story.printed());
        story.runs("plan --detailed-exitcode").exits(2).prints("+ create container").changed_nothing();
        story
            .step("up")
            .runs("up -d")
            .exits(0)
            .runs("plan --detailed-exitcode")
            .exits(0)
            .prints("Nothing to do");
        let changed = SHOP
            .replace("red, API_TOKEN: first", "blue, API_TOKEN: second")
            .replace("64m", "96m")
            .replace("tier: one", "tier: two");
        story.step("change a service, a limit and a network").file("compose.yaml", &changed);
        story.runs("plan --detailed-exitcode").exits(2).changed_nothing();
        story.prints("± replace container").prints("environment.COLOUR: red → blue");
        story.prints("environment.API_TOKEN: ******** → ********");
        story.prints("~ change container").prints("mem_limit: 67108864 → 100663296");
        story.prints("labels.tier: one → two");
        let shown = story.printed().to_owned();
        story.must(!shown.contains("first") && !shown.contains("second"), "no secret is shown");
        story.runs("plan --format json").exits(0);
        fits_the_schema(story.printed());
        story
            .step("a broken file")
            .file("compose.yaml", "services: {web: {imagee: x}}")
            .runs("plan --detailed-exitcode")
            .exits(1);
    });
}

#[test]
fn a_saved_plan_does_what_it_says_or_nothing() {
    scenario(
        "a saved plan must be carried out as it is, and refused once the engine has moved on",
        |story| {
            story.step("up").file("compose.yaml", SHOP).runs("up -d").exits(0);
            let before = story.look();
            story
                .step("save a plan")
                .file("compose.yaml", &SHOP.replace("red", "blue"))
                .runs("plan -o the.plan")
                .exits(0);
            story.changed_nothing().notes("stack apply the.plan");
            story.must(story.mode("the.plan") == 0o600, "only its owner may read it");
            fits_the_schema(&story.read("the.plan"));
            story
                .step("apply it, although the file says something else by now")
                .file("compose.yaml", &SHOP.replace("red", "green"))
                .runs("apply the.plan")
                .exits(0);
            story.replaced(&before, "web").kept(&before, "db");
            let environment = story.inspect("web")["Config"]["Env"].to_string();
            story.must(environment.contains("COLOUR=blue"), &format!("it is blue: {environment}"));
            let before = story.look();
            story.step("apply it again").runs("apply the.plan").exits(1).changed_nothing();
            story.notes("the plan is out of date, and nothing was done").notes("-web-1: id ");
            story.kept(&before, "web").kept(&before, "db");
            story.step("another plan").runs("plan -o the.plan").exits(0);
            story.step("somebody stops a container").runs("stop db").exits(0);
            story.step("apply the plan").runs("apply the.plan").exits(1).changed_nothing();
            story.notes("-db-1: state running → exited");
            story
                .step("no plan at all")
                .file("no.plan", "{}")
                .runs("apply no.plan")
                .exits(1)
                .notes("no saved plan");
            story.runs("apply gone.plan").exits(1).notes("gone.plan");
        },
    );
}

#[test]
fn a_dry_run_of_any_command_only_asks_and_shows_the_plan() {
    on_the_fake("with --dry-run nothing may change, whatever the command", |story, _| {
        let develop =
            "    develop: {watch: [{path: src, action: sync, target: /app}]}\n    depends_on: [db]\n";
        story.file("compose.yaml", &SHOP.replace("    depends_on: [db]\n", develop)).file("src/main.py", "");
        for words in ["--dry-run up -d", "up --dry-run", "create --dry-run"] {
            story.step(words).runs(words).exits(0).changed_nothing().prints("+ create container");
        }
        story.step("save a plan").runs("plan -o the.plan").exits(0);
        story.step("apply it").runs("--dry-run apply the.plan").exits(0).changed_nothing().prints("+ create");
        story.step("up").runs("up -d").exits(0);
        for (words, says) in [
            ("down --dry-run -v", "- remove volume"),
            ("--dry-run down", "- remove container"),
            ("stop --dry-run", "▪ stop container"),
            ("restart --dry-run", "(restart)"),
            ("kill --dry-run", "(kill)"),
            ("pause --dry-run", "(pause)"),
            ("rm --dry-run -s -f", "- remove container"),
            ("up --dry-run --force-recreate", "± replace container"),
            ("up --dry-run --scale web=2", "+ create container"),
        ] {
            story.step(words).runs(words).exits(0).changed_nothing().prints(says);
        }
        story
            .step("exec")
            .runs("exec --dry-run -T web true")
            .exits(0)
            .changed_nothing()
            .notes("would run `true`");
        for words in ["watch --dry-run", "up --watch --dry-run"] {
            story.step(words).runs(words).exits(0).changed_nothing();
            story
                .prints("Nothing to do: ")
                .prints("watch `src`: sync to `/app` of web\n")
                .prints("follow `compose.yaml`");
        }
        story.step("only watch").runs("watch --no-up --dry-run").exits(0);
        story.must(story.printed().starts_with("watch `src`"), "there is no plan to show");
        story.step("stop").runs("stop").exits(0);
        story.step("start").runs("start --dry-run").exits(0).changed_nothing().prints("▸ start container");
        story.step("start, pause").runs("start").exits(0).runs("pause").exits(0);
        story.step("unpause").runs("unpause --dry-run").exits(0).changed_nothing().prints("(unpause)");
    });
}

#[test]
fn pain_12_what_was_changed_by_hand_is_named_and_healed() {
    scenario("drift must be named by plan and healed by up with the gentlest action", |story| {
        story.step("up").file("compose.yaml", SHOP).runs("up -d").exits(0);
        let before = story.look();
        story.step("nothing was changed").runs("plan --drift --detailed-exitcode").exits(0);
        story.step("somebody changes a limit by hand");
        story.by_hand("db", "update", r#"{"Memory": 33554432, "MemorySwap": 67108864}"#);
        story.runs("plan --drift --detailed-exitcode").exits(2).prints("mem_limit: 33554432 → 67108864");
        story.runs("up -d --drift").exits(0).kept(&before, "db").kept(&before, "web");
        story.must(story.inspect("db")["HostConfig"]["Memory"] == 64 << 20, "the limit is the file's again");
        story.runs("plan --drift --detailed-exitcode").exits(0);
        story.step("somebody takes it out of its network");
        story
            .leave_by_hand("db", "default")
            .runs("plan --detailed-exitcode")
            .exits(2)
            .prints("(join network)");
        story.runs("up -d").exits(0).kept(&before, "db").runs("plan --drift --detailed-exitcode").exits(0);
        story
            .step("somebody stops one and removes another")
            .by_hand("db", "stop?t=0", "")
            .by_hand("web", "kill", "");
        story.remove_by_hand("web").runs("plan --detailed-exitcode").exits(2);
        story.prints("▸ start container").prints("is exited").prints("+ create container");
        story.runs("up -d").exits(0).same(&before, "db").running("web", &[1]).running("db", &[1]);
        story
            .step("somebody renames one")
            .by_hand("db", "rename?name=another", "")
            .runs("plan --detailed-exitcode")
            .exits(2);
        story.prints("(rename)").runs("up -d").exits(0).same(&before, "db");
        let names: Vec<String> = story.look().of("db").into_iter().map(|one| one.name.clone()).collect();
        story.must(
            names == [format!("{}-db-1", story.project())],
            &format!("it has its name again: {names:?}"),
        );
    });
}

#[test]
fn a_project_with_every_kind_of_attribute_shows_no_drift_of_its_own() {
    scenario("what the engine fills in must not be taken for a change by hand", |story| {
        story.file("conf/settings", "a=b\n").file("conf/token", "t\n");
        story.step("up").file("compose.yaml", super::adoption::SHOP).runs("up -d").exits(0);
        let before = story.look();
        story.step("look closely").runs("plan --drift").exits(0).changed_nothing().prints("Nothing to do");
        story.runs("up -d --drift").exits(0);
        for service in ["web", "db", "beside"] {
            story.kept(&before, service);
        }
        story.step("replace everything, and look closely").runs("up -d --force-recreate").exits(0);
        story.runs("plan --drift").exits(0).prints("Nothing to do");
    });
}
