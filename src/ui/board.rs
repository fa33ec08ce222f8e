//! Events folded into rows: what a terminal shows at one moment. Pure.

use super::{goals, timings, words};
use crate::event::{Event, EventKind, Subject, Verb};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// How far a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowState {
    /// Work goes on.
    Working,
    /// It ended well.
    Done,
    /// It failed.
    Failed,
    /// It was not begun.
    Skipped,
}

/// One line of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) state: RowState,
    pub(super) text: String,
    pub(super) began_ms: u64,
    pub(super) ended_ms: Option<u64>,
    /// What it works at is waiting for something to become ready.
    waits: bool,
    /// Bytes of each part, done and in all.
    parts: BTreeMap<String, (u64, u64)>,
}

/// All rows, in the order in which their subjects came up.
#[derive(Debug, Default)]
pub(super) struct Board {
    rows: IndexMap<Subject, Row>,
    /// What is said below the rows when they are over.
    last_words: String,
}

impl Board {
    /// Takes an event in. The result is what must be printed above the board, if anything.
    pub(super) fn fold(&mut self, event: &Event) -> Option<String> {
        let at = event.at_ms;
        match &event.kind {
            EventKind::Planned { .. } => {}
            EventKind::Warning { message } => return Some(format!("warning: {message}")),
            EventKind::Timed { timings } => self.last_words.push_str(&timings::text(timings)),
            EventKind::Goals { goals } => self.last_words.push_str(&goals::text(goals)),
            EventKind::Output { line } => return Some(line.clone()),
            EventKind::Watched { deed, count, paths, took_ms } => {
                return Some(format!(
                    "{} {}",
                    words::subject(&event.subject),
                    words::watched(*deed, *count, paths, *took_ms)
                ));
            }
            EventKind::Started { verb, reason } => {
                let row = self.row(event);
                row.state = RowState::Working;
                row.ended_ms = None;
                row.waits = is_wait(*verb);
                row.text = match reason {
                    Some(reason) => format!("{} ({reason})", words::working(*verb)),
                    None => words::working(*verb).to_owned(),
                };
            }
            EventKind::Progress { verb, part, current, total, text } => {
                let row = self.row(event);
                row.parts.insert(part.clone(), (*current, *total));
                let (done, all) =
                    row.parts.values().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
                let amount = if all > 0 { format!(" {}/{}", bytes(done), bytes(all)) } else { String::new() };
                row.text = if *verb == Verb::Build && !text.is_empty() {
                    format!("{} {}", words::working(*verb), text.trim())
                } else {
                    format!("{}{amount}", words::working(*verb))
                };
            }
            EventKind::Waiting { text } => {
                let row = self.row(event);
                row.text = format!("Waiting ({text})");
                row.waits = true;
            }
            EventKind::Done { verb } => self.end(event, RowState::Done, words::done(*verb).to_owned(), at),
            EventKind::Unchanged { status } => self.end(event, RowState::Done, status.clone(), at),
            // What went wrong is told once, at the end.
            EventKind::Failed { .. } => self.end(event, RowState::Failed, "Error".to_owned(), at),
            EventKind::Skipped { because, .. } => {
                self.end(event, RowState::Skipped, format!("Skipped ({because} failed)"), at);
            }
        }
        None
    }

    fn row(&mut self, event: &Event) -> &mut Row {
        self.rows.entry(event.subject.clone()).or_insert_with(|| Row {
            state: RowState::Working,
            text: String::new(),
            began_ms: event.at_ms,
            ended_ms: None,
            waits: false,
            parts: BTreeMap::new(),
        })
    }

    fn end(&mut self, event: &Event, state: RowState, text: String, at: u64) {
        let row = self.row(event);
        row.state = state;
        row.text = text;
        row.ended_ms = Some(at);
    }

    /// What is said below the rows when they are over, whole lines.
    pub(super) fn last_words(&self) -> &str {
        &self.last_words
    }

    /// Whether work goes on that is about to end: all but waiting for something to become ready.
    pub(super) fn is_settling(&self) -> bool {
        self.rows.values().any(|row| row.state == RowState::Working && !row.waits)
    }

