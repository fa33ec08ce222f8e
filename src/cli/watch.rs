//! `stack watch`.

use super::{Context, Failure, run};
use crate::load::Loaded;
use crate::ops::OpsError;
use crate::plan::{ImagePolicy, Policy};
use crate::ui::{LogFormat, stream};
use crate::watch::{self, Request};
use std::path::PathBuf;
use std::sync::Arc;

/// Follow the files and keep the running stack like them.
///
/// Files of `develop.watch` rules are synced, or trigger a rebuild or restart; a change of the stack files themselves is
/// applied as `up` would, the difference only.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack watch           bring the stack up, then follow the files; Ctrl-C leaves it running\n  stack watch --no-up   follow the files of what runs already\n  stack watch --explain src/main.py   why a file is followed or not"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Do not bring the stack up first.
    #[arg(long)]
    no_up: bool,

    /// Remove the images that a rebuild replaced.
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    prune: bool,

    /// Tell rules from the Dockerfiles of services that have none, and print them in a form to paste.
    #[arg(long)]
    auto: bool,

    /// Hide build output.
    #[arg(long)]
    quiet: bool,

    /// Say what each rule makes of a file and what decides it, and do nothing.
    #[arg(long, value_name = "PATH")]
    explain: Option<PathBuf>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let loaded = run::load(context, &args.services, false)?;
    if let Some(path) = &args.explain {
        let folder = &context.surroundings.current_dir;
        stream::data(&watch::explain(&loaded.project, folder, path, args.auto))?;
        return Ok(());
    }
    let mut load = context.project.request(&context.surroundings)?;
    load.services.clone_from(&args.services);
    let request = Request {
        load,
        policy: Policy {
            selected: args.services.iter().map(crate::model::ServiceName::new).collect(),
            images: ImagePolicy { build: !args.no_up, ..ImagePolicy::default() },
            ..Policy::default()
        },
        up: !args.no_up,
        prune: args.prune,
        colour: context.colour,
        state: tokio::sync::watch::Sender::default(),
        delivery: Arc::new(watch::Delivery::new(args.auto)),
    };
    if context.dry_run {
        return rehearse(context, &loaded, &request);
    }
    let context = context.scrolling(args.quiet);
    run::with_session(&context, Some(&loaded), LogFormat::default(), async |session| {
        Box::pin(watch::run(session, loaded.clone(), &request)).await?;
        // It has no other end than the user's, which scripts tell from success as they do with the reference.
        Err(OpsError::Interrupted)
    })
}

/// Shows what a watch would do first, and what it would follow.
///
/// # Errors
/// The first `up` cannot be planned.
pub(super) fn rehearse(context: &Context, loaded: &Loaded, request: &Request) -> Result<(), Failure> {
    let text = run::with_session(context, Some(loaded), LogFormat::default(), async |session| {
        Box::pin(watch::rehearse(session, loaded, request)).await
    })?;
    stream::data(&text)?;
    Ok(())
}
