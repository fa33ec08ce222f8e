//! What systems that run jobs are told: sections of the log, marks beside lines of files, a summary; and what they are spared.

use crate::support::scenario::{Scenario, scenario};

const NEVER: &str = "\
services:
  db:
    image: busybox
    command: sh -c 'echo no disk; exec sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, 'echo BOOM: 50%; exit 3'], interval: 200ms, timeout: 5s, retries: 1}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}}
";

/// The lines that begin with one of these, with the project's name and the times taken out.
fn lines(story: &Scenario<'_>, starts: &[&str]) -> Vec<String> {
    let of = |line: &&str| starts.iter().any(|start| line.starts_with(start));
    let said = story.noted().replace(story.project(), "PROJECT");
    said.lines().filter(of).map(without_times).collect()
}

/// `after 0.4 s of 60.0 s allowed` and `test-abcde` are other ones each time.
fn without_times(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("after ") {
        let (before, after) = rest.split_at(at + "after ".len());
        text.push_str(before);
        text.push('N');
        rest = after.trim_start_matches(|next: char| next.is_ascii_digit() || next == '.');
    }
    text.push_str(rest);
    match text.find("-test-").and_then(|at| text.get(at + 6..at + 11).map(ToOwned::to_owned)) {
        Some(random) => text.replace(&random, "abcde"),
        None => text,
    }
}

fn on_github(story: &mut Scenario<'_>) {
    let workspace = story.folder().display().to_string();
    let summary = story.folder().join("summary.md").display().to_string();
    story.environment("GITHUB_ACTIONS", "true").environment("GITHUB_WORKSPACE", &workspace);
    story.environment("GITHUB_STEP_SUMMARY", &summary);
}

#[test]
fn pain_33_mistakes_are_marked_beside_their_lines() {
    scenario("on GitHub every mistake in a file must be beside its line, and nowhere else", |story| {
        let broken = "services:\n  web:\n    imge: nginx\n    image: ${TAG}\n    networks: [frontt]\n";
        story.file("sub/compose.yaml", broken).step("elsewhere").runs("-f sub/compose.yaml config").exits(1);
        story.does_not_note("::");
        on_github(story);
        let expect = [
            "::error file=sub/compose.yaml,line=3,col=5,title=stack::a service has no attribute `imge`%0Aan attribute with a similar name exists: `image`",
            "::warning file=sub/compose.yaml,line=4,col=12,title=stack::the variable `TAG` is not set, so nothing is put in its place%0Aset it in the environment or in `.env`, or give a default: `${TAG:-…}`",
            "::error file=sub/compose.yaml,line=5,col=16,title=stack::service `web` refers to an undefined network `frontt`%0Adeclare it: `networks: {frontt: }`",
        ];
        for words in ["config", "up -d", "test -- true", "plan"] {
            story.step(words).runs(&format!("-f sub/compose.yaml {words}")).exits(1);
            let marks = lines(story, &["::error", "::warning"]);
            let same = marks == expect;
            story.must(same, &format!("the marks: {marks:#?}"));
        }
        story
            .step("for programs")
            .runs("-f sub/compose.yaml --progress json up -d")
            .exits(1)
            .does_not_note("::");
        let first = story.noted().lines().next().unwrap_or_default().to_owned();
        story.must(first.starts_with('{'), &first);
    });
}

