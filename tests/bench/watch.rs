//! `watch`: from the end of a write to the content in the container, and from an edited variable to the new container.
//!
//! The container's files are looked at through `/proc/PID/root`, which needs root on the engine's own machine: a look costs
//! microseconds and disturbs nothing. Where that cannot be had, these cases are left out.

use super::{Bench, Contestant, bare, row};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing takes this long on purpose.
const PATIENCE: Duration = Duration::from_mins(2);

const CONTAINER: &str = "stack-bench-web-1";

struct Project {
    folder: PathBuf,
    file: PathBuf,
}

/// Syncs of 1, 100 and 5,000 files, an edit of the stack file, the start on a big tree, and the price of doing nothing.
pub fn run(bench: &Bench) {
    let project = Project::new(bench);
    bench.run(Contestant::Stack, Some(&project.file), &["up", "-d"]);
    let Some(inside) = inside() else {
        println!("watch: the container's files cannot be looked at from here; left out");
        bench.run(Contestant::Stack, Some(&project.file), &["down", "-t", "0"]);
        return;
    };
    let mut marker = 0;
    for (count, rounds) in [(1, 20), (100, 5), (5000, 1)] {
        let mut times: Vec<(Contestant, Vec<Duration>)> = Vec::new();
        for who in bench.present(&[Contestant::Stack, Contestant::Compose]) {
            let watch = project.watch(bench, who);
            let took = (0..=rounds)
                .map(|_| {
                    marker += 1;
                    project.write(count, marker);
                    project.arrives(&inside, count, marker)
                })
                // The first round warms everything up, and waits until the watch has begun.
                .skip(1)
                .collect();
            times.push((who, took));
            end(watch);
        }
        let bare: Vec<Duration> = (0..rounds)
            .map(|_| {
                marker += 1;
                project.write(count, marker);
                bare::upload(CONTAINER, &project.folder.join("src"), "/app")
            })
            .collect();
        let of = |wanted| times.iter().find(|(who, _)| *who == wanted).map_or(&[][..], |(_, took)| took);
        row(
            &format!("watch, {count} files, save to seen"),
            of(Contestant::Stack),
            of(Contestant::Compose),
            &bare,
            &[],
        );
    }
    project.edited_variable(bench);
    project.nothing_to_bring(bench);
    project.big_tree_and_rest(bench);
    bench.run(Contestant::Stack, Some(&project.file), &["down", "-t", "0"]);
}

/// The container's root, as the host sees it.
fn inside() -> Option<PathBuf> {
    let root = PathBuf::from(format!("/proc/{}/root", bare::pid(CONTAINER)?));
    root.join("bin").is_dir().then_some(root)
}

impl Project {
    fn new(bench: &Bench) -> Self {
        let folder = bench.folder_for("watch");
        std::fs::create_dir_all(folder.join("src")).expect("a folder");
        let project = Self { file: folder.join("compose.yaml"), folder };
        project.stack_file("0");
        project
    }

    fn stack_file(&self, value: &str) {
        let text = format!(
            "services:\n  web:\n    image: busybox\n    command: [sleep, infinity]\n    stop_signal: SIGKILL\n    \
             environment: {{VALUE: \"{value}\"}}\n    \
             develop: {{watch: [{{path: ./src, action: sync, target: /app, initial_sync: true}}]}}\n"
        );
        std::fs::write(&self.file, text).expect("a file");
    }

