//! Broken projects, one folder each under `golden/`, and exactly what is said about them.
//!
//! A folder holds the project's files; `case.txt`, whose first line is the purpose and whose other lines are options
//! (`file: a.yaml`, `stdin: a.yaml`, `env: NAME=value`, `env-file: x.env`, `profile: p`, `service: s`, `name: n`,
//! `no-place`); and `expect.txt`. `STACK_BLESS=1` writes `expect.txt` anew: read the difference before it is committed.

use stack::load::{LoadRequest, load};
use stack::source::{Colour, to_text};
use std::path::{Path, PathBuf};

struct Case {
    name: String,
    folder: PathBuf,
    purpose: String,
    options: Vec<(String, String)>,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/load/golden");
    let mut cases: Vec<Case> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(folder.join("case.txt"))
                .unwrap_or_else(|error| panic!("{name}/case.txt: {error}"));
            let mut lines = text.lines();
            let purpose = lines.next().unwrap_or_default().to_owned();
            let option = |line: &str| {
                let (key, value) = line.split_once(": ").unwrap_or((line, ""));
                (key.to_owned(), value.to_owned())
            };
            Case { name, folder, purpose, options: lines.map(option).collect() }
        })
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

/// What is said about a case.
fn said(case: &Case) -> String {
    let mut request = LoadRequest { current_dir: case.folder.clone(), ..LoadRequest::default() };
    for (key, value) in &case.options {
        match key.as_str() {
            "file" => request.files.push(value.clone()),
            "stdin" => request.stdin = Some(std::fs::read_to_string(case.folder.join(value)).unwrap()),
            "env" => {
                let (name, value) = value.split_once('=').unwrap();
                request.environment.set(name, value);
            }
            "env-file" => request.env_files.push(value.into()),
            "profile" => request.profiles.push(value.clone()),
            "service" => request.services.push(value.clone()),
            "name" => request.project_name = Some(value.clone()),
            "no-place" => {}
            other => panic!("{}: unknown option `{other}`", case.name),
        }
    }
    match load(&request) {
        Ok(loaded) => to_text(&loaded.warnings, &loaded.sources, Colour::Never),
        Err(failure) => to_text(&failure.diagnostics, &failure.sources, Colour::Never),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a test runs is said in its environment")]
fn every_broken_project_is_explained_in_exactly_these_words() {
    let bless = std::env::var_os("STACK_BLESS").is_some();
    let mut differences = Vec::new();
    for case in cases() {
        let found = said(&case);
        let file = case.folder.join("expect.txt");
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if found != expected {
            if bless {
                std::fs::write(&file, &found).unwrap();
            }
            differences.push(format!(
                "== {} ({})\n-- expected\n{expected}\n-- found\n{found}",
                case.name, case.purpose
            ));
        }
    }
    assert!(bless || differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// Words that say something about us, not about the user's files.
const LEAKS: &[&str] = &[
    "internal", "panicked", "Option<", "Some(", "None)", "String", "Node", "Data::", "Span", "usize",
    "serde", "libyaml", "os error", "Err(", "unwrap", "/home/", "/tmp/", "\u{1b}",
];

#[test]
fn every_finding_has_a_place_and_none_speaks_of_our_insides() {
    let cases = cases();
    assert!(cases.len() >= 80, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let text = std::fs::read_to_string(case.folder.join("expect.txt")).unwrap_or_default();
        let mut complain = |what: String| wrong.push(format!("{}: {what}", case.name));
        if text.is_empty() {
            complain("says nothing".to_owned());
        }
        if case.purpose.is_empty() {
            complain("has no purpose".to_owned());
        }
        for leak in LEAKS.iter().filter(|leak| text.contains(**leak)) {
            complain(format!("says `{leak}`"));
        }
        if text.contains(&*case.folder.to_string_lossy()) {
            complain("says where it lies on this machine".to_owned());
        }
        let placeless = case.options.iter().any(|(key, _)| key == "no-place");
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if line.starts_with("error: ") || line.starts_with("warning: ") {
                let place = lines.peek().and_then(|next| next.trim_start().strip_prefix("--> "));
                let numbers = place.map_or(0, |place| {
                    place.rsplit(':').take(2).filter(|part| part.parse::<u32>().is_ok()).count()
                });
                if numbers != 2 && !placeless {
                    complain(format!("no place: {line}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
