//! What a project survives, on a real engine: runs that are killed at random moments, many runs at once, and an engine that is
//! killed and started again under a run.
//!
//! `cargo test --bench chaos -- ROUNDS [KILL START]`, with `DOCKER_HOST` naming an engine that has `busybox`. `KILL` and `START` are
//! shell commands that kill the engine's daemon and start it again; without them that part is left out. It ends with 1 at the
//! first project that the next plain `up` does not put right.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program of its own, which ends at the first surprise"
)]

use stack::engine::{Address, Engine};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Three that are simply replaced; among them one that keeps its old container until the new one serves, one with hooks before and after its
/// start, one that starts before its predecessor stops.
const SERVICES: [&str; 6] = ["a", "b", "back", "c", "first", "hooked"];
const PROJECT: &str = "stack-chaos";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rounds = words.first().and_then(|word| word.parse().ok()).unwrap_or(3);
    let Some(socket) =
        std::env::var("DOCKER_HOST").ok().and_then(|host| host.strip_prefix("unix://").map(PathBuf::from))
    else {
        println!("DOCKER_HOST names no Unix socket: nothing was tried");
        return;
    };
    let folder = std::env::temp_dir().join(format!("stack-chaos-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let chaos = Chaos { folder, socket };
    chaos.ends("down -v -t 0");
    chaos.killed(rounds);
    chaos.at_once(16);
    if let [_, kill, start] = words.as_slice() {
        chaos.daemon(kill, start);
    }
    chaos.ends("down -v -t 0");
    drop(std::fs::remove_dir_all(&chaos.folder));
}

struct Chaos {
    folder: PathBuf,
    socket: PathBuf,
}

/// A container of the project, as far as it matters here.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    name: String,
    state: String,
    volumes: Vec<String>,
}

impl Chaos {
    /// Kills an `up` that replaces all services, at a moment that is never the same, and lets the next one put it right.
    fn killed(&self, rounds: usize) {
        self.write(0);
        self.ends("up -d");
        let volumes = self.volumes();
        self.write(1);
        let began = Instant::now();
        self.ends("up -d");
        let usual = began.elapsed();
        self.check(&volumes);
        let (mut killed, mut half_done) = (0, 0);
        for round in 0..rounds {
            self.write(round + 2);
            let mut run = self.begin("up -d");
            std::thread::sleep(usual.mul_f64(random()));
            killed += usize::from(run.try_wait().expect("a child").is_none());
            drop(run.kill());
            drop(run.wait());
            half_done += usize::from(!self.is_right(&volumes));
            self.ends("up -d");
            self.check(&volumes);
        }
        println!(
            "killed: {rounds} of {rounds} rounds put right by the next `up`; {killed} runs were killed, the others had ended; {half_done} times something was half done; an undisturbed run takes {} ms",
            usual.as_millis()
        );
    }

    /// Many runs at once.
    fn at_once(&self, count: usize) {
        let volumes = self.volumes();
        for words in ["up -d", "up -d --force-recreate", "down -t 0", "up -d"] {
            let runs: Vec<Child> = (0..count).map(|_| self.begin(words)).collect();
            for run in runs {
                let ended = run.wait_with_output().expect("an end");
                assert!(ended.status.success(), "{words}: {}", String::from_utf8_lossy(&ended.stderr));
            }
            if words == "up -d --force-recreate" {
                self.check(&volumes);
            }
        }
        self.check(&self.volumes());
        println!(
            "at once: {count} runs each of up, up --force-recreate, down, up: all ended with 0, one container a service"
        );
    }

    /// The engine is killed in the middle of a replacement, started again, and the next `up` puts everything right.
    fn daemon(&self, kill: &str, start: &str) {
        self.write(1_000_000);
        self.ends("up -d");
        let volumes = self.volumes();
        for (round, share) in [0.2, 0.5, 0.8].into_iter().enumerate() {
            self.write(1_000_001 + round);
            let began = Instant::now();
            // It is to give up before long.
            let mut run = self.command("up -d");
            let run = run.env("STACK_ENGINE_TIMEOUT", "5").spawn().expect("stack starts");
            std::thread::sleep(Duration::from_secs(2).mul_f64(share));
            shell(kill);
            let ended = run.wait_with_output().expect("an end");
            println!(
                "daemon: killed {} ms into an up, which ended with {:?} after {} ms: {}",
                Duration::from_secs(2).mul_f64(share).as_millis(),
                ended.status.code(),
                began.elapsed().as_millis(),
                String::from_utf8_lossy(&ended.stderr)
                    .lines()
                    .filter(|line| line.starts_with("error"))
                    .collect::<Vec<_>>()
                    .join("; ")
            );
            shell(start);
            self.ends("up -d");
            self.check(&volumes);
        }
        println!("daemon: 3 of 3 put right by the next `up`");
        for (round, share) in [0.2, 0.5, 0.8].into_iter().enumerate() {
            self.write(1_000_011 + round);
            let mut run = self.begin("up -d");
            std::thread::sleep(Duration::from_secs(2).mul_f64(share));
            shell(kill);
            std::thread::sleep(Duration::from_millis(100));
            // One that was done by then has nothing to do with what the crash ended.
            let was_over = matches!(run.try_wait(), Ok(Some(_)));
            shell(start);
            let ended = run.wait_with_output().expect("an end");
            let code = ended.status.code();
            let when = if was_over { "after" } else { "under" };
            println!("daemon: killed and started again {when} an up, which ended with {code:?}");
            if code != Some(0) || was_over {
                println!("{}", String::from_utf8_lossy(&ended.stderr));
                self.ends("up -d");
            }
            self.check(&volumes);
        }
    }

