//! `stack test`: a copy of the project, a command, and nothing left of either.

use crate::support::fake_engine::Fault;
use crate::support::place::block_on;
use crate::support::scenario::{Scenario, on_the_fake, on_the_real, scenario};
use rustix::process::Signal;
use serde_json::Value;
use std::time::Duration;

/// A server with everything that only one project can have, a database that is ready a little later, and a job.
const FILE: &str = "\
services:
  web:
    image: busybox
    container_name: PROJECT-site
    command: sh -c 'mkdir /www && echo here I am > /www/index.html && exec httpd -f -p 80 -h /www'
    stop_signal: SIGKILL
    ports: ['8080:80']
    depends_on: {db: {condition: service_healthy}}
  db:
    image: busybox
    command: sh -c 'echo opening; sleep 0.3; touch /ready; exec sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, test -f /ready], interval: 1s}
    volumes: ['data:/data', /cache]
  migrate:
    image: busybox
    command: sh -c 'echo migrating; exit 0'
volumes: {data: {}}
";

/// A database that never gets ready, and says why.
const NEVER: &str = "\
services:
  db:
    image: busybox
    command: sh -c 'echo no disk; exec sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {test: [CMD-SHELL, 'echo BOOM; exit 3'], interval: 200ms, timeout: 5s, retries: 2}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}}
";

/// How often signals come at random, by hand: `STACK_TEST_SIGNALS=20`.
const SIGNALS: &str = "STACK_TEST_SIGNALS";

fn write<'a, 'b>(story: &'a mut Scenario<'b>, text: &str) -> &'a mut Scenario<'b> {
    let text = text.replace("PROJECT", story.project());
    story.file("compose.yaml", &text)
}

/// What there is of copies of the project.
fn copies(story: &Scenario<'_>) -> Vec<String> {
    let label = format!("dev.stack.instance.of={}", story.project());
    let kinds = ["containers", "networks", "volumes"];
    let rows = kinds.iter().flat_map(|kind| story.labelled(kind, &label));
    let name = |row: Value| row["Names"][0].as_str().or(row["Name"].as_str()).unwrap_or_default().to_owned();
    let mut names: Vec<String> = rows.map(name).collect();
    names.sort();
    names
}

#[track_caller]
fn nothing_left(story: &mut Scenario<'_>) {
    let left = copies(story);
    story.must(left.is_empty(), &format!("nothing is left, and not {left:?}"));
}

#[test]
fn a_command_finds_where_everything_is_and_nothing_is_left() {
    scenario("a test that passes must end with 0 and leave nothing", |story| {
        write(story, FILE).file("check.sh", "env | grep ^STACK_ | sort; echo it was here >&2\n");
        story
            .step("green")
            .runs("test -- sh check.sh")
            .exits(0)
            .notes("it was here")
            .notes("Passed: ready after");
        let said = story.printed().to_owned();
        let lines: Vec<&str> = said.lines().collect();
        let [project, host, port, url] = lines.as_slice() else { story.fail("four variables") };
        story.must(*host == "STACK_WEB_HOST=127.0.0.1", host);
        let starts = format!("STACK_PROJECT={}-test-", story.project());
        story.must(project.starts_with(&starts), project);
        let port = port.strip_prefix("STACK_WEB_PORT_80=").unwrap_or_default();
        story.must(!port.is_empty() && port != "8080", "the port is one of its own");
        story.must(*url == format!("STACK_WEB_URL=http://127.0.0.1:{port}"), url);
        nothing_left(story);
        story.step("without a command").runs("test").exits(0).notes("Passed: ready after");
        nothing_left(story);
        story.step("some of it").runs("test migrate").exits(0).does_not_note("db-1");
    });
}

#[test]
fn a_command_is_told_of_its_copy_whatever_asks_for_one() {
    scenario("a script must reach its own copy with `stack exec`, and a copy may be of a copy", |story| {
        write(story, FILE).file("check.sh", "echo $COMPOSE_PROJECT_NAME ${STACK_INSTANCE:-none}\n");
        story.environment("STACK_INSTANCE", "mine").step("a copy of an instance").runs("test -- sh check.sh");
        let starts = format!("{}-mine-test-", story.project());
        story.exits(0).prints(&starts).prints(" none\n");
        nothing_left(story);
    });
}

