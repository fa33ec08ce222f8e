//! The layer table of the crate's documentation, enforced: a room never names one above it, only two rooms name bollard,
//! and the pure rooms name no clock, no files, no runtime and no engine.
//!
//! Reads the sources as text, without comments, literals and `#[cfg(test)]` items. What a macro would hide stays hidden.

use std::path::{Path, PathBuf};

/// Rooms by layer; a room may use its own layer and everything below.
const LAYERS: &[(u8, &[&str])] = &[
    (0, &["source"]),
    (1, &["yaml", "graph"]),
    (2, &["env", "registry"]),
    (3, &["model"]),
    (4, &["load", "lower"]),
    (5, &["engine", "event"]),
    (6, &["observe"]),
    (7, &["plan"]),
    (8, &["apply", "swarm"]),
    (9, &["ops", "watch"]),
    (10, &["ui"]),
    (11, &["cli"]),
];

/// Files that may use one room above their own, each with why.
const ALLOWED: &[(&str, &str)] = &[
    // The graph of services is made from the project; the graph below it knows nothing of Compose.
    ("graph/services.rs", "model"),
];

/// Rooms that may name bollard: the client's owner, and the one that fills in its request bodies.
const BOLLARD: &[&str] = &["engine", "lower"];

/// Pure rooms, and what they may not name. Where time or files matter to them, they are handed values.
const PURE: &[&str] = &["plan", "lower"];
const IMPURE: &[&str] = &["tokio::", "std::fs", "std::time::SystemTime", "crate::engine"];

/// What is wrong with one file: `line: sentence`. `path` is relative to `src`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let Some((room, _)) = path.split_once('/').or_else(|| path.strip_suffix(".rs").map(|room| (room, "")))
    else {
        return vec![format!("src/{path}: is no module")];
    };
    if matches!(room, "lib" | "main") {
        return Vec::new();
    }
    let Some(layer) = layer_of(room) else {
        return vec![format!("src/{path}: the room `{room}` has no place in the layer table")];
    };
    let code = code_of(text);
    let mut found = Vec::new();
    for (line, used) in rooms_named(&code, depth_of(path)) {
        let Some(other) = layer_of(&used) else { continue };
        if other > layer && !ALLOWED.contains(&(path, used.as_str())) {
            found.push(format!(
                "src/{path}:{line} uses `crate::{used}` (layer {other}), which is above `{room}` (layer {layer})"
            ));
        }
        if PURE.contains(&room) && used == "engine" && other <= layer {
            found.push(format!("src/{path}:{line} uses `crate::engine`, and `{room}` is a pure room"));
        }
    }
    for (number, line) in code.lines().enumerate() {
        let line_number = number + 1;
        if names(line, "bollard::") && !BOLLARD.contains(&room) {
            found.push(format!("src/{path}:{line_number} names `bollard::`, which only {BOLLARD:?} may"));
        }
        if PURE.contains(&room) {
            for banned in IMPURE.iter().filter(|banned| !banned.starts_with("crate::") && names(line, banned))
            {
                found.push(format!("src/{path}:{line_number} names `{banned}`, and `{room}` is a pure room"));
            }
        }
    }
    found
}

fn layer_of(room: &str) -> Option<u8> {
    LAYERS.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(layer, _)| *layer)
}

/// How many `super::` lead from a file to the crate's root: 1 from `plan/mod.rs`, 2 from `plan/text.rs`.
fn depth_of(path: &str) -> usize {
    let parts = path.split('/').count();
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// Whether a line names a path, and not just a longer word that ends like it.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path)
        .any(|(at, _)| !line[..at].ends_with(|before: char| is_word(before) || before == ':'))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The rooms that paths from the crate's root go into, each with its line: `crate::plan`, `crate::{plan, ui::x}`, and
/// `super::super::plan` from where that is the same.
fn rooms_named(code: &str, depth: usize) -> Vec<(usize, String)> {
    let to_root = "super::".repeat(depth);
    let mut found = Vec::new();
    for root in ["crate::", to_root.as_str()] {
        for (at, _) in code.match_indices(root) {
            if code[..at].ends_with(|before: char| is_word(before) || before == ':') {
                continue;
            }
            let rest = &code[at + root.len()..];
            let mut line = code[..at].matches('\n').count() + 1;
            let first: String = rest.chars().take_while(|next| is_word(*next)).collect();
            if !first.is_empty() {
                found.push((line, first));
                continue;
            }
            let (mut nesting, mut word) = (0, String::new());
            let mut heads_a_path = true;
            for next in rest.chars() {
                if is_word(next) && nesting == 1 && heads_a_path {
                    word.push(next);
                    continue;
                }
                if !word.is_empty() {
                    found.push((line, std::mem::take(&mut word)));
                    heads_a_path = false;
                }
                match next {
                    '{' => nesting += 1,
                    '}' => nesting -= 1,
                    ',' if nesting == 1 => heads_a_path = true,
                    '\n' => line += 1,
                    _ => {}
                }
                if nesting == 0 {
                    break;
                }
            }
        }
    }
    found
}

/// The text with comments, literals and `#[cfg(test)]` items blanked out; lines stay where they are.
fn code_of(text: &str) -> String {
    without_tests(&without_literals(text))
}

fn without_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = literal_length(rest, code.ends_with(is_word)).unwrap_or(0);
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|gone| if gone == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

/// How many bytes of a comment or literal begin here.
fn literal_length(rest: &str, inside_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if rest.starts_with('"') {
        return Some(quoted_length(rest));
    }
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !inside_word) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &raw[hashes + 1..];
            let stop = body.find(&end).map_or(body.len(), |stop| stop + end.len());
            return Some(1 + hashes + 1 + stop);
        }
    }
    // A lifetime has no second quote where a character has one.
    let mut characters = rest.strip_prefix('\'')?.char_indices();
    match (characters.next()?.1, characters.next()) {
        ('\\', _) => rest[2..].char_indices().skip(1).find(|(_, next)| *next == '\'').map(|(at, _)| at + 3),
        (_, Some((at, '\''))) => Some(at + 2),
        _ => None,
    }
}

