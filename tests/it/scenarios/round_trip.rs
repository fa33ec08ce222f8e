//! Every attribute reaches the engine: file → container, network or volume → what the engine says of it.
//!
//! `round_trip/table.yaml` has the rows. One project is made from all of them, and each row that does not hold names itself.

use crate::support::scenario::{Scenario, on_the_real};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Services that are made and not started: no driver here has the devices, nothing is at the subpath, and not every machine has
/// all privileges to give.
const NOT_STARTED: [&str; 3] = ["reserved", "within", "almighty"];

/// What a service says when no row of its own does.
fn usual() -> Value {
    json!({"image": "busybox", "command": ["sleep", "infinity"], "stop_signal": "SIGKILL"})
}

/// One attribute, or a few that belong together.
struct Row {
    /// Full paths: `services.healthcheck.interval`.
    attributes: Vec<String>,
    /// The first minor version of the Engine API that has it.
    api: u64,
    /// The engines that cannot do it, whatever version of the API they say they speak: `podman`, or how their version begins.
    beyond: Vec<String>,
    write: Value,
    answer: Answer,
    /// How Podman says the same.
    podman: Option<Answer>,
}

struct Answer {
    question: Question,
    expect: Value,
}

enum Question {
    /// A JSON pointer into what the engine says of it.
    At(String),
    /// A shell command inside the container.
    Run(String),
}

#[derive(Default)]
struct Table {
    /// Rows by kind (`services`, `networks`, `volumes`) and name.
    rows: Vec<(String, String, Row)>,
    /// Sections that are written as they are.
    given: Map<String, Value>,
    /// Attributes without a row, with the reason.
    without: Vec<(String, String)>,
}

fn table() -> Table {
    let whole: Map<String, Value> =
        serde_yaml::from_str(include_str!("round_trip/table.yaml")).expect("the table is YAML");
    let (mut rows, mut given, mut without) = (Vec::new(), Map::new(), Vec::new());
    for (section, entries) in whole {
        let entries = entries.as_object().expect("a section is a mapping").clone();
        match section.as_str() {
            "services" | "networks" | "volumes" => {
                for (name, of_one) in entries {
                    let of_one = of_one.as_array().expect("rows are a list").clone();
                    rows.extend(of_one.iter().map(|one| (section.clone(), name.clone(), row(&section, one))));
                }
            }
            "without_row" => {
                for (reason, attributes) in entries {
                    let attributes = attributes.as_array().expect("attributes are a list").clone();
                    without.extend(attributes.iter().map(|attribute| (text(attribute), reason.clone())));
                }
            }
            _ => drop(given.insert(section, Value::Object(entries))),
        }
    }
    Table { rows, given, without }
}

fn row(section: &str, row: &Value) -> Row {
    let named = row["attribute"].as_array().cloned().unwrap_or_else(|| vec![row["attribute"].clone()]);
    let full = |attribute: &Value| {
        let attribute = text(attribute);
        attribute.strip_prefix('/').map_or_else(|| format!("{section}.{attribute}"), ToOwned::to_owned)
    };
    Row {
        attributes: named.iter().map(full).collect(),
        api: row["api"].as_u64().unwrap_or(0),
        beyond: row["beyond"].as_array().into_iter().flatten().map(text).collect(),
        write: row.get("write").cloned().unwrap_or_else(|| json!({})),
        answer: answer(row),
        podman: row.get("podman").map(answer),
    }
}

fn answer(row: &Value) -> Answer {
    let question = match row.get("at") {
        Some(at) => Question::At(text(at)),
        None => Question::Run(text(&row["run"])),
    };
    Answer { question, expect: row["expect"].clone() }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, and not {value}")).to_owned()
}

/// Mappings are merged, lists appended, each entry once.
fn merge(onto: &mut Value, more: &Value) {
    match (onto, more) {
        (Value::Object(onto), Value::Object(more)) => {
            for (key, value) in more {
                match onto.get_mut(key) {
                    Some(old) => merge(old, value),
                    None => drop(onto.insert(key.clone(), value.clone())),
                }
            }
        }
        (Value::Array(onto), Value::Array(more)) => {
            let new: Vec<Value> = more.iter().filter(|entry| !onto.contains(entry)).cloned().collect();
            onto.extend(new);
        }
        (onto, more) => onto.clone_from(more),
    }
}

