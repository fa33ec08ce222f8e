//! Small stack files, changed at random: a load must neither panic nor hang, and must say why it refuses.
//!
//! Runs for some seconds; `STACK_FUZZ_SECONDS` lengthens it, `STACK_FUZZ_SEED` starts elsewhere. The same seed makes
//! the same files. Files of a corpus beside the repository join the built-in ones.

use stack::load::{LoadRequest, load};
use stack::source::{Colour, Report, to_text};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SEEDS: &[&str] = &[
    "services:\n  web:\n    image: busybox:${TAG:-1}\n    ports: ['8080:80', {target: 1, published: '2'}]\n    depends_on: [db]\n  db:\n    image: postgres\n    volumes: ['data:/data']\nvolumes:\n  data: {}\n",
    "x-base: &base\n  environment: {A: $B, C: null}\n  labels: [a=b]\nservices:\n  a:\n    <<: *base\n    build: {context: ., args: [X]}\n    extends: {service: b}\n  b:\n    image: x\n    healthcheck: {test: [CMD, x], interval: 10s}\n",
    "name: n\ninclude:\n  - path: [a.yaml]\n    env_file: b\nservices:\n  a:\n    image: x\n    deploy: {resources: {limits: {memory: 1g}}, replicas: 2}\n    networks: {n: {aliases: [y]}}\n    secrets: [s]\nnetworks:\n  n: {ipam: {config: [{subnet: 10.0.0.0/8}]}}\nsecrets:\n  s: {file: ./s}\n---\nservices:\n  a:\n    command: !override [a, b]\n    ports: !reset []\n",
];

/// What mistakes are made of.
const TOKENS: &[&str] = &[
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "!reset ",
    "!!int ",
    "|\n",
    ">",
    "#",
    "$",
    "${",
    "}",
    "$$",
    "${A:?b}",
    "%",
    "@",
    "`",
    "null",
    "~",
    "1e400",
    "-1",
    "0x",
    "\u{0}",
    "é",
    "\u{feff}",
    "---\n",
    "...\n",
    "? ",
    "extends: a",
    "depends_on: [a]",
    "x-",
    ",",
    "2024-01-01",
    "999999999999999999999",
];

/// Marsaglia's xorshift: the numbers only have to be the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % limit.max(1)
    }

    fn of<'list, T>(&mut self, list: &'list [T]) -> &'list T {
        &list[self.below(list.len())]
    }
}

fn mutate(text: &str, others: &[String], random: &mut Random) -> String {
    let mut bytes: Vec<char> = text.chars().collect();
    let mut lines: Vec<String> = Vec::new();
    for _ in 0..=random.below(4).saturating_sub(1) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 | 2 => {
                let token = random.of(TOKENS).chars();
                drop(bytes.splice(at..at, token));
            }
            3 => {
                let token = random.of(TOKENS).chars();
                drop(bytes.splice(at..end, token));
            }
            4 => {
                let copy: Vec<char> = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
            action => {
                let whole: String = bytes.iter().collect();
                lines.clear();
                lines.extend(whole.split_inclusive('\n').map(str::to_owned));
                let at = random.below(lines.len());
                if action == 5 && at < lines.len() {
                    let line = lines.remove(at);
                    lines.insert(random.below(lines.len() + 1), line);
                } else {
                    let other: Vec<&str> = random.of(others).split_inclusive('\n').collect();
                    if !other.is_empty() {
                        lines.insert(at, (*random.of(&other)).to_owned());
                    }
                }
                bytes = lines.concat().chars().collect();
            }
        }
    }
    bytes.into_iter().collect()
}

fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(corpus) =
        root.ancestors().map(|folder| folder.join("shared/corpus/dev")).find(|folder| folder.is_dir())
    else {
        println!("there is no corpus beside the repository");
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = ["spec", "error"]
        .iter()
        .filter_map(|kind| std::fs::read_dir(corpus.join(kind)).ok())
        .flatten()
        .map(|case| case.unwrap().path().join("files/compose.yaml"))
        .collect();
    files.sort();
    let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    texts.filter(|text| text.len() < 4000).collect()
}

#[expect(clippy::disallowed_methods, reason = "how a test runs is said in its environment")]
fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

#[test]
fn no_changed_file_makes_a_load_panic_or_hang() {
    let seconds = number("STACK_FUZZ_SECONDS").unwrap_or(5);
    let mut random = Random(number("STACK_FUZZ_SEED").unwrap_or(0x5eed_cafe).max(1));
    let mut seeds: Vec<String> = SEEDS.iter().map(|text| (*text).to_owned()).collect();
    seeds.extend(corpus());
    let start = Instant::now();
    let (mut executions, mut refused) = (0_u64, 0_u64);
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut text = random.of(&seeds).clone();
        // Most files are changed a little, so that they get past the parser.
        for _ in 0..=random.below(5).saturating_sub(2) {
            text = mutate(&text, &seeds, &mut random);
        }
        let request = LoadRequest {
            current_dir: "/nowhere".into(),
            files: vec!["-".to_owned()],
            stdin: Some(text.clone()),
            ..LoadRequest::default()
        };
        let begun = Instant::now();
        let run = std::panic::catch_unwind(|| match load(&request) {
            Ok(loaded) => {
                drop(to_text(&loaded.warnings, &loaded.sources, Colour::Never));
                false
            }
            Err(failure) => {
                let said = to_text(&failure.diagnostics, &failure.sources, Colour::Never);
                drop(Report::of(&failure.diagnostics, &failure.sources).line());
                assert!(
                    failure.diagnostics.has_errors() && said.contains("error: "),
                    "refused without a word"
                );
                true
            }
        });
        executions += 1;
        let Ok(is_refused) = run else { panic!("this file, as standard input, makes a load panic:\n{text}") };
        refused += u64::from(is_refused);
        assert!(begun.elapsed() < Duration::from_secs(20), "took {:?}:\n{text}", begun.elapsed());
    }
    println!("{executions} executions from {} files, {refused} refused", seeds.len());
    assert!(executions > 50 && refused > 0 && refused < executions, "{executions}, {refused} refused");
}
