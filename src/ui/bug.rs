//! A bug in this program must not cost people their terminal: when it panics, the settings are put back first, and what is said
//! about it begins on a line of its own.
//!
//! The guards that change the settings ([`keys`](super::keys), [`terminal`](super::terminal)) put them back when they are
//! dropped, but a panic speaks before that.

use super::stream;
use rustix::termios::{OptionalActions, Termios, tcsetattr};
use std::io::IsTerminal;
use std::sync::Mutex;

/// The terminal's settings of before, while they are changed.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// What is said after the panic itself.
const WORDS: &str = "\
error: this is a bug in stack
  hint: what it has done so far stays, and the same command again goes on from there; please report the lines above
";

/// The settings are about to change.
pub(super) fn terminal_changes(before: &Termios) {
    if let Ok(mut known) = BEFORE.lock() {
        *known = Some(before.clone());
    }
}

/// They are as they were.
pub(super) fn terminal_is_back() {
    if let Ok(mut known) = BEFORE.lock() {
        *known = None;
    }
}

/// From now on a panic leaves the terminal as it was, and says that it is a bug. The process ends with 101, as Rust has it.
pub fn leave_terminals_alone() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        put_back();
        usual(panic);
        stream::note(WORDS);
    }));
}

fn put_back() {
    // Not by waiting: whoever holds it may be the one that panics.
    if let Some(before) = BEFORE.try_lock().ok().and_then(|mut known| known.take()) {
        // A terminal that is gone needs no restoring.
        tcsetattr(std::io::stdin(), OptionalActions::Now, &before).unwrap_or_default();
    }
    if std::io::stderr().is_terminal() {
        // The menu's line, or the last row.
        stream::note("\r\u{1b}[K");
    }
}
