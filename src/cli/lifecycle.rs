//! `stack start`, `stop`, `restart`, `kill`, `pause`, `unpause`, `rm`.

use super::{Context, Failure, run};
use crate::ops::lifecycle::{self, Verb};
use crate::ui::{LogFormat, stream};
use std::io::BufRead;

/// Start containers that exist.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack start            start what was stopped, dependencies first\n  stack start --wait db  return when it is ready"
)]
pub struct StartArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Return once everything is running or healthy.
    #[arg(long)]
    wait: bool,

    /// Seconds that --wait may take.
    #[arg(long, value_name = "SECONDS")]
    wait_timeout: Option<u64>,

    /// Wait for the engine's own health probes; do not run them early.
    #[arg(long)]
    no_eager_health: bool,
}

/// Stop containers without removing them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack stop           stop everything, dependents first\n  stack stop -t 1 web  give it a second before the kill"
)]
pub struct StopArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Seconds before a kill.
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<i64>,
}

/// Restart containers as they are; changes in the stack file are not applied.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack restart               everything as it is\n  stack restart --no-deps db  one service, and not its dependents"
)]
pub struct RestartArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Seconds before a kill.
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<i64>,

    /// Leave out dependents that want to be restarted too.
    #[arg(long)]
    no_deps: bool,
}

/// Send a signal to containers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack kill -s HUP web  have one service read its settings again\n  stack kill             end everything at once, without grace"
)]
pub struct KillArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// The signal.
    #[arg(short, long, value_name = "SIGNAL", default_value = "SIGKILL")]
    signal: String,

    /// Containers of services that are not in the file, too.
    #[arg(long)]
    remove_orphans: bool,
}

/// Freeze or thaw containers.
#[derive(Debug, clap::Args)]
pub struct ServicesArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
}

/// Remove stopped containers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack rm           remove stopped containers, after a question\n  stack rm -sfv web  stop one service and remove it, its anonymous volumes too"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct RmArgs {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Do not ask.
    #[arg(short, long)]
    force: bool,

    /// Stop them first.
    #[arg(short, long)]
    stop: bool,

    /// Remove their anonymous volumes too.
    #[arg(short, long)]
    volumes: bool,

    /// Without effect, as in the reference.
    #[arg(short, long, hide = true)]
    all: bool,
}

/// Runs `start`.
pub fn start(context: &Context, args: &StartArgs) -> Result<(), Failure> {
    let wait = args.wait.then_some(args.wait_timeout);
    act(context, &Verb::Start { wait }, &args.services, None, !args.no_eager_health)
}

/// Runs `stop`.
pub fn stop(context: &Context, args: &StopArgs) -> Result<(), Failure> {
    apply(context, &Verb::Stop, &args.services, args.timeout)
}

/// Runs `restart`.
pub fn restart(context: &Context, args: &RestartArgs) -> Result<(), Failure> {
    apply(context, &Verb::Restart { alone: args.no_deps }, &args.services, args.timeout)
}

/// Runs `kill`.
pub fn kill(context: &Context, args: &KillArgs) -> Result<(), Failure> {
    let orphans = args.remove_orphans || context.surroundings.flag("COMPOSE_REMOVE_ORPHANS");
    apply(context, &Verb::Kill { signal: args.signal.clone(), orphans }, &args.services, None)
}

/// Runs `pause`.
pub fn pause(context: &Context, args: &ServicesArgs) -> Result<(), Failure> {
    apply(context, &Verb::Pause, &args.services, None)
}

/// Runs `unpause`.
pub fn unpause(context: &Context, args: &ServicesArgs) -> Result<(), Failure> {
    apply(context, &Verb::Unpause, &args.services, None)
}

fn apply(context: &Context, verb: &Verb, services: &[String], timeout_s: Option<i64>) -> Result<(), Failure> {
    act(context, verb, services, timeout_s, true)
}

fn act(
    context: &Context,
    verb: &Verb,
    services: &[String],
    timeout_s: Option<i64>,
    eager_health: bool,
) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let loaded = match &scope {
        crate::ops::Scope::Loaded(loaded) => Some(loaded.as_ref()),
        crate::ops::Scope::Named(_) => None,
    };
    run::with_session(context, loaded, LogFormat::default(), async |session| {
        let session = session.with_eager_health(eager_health);
        lifecycle::run(&session, &scope, verb, services, timeout_s).await
    })
}

/// Runs `rm`.
pub fn rm(context: &Context, args: &RmArgs) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let containers = run::with_session(context, None, LogFormat::default(), async |session| {
        lifecycle::removable(session, &scope, &args.services, args.stop).await
    })?;
    if containers.is_empty() {
        stream::note("No stopped containers\n");
        return Ok(());
    }
    if !args.force && !context.dry_run {
        let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
        stream::note(&format!("Going to remove {}\nAre you sure? [yN] ", names.join(", ")));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
    }
    run::with_session(context, None, LogFormat::default(), async |session| {
        lifecycle::remove(session, &scope, &containers, args.volumes).await
    })
}
