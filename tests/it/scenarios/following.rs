//! `events`, `stats`, `attach`, `completion`.

use crate::support::forward::severable;
use crate::support::scenario::{Scenario, on_the_real, scenario};
use serde_json::Value;

const SHOP: &str = "\
services:
  web:
    image: busybox
    command: sh -c 'while sleep 0.1; do :; done'
    stop_signal: SIGKILL
    labels: {colour: red}
  job: {image: busybox, command: sh -c 'exit 3'}
";

#[test]
fn events_of_the_past_are_told_as_text_and_as_json() {
    on_the_real("each event must be told once, without the tools' own labels", |story| {
        story.file("compose.yaml", SHOP);
        story.runs("up -d").exits(0).runs("stop -t 0 web").exits(0);
        story.runs("events --json --since 5m --until 0s").exits(0);
        let events: Vec<Value> =
            story.printed().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let of = |service: &str| -> Vec<String> {
            let own = events.iter().filter(|event| event["service"] == service);
            own.map(|event| event["action"].as_str().unwrap_or_default().to_owned()).collect()
        };
        // When the engine tells of the signal, and when it takes the stop for done, is its own affair.
        let mut web = of("web");
        web.retain(|action| ["create", "start", "die"].contains(&action.as_str()));
        story.must(web == ["create", "start", "die"], &format!("in order: {web:?}"));
        story.must(of("job") == ["create", "start", "die"], "of every service");
        let start =
            &events.iter().find(|event| event["service"] == "web" && event["action"] == "start").expect("it");
        let name = format!("{}-web-1", story.project());
        let expect = serde_json::json!({"image": "busybox", "name": name, "colour": "red"});
        story.must(start["attributes"] == expect, &format!("no more than that: {start}"));
        let keys: Vec<&String> = start.as_object().expect("an object").keys().collect();
        story.must(keys == ["action", "attributes", "id", "service", "time", "type"], "the reference's keys");
        story.runs("events --since 5m --until 0s job").exits(0);
        let lines: Vec<String> = story.printed().lines().map(ToOwned::to_owned).collect();
        story.must(lines.len() == 3, "a line each");
        let id = events.iter().find(|event| event["service"] == "job").expect("it")["id"].clone();
        let end = format!(" container die {} (", id.as_str().unwrap_or_default());
        story.must(
            lines[2].contains(&end) && lines[2].contains("exitCode=3"),
            &format!("in words: {}", lines[2]),
        );
        story.runs("events --since yesterdayish").exits(1).notes("invalid --since");
        story.runs("-f compose.yaml events webb").exits(1).notes("did you mean `web`?");
    });
}

#[test]
fn events_go_on_until_they_are_interrupted() {
    on_the_real("what happens must be told as it happens", |story| {
        story.file("compose.yaml", SHOP);
        let events = story.begins("events");
        // The first may come before it listens.
        for _ in 0..3 {
            story.runs("up -d --force-recreate web").exits(0);
        }
        events.says("container start");
        events.interrupt();
        story.ends(events).exits(130);
    });
}

#[test]
fn events_go_on_where_the_engine_stopped_talking() {
    on_the_real("a cut connection must lose no event and tell none twice", |story| {
        story.file("compose.yaml", SHOP);
        let host = story.host().to_owned();
        let (address, line) = severable(&host);
        story.environment("DOCKER_HOST", &address);
        let events = story.begins("events --json --since 1m web");
        story.environment("DOCKER_HOST", &host).runs("up -d web").exits(0);
        events.says("\"action\":\"start\"");
        line.cut();
        events.says("the engine has stopped talking");
        story.runs("stop -t 0 web").exits(0);
        events.says("\"action\":\"die\"");
        let lines: Vec<String> =
            events.text().lines().filter(|line| line.starts_with('{')).map(ToOwned::to_owned).collect();
        events.interrupt();
        story.ends(events).exits(130);
        let mut once = lines.clone();
        once.sort();
        once.dedup();
        story.must(once.len() == lines.len(), "none is told twice");
        let told = |action: &str| lines.iter().any(|line| line.contains(&format!("\"action\":\"{action}\"")));
        story.must(told("create") && told("start") && told("die"), "none is lost");
    });
}