#[test]
fn pain_24_the_code_of_the_command_comes_through() {
    scenario("the command's exit code must be the test's, and shells' codes where it has none", |story| {
        write(story, FILE).file("red.sh", "exit 7\n").file("killed.sh", "kill -9 $$\n").file("plain", "x");
        story
            .step("red")
            .runs("test -- sh red.sh")
            .exits(7)
            .notes("Failed: `sh red.sh`: it ended with exit code 7");
        story.step("killed").runs("test -- sh killed.sh").exits(137).notes("it was ended by signal 9");
        story.step("not there").runs("test -- no-such-program").exits(127).notes("command not found");
        story.step("no program").runs("test -- ./plain").exits(126).notes("cannot be run");
        nothing_left(story);
        story.step("in a service").runs_words(&["test", "--exec", "db", "--", "sh", "-c", "exit 4"]);
        if !story.is_fake() {
            story.exits(4);
        }
        story.step("in none").runs("test --exec dv -- true").exits(1).notes("no such service: dv");
        story.step("mistakes").runs("test --prots fixed").exits(1).notes("unexpected argument");
        story
            .file("compose.yaml", "services: {web: {imge: x}}\n")
            .runs("test -- true")
            .exits(1)
            .notes("imge");
        nothing_left(story);
    });
}

#[test]
fn a_command_in_a_service_reaches_the_others_by_their_names() {
    on_the_real("a command in a service must find the endpoints as they are in there", |story| {
        write(story, FILE).step("inside");
        let script = "echo $STACK_WEB_URL; wget -qO- $STACK_WEB_URL; echo end >&2; exit 3";
        story.runs_words(&["test", "--exec", "db", "--", "sh", "-c", script]).exits(3).notes("end\n");
        story.must(story.printed() == "http://web:80\nhere I am\n", "it has reached the other one");
        nothing_left(story);
    });
}

#[test]
fn pain_2_what_never_gets_ready_is_told_with_its_diagnosis_to_people_and_programs() {
    scenario("a test whose environment does not come up must say why, everywhere", |story| {
        write(story, NEVER);
        let words = "test --report out/junit.xml --report-json out/report.json -- touch ran";
        story.step("up").runs(words).exits(125).notes("db-1 is unhealthy").notes("BOOM").notes("no disk");
        story.notes("Not ready: given up after").notes("db        healthy   failed, running (unhealthy)");
        story.must(!story.folder().join("ran").exists(), "the command was not run");
        nothing_left(story);
        let parsed = junit_parser::from_reader(story.read("out/junit.xml").as_bytes()).expect("it is JUnit");
        let [suite] = parsed.suites.as_slice() else { story.fail("one suite") };
        story.must((suite.tests, suite.failures, suite.skipped, suite.errors) == (2, 1, 1, 0), "the counts");
        let db = suite.cases.iter().find(|case| case.original_name == "db is healthy").cloned();
        let Some(db) = db else { story.fail("a case for db") };
        let junit_parser::TestStatus::Failure(failure) = &db.status else { story.fail("db failed") };
        story.must(failure.message.contains("db-1 is unhealthy"), &failure.message);
        story.must(failure.text.contains("BOOM") && failure.text.contains("compose.yaml:"), &failure.text);
        let report = json(story, "out/report.json");
        story.must(report["verdict"] == "not_ready" && report["exit_code"] == 125, &report.to_string());
        story.must(report["services"][0]["diagnosis"]["probes"][0]["exit_code"] == 3, &report.to_string());
    });
}

/// A report as JSON, which is as its schema says.
fn json(story: &Scenario<'_>, path: &str) -> Value {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/test.schema.json");
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(schema).expect("the schema")).expect("JSON");
    let report: Value = serde_json::from_str(&story.read(path)).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator.validate(&report).unwrap_or_else(|error| panic!("{error}: {report:#}"));
    report
}

#[test]
fn the_schema_of_reports_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/test.schema.json");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    let hint = "out of date; run `cargo run --example schema test > schema/test.schema.json`";
    assert!(written == stack::ops::testing::Report::schema(), "{hint}");
}

