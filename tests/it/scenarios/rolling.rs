//! Replacement as `deploy.update_config` says: who serves meanwhile, and what becomes of a failed one.

use crate::support::checks::Snapshot;
use crate::support::fake_engine::Fault;
use crate::support::scenario::{on_the_fake, scenario};
use std::time::Duration;

/// A service that is replaced by rules; `probe` is its healthcheck.
fn web(rules: &str, colour: &str, probe: &str, more: &str) -> String {
    format!(
        "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {{COLOUR: {colour}}}
    healthcheck: {{test: {probe}, interval: 200ms, retries: 2}}
    deploy: {{replicas: 2, update_config: {{{rules}}}}}
{more}"
    )
}

fn ids(snapshot: &Snapshot) -> Vec<String> {
    snapshot.of("web").into_iter().map(|one| one.id.clone()).collect()
}

#[test]
fn start_first_keeps_the_old_one_until_the_new_one_is_healthy_and_goes_one_by_one() {
    on_the_fake("the new container must be healthy before the old one stops", |story, fake| {
        let file = |colour| web("order: start-first, delay: 10ms, monitor: 10ms", colour, "exit 0", "");
        story.step("up").file("compose.yaml", &file("red")).runs("up -d --wait").exits(0);
        let before = story.look();
        fake.forget_requests();
        story.step("change it").file("compose.yaml", &file("blue")).runs("plan").exits(0);
        story.prints("± replace container").prints("(the new one starts first)").prints("2 to replace\n");
        story.runs("up -d").exits(0).replaced(&before, "web").running("web", &[1, 2]);
        let changes: Vec<String> = fake.changes();
        let verbs: Vec<&str> = changes
            .iter()
            .filter_map(|line| {
                let verbs = ["/containers/create", "/start", "/stop", "/rename", "DELETE"];
                verbs.into_iter().find(|verb| line.contains(verb) && !line.contains("exec"))
            })
            .collect();
        let one = ["/containers/create", "/start", "/stop", "DELETE", "/rename"];
        story.must(verbs == [one, one].concat(), &format!("one after another: {changes:?}"));
        story.step("up again").runs("up -d").exits(0).changed_nothing();
    });
}

#[test]
fn pain_14_a_new_one_that_never_gets_healthy_costs_nobody_the_old_one() {
    scenario("when the new container fails, the old ones must go on serving under their names", |story| {
        let rules = "order: start-first, parallelism: 1";
        story.step("up").file("compose.yaml", &web(rules, "red", "exit 0", "")).runs("up -d --wait").exits(0);
        let before = story.look();
        story
            .step("a version that is sick")
            .file("compose.yaml", &web(rules, "blue", "echo BOOM; exit 1", ""));
        story.runs("up -d").exits(1).notes("BOOM").notes("is unhealthy");
        story.kept(&before, "web");
        let names: Vec<String> = story.look().of("web").into_iter().map(|one| one.name.clone()).collect();
        let expect = [1, 2].map(|number| format!("{}-web-{number}", story.project()));
        story.must(names == expect, &format!("nothing is left of the failed one: {names:?}"));
        story.step("a version that is well").file("compose.yaml", &web(rules, "blue", "exit 0", ""));
        story.runs("up -d").exits(0).replaced(&before, "web").running("web", &[1, 2]);
    });
}

#[test]
fn a_failed_update_goes_back_when_asked_to_also_where_it_had_succeeded() {
    on_the_fake("with failure_action: rollback all replicas must be the old ones again", |story, fake| {
        for (order, back) in
            [("start-first", "stop-first"), ("stop-first", "stop-first"), ("start-first", "start-first")]
        {
            let rules = format!("order: {order}, failure_action: rollback");
            let file = |colour: &str| {
                web(&rules, colour, "exit 0", "")
                    .replace("{replicas: 2,", &format!("{{replicas: 2, rollback_config: {{order: {back}}},"))
            };
            story
                .step(&format!("up, {order}"))
                .file("compose.yaml", &file("red"))
                .runs("up -d --wait")
                .exits(0);
            let before = story.look();
            fake.forget_requests();
            fake.fail(2, "POST", "/containers/*/start", 500, "planted");
            story.step("a version whose second container fails").file("compose.yaml", &file("blue"));
            story.runs("up -d").exits(1).notes("planted").notes("the update of `web` failed");
            fake.heal();
            story.same(&before, "web").running("web", &[1, 2]);
            story.must(ids(&story.look()) == ids(&before), "the same containers serve");
            let replaced = fake.changes().iter().filter(|line| line.contains("/containers/create")).count();
            story.must(replaced == 2, &format!("two were begun: {:?}", fake.changes()));
            story.step("down").runs("down -v").exits(0).nothing_left();
        }
    });
}

