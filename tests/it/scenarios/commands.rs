//! The commands around `up`.

use crate::support::scenario::{on_the_real, scenario};

const SHOP: &str = "\
services:
  web:
    image: busybox
    command: sh -c 'echo out; echo err >&2; sleep infinity'
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_started, restart: true}}
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";

#[test]
fn ps_shows_what_runs_and_as_json_what_scripts_read() {
    scenario("`ps` must list containers with the keys scripts know", |story| {
        story.step("up").file("compose.yaml", SHOP).runs("up -d").exits(0);
        story.step("stop one").runs("stop web").exits(0);
        story.runs("ps --services").exits(0);
        story.must(story.printed() == "db\n", "only what runs is listed");
        story.runs("ps -a --format json").exits(0);
        let rows: Vec<serde_json::Value> = story
            .printed()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| story.fail(&error.to_string())))
            .collect();
        story.must(rows.len() == 2, "a line for each container");
        for key in [
            "Command",
            "CreatedAt",
            "ExitCode",
            "Health",
            "ID",
            "Image",
            "Labels",
            "LocalVolumes",
            "Mounts",
            "Name",
            "Names",
            "Networks",
            "Ports",
            "Project",
            "Publishers",
            "RunningFor",
            "Service",
            "Size",
            "State",
            "Status",
        ] {
            story.must(rows.iter().all(|row| row.get(key).is_some()), &format!("each has the key `{key}`"));
        }
        let web = rows.iter().find(|row| row["Service"] == "web").cloned().unwrap_or_default();
        story.must(web["State"] == "exited", "the stopped one says so");
        story.step("quiet").runs("ps -q").exits(0);
        story.must(story.printed().trim().len() == 64, "one whole id");
    });
}

#[test]
fn stop_and_start_keep_the_containers_and_their_order() {
    scenario("stop, start and restart must keep the containers, in the order of dependencies", |story| {
        story.step("up").file("compose.yaml", SHOP).runs("up -d").exits(0);
        let before = story.look();
        story.step("stop").runs("stop").exits(0);
        let said = story.noted().to_owned();
        let web = said.find("web-1 Stopped").unwrap_or(usize::MAX);
        let db = said.find("db-1 Stopping").unwrap_or(0);
        story.must(web < db, "the dependent stops before what it depends on");
        story.step("start").runs("start").exits(0).running("web", &[1]).running("db", &[1]);
        story.same(&before, "web").same(&before, "db");
        story.step("restart").runs("restart db").exits(0).same(&before, "web").same(&before, "db");
        story.notes("db-1 Restarted").notes("web-1 Restarted");
        story.step("a stopped one").runs("stop db").exits(0).runs("up -d").exits(0);
        story.running("db", &[1]).same(&before, "db");
        // The engine answers before the process is gone: what comes after must not hang on its state.
        story.step("kill").runs("kill -s SIGKILL db").exits(0).notes("db-1 Killed");
    });
}

#[test]
fn logs_tell_containers_apart_and_streams_go_together() {
    scenario("`logs` must show both streams, named, on standard output", |story| {
        story.step("up").file("compose.yaml", SHOP).runs("up -d").exits(0);
        story.step("logs").runs("logs").exits(0).prints("web-1  | out").prints("web-1  | err");
        story.step("bare").runs("logs --no-log-prefix web").exits(0);
        let mut lines: Vec<&str> = story.printed().lines().collect();
        lines.sort_unstable();
        story.must(lines == ["err", "out"], "nothing but the lines");
        story.step("the last line with its time").runs("logs -t --tail 1 web").exits(0);
        let stamped = story.printed().lines().count() == 1 && story.printed().contains("Z ");
        story.must(stamped, "one line, with a time");
        story.step("the future").runs("logs --since 2100-01-01T00:00:00Z").exits(0);
        story.must(story.printed().is_empty(), "nothing was written then");
    });
}

#[test]
fn down_takes_everything_but_data_unless_asked() {
    scenario("`down` must keep volumes, and `-v` take only the project's own", |story| {
        let file = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [data:/data]
volumes:
  data: {}
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        story.step("down").runs("down").exits(0).gone("db");
        let volume = format!("{}_data", story.project());
        story.must(story.has_volume(&volume), "the volume is still there");
        story.step("down again").runs("down").exits(0);
        story
            .step("with volumes")
            .runs("down -v")
            .exits(0)
            .notes(&format!("Volume {volume} Removed"))
            .nothing_left();
    });
}

#[test]
fn commands_work_from_the_labels_alone() {
    scenario("with -p and no file, stop, ps, logs and down must work from the containers' labels", |story| {
        story.step("up").file("compose.yaml", SHOP).runs("up -d").exits(0);
        story.step("lose the file").file("compose.yaml", "nonsense: [");
        story.runs("ps --services").exits(0);
        story.must(story.printed() == "db\nweb\n", "both are listed");
        story.runs("logs web").exits(0).prints("web-1  | out");
        story.runs("stop").exits(0).runs("start").exits(0).running("web", &[1]);
        story.step("down").runs("down").exits(0).nothing_left();
    });
}

