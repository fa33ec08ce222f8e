//! `port`, `top`, `images`, `volumes`, `stats`: what is there, in the columns and words of the reference.

use crate::support::scenario::{Scenario, on_the_real};
use serde_json::Value;

const SHOP: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    ports: ['127.0.0.1::80', '127.0.0.1::53/udp']
    expose: [81]
    deploy: {replicas: 2}
  db:
    image: redis:7
    volumes: ['data:/data']
  done:
    image: busybox
    command: sh -c 'exit 3'
volumes: {data: {}, cache: {}}
";

fn up(story: &mut Scenario<'_>) {
    story.file("compose.yaml", SHOP);
    story.runs("up -d").exits(0).runs("stop -t 0 done").exits(0);
}

/// What ours and the reference print, when that is installed; else ours twice.
fn both(story: &mut Scenario<'_>, words: &str) -> (String, String) {
    let ours = story.runs(words).exits(0).printed().to_owned();
    if !story.has_reference() {
        return (ours.clone(), ours);
    }
    let theirs = story.reference_runs(words).exits(0).printed().to_owned();
    (ours, theirs)
}

#[test]
fn port_tells_where_a_port_of_a_replica_is_reached() {
    on_the_real("`port` must tell what the reference tells", |story| {
        up(story);
        for words in ["port web 80", "port --index 2 web 80", "port --protocol udp web 53", "port web 81"] {
            let (ours, theirs) = both(story, words);
            story.must(ours == theirs, &format!("{words}: {ours:?} is {theirs:?}"));
        }
        story.runs("port web 81").notes("port 81/tcp is not published");
        story.step("mistakes").runs("port web 99").exits(1);
        let name = format!("no port 99/tcp for container {}-web-1: 53/udp, 80/tcp, 81/tcp", story.project());
        story.notes(&name);
        story.runs("port done 80").exits(1).notes("service \"done\" is not running");
        story.runs("port --index 7 web 80").exits(1).notes("service \"web\" is not running container #7");
        story.runs("port wbe 80").exits(1).notes("service \"wbe\" is not running");
        story.runs("-f compose.yaml port webb 80").exits(1).notes("did you mean `web`?");
        story.runs("port web many").exits(1);
    });
}

#[test]
fn top_is_one_table_of_all_that_runs() {
    on_the_real("`top` must tell what the reference tells", |story| {
        up(story);
        let (ours, theirs) = both(story, "top web");
        // What a process has used so far grows.
        let still = |text: &str| -> String {
            let cells = |line: &str| {
                let all = line.split_whitespace().enumerate().filter(|(column, _)| *column != 5);
                all.map(|(_, cell)| cell.to_owned()).collect::<Vec<_>>().join(" ")
            };
            text.lines().map(|line| cells(line) + "\n").collect()
        };
        story.must(ours.starts_with("SERVICE  #   UID"), "its columns");
        let (ours, theirs) = (still(&ours), still(&theirs));
        story.must(ours == theirs, &format!("the same table:\n{ours}\n{theirs}"));
        story.must(ours.lines().count() == 3, "a row for each replica");
        story.runs("top done").exits(0);
        story.must(story.printed().is_empty(), "nothing runs there");
    });
}

#[test]
fn differs_looking_at_a_service_that_is_not_there_is_a_mistake() {
    on_the_real("a slip of the finger must not look like an empty answer", |story| {
        up(story);
        for words in ["top webb", "images webb", "volumes webb", "stats --no-stream webb"] {
            // A project that is only named has no services to slip from.
            let words = format!("-f compose.yaml {words}");
            story.runs(&words).exits(1).notes("no such service: webb").notes("did you mean `web`?");
        }
    });
}

#[test]
fn images_are_told_for_every_container_stopped_ones_too() {
    on_the_real("`images` must tell what the reference tells", |story| {
        up(story);
        for words in ["images", "images web"] {
            let (mut ours, mut theirs) = both(story, words);
            if ours != theirs {
                // A minute may have ended between the two: not a second time.
                (ours, theirs) = both(story, words);
            }
            story.must(ours == theirs, &format!("the same table:\n{ours}\n{theirs}"));
        }
        let (ours, theirs) = both(story, "images -q");
        let sorted = |text: &str| {
            let mut lines: Vec<String> =
                text.lines().filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect();
            lines.sort();
            lines
        };
        story.must(sorted(&ours) == sorted(&theirs), &format!("the same ids: {ours} {theirs}"));
        let (ours, theirs) = both(story, "images --format json");
        let rows = |text: &str| {
            let mut rows: Vec<Value> = serde_json::from_str(text).expect("JSON");
            for row in &mut rows {
                // Version 5 has it, version 2 has not.
                row.as_object_mut().expect("an object").remove("Created");
            }
            rows.sort_by_key(|row| row["ContainerName"].to_string());
            rows
        };
        story.must(rows(&ours) == rows(&theirs), &format!("the same rows:\n{ours}\n{theirs}"));
    });
}

