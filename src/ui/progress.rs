//! The ui task: drains events (and log lines) and owns the terminal until the command is over.

use super::ci::Ci;
use super::footer::Footer;
use super::logs::LogFormat;
use super::tty::Tty;
use super::{plain, stream};
use crate::event::{Event, EventKind, LogLine};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

/// How long the first log line waits for rows that are about to end: a container speaks before the engine says that it has
/// started, and its row would stay "Starting".
const SETTLING: Duration = Duration::from_secs(1);

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressMode {
    /// `tty` when standard error is a terminal, else `plain`.
    #[default]
    Auto,
    /// Rows that are redrawn.
    Tty,
    /// A line for each change.
    Plain,
    /// A JSON object a line.
    Json,
    /// Nothing but warnings and errors.
    Quiet,
}

/// What the ui needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// How progress is shown; [`ProgressMode::Auto`] is settled by the caller.
    pub mode: ProgressMode,
    /// Whether colours are wanted.
    pub colour: bool,
    /// The system that reads the log, when one does.
    pub ci: Option<Ci>,
    /// When the command started.
    pub started: Instant,
}

/// Shows everything that comes until both senders are gone.
pub async fn show(
    screen: Screen,
    mut events: mpsc::UnboundedReceiver<Event>,
    mut lines: mpsc::Receiver<LogLine>,
    mut format: LogFormat,
) {
    let mut tty = (screen.mode == ProgressMode::Tty).then(|| Tty::new(screen.started, screen.colour));
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut footer = Footer::new(format.take_footer(), screen.colour);
    let (mut more_events, mut more_lines) = (true, true);
    // The first line, and until when it waits for the rows. Those behind it wait in their channel.
    let mut held: Option<(LogLine, Instant)> = None;
    while more_events || more_lines || held.is_some() {
        // Every branch is cancel-safe: receivers and interval lose nothing when another branch wins.
        tokio::select! {
            biased;
            event = events.recv(), if more_events => match event {
                // What is there already is written at once: fifty lines are one write.
                Some(event) => footer.below(|| {
                    let mut text = give_way(screen, &mut tty, &event);
                    text.push_str(&show_event(screen, tty.as_mut(), &event));
                    while let Ok(event) = events.try_recv() {
                        text.push_str(&give_way(screen, &mut tty, &event));
                        text.push_str(&show_event(screen, tty.as_mut(), &event));
                    }
                    if !text.is_empty() {
                        stream::note(&text);
                    }
                }),
                None => more_events = false,
            },
            line = lines.recv(), if more_lines && held.is_none() => match line {
                Some(line) if tty.is_some() => held = Some((line, Instant::now() + SETTLING)),
                Some(line) => show_line(&mut footer, &mut format, &line),
                None => more_lines = false,
            },
            () = footer.changed() => {
                // What is said below everything comes after the rows.
                if let Some(mut tty) = tty.take() {
                    tty.finish();
                }
                footer.redraw();
            }
            _ = tick.tick(), if tty.is_some() => {
                if let Some(tty) = &mut tty {
                    tty.tick();
                }
            }
        }
        let settles = |until: Instant| {
            more_events && Instant::now() < until && tty.as_ref().is_some_and(Tty::is_settling)
        };
        if let Some((line, _)) = held.take_if(|(_, until)| !settles(*until)) {
            // Rows that are redrawn and lines that scroll do not mix: with the first line the rows are over.
            if let Some(mut tty) = tty.take() {
                tty.finish();
            }
            show_line(&mut footer, &mut format, &line);
        }
    }
    footer.clear();
    if let Some(mut tty) = tty {
        tty.finish();
    }
}

fn show_line(footer: &mut Footer, format: &mut LogFormat, line: &LogLine) {
    let text = format.line(line);
    footer.below(|| if line.stderr { stream::note(&text) } else { drop(stream::data(&text)) });
}

/// Ends the rows before somebody else writes to the screen, a test's command, and begins new ones after it; says so in a line.
fn give_way(screen: Screen, tty: &mut Option<Tty>, event: &Event) -> String {
    use crate::event::{EventKind, Verb};
    let EventKind::Started { verb, .. } = &event.kind else { return String::new() };
    if *verb == Verb::Command
        && let Some(mut rows) = tty.take()
    {
        rows.finish();
        return plain::line(event).unwrap_or_default();
    }
    if *verb == Verb::TakeDown && screen.mode == ProgressMode::Tty && tty.is_none() {
        *tty = Some(Tty::new(screen.started, screen.colour));
    }
    String::new()
}

/// Shows an event in the rows, or gives it as a line to write.
fn show_event(screen: Screen, tty: Option<&mut Tty>, event: &Event) -> String {
    if let Some(text) = screen.ci.filter(|_| tty.is_none()).and_then(|ci| section(ci, event)) {
        return text;
    }
    match (screen.mode, tty) {
        (_, Some(tty)) => {
            tty.event(event);
            String::new()
        }
        (ProgressMode::Json, None) => {
            serde_json::to_string(event).map(|text| text + "\n").unwrap_or_default()
        }
        (ProgressMode::Quiet, None) if !is_news(&event.kind) => String::new(),
        // After the rows made way for log lines only what went wrong, or was said to be read, is worth a line.
        (ProgressMode::Tty, None)
            if !is_news(&event.kind) && !matches!(event.kind, EventKind::Output { .. }) =>
        {
            String::new()
        }
        (ProgressMode::Auto | ProgressMode::Tty | ProgressMode::Plain | ProgressMode::Quiet, None) => {
            plain::line(event).unwrap_or_default()
        }
    }
}

/// The sections that a test's log is made of: bringing up and taking down, with the command's own output between them.
fn section(ci: Ci, event: &Event) -> Option<String> {
    use crate::event::{Subject, Verb};
    let Subject::Project(name) = &event.subject else { return None };
    let known =
        [(Verb::BringUp, "stack_bring_up", "Bring up"), (Verb::TakeDown, "stack_take_down", "Take down")];
    let of = |verb: &Verb| known.into_iter().find(|(known, ..)| known == verb);
    let now = jiff::Timestamp::now();
    if let EventKind::Started { verb: Verb::Command, reason: Some(words) } = &event.kind {
        let heading = if ci == Ci::Buildkite { "+++ " } else { "Running " };
        return Some(format!("{heading}{words}\n"));
    }
    if let EventKind::Started { verb, .. } = &event.kind {
        return of(verb).map(|(_, key, title)| ci.begin(key, &format!("{title} {name}"), now));
    }
    if let EventKind::Failed { verb, .. } = &event.kind {
        return of(verb).map(|(_, key, _)| format!("{}{}", ci.unfold(), ci.end(key, now)));
    }
    let EventKind::Done { verb } = &event.kind else { return None };
    of(verb).map(|(_, key, _)| ci.end(key, now))
}

/// Whether something went wrong, or was done that is told where progress is not.
fn is_news(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Warning { .. }
            | EventKind::Failed { .. }
            | EventKind::Watched { .. }
            | EventKind::Timed { .. }
            | EventKind::Goals { .. }
    )
}
