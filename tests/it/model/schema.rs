//! The schema of stack files: current, and of one mind with the published one.

use super::corpus::{cases, shared};
use serde_json::{Map, Value};
use stack::source::{Diagnostics, SourceMap};
use stack::yaml::{self, Data, Node};
use std::path::Path;

#[test]
fn the_schema_in_the_repository_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/stack.schema.json");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        written == stack::load::schema(),
        "out of date; run `cargo run --example schema > schema/stack.schema.json`"
    );
}

fn json(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Bool(value) => (*value).into(),
        Data::Int(value) => (*value).into(),
        Data::UInt(value) => (*value).into(),
        Data::Float(value) => (*value).into(),
        Data::Timestamp(text) | Data::String(text) => text.as_str().into(),
        Data::Sequence(items) => items.iter().map(json).collect(),
        Data::Mapping(mapping) => {
            let members: Map<String, Value> =
                mapping.iter().map(|(key, entry)| (key.to_owned(), json(&entry.value))).collect();
            members.into()
        }
    }
}

/// The stack files of a case as they were written, and what the reference made of them.
fn documents(case: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let expected = std::fs::read_to_string(case.join("expected.json")).unwrap_or_default();
    if let Ok(value) = serde_json::from_str(&expected) {
        found.push((format!("{}/expected.json", case.display()), value));
    }
    for entry in std::fs::read_dir(case.join("files")).into_iter().flatten() {
        let path = entry.unwrap().path();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let Some(text) = is_yaml.then(|| std::fs::read_to_string(&path).ok()).flatten() else { continue };
        let mut sources = SourceMap::default();
        let source = sources.add(&path, "f", text.as_str());
        let mut diagnostics = Diagnostics::default();
        let documents = yaml::parse(source, &text, &mut diagnostics);
        if !diagnostics.has_errors() {
            found.extend(documents.iter().map(|node| (path.display().to_string(), json(node))));
        }
    }
    found
}

#[test]
fn the_schema_judges_files_as_the_published_one_does() {
    let Some(path) = shared("reference/compose-spec.json") else { return };
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let published = jsonschema::validator_for(&published).unwrap();
    let ours = jsonschema::validator_for(&stack::load::schema()).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    let mut differences = Vec::new();
    for (name, document) in cases().iter().flat_map(|case| documents(case)) {
        match (published.validate(&document), ours.validate(&document)) {
            (Ok(()), Ok(())) => accepted += 1,
            (Err(_), Err(_)) => refused += 1,
            (Ok(()), Err(error)) => {
                differences.push(format!("{name}: only ours refuses {}: {error}", error.instance_path()));
            }
            (Err(error), Ok(())) => {
                differences.push(format!("{name}: only ours accepts {}: {error}", error.instance_path()));
            }
        }
    }
    println!("{accepted} accepted and {refused} refused by both");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(accepted > 1000 && refused > 50 || cases().is_empty(), "{accepted} accepted, {refused} refused");
}
