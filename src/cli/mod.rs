//! argv to a request, and a failure to an exit code. No logic, no engine calls, no formatting of results.
//!
//! One file per command: its `Args` (whose documentation is the help text) and a `run` of a few lines. Start reading at
//! [`main`].

mod config;
mod env;
mod exit;
mod project_args;
mod version;

pub use env::{Surroundings, VARIABLES};
pub use exit::Failure;
pub use project_args::ProjectArgs;

use crate::load::Loaded;
use crate::source::{Colour, to_text};
use crate::ui::stream;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The version that `--version`, `version` and the containers' labels show.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Run multi-container projects from a stack file (the Compose Specification).
#[derive(Debug, Parser)]
#[command(
    name = "stack",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    project: ProjectArgs,

    /// When to use colours and redraw lines.
    #[arg(long, value_enum, value_name = "WHEN")]
    ansi: Option<Ansi>,

    #[command(subcommand)]
    command: Command,
}

/// When to use ANSI escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ansi {
    /// Only on a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Config(config::Args),
    Version(version::Args),
}

/// What every command gets: the flags before it, and the process's surroundings.
#[derive(Debug)]
pub struct Context {
    /// Which project is meant.
    pub project: ProjectArgs,
    /// The process's surroundings.
    pub surroundings: Surroundings,
    /// Whether text on standard error carries colours.
    pub colour: Colour,
}

impl Context {
    /// Prints a load's warnings, once, before anything else happens.
    pub fn show_warnings(&self, loaded: &Loaded) {
        if !loaded.warnings.is_empty() {
            stream::note(&to_text(&loaded.warnings, &loaded.sources, self.colour));
        }
    }
}

/// Runs the process.
pub fn main() -> ExitCode {
    let surroundings = match Surroundings::read() {
        Ok(surroundings) => surroundings,
        Err(error) => {
            stream::note(
                &Failure::message(format!("cannot tell the working directory: {error}")).text(Colour::Never),
            );
            return ExitCode::FAILURE;
        }
    };
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let colour = colour(cli.ansi, &surroundings);
    let context = Context { project: cli.project, surroundings, colour };
    match dispatch(&context, &cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            stream::note(&failure.text(colour));
            failure.exit_code()
        }
    }
}

fn dispatch(context: &Context, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Config(args) => config::run(context, args),
        Command::Version(args) => version::run(args),
    }
}

/// Help and version go to standard output with 0; a mistake in the flags goes to standard error with 1, as the
/// reference does (clap's own 2 means "changes" to `plan --detailed-exitcode`).
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        stream::note(&text.to_string());
        ExitCode::FAILURE
    } else {
        drop(stream::data(&text.to_string()));
        ExitCode::SUCCESS
    }
}

fn colour(ansi: Option<Ansi>, surroundings: &Surroundings) -> Colour {
    let wanted = ansi.or_else(|| match surroundings.environment.get("COMPOSE_ANSI") {
        Some("always") => Some(Ansi::Always),
        Some("never") => Some(Ansi::Never),
        _ => None,
    });
    let forbidden = surroundings.environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    match wanted {
        Some(Ansi::Never) => Colour::Never,
        _ if forbidden => Colour::Never,
        Some(Ansi::Always) => Colour::Always,
        Some(Ansi::Auto) | None if surroundings.stderr_is_terminal => Colour::Always,
        Some(Ansi::Auto) | None => Colour::Never,
    }
}
