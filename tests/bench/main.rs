//! How long the main job takes, beside `docker compose` (when it is installed) and beside the bare engine: whole processes,
//! all contestants in turn within one run, medians, and ratios. Absolute times belong to the machine; ratios travel.
//!
//! `script/bench` builds and runs it. `main_job [RUNS] [MOST] [PART]`: rounds (5 by default; fewer for big projects), the size of
//! the biggest project that is brought up (100 by default), and one part alone (`cold`, `life`, `gates`, `test` or `watch`). The bare
//! engine's part is a process too, which sends the calls that cannot be left out, 16 at a time, over kept connections, and
//! nothing else; what it is for gates their own file says. The last two columns are requests to
//! the engine, counted by a relay in a round that is not timed.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark is a program of its own, and ends at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod bare;
mod counted;
mod engine;
mod gates;
mod peak;
mod testing;
mod watch;

/// One way of doing the job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Contestant {
    Stack,
    Compose,
    Bare,
}

struct Bench {
    stack: PathBuf,
    compose: bool,
    folder: PathBuf,
    runs: usize,
    /// The size of the biggest project that is brought up.
    most: Option<usize>,
    /// The engine's socket, when it is one.
    engine: Option<PathBuf>,
}

fn main() {
    if bare::is_step() {
        return;
    }
    // `cargo test --benches` and `cargo bench` hand flags over; only numbers are ours.
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let folder = std::env::temp_dir().join(format!("stack-bench-{}", std::process::id()));
    let bench = Bench {
        stack: PathBuf::from(env!("CARGO_BIN_EXE_stack")),
        compose: quiet(Command::new("docker").args(["compose", "version"])),
        folder,
        runs: numbers.first().copied().unwrap_or(5),
        most: numbers.get(1).copied(),
        engine: bare::socket(),
    };
    println!("{} runs each, medians; the ratio is stack's time by the other's", bench.runs);
    if !bench.compose {
        println!("`docker compose` is not installed: its column stays empty");
    }
    println!(
        "{:<36}{:>11}{:>12}{:>8}{:>12}{:>8}{:>10}{:>10}",
        "", "stack", "compose", "ratio", "bare", "ratio", "requests", "compose's"
    );
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let named: Vec<&String> = words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| *name == part);
    if wanted("cold") {
        bench.cold();
    }
    if bare::answers() {
        if wanted("life") {
            engine::run(&bench);
        }
        if wanted("gates") {
            gates::run(&bench);
        }
        if wanted("test") {
            testing::run(&bench);
        }
        if wanted("watch") {
            watch::run(&bench);
        }
    } else {
        println!("no engine answers: the cases that need one are left out");
    }
    drop(std::fs::remove_dir_all(&bench.folder));
}

impl Bench {
    fn cold(&self) {
        self.case("version", &[Contestant::Stack, Contestant::Compose], |who| {
            self.run(who, None, &["version"])
        });
        for (services, compose) in [(1, true), (100, true), (1000, false), (10_000, false)] {
            let file = self.file(&format!("config{services}.yaml"), &dense(services));
            // The reference needs seconds for 100 of these, and does not come to an end with 1,000 within minutes.
            self.config(&format!("config, {services} services"), &file, compose);
        }
        for (services, compose) in [(100, true), (1000, true), (10_000, false)] {
            let file = self.file(&format!("rich{services}.yaml"), &rich(services));
            self.config(&format!("config, {services} rich services"), &file, compose);
        }
    }

    /// Time and peak memory of one file's way through the whole process.
    fn config(&self, name: &str, file: &Path, compose: bool) {
        let both = [Contestant::Stack, Contestant::Compose];
        let who = both.get(..if compose { 2 } else { 1 }).expect("there are two");
        self.case(name, who, |who| self.run(who, Some(file), &["config", "--quiet"]));
        let peak = |who: Contestant| {
            let mut command = self.command(who, None, Some(file), &["config", "--quiet"]);
            peak::memory(&mut command).map_or_else(String::new, |bytes| format!("{:.1} MB", bytes / 1e6))
        };
        let compose = if compose && self.compose { peak(Contestant::Compose) } else { String::new() };
        println!("{:<36}{:>11}{compose:>12}", "  its peak memory", peak(Contestant::Stack));
    }

    fn case(&self, name: &str, who: &[Contestant], run: impl Fn(Contestant) -> Duration) {
        let mut times: Vec<(Contestant, Duration)> = Vec::new();
        for round in 0..=self.runs {
            for who in self.present(who) {
                let time = run(who);
                if round > 0 {
                    times.push((who, time));
                }
            }
        }
        let of = |wanted: Contestant| -> Vec<Duration> {
            times.iter().filter(|(who, _)| *who == wanted).map(|(_, time)| *time).collect()
        };
        row(name, &of(Contestant::Stack), &of(Contestant::Compose), &[], &[]);
    }

    fn present(&self, who: &[Contestant]) -> Vec<Contestant> {
        who.iter().copied().filter(|who| *who != Contestant::Compose || self.compose).collect()
    }

    fn run(&self, who: Contestant, file: Option<&Path>, words: &[&str]) -> Duration {
        self.run_at(who, None, file, words)
    }

