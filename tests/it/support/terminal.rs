//! A command in a terminal of its own: keys are pressed, what is on the screen is read, and how the terminal was left is seen.

use super::scenario::Scenario;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long something may take to be said; nothing takes that long on purpose.
const PATIENCE: Duration = Duration::from_mins(1);

/// A terminal with a command in it.
pub struct Terminal {
    child: Child,
    keyboard: File,
    /// The program's end, kept open so that its settings outlive the program.
    inner: File,
    before: Termios,
    screen: Arc<(Mutex<String>, Condvar)>,
}

impl Scenario<'_> {
    /// Starts `stack` with these words in a terminal of its own.
    pub fn types(&mut self, words: &str) -> Terminal {
        self.story.push(format!("$ stack {words}   (in a terminal)"));
        let command = self.command_for(self.project(), &words.split_whitespace().collect::<Vec<_>>());
        Terminal::start(&command)
    }

    /// The same by way of a shell with job control that leaves the terminal's settings to its programs. The shell stays.
    pub fn types_in_a_shell(&mut self, words: &str) -> Terminal {
        self.story.push(format!("sh$ stack {words}   (in a terminal)"));
        let stack = self.command_for(self.project(), &words.split_whitespace().collect::<Vec<_>>());
        let mut shell = Command::new("dash");
        shell.args(["-i"]).current_dir(self.folder());
        shell.envs(stack.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PS1", "sh$ ");
        let mut terminal = Terminal::start(&shell);
        let words = stack.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        terminal.press(&format!("{} {words}\n", stack.get_program().display()));
        terminal
    }
}

impl Terminal {
    /// Starts a command in a terminal of its own, with no other environment than what the command names.
    pub fn start(command: &Command) -> Self {
        let outer: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&outer).expect("it is ours");
        unlockpt(&outer).expect("it is open");
        let name = ptsname(&outer, Vec::new()).expect("its name");
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let inner = File::options().read(true).write(true).open(path).expect("its other end");
        tcsetwinsize(&inner, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 })
            .expect("a size");
        let before = tcgetattr(&inner).expect("settings");
        // It must be the terminal of its session, or there is no foreground to be in.
        let mut child = Command::new("setsid");
        child.arg("--ctty").arg(command.get_program()).args(command.get_args());
        child.current_dir(command.get_current_dir().expect("a folder")).env_clear();
        child.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
        let handle = || inner.try_clone().expect("a handle");
        child.stdin(handle()).stdout(handle()).stderr(handle());
        let child = child.spawn().expect("stack starts");
        let keyboard = File::from(outer);
        let mut output = keyboard.try_clone().expect("a handle");
        let screen: Arc<(Mutex<String>, Condvar)> = Arc::default();
        let writer = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                writer.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                writer.1.notify_all();
            }
        });
        Self { child, keyboard, inner, before, screen }
    }

    /// All that was written so far.
    pub fn screen(&self) -> String {
        self.screen.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a text was written so many times.
    #[track_caller]
    pub fn shows(&self, text: &str, times: usize) -> &Self {
        let until = Instant::now() + PATIENCE;
        let mut screen = self.screen.0.lock().unwrap_or_else(PoisonError::into_inner);
        while screen.matches(text).count() < times {
            let left = until.saturating_duration_since(Instant::now());
            let last: String = screen.lines().rev().take(20).map(|line| format!("{line}\n")).collect();
            assert!(
                !left.is_zero(),
                "it does not show `{text}` {times} times; the last lines first:\n{last}"
            );
            (screen, _) = self.screen.1.wait_timeout(screen, left).unwrap_or_else(PoisonError::into_inner);
        }
        self
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal");
        self
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("it runs");
        kill_process(id, signal).expect("it runs");
    }

    /// Whether the terminal waits for whole lines and echoes them, as it did at first.
    pub fn is_as_before(&self) -> bool {
        let modes = |settings: &Termios| settings.local_modes & (LocalModes::ICANON | LocalModes::ECHO);
        modes(&tcgetattr(&self.inner).expect("settings")) == modes(&self.before)
    }

    /// Waits for the end; the exit code, `None` after a signal.
    #[track_caller]
    pub fn ends(&mut self) -> Option<i32> {
        self.child.wait().expect("it can be waited for").code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
