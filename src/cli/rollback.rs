//! `stack rollback`.

use super::{Context, Failure, run};
use crate::load;
use crate::ops::history::{self, Generation};
use crate::ops::saved;
use crate::plan::{OrphanPolicy, Policy};
use crate::ui::{LogFormat, stream};

/// Go back to the configuration that was applied before the last one.
///
/// Images are the ones that ran then. Contents of config and secret files, bind mounts and data in volumes are as they are
/// now. Going back is a change as any other: doing it twice returns to where one was.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack rollback             all services, as before the last change\n  stack rollback web         only web, as it was before its last change\n  stack --dry-run rollback   show what it would do, and why\n  stack rollback --list      what is kept (ten configurations, in ~/.local/state/stack, for their owner alone)"
)]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Go to this configuration, by its number in --list.
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,

    /// List what is kept, newest last.
    #[arg(long, conflicts_with_all = ["to", "services"])]
    list: bool,

    /// Remove containers of services that did not exist then.
    #[arg(long)]
    remove_orphans: bool,

    /// Return once everything is running or healthy.
    #[arg(long)]
    wait: bool,

    /// Seconds that --wait may take.
    #[arg(long, value_name = "SECONDS", requires = "wait")]
    wait_timeout: Option<u64>,

    /// Seconds before a kill.
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<i64>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let project = scope.name().to_owned();
    let kept = run::with_session(context, None, LogFormat::default(), async |session| {
        history::list(session, &project).await
    })?;
    if args.list {
        stream::data(&kept.iter().map(row).collect::<String>())?;
        return Ok(());
    }
    let destination = history::destination(&kept, &args.services, args.to)
        .map_err(|error| run::failure(context, None, error))?;
    let environment = context.surroundings.environment.clone();
    let mut request = saved::request(&project, &destination.generation.saved, environment);
    request.services.clone_from(&destination.services);
    request.without_dependencies = !destination.services.is_empty();
    let mut loaded = load::load(&request)?;
    saved::complete(&mut loaded, &destination.generation.saved);
    let policy = Policy {
        timeout_s: args.timeout,
        wait: args.wait.then_some(args.wait_timeout),
        orphans: if args.remove_orphans { OrphanPolicy::Remove } else { OrphanPolicy::Warn },
        ..Policy::default()
    };
    run::with_session(context, None, LogFormat::default(), async |session| {
        Box::pin(history::rollback(session, loaded, &destination, policy)).await
    })
}

/// A configuration as `--list` shows it.
fn row(generation: &Generation) -> String {
    let services: Vec<&str> = generation.services.keys().map(String::as_str).collect();
    let state = if generation.applied { "applied" } else { "not completed" };
    format!("{:>4}  {}  {state:<13}  {}\n", generation.number, generation.at, services.join(", "))
}