impl Table {
    /// The rows that the engine can do, and the ones that are beyond it.
    fn split(mut self, story: &Scenario<'_>) -> (Self, Vec<(String, String, Row)>) {
        let version = story.engine().get("/version");
        let api = text(&version["ApiVersion"]);
        let api: u64 = api.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0);
        let podman = version["Components"].to_string().contains("Podman");
        let engine = if podman { "podman".to_owned() } else { text(&version["Version"]) };
        let able = |row: &Row| row.api <= api && !row.beyond.iter().any(|beyond| engine.starts_with(beyond));
        for (.., row) in self.rows.iter_mut().filter(|_| podman) {
            if let Some(answer) = row.podman.take() {
                row.answer = answer;
            }
        }
        let (rows, beyond) = self.rows.into_iter().partition(|(.., row)| able(row));
        self.rows = rows;
        (self, beyond)
    }
}

/// The stack file that all rows come to.
fn stack_file(table: &Table) -> Value {
    let mut file = Value::Object(table.given.clone());
    for (section, name, row) in &table.rows {
        let mut write = row.write.clone();
        if section == "services" && file[section].get(name).is_none() {
            let mut whole = usual();
            // What a row says takes the place of the usual.
            for key in write.as_object().into_iter().flat_map(Map::keys) {
                whole.as_object_mut().map(|whole| whole.remove(key));
            }
            merge(&mut whole, &write);
            write = whole;
        }
        merge(&mut file, &json!({section: {name: write}}));
    }
    file
}

/// The stack file of one row: all other services, networks and volumes as nothing is said of them, and for a network or volume
/// a service that has it. With the service to start.
fn lone_file(table: &Table, (section, name, row): (String, String, Row)) -> (Value, String) {
    let mut file = Value::Object(table.given.clone());
    for (section, name, _) in &table.rows {
        let bare = if section == "services" { usual() } else { json!({}) };
        merge(&mut file, &json!({section: {name: bare}}));
    }
    let lone = Table { rows: vec![(section.clone(), name.clone(), row)], ..Table::default() };
    let lone = stack_file(&lone)[&section][&name].clone();
    file[&section][&name] = lone;
    let user = match section.as_str() {
        "services" => return (file, name),
        "networks" => json!({"networks": [name]}),
        _ => json!({"volumes": [format!("{name}:/it")]}),
    };
    let mut service = usual();
    merge(&mut service, &user);
    file["services"]["user"] = service;
    (file, "user".to_owned())
}

fn filled_in(story: &Scenario<'_>, ids: &BTreeMap<String, String>, value: &Value) -> Value {
    let mut text = value.to_string();
    for (service, id) in ids {
        text = text.replace(&format!("$id({service})"), id);
    }
    let text = text.replace("$project", story.project());
    let text = text.replace("$folder", &story.folder().display().to_string());
    serde_json::from_str(&text).expect("names and paths are plain text")
}

