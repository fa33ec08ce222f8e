//! `stack instances`: the copies of projects that run side by side.

use super::{Context, Failure, remote, run};
use crate::model::instance::PortMap;
use crate::ops::OpsError;
use crate::ops::instances::{self, Found, Life};
use crate::ui::{LogFormat, combined_status, stream, table};

/// Show instances of projects, or remove those that nobody needs any more.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack instances                 what runs side by side, with its ports\n  stack instances prune           remove those whose folder or owner is gone, after asking"
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ls(ListArgs),
    Prune(PruneArgs),
}

/// List instances of all projects.
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Only project names.
    #[arg(short, long)]
    quiet: bool,
}

/// Remove the containers and networks of instances whose folder is gone, and all of those whose owner was killed.
///
/// An instance of another machine is left alone: whether its folder is there cannot be seen from here.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack instances prune --force        without asking, for scripts\n  stack instances prune --older-than 24   what `stack test` left on a shared engine a day ago, too"
)]
struct PruneArgs {
    /// Do not ask.
    #[arg(short, long)]
    force: bool,

    /// Remove the volumes of instances whose folder is gone too, with their data.
    #[arg(long)]
    volumes: bool,

    /// Also those to be thrown away of which nobody can say whether their owner lives, when they are older than this.
    #[arg(long, value_name = "HOURS")]
    older_than: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    match &args.command {
        Some(Command::Ls(list)) => ls(context, list),
        None => ls(context, &args.list),
        Some(Command::Prune(prune)) => self::prune(context, prune),
    }
}

fn found(context: &Context) -> Result<Vec<Found>, Failure> {
    run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        instances::list(&engine).await
    })
}

fn ls(context: &Context, args: &ListArgs) -> Result<(), Failure> {
    let found = found(context)?;
    let text = match (args.quiet, args.format) {
        (true, _) => found.iter().map(|one| format!("{}\n", one.project)).collect(),
        (false, Format::Json) => {
            let rows: Vec<serde_json::Value> = found.iter().map(object).collect();
            serde_json::to_string(&rows).unwrap_or_default() + "\n"
        }
        (false, Format::Table) => {
            let rows: Vec<Vec<String>> = found.iter().map(row).collect();
            table(&["INSTANCE", "PROJECT", "STATUS", "PORTS", "FOLDER"], &rows, 0)
        }
    };
    stream::data(&text)?;
    Ok(())
}

fn row(one: &Found) -> Vec<String> {
    let mut status = combined_status(&one.states);
    if status.is_empty() {
        "no containers".clone_into(&mut status);
    }
    if let Some(why) = one.abandoned() {
        status = format!("{status}, {why}");
    } else if let Some(owner) = one.owner.as_ref().filter(|_| one.owner_life == Some(Life::Alive)) {
        status = format!("{status}, of process {}", owner.pid());
    } else if one.is_ephemeral() {
        status = format!("{status}, of a process elsewhere");
    }
    vec![one.instance.clone(), one.project.clone(), status, ports(&one.ports), one.working_dir.clone()]
}

/// `8080→20123, 5432→24004`.
pub(super) fn ports(ports: &PortMap) -> String {
    ports.iter().map(|(from, to)| format!("{from}→{to}")).collect::<Vec<_>>().join(", ")
}

fn object(one: &Found) -> serde_json::Value {
    serde_json::json!({
        "Instance": one.instance,
        "Of": one.origin,
        "Name": one.project,
        "Status": combined_status(&one.states),
        "Ports": one.ports,
        "WorkingDir": one.working_dir,
        "Folder": one.folder,
        "Ephemeral": one.is_ephemeral(),
        "Owner": one.owner_life,
        "Abandoned": one.abandoned(),
        "Volumes": one.volumes,
    })
}

fn prune(context: &Context, args: &PruneArgs) -> Result<(), Failure> {
    let is_old = |one: &Found| {
        let limit = args.older_than.map(|hours| i64::from(hours) * 3600);
        let age = one.created.map(|created| context.surroundings.started_unix - created);
        // Without a container there is no age, and nothing runs.
        one.owner_life == Some(Life::Unknown) && limit.is_some_and(|limit| age.is_none_or(|age| age >= limit))
    };
    let all = found(context)?;
    let going: Vec<(&Found, &str)> = all
        .iter()
        .filter_map(|one| Some((one, one.abandoned().or_else(|| is_old(one).then_some("it is old"))?)))
        .collect();
    if going.is_empty() {
        stream::note("Nothing to remove: every instance has its folder, and its owner.\n");
        return Ok(());
    }
    let volumes = |one: &Found| args.volumes || one.is_ephemeral();
    for (one, why) in &going {
        let list = one.volumes.join(", ");
        let data = match (one.volumes.is_empty(), volumes(one)) {
            (true, _) => String::new(),
            (false, true) => format!("; with its volumes {list}"),
            (false, false) => format!("; its volumes stay: {list}"),
        };
        stream::note(&format!("  {} ({why}{data})\n", one.project));
    }
    if !args.force && !context.dry_run && !remote::ask("Remove these instances? [y/N] ", false)? {
        return Err(
            Failure::message("cancelled: nothing was removed").hint("`--force` removes without asking")
        );
    }
    run::with_session(context, None, LogFormat::default(), async |session| {
        let mut failed: Option<OpsError> = None;
        for (one, _) in &going {
            if let Err(error) = instances::remove(session, one, volumes(one)).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    })
}
