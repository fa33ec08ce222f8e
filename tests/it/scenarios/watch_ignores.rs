//! What is left out: the same as in a build, and said.
//!
//! | pain 28 asks for | test |
//! | --- | --- |
//! | the verdict of BuildKit's matcher on random trees and patterns | `pain_28_random_patterns_leave_out_what_the_engines_builder_leaves_out` |
//! | ignored folders get no watches | `pain_28_a_folder_that_is_left_out_is_not_watched` |
//! | `watch --explain PATH` | `pain_28_a_file_is_explained_rule_by_rule` |

use crate::support::scenario::{on_the_real, scenario};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use stack::apply::ignore::Rules;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Trees and patterns that are built at once, each as a context of its own.
const AT_ONCE: usize = 50;

/// Names that patterns have a chance to hit.
const NAMES: [&str; 8] = ["a", "b", "ab", "a.md", "b.log", ".env", "docs", "x-y"];

/// A path of at most three of the names.
fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&NAMES[..]), 1..=3).prop_map(|names| names.join("/"))
}

/// A line of an ignore file.
fn line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&NAMES[..]).prop_map(ToOwned::to_owned),
        4 => prop::sample::select(
            &["*", "**", "?", "a*", "*b", "*.md", "*.*", "[ab]", "[^a]", "[a-b]*", "**b", "a**", "?.md", ".*", "\\.env", "a\\.md", ".", "a?"][..]
        )
        .prop_map(ToOwned::to_owned),
    ];
    let before = prop::sample::select(&["", "", "", "", "!", "!", "/", "./", "# ", " ", "! ", "!/"][..]);
    let after = prop::sample::select(&["", "", "", "/", " ", "/**", "/*"][..]);
    (before, prop::collection::vec(piece, 1..=3), after)
        .prop_map(|(before, pieces, after)| format!("{before}{}{after}", pieces.join("/")))
        // The builder refuses to let nothing back in.
        .prop_filter("it names something", |line| {
            !line.trim_matches(&['!', '/', '.', ' ', '#'][..]).is_empty()
        })
}

/// Files that a walk finds which does not enter what is ignored, as builds and `watch` walk.
fn let_through(rules: &Rules, root: &Path, below: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(root.join(below)).expect("a folder").flatten() {
        let path = below.join(entry.file_name());
        let ignored = rules.ignores(&path);
        if entry.file_type().expect("a kind").is_dir() {
            if !ignored || rules.may_let_back_in(&path) {
                let_through(rules, root, &path, found);
            }
        } else if !ignored {
            found.insert(path);
        }
    }
}

/// How many: many by hand, a few each time.
#[expect(clippy::disallowed_methods, reason = "how the tests are told how much to try")]
fn cases() -> usize {
    std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(AT_ONCE)
}

#[test]
fn pain_28_random_patterns_leave_out_what_the_engines_builder_leaves_out() {
    on_the_real("an ignore file must mean here what it means to the engine's builder", |story| {
        let has_builder = Command::new("docker").args(["buildx", "version"]).output();
        if !has_builder.is_ok_and(|ended| ended.status.success()) {
            println!("left out: `docker buildx` is not installed");
            return;
        }
        let case = (prop::collection::vec(path(), 1..=25), prop::collection::vec(line(), 1..=4));
        // As anybody's: each run tries others.
        let mut runner = TestRunner::default();
        let (mut tried, mut left_out) = (0, 0);
        while tried < cases() {
            let count = AT_ONCE.min(cases() - tried);
            let folder = tempfile::tempdir().expect("a folder");
            let mut dockerfile = "FROM scratch\n".to_owned();
            let mut build = Command::new("docker");
            build.args(["--host", story.host(), "buildx", "build", "--quiet"]);
            let mut texts = Vec::new();
            for number in 0..count {
                let (paths, lines) = case.new_tree(&mut runner).expect("a case").current();
                let root = folder.path().join(number.to_string());
                std::fs::create_dir(&root).expect("a folder");
                for path in paths {
                    let path = root.join(path);
                    // What one path has as a folder may be another's file.
                    if std::fs::create_dir_all(path.parent().expect("a folder")).is_ok() && !path.is_dir() {
                        std::fs::write(path, "").unwrap_or_default();
                    }
                }
                let text = lines.join("\n");
                std::fs::write(root.join(".dockerignore"), &text).expect("a file");
                texts.push(text);
                writeln!(dockerfile, "COPY --from=c{number} . /{number}/").expect("text");
                build.arg(format!("--build-context=c{number}={}", root.display()));
            }
            std::fs::write(folder.path().join("Dockerfile"), dockerfile).expect("a file");
            let out = folder.path().join("out");
            build.arg(format!("--output=type=local,dest={}", out.display())).arg("--file");
            build.arg(folder.path().join("Dockerfile")).arg(folder.path());
            // The main context is empty but for the Dockerfile.
            std::fs::write(folder.path().join(".dockerignore"), "*\n").expect("a file");
            let built = build.output().expect("docker starts");
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            for (number, text) in texts.iter().enumerate() {
                let number = number.to_string();
                let all = |root: &Path, rules: &Rules| {
                    let mut found = BTreeSet::new();
                    if root.is_dir() {
                        let_through(rules, root, Path::new(""), &mut found);
                    }
                    found
                };
                let here = all(&folder.path().join(&number), &Rules::parse(text));
                let there = all(&out.join(&number), &Rules::default());
                left_out += all(&folder.path().join(&number), &Rules::default()).len() - here.len();
                story.must(here == there, &format!("{text:?}: here {here:?}, the builder {there:?}"));
            }
            tried += count;
        }
        println!("{tried} trees; {left_out} files left out in all");
        story.must(left_out > 0, "the patterns leave something out");
    });
}

