//! `stack version`.

use super::{Failure, VERSION};
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
pub fn run(args: &Args) -> Result<(), Failure> {
    let text = match (args.short, args.format) {
        (true, _) => format!("{VERSION}\n"),
        (false, Format::Pretty) => format!("stack version v{VERSION}\n"),
        (false, Format::Json) => format!("{{\"version\":\"v{VERSION}\"}}\n"),
    };
    stream::data(&text)?;
    Ok(())
}