#[test]
fn rm_removes_only_what_is_stopped() {
    scenario("`rm` must leave what runs alone", |story| {
        story.step("up").file("compose.yaml", SHOP).runs("up -d").exits(0);
        story
            .step("nothing is stopped")
            .runs("rm -f")
            .exits(0)
            .notes("No stopped containers")
            .running("web", &[1]);
        story
            .step("stop one")
            .runs("stop web")
            .exits(0)
            .runs("rm -f")
            .exits(0)
            .gone("web")
            .running("db", &[1]);
    });
}

#[test]
fn create_makes_and_does_not_start() {
    scenario("`create` must leave the containers unstarted, and `up` take them as they are", |story| {
        story.step("create").file("compose.yaml", SHOP).runs("create").exits(0).not_started("web");
        let before = story.look();
        story.step("up").runs("up -d").exits(0).same(&before, "web").running("web", &[1]);
        story.step("pause").runs("pause db").exits(0).notes("db-1 Paused");
        story.step("up thaws").runs("up -d").exits(0).same(&before, "db").running("db", &[1]);
    });
}

#[test]
fn a_plan_asks_only() {
    scenario(
        "`plan` must change nothing, and its exit code must say whether anything would change",
        |story| {
            story
                .step("plan before")
                .file("compose.yaml", SHOP)
                .runs("plan --detailed-exitcode")
                .exits(2)
                .changed_nothing();
            story.prints("+ create").nothing_left();
            story.step("up").runs("up -d").exits(0);
            story
                .step("plan after")
                .runs("plan --detailed-exitcode")
                .exits(0)
                .prints("Nothing to do")
                .changed_nothing();
            story.step("as JSON").runs("plan --format json").exits(0);
            let plan: serde_json::Value =
                serde_json::from_str(story.printed()).unwrap_or_else(|error| story.fail(&error.to_string()));
            story.must(plan["changes"] == false, "it says that nothing changes");
        },
    );
}

#[test]
fn a_quiet_build_says_that_it_was_built_and_what_went_wrong() {
    on_the_real("`--quiet-build` must hide the steps of a build, and not why it failed", |story| {
        let dockerfile = |line: &str| format!("FROM busybox\nRUN echo a step of it && {line}\n");
        let stack =
            "services:\n  web:\n    build: .\n    command: sleep infinity\n    stop_signal: SIGKILL\n";
        story.step("up").file("compose.yaml", stack).file("Dockerfile", &dockerfile("true"));
        story.runs("up -d --quiet-pull --quiet-build").exits(0).notes("Built").does_not_note("a step of it");
        story.step("a build that fails").file("Dockerfile", &dockerfile("exit 4"));
        story.runs("up -d --build --quiet-build").exits(1).notes("returned a non-zero code: 4");
        story.step("and in full").file("Dockerfile", &dockerfile("true"));
        story.runs("up -d --build").exits(0).notes("a step of it");
    });
}

#[test]
fn urls_say_where_published_ports_are_reached_and_name_them_for_programs() {
    scenario("`urls` must name each published port of what runs, and nothing else", |story| {
        let stack = "\
services:
  my-web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    ports:
      - \"127.0.0.1::80\"
      - {target: 9999, host_ip: 127.0.0.1, app_protocol: https}
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    ports: [\"127.0.0.1::5432\"]
  inside:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    expose: [\"80\"]
";
        story.step("up").file("compose.yaml", stack).runs("up -d").exits(0);
        story.step("as JSON").runs("-f compose.yaml urls --format json").exits(0);
        let found: serde_json::Value = serde_json::from_str(story.printed()).unwrap_or_default();
        let named = |at: usize, key: &str| found.get(at).and_then(|one| one.get(key)).cloned();
        let shown: Vec<_> = (0..4).map(|at| (named(at, "service"), named(at, "target"))).collect();
        let expected = [("db", 5432), ("my-web", 80), ("my-web", 9999)]
            .map(|(service, target)| (Some(service.into()), Some(target.into())));
        story.must(shown.iter().take(3).eq(&expected) && found.get(3).is_none(), &format!("{shown:?}"));
        let port = |at| named(at, "port").unwrap_or_default().to_string();
        let (db, web, other) = (port(0), port(1), port(2));
        story.step("for a shell").runs("-f compose.yaml urls --format shell").exits(0);
        story.prints(&format!("export STACK_DB_PORT_5432={db}\n")).prints("export STACK_DB_HOST=127.0.0.1\n");
        story.prints(&format!("export STACK_MY_WEB_URL=http://127.0.0.1:{web}\n"));
        let project = story.project().to_owned();
        story.prints(&format!("export STACK_PROJECT={project}\n"));
        story.step("for people").runs("-f compose.yaml urls my-web").exits(0);
        story.prints(&format!("https://127.0.0.1:{other}")).prints("my-web");
        let lists_db = story.printed().lines().any(|line| line.starts_with("db"));
        story.must(!lists_db, "only the named service is shown");
        story.step("a service that is not there").runs("-f compose.yaml urls wbe").exits(1);
        story.notes("no such service: wbe");
    });
}
