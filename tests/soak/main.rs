//! Whether `watch` keeps containers equal to their sources however long and however wildly these are edited.
//!
//! `cargo test --bench soak -- [EDITS [SECONDS [SEED]]]` (10,000 edits over 600 seconds by default), with `DOCKER_HOST` naming an
//! engine that has `busybox`. Three services: one plain, one of two replicas whose user is not root, one with rules about what is
//! left out, on the folder of the first. Twice the watch is stopped while the kernel's queue overflows. After each tenth of the
//! edits the trees are compared: contents, modes, links. It ends with 1 when they differ.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program of its own, which ends at the first surprise"
)]

use edits::{Dice, Edited};
use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use stack::engine::{Address, Engine};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

mod edits;

const PROJECT: &str = "stack-soak";

const STACK: &str = "\
x-common: &common {image: busybox, command: sleep infinity, stop_signal: SIGKILL}
services:
  plain:
    <<: *common
    develop: {watch: [{path: ./one, action: sync, target: /app}]}
  user:
    <<: *common
    user: \"1000\"
    scale: 2
    develop: {watch: [{path: ./two, action: sync, target: /tmp/app}]}
  part:
    <<: *common
    develop: {watch: [{path: ./one, action: sync, target: /srv/part, ignore: [\"**/cache\", \"**/*.log\"]}]}
";

/// Each container, the folder it has, where, and whether something is left out.
const TREES: [(&str, &str, &str, bool); 4] = [
    ("plain-1", "one", "/app", false),
    ("user-1", "two", "/tmp/app", false),
    ("user-2", "two", "/tmp/app", false),
    ("part-1", "one", "/srv/part", true),
];

/// How long files may take to arrive before they count as lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whole trees: what each path is, and what it holds.
type Tree = BTreeMap<PathBuf, String>;

fn main() {
    let words: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let edits = words.first().and_then(|count| usize::try_from(*count).ok()).unwrap_or(10_000);
    let seconds = words.get(1).copied().unwrap_or(600);
    let seed = words.get(2).copied().unwrap_or(0x5eed);
    let host = std::env::var("DOCKER_HOST").ok();
    let Some(socket) = host.and_then(|host| host.strip_prefix("unix://").map(PathBuf::from)) else {
        println!("DOCKER_HOST names no Unix socket: nothing was tried");
        return;
    };
    let folder = std::env::temp_dir().join(format!("stack-soak-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("compose.yaml"), STACK).expect("a file");
    println!("{edits} edits over {seconds} s, seed {seed}");
    let soak = Soak { folder: folder.clone(), socket };
    let lost = soak.run(edits, Duration::from_secs(seconds), seed);
    soak.ends(&["down", "-t", "0"]);
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(lost, 0, "files did not arrive");
}

struct Soak {
    folder: PathBuf,
    socket: PathBuf,
}

impl Soak {
    /// The result is how many paths differed after all edits of a tenth should have arrived.
    fn run(&self, edits: usize, time: Duration, seed: u64) -> usize {
        let mut dice = Dice::new(seed);
        let mut sources = ["one", "two"].map(|name| Edited::new(self.folder.join(name)));
        self.ends(&["up", "-d"]);
        let mut watch = Watch::begin(self.command(&["watch", "--no-up"]));
        let (mut done, mut lost, mut slowest) = (0, 0, Duration::ZERO);
        let began = Instant::now();
        let pause = time / u32::try_from(edits.max(1)).unwrap_or(u32::MAX);
        println!("{:>8}{:>9}{:>12}{:>12}{:>9}", "edits", "s", "memory", "equal after", "paths");
        for tenth in 1..=10 {
            let mut note = "";
            while done < edits * tenth / 10 {
                // Some come alone, some many at once.
                for _ in 0..=dice.below(8) * dice.below(8) {
                    let source = dice.below(sources.len());
                    sources[source].edit(&mut dice);
                    done += 1;
                }
                let due = began + pause * u32::try_from(done).unwrap_or(u32::MAX);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            if tenth == 4 || tenth == 8 {
                done += self.overflow(&watch, &mut sources, &mut dice);
                note = "the kernel's queue overflowed before this";
            }
            let (differing, after, paths) = self.compare();
            slowest = slowest.max(after);
            lost += differing.len();
            println!(
                "{done:>8}{:>9.1}{:>9} KiB{:>9} ms{paths:>9}  {note}",
                began.elapsed().as_secs_f64(),
                watch.memory_kib(),
                after.as_millis(),
            );
            for line in differing.iter().take(10) {
                println!("    {line}");
            }
        }
        let warnings = watch.ends();
        println!(
            "{done} edits; {lost} paths differed {} s after; slowest {} ms",
            PATIENCE.as_secs(),
            slowest.as_millis()
        );
        println!("warnings: {}", warnings.len());
        for line in warnings.iter().take(10) {
            println!("    {line}");
        }
        lost
    }

    /// Edits while the watch does not read, until the kernel throws events away. How many there were.
    fn overflow(&self, watch: &Watch, sources: &mut [Edited], dice: &mut Dice) -> usize {
        let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("the limit");
        let limit: usize = limit.trim().parse().expect("a number");
        watch.signal(Signal::STOP);
        // Two files by turns: the same event twice in a row is one.
        for number in 0..limit {
            let file = self.folder.join(format!("one/noise{}", number % 2));
            std::fs::write(file, format!("{number}\n")).expect("a file");
        }
        for number in 0..100 {
            sources[number % 2].edit(dice);
        }
        watch.signal(Signal::CONT);
        100
    }

    /// Waits until all trees are equal, or for long: what differs then, how long it took, and how many paths there are.
    fn compare(&self) -> (Vec<String>, Duration, usize) {
        let began = Instant::now();
        loop {
            let mut differing = Vec::new();
            let mut paths = 0;
            for (container, source, target, part) in TREES {
                let here = here(&self.folder.join(source), part);
                let there = self.there(&format!("{PROJECT}-{container}"), target);
                paths += here.len();
                for path in here.keys().chain(there.keys()).filter(|path| here.get(*path) != there.get(*path))
                {
                    let is = |tree: &Tree| {
                        tree.get(path).map_or("nothing".to_owned(), |is| is.chars().take(40).collect())
                    };
                    differing.push(format!(
                        "{container} {}: here {}, there {}",
                        path.display(),
                        is(&here),
                        is(&there)
                    ));
                }
            }
            differing.sort();
            differing.dedup();
            if differing.is_empty() || began.elapsed() > PATIENCE {
                return (differing, began.elapsed(), paths);
            }
        }
    }

    /// What a container has below a folder, as its archive says.
    fn there(&self, container: &str, target: &str) -> Tree {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let bytes = runtime.block_on(async {
            let engine = Engine::at(Address::Unix(self.socket.clone()), None, Duration::from_mins(1))
                .expect("an address");
            // Before the first sync there is nothing.
            let (_, mut stream) = engine.get_archive(container, container, target).await.ok()?;
            let mut bytes = Vec::new();
            while let Some(piece) = stream.next().await {
                bytes.extend_from_slice(&piece.ok()?);
            }
            Some(bytes)
        });
        let mut tree = Tree::new();
        let mut archive = tar::Archive::new(bytes.as_deref().unwrap_or_default());
        for entry in archive.entries().expect("an archive") {
            // An archive of files that are being replaced may be cut short: then the trees differ, and it is asked for again.
            let Ok(mut entry) = entry else { break };
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(&entry.path_bytes()));
            let inside: PathBuf = path.components().skip(1).collect();
            if inside.as_os_str().is_empty() {
                continue;
            }
            let mode = entry.header().mode().expect("a mode") & 0o7777;
            let kind = entry.header().entry_type();
            let is = if kind.is_dir() {
                format!("folder {mode:o}")
            } else if kind.is_symlink() {
                format!("link to {}", String::from_utf8_lossy(&entry.link_name_bytes().unwrap_or_default()))
            } else {
                let mut content = String::new();
                if entry.read_to_string(&mut content).is_err() {
                    break;
                }
                format!("file {mode:o} {content}")
            };
            tree.insert(inside, is);
        }
        tree
    }

    fn command(&self, words: &[&str]) -> Command {
        // Another build may be tried, too.
        let program = std::env::var("STACK").unwrap_or_else(|_| env!("CARGO_BIN_EXE_stack").to_owned());
        let mut command = Command::new(program);
        command.args(["-p", PROJECT]).args(words).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn ends(&self, words: &[&str]) {
        let ended = self.command(words).output().expect("stack starts");
        assert!(ended.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// What is below a folder here; a part of it when the rule leaves something out.
fn here(root: &Path, part: bool) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            // Backups of editors never travel.
            if name.ends_with('~') || part && (name == "cache" || name.ends_with(".log")) {
                continue;
            }
            let metadata = path.symlink_metadata().expect("metadata");
            let mode = metadata.permissions().mode() & 0o7777;
            let is = if metadata.is_dir() {
                folders.push(path.clone());
                format!("folder {mode:o}")
            } else if metadata.is_symlink() {
                format!("link to {}", std::fs::read_link(&path).expect("a link").display())
            } else {
                format!("file {mode:o} {}", std::fs::read_to_string(&path).expect("text"))
            };
            tree.insert(path.strip_prefix(root).expect("it is below").to_owned(), is);
        }
    }
    tree
}

/// A watch that runs, and what it says.
struct Watch {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    /// It follows when this returns.
    fn begin(mut command: Command) -> Self {
        let mut child = command.spawn().expect("stack starts");
        let mut lines =
            BufReader::new(child.stderr.take().expect("standard error")).lines().map_while(Result::ok);
        lines.find(|line| line.contains("Ctrl-C ends it")).expect("it begins");
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let writer = Arc::clone(&said);
        std::thread::spawn(move || {
            let trouble = |line: &String| !["Synced", "Warning: no"].iter().any(|usual| line.contains(usual));
            for line in lines.filter(trouble) {
                writer.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { child, said }
    }

    /// Its memory that is in use.
    fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let Some(line) = status.lines().find(|line| line.starts_with("VmRSS:")) else {
            panic!("watch has ended: {:#?}", self.said.lock().unwrap_or_else(PoisonError::into_inner));
        };
        line.split_whitespace().nth(1).and_then(|count| count.parse().ok()).expect("a number")
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("it runs");
        kill_process(id, signal).expect("it runs");
    }

    /// Ends it; the warnings that it gave.
    fn ends(&mut self) -> Vec<String> {
        self.signal(Signal::INT);
        let code = self.child.wait().expect("an end").code();
        assert_eq!(code, Some(130), "an interrupted watch ends with 130");
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