    /// Each service as the file of a round has it.
    fn write(&self, round: usize) {
        let mut text = format!(
            "x-one: &one\n  image: busybox\n  command: sleep infinity\n  stop_signal: SIGKILL\n  volumes: [/data]\n  environment: {{ROUND: \"{round}\"}}\nservices:\n"
        );
        let rules = |service: &str| match service {
            "back" => "deploy: {update_config: {failure_action: rollback, monitor: 100ms}}",
            "first" => "volumes: []\n    deploy: {update_config: {order: start-first, monitor: 100ms}}",
            "hooked" => {
                "pre_start: [{command: [\"true\"]}]\n    post_start: [{command: [touch, /told]}, {command: [touch, /told-twice]}]"
            }
            _ => "restart: \"no\"",
        };
        for service in SERVICES {
            text.push_str(&format!("  {service}:\n    <<: *one\n    {}\n", rules(service)));
        }
        std::fs::write(self.folder.join("compose.yaml"), text).expect("a file");
    }

    fn begin(&self, words: &str) -> Child {
        self.command(words).spawn().expect("stack starts")
    }

    fn command(&self, words: &str) -> Command {
        // Another build may be tried, too.
        let program = std::env::var("STACK").unwrap_or_else(|_| env!("CARGO_BIN_EXE_stack").to_owned());
        let mut command = Command::new(program);
        command
            .args(["-p", PROJECT])
            .args(words.split_whitespace())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    fn ends(&self, words: &str) {
        if !self.folder.join("compose.yaml").exists() {
            self.write(0);
        }
        let ended = self.begin(words).wait_with_output().expect("an end");
        assert!(ended.status.success(), "{words}: {}", String::from_utf8_lossy(&ended.stderr));
    }

    fn look(&self) -> Vec<Seen> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rows = runtime.block_on(async {
            let engine = Engine::at(Address::Unix(self.socket.clone()), None, Duration::from_mins(1))
                .expect("an address");
            engine.list_containers(&[format!("com.docker.compose.project={PROJECT}")]).await.expect("a list")
        });
        let mut seen: Vec<Seen> = rows
            .into_iter()
            .map(|row| Seen {
                name: row.names.concat().trim_start_matches('/').to_owned(),
                state: row.state,
                volumes: row.mounts.into_iter().map(|mount| mount.name).collect(),
            })
            .collect();
        seen.sort();
        seen
    }

    /// The volume of each container.
    fn volumes(&self) -> BTreeMap<String, Vec<String>> {
        self.look().into_iter().map(|seen| (seen.name, seen.volumes)).collect()
    }

    fn is_right(&self, volumes: &BTreeMap<String, Vec<String>>) -> bool {
        let seen = self.look();
        let names: Vec<String> = SERVICES.iter().map(|service| format!("{PROJECT}-{service}-1")).collect();
        seen.iter().map(|one| one.name.clone()).collect::<Vec<_>>() == names
            && seen.iter().all(|one| one.state == "running" && volumes.get(&one.name) == Some(&one.volumes))
    }

    #[track_caller]
    fn check(&self, volumes: &BTreeMap<String, Vec<String>>) {
        assert!(
            self.is_right(volumes),
            "expected one running container a service with {volumes:?}, found {:?}",
            self.look()
        );
        // Both hooks have run in the container that is there now.
        self.ends("exec -T hooked test -f /told -a -f /told-twice");
    }
}

fn shell(command: &str) {
    let status = Command::new("sh").args(["-c", command]).stdout(Stdio::null()).status().expect("a shell");
    assert!(status.success(), "`{command}` failed");
}

/// From 0 to 1.
fn random() -> f64 {
    f64::from(u32::try_from(std::hash::RandomState::new().build_hasher().finish() >> 32).unwrap_or(0))
        / f64::from(u32::MAX)
}
