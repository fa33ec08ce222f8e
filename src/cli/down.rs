//! `stack down`.

use super::{Context, Failure, run};
use crate::ops::down::{self, Images, Request, Volumes};
use crate::plan::Grace;
use crate::ui::LogFormat;

/// Stop and remove containers and networks. Volumes stay, unless -v.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack down       remove containers and networks\n  stack down -v    remove the project's volumes too, with their data"
)]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Remove the project's named volumes and anonymous volumes too.
    #[arg(short, long)]
    volumes: bool,

    /// Remove images too: `local` those that have no name of their own in the file, `all` those of all services.
    #[arg(long, value_enum, value_name = "WHICH")]
    rmi: Option<Rmi>,

    /// Remove containers whose service is not in the file.
    #[arg(long)]
    remove_orphans: bool,

    /// Seconds before a kill.
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<i64>,

    /// Kill containers after one second, except those with a volume or a writable folder of the host, which keep their grace.
    #[arg(long, conflicts_with = "timeout")]
    fast: bool,
}

/// Which images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Rmi {
    Local,
    All,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let request = Request {
        services: args.services.clone(),
        grace: match args.timeout {
            Some(seconds) => Grace::Seconds(seconds),
            None if args.fast => Grace::Fast,
            None => Grace::Own,
        },
        volumes: match (args.volumes, context.surroundings.stderr_is_terminal && context.ci.is_none()) {
            (false, _) => Volumes::Stay,
            (true, false) => Volumes::Go,
            // Scripts that run in a terminal too must go on as they do: it is told, and not asked.
            (true, true) => Volumes::Told,
        },
        only_active: context.names_profiles(),
        images: match args.rmi {
            None => Images::None,
            Some(Rmi::Local) => Images::Local,
            Some(Rmi::All) => Images::All,
        },
        orphans: args.remove_orphans || context.surroundings.flag("COMPOSE_REMOVE_ORPHANS"),
    };
    run::with_session(context, None, LogFormat::default(), async |session| {
        down::run(session, &scope, &request).await
    })
}
