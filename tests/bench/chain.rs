//! A chain of gates: seconds against half a minute, so one run of each is enough.

use super::{Bench, Contestant, row};
use std::time::Duration;

/// Three services in a row, each ready half a second after its start and probed every ten seconds.
const CHAIN: &str = "\
x-ready: &ready
  image: busybox
  command: sh -c 'sleep 0.5; touch /ready; exec sleep infinity'
  healthcheck: {test: [CMD-SHELL, test -f /ready], interval: 10s}
services:
  db: *ready
  api:
    <<: *ready
    depends_on: {db: {condition: service_healthy}}
  web:
    <<: *ready
    depends_on: {api: {condition: service_healthy}}
";

pub fn run(bench: &Bench) {
    let file = bench.file("chain.yaml", CHAIN);
    let mut times: Vec<(Contestant, Duration)> = Vec::new();
    for who in bench.present(&[Contestant::Stack, Contestant::Compose]) {
        times.push((who, bench.run(who, Some(&file), &["up", "-d", "--wait"])));
        bench.run(who, Some(&file), &["down", "-t", "0"]);
    }
    let of = |wanted: Contestant| -> Vec<Duration> {
        times.iter().filter(|(who, _)| *who == wanted).map(|(_, time)| *time).collect()
    };
    row("up -d --wait, 3 gates in a row", &of(Contestant::Stack), &of(Contestant::Compose), &[], &[]);
}
