//! How long the main job takes, beside `docker compose` (when it is installed) and beside the bare engine: whole processes,
//! all contestants in turn within one run, medians, and ratios. Absolute times belong to the machine; ratios travel.
//!
//! `script/bench` builds and runs it. `main_job [RUNS] [SERVICES]`; the defaults are 5 and 20. The bare engine's part is
//! done in this process: the calls that cannot be left out, 16 at a time, over kept connections.

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

/// One way of doing the job.
#[derive(Clone, Copy, PartialEq, Eq)]
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
    services: usize,
}

fn main() {
    // `cargo test --benches` and `cargo bench` hand flags over; only numbers are ours.
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let folder = std::env::temp_dir().join(format!("stack-bench-{}", std::process::id()));
    let bench = Bench {
        stack: PathBuf::from(env!("CARGO_BIN_EXE_stack")),
        compose: quiet(Command::new("docker").args(["compose", "version"])),
        folder,
        runs: numbers.first().copied().unwrap_or(5),
        services: numbers.get(1).copied().unwrap_or(20),
    };
    println!("{} runs each, medians; the ratio is stack's time by the other's", bench.runs);
    if !bench.compose {
        println!("`docker compose` is not installed: its column stays empty");
    }
    println!("{:<34}{:>10}{:>12}{:>8}{:>12}{:>8}", "", "stack", "compose", "ratio", "bare", "ratio");
    bench.cold();
    if bare::answers() {
        bench.engine();
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
        for services in [1, 100, 1000] {
            let file = self.file(&format!("config{services}.yaml"), &dense(services));
            // The reference needs seconds for 100 of these, and minutes for 1000.
            let who: &[Contestant] =
                if services > 100 { &[Contestant::Stack] } else { &[Contestant::Stack, Contestant::Compose] };
            self.case(&format!("config, {services} services"), who, |who| {
                self.run(who, Some(&file), &["config", "--quiet"])
            });
        }
    }

    fn engine(&self) {
        let count = self.services;
        let file = self.file("up.yaml", &simple(count, ""));
        let changed = self.file("changed.yaml", &simple(count, "    environment: {CHANGED: \"1\"}\n"));
        let all = [Contestant::Stack, Contestant::Compose, Contestant::Bare];
        let down = |who: Contestant| match who {
            Contestant::Bare => bare::down("bench"),
            Contestant::Stack | Contestant::Compose => self.run(who, Some(&file), &["down", "-t", "0"]),
        };
        let up = |who: Contestant| match who {
            Contestant::Bare => bare::up("bench", count),
            Contestant::Stack | Contestant::Compose => self.run(who, Some(&file), &["up", "-d"]),
        };
        // Every contestant goes through the whole life, so that none inherits another's containers.
        let mut times: Vec<(Contestant, [Duration; 5])> = Vec::new();
        for run in 0..=self.runs {
            for who in self.present(&all) {
                let fresh = up(who);
                let again = if who == Contestant::Bare { bare::look("bench") } else { up(who) };
                let ps = if who == Contestant::Bare {
                    bare::look("bench")
                } else {
                    self.run(who, Some(&file), &["ps"])
                };
                let one = if who == Contestant::Bare {
                    bare::replace_first("bench")
                } else {
                    self.run(who, Some(&changed), &["up", "-d", "-t", "0"])
                };
                let gone = down(who);
                // The first round warms everything up.
                if run > 0 {
                    times.push((who, [fresh, again, ps, one, gone]));
                }
            }
        }
        for (case, name) in
            ["up -d from nothing", "up -d, nothing changed", "ps", "up -d, one changed", "down -t 0"]
                .into_iter()
                .enumerate()
        {
            let of = |wanted: Contestant| -> Vec<Duration> {
                times.iter().filter(|(who, _)| *who == wanted).map(|(_, cases)| cases[case]).collect()
            };
            row(
                &format!("{name}, {count} services"),
                &of(Contestant::Stack),
                &of(Contestant::Compose),
                &of(Contestant::Bare),
            );
        }
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
        row(name, &of(Contestant::Stack), &of(Contestant::Compose), &[]);
    }

    fn present(&self, who: &[Contestant]) -> Vec<Contestant> {
        who.iter().copied().filter(|who| *who != Contestant::Compose || self.compose).collect()
    }

    fn run(&self, who: Contestant, file: Option<&Path>, words: &[&str]) -> Duration {
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
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let status = command.status().expect("the program starts");
        let time = started.elapsed();
        assert!(status.success(), "{words:?} failed");
        time
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        std::fs::create_dir_all(&self.folder).expect("a folder");
        let path = self.folder.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
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

fn row(name: &str, stack: &[Duration], compose: &[Duration], bare: &[Duration]) {
    let ratio = |other: &[Duration]| match (median(stack), median(other)) {
        (Some(ours), Some(theirs)) => format!("{:.2}x", ours.as_secs_f64() / theirs.as_secs_f64()),
        _ => String::new(),
    };
    let time = |times: &[Duration]| {
        median(times).map_or_else(String::new, |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
    };
    println!(
        "{name:<34}{:>10}{:>12}{:>8}{:>12}{:>8}",
        time(stack),
        time(compose),
        ratio(compose),
        time(bare),
        ratio(bare)
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