#[test]
fn reports_have_a_case_for_each_service_and_one_for_the_command() {
    scenario("a report must know every service and the command, by names that stay the same", |story| {
        write(story, FILE);
        let words =
            ["test", "--report", "junit.xml", "--report-json", "report.json", "--", "sh", "-c", "exit 5"];
        story.step("red").runs_words(&words).exits(5);
        let report = story.read("junit.xml");
        let root = report.lines().nth(1).unwrap_or_default().to_owned();
        story.must(root.starts_with("<testsuites name=") && !root.contains("skipped"), &root);
        let parsed = junit_parser::from_reader(report.as_bytes()).expect("it is JUnit");
        let [suite] = parsed.suites.as_slice() else { story.fail("one suite") };
        let names: Vec<&str> = suite.cases.iter().map(|case| case.original_name.as_str()).collect();
        let expect = ["db is healthy", "migrate is completed", "sh -c 'exit 5'", "web is running"];
        let mut sorted = names.clone();
        sorted.sort_unstable();
        story.must(sorted == expect, &format!("the cases: {names:?}"));
        let class = format!("stack.{}", story.project());
        let same = suite.cases.iter().all(|case| case.classname.as_deref() == Some(class.as_str()));
        story.must(
            same && suite.name == story.project(),
            "the names are those of the project, not of the copy",
        );
        story.must(suite.failures == 1 && suite.skipped == 0, &report);
        let report = json(story, "report.json");
        story.must(report["verdict"] == "failed" && report["services"][1]["outcome"] == "reached", "JSON");
        story.must(report["timings"]["services"][0]["service"].is_string(), &report.to_string());
        story
            .step("where it cannot be written")
            .file("no/file", "")
            .runs("test --report no/file/x.xml -- true");
        story.exits(1).notes("the report cannot be written").does_not_note("Bringing up");
    });
}

#[test]
fn pain_11_four_at_once_with_one_fixed_port_do_not_clash() {
    scenario("tests of one project must run side by side", |story| {
        write(story, FILE).file("check.sh", "echo $STACK_WEB_PORT_80; sleep 1\n");
        let mut all: Vec<_> = (0..4).map(|_| story.begins("test -- sh check.sh")).collect();
        for one in &all {
            one.says("Passed: ready after");
        }
        for one in all.drain(..) {
            story.ends(one).exits(0);
        }
        nothing_left(story);
        story
            .step("the port of the file")
            .runs("test --ports fixed -- sh check.sh")
            .exits(0)
            .prints("8080\n");
        nothing_left(story);
    });
}

#[test]
fn pain_25_a_signal_at_any_moment_leaves_nothing() {
    #[expect(clippy::disallowed_methods, reason = "how the tests are told how often")]
    let times: u64 = std::env::var(SIGNALS).ok().and_then(|times| times.parse().ok()).unwrap_or(3);
    on_the_real("whenever a signal comes, nothing must be left and the code must say so", |story| {
        write(story, FILE);
        for round in 0..times {
            for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
                // From the very begin to the time when it takes itself away; other moments each time.
                let random =
                    u64::from(std::process::id()) * 7919 + round * 613 + u64::from(code == 143) * 331;
                let moment = Duration::from_millis(random % 3000);
                story.step(&format!("{signal:?} after {moment:?}"));
                let mut test = story.goes_on("test -- sleep 1");
                block_on(async { tokio::time::sleep(moment).await });
                test.signal(signal);
                let ended = test.ends();
                let said = test.lines().join("\n");
                // One that had not begun is ended by the system, and one that was over has passed.
                let expected = match ended {
                    None => !said.contains("Bringing up"),
                    Some(0) => said.contains("Passed"),
                    Some(other) => other == code,
                };
                story.must(expected, &format!("{ended:?}: {said}"));
                nothing_left(story);
            }
        }
    });
}