    /// Runs a command, with another engine address when one is given.
    fn run_at(&self, who: Contestant, host: Option<&str>, file: Option<&Path>, words: &[&str]) -> Duration {
        timed(&mut self.command(who, host, file, words))
    }

    fn command(&self, who: Contestant, host: Option<&str>, file: Option<&Path>, words: &[&str]) -> Command {
        let mut command = match who {
            Contestant::Compose => {
                let mut command = Command::new("docker");
                command.arg("compose");
                command
            }
            Contestant::Stack | Contestant::Bare => Command::new(&self.stack),
        };
        if let Some(file) = file {
            command.args(["-p", "stack-bench", "-f"]).arg(file);
        }
        if let Some(host) = host {
            command.env("DOCKER_HOST", host);
        }
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn folder_for(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder_for("files").join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

/// How long a process takes from its start to its end.
fn timed(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let ended = command.output().expect("the program starts");
    let time = started.elapsed();
    assert!(ended.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&ended.stderr));
    time
}

/// Services that do nothing; `extra` goes to the first.
fn simple(count: usize, extra: &str) -> String {
    let mut text = "services:\n".to_owned();
    for number in 1..=count {
        text.push_str(&format!("  s{number}:\n    image: busybox\n    command: [sleep, infinity]\n"));
        if number == 1 {
            text.push_str(extra);
        }
    }
    text
}

/// Services as people write them, each with two dependencies: anchors, variables, ports, mounts, probes.
fn dense(count: usize) -> String {
    let mut text = "x-env: &env {LOG: \"${LOG:-info}\", REGION: here}\nservices:\n".to_owned();
    for number in 1..=count {
        text.push_str(&format!(
            "  s{number}:\n    image: registry.example/team/s{number}:${{TAG:-1.2.3}}\n    command: [serve, --id, \"{number}\"]\n    \
             environment: {{<<: *env, ID: \"{number}\", URL: \"postgres://u:p@db:5432/app\"}}\n    ports: [\"{}:8080\"]\n    \
             volumes: [\"data:/data\", \"./conf:/conf:ro\"]\n    networks: [front, back]\n    restart: unless-stopped\n    \
             healthcheck: {{test: [CMD, check], interval: 10s, timeout: 3s, retries: 5}}\n",
            10_000 + number
        ));
        if number > 2 {
            text.push_str(&format!(
                "    depends_on:\n      s{}: {{condition: service_healthy}}\n      s{}: {{condition: service_started}}\n",
                number / 2,
                number - 1
            ));
        }
    }
    text.push_str("networks: {front: {}, back: {}}\nvolumes: {data: {}}\n");
    text
}

/// Services as big projects have them: three times the lines of a [`dense`] one, long forms beside short ones, everything
/// shared through anchors and merge keys; each waits for the one before.
fn rich(count: usize) -> String {
    let mut text = "x-env: &env\n  LOG_LEVEL: info\n  TZ: UTC\n  REGION: ${REGION:-eu-west-1}\nx-base: &base\n  restart: \
                    unless-stopped\n  logging:\n    driver: json-file\n    options: {max-size: 10m, max-file: \"3\"}\n  \
                    networks: [front, back]\nservices:\n"
        .to_owned();
    for number in 1..=count {
        text.push_str(&format!(
            "  s{number}:\n    <<: *base\n    image: registry.example/team/s{number}:${{TAG:-1.0}}\n    command: [serve, --port, \
             \"8080\"]\n    environment:\n      <<: *env\n      NAME: s{number}\n      URL: postgres://user:pass@db:5432/s{number}\n    \
             ports:\n      - \"{}:80\"\n      - target: 443\n        published: \"{}\"\n        protocol: tcp\n    volumes:\n      \
             - data:/var/lib/data\n      - ./conf/{number}:/etc/app:ro\n    labels:\n      team: core\n      index: \"{number}\"\n    \
             healthcheck:\n      test: [CMD, curl, -f, \"http://localhost/health\"]\n      interval: 10s\n      timeout: 3s\n      \
             retries: 5\n      start_period: 20s\n    deploy:\n      resources:\n        limits: {{cpus: \"0.5\", memory: 128M}}\n",
            10_000 + number,
            30_000 + number
        ));
        if number > 1 {
            text.push_str(&format!(
                "    depends_on:\n      s{}:\n        condition: service_healthy\n",
                number - 1
            ));
        }
    }
    text.push_str("networks:\n  front: {}\n  back: {}\nvolumes:\n  data: {}\n");
    text
}

fn row(name: &str, stack: &[Duration], compose: &[Duration], bare: &[Duration], requests: &[String]) {
    let ratio = |other: &[Duration]| match (median(stack), median(other)) {
        (Some(ours), Some(theirs)) => format!("{:.2}x", ours.as_secs_f64() / theirs.as_secs_f64()),
        _ => String::new(),
    };
    let time = |times: &[Duration]| {
        median(times).map_or_else(String::new, |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
    };
    println!(
        "{name:<36}{:>11}{:>12}{:>8}{:>12}{:>8}{:>10}{:>10}",
        time(stack),
        time(compose),
        ratio(compose),
        time(bare),
        ratio(bare),
        requests.first().map_or("", String::as_str),
        requests.get(1).map_or("", String::as_str),
    );
}

fn median(times: &[Duration]) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied()
}

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
