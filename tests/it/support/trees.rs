//! A project whose files are followed, and whether its container has them.

use super::background::Background;
use super::scenario::Scenario;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A service that is built, with a folder that is synced and a file that it is built anew for.
pub const STACK: &str = "\
services:
  web:
    build: .
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {LEVEL: info}
    develop:
      watch:
        - {path: ./src, action: ACTION, target: /app, ignore: [\"*.log\", cache]}
        - {path: ./requirements.txt, action: rebuild}
";

/// Its files; `ACTION` is what becomes of an edit.
pub fn project(story: &mut Scenario<'_>, action: &str) {
    story.file("compose.yaml", &STACK.replace("ACTION", action));
    story.file("Dockerfile", "FROM busybox\nCOPY src /app\nCOPY requirements.txt /\n");
    story.file("requirements.txt", "one\n").file("src/main.py", "print(1)\n").file("src/lib/a.py", "a = 1\n");
}

/// A `watch` that has begun to follow.
pub fn watching(story: &mut Scenario<'_>) -> Background {
    let watch = story.goes_on("watch");
    watch.says("; Ctrl-C ends it", 1);
    watch
}

/// Lists a tree: path to kind, mode, content. The same program lists both sides.
const LISTING: &str = "cd ROOT && find . -type d | sed 's/$/|folder/' \
    && find . -type l | while read -r path; do echo \"$path|link $(readlink \"$path\")\"; done \
    && find . -type f -exec stat -c '%n|%a' {} + \
    && find . -type f -exec md5sum {} + | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)$/\\2||\\1/'";

fn listed(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('|'));
    let mut listed: BTreeMap<String, String> = BTreeMap::new();
    for (path, is) in pairs {
        listed.entry(path.to_owned()).or_default().push_str(is);
    }
    listed
}

/// What a container has below a folder.
pub fn inside(story: &mut Scenario<'_>, service: &str, root: &str) -> BTreeMap<String, String> {
    let script = LISTING.replace("ROOT", root);
    story.runs_words(&["exec", "-T", service, "sh", "-c", &script]).exits(0);
    listed(story.printed())
}

/// What is below a folder here, without what the rule leaves out.
pub fn outside(folder: &Path) -> BTreeMap<String, String> {
    let script = LISTING.replace("ROOT", &folder.display().to_string());
    let listing = Command::new("sh").args(["-c", &script]).output().expect("a listing");
    let text = String::from_utf8_lossy(&listing.stdout).into_owned();
    let ignored = |path: &str| path.starts_with("./cache") || path == "./x.log";
    listed(&text).into_iter().filter(|(path, _)| !ignored(path)).collect()
}

/// Writes a mark as the last thing, waits until it has arrived, and compares the trees: what came before it is there too.
#[track_caller]
pub fn the_trees_are_equal(story: &mut Scenario<'_>, watch: &Background, mark: usize) {
    std::fs::write(story.folder().join("src/mark"), format!("{mark}\n")).expect("a file");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        story.runs("exec -T web cat /app/mark");
        if story.printed() == format!("{mark}\n") {
            break;
        }
        story.must(std::time::Instant::now() < deadline, &watch.lines().join("\n"));
    }
    let here = outside(&story.folder().join("src"));
    let there = inside(story, "web", "/app");
    story.must(here == there, &format!("the trees are equal:\nhere {here:#?}\nthere {there:#?}"));
}
