//! A command that goes on while the test does other things, and says the same more than once.

use super::running::Running;
use std::ops::{Deref, DerefMut};
use std::process::Command;

/// A command of which it matters how often it says something.
pub struct Background(Running);

impl Background {
    /// Starts it and gathers the lines that it writes.
    pub fn start(words: &str, command: Command) -> Self {
        Self(Running::start(words, command))
    }

    /// Waits until so many lines, on either stream, hold a text.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn says(&self, text: &str, times: usize) {
        self.0.says_times(text, times);
    }
}

impl Deref for Background {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}

impl DerefMut for Background {
    fn deref_mut(&mut self) -> &mut Running {
        &mut self.0
    }
}
