//! What an attached `up` does beside its logs: keys, and watching, which a key turns on and off.

use super::Context;
use crate::event::LogLine;
use crate::load::Loaded;
use crate::ops::up::Attach;
use crate::ops::{Interrupts, OpsError, Session};
use crate::ui::keys::Keys;
use crate::ui::{LogFormat, ProgressMode};
use crate::watch;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch::Sender;
use tokio_util::sync::CancellationToken;

/// The line that names the keys, and what they need of `up`.
pub struct Menu {
    line: Sender<String>,
    is_up: CancellationToken,
    detach: CancellationToken,
    stay: Arc<AtomicBool>,
}

impl Menu {
    /// A menu for an attached `up`, and the format of its logs with the menu's line below them.
    pub fn new(attach: &Attach, format: LogFormat) -> (Self, LogFormat) {
        let line = Sender::default();
        let format = format.with_footer(line.subscribe());
        let (is_up, detach) = (attach.is_up.clone(), attach.detach.clone());
        (Self { line, is_up, detach, stay: Arc::clone(&attach.stay) }, format)
    }

    fn shows(&self, text: &str) {
        self.line.send_if_modified(|line| {
            let other = line != text;
            if other {
                text.clone_into(line);
            }
            other
        });
    }
}

/// Whether there is to be a menu: as the flag says, else the variable, else where there is a terminal.
pub fn is_wanted(context: &Context, flag: Option<bool>) -> bool {
    let surroundings = &context.surroundings;
    let unset = surroundings.environment.get("COMPOSE_MENU").is_none_or(str::is_empty);
    let asked = flag.unwrap_or(unset || surroundings.flag("COMPOSE_MENU"));
    // A line that stays can only be where escapes may be written, and not among what a program reads.
    let drawn = match context.progress {
        ProgressMode::Tty | ProgressMode::Auto | ProgressMode::Plain => context.may_escape(),
        ProgressMode::Json | ProgressMode::Quiet => false,
    };
    asked
        && drawn
        && context.ci.is_none()
        && surroundings.stdin_is_terminal
        && surroundings.stdout_is_terminal
        && surroundings.stderr_is_terminal
}

/// Runs an attached `up`; beside it the keys, and the watch while it is on. `up`'s end is the end.
///
/// # Errors
/// As `up`'s. A watch that ends with an error is told, and the logs go on.
pub async fn beside(
    session: &Session,
    loaded: &Loaded,
    mut up: impl Future<Output = Result<(), OpsError>> + Unpin,
    watching: &watch::Request,
    begin: bool,
    menu: Option<&Menu>,
) -> Result<(), OpsError> {
    // Here and not before: signals can be listened to only while there is a runtime.
    let mut keys = menu.and_then(|_| Keys::open());
    let menu = menu.filter(|_| keys.is_some());
    let mut watch = begin.then(|| Watching::begin(session, loaded, watching));
    let interrupt = session.interrupts.first();
    let result = loop {
        if let Some(menu) = menu {
            let wanted = menu.is_up.is_cancelled() && !interrupt.is_cancelled();
            // A rebuild of the only service leaves nothing running for a moment.
            menu.stay.store(watch.is_some(), Ordering::Relaxed);
            let text = if watch.is_some() { "Disable" } else { "Enable" };
            let text = format!("v Watch State   w {text} Watch   d Detach");
            menu.shows(if wanted { &text } else { "" });
        }
        // `up` and the watch are kept until they have ended; the other branches are cancel-safe.
        tokio::select! {
            ended = &mut up => break ended,
            ended = end_of(&mut watch) => {
                watch = None;
                if let Err(error) = ended {
                    // Without the watch the logs are still worth having.
                    session.warn(loaded.project.name.as_str(), format!("the files are not followed: {error}"));
                }
            }
            () = turn_of(menu, &interrupt) => {}
            key = pressed(&mut keys) => match key.to_ascii_lowercase() {
                'w' => match &watch {
                    None => watch = Some(Watching::begin(session, loaded, watching)),
                    Some(watch) => {
                        watch.interrupts.stop();
                        say(session, "the files are not followed any more").await;
                    }
                },
                'v' => {
                    let state = watching.state.borrow().clone();
                    let state = match (&watch, state.as_str()) {
                        (None, _) => "no files are followed; w follows them",
                        (Some(_), "") => "files are followed in a moment",
                        (Some(_), state) => state,
                    };
                    say(session, state).await;
                }
                'd' => if let Some(menu) = menu {
                    if !menu.is_up.is_cancelled() {
                        say(session, "detaching once everything is started").await;
                    }
                    menu.detach.cancel();
                },
                '\n' | '\r' => say(session, "").await,
                _ => {}
            },
        }
    };
    if let Some(menu) = menu {
        menu.shows("");
    }
    if let Some(watch) = watch {
        // What it has begun it ends.
        watch.interrupts.stop();
        drop(watch.run.await);
    }
    result
}

/// A watch that runs.
struct Watching<'a> {
    run: Pin<Box<dyn Future<Output = Result<(), OpsError>> + 'a>>,
    /// Of its own, so that it can be ended without the rest.
    interrupts: Interrupts,
}

impl<'a> Watching<'a> {
    fn begin(session: &Session, loaded: &Loaded, request: &'a watch::Request) -> Self {
        request.state.send_replace(String::new());
        let interrupts = session.interrupts.of_part();
        let session = Session { interrupts: interrupts.clone(), ..session.clone() };
        let loaded = loaded.clone();
        Self { run: Box::pin(async move { watch::run(&session, loaded, request).await }), interrupts }
    }
}

async fn end_of(watch: &mut Option<Watching<'_>>) -> Result<(), OpsError> {
    match watch {
        Some(watch) => (&mut watch.run).await,
        None => std::future::pending().await,
    }
}

/// Waits for the next thing that the menu's line depends on: everything is started, or is about to end.
async fn turn_of(menu: Option<&Menu>, interrupt: &CancellationToken) {
    match menu {
        Some(menu) if !menu.is_up.is_cancelled() => menu.is_up.cancelled().await,
        Some(menu) if !menu.line.borrow().is_empty() => interrupt.cancelled().await,
        Some(_) | None => std::future::pending().await,
    }
}

async fn pressed(keys: &mut Option<Keys>) -> char {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

async fn say(session: &Session, text: &str) {
    // Nobody shows lines any more when the command ends.
    drop(session.lines.send(LogLine { source: String::new(), stderr: true, text: text.to_owned() }).await);
}
