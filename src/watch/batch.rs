//! When a batch of changes is complete: after a short quiet, or after a while, so that a busy tree cannot starve it. Pure;
//! time is passed in.
//!
//! A program that saves many files at once leaves hardly any time between them; when that stops for a few milliseconds it has
//! most likely ended. What is only copied need not wait any longer then: should more come, it makes the next batch, and the
//! files are right in the end. What restarts or builds something waits for the whole quiet.

use std::time::{Duration, Instant};

/// How long nothing must happen.
pub const QUIET: Duration = Duration::from_millis(20);
/// How long a batch stays open at most.
pub const MOST: Duration = Duration::from_millis(200);

/// From how many events on a batch tells how fast its writer is.
const BURST: u32 = 16;
/// How long nothing must happen in a burst at least, before it counts as over.
const LULL: Duration = Duration::from_millis(5);
/// A burst is over after so many times its mean pause. Not by its longest one: on a busy machine every writer is held up at
/// times.
const MEAN_PAUSES: u32 = 16;

/// How long a version control's lock can hold a batch open; one that is older was left behind.
const HELD: Duration = Duration::from_secs(30);

/// The time a batch is open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    open: Option<Open>,
    held_since: Option<Instant>,
    /// What is in it waits for the whole quiet.
    waits: bool,
}

/// What happened in a batch, and when.
#[derive(Debug, Clone, Copy)]
struct Open {
    first: Instant,
    last: Instant,
    events: u32,
}

impl Open {
    fn at(now: Instant) -> Self {
        Self { first: now, last: now, events: 0 }
    }
}

impl Window {
    /// Something happened.
    pub fn seen(&mut self, now: Instant) {
        let open = self.open.get_or_insert(Open::at(now));
        open.last = now;
        open.events = open.events.saturating_add(1);
    }

    /// When the batch is complete; `None` while none is open.
    pub fn closes_at(&self) -> Option<Instant> {
        self.open.map(|open| (open.last + QUIET).min(open.first + MOST))
    }

    /// When a burst counts as over, which is before the batch is complete; `None` where there is none, or where it
    /// [waits](Window::waits) all the same.
    pub fn lulls_at(&self) -> Option<Instant> {
        let open = self.open.filter(|open| open.events >= BURST && !self.waits)?;
        let mean = open.last.saturating_duration_since(open.first) / open.events;
        let lull = open.last + LULL.max(mean * MEAN_PAUSES);
        Some(lull).filter(|lull| self.closes_at().is_some_and(|closes| *lull < closes))
    }

    /// What is in this batch is not to go before it is complete.
    pub fn waits(&mut self) {
        self.waits = true;
    }

    /// More is certain to come: a checkout is under way. Whether that keeps the batch open.
    pub fn hold(&mut self, now: Instant) -> bool {
        let since = *self.held_since.get_or_insert(now);
        if now.saturating_duration_since(since) > HELD {
            return false;
        }
        self.open = Some(Open::at(now));
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

    fn burst(start: Instant, gap_micros: u64) -> (Window, Instant) {
        let mut window = Window::default();
        let last = (0..u64::from(BURST))
            .map(|number| start + Duration::from_micros(number * gap_micros))
            .inspect(|now| window.seen(*now))
            .last();
        (window, last.unwrap())
    }

    #[test]
    fn a_burst_is_over_soon_after_its_last_event() {
        let start = Instant::now();
        let (mut window, last) = burst(start, 100);
        assert_eq!(window.lulls_at(), Some(last + LULL));
        assert_eq!(window.closes_at(), Some(last + QUIET));
        window.waits();
        assert_eq!(window.lulls_at(), None, "what is in it has to wait");
        window.close();
        assert_eq!((window.lulls_at(), window.closes_at()), (None, None));
    }

    #[test]
    fn a_writer_that_pauses_is_given_time_and_few_events_tell_nothing() {
        let start = Instant::now();
        let (mut window, last) = burst(start, 100);
        let late = last + Duration::from_millis(10);
        window.seen(late);
        let lull = window.lulls_at().map(|lull| lull - late);
        assert!(lull > Some(Duration::from_millis(10)) && lull < Some(QUIET), "held up once: {lull:?}");
        let (window, _) = burst(start, 2_000);
        assert_eq!(window.lulls_at(), None, "the whole quiet is over before");
        let mut few = Window::default();
        few.seen(start);
        few.seen(start);
        assert_eq!(few.lulls_at(), None);
    }
}