#[test]
fn volumes_are_told_by_the_projects_label_and_by_who_mounts_them() {
    on_the_real("`volumes` must tell what the reference tells", |story| {
        up(story);
        for words in ["volumes", "volumes -q", "volumes db", "volumes web"] {
            let (ours, theirs) = both(story, words);
            story.must(ours == theirs, &format!("{words}:\n{ours}\n{theirs}"));
        }
        let (ours, theirs) = both(story, "volumes --format json");
        let parsed = |text: &str| {
            let mut row: Value = serde_json::from_str(text.trim()).expect("a line of JSON");
            let mut labels: Vec<String> =
                row["Labels"].as_str().unwrap_or_default().split(',').map(ToOwned::to_owned).collect();
            labels.sort();
            row["Labels"] = labels.into();
            row
        };
        story.must(parsed(&ours) == parsed(&theirs), &format!("the same row:\n{ours}\n{theirs}"));
    });
}

#[test]
fn scale_makes_more_and_fewer_and_refuses_what_it_cannot_read() {
    on_the_real("`scale` must change the number of containers and nothing else", |story| {
        up(story);
        let db = story.look().of("db").first().map(|one| one.id.clone());
        story.runs("scale web=4").exits(0).notes("web-4 Started").running("web", &[1, 2, 3, 4]);
        story.runs("scale --no-deps web=1").exits(0).notes("web-4 Removed").running("web", &[1]);
        let now = story.look().of("db").first().map(|one| one.id.clone());
        story.must(db == now, "others are left alone");
        story.runs("scale web").exits(1).notes("invalid scale specifier: web");
        story
            .runs("scale web=x")
            .exits(1)
            .notes("invalid scale specifier: can't parse replica value as int: web=x");
        story.runs("scale wbe=1").exits(1).notes("no such service: wbe");
        story.runs("scale").exits(1);
    });
}

#[test]
fn wait_tells_each_end_and_ends_with_the_last_code() {
    on_the_real("`wait` must end with the containers", |story| {
        story.file(
            "compose.yaml",
            "services:\n  quick: {image: busybox, command: sh -c 'sleep 1; exit 4'}\n  slow: {image: busybox, command: sh -c 'sleep 3; exit 7'}\n",
        );
        story.runs("up -d").exits(0);
        let ids: Vec<String> = ["quick", "slow"].map(|name| story.look().of(name)[0].id.clone()).to_vec();
        story.runs("wait quick slow").exits(7);
        let lines: Vec<&str> = story.printed().lines().collect();
        let expect = [
            format!("container \"{}\" exited with status code 4", ids[0]),
            format!("container \"{}\" exited with status code 7", ids[1]),
        ];
        story.must(lines == expect, "a line each, as they end");
        story.step("nothing runs any more").runs("stop").runs("wait slow").exits(1);
        story.notes(&format!("no containers for project \"{}\"", story.project()));
        story.runs("-f compose.yaml wait solw").exits(1).notes("no such service: solw");
        story.step("and down").runs("up -d").exits(0).runs("wait --down-project slow").exits(7);
        story.must(story.look().0.is_empty(), "everything is taken down");
        story.runs("wait").exits(1);
    });
}

#[test]
fn ls_shows_the_projects_whose_names_fit_a_filter() {
    on_the_real("`ls --filter name=` must take a regular expression, as the reference does", |story| {
        up(story);
        let project = story.project().to_owned();
        // Other stories run beside this one, and their projects' names begin alike.
        let expression = format!("^.{}$", &project[1..]);
        for words in [format!("name={expression}"), format!("name=^nothing$ --filter name=^{project}$")] {
            let (ours, theirs) = both(story, &format!("ls -q --filter {words}"));
            story.must(
                ours == theirs && ours == format!("{project}\n"),
                &format!("{words}: {ours:?} is {theirs:?}"),
            );
        }
        story.runs("ls -q --filter name=^nothing$").exits(0);
        story.must(story.printed().is_empty(), "nothing fits");
        story.step("mistakes").runs("ls --filter status=running").exits(1).notes("invalid filter 'status'");
        story.runs("ls --filter name").exits(1).notes("write `--filter name=EXPRESSION`");
        story.runs("ls --filter name=(").exits(1).notes("`(` is not a regular expression");
    });
}

#[test]
fn switches_take_their_answer_behind_an_equals_sign_too() {
    on_the_real("flags as scripts write them for the reference must mean the same", |story| {
        story
            .file("compose.yaml", SHOP)
            .runs("up --detach=true --detach=true db")
            .exits(0)
            .running("db", &[1]);
        story.runs("ps -q=true --all=f").exits(0);
        story.must(story.printed().trim().len() == 64, "quiet");
        story.runs("exec --tty=false --interactive=false db echo -q=true").exits(0);
        story.must(story.printed() == "-q=true\n", "a program's flags are its own");
        story
            .runs("--insecure-registry x --dry-run=true down")
            .exits(0)
            .notes("`--insecure-registry` is without effect");
        story.running("db", &[1]).runs("rm --all --stop=1 --force").exits(0).gone("db");
    });
}