#[test]
fn a_signal_is_told_to_the_command_and_a_second_one_hurries() {
    on_the_real("a command must have its chance to end, and the user the last word", |story| {
        let stubborn = "services: {web: {image: busybox, command: sleep infinity, stop_grace_period: 40s}}\n";
        story.file("compose.yaml", stubborn);
        let script = "trap 'echo cleaning > cleaned; exit 9' TERM; echo began > began; while true; do sleep 0.1; done\n";
        story.file("long.sh", script).step("SIGTERM while the command runs");
        let mut test = story.goes_on("test -- sh long.sh");
        wait_for(story, "began");
        let began = std::time::Instant::now();
        test.signal(Signal::TERM);
        wait_for(story, "cleaned");
        test.says("Taking down", 1);
        test.says("web-1 Stopping", 1);
        story.step("and once more while everything is stopped");
        test.signal(Signal::TERM);
        let ended = test.ends();
        story.must(ended == Some(143), &format!("{ended:?}"));
        story.must(began.elapsed() < Duration::from_secs(30), "nobody waited for the grace of 40 s");
        nothing_left(story);
    });
}

fn wait_for(story: &Scenario<'_>, file: &str) {
    for _ in 0..600 {
        if story.folder().join(file).exists() {
            return;
        }
        block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    }
    story.fail(&format!("`{file}` is written"));
}

#[test]
fn pain_25_what_a_killed_run_left_goes_with_the_next() {
    for next in ["test", "--project-name another up -d"] {
        scenario("what a run that was killed has left must go with the next `test` or `up`", |story| {
            write(story, FILE).file("long.sh", "echo began > began; exec sleep 5\n").step("SIGKILL");
            let mut test = story.begins("test -- sh long.sh");
            wait_for(story, "began");
            test.kill();
            drop(test);
            if story.is_fake() {
                // On an engine that others use too, one of them may have been quicker.
                story.must(copies(story).len() > 4, "something is left");
            }
            story.step("the next").file("other.yaml", "services: {x: {image: busybox, command: 'true'}}\n");
            let file = if next == "test" { "compose.yaml" } else { "other.yaml" };
            let another = format!("{}-b", story.project());
            let words = format!("-f {file} {}", next.replace("--project-name another", ""));
            let next = story.begins_for(&another, &words);
            story.ends(next).exits(0);
            if story.is_fake() {
                story.notes("Removing (the run that made it was killed)");
            }
            nothing_left(story);
            let down = story.begins_for(&another, "-f other.yaml down -t 0");
            story.ends(down);
        });
    }
}

#[test]
fn what_somebody_has_made_their_own_is_not_swept() {
    on_the_fake("what was left behind and is used since must stay", |story, _fake| {
        write(story, FILE).file("long.sh", "echo $STACK_PROJECT > name; exec sleep 5\n").step("SIGKILL");
        let mut test = story.begins("test -- sh long.sh");
        wait_for(story, "name");
        test.kill();
        drop(test);
        let name = story.read("name").trim().to_owned();
        story.file("own.yaml", "services: {mine: {image: busybox, command: sleep infinity}}\n");
        story.step("it is taken over");
        let up = story.begins_for(&name, "-f own.yaml up -d");
        story.ends(up).exits(0);
        let before = copies(story).len();
        story.step("and the next test").runs("test").exits(0);
        story.must(copies(story).len() == before && before > 4, "all of it is there");
    });
}

#[test]
fn what_is_kept_stays_until_it_is_taken_down() {
    scenario(
        "`--keep` must leave the environment, and say how to look at it and how to remove it",
        |story| {
            write(story, FILE).file("red.sh", "exit 7\n");
            story.step("green").runs("test --keep=on-failure -- true").exits(0).does_not_note("Kept");
            nothing_left(story);
            story.step("red").runs("test --keep=on-failure -- sh red.sh").exits(7);
            let kept =
                story.noted().lines().find_map(|line| line.strip_prefix("Kept: ")).map(ToOwned::to_owned);
            let Some(kept) = kept else { story.fail("it says what is kept") };
            story.notes(&format!("remove it with  `stack -p {kept} down -v --rmi local`"));
            let before = copies(story);
            story.must(before.len() > 4, &format!("it is there: {before:?}"));
            story.step("others do not take it away").runs("test migrate").exits(0);
            story.must(copies(story) == before, "it is still there");
            story.step("down");
            let down = story.begins_for(&kept, "down -v");
            story.ends(down).exits(0);
            nothing_left(story);
            story.step("always").runs("test --keep migrate -- true").exits(0).notes("Kept: ");
        },
    );
}

