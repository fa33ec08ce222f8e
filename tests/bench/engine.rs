//! The main job: `up`, `ps` and `down` of services that do nothing, so that what is measured is the way there.

use super::bare::Step;
use super::counted::Counted;
use super::{Bench, Contestant, bare, row, simple};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is done in the life of a project, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Fresh,
    Unchanged,
    Ps,
    OneChanged,
    Down,
}

const STAGES: [(Stage, &str); 5] = [
    (Stage::Fresh, "up -d from nothing"),
    (Stage::Unchanged, "up -d, nothing changed"),
    (Stage::Ps, "ps"),
    (Stage::OneChanged, "up -d, one changed"),
    (Stage::Down, "down -t 0"),
];

/// Project sizes, fewer rounds for the big ones.
const SIZES: [(usize, usize); 4] = [(1, 1), (20, 1), (50, 2), (100, 3)];

struct Life {
    count: usize,
    file: PathBuf,
    changed: PathBuf,
}

/// The main job for projects of several sizes.
pub fn run(bench: &Bench) {
    let sizes = SIZES.iter().filter(|(count, _)| bench.most.is_none_or(|most| *count <= most));
    for (count, share) in sizes {
        life(bench, *count, bench.runs.div_ceil(*share));
    }
}

fn life(bench: &Bench, count: usize, rounds: usize) {
    let extra = "    environment: {CHANGED: \"1\"}\n";
    let life = Life {
        count,
        file: bench.file(&format!("up{count}.yaml"), &simple(count, "")),
        changed: bench.file(&format!("changed{count}.yaml"), &simple(count, extra)),
    };
    let all = [Contestant::Stack, Contestant::Compose, Contestant::Bare];
    // Every contestant goes through the whole life, so that none inherits another's containers.
    let mut times: BTreeMap<(Contestant, Stage), Vec<Duration>> = BTreeMap::new();
    for round in 0..=rounds {
        for who in bench.present(&all) {
            for (stage, _) in STAGES {
                let took = life.step(bench, who, stage, None);
                // The first round warms everything up.
                if round > 0 {
                    times.entry((who, stage)).or_default().push(took);
                }
            }
        }
    }
    let requests = bench.engine.as_deref().map(|engine| life.requests(bench, engine)).unwrap_or_default();
    for (stage, name) in STAGES {
        let of = |who| times.get(&(who, stage)).map(Vec::as_slice).unwrap_or_default();
        let sent = |who| requests.get(&(who, stage)).map_or_else(String::new, ToString::to_string);
        row(
            &format!("{name}, {count} services"),
            of(Contestant::Stack),
            of(Contestant::Compose),
            of(Contestant::Bare),
            &[sent(Contestant::Stack), sent(Contestant::Compose)],
        );
    }
}

impl Life {
    fn step(&self, bench: &Bench, who: Contestant, stage: Stage, host: Option<&str>) -> Duration {
        let bare = |step| super::timed(&mut bare::command(step, self.count));
        let run = |file: &Path, words: &[&str]| bench.run_at(who, host, Some(file), words);
        match (who, stage) {
            (Contestant::Bare, Stage::Fresh) => bare(Step::Up),
            (Contestant::Bare, Stage::Unchanged) => bare(Step::Unchanged),
            (Contestant::Bare, Stage::Ps) => bare(Step::Look),
            (Contestant::Bare, Stage::OneChanged) => bare(Step::ReplaceFirst),
            (Contestant::Bare, Stage::Down) => bare(Step::Down),
            (_, Stage::Fresh | Stage::Unchanged) => run(&self.file, &["up", "-d"]),
            (_, Stage::Ps) => run(&self.file, &["ps"]),
            (_, Stage::OneChanged) => run(&self.changed, &["up", "-d", "-t", "0"]),
            (_, Stage::Down) => run(&self.file, &["down", "-t", "0"]),
        }
    }

    /// The requests each stage takes, counted apart from the times.
    fn requests(&self, bench: &Bench, engine: &Path) -> BTreeMap<(Contestant, Stage), usize> {
        let counted = Counted::in_front_of(engine, &bench.folder_for(&format!("count{}", self.count)));
        let mut requests = BTreeMap::new();
        for who in bench.present(&[Contestant::Stack, Contestant::Compose]) {
            for (stage, _) in STAGES {
                counted.take();
                self.step(bench, who, stage, Some(&counted.host()));
                requests.insert((who, stage), counted.take());
            }
        }
        requests
    }
}
