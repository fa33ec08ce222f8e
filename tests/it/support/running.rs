//! Commands that run while the story goes on: several at once, one that is killed, one that waits for another. What they say can be
//! waited for.

use super::scenario::{Ran, Scenario, indented};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take to come; nothing does on purpose.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command that runs; it is killed when this is dropped.
pub struct Running {
    words: String,
    child: Child,
    said: Arc<(Mutex<Said>, Condvar)>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Said {
    lines: Vec<Line>,
    /// How many streams have not ended.
    open: usize,
}

struct Line {
    is_error: bool,
    text: String,
}

impl Said {
    fn errors(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(|line| line.is_error).map(|line| line.text.as_str())
    }

    fn all(&self) -> String {
        self.lines.iter().map(|line| format!("{}\n", line.text)).collect()
    }
}

impl Scenario<'_> {
    /// Begins `stack` with these words and goes on at once.
    pub fn begins(&mut self, words: &str) -> Running {
        self.story.push(format!("$ stack {words} &"));
        self.begins_for(self.project(), words)
    }

    /// The same, about another project than the scenario's.
    pub fn begins_for(&self, project: &str, words: &str) -> Running {
        let words_apart: Vec<&str> = words.split_whitespace().collect();
        Running::start(words, self.command_for(project, &words_apart))
    }

    /// Takes the end of a command for the last one's.
    pub fn ends(&mut self, running: Running) -> &mut Self {
        let words = running.words.clone();
        self.last = running.end();
        self.story.push(format!(
            "$ stack {words} (which ran in the background)\n  exit code {:?}\n  stdout:\n{}  stderr:\n{}",
            self.last.code,
            indented(&self.last.stdout),
            indented(&self.last.stderr)
        ));
        self
    }
}

impl Running {
    /// Starts a command and gathers the lines that it writes.
    pub fn start(words: &str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("stack starts");
        let said = Arc::new((Mutex::new(Said { open: 2, ..Said::default() }), Condvar::new()));
        let out = child.stdout.take().expect("standard output");
        let err = child.stderr.take().expect("standard error");
        let readers = vec![reader(out, false, Arc::clone(&said)), reader(err, true, Arc::clone(&said))];
        Self { words: words.to_owned(), child, said, readers }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that it has said so far, on both streams.
    pub fn text(&self) -> String {
        self.said().all()
    }

    /// The lines on standard error so far.
    pub fn lines(&self) -> Vec<String> {
        self.said().errors().map(ToOwned::to_owned).collect()
    }

    /// How many lines on standard error hold a text so far.
    pub fn count(&self, text: &str) -> usize {
        self.said().errors().filter(|line| line.contains(text)).count()
    }

    /// Waits until a line, on either stream, holds a text.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        self.says_times(text, 1)
    }

    /// Waits until so many lines do.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn says_times(&self, text: &str, times: usize) -> &Self {
        let until = Instant::now() + PATIENCE;
        let mut now = self.said();
        while now.lines.iter().filter(|line| line.text.contains(text)).count() < times {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && now.open > 0,
                "`stack {}` does not say `{text}` {times} times:\n{}",
                self.words,
                now.all()
            );
            now = self.said.1.wait_timeout(now, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self
    }

    /// Ends it without a chance to do anything more.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Freezes it.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("it runs");
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; the exit code.
    pub fn ends(&mut self) -> Option<i32> {
        self.child.wait().expect("it can be waited for").code()
    }

    /// Waits for its end, and for all that it has to say.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let until = Instant::now() + PATIENCE;
        let mut now = self.said();
        while now.open > 0 {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "`stack {}` does not end:\n{}", self.words, now.all());
            now = self.said.1.wait_timeout(now, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let stderr = now.errors().map(|line| format!("{line}\n")).collect();
        drop(now);
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader");
        }
        let code = self.ends();
        Ran { code, stdout: String::new(), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, more often than not.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn reader(
    from: impl std::io::Read + Send + 'static,
    is_error: bool,
    said: Arc<(Mutex<Said>, Condvar)>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        for text in BufReader::new(from).lines().map_while(Result::ok) {
            said.0.lock().unwrap_or_else(PoisonError::into_inner).lines.push(Line { is_error, text });
            said.1.notify_all();
        }
        said.0.lock().unwrap_or_else(PoisonError::into_inner).open -= 1;
        said.1.notify_all();
    })
}