#[test]
fn stats_are_told_in_the_columns_of_the_docker_command_line() {
    on_the_real("a sample must be told once, for tables and programs", |story| {
        story.file("compose.yaml", SHOP);
        story.runs("up -d").exits(0);
        story.runs("stats --no-stream").exits(0);
        let mut lines = story.printed().lines().map(ToOwned::to_owned).collect::<Vec<_>>().into_iter();
        let header = lines.next().unwrap_or_default();
        let columns: Vec<&str> =
            header.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
        let expect =
            ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"];
        story.must(columns == expect, "the columns");
        story.must(lines.any(|line| line.contains("-web-1 ")), "what runs");
        story.runs("stats --no-stream --format json web").exits(0);
        let row: Value = serde_json::from_str(story.printed().trim()).expect("JSON");
        story.must(row["PIDs"] == "2" || row["PIDs"] == "1", &format!("its processes: {row}"));
        story.must(
            row["CPUPerc"].as_str().is_some_and(|text| text.ends_with('%')),
            "its share of a processor",
        );
        story.must(row["MemUsage"].as_str().is_some_and(|text| text.contains("iB / ")), "its memory");
        if story.has_reference() {
            story.reference_runs("stats --no-stream --format json web").exits(0);
            let theirs: Value = serde_json::from_str(story.printed().trim()).expect("JSON");
            let keys = |row: &Value| row.as_object().map(|row| row.keys().cloned().collect::<Vec<_>>());
            story.must(keys(&row) == keys(&theirs), "the reference's keys");
            story.must(
                row["MemUsage"].as_str().map(|text| text.split_once('/').map(|parts| parts.1.to_owned()))
                    == theirs["MemUsage"]
                        .as_str()
                        .map(|text| text.split_once('/').map(|parts| parts.1.to_owned())),
                "the same limit",
            );
        }
        story.runs("stats --no-stream -a job").exits(0).prints("0B / 0B");
        story.runs("stats web job").exits(1);
        let stats = story.begins("stats");
        stats.says("CONTAINER ID");
        stats.interrupt();
        story.ends(stats).exits(130);
    });
}

fn attached(story: &mut Scenario<'_>, command: &str) {
    let text = format!(
        "services: {{app: {{image: busybox, stop_signal: SIGKILL, stdin_open: true, command: {command}}}}}\n"
    );
    story.file("compose.yaml", &text);
    story.runs("up -d").exits(0);
}

#[test]
fn attach_shows_what_is_written_passes_signals_on_and_ends_with_the_code() {
    on_the_real("attach must join this terminal to the program", |story| {
        attached(
            story,
            r#"["sh", "-c", "trap 'echo bye; exit 5' INT; while :; do echo tick; sleep 0.1; done"]"#,
        );
        let attach = story.begins("attach --no-stdin app");
        attach.says("tick");
        attach.interrupt();
        attach.says("bye");
        story.ends(attach).exits(5);
        story.runs("attach app").exits(1).notes("service \"app\" is not running");
        story.step("without passing them on").runs("up -d").exits(0);
        let attach = story.begins("attach --no-stdin --sig-proxy=false app");
        attach.says("tick");
        attach.interrupt();
        story.ends(attach).exits(130);
        story.running("app", &[1]);
    });
}

