//! SIGINT and SIGTERM: the first asks for an orderly end, the second for an immediate one.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The user's wish to stop, in two degrees.
#[derive(Debug, Clone, Default)]
pub struct Interrupts {
    first: CancellationToken,
    second: CancellationToken,
}

impl Interrupts {
    /// Cancelled by the first signal.
    pub fn first(&self) -> CancellationToken {
        self.first.clone()
    }

    /// Cancelled by the second signal.
    pub fn second(&self) -> CancellationToken {
        self.second.clone()
    }

    /// Whether a signal came.
    pub fn interrupted(&self) -> bool {
        self.first.is_cancelled()
    }

    /// The same wishes, for a part of the work that may be stopped for other reasons too, by [`Interrupts::stop`].
    #[must_use]
    pub fn of_part(&self) -> Self {
        Self { first: self.first.child_token(), second: self.second.clone() }
    }

    /// Asks for an orderly end, as the first signal does.
    pub fn stop(&self) {
        self.first.cancel();
    }

    /// Turns signals into cancellations until it is dropped.
    ///
    /// # Errors
    /// The system refuses to have its signals listened to.
    pub async fn listen(&self) -> std::io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        loop {
            // Both branches are cancel-safe: a signal that was not taken stays.
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if self.first.is_cancelled() {
                self.second.cancel();
            } else {
                self.first.cancel();
            }
        }
    }
}