    fn watch(&self, bench: &Bench, who: Contestant) -> Child {
        let mut command = match who {
            Contestant::Compose => {
                let mut command = Command::new("docker");
                command.arg("compose");
                command
            }
            Contestant::Stack | Contestant::Bare => Command::new(&bench.stack),
        };
        command.args(["-p", "stack-bench", "-f"]).arg(&self.file).args(["watch", "--no-up"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    /// Writes so many files, the mark in all of them.
    fn write(&self, count: usize, marker: usize) {
        for number in 0..count {
            let path = self.folder.join(format!("src/f{number}"));
            std::fs::write(path, format!("{marker}\n")).expect("a file");
        }
    }

    /// How long until the container has what was written. A watch that has not begun yet is given further writes.
    fn arrives(&self, inside: &Path, count: usize, marker: usize) -> Duration {
        let written = Instant::now();
        let wanted = format!("{marker}\n");
        let mut again = Instant::now();
        // The first and the last are looked at each time, all of them at the end.
        let there = |number: usize| {
            std::fs::read_to_string(inside.join(format!("app/f{number}"))).is_ok_and(|text| text == wanted)
        };
        while !(there(0) && there(count - 1) && (0..count).all(there)) {
            assert!(written.elapsed() < PATIENCE, "what was written does not arrive");
            if again.elapsed() > Duration::from_secs(10) {
                again = Instant::now();
                self.write(count, marker);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        written.elapsed()
    }

    /// From an edited variable to the new container, and what the same replacement takes without watch.
    fn edited_variable(&self, bench: &Bench) {
        // A new container is given all files; here it is not that which is measured.
        std::fs::remove_dir_all(self.folder.join("src")).expect("removed");
        std::fs::create_dir(self.folder.join("src")).expect("a folder");
        let watch = self.watch(bench, Contestant::Stack);
        std::thread::sleep(Duration::from_secs(2));
        let mut watched = Vec::new();
        let mut by_hand = Vec::new();
        for round in 0..bench.runs {
            let old = bare::pid(CONTAINER);
            self.stack_file(&format!("watched{round}"));
            watched.push(bare::until_replaced(CONTAINER, old));
            // The watch settles: what comes next is another batch.
            std::thread::sleep(Duration::from_millis(500));
        }
        end(watch);
        for round in 0..bench.runs {
            self.stack_file(&format!("hand{round}"));
            by_hand.push(bench.run(Contestant::Stack, Some(&self.file), &["up", "-d"]));
        }
        // In the place of the bare engine: the same replacement by `up`.
        row("watch, edited variable (bare: up)", &watched, &[], &by_hand, &[]);
    }

    /// How long a watch takes to begin on 10,000 files that the container has already, and what that costs in all.
    fn nothing_to_bring(&self, bench: &Bench) {
        // What is older than the image came with it.
        let long_ago = std::time::UNIX_EPOCH + Duration::from_hours(24 * 365 * 20);
        let old = self.folder.join("old");
        for number in 0..10_000 {
            let folder = old.join(format!("d{}", number % 100));
            std::fs::create_dir_all(&folder).expect("a folder");
            let path = folder.join(format!("{number}"));
            std::fs::write(&path, "x\n").expect("a file");
            std::fs::File::options()
                .write(true)
                .open(path)
                .and_then(|file| file.set_modified(long_ago))
                .expect("a time");
        }
        for folder in
            std::fs::read_dir(&old).expect("a folder").flatten().map(|entry| entry.path()).chain([old])
        {
            std::fs::File::open(folder).and_then(|folder| folder.set_modified(long_ago)).expect("a time");
        }
        let text = std::fs::read_to_string(&self.file).expect("the stack file");
        let text = text.replace("./src", "./old").replace(", initial_sync: true", "");
        let file = self.folder.join("old.yaml");
        std::fs::write(&file, text).expect("a file");
        let (mut begun, mut cost) = (Vec::new(), Vec::new());
        for _ in 0..bench.runs {
            let began = Instant::now();
            let mut command = Command::new(&bench.stack);
            command.args(["-p", "stack-bench", "-f"]).arg(&file).args(["watch", "--no-up"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            let mut watch = command.spawn().expect("the program starts");
            let mut lines =
                std::io::BufRead::lines(std::io::BufReader::new(watch.stderr.take().expect("stderr")));
            let begins = |line: &std::io::Result<String>| {
                line.as_ref().is_ok_and(|line| line.contains("Ctrl-C ends it"))
            };
            assert!(lines.any(|line| begins(&line)), "it begins");
            begun.push(began.elapsed());
            // Long enough to look at everything once more; then it is at rest.
            std::thread::sleep(Duration::from_secs(1));
            cost.push(Duration::from_millis(10 * ticks(watch.id()).0));
            drop(Command::new("kill").args(["-INT", &watch.id().to_string()]).status());
            let synced = lines.map_while(Result::ok).filter(|line| line.contains("Synced")).count();
            assert_eq!(synced, 0, "nothing is brought");
            watch.wait().expect("it ends");
        }
        row("watch, start on 10,000 files in sync", &begun, &[], &[], &[]);
        row("  its CPU until it rests", &cost, &[], &[], &[]);
    }

    /// How long a watch takes to begin on 20,000 files, and what it costs while nothing happens.
    fn big_tree_and_rest(&self, bench: &Bench) {
        for number in 0..20_000 {
            let folder = self.folder.join(format!("src/d{}", number % 200));
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join(format!("{number}")), "x\n").expect("a file");
        }
        let began = Instant::now();
        let mut command = Command::new(&bench.stack);
        command.args(["-p", "stack-bench", "-f"]).arg(&self.file).args(["watch", "--no-up"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut watch = command.spawn().expect("the program starts");
        let err = watch.stderr.take().expect("standard error");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(err)).map_while(Result::ok);
        lines.find(|line| line.contains("Ctrl-C ends it")).expect("it begins");
        row("watch, start on 20,000 files", &[began.elapsed()], &[], &[], &[]);
        lines.find(|line| line.contains("Synced")).expect("the first sync ends");
        let before = ticks(watch.id());
        std::thread::sleep(Duration::from_secs(10));
        let after = ticks(watch.id());
        println!(
            "watch at rest: {} clock ticks of CPU and {} wake-ups in 10 s",
            after.0 - before.0,
            after.1.saturating_sub(before.1)
        );
        end(watch);
    }
}

/// CPU used (in clock ticks) and context switches of a process so far.
fn ticks(id: u32) -> (u64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let field = |index: usize| {
        after_name.split_whitespace().nth(index).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let mut switches = 0;
    for task in std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten() {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
        switches +=
            counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>();
    }
    (field(11) + field(12), switches)
}

fn end(mut watch: Child) {
    drop(Command::new("kill").args(["-INT", &watch.id().to_string()]).status());
    watch.wait().expect("it ends");
}
