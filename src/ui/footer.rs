//! A line that stays below all others on a terminal while they scroll.

use super::stream;
use tokio::sync::watch;

/// The line, and whether it is on the screen.
pub(super) struct Footer {
    text: Option<watch::Receiver<String>>,
    colour: bool,
    shown: bool,
}

impl Footer {
    /// Not on the screen yet; `None` never is.
    pub(super) fn new(text: Option<watch::Receiver<String>>, colour: bool) -> Self {
        Self { text, colour, shown: false }
    }

    /// Waits for another text; for ever where there is none. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        let Some(text) = &mut self.text else { return std::future::pending().await };
        if text.changed().await.is_err() {
            // Who wrote it has ended.
            self.clear();
            self.text = None;
        }
    }

    /// Writes something above it.
    pub(super) fn below(&mut self, write: impl FnOnce()) {
        let was_shown = self.shown;
        self.clear();
        write();
        if was_shown {
            self.redraw();
        }
    }

    /// Shows what it says now.
    pub(super) fn redraw(&mut self) {
        self.clear();
        let Some(text) = &self.text else { return };
        let text = text.borrow().clone();
        if text.is_empty() {
            return;
        }
        // A line that wraps could not be taken off again.
        let width = usize::from(console::Term::stderr().size().1).saturating_sub(1);
        let text = console::truncate_str(&text, width, "…");
        stream::note(&if self.colour { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.into_owned() });
        self.shown = true;
    }

    /// Takes it off the screen.
    pub(super) fn clear(&mut self) {
        if self.shown {
            stream::note("\r\u{1b}[K");
            self.shown = false;
        }
    }
}
