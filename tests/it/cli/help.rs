//! What the program says of itself.

use std::path::Path;
use std::process::Command;

fn said(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_stack")).args(words).current_dir(folder).output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
}

#[test]
fn every_command_s_help_has_two_examples() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = said(folder.path(), &["--help"]);
    assert_eq!(code, Some(0));
    let commands =
        text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 30, "{text}");
    for name in names.into_iter().filter(|name| !matches!(*name, "version" | "alpha")) {
        let (code, text) = said(folder.path(), &[name, "--help"]);
        assert_eq!(code, Some(0), "{name}");
        let examples = text.split_once("Examples:").map_or("", |(_, examples)| examples);
        assert!(examples.matches("stack ").count() >= 2, "`{name}` has two examples: {text}");
    }
}

#[test]
fn without_a_word_it_says_what_can_be_done_here() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = said(folder.path(), &[]);
    assert_eq!(code, Some(0));
    assert!(text.contains("no stack file") && text.contains("services:"), "{text}");
    let file = folder.path().join("compose.yaml");
    std::fs::write(&file, "name: shop\nservices: {web: {image: nginx}, db: {build: .}}\n").unwrap();
    let (code, text) = said(folder.path(), &[]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("Project `shop`, `compose.yaml`: db, web\n"), "{text}");
    assert!(text.contains("stack up") && text.contains("stack watch"), "{text}");
    std::fs::write(&file, "services: {web: {imgae: nginx}}\n").unwrap();
    let (_, text) = said(folder.path(), &[]);
    assert!(text.contains("there are mistakes in it") && text.contains("stack config -q"), "{text}");
}
