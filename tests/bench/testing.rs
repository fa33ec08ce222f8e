//! A test against a project that does nothing: what is measured is what comes around the command.
//!
//! The bare engine's part is the same creations, starts, stops and removals. The reference has no such command: its part is a
//! script of `up --wait`, the command and `down`. That a container without a probe must run for a second before it is believed
//! (`--wait-stable`) is a second that the others do not spend, so there is a case without.

use super::bare::Step;
use super::{Bench, Contestant, bare, row, timed};
use std::process::Command;
use std::time::Duration;

const COUNT: usize = 3;

pub fn run(bench: &Bench) {
    let text: String = (1..=COUNT)
        .map(|number| {
            format!(
                "  s{number}:\n    image: busybox\n    command: [sleep, infinity]\n    stop_signal: SIGKILL\n"
            )
        })
        .collect();
    let file = bench.file("test.yaml", &format!("services:\n{text}"));
    for (name, window) in [("test -- true, 3 services", "0"), ("the same, stable for 1 s", "1")] {
        let mut times: Vec<(Contestant, Duration)> = Vec::new();
        for round in 0..=bench.runs {
            for who in bench.present(&[Contestant::Stack, Contestant::Compose, Contestant::Bare]) {
                let took = match who {
                    Contestant::Stack => {
                        bench.run(who, Some(&file), &["test", "--wait-stable", window, "--", "true"])
                    }
                    Contestant::Compose => timed(Command::new("sh").arg("-ec").arg(format!(
                        "c='docker compose -p stack-bench -f {}'; $c up -d --wait; true; $c down -v",
                        file.display()
                    ))),
                    Contestant::Bare => timed(&mut bare::command(Step::Test, COUNT)),
                };
                // The first round warms everything up.
                if round > 0 {
                    times.push((who, took));
                }
            }
        }
        let of = |wanted: Contestant| -> Vec<Duration> {
            times.iter().filter(|(who, _)| *who == wanted).map(|(_, time)| *time).collect()
        };
        row(name, &of(Contestant::Stack), &of(Contestant::Compose), &of(Contestant::Bare), &[]);
    }
}