const STACK: &str = "\
services:
  web:
    build: .
    stop_signal: SIGKILL
    command: sleep infinity
    develop:
      watch:
        - {path: ., action: sync, target: /app, ignore: [\"*.log\"]}
        - {path: ./src, action: restart, include: [\"**/*.py\"]}
";

#[test]
fn pain_28_a_file_is_explained_rule_by_rule() {
    scenario("`watch --explain` must say what each rule makes of a file, and touch nothing", |story| {
        story.file("compose.yaml", STACK).file("Dockerfile", "FROM busybox\n");
        story.file(".dockerignore", "node_modules\n!node_modules/own\n").file("src/main.py", "");
        for (path, said) in [
            (
                "src/main.py",
                "web, `.`: followed: sync to `/app` of web, as `/app/src/main.py`\nweb, `src`: followed: restart web\n",
            ),
            (
                "src/a.js",
                "web, `.`: followed: sync to `/app` of web, as `/app/src/a.js`\nweb, `src`: left out: no pattern of the rule's `include` matches it\n",
            ),
            ("x.log", "web, `.`: left out by `*.log` of the rule's `ignore`\nweb, `src`: not below it\n"),
            (
                "./src/../node_modules/own/a",
                "web, `.`: followed: sync to `/app` of web, as `/app/node_modules/own/a`\nweb, `src`: not below it\n",
            ),
            (
                ".git/HEAD",
                "web, `.`: left out: editors and version control leave such files behind (`**/.git`)\nweb, `src`: not below it\n",
            ),
        ] {
            story.runs(&format!("watch --explain {path}")).exits(0);
            let printed = story.printed().to_owned();
            story.must(printed == said, &format!("{path}: {printed}"));
        }
        story.runs("watch --explain node_modules/x").exits(0);
        let folder = story.folder().canonicalize().expect("a folder");
        let said = format!(
            "web, `.`: left out by `node_modules` of the ignore file of the build in `{}`\n",
            folder.display()
        );
        let printed = story.printed().to_owned();
        story.must(printed.starts_with(&said), &printed);
        story.must(story.look().of("web").is_empty(), "nothing was started");
    });
}

#[test]
fn pain_28_a_folder_that_is_left_out_is_not_watched() {
    on_the_real("what the ignore file or the rule leaves out must cost no watches", |story| {
        story.file("compose.yaml", STACK).file("Dockerfile", "FROM busybox\nCOPY src /app\n");
        story.file(".dockerignore", "node_modules\ntarget/*\n!target/keep\n").file("src/main.py", "");
        for folder in ["node_modules/a/b", "target/debug/deps", "target/keep/this", ".git/objects"] {
            std::fs::create_dir_all(story.folder().join(folder)).expect("folders");
        }
        let watch = story.goes_on("watch");
        // The project, the folder it is in, `src`, and of `target` what is let back in.
        watch.says("watching 6 folders for 2 rules", 1);
    });
}