#[test]
fn what_is_started_again_after_a_failed_update_gets_its_hooks_as_for_any_start() {
    on_the_fake("hooks must run in old containers that were stopped, and in no others", |story, fake| {
        for (order, back) in
            [("start-first", "stop-first"), ("stop-first", "stop-first"), ("start-first", "start-first")]
        {
            let rules = format!("order: {order}, failure_action: rollback");
            let hook = "    post_start: [{command: [touch, /told]}]\n";
            let file = |colour: &str| {
                web(&rules, colour, "exit 0", hook)
                    .replace("{replicas: 2,", &format!("{{replicas: 2, rollback_config: {{order: {back}}},"))
            };
            story.step(&format!("up, {order}, back {back}")).file("compose.yaml", &file("red"));
            story.runs("up -d --wait").exits(0);
            let before = story.look();
            fake.forget_requests();
            fake.fail(2, "POST", "/containers/*/start", 500, "planted");
            story.step("a version whose second container fails").file("compose.yaml", &file("blue"));
            story.runs("up -d").exits(1).notes("planted");
            fake.heal();
            story.same(&before, "web").running("web", &[1, 2]);
            // An update that starts first stops the second old one only when the second new one serves, which it never does.
            let stopped: &[usize] = if order == "start-first" { &[0] } else { &[0, 1] };
            for (position, id) in ids(&before).iter().enumerate() {
                let name = &before.of("web")[position].name;
                let told = fake.requests().iter().filter(|one| one.method == "POST").any(|one| {
                    let of_it = one.path.contains(id.as_str()) || one.path.contains(name.as_str());
                    of_it && one.path.ends_with("/exec")
                });
                let expect = stopped.contains(&position);
                story.must(told == expect, &format!("{name}: its hook ran: {told}, not {expect}"));
            }
            story.step("no hook is left to run").file("compose.yaml", &file("red")).runs("plan").exits(0);
            story.prints("Nothing to do");
            let books = story.labelled("networks", &format!("dev.stack.hooks={}", story.project()));
            story.must(books.is_empty(), &format!("no books are left: {books:?}"));
            story.step("down").runs("down -v").exits(0).nothing_left();
        }
    });
}

#[test]
fn pain_14_where_the_new_one_cannot_start_first_it_says_so_and_stops_first() {
    scenario("a fixed port or shared data must lead to stop-first, with a word about it", |story| {
        for (more, why) in [
            ("    ports: [\"127.0.0.1:48123:80\"]\n", "its host port 48123 is fixed"),
            ("    volumes: [\"data:/data\"]\nvolumes: {data: {}}\n", "both would write to `/data`"),
            ("    container_name: rolling-fixed-name\n", "its container name is fixed"),
        ] {
            let file = |colour| {
                web("order: start-first", colour, "exit 0", more).replace("replicas: 2", "replicas: 1")
            };
            story.step("up").file("compose.yaml", &file("red")).runs("up -d --wait").exits(0);
            let before = story.look();
            story.step("change it").file("compose.yaml", &file("blue")).runs("up -d").exits(0);
            story
                .notes("compose.yaml:8:")
                .notes("stops the old one first")
                .notes(why)
                .replaced(&before, "web");
            story.step("down").runs("down -v").exits(0).nothing_left();
        }
    });
}

#[test]
fn where_others_live_in_its_namespaces_all_are_replaced_at_once_and_the_line_is_told() {
    scenario("what cannot be replaced one by one must be told with its place in the file", |story| {
        let beside = "  beside:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    network_mode: service:web
";
        let file = |colour| {
            web("order: start-first", colour, "exit 0", beside).replace("replicas: 2", "replicas: 1")
        };
        story.step("up").file("compose.yaml", &file("red")).runs("up -d --wait").exits(0);
        story.does_not_note("all at once");
        let before = story.look();
        story
            .step("change it")
            .file("compose.yaml", &file("blue"))
            .runs("plan")
            .exits(0)
            .notes("all at once");
        story.runs("up -d").exits(0).replaced(&before, "web").replaced(&before, "beside");
        story.notes(
            "compose.yaml:8:42: service `web` is replaced all at once, whatever its `update_config` says",
        );
        story.notes("`beside` shares its namespaces or volumes").running("beside", &[1]);
    });
}