fn quoted_length(rest: &str) -> usize {
    let mut escaped = true;
    for (at, next) in rest.char_indices() {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let (mut nesting, mut end) = (0, rest.len());
        for (offset, next) in rest[at..].char_indices() {
            match next {
                '{' => nesting += 1,
                '}' => nesting -= 1,
                _ => {}
            }
            if nesting == 0 && matches!(next, '}' | ';') {
                end = at + offset + 1;
                break;
            }
        }
        kept.extend(rest[at..end].chars().filter(|next| *next == '\n'));
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn no_room_uses_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&src);
    assert!(files.len() > 50, "only {} files found under {}", files.len(), src.display());
    let mut found = Vec::new();
    for file in files {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        found.extend(violations(&path, &std::fs::read_to_string(&file).unwrap()));
    }
    assert!(found.is_empty(), "{} broken rules:\n{}", found.len(), found.join("\n"));
}

#[track_caller]
fn check(path: &str, text: &str, expect: &[&str]) {
    assert_eq!(violations(path, text), expect, "{path}: {text}");
}

#[test]
fn a_planted_use_of_a_higher_room_is_found_however_it_is_written() {
    let above = |line: u32| {
        format!("src/plan/text.rs:{line} uses `crate::apply` (layer 8), which is above `plan` (layer 7)")
    };
    for (text, line) in [
        ("use crate::apply::run;", 1),
        ("use crate::model::X;\n\nfn f() { crate::apply::run() }", 3),
        ("use crate::{model::{X, Y}, apply};", 1),
        ("use crate::{\n    model,\n    apply::run,\n};", 3),
        ("use super::super::apply;", 1),
        ("/* crate::cli */ pub use crate::apply;", 1),
    ] {
        check("plan/text.rs", text, &[above(line).as_str()]);
    }
    check(
        "plan/mod.rs",
        "use super::apply;",
        &["src/plan/mod.rs:1 uses `crate::apply` (layer 8), which is above `plan` (layer 7)"],
    );
}

#[test]
fn what_is_below_beside_or_not_code_is_let_be() {
    for text in [
        "use crate::observe::Container; use crate::plan::Step; use crate::{model, graph};",
        "use super::reason::Reason; use super::super::model::X;",
        "/// See [`crate::apply`].\n//! crate::apply\n// crate::apply",
        "const A: &str = \"crate::apply\"; const B: &str = r#\"\"crate::apply\"#; const C: char = '\"';",
        "fn f<'a>(x: &'a str) {}\n#[cfg(test)]\nmod tests { use crate::apply; fn g() { if x { } } }",
        "use othercrate::apply; use mytokio::spawn;",
        "use crate::{model::{apply, Y}};",
    ] {
        check("plan/text.rs", text, &[]);
    }
    check("graph/services.rs", "use crate::model::Project;", &[]);
    check("lib.rs", "pub mod cli;", &[]);
}

#[test]
fn code_after_a_test_module_is_looked_at_again() {
    let text = "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::cli;";
    check(
        "ui/tty.rs",
        text,
        &["src/ui/tty.rs:3 uses `crate::cli` (layer 11), which is above `ui` (layer 10)"],
    );
}

#[test]
fn only_two_rooms_name_bollard_and_the_pure_ones_name_no_outside() {
    check("engine/x.rs", "use bollard::Docker;", &[]);
    check("lower/x.rs", "use bollard::models::HostConfig;", &[]);
    check(
        "apply/x.rs",
        "\nuse bollard::Docker;",
        &["src/apply/x.rs:2 names `bollard::`, which only [\"engine\", \"lower\"] may"],
    );
    check(
        "plan/x.rs",
        "let t = std::time::SystemTime::now();",
        &["src/plan/x.rs:1 names `std::time::SystemTime`, and `plan` is a pure room"],
    );
    check(
        "lower/x.rs",
        "std::fs::read(p); tokio::spawn(f);",
        &[
            "src/lower/x.rs:1 names `tokio::`, and `lower` is a pure room",
            "src/lower/x.rs:1 names `std::fs`, and `lower` is a pure room",
        ],
    );
    check(
        "plan/x.rs",
        "use crate::engine::Engine;",
        &["src/plan/x.rs:1 uses `crate::engine`, and `plan` is a pure room"],
    );
}

#[test]
fn a_room_that_is_not_in_the_table_is_named() {
    check("helpers/mod.rs", "", &["src/helpers/mod.rs: the room `helpers` has no place in the layer table"]);
}
