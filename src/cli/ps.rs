//! `stack ps`.

use super::{Context, Failure, run};
use crate::observe::Container;
use crate::ops::list::{self, Filter};
use crate::ui::{Clock, LogFormat, RowFormat, ps_rows, ps_table, stream};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// List containers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack ps -a                               stopped ones too\n  stack ps --format '{{.Name}} {{.Ports}}'  as a script wants it"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    only: Vec<String>,

    /// Stopped and one-off containers too.
    #[arg(short, long)]
    all: bool,

    /// Output format: table, json, or a template such as `{{.Name}} {{.State}}` or `table {{.Name}}\t{{.Ports}}`.
    #[arg(long, value_name = "FORMAT")]
    format: Option<RowFormat>,

    /// Containers of services that are not in the file, too.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    orphans: bool,

    /// Only ids.
    #[arg(short, long)]
    quiet: bool,

    /// Only service names.
    #[arg(long = "services")]
    services: bool,

    /// Only containers in this state; repeat it for several.
    #[arg(long, value_name = "STATUS", value_parser = ["paused", "restarting", "removing", "running", "dead", "created", "exited"])]
    status: Vec<String>,

    /// Only `status=STATE` is known.
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,

    /// Whole commands and ids.
    #[arg(long)]
    no_trunc: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let mut status = args.status.clone();
    if let Some(filter) = &args.filter {
        let Some(("status", state)) = filter.split_once('=') else {
            return Err(
                Failure::message(format!("unknown filter `{filter}`")).hint("only `status=STATE` is known")
            );
        };
        status.push(state.to_owned());
    }
    let scope = run::scope(context)?;
    let filter = Filter { services: args.only.clone(), all: args.all, orphans: args.orphans, status };
    let containers = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        list::containers(&engine, &scope, &filter).await
    })?;
    let containers: Vec<&Container> = containers.iter().collect();
    let clock = Clock { now: context.surroundings.started_unix };
    let text = if args.quiet {
        containers.iter().map(|container| format!("{}\n", container.id)).collect()
    } else if args.services {
        let names: BTreeSet<String> =
            containers.iter().map(|container| container.identity.service.to_string()).collect();
        names.into_iter().map(|name| format!("{name}\n")).collect()
    } else {
        match args.format.clone().or_else(|| default_format(context)).unwrap_or_default() {
            RowFormat::Table => ps_table(&containers, clock, !args.no_trunc),
            format @ (RowFormat::Json | RowFormat::Template(_) | RowFormat::TableTemplate(_)) => {
                ps_rows(&containers, &format, clock, !args.no_trunc).map_err(Failure::message)?
            }
        }
    };
    stream::data(&text)?;
    Ok(())
}

/// `psFormat` of docker's `config.json`, as the docker command has it.
fn default_format(context: &Context) -> Option<RowFormat> {
    let variable = |name: &str| context.surroundings.environment.get(name).filter(|value| !value.is_empty());
    let own = variable("DOCKER_CONFIG").map(PathBuf::from);
    let folder = own.or_else(|| Some(Path::new(variable("HOME")?).join(".docker")))?;
    let text = std::fs::read_to_string(folder.join("config.json")).ok()?;
    let settings: serde_json::Value = serde_json::from_str(&text).ok()?;
    settings.get("psFormat")?.as_str()?.parse().ok()
}