    /// Whether there is anything to show.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The board as lines of at most `width` columns. When it is taller than `height`, rows that are over give way
    /// first, and a last line counts what is not shown.
    pub(super) fn lines(&self, now_ms: u64, width: usize, height: usize, colour: bool) -> Vec<String> {
        let over = self.rows.values().filter(|row| row.ended_ms.is_some()).count();
        let mut lines = vec![format!("[+] {over}/{}", self.rows.len())];
        let room = height.saturating_sub(2).max(1);
        let hidden = self.rows.len().saturating_sub(room);
        let mut to_hide = hidden;
        for (subject, row) in &self.rows {
            let is_over = row.ended_ms.is_some() && row.state == RowState::Done;
            if to_hide > 0 && is_over {
                to_hide -= 1;
                continue;
            }
            if lines.len() <= room {
                lines.push(line(subject, row, now_ms, width, colour));
            }
        }
        if hidden > 0 {
            lines.push(format!("   … {hidden} more"));
        }
        lines
    }
}

fn is_wait(verb: Verb) -> bool {
    matches!(verb, Verb::WaitRunning | Verb::WaitHealthy | Verb::WaitCompleted | Verb::Lock)
}

fn line(subject: &Subject, row: &Row, now_ms: u64, width: usize, colour: bool) -> String {
    const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let (mark, code) = match row.state {
        RowState::Working => {
            let frame = usize::try_from(now_ms / 100).unwrap_or(0) % SPINNER.len();
            (SPINNER.get(frame).copied().unwrap_or("-"), "33")
        }
        RowState::Done => ("✔", "32"),
        RowState::Failed => ("✘", "31"),
        RowState::Skipped => ("-", "90"),
    };
    let millis = row.ended_ms.unwrap_or(now_ms).saturating_sub(row.began_ms);
    let time = format!("{}.{}s", millis / 1000, (millis % 1000) / 100);
    let left = format!(" {} {}", words::subject(subject), row.text);
    let room = width.saturating_sub(time.len() + 4);
    let left = console::truncate_str(&left, room, "…");
    let pad = room.saturating_sub(console::measure_text_width(&left));
    if colour {
        format!(" \u{1b}[{code}m{mark}\u{1b}[0m{left}{:pad$} \u{1b}[34m{time}\u{1b}[0m", "")
    } else {
        format!(" {mark}{left}{:pad$} {time}", "")
    }
}

/// Bytes as people read them: `1.5MB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    for (unit, size) in UNITS {
        if count >= size {
            let tenths = count * 10 / size;
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{count}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_ms: u64, container: &str, kind: EventKind) -> Event {
        Event { seq: 0, at_ms, subject: Subject::Container(container.to_owned()), kind }
    }

    #[test]
    fn rows_show_the_newest_state_and_how_long_it_took() {
        let mut board = Board::default();
        board.fold(&event(0, "p-web-1", EventKind::Started { verb: Verb::Create, reason: None }));
        board.fold(&event(500, "p-web-1", EventKind::Done { verb: Verb::Create }));
        board.fold(&event(600, "p-db-1", EventKind::Started { verb: Verb::Start, reason: None }));
        assert_eq!(
            board.lines(1600, 40, 20, false),
            ["[+] 1/2", " ✔ Container p-web-1 Created       0.5s", " ⠦ Container p-db-1 Starting       1.0s"]
        );
    }

    #[test]
    fn rows_are_settling_while_work_goes_on_and_not_while_something_is_waited_for() {
        let mut board = Board::default();
        let started = |verb| EventKind::Started { verb, reason: None };
        assert!(!board.is_settling());
        board.fold(&event(0, "p-db-1", started(Verb::Start)));
        assert!(board.is_settling());
        board.fold(&event(100, "p-db-1", EventKind::Done { verb: Verb::Start }));
        assert!(!board.is_settling());
        board.fold(&event(100, "p-db-1", started(Verb::WaitHealthy)));
        assert!(!board.is_settling());
    }

    #[test]
    fn a_tall_board_hides_what_is_over_and_counts_it() {
        let mut board = Board::default();
        for number in 0..8 {
            board.fold(&event(0, &format!("c{number}"), EventKind::Done { verb: Verb::Start }));
        }
        board.fold(&event(0, "last", EventKind::Started { verb: Verb::Start, reason: None }));
        let lines = board.lines(0, 40, 6, false);
        assert_eq!(lines.len(), 6);
        assert!(lines.iter().any(|line| line.contains("last")), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "   … 5 more");
    }
}
