//! `stack ls`.

use super::{Context, Failure, run};
use crate::ops::list;
use crate::ui::{LogFormat, ProjectRow, combined_status, ls_table, stream};

/// List projects.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack ls                   projects that run on the engine\n  stack ls -a --format json  stopped ones too, for programs"
)]
pub struct Args {
    /// Projects without a running container too.
    #[arg(short, long)]
    all: bool,

    /// Only projects whose name fits a regular expression: `name=EXPRESSION`. Of several, one is enough.
    #[arg(long, value_name = "FILTER")]
    filter: Vec<String>,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Only names.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let names = names(&args.filter)?;
    let projects = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        list::projects(&engine, args.all).await
    })?;
    let rows: Vec<ProjectRow> = projects
        .into_iter()
        .filter(|project| names.is_empty() || names.iter().any(|name| name.is_match(&project.name)))
        .map(|project| ProjectRow {
            name: project.name,
            instance: project.instance,
            status: combined_status(&project.states),
            config_files: if project.config_files.is_empty() {
                "N/A".to_owned()
            } else {
                project.config_files
            },
        })
        .collect();
    let text = match (args.quiet, args.format) {
        (true, _) => rows.iter().map(|row| format!("{}\n", row.name)).collect(),
        (false, Format::Table) => ls_table(&rows),
        (false, Format::Json) => serde_json::to_string(&rows).unwrap_or_default() + "\n",
    };
    stream::data(&text)?;
    Ok(())
}

/// What names have to fit.
fn names(filters: &[String]) -> Result<Vec<regex_lite::Regex>, Failure> {
    let name = |filter: &String| {
        let Some((key, expression)) = filter.split_once('=') else {
            return Err(Failure::message(format!("bad format of filter `{filter}`"))
                .hint("write `--filter name=EXPRESSION`"));
        };
        if key.trim() != "name" {
            return Err(Failure::message(format!("invalid filter '{key}'")).hint("there is `name` alone"));
        }
        regex_lite::Regex::new(expression.trim())
            .map_err(|error| Failure::message(format!("`{expression}` is not a regular expression: {error}")))
    };
    filters.iter().map(name).collect()
}
