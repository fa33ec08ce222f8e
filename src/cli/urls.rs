//! `stack urls`.

use super::{Context, Failure, run};
use crate::ops::urls::{self, Endpoint};
use crate::ui::{LogFormat, stream, table};

/// Say where the published ports of the running containers are reached.
///
/// Ports that look like HTTP are shown as URLs; `app_protocol` of a port in its long form says what it speaks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack urls                        where everything is\n  eval \"$(stack urls --format shell)\"  STACK_WEB_HOST, STACK_WEB_PORT_80, STACK_WEB_URL, ... in this shell"
)]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Output format: a table, JSON, or variables for a `.env` file or a shell.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Env,
    Shell,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let endpoints = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        urls::endpoints(&engine, &scope, &args.services).await
    })?;
    let variables = || urls::variables(scope.name(), &endpoints).into_iter();
    let text: String = match args.format {
        Format::Table => as_table(&endpoints),
        Format::Json => serde_json::to_string(&endpoints).unwrap_or_default() + "\n",
        // Names, addresses, numbers and URLs: nothing that would have to be quoted.
        Format::Env => variables().map(|(name, value)| format!("{name}={value}\n")).collect(),
        Format::Shell => variables().map(|(name, value)| format!("export {name}={value}\n")).collect(),
    };
    stream::data(&text)?;
    Ok(())
}

fn as_table(endpoints: &[Endpoint]) -> String {
    let row = |one: &Endpoint| {
        let container =
            if one.replica > 1 { format!("{}-{}", one.service, one.replica) } else { one.service.clone() };
        let host = if one.host.contains(':') { format!("[{}]", one.host) } else { one.host.clone() };
        let place = one.url.clone().unwrap_or_else(|| format!("{host}:{}", one.port));
        vec![container, format!("{}/{}", one.target, one.protocol), place]
    };
    let rows: Vec<Vec<String>> = endpoints.iter().map(row).collect();
    table(&["SERVICE", "PORT", "REACHED AT"], &rows, 0)
}
