//! `up --timeline`: where the time went, in a file.

use crate::support::scenario::{Scenario, scenario};
use serde_json::Value;

const SHOP: &str = "\
services:
  db:
    image: busybox
    command: sh -c 'sleep 1; touch /ready; exec sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, test -f /ready], interval: 1s, retries: 30}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}}
";

fn read(story: &Scenario<'_>, file: &str) -> Value {
    let document: Value = serde_json::from_str(&story.read(file)).expect("JSON");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/timeline.schema.json");
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    if let Err(error) = validator.validate(&document) {
        story.fail(&format!("the file is as its schema says: {error}"));
    }
    document
}

#[test]
fn a_timeline_has_every_service_the_path_that_counts_and_words_for_what_took_longest() {
    scenario("a timeline must say what held up the end", |story| {
        story.file("compose.yaml", SHOP);
        story.runs("up -d --no-eager-health --timeline t.json").exits(0).does_not_note("All done after");
        let timeline = read(story, "t.json");
        let services: Vec<&str> = timeline["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row["service"].as_str())
            .collect();
        story.must(services == ["db", "web"], "each service has its row, as they began");
        let path = timeline["critical_path"].as_array().cloned().unwrap_or_default();
        let steps: Vec<String> = path
            .iter()
            .map(|bar| {
                format!("{} {}", bar["service"].as_str().unwrap_or("-"), bar["kind"].as_str().unwrap_or(""))
            })
            .collect();
        let end = ["db start", "db ready", "web start"];
        story.must(steps.len() > 3 && steps[steps.len() - 3..] == end, &format!("the path is {steps:?}"));
        let last = path.last().map(|bar| bar["to_ms"].clone());
        story.must(last.as_ref() == Some(&timeline["total_ms"]), "it leads to the end");
        let waits = timeline["rows"].to_string();
        story.must(waits.contains(r#""subject":"Service db""#), "web's wait is there");
        if !story.is_fake() {
            let cost = timeline["costliest"][0]["text"].as_str().unwrap_or_default().to_owned();
            story.must(
                cost.starts_with("db became healthy ")
                    && cost.ends_with(" s after its start: its probe runs every 1 s"),
                &format!("what took longest is told: {cost}"),
            );
        }
    });
}

#[test]
fn a_timeline_is_written_in_the_form_of_its_name_and_for_a_failure_too() {
    scenario("the file must be there whatever became of the run", |story| {
        story.file("compose.yaml", SHOP);
        story.runs("up -d --timeline t.png").exits(1).notes("must end with .svg, .html or .json");
        story.must(story.look().0.is_empty(), "a wrong name stops it before anything is done");
        story.runs("up -d --timeline t.svg --timings").exits(0).notes("All done after");
        story.must(story.read("t.svg").starts_with("<svg "), "a picture");
        story.step("nothing to do").runs("up -d --timeline u.html").exits(0).notes("`u.html` is not written");
        story.file("compose.yaml", &SHOP.replace("touch /ready", "exit 3"));
        story.runs("up -d --timeline f.html").exits(1);
        story.must(story.read("f.html").contains(": failed after "), "a page of the failure");
        story.runs("up -d --timeline /nowhere/t.svg --force-recreate web").exits(1);
    });
}

#[test]
fn an_attached_up_writes_its_timeline_when_it_is_up() {
    scenario("nobody must have to end the run to see where its time went", |story| {
        story.file("compose.yaml", SHOP);
        let up = story.begins("up --timeline t.json");
        up.says("web-1 Started");
        for _ in 0..200 {
            let text = std::fs::read_to_string(story.folder().join("t.json")).unwrap_or_default();
            if text.ends_with("}\n") {
                break;
            }
            crate::support::place::block_on(async {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            });
        }
        let timeline = read(story, "t.json");
        story.must(timeline["succeeded"] == true, "it is there while the run goes on");
        up.interrupt();
        story.ends(up).exits(130);
    });
}
