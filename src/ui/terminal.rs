//! The user's terminal joined to a program's: raw mode, size, both directions.

use crate::engine::{EngineError, LogChunk};
use futures_util::{Stream, StreamExt};
use rustix::termios::{OptionalActions, Termios};
use std::io::{Read, Write};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Joins standard streams to a program until its output ends.
///
/// # Errors
/// The connection breaks, or the terminal cannot be used.
pub async fn connect(
    mut output: impl Stream<Item = Result<LogChunk, EngineError>> + Unpin,
    mut input: impl AsyncWrite + Unpin,
    tty: bool,
    resize: impl AsyncFn(u16, u16),
) -> std::io::Result<()> {
    let raw = if tty { Some(Raw::enter()?) } else { None };
    let mut keys = keyboard();
    let mut resized = signal(SignalKind::window_change())?;
    if let (true, Some((rows, columns))) = (tty, size()) {
        resize(rows, columns).await;
    }
    let mut typing = true;
    let result = loop {
        // All branches are cancel-safe: a stream and a receiver keep what was not taken.
        tokio::select! {
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => write(&chunk)?,
                Some(Err(error)) => break Err(std::io::Error::other(error.to_string())),
                None => break Ok(()),
            },
            bytes = keys.recv(), if typing => match bytes {
                // A program that has closed its input goes on without it.
                Some(bytes) if input.write_all(&bytes).await.is_ok() => drop(input.flush().await),
                Some(_) | None => {
                    typing = false;
                    drop(input.shutdown().await);
                }
            },
            _ = resized.recv(), if tty => if let Some((rows, columns)) = size() {
                resize(rows, columns).await;
            },
        }
    };
    drop(raw);
    result
}

fn write(chunk: &LogChunk) -> std::io::Result<()> {
    let done = if chunk.stderr {
        let mut err = std::io::stderr().lock();
        err.write_all(&chunk.bytes).and_then(|()| err.flush())
    } else {
        let mut out = std::io::stdout().lock();
        out.write_all(&chunk.bytes).and_then(|()| out.flush())
    };
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// What is typed. A read of the keyboard cannot be cancelled, hence a thread that the process's end takes with it.
fn keyboard() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            match std::io::stdin().lock().read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default().to_vec();
                    if sender.blocking_send(bytes).is_err() {
                        return;
                    }
                }
            }
        }
    });
    receiver
}

/// The terminal passes every key on, until this is dropped.
struct Raw {
    before: Termios,
}

impl Raw {
    fn enter() -> std::io::Result<Self> {
        let before = rustix::termios::tcgetattr(std::io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no restoring.
        rustix::termios::tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.before)
            .unwrap_or_default();
    }
}

/// Rows and columns of the terminal, when standard output is one.
fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_row > 0).then_some((size.ws_row, size.ws_col))
}
