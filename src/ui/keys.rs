//! Keys of a command that goes on: each is told as it is pressed, without the line end that a terminal otherwise waits for.
//!
//! Signals stay what they are (Ctrl-C, Ctrl-Z), and so does output: only waiting for a line and echoing are switched off. The
//! terminal is as it was before when this is dropped, on a panic too, while the process is suspended, and before a signal that
//! nobody handles ends the process.

use super::bug;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::io::Read;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Keys, as long as this lives.
pub struct Keys {
    mode: Mode,
    pressed: mpsc::Receiver<u8>,
    continued: Signal,
    suspended: Signal,
    hung_up: Signal,
    quit: Signal,
}

/// The terminal's settings, which dropping restores.
struct Mode {
    before: Termios,
}

impl Keys {
    /// Listens to the terminal that standard input is. `None` where it is none, or where it belongs to another program: one
    /// in the background must not touch it.
    pub fn open() -> Option<Self> {
        if !has_terminal() {
            return None;
        }
        let mode = Mode { before: tcgetattr(std::io::stdin()).ok()? };
        mode.enter();
        let continued = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw())).ok()?;
        let suspended = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw())).ok()?;
        let hung_up = signal(SignalKind::hangup()).ok()?;
        let quit = signal(SignalKind::quit()).ok()?;
        let (sender, pressed) = mpsc::channel(16);
        // A read of the keyboard cannot be cancelled, hence a thread that the process's end takes with it.
        std::thread::spawn(move || {
            let mut byte = [0];
            while matches!(std::io::stdin().lock().read(&mut byte), Ok(1)) {
                if sender.blocking_send(byte[0]).is_err() {
                    return;
                }
            }
        });
        Some(Self { mode, pressed, continued, suspended, hung_up, quit })
    }

    /// The next key; never, when the keyboard is gone. Cancel-safe.
    pub async fn next(&mut self) -> char {
        loop {
            // All branches are cancel-safe: a receiver and signals keep what was not taken.
            tokio::select! {
                byte = self.pressed.recv() => match byte {
                    Some(byte) => return char::from(byte),
                    None => std::future::pending().await,
                },
                // The shell has put its own settings in place meanwhile.
                _ = self.continued.recv() => if has_terminal() { self.mode.enter() },
                _ = self.suspended.recv() => self.suspend(),
                _ = self.hung_up.recv() => self.end(SignalKind::hangup()),
                _ = self.quit.recv() => self.end(SignalKind::quit()),
            }
        }
    }

    /// Stops the process as Ctrl-Z would have, with the terminal as it was: not every shell puts it right.
    fn suspend(&self) {
        // As the system has it: where no shell is there to let it go on, Ctrl-Z does nothing.
        if somebody_can_continue() {
            self.mode.leave();
            // It cannot be handled, and so there is no error; the terminal is set again when the process goes on.
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)
                .unwrap_or_default();
        }
    }

    /// Ends the process as the signal would have, with the terminal as it was.
    fn end(&self, kind: SignalKind) {
        self.mode.leave();
        #[expect(
            clippy::disallowed_methods,
            reason = "a signal that ends a process at once, after the terminal was put right"
        )]
        std::process::exit(128 + kind.as_raw_value());
    }
}

impl Mode {
    fn enter(&self) {
        bug::terminal_changes(&self.before);
        let mut keys = self.before.clone();
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        keys.special_codes[SpecialCodeIndex::VMIN] = 1;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Without it there is no menu to speak of, and nothing else is lost.
        tcsetattr(std::io::stdin(), OptionalActions::Now, &keys).unwrap_or_default();
    }

    fn leave(&self) {
        // A terminal that is gone needs no restoring, and one that is another's by now is not ours to set.
        if has_terminal() {
            tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before).unwrap_or_default();
        }
        bug::terminal_is_back();
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Whether a shell with job control started this process's group: the leader's parent is of another group of this session.
fn somebody_can_continue() -> bool {
    let group = rustix::process::getpgrp();
    let parent = parent_of(group);
    parent.is_some_and(|parent| {
        rustix::process::getpgid(Some(parent)).is_ok_and(|other| other != group)
            && rustix::process::getsid(Some(parent)) == rustix::process::getsid(None)
    })
}

fn parent_of(process: rustix::process::Pid) -> Option<rustix::process::Pid> {
    if process == rustix::process::getpid() {
        return rustix::process::getppid();
    }
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    // The name before it may hold anything, closing brackets too.
    let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()?;
    rustix::process::Pid::from_raw(parent)
}

/// Whether standard input is a terminal and this process is the one it listens to.
fn has_terminal() -> bool {
    rustix::termios::tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}