#[test]
fn a_limit_of_time_ends_everything_with_124() {
    scenario("`--timeout` must end the command, and the wait", |story| {
        write(story, FILE);
        story.step("the command").runs("test --timeout 3 -- sleep 60").exits(124).notes("Timed out: ");
        nothing_left(story);
        let never = NEVER.replace("interval: 200ms", "interval: 24h");
        write(story, &never).step("the wait").runs("test --timeout 2 --report r.xml -- true").exits(124);
        story.notes("db        healthy   not yet, running (starting)");
        let parsed = junit_parser::from_reader(story.read("r.xml").as_bytes()).expect("it is JUnit");
        story.must(parsed.failures + parsed.errors == 2, &story.read("r.xml"));
        nothing_left(story);
        story.step("the wait alone").runs("test --wait-timeout 1 -- true").exits(125);
        story.notes("was not ready within 1 s");
        nothing_left(story);
    });
}

#[test]
fn logs_of_all_containers_are_gathered_with_their_times() {
    scenario("`--logs-dir` must have the log of each container", |story| {
        write(story, FILE).step("green").runs("test --logs-dir out/logs -- true").exits(0);
        let (db, job) = (story.read("out/logs/db-1.log"), story.read("out/logs/migrate-1.log"));
        story.must(db.contains("Z opening\n") && job.contains("Z migrating\n"), &format!("{db}{job}"));
        story.must(story.folder().join("out/logs/web-1.log").exists(), "also of one that was silent");
        write(story, NEVER).step("never ready").runs("test --logs-dir bad -- true").exits(125);
        story.must(story.read("bad/db-1.log").contains("Z no disk\n"), "what it said is there");
        nothing_left(story);
    });
}

#[test]
fn an_engine_that_is_gone_is_told_and_reported() {
    scenario("without an engine a test must say so, once, also in its report", |story| {
        write(story, FILE).environment("DOCKER_HOST", "unix:///no/such.sock").step("gone");
        story
            .runs("test --report r.xml -- touch ran")
            .exits(125)
            .notes("no engine answers at unix:///no/such.sock");
        story.notes("is the engine running?").does_not_note("already");
        let said = story.noted().matches("no engine answers").count();
        story.must(said == 1, &format!("it is said {said} times"));
        let parsed = junit_parser::from_reader(story.read("r.xml").as_bytes()).expect("it is JUnit");
        story.must(parsed.errors == 1 && !story.folder().join("ran").exists(), &story.read("r.xml"));
    });
}

#[test]
fn without_isolation_what_was_there_stays_there() {
    scenario("`--no-isolate` must use the project itself, and remove nothing that was there", |story| {
        write(story, FILE).file("check.sh", "echo $STACK_PROJECT\n").step("nothing is up");
        story.runs("test --no-isolate -- sh check.sh").exits(0);
        story.must(story.printed() == format!("{}\n", story.project()), "it is the project itself");
        story.gone("web");
        let has_data = story.has_volume(&format!("{}_data", story.project()));
        story.must(has_data, "its data stays");
        story.step("it is up").runs("up -d --wait").exits(0);
        let before = story.look();
        story.step("beside").runs("test --no-isolate -- sh check.sh").exits(0).kept(&before, "web");
    });
}

#[test]
fn a_rehearsal_shows_the_plan_and_runs_nothing() {
    scenario("`--dry-run test` must do nothing", |story| {
        write(story, FILE)
            .step("dry")
            .runs("--dry-run test -- touch ran")
            .exits(0)
            .prints("-site-test-")
            .changed_nothing();
        story.must(!story.folder().join("ran").exists(), "the command was not run");
        nothing_left(story);
    });
}

#[test]
fn ctrl_c_at_a_terminal_is_told_as_such_although_it_ends_the_command_too() {
    scenario("Ctrl-C must end the test, and not look like a command that failed", |story| {
        write(story, FILE).file("long.sh", "echo began; exec sleep 30\n").step("in a terminal");
        let mut terminal = story.types("test -- sh long.sh");
        terminal.shows("began", 1);
        terminal.press("\u{3}").shows("Interrupted after", 1);
        let ended = terminal.ends();
        story.must(ended == Some(130), &format!("{ended:?}"));
        nothing_left(story);
    });
}

