//! Gates: how long dependents wait for what they depend on.
//!
//! The bare engine's part is here what a client can reach that only listens to the engine's own probes: `stack` with early probes
//! turned off.

use super::{Bench, Contestant, row};
use std::time::Duration;

/// Three services in a row, each ready half a second after its start. Here they are probed every ten seconds, because the
/// others would wait for a day.
fn chain() -> String {
    include_str!("../it/scenarios/chain.yaml").replace("24h", "10s")
}

pub fn run(bench: &Bench) {
    // Half a minute for the others: one run of each is enough.
    case(bench, "gates: 3 in a row, probed each 10 s", &chain(), &["up", "-d", "--wait"], 1);
    let rounds = bench.runs.min(3);
    case(bench, "gates: 1 before 9, probed each 1 s", &fan(), &["up", "-d"], rounds);
    case(bench, "gates: 10 in a row, probed each 1 s", &long_chain(), &["up", "-d"], rounds);
}

/// A service that is ready at once, and probed every second.
fn probed(number: usize) -> String {
    format!(
        "  s{number}:\n    image: busybox\n    command: [sleep, infinity]\n    healthcheck: {{test: [CMD, \"true\"], interval: 1s, \
         timeout: 5s, retries: 5}}\n"
    )
}

/// The condition under which a service starts.
fn when_healthy(number: usize) -> String {
    format!("    depends_on: {{s{number}: {{condition: service_healthy}}}}\n")
}

fn fan() -> String {
    let dependent = |number: usize| {
        format!("  s{number}:\n    image: busybox\n    command: [sleep, infinity]\n{}", when_healthy(1))
    };
    format!("services:\n{}{}", probed(1), (2..=10).map(dependent).collect::<String>())
}

fn long_chain() -> String {
    let next = |number: usize| format!("{}{}", probed(number), when_healthy(number - 1));
    format!("services:\n{}{}", probed(1), (2..=10).map(next).collect::<String>())
}

fn case(bench: &Bench, name: &str, text: &str, words: &[&str], rounds: usize) {
    let file = bench.file("gates.yaml", text);
    let listening: Vec<&str> = words.iter().copied().chain(["--no-eager-health"]).collect();
    let mut times: Vec<(Contestant, Duration)> = Vec::new();
    for _ in 0..rounds {
        for who in bench.present(&[Contestant::Stack, Contestant::Compose, Contestant::Bare]) {
            let words = if who == Contestant::Bare { &listening } else { words };
            times.push((who, bench.run(who, Some(&file), words)));
            bench.run(who, Some(&file), &["down", "-t", "0"]);
        }
    }
    let of = |wanted: Contestant| -> Vec<Duration> {
        times.iter().filter(|(who, _)| *who == wanted).map(|(_, time)| *time).collect()
    };
    row(name, &of(Contestant::Stack), &of(Contestant::Compose), &of(Contestant::Bare), &[]);
}
