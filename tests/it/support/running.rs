//! Commands that run while the story goes on: several at once, one that is killed, one that waits for another.

use super::scenario::{Ran, Scenario, indented};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take to come; nothing does on purpose.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command that runs; it is killed when this is dropped.
pub struct Running {
    words: String,
    child: Child,
    /// Both streams, a line each with a line end.
    said: Arc<(Mutex<Said>, Condvar)>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Said {
    text: String,
    stderr: String,
    open: usize,
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
        let mut command = self.command_for(project, &words_apart);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("stack starts");
        let said = Arc::new((Mutex::new(Said { open: 2, ..Said::default() }), Condvar::new()));
        let out = child.stdout.take().expect("standard output");
        let err = child.stderr.take().expect("standard error");
        let readers = vec![reader(out, false, Arc::clone(&said)), reader(err, true, Arc::clone(&said))];
        Running { words: words.to_owned(), child, said, readers }
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
    /// Waits until it has said this, on either stream.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        let (said, news) = &*self.said;
        let until = Instant::now() + PATIENCE;
        let mut now = said.lock().unwrap_or_else(PoisonError::into_inner);
        while !now.text.contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && now.open > 0,
                "`stack {}` does not say `{text}`: {}",
                self.words,
                now.text
            );
            now = news.wait_timeout(now, left).unwrap_or_else(PoisonError::into_inner).0;
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

    fn signal(&self, signal: Signal) {
        let pid = self.pid();
        kill_process(Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid"), signal)
            .expect("it runs");
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let (said, news) = &*self.said;
        let until = Instant::now() + PATIENCE;
        let mut now = said.lock().unwrap_or_else(PoisonError::into_inner);
        while now.open > 0 {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "`stack {}` does not end: {}", self.words, now.text);
            now = news.wait_timeout(now, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let stderr = now.stderr.clone();
        drop(now);
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader");
        }
        let code = self.child.wait().expect("an end").code();
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
    stderr: bool,
    said: Arc<(Mutex<Said>, Condvar)>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut now = said.0.lock().unwrap_or_else(PoisonError::into_inner);
            now.text.push_str(&format!("{line}\n"));
            if stderr {
                now.stderr.push_str(&format!("{line}\n"));
            }
            said.1.notify_all();
        }
        said.0.lock().unwrap_or_else(PoisonError::into_inner).open -= 1;
        said.1.notify_all();
    })
}