#[test]
fn every_attribute_reaches_the_engine() {
    on_the_real("what a file says must be what the engine says of the container", |story| {
        let (table, beyond) = table().split(story);
        story.file("variables", "FROM_FILE=\"quoted text\"\n").file("raw", "RAW=\"as it is\"\n");
        story
            .file("labels", "from.file=yes\n")
            .file("settings", "a=b\n")
            .file("token", "from a file\n")
            .file("there/x", "");
        story.environment("ROUND_TRIP", "from a variable");
        let file = filled_in(story, &BTreeMap::new(), &stack_file(&table));
        story.file("compose.yaml", &serde_json::to_string_pretty(&file).expect("JSON"));
        let elsewhere = format!("{}-elsewhere", story.project());
        let labels = json!({"com.docker.compose.project": story.project()});
        story.engine().post("/networks/create", &json!({"Name": elsewhere, "Labels": labels}));
        story.engine().post("/volumes/create", &json!({"Name": elsewhere, "Labels": labels}));

        story.step("all are made").runs("create").exits(0);
        let services: BTreeSet<&str> = table
            .rows
            .iter()
            .filter(|(section, name, _)| section == "services" && !NOT_STARTED.contains(&name.as_str()))
            .map(|(_, name, _)| name.as_str())
            .collect();
        let words: Vec<&str> = ["up", "-d", "--no-recreate"].into_iter().chain(services).collect();
        story.step("and started").runs_words(&words).exits(0);

        let ids = story.look().0.into_iter().map(|seen| (seen.service, seen.id)).collect();
        let mut wrong = Vec::new();
        for (section, name, row) in &table.rows {
            let expect = filled_in(story, &ids, &row.answer.expect);
            let (place, found) = match &row.answer.question {
                Question::Run(command) => {
                    story.runs_words(&["exec", "-T", name, "sh", "-c", command]);
                    let said = format!("{}{}", story.printed(), story.noted());
                    (command.clone(), Value::from(said.trim_end()))
                }
                Question::At(pointer) => {
                    let pointer = text(&filled_in(story, &ids, &Value::from(pointer.as_str())));
                    let whole = match section.as_str() {
                        "services" => story.inspect(name),
                        kind => {
                            let usual = Value::from(format!("{}_{name}", story.project()));
                            let own = text(file[kind][name].get("name").unwrap_or(&usual));
                            story.engine().get(&format!("/{kind}/{own}"))
                        }
                    };
                    (pointer.clone(), whole.pointer(&pointer).cloned().unwrap_or(Value::Null))
                }
            };
            if found != expect {
                wrong.push(format!(
                    "{} ({section}.{name} writes {}): {place} is {found}, and not {expect}",
                    row.attributes.join(", "),
                    row.write
                ));
            }
        }
        for beyond in beyond {
            let attributes = beyond.2.attributes.join(", ");
            // The attribute, what it is in, or, where an engine's words do not tell which it is, whose it is.
            let keys = beyond.2.attributes.iter().flat_map(|path| path.rsplit('.').take(2));
            let keys = keys.chain([beyond.1.as_str()]).filter(|key| *key != beyond.0);
            let keys: Vec<String> = keys.map(ToOwned::to_owned).collect();
            let (file, service) = lone_file(&table, beyond);
            let file = filled_in(story, &ids, &file);
            story.file("compose.yaml", &serde_json::to_string_pretty(&file).expect("JSON"));
            let mut said = String::new();
            for words in [["plan", &service].as_slice(), &["up", "-d", &service]] {
                said.push_str(story.runs_words(words).noted());
            }
            story.runs("down -v");
            let mut lines = said.lines().enumerate().filter(|(_, line)| line.contains("compose.yaml:"));
            let told = lines.any(|(at, place)| {
                // A path before the place, or the line itself below it.
                let shown = said.lines().nth(at + 2).unwrap_or_default();
                keys.iter().any(|key| place.contains(key) || shown.contains(key))
            });
            if !told || said.contains("undefined") {
                wrong.push(format!(
                    "{attributes} is beyond the engine, and nothing says so at its line:\n{said}"
                ));
            }
        }
        story.must(wrong.is_empty(), &format!("these rows hold:\n{}", wrong.join("\n")));
    });
}

/// All paths of attributes that the schema knows.
fn attributes() -> BTreeSet<String> {
    let schema = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/stack.schema.json"));
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let mut found = BTreeSet::new();
    gather(&schema, &schema, "", &mut found);
    found
}

fn gather(schema: &Value, node: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(pointer) = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        gather(schema, schema.pointer(pointer).expect("a reference leads somewhere"), path, found);
    }
    let several = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|key| node[key].as_array()).flatten();
    let patterns = node["patternProperties"].as_object().into_iter().flatten();
    let patterns = patterns.filter(|(pattern, _)| *pattern != "^x-").map(|(_, inner)| inner);
    let inner = several.chain(patterns).chain(node.get("items")).chain(node.get("additionalProperties"));
    for inner in inner {
        gather(schema, inner, path, found);
    }
    for (key, inner) in node["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        gather(schema, inner, &path, found);
        found.insert(path);
    }
}

#[test]
fn every_attribute_has_a_row_or_a_reason_why_not() {
    let Table { rows, without, .. } = table();
    let all = attributes();
    assert!(all.len() > 300, "the schema was walked through: {}", all.len());
    let tried: BTreeSet<String> = rows.into_iter().flat_map(|(.., row)| row.attributes).collect();
    let unknown: Vec<&String> = tried.difference(&all).collect();
    assert!(unknown.is_empty(), "rows about attributes that there are not: {unknown:?}");
    let covers = |entry: &str, attribute: &str| match entry.strip_suffix('*') {
        Some(prefix) => {
            attribute.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }
        None => entry == attribute,
    };
    let excused = |attribute: &str| without.iter().find(|(entry, _)| covers(entry, attribute));
    for attribute in &all {
        match (tried.contains(attribute), excused(attribute)) {
            (true, Some((_, reason))) => {
                panic!("`{attribute}` has a row, and is said to have none: {reason}")
            }
            (false, None) => panic!("`{attribute}` has neither a row nor a reason why not"),
            (true, None) | (false, Some(_)) => {}
        }
    }
    for (entry, reason) in &without {
        let used = all.iter().any(|attribute| covers(entry, attribute));
        assert!(used, "`{entry}` ({reason}) is no attribute");
    }
}
