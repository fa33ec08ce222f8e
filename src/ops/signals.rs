//! SIGINT and SIGTERM: the first asks for an orderly end, the second for an immediate one.

use std::sync::{Arc, OnceLock};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The user's wish to stop, in two degrees.
#[derive(Debug, Clone, Default)]
pub struct Interrupts {
    first: CancellationToken,
    second: CancellationToken,
    signal: Arc<OnceLock<Signal>>,
}

/// A signal that asks for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The exit code of a process that it ended: 128 and its number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
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

    /// The first signal that came; `None` when none did, whatever else may have asked for an end.
    pub fn signal(&self) -> Option<Signal> {
        self.signal.get().copied()
    }

    /// The same wishes, for a part of the work that may be stopped for other reasons too, by [`Interrupts::stop`].
    #[must_use]
    pub fn of_part(&self) -> Self {
        Self {
            first: self.first.child_token(),
            second: self.second.clone(),
            signal: Arc::clone(&self.signal),
        }
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
            let signal = tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
            };
            self.signal.get_or_init(|| signal);
            if self.first.is_cancelled() {
                self.second.cancel();
            } else {
                self.first.cancel();
            }
        }
    }
}

/// Interrupts this process when a socket's other end closes: how the docker command, which gets the signals itself when there is no
/// terminal, tells a plugin to end. Never returns.
///
/// `socket` is the path of a Unix socket, or its abstract name behind an `@`. One that cannot be reached tells nothing.
pub async fn interrupted_by(socket: &str) {
    if let Ok(mut stream) = connect(socket) {
        let mut nothing = [0];
        // Whatever it says, or that it says no more, is the wish.
        drop(stream.read(&mut nothing).await);
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT)
            .unwrap_or_default();
    }
    std::future::pending::<()>().await;
}

fn connect(socket: &str) -> std::io::Result<UnixStream> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream as Blocking};
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    let stream = Blocking::connect_addr(&address)?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}