#[test]
fn pain_33_a_gate_that_fails_is_marked_once_and_told_last() {
    scenario("on GitHub a start that fails must be one mark, at the probe, with the diagnosis", |story| {
        on_github(story);
        story.file("compose.yaml", NEVER).step("up").runs("up -d --wait").exits(1).does_not_note("\u{1b}");
        let marks = lines(story, &["::"]);
        let [begin, end, mark] = marks.as_slice() else { story.fail(&format!("three marks: {marks:#?}")) };
        story.must(begin == "::group::Bring up PROJECT" && end == "::endgroup::", &format!("{marks:#?}"));
        let starts = "::error file=compose.yaml,line=6,col=18,title=stack::dependency failed to start: container \
                      PROJECT-db-1 is unhealthy%0A  waiting for it: web%0A  state: running, after N s%0A  last probes (";
        let ends = "%0A    exit 3: BOOM: 50%25%0A  last lines of PROJECT-db-1:%0A    no disk%0A  defined at compose.yaml:6:18";
        story.must(mark.starts_with(starts) && mark.ends_with(ends), mark);
        let said = story.noted().to_owned();
        let last = said.lines().rev().find(|line| !line.starts_with("::")).unwrap_or_default();
        story.must(
            last.contains("defined at compose.yaml:6:18"),
            &format!("the failure is told last: {said}"),
        );
        let summary = story.read("summary.md");
        story.must(summary.starts_with("### ❌ stack up: "), &summary);
        story.must(summary.contains("| db | healthy | failed, running (unhealthy) |"), &summary);
        story.must(summary.contains("Where the time went"), &summary);
    });
}

#[test]
fn a_test_has_sections_and_a_summary_where_the_log_is_read_for_them() {
    scenario("each system must get the sections that it knows, around what the command says", |story| {
        let file = "services: {web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL}}\n";
        story.file("compose.yaml", file);
        on_github(story);
        story.step("GitHub").runs("test -- echo hi").exits(0);
        let expect = [
            "::group::Bring up PROJECT-test-abcde",
            "::endgroup::",
            "Running echo hi",
            "::group::Take down PROJECT-test-abcde",
            "::endgroup::",
        ];
        let marks = lines(story, &["::", "Running "]);
        story.must(marks == expect, &format!("{marks:#?}"));
        let summary = story.read("summary.md");
        story
            .must(summary.starts_with("### ✅ stack test: ") && summary.contains("`echo hi` took"), &summary);
        story.environment("GITHUB_ACTIONS", "").environment("GITLAB_CI", "true").step("GitLab");
        story.runs("test -- echo hi").exits(0);
        let starts = story.noted().matches("\u{1b}[0Ksection_start:").count();
        let ends = story.noted().matches("\u{1b}[0Ksection_end:").count();
        story.must((starts, ends) == (2, 2), "two sections, each with its end");
        story.environment("GITLAB_CI", "").environment("BUILDKITE", "true").step("Buildkite");
        story.runs("test -- echo hi").exits(0);
        let expect = ["--- Bring up PROJECT-test-abcde", "+++ echo hi", "--- Take down PROJECT-test-abcde"];
        let marks = lines(story, &["---", "+++", "^^^"]);
        story.must(marks == expect, &format!("{marks:#?}"));
        story.environment("BUILDKITE", "").step("none").runs("test -- echo hi").exits(0);
        let marks = lines(story, &["---", "+++", "::"]);
        story.must(marks.is_empty() && !story.noted().contains('\u{1b}'), &format!("{marks:#?}"));
    });
}

#[test]
fn pain_33_a_log_that_nobody_looks_at_is_short_and_plain() {
    scenario("without a terminal there must be four lines a service at most, and no escapes", |story| {
        let service =
            |n| format!("  s{n}: {{image: busybox, command: sleep infinity, stop_signal: SIGKILL}}\n");
        let file = format!("services:\n{}", (1..=10).map(service).collect::<String>());
        story.file("compose.yaml", &file).step("cold").runs("up -d").exits(0).does_not_note("\u{1b}");
        for number in 1..=10 {
            let name = format!("{}-s{number}-1 ", story.project());
            let count = story.noted().lines().filter(|line| line.contains(&name)).count();
            story.must((1..=4).contains(&count), &format!("{count} lines of s{number}"));
        }
        story.step("in the terminal of a job").runs("down").exits(0).environment("BUILDKITE", "true");
        let mut terminal = story.types("up -d");
        terminal.shows(" Started\r\n", 10);
        terminal.ends();
        let said = terminal.screen();
        story.must(!said.contains("\u{1b}["), &format!("no escapes: {said}"));
        story.must(said.contains(" Started\r\n"), &format!("lines: {said}"));
    });
}
