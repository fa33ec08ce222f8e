//! `stack plan`.

use super::up::ConvergeArgs;
use super::{Context, Failure, run};
use crate::ops::reconcile;
use crate::ui::{LogFormat, plan, stream};

/// Show what `up` would do, and why, without doing it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack plan                       what would change, field by field\n  stack plan --detailed-exitcode   exit 2 when something would change, for scripts"
)]
pub struct Args {
    #[command(flatten)]
    converge: ConvergeArgs,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Exit with 0 when there is nothing to do, 2 when there is, 1 on errors.
    #[arg(long)]
    detailed_exitcode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let loaded = run::load(context, &args.converge.services, false)?;
    let policy = args.converge.policy(context)?;
    super::up::check_scale(&policy, &loaded)?;
    let planned = run::with_session(context, Some(&loaded), LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        reconcile::plan(session, &engine, &loaded, &policy).await
    })?;
    let project = loaded.project.name.as_str();
    match args.format {
        Format::Text => {
            for warning in &planned.plan.warnings {
                stream::note(&format!("warning: {warning}\n"));
            }
            stream::data(&plan::text(&planned.plan, project, context.stdout_colour()))?;
        }
        Format::Json => {
            let json = plan::json(&planned.plan, project);
            stream::data(&(serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"))?;
        }
    }
    let changes = !(planned.plan.is_empty() && planned.plan.deferred.is_empty());
    if args.detailed_exitcode && changes { Err(Failure::Code(2)) } else { Ok(()) }
}
