//! A command that goes on while the test does other things: what it says can be waited for.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long something may take to be said; nothing takes that long on purpose.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `stack`; killed when it is dropped.
pub struct Background {
    child: Child,
    said: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Background {
    /// Starts it and gathers the lines that it writes to standard error.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("stack starts");
        let lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let said: Arc<(Mutex<Vec<String>>, Condvar)> = Arc::default();
        let writer = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                writer.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                writer.1.notify_all();
            }
        });
        Self { child, said }
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.said.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many lines hold a text so far.
    pub fn count(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }

    /// Waits until so many lines hold a text.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn says(&self, text: &str, times: usize) {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.said.0.lock().unwrap_or_else(PoisonError::into_inner);
        while lines.iter().filter(|line| line.contains(text)).count() < times {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not say `{text}` {times} times:\n{}", lines.join("\n"));
            (lines, _) = self.said.1.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("it runs");
        kill_process(id, signal).expect("it runs");
    }

    /// Waits for its end; the exit code.
    pub fn ends(&mut self) -> Option<i32> {
        self.child.wait().expect("it can be waited for").code()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
