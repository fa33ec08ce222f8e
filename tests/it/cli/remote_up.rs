//! What `up` tells and asks before a project from elsewhere runs. No engine answers here: whoever gets as far as asking
//! for one has been let through.

use crate::support::registry::{Content, Login, Registry};
use std::io::Write;
use std::process::{Command, Stdio};

const FILE: &str = "name: app\nservices: {a: {image: 'i:${TAG:-one}', environment: {P: '${DB_PASSWORD}', Q: '${NEED:?x}'}}}\n";

/// Exit code and standard error of `up -d` with words before and after it.
fn up(before: &[&str], after: &[&str], input: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("local.yaml"), "services: {b: {image: x}}\n").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(before)
        .args(["up", "-d"])
        .args(after)
        .current_dir(folder.path())
        .env_clear()
        .envs([("HOME", folder.path().to_str().unwrap()), ("DB_PASSWORD", "hunter2"), ("NEED", "given")])
        .env("DOCKER_HOST", "unix:///nowhere/engine.sock")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who is not asked does not read.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.is_empty(), "questions are no data");
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said.replace(folder.path().to_str().unwrap(), "~"))
}

fn artifact() -> (Registry, String) {
    let registry = Registry::start(Content::artifact(&[("file+yaml", "{}", FILE)]), Login::None);
    let file = format!("oci://{}/team/app:v1", registry.address);
    (registry, file)
}

#[test]
fn the_place_and_the_variables_are_told_and_no_answer_is_a_no() {
    let (_registry, file) = artifact();
    for input in ["", "n\n", "what\n"] {
        let (code, said) = up(&["-f", &file], &[], input);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains(&format!("The files of `{file}` are kept in ~/.cache/stack/oci/sha256-")),
            "{said}"
        );
        let table = "\
VARIABLE      VALUE      SOURCE        REQUIRED   DEFAULT
DB_PASSWORD   ********   environment   no         
NEED          given      environment   yes        
TAG           one        stack file    no         one
";
        assert!(said.contains(table), "{said}");
        assert!(said.contains("cancelled: nothing was done") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_yes_an_empty_line_and_the_flag_go_on() {
    let (_registry, file) = artifact();
    let reached = "no container engine answers";
    for (after, input) in [(&[][..], "y\n"), (&[], "\n"), (&["-y"], ""), (&["--yes"], "n\n")] {
        let (_, said) = up(&["-f", &file], after, input);
        assert!(
            said.contains("/nowhere/engine.sock") || said.contains(reached),
            "{after:?} {input:?}: {said}"
        );
        assert_eq!(said.contains("Do you want to proceed"), after.is_empty(), "{said}");
        assert!(said.contains("are kept in"), "{said}");
    }
}

#[test]
fn more_files_from_elsewhere_are_asked_about_and_local_ones_are_not() {
    let (_registry, file) = artifact();
    let (code, said) = up(&["-f", &file, "-f", &file], &[], "y\n\n");
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("whatever the project can:\n  {file}\n")), "{said}");
    assert!(said.contains("cancelled"), "{said}");
    let (_, said) = up(&["-f", &file, "-f", &file], &[], "y\ny\n");
    assert!(!said.contains("cancelled"), "{said}");
    let (_, said) = up(&["-f", "local.yaml"], &[], "");
    assert!(!said.contains("Do you want") && !said.contains("are kept in"), "{said}");
}
