//! Bytes that nobody meant to write: a load answers every file with a project or with words, and soon.

use stack::load::{LoadRequest, load};
use stack::source::{Colour, Report, to_text};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Far more than any of these takes, far less than what a person takes for a hang.
const SOON: Duration = Duration::from_mins(1);

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("shop").tempdir().unwrap()
}

/// What is said about a folder.
fn said(folder: &Path, file: Option<&str>) -> String {
    let request = LoadRequest {
        current_dir: folder.canonicalize().unwrap(),
        files: file.map(str::to_owned).into_iter().collect(),
        ..LoadRequest::default()
    };
    let start = Instant::now();
    let text = match load(&request) {
        Ok(loaded) => to_text(&loaded.warnings, &loaded.sources, Colour::Never),
        Err(failure) => {
            assert!(failure.diagnostics.has_errors(), "refused without an error");
            drop(Report::of(&failure.diagnostics, &failure.sources).line());
            to_text(&failure.diagnostics, &failure.sources, Colour::Never)
        }
    };
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    text
}

/// The first line that is said about a file of these bytes.
fn check(bytes: impl AsRef<[u8]>, expect: &str) {
    let folder = folder();
    fs::write(folder.path().join("compose.yaml"), bytes).unwrap();
    let text = said(folder.path(), None);
    assert_eq!(text.lines().next().unwrap_or_default(), expect, "{}", &text[..text.len().min(2000)]);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "x-0: &x0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*x{}", level - 1); 10].join(", ");
        text.push_str(&format!("x-{level}: &x{level} [{below}]\n"));
    }
    check(text, "error: aliases make this file grow to more than 1000000 values");
}

#[test]
fn an_alias_of_itself_is_refused() {
    check("services: &s\n  web: *s\n", "error: the value of anchor `s` contains itself");
    check(
        "services:\n  web: &w\n    image: x\n    <<: *w\n",
        "error: the value of anchor `w` contains itself",
    );
}

#[test]
fn nesting_ten_thousand_deep_is_refused() {
    let deep = "error: nested more than 200 levels deep";
    check(format!("x-a: {}", "[".repeat(10_000)), deep);
    check(format!("x-a: {}", "{a: ".repeat(10_000)), deep);
    let block: String = (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    check(block, deep);
    check(format!("x-a: {}", "- ".repeat(10_000)), "error: this is not valid YAML: a list cannot start here");
}

#[test]
fn ten_megabytes_are_read() {
    let mut text = String::from("services:\n");
    while text.len() < 10_000_000 {
        let number = text.len();
        text.push_str(&format!("  s{number}:\n    image: busybox\n    environment:\n"));
        for line in 0..200 {
            text.push_str(&format!("      V{line}: some value that is as long as values usually are\n"));
        }
    }
    check(text, "");
}

#[test]
fn ten_megabytes_of_comment_and_of_one_line_are_read() {
    check(format!("#{}\nservices: {{a: {{image: x}}}}\n", "x".repeat(10_000_000)), "");
    check(
        format!("services: {{a: {{image: x, mem_limit: \"{}\"}}}}\n", "9".repeat(1_000_000)).as_bytes(),
        &format!("error: invalid value for `services.a.mem_limit`: `{}…", "9".repeat(957)),
    );
}

#[test]
fn thousands_of_mistakes_are_told_as_the_first_hundred() {
    let mut text = String::from("services:\n");
    for number in 0..1_000 {
        text.push_str(&format!("  s{number}:\n    imagee: x\n    ports: 80\n    depends_on: [t{number}]\n"));
    }
    let folder = folder();
    fs::write(folder.path().join("compose.yaml"), text).unwrap();
    let said = said(folder.path(), None);
    assert_eq!(said.matches("error: ").count(), 100);
    assert!(said.ends_with("2900 more findings are not shown\n"), "{}", &said[said.len() - 300..]);
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let control = "error: this is not valid YAML: there is a character that no text has";
    check(b"services:\n  a: {image: \"x\0y\"}\n", control);
    check(b"\0\0\0\0", control);
    check(b"services: {a: {image: \x01}}\n", control);
    check(b"\xef\xbb\xbfservices: {a: {image: x}}\r\n", "");
    check(b"services:\r\n  a:\r\n    image: x\r\n", "");
    check(b"services:\r  a:\r    image: x\r", "");
    check(
        b"services:\n  a: {image: \xff}\n",
        "error: cannot read `compose.yaml`: it is not UTF-8 text (line 2)",
    );
    check(b"\xff\xfes\0:\0", "error: a stack file has no attribute `s`");
    check(b"\xff\xfe\0\xd8", "error: cannot read `compose.yaml`: it is not valid UTF-16 text");
    check(b"\x1f\x8b\x08\0", "error: cannot read `compose.yaml`: it is not UTF-8 text (line 1)");
    check(b"", "error: this stack file is empty");
    check(b"\n\n\n", "error: this stack file is empty");
    check(b"\xef\xbb\xbf", "error: this stack file is empty");
    check(b"---\n---\n", "error: a stack file must be a mapping, this is nothing");
}

#[cfg(unix)]
#[test]
fn files_that_are_none_are_named() {
    let folder = folder();
    let path = folder.path();
    fs::create_dir(path.join("dir.yaml")).unwrap();
    assert_eq!(said(path, Some("dir.yaml")), "error: cannot read `dir.yaml`: it is a directory\n");
    assert_eq!(said(path, Some("no.yaml")), "error: cannot read `no.yaml`: there is no such file\n");
    std::os::unix::fs::symlink("loop.yaml", path.join("loop.yaml")).unwrap();
    assert_eq!(
        said(path, Some("loop.yaml")),
        "error: cannot read `loop.yaml`: it is a symbolic link that leads back to itself\n"
    );
    std::os::unix::fs::symlink("nowhere", path.join("dangling.yaml")).unwrap();
    assert_eq!(
        said(path, Some("dangling.yaml")),
        "error: cannot read `dangling.yaml`: there is no such file\n"
    );
    fs::write(path.join("closed.yaml"), "services: {}\n").unwrap();
    fs::set_permissions(path.join("closed.yaml"), std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    // The administrator reads it all the same.
    if fs::read(path.join("closed.yaml")).is_err() {
        assert_eq!(said(path, Some("closed.yaml")), "error: cannot read `closed.yaml`: permission denied\n");
    }
    assert_eq!(said(path, Some("/dev/null")).lines().next(), Some("error: this stack file is empty"));
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_refused() {
    let folder = folder();
    assert_eq!(
        said(folder.path(), Some("/dev/zero")),
        "error: cannot read `/dev/zero`: it is bigger than 64 MB\n"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_links_to_itself_is_no_trap_for_includes() {
    let folder = folder();
    std::os::unix::fs::symlink(".", folder.path().join("again")).unwrap();
    fs::write(folder.path().join("compose.yaml"), "include: [again/compose.yaml]\n").unwrap();
    let text = said(folder.path(), None);
    // Whichever limit is met first: ours, or the system's for links on the way to a file.
    let known = ["includes nest more than 50 levels deep", "it is a symbolic link that leads back to itself"];
    assert!(known.iter().any(|known| text.lines().next().unwrap().ends_with(known)), "{text}");
}
