//! `stack plan`.

use super::up::ConvergeArgs;
use super::{Context, Failure, run};
use crate::ops::{reconcile, saved};
use crate::ui::{LogFormat, plan, stream};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Show what `up` would do, and why, without doing it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack plan                       what would change, field by field\n  stack plan --detailed-exitcode   exit 2 when something would change, for scripts\n  stack plan --drift               compare every field of every container too\n  stack plan -o FILE               save it; `stack apply FILE` does exactly that or nothing"
)]
pub struct Args {
    #[command(flatten)]
    converge: ConvergeArgs,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Save the plan, for `stack apply`. The file holds the whole project, secrets included: only its owner may read it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Exit with 0 when there is nothing to do, 2 when there is, 1 on errors.
    #[arg(long)]
    detailed_exitcode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Args {
    pub(super) fn answers_in_json(&self) -> bool {
        self.format == Format::Json
    }
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
    let completed = planned.completed.as_ref().and_then(|project| project.instance.as_ref());
    if let Some(instance) = completed.filter(|instance| !instance.ports.is_empty()) {
        let ports = super::instances::ports(&instance.ports);
        stream::note(&format!("Instance `{}` of {}: host ports {ports}\n", instance.name, instance.origin));
    }
    match args.format {
        Format::Text => {
            for warning in &planned.plan.warnings {
                stream::note(&format!("warning: {warning}\n"));
            }
            stream::data(&plan::text(&planned.plan, project, context.stdout_colour()))?;
        }
        Format::Json => {
            let json = plan::document(&planned.plan, project, None);
            stream::data(&(serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"))?;
        }
    }
    if let Some(file) = &args.output {
        let kept = saved::save(&loaded, &policy, &planned.observed, super::VERSION);
        write_private(context, file, &plan::document(&planned.plan, project, Some(&kept)))?;
        stream::note(&format!("The plan is saved. Carry it out with `stack apply {}`.\n", file.display()));
    }
    if args.detailed_exitcode && planned.plan.has_changes() { Err(Failure::Code(2)) } else { Ok(()) }
}

/// Writes a file that only its owner may read. One that is there is replaced, so that its permissions do not stay.
fn write_private(context: &Context, file: &Path, document: &plan::Document<'_>) -> Result<(), Failure> {
    let path = context.surroundings.current_dir.join(file);
    let failed = |error: std::io::Error| {
        Failure::message(format!("cannot write the plan `{}`: {error}", file.display()))
    };
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::message(format!("cannot write the plan down: {error}")))?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    let mut written = options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    written.write_all(text.as_bytes()).and_then(|()| written.write_all(b"\n")).map_err(failed)
}
