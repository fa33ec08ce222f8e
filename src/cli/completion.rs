//! `stack completion`.

use super::{Cli, Failure};
use crate::ui::stream;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a script that completes commands and flags in a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  source <(stack completion bash)                                   in this shell\n  stack completion fish > ~/.config/fish/completions/stack.fish     for good"
)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stack", &mut script);
    stream::data(&String::from_utf8_lossy(&script))?;
    Ok(())
}
