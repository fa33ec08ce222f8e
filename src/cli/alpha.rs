//! `stack alpha`: the commands that the reference calls experimental.

use super::{Context, Failure, run};
use crate::ui::graph::{VizOptions, viz};
use crate::ui::stream;

/// Commands that `docker compose` calls experimental.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Viz(VizArgs),
}

/// Print the services and their dependencies for Graphviz; `stack graph` draws them itself.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack alpha viz | dot -Tpng -o stack.png         with Graphviz\n  stack alpha viz --networks --ports --image       with more about each service"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command")]
struct VizArgs {
    /// Name the images.
    #[arg(long)]
    image: bool,

    /// How many tabs, or spaces, a line inside begins with.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    indentation_size: u16,

    /// Name the networks.
    #[arg(long)]
    networks: bool,

    /// Name the published ports.
    #[arg(long)]
    ports: bool,

    /// Spaces instead of tabs.
    #[arg(long)]
    spaces: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Viz(args) => draw(context, args),
    }
}

fn draw(context: &Context, args: &VizArgs) -> Result<(), Failure> {
    stream::note("viz command is EXPERIMENTAL\n");
    let loaded = run::load(context, &[], false)?;
    let indent = if args.spaces { " " } else { "\t" };
    let options = VizOptions {
        networks: args.networks,
        ports: args.ports,
        image: args.image,
        indentation: indent.repeat(args.indentation_size.into()),
    };
    stream::data(&(viz(&loaded.project, &options) + "\n"))?;
    Ok(())
}
