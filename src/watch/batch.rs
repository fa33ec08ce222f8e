//! When a batch of changes is complete: after a short quiet, or after a while, so that a busy tree cannot starve it. Pure;
//! time is passed in.

use std::time::{Duration, Instant};

/// How long nothing must happen.
pub const QUIET: Duration = Duration::from_millis(20);
/// How long a batch stays open at most.
pub const MOST: Duration = Duration::from_millis(200);

/// How long a version control's lock can hold a batch open; one that is older was left behind.
const HELD: Duration = Duration::from_secs(30);

/// The time a batch is open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    open: Option<(Instant, Instant)>,
    held_since: Option<Instant>,
}

impl Window {
    /// Something happened.
    pub fn seen(&mut self, now: Instant) {
        let opened = self.open.map_or(now, |(opened, _)| opened);
        self.open = Some((opened, now));
    }

    /// When the batch is complete; `None` while none is open.
    pub fn closes_at(&self) -> Option<Instant> {
        self.open.map(|(opened, last)| (last + QUIET).min(opened + MOST))
    }

    /// More is certain to come: a checkout is under way. Whether that keeps the batch open.
    pub fn hold(&mut self, now: Instant) -> bool {
        let since = *self.held_since.get_or_insert(now);
        if now.saturating_duration_since(since) > HELD {
            return false;
        }
        self.open = Some((now, now));
        true
    }

    /// Begins anew.
    pub fn close(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn a_batch_closes_after_a_short_quiet() {
        let start = Instant::now();
        let mut window = Window::default();
        assert_eq!(window.closes_at(), None);
        window.seen(start);
        window.seen(at(start, 10));
        assert_eq!(window.closes_at(), Some(at(start, 30)));
        window.close();
        assert_eq!(window.closes_at(), None);
    }

    #[test]
    fn a_checkout_holds_it_open_but_a_lock_that_was_left_behind_does_not() {
        let start = Instant::now();
        let mut window = Window::default();
        window.seen(start);
        assert!(window.hold(at(start, 200)));
        assert_eq!(window.closes_at(), Some(at(start, 220)));
        assert!(!window.hold(at(start, 31_000)));
    }

    #[test]
    fn a_tree_that_is_never_quiet_does_not_keep_it_open() {
        let start = Instant::now();
        let mut window = Window::default();
        for millis in (0..1000).step_by(10) {
            window.seen(at(start, millis));
        }
        assert_eq!(window.closes_at(), Some(at(start, 200)));
    }
}
