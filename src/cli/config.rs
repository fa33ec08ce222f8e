//! `stack config`: check the stack files and show what they come to.

use super::Context;
use super::exit::Failure;
use crate::load::{self, Skip};
use crate::ops::config::{self, Format};
use crate::ui::stream;

/// Check the stack files and show what they come to.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
pub struct Args {
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Yaml)]
    format: Format,

    /// Only check; print nothing.
    #[arg(short, long)]
    quiet: bool,

    /// Print service names.
    #[arg(long = "services")]
    list_services: bool,

    /// Do not add defaults.
    #[arg(long)]
    no_normalize: bool,

    /// Keep relative paths.
    #[arg(long)]
    no_path_resolution: bool,

    /// Do not check references between parts.
    #[arg(long)]
    no_consistency: bool,

    /// Do not fold env files into `environment`.
    #[arg(long)]
    no_env_resolution: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let mut request = context.project.request(&context.surroundings)?;
    request.services.clone_from(&args.services);
    request.skip = Skip {
        normalize: args.no_normalize,
        path_resolution: args.no_path_resolution,
        consistency: args.no_consistency,
        env_resolution: args.no_env_resolution,
        ..Skip::default()
    };
    let loaded = load::load(&request)?;
    context.show_warnings(&loaded);
    if args.quiet {
        return Ok(());
    }
    let text =
        if args.list_services { config::services(&loaded) } else { config::render(&loaded, args.format) };
    stream::data(&text)?;
    Ok(())
}
