//! A command on this machine: its own terminal, output and exit code, and an end when it is to end.

use super::Ready;
use crate::ops::Signal;
use rustix::process::{Pid, Signal as Number};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long a command that was told to end may take.
const GRACE: Duration = Duration::from_secs(10);

/// How long a signal that has ended the command may take to be noticed here.
const NOTICE: Duration = Duration::from_millis(200);

/// What to run.
#[derive(Debug, Clone)]
pub struct HostCommand<'a> {
    /// Program and arguments.
    pub words: &'a [String],
    /// Variables beside those of this process.
    pub variables: BTreeMap<String, String>,
    /// Variables of this process that it is not to have.
    pub without: &'a [&'a str],
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code, as a shell would tell it: 128 and the number of the signal that ended it, 127 when there is no such
    /// program, 126 when it cannot be run.
    pub code: u8,
    /// What there is to say beside the code.
    pub message: Option<String>,
}

impl Ran {
    /// The end of a program by its own exit code.
    pub fn exited(code: i64) -> Self {
        Self { code: u8::try_from(code).unwrap_or(1), message: None }
    }

    /// It could not be run at all.
    pub fn refused(code: u8, message: String) -> Self {
        Self { code, message: Some(message) }
    }

    fn of(status: ExitStatus) -> Self {
        let Some(signal) = status.signal() else { return Self::exited(status.code().unwrap_or(1).into()) };
        let code = u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128));
        Self { code, message: Some(format!("it was ended by signal {signal}")) }
    }
}

impl HostCommand<'_> {
    /// Runs it to its end. When it is to end it is told so, and killed when it does not within 10 s, or when the user says so
    /// a second time.
    pub async fn run(&self, ready: &Ready<'_>) -> Ran {
        let Some((program, arguments)) = self.words.split_first() else { return Ran::exited(0) };
        let at_terminal = is_in_foreground();
        let mut command = Command::new(program);
        command.args(arguments).envs(&self.variables);
        for name in self.without {
            command.env_remove(name);
        }
        if !at_terminal {
            // What it starts is told to end with it. At a terminal it must stay in the group that may read the keyboard.
            command.process_group(0);
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ran::refused(127, format!("`{program}`: command not found"));
            }
            Err(error) => return Ran::refused(126, format!("`{program}` cannot be run: {error}")),
        };
        // Waiting is cancel-safe.
        tokio::select! {
            ended = child.wait() => return ready.noticed(of(ended)).await,
            () = ready.until.cancelled() => {}
        }
        match ready.interrupts.signal() {
            // The terminal has sent it to the whole group already.
            Some(Signal::Interrupt) if at_terminal => {}
            Some(Signal::Interrupt) => tell(&child, at_terminal, Number::INT),
            Some(Signal::Terminate) | None => tell(&child, at_terminal, Number::TERM),
        }
        tokio::select! {
            ended = child.wait() => return of(ended),
            () = tokio::time::sleep(GRACE) => {}
            () = ready.interrupts.second().cancelled_owned() => {}
        }
        tell(&child, at_terminal, Number::KILL);
        of(child.wait().await)
    }
}

impl Ready<'_> {
    /// What ends a command by a signal ends this process too, at a terminal: that may not have been noticed yet.
    async fn noticed(&self, ran: Ran) -> Ran {
        let signals = [Signal::Interrupt, Signal::Terminate];
        if signals.iter().any(|signal| signal.exit_code() == ran.code) {
            drop(tokio::time::timeout(NOTICE, self.interrupts.first().cancelled_owned()).await);
        }
        ran
    }
}

fn of(ended: std::io::Result<ExitStatus>) -> Ran {
    match ended {
        Ok(status) => Ran::of(status),
        Err(error) => Ran::refused(1, format!("its end was lost: {error}")),
    }
}

/// Sends a signal to a command and, where it has a group of its own, to what it has started.
fn tell(child: &Child, alone: bool, signal: Number) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let Some(pid) = pid else { return };
    let sent = if alone {
        rustix::process::kill_process(pid, signal)
    } else {
        rustix::process::kill_process_group(pid, signal)
    };
    // It may have ended meanwhile.
    sent.unwrap_or_default();
}

/// Whether this process is in the group that has the terminal.
fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}
