//! `stack apply`.

use super::{Context, Failure, run};
use crate::load;
use crate::ops::saved::{self, SavedPlan};
use crate::ui::LogFormat;
use std::path::PathBuf;

/// Carry out a plan that `stack plan -o` saved, if nothing has moved since.
///
/// The project is the one of the plan, whatever the stack files say now.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack plan -o release.plan   save what would change\n  stack apply release.plan     do exactly that, or nothing"
)]
pub struct Args {
    /// The saved plan.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let shown = args.file.display();
    let path = context.surroundings.current_dir.join(&args.file);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::message(format!("cannot read the plan `{shown}`: {error}")))?;
    let plan: SavedPlan = serde_json::from_str(&text).map_err(|error| {
        Failure::message(format!("`{shown}` is no saved plan: {error}"))
            .hint("save one with `stack plan -o FILE`; what `--format json` prints cannot be applied")
    })?;
    if plan.format_version != 1 {
        let version = plan.format_version;
        return Err(Failure::message(format!(
            "`{shown}` has a form ({version}) that this version does not know"
        )));
    }
    let mut loaded =
        load::load(&saved::request(&plan.project, &plan.saved, context.surroundings.environment.clone()))?;
    saved::complete(&mut loaded, &plan.saved);
    run::with_session(context, Some(&loaded), LogFormat::default(), async |session| {
        Box::pin(saved::apply(session, &loaded, &plan)).await
    })
}
