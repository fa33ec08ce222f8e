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
    input: Option<impl AsyncWrite + Unpin>,
    tty: bool,
    resize: impl AsyncFn(u16, u16),
) -> std::io::Result<()> {
    let raw = if tty { Some(Raw::enter()?) } else { None };
    let mut input = input;
    let mut keys = match input {
        Some(_) => keyboard(),
        None => mpsc::channel(1).1,
    };
    let mut resized = signal(SignalKind::window_change())?;
    if let (true, Some((rows, columns))) = (tty, size()) {
        resize(rows, columns).await;
    }
    let mut typing = input.is_some();
    let result = loop {
        // All branches are cancel-safe: a stream and a receiver keep what was not taken.
        tokio::select! {
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => write(&chunk)?,
                Some(Err(error)) => break Err(std::io::Error::other(error.to_string())),
                None => break Ok(()),
            },
            bytes = keys.recv(), if typing => if let Some(input) = &mut input {
                // A program that has closed its input goes on without it.
                match bytes {
                    Some(bytes) if input.write_all(&bytes).await.is_ok() => drop(input.flush().await),
                    Some(_) | None => {
                        typing = false;
                        drop(input.shutdown().await);
                    }
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

/// Passes the signals on that are meant for the program, for as long as it is polled.
///
/// # Errors
/// The system refuses to have its signals listened to.
pub async fn signals(pass_on: impl AsyncFn(&'static str)) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut first = signal(SignalKind::user_defined1())?;
    let mut second = signal(SignalKind::user_defined2())?;
    loop {
        // All branches are cancel-safe: a signal that was not taken stays.
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = quit.recv() => "SIGQUIT",
            _ = hangup.recv() => "SIGHUP",
            _ = first.recv() => "SIGUSR1",
            _ = second.recv() => "SIGUSR2",
        };
        pass_on(name).await;
    }
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
        super::bug::terminal_changes(&before);
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
        super::bug::terminal_is_back();
    }
}

/// Rows and columns of the terminal, when standard output is one.
fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_row > 0).then_some((size.ws_row, size.ws_col))
}
