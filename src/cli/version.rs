//! `stack version`.

use super::{Context, Failure, VERSION};
use crate::model::label::COMPATIBLE_VERSION;
use crate::ui::stream;

/// Show the version.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `pretty` or `json`.
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    format: Format,

    /// Only the number.
    #[arg(long)]
    short: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Pretty,
    Json,
}

/// Runs the command.
///
/// Called as `docker-compose` it is the version whose commands, labels and files these are: tools ask whether it is 2 or newer.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let (name, version) =
        if context.as_compose { ("Docker Compose", COMPATIBLE_VERSION) } else { ("stack", VERSION) };
    let text = match (args.short, args.format) {
        (true, _) => format!("{version}\n"),
        (false, Format::Pretty) => format!("{name} version v{version}\n"),
        (false, Format::Json) => format!("{{\"version\":\"v{version}\"}}\n"),
    };
    stream::data(&text)?;
    Ok(())
}