#[test]
fn dependents_that_restart_with_it_do_so_once_it_is_replaced_and_not_when_that_fails() {
    for order in ["order: start-first", "order: start-first, failure_action: rollback", "order: stop-first"] {
        scenario("a dependent with restart: true must run until what it needs is replaced", |story| {
            let front = "  front:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {web: {condition: service_healthy, restart: true}}
";
            let file = |colour, probe| web(order, colour, probe, front);
            story.step("up").file("compose.yaml", &file("red", "exit 0")).runs("up -d --wait").exits(0);
            let before = story.look();
            story.step("change it").file("compose.yaml", &file("blue", "exit 0")).runs("plan").exits(0);
            story.prints("2 to replace");
            let rows = story.printed().to_owned();
            let at = |text: &str| rows.rfind(text).unwrap_or_default();
            story.must(at("front-1") > at("web-2"), &format!("the dependent comes last:\n{rows}"));
            story.runs("up -d").exits(0).does_not_note("all at once");
            story.replaced(&before, "web").same(&before, "front").running("front", &[1]);
            let started = |snapshot: &Snapshot| snapshot.of("front")[0].started_at.clone();
            let now = story.look();
            story.must(started(&now) != started(&before), "the dependent was restarted");
            story.runs("plan --detailed-exitcode").exits(0);
            if order != "order: stop-first" {
                story.step("a version that is sick").file("compose.yaml", &file("green", "exit 1"));
                story.runs("up -d").exits(1).kept(&now, "web").kept(&now, "front");
            }
        });
    }
}

/// Kills a run that replaces `web` after its n-th change, if there are so many, and looks whether the next one makes up for it.
fn killed_after_change(nth: usize, rules: &str) -> bool {
    on_the_fake("wherever a run is killed, what restarts with a service must have done so", |story, fake| {
        let front = "  front:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {web: {condition: service_started, restart: true}}
";
        let file = |colour| web(rules, colour, "exit 0", front);
        story.step("up").file("compose.yaml", &file("red")).runs("up -d").exits(0);
        let before = story.look();
        story.step(&format!("change it, and be killed after change {nth}"));
        story.file("compose.yaml", &file("blue"));
        fake.trap(nth, "CHANGE", "*", Fault::HangAfter);
        let mut running = story.begins("up -d");
        while !running.has_ended() && !fake.hangs_within(Duration::from_millis(10)) {}
        running.kill();
        let killed = fake.heal();
        story.step("again").runs("up -d").exits(0).replaced(&before, "web").running("web", &[1, 2]);
        story.same(&before, "front").running("front", &[1]);
        let now = story.look();
        let moment = |text: &str| text.parse::<jiff::Timestamp>().expect("a moment");
        let replaced = now.of("web").into_iter().map(|one| moment(&one.started_at)).max();
        let restarted = moment(&now.of("front")[0].started_at);
        story.must(
            Some(restarted) >= replaced,
            &format!("the dependent has started after what it needs: {now:?}"),
        );
        story.runs("plan --detailed-exitcode").exits(0);
        killed
    })
}

#[test]
fn a_restart_of_dependents_that_a_killed_run_owed_is_made_up_by_the_next_run() {
    for rules in ["order: start-first", "order: start-first, failure_action: rollback", "order: stop-first"] {
        let changes = (1..1000).take_while(|nth| killed_after_change(*nth, rules)).count();
        assert!(changes > 10, "{rules}: it was killed after each of {changes} changes");
    }
}

#[test]
fn with_continue_the_others_are_replaced_although_one_failed() {
    on_the_fake("failure_action: continue must go on with the other containers", |story, fake| {
        let file = |colour| web("order: start-first, failure_action: continue", colour, "exit 0", "");
        story.step("up").file("compose.yaml", &file("red")).runs("up -d --wait").exits(0);
        let before = story.look();
        fake.fail(1, "POST", "/containers/*/start", 500, "planted");
        story.step("change it, and the first start fails").file("compose.yaml", &file("blue"));
        story.runs("up -d").exits(1).notes("planted").running("web", &[1, 2]);
        let now = story.look();
        story.must(ids(&now)[0] == ids(&before)[0], "the first one is the old one");
        story.must(ids(&now)[1] != ids(&before)[1], "the second one is a new one");
    });
}

