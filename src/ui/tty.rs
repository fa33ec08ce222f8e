//! The board on a terminal, redrawn in place by indicatif.

use super::board::Board;
use crate::event::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Instant;

/// A board that redraws itself.
pub(super) struct Tty {
    board: Board,
    multi: MultiProgress,
    bars: Vec<ProgressBar>,
    started: Instant,
    colour: bool,
}

impl Tty {
    pub(super) fn new(started: Instant, colour: bool) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20));
        Self { board: Board::default(), multi, bars: Vec::new(), started, colour }
    }

    pub(super) fn event(&mut self, event: &Event) {
        if let Some(above) = self.board.fold(event) {
            self.above(&above);
        }
    }

    /// Whether work goes on that is about to end.
    pub(super) fn is_settling(&self) -> bool {
        self.board.is_settling()
    }

    /// Prints a line above the board.
    pub(super) fn above(&self, line: &str) {
        self.multi.suspend(|| super::stream::note(&format!("{line}\n")));
    }

    /// Redraws. Called about ten times a second, so that spinners turn and times run.
    pub(super) fn tick(&mut self) {
        if self.board.is_empty() {
            return;
        }
        for (position, line) in self.lines().into_iter().enumerate() {
            if self.bars.len() <= position {
                self.bars.push(self.multi.add(ProgressBar::new_spinner().with_style(bare_style())));
            }
            if let Some(bar) = self.bars.get(position) {
                bar.set_message(line);
            }
        }
    }

    /// Takes the board off the screen and leaves its last state as ordinary lines.
    pub(super) fn finish(&mut self) {
        for bar in self.bars.drain(..) {
            bar.finish_and_clear();
        }
        drop(self.multi.clear());
        if !self.board.is_empty() {
            let (_, width) = size();
            let lines = self.board.lines(self.now_ms(), width, usize::MAX, self.colour);
            super::stream::note(&(lines.join("\n") + "\n"));
        }
        if !self.board.last_words().is_empty() {
            super::stream::note(self.board.last_words());
        }
        self.board = Board::default();
    }

    fn lines(&self) -> Vec<String> {
        let (height, width) = size();
        self.board.lines(self.now_ms(), width, height, self.colour)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn bare_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Rows and columns of the terminal.
fn size() -> (usize, usize) {
    let (rows, columns) = console::Term::stderr().size();
    (usize::from(rows), usize::from(columns))
}