#[test]
fn attach_gives_the_program_what_is_typed() {
    on_the_real("standard input must reach the program", |story| {
        attached(story, r#"["sh", "-c", "read line; echo got $$line; sleep 0.3; exit 6"]"#);
        let stack = env!("CARGO_BIN_EXE_stack");
        let words = format!("echo hello | {stack} -p {} attach app", story.project());
        let ran = std::process::Command::new("sh")
            .args(["-c", &words])
            .env("DOCKER_HOST", story.host())
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        story.must(said == "got hello\n" && ran.status.code() == Some(6), &format!("{said} {ran:?}"));
    });
}

#[test]
fn attach_in_a_terminal_lets_go_of_the_program_by_keys() {
    on_the_real("a terminal must be the program's until it lets go, and as it was afterwards", |story| {
        let text = "services: {app: {image: busybox, stop_signal: SIGKILL, stdin_open: true, tty: true, command: sh}}\n";
        story.file("compose.yaml", text);
        story.runs("up -d").exits(0);
        let mut attach = story.types("attach --detach-keys ctrl-x,d app");
        // The shell draws its prompt anew for the size of this terminal.
        attach.shows("/ #", 1);
        attach.press("echo in-$((40+2))\r");
        attach.shows("in-42", 1);
        attach.press("stty size\r");
        attach.shows("40 120", 1);
        attach.press("\u{18}d");
        attach.shows("goes on running", 1);
        story.must(attach.ends() == Some(0), "letting go is no failure");
        story.must(attach.is_as_before(), "the terminal is as it was");
        story.running("app", &[1]);
        let mut attach = story.types("attach app");
        attach.shows("/ #", 1);
        attach.press("exit 9\r");
        story.must(attach.ends() == Some(9), "the program's end is its code");
    });
}

#[test]
fn completion_knows_commands_flags_and_services() {
    scenario("what may come next must be known to shells and to the docker command", |story| {
        story
            .step("a project")
            .file("compose.yaml", "services: {web: {image: x}, db: {image: y, profiles: [dbs]}}");
        let asks = [
            (&["__complete", "sc"][..], "scale\tSet how many", ":4"),
            (&["__complete", "up", ""], "web\tx\n", ":4"),
            (&["__complete", "up", "web", ""], "db\ty\n", ":4"),
            (&["__complete", "--profile", ""], "dbs\n", ":4"),
            (&["__complete", "up", "--scale", "w"], "web=\tx", ":4"),
            (&["__complete", "config", "--format", "j"], "json\tJSON", ":4"),
            (&["__complete", "up", "--no-de"], "--no-deps\t", ":4"),
            (&["__complete", "-f", "comp"], "", ":0"),
            (&["__complete", "exec", "web", ""], "", ":0"),
            (&["__complete", "exec", "web", "ls", "-"], "", ":0"),
            (&["__complete", "-pother", "up", "w"], "web\t", ":4"),
        ];
        for (words, expect, directive) in asks {
            let (code, told) = said(story, words);
            story.must(code == Some(0) && told.contains(expect), &format!("{words:?}: {told}"));
            story.must(told.ends_with(&format!("{directive}\n")), &format!("{words:?}: {told}"));
        }
        let (_, told) = said(story, &["__complete", "up", "web", ""]);
        story.must(!told.contains("web"), "what was named is not offered again");
        story.step("scripts");
        for shell in ["powershell", "elvish"] {
            story.runs(&format!("completion {shell}")).exits(0).prints("watch").prints("instances");
        }
        story.runs("completion").exits(1);
        story.runs("completion tcsh").exits(1).notes("bash");
        for (shell, words, expect) in [
            (
                "bash",
                "source ./script; COMP_WORDS=(stack up w); COMP_CWORD=2; _stack_complete; echo ${COMPREPLY[@]}",
                "web",
            ),
            ("fish", "source ./script; complete -C'stack sca'", "scale"),
        ] {
            if std::process::Command::new(shell).arg("--version").output().is_err() {
                println!("note: not run: there is no {shell}");
                continue;
            }
            story.runs(&format!("completion {shell}")).exits(0);
            std::fs::write(story.folder().join("script"), story.printed()).expect("a file");
            let folder = std::path::Path::new(env!("CARGO_BIN_EXE_stack")).parent().expect("a folder");
            let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display());
            let mut command = std::process::Command::new(shell);
            command
                .args(["-c", words])
                .current_dir(story.folder())
                .env("PATH", path)
                .env("HOME", story.folder());
            let told = String::from_utf8_lossy(&command.output().expect("a shell").stdout).into_owned();
            story.must(told.starts_with(expect), &format!("{shell}: {told}"));
        }
    });
}

/// What the program answers without the flags that stories give it: they would be words of the line.
fn said(story: &Scenario<'_>, words: &[&str]) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stack"));
    let ended = command.args(words).current_dir(story.folder()).output().expect("it runs");
    (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
}
