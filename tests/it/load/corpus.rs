//! Every case of a differential corpus, loaded in this process and compared with what the reference printed.
//! Needs a corpus beside the repository.

use serde_json::Value;
use stack::load::{LoadRequest, load};
use stack::model::output;
use stack::yaml::to_json;
use std::path::{Path, PathBuf};

/// Cases in which we differ from the recorded release on purpose.
const DIFFERS: &[(&str, &str)] = &[
    ("cg-loader-xservice", "a service may join a network whose name starts with `x-`"),
    ("own-err-include-conflict", "what file and include both define is merged, as later releases do"),
    ("own-err-include-conflict2", "what two includes define is merged, as later releases do"),
];

fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.ancestors().map(|folder| folder.join("shared/corpus/dev")).find(|folder| folder.is_dir())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The request that the case's arguments and environment come to.
fn request(case: &Value, folder: &Path, home: &Path) -> LoadRequest {
    let fill = |text: &str| {
        let text = text.replace("${WORKDIR}", &folder.to_string_lossy());
        text.replace("${HOMEDIR}", &home.to_string_lossy())
    };
    let mut request =
        LoadRequest { current_dir: folder.join(case["cwd"].as_str().unwrap()), ..LoadRequest::default() };
    if case["cwd"] == "." {
        request.current_dir = folder.to_owned();
    }
    request.environment.set("PATH", "/usr/bin:/bin");
    // The command line always knows its working directory.
    request.environment.set("PWD", request.current_dir.to_string_lossy());
    request.environment.set("HOME", home.to_string_lossy());
    for (name, value) in case["env"].as_object().unwrap() {
        request.environment.set(name.as_str(), fill(value.as_str().unwrap()));
    }
    let mut arguments =
        case["args"].as_array().unwrap().iter().map(|argument| fill(argument.as_str().unwrap()));
    while let Some(flag) = arguments.next() {
        let value = arguments.next().unwrap();
        match flag.as_str() {
            "-f" => request.files.push(value),
            "-p" => request.project_name = Some(value),
            "--profile" => request.profiles.push(value),
            "--env-file" => request.env_files.push(value.into()),
            "--project-directory" => request.project_directory = Some(value.into()),
            other => panic!("unknown flag {other}"),
        }
    }
    request
}

/// Why the case failed, if it did.
fn judge(name: &str, case: &Path, root: &Path) -> Option<String> {
    let read = |file: &str| std::fs::read_to_string(case.join(file)).ok();
    let description: Value = serde_json::from_str(&read("case.json")?).unwrap();
    if description["modes"].as_array().unwrap().iter().all(|mode| mode != "json") {
        return None;
    }
    let folder = root.join("w").join(name);
    copy(&case.join("files"), &folder);
    let home = root.join("home");
    let loaded = load(&request(&description, &folder, &home));
    let found = match (loaded, read("expected.json")) {
        (Err(failure), None) => {
            return failure.diagnostics.is_empty().then(|| "refused without a word".to_owned());
        }
        (Ok(_), None) => return Some("accepted, the reference refuses it".to_owned()),
        (Err(failure), Some(_)) => {
            let messages: Vec<_> = failure.diagnostics.iter().map(|item| item.message.clone()).collect();
            return Some(format!("refused: {}", messages.join("; ")));
        }
        (Ok(loaded), Some(expected)) => {
            let text = to_json(&output::json_tree(&loaded.project), None).replace('$', "$$");
            (text, expected)
        }
    };
    let expected = found
        .1
        .replace("${WORKDIR}", &folder.to_string_lossy())
        .replace("${HOMEDIR}", &home.to_string_lossy())
        .replace("${WORKROOT}", &root.join("w").to_string_lossy())
        .replace("${ROOT}", &root.to_string_lossy());
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let found: Value = serde_json::from_str(&found.0).unwrap();
    difference(&expected, &found, "")
}

/// The first place at which two values differ; numbers are compared as numbers.
fn difference(expected: &Value, found: &Value, path: &str) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let keys: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
            keys.into_iter().find_map(|key| match (expected.get(key), found.get(key)) {
                (Some(expected), Some(found)) => difference(expected, found, &format!("{path}.{key}")),
                (one, _) => {
                    Some(format!("{path}.{key} {}", if one.is_some() { "is missing" } else { "is too much" }))
                }
            })
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(index, (expected, found))| {
                difference(expected, found, &format!("{path}[{index}]"))
            })
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        _ => (expected != found).then(|| format!("{path} is {found}, not {expected}")),
    }
}

#[test]
fn the_references_answers_are_ours() {
    let Some(corpus) = corpus() else {
        println!("skipped: there is no corpus beside the repository");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    for kind in ["spec", "real", "error"] {
        let Ok(cases) = std::fs::read_dir(corpus.join(kind)) else { continue };
        for case in cases {
            let case = case.unwrap().path();
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            count += 1;
            let differs = DIFFERS.iter().any(|(known, _)| *known == name);
            match (judge(&name, &case, &root), differs) {
                (Some(reason), false) => failures.push(format!("{kind}/{name}: {reason}")),
                (None, true) => failures.push(format!("{kind}/{name}: does not differ any more")),
                (Some(_), true) | (None, false) => {}
            }
        }
    }
    assert!(count > 0, "the corpus is empty");
    assert!(failures.is_empty(), "{} of {count} cases:\n{}", failures.len(), failures.join("\n"));
}