#[test]
fn on_a_terminal_what_the_command_says_stays_on_the_screen() {
    scenario("rows that are redrawn must make way for the command", |story| {
        write(story, FILE)
            .file("talk.sh", "echo first of two; sleep 1; echo second of two\n")
            .step("in a terminal");
        let mut terminal = story.types("test -- sh talk.sh");
        terminal.shows("Passed: ready after", 1);
        terminal.ends();
        let said = terminal.screen();
        let place = |text: &str| said.find(text).unwrap_or_else(|| story.fail(&format!("`{text}`: {said}")));
        let running = place(" Running (sh talk.sh)\r\n");
        let (first, second) = (place("first of two\r\n"), place("second of two\r\n"));
        let after = said.get(running..second).unwrap_or_default();
        // From when the command begins until it has said all, nothing moves the cursor.
        let is_quiet = running < first && first < second && !after.contains('\u{1b}');
        if !is_quiet {
            story.fail(&format!("nothing is drawn over it: {after:?}"));
        }
        place("Taking down");
    });
}

#[test]
fn images_that_were_built_for_a_copy_go_with_it() {
    scenario("a test must leave no image of its own, also when it was killed", |story| {
        let file = "services:\n  web:\n    build: .\n    command: sleep infinity\n    stop_signal: SIGKILL\n";
        story.file("compose.yaml", file).file("Dockerfile", "FROM busybox\nENV A=b\n");
        story.file("long.sh", "echo $STACK_PROJECT > name; exec sleep 5\n");
        let images = |story: &Scenario<'_>, project: &str| {
            story.labelled("images/json", &format!("com.docker.compose.project={project}")).len()
        };
        story.step("green").runs("test -- sh -c :").exits(0);
        story.runs("test --keep -- sh long.sh").exits(0);
        let kept = story.read("name").trim().to_owned();
        story.must(images(story, &kept) == 1, "the image of one that is kept is there");
        let down = story.begins_for(&kept, "down -v --rmi local");
        story.ends(down).exits(0);
        story.must(images(story, &kept) == 0, "its image goes when it is taken down as it was said");
        std::fs::remove_file(story.folder().join("name")).expect("it was written");
        story.step("SIGKILL");
        let mut test = story.begins("test -- sh long.sh");
        wait_for(story, "name");
        test.kill();
        drop(test);
        let name = story.read("name").trim().to_owned();
        story.step("the next").runs("test -- true").exits(0);
        story.must(images(story, &name) == 0, "the image is gone");
        nothing_left(story);
        story.step("nothing at all");
        let said = story.noted().to_owned();
        let own = said.lines().find_map(|line| line.trim().strip_prefix("Project ")?.split(' ').next());
        let own = own.unwrap_or_default().to_owned();
        story.must(own.contains("-test-") && images(story, &own) == 0, &format!("none of `{own}`"));
    });
}

#[test]
fn what_cannot_be_taken_away_is_told_and_no_success() {
    on_the_fake("a test that leaves something must not end with 0", |story, fake| {
        write(story, FILE).step("a network that stays");
        fake.trap(
            1,
            "DELETE",
            "/networks/*",
            Fault::Refuse { status: 500, message: "out of order".to_owned() },
        );
        story.runs("test --report r.xml -- true").exits(1).notes("not everything was taken away");
        story.notes(" down -v --rmi local` takes away what is left").notes("left: network ");
        let parsed = junit_parser::from_reader(story.read("r.xml").as_bytes()).expect("it is JUnit");
        story.must(parsed.errors == 1 && parsed.failures == 0, &story.read("r.xml"));
        fake.heal();
        story.step("a command that failed as well");
        fake.trap(
            1,
            "DELETE",
            "/networks/*",
            Fault::Refuse { status: 500, message: "out of order".to_owned() },
        );
        story.runs("test -- false").exits(1).runs("test -- sh -c exit").exits(0);
    });
}
