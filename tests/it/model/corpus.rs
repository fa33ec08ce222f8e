//! Fixed points: what the reference printed for a project is canonical, so decoding it and printing it again gives the
//! same text, and hashing it gives the reference's hashes. Needs a differential corpus beside the repository.

use serde_json::Value;
use stack::model::decode::{DecodeContext, project};
use stack::model::{Project, ProjectName, hash, output};
use stack::source::{Diagnostics, Span};
use stack::yaml::{self, Data, Mapping, Node};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file or folder in a folder `shared` beside any folder above the repository.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = root.ancestors().map(|folder| folder.join("shared").join(path)).find(|path| path.exists());
    if found.is_none() {
        println!("skipped: there is no shared/{path} beside the repository");
    }
    found
}

/// The cases of the corpus; none when it is not there.
pub fn cases() -> Vec<PathBuf> {
    let Some(corpus) = shared("corpus/dev") else { return Vec::new() };
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let mut inside: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        inside.sort();
        inside
    };
    folders(&corpus).iter().flat_map(|kind| folders(kind)).collect()
}

/// A JSON value as a canonical tree: dollars single again, Go's field names in the specification's spelling.
fn tree(value: &Value) -> Node {
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(value) => Data::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Data::Int(value),
            (None, Some(value), _) => Data::UInt(value),
            (None, None, value) => Data::Float(value.unwrap()),
        },
        Value::String(text) => Data::String(text.replace("$$", "$").into()),
        Value::Array(items) => Data::Sequence(items.iter().map(tree).collect()),
        Value::Object(entries) => {
            let mut mapping = Mapping::default();
            for (key, value) in entries {
                let key = match key.as_str() {
                    "Path" | "Rate" | "Weight" if entries.contains_key("Path") => key.to_lowercase(),
                    _ => key.replace("$$", "$"),
                };
                mapping.insert(key, Span::NONE, tree(value));
            }
            Data::Mapping(mapping)
        }
    };
    Node::synthetic(data)
}

/// What the reference printed, with folders instead of the corpus's place holders for them.
fn read(case: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(case.join(name)).ok()?;
    let folders = ["WORKDIR", "WORKROOT", "HOMEDIR", "ROOT"];
    Some(
        folders
            .iter()
            .fold(text, |text, folder| text.replace(&format!("${{{folder}}}"), &format!("/{folder}"))),
    )
}

fn decode(case: &Path) -> Option<(Value, Project)> {
    let text = read(case, "expected.json")?;
    let expected: Value = serde_json::from_str(&text).unwrap();
    let name = ProjectName::new(expected.get("name").and_then(Value::as_str).unwrap_or_default());
    let mut diagnostics = Diagnostics::default();
    let context = DecodeContext { name, ..DecodeContext::default() };
    let decoded = project(Arc::new(tree(&expected)), context, &mut diagnostics);
    let messages: Vec<&String> = diagnostics.iter().map(|item| &item.message).collect();
    Some((expected, decoded.unwrap_or_else(|| panic!("{}: {messages:?}", case.display()))))
}

/// Runs `check` on every case that has an expected output; it returns what differs, or `None` for a case without the
/// file it needs.
fn check(check: impl Fn(&Path, &Value, &Project) -> Option<Result<(), String>>) {
    let cases = cases();
    let mut checked = 0;
    let mut differences = Vec::new();
    for case in &cases {
        let Some((expected, project)) = decode(case) else { continue };
        match check(case, &expected, &project) {
            None => {}
            Some(Ok(())) => checked += 1,
            Some(Err(difference)) => differences.push(format!("{}: {difference}", case.display())),
        }
    }
    println!("{checked} cases agree, {} differ", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(cases.is_empty() || checked > 100, "only {checked} cases were checked");
}

/// The first line in which two texts differ.
fn compare(expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let lines = expected.lines().zip(found.lines()).enumerate().find(|(_, (left, right))| left != right);
    Err(lines.map_or_else(
        || format!("{} lines instead of {}", found.lines().count(), expected.lines().count()),
        |(number, (left, right))| format!("line {}: expected {left:?}, found {right:?}", number + 1),
    ))
}

#[test]
fn a_canonical_project_prints_as_the_same_json() {
    check(|_, expected, project| {
        let text = yaml::to_json(&output::json_tree(project), Some("  ")).replace('$', "$$");
        let mut found: Value = serde_json::from_str(&text).unwrap();
        if same(expected, &found) {
            return Some(Ok(()));
        }
        found.sort_all_objects();
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        Some(compare(&pretty(expected), &pretty(&found)).and(Err("numbers".to_owned())))
    });
}

/// Equality of JSON values in which `1` is `1.0`.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

#[test]
fn a_canonical_project_prints_as_the_same_yaml_text() {
    check(|case, _, project| {
        let expected = read(case, "expected.yaml")?;
        // JSON has neither `x-*` below the top level nor models, so such cases cannot be a fixed point.
        if expected.lines().any(|line| line.starts_with("models:") || line.trim_start().starts_with("x-")) {
            return None;
        }
        let text = yaml::to_yaml(&output::yaml_tree(project)).replace('$', "$$");
        Some(compare(expected.trim_end(), text.trim_end()))
    });
}

#[test]
fn services_hash_as_in_the_reference() {
    check(|case, _, project| {
        let expected = read(case, "expected.hash.txt")?;
        for line in expected.lines() {
            let (name, expected) = line.split_once(' ').unwrap();
            let found = hash::service(project.service(name)?);
            if found != expected {
                return Some(Err(format!("service {name}: {found}")));
            }
        }
        Some(Ok(()))
    });
}