#[test]
fn a_rolling_update_that_is_cut_short_anywhere_is_finished_by_the_next_run() {
    on_the_fake("wherever a rolling update is cut short, the next run must finish it", |story, fake| {
        for rules in
            ["order: start-first", "order: start-first, failure_action: rollback", "order: stop-first"]
        {
            for nth in 1.. {
                let file = |colour| web(rules, colour, "exit 0", "");
                story.step("up").file("compose.yaml", &file("red")).runs("up -d --wait").exits(0);
                let before = story.look();
                fake.fail(nth, "CHANGE", "*", 500, "planted");
                story
                    .step("change it, and fail on the way")
                    .file("compose.yaml", &file("blue"))
                    .runs("up -d");
                let failed = story.last_code() != Some(0);
                fake.heal();
                story.step("again").runs("up -d").exits(0).replaced(&before, "web").running("web", &[1, 2]);
                story.runs("plan --detailed-exitcode").exits(0);
                story.step("down").runs("down").exits(0).nothing_left();
                if !failed {
                    story.must(nth > 8, "several steps were cut short");
                    break;
                }
            }
        }
    });
}

/// Answers with its colour, and goes on for a moment after it was told to stop.
const SERVER: &str = r#"
import http.server, os, signal, threading, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["COLOUR"].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("", 80), Answer)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"#;

/// Asks 50 times a second, each time anew, and once more when that failed. Tells what it counted when it is stopped.
const CLIENT: &str = r#"
import signal, sys, threading, time, urllib.request
asked = again = failed = 0
lock = threading.Lock()
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
def get():
    with urllib.request.urlopen("http://web/", timeout=2) as answer: return answer.status == 200 and answer.read()
def once():
    global asked, again, failed
    try: fine, second = bool(get()), False
    except OSError:
        second = True
        try: fine = bool(get())
        except OSError as error:
            fine = False
            print("failed:", error, flush=True)
    with lock:
        asked += 1; again += second; failed += not fine
threads = []
print("asking", flush=True)
while not stop.is_set():
    threads = [one for one in threads if one.is_alive()]
    one = threading.Thread(target=once); one.start(); threads.append(one)
    stop.wait(0.02)
for one in threads: one.join()
print(f"asked={asked} again={again} failed={failed}", flush=True)
"#;

#[test]
fn pain_14_a_client_that_retries_once_sees_no_outage() {
    scenario(
        "over 20 replacements, and failed ones, a client that retries once must see no failure",
        |story| {
            if story.is_fake() {
                // Nobody answers there.
                return;
            }
            let file = |colour: &str, probe: &str| {
                format!(
                    "\
services:
  web:
    image: python
    command: [python3, /server.py]
    environment: {{COLOUR: {colour}}}
    configs: [{{source: server, target: /server.py}}]
    healthcheck: {{test: \"{probe}\", interval: 300ms, retries: 3}}
    deploy: {{replicas: 1, update_config: {{order: start-first, failure_action: rollback}}}}
  client:
    image: python
    command: [python3, /client.py]
    configs: [{{source: client, target: /client.py}}]
    depends_on: {{web: {{condition: service_healthy}}}}
configs:
  server: {{file: ./server.py}}
  client: {{file: ./client.py}}
"
                )
            };
            let answers =
                "python3 -c 'import urllib.request as u; u.urlopen(\\\"http://localhost/\\\", timeout=1)'";
            story.file("server.py", SERVER).file("client.py", CLIENT);
            story.step("up").file("compose.yaml", &file("v0", answers)).runs("up -d --wait").exits(0);
            for number in 1..=20 {
                let before = story.look();
                story.step("another version").file("compose.yaml", &file(&format!("v{number}"), answers));
                story.runs("up -d").exits(0).replaced(&before, "web").kept(&before, "client");
                if number % 7 == 0 {
                    let before = story.look();
                    story
                        .step("a version that never gets healthy")
                        .file("compose.yaml", &file("sick", "exit 1"));
                    story.runs("up -d").exits(1).kept(&before, "web").kept(&before, "client");
                }
            }
            story
                .step("what the client saw")
                .runs("stop client")
                .exits(0)
                .runs("logs client --no-log-prefix");
            let counted = story
                .printed()
                .lines()
                .find(|line| line.starts_with("asked="))
                .unwrap_or_default()
                .to_owned();
            println!("{counted}");
            story.prints(" failed=0");
            let asked: u32 =
                counted.split(['=', ' ']).nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
            story.must(asked > 500, &format!("the client asked often: {counted}"));
        },
    );
}
