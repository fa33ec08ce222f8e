//! `stack graph`.

use super::{Context, Failure, run};
use crate::ui::graph::{Graph, GraphFormat};
use crate::ui::stream;
use std::path::PathBuf;

/// Draw the services, what they wait for, their networks and volumes.
///
/// The picture needs no other program; the forms for Graphviz and Mermaid are there for documents that draw them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack graph -o stack.svg           a picture, for light and dark pages\n  stack graph --format mermaid web   what `web` needs, for a README"
)]
pub struct Args {
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Form; by default that of the file's name, or SVG.
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Write to a file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Svg,
    Dot,
    Mermaid,
    Json,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let format = format(args)?;
    let loaded = run::load(context, &args.services, false)?;
    let text = format.text(&Graph::of(&loaded.project));
    let Some(file) = &args.output else {
        stream::data(&text)?;
        if format == GraphFormat::Svg && context.surroundings.stdout_is_terminal {
            stream::note("hint: this is a picture: write it to a file, `stack graph -o stack.svg`\n");
        }
        return Ok(());
    };
    let path = context.surroundings.current_dir.join(file);
    std::fs::write(path, text)
        .map_err(|error| Failure::message(format!("cannot write `{}`: {error}", file.display())))
}

fn format(args: &Args) -> Result<GraphFormat, Failure> {
    Ok(match (args.format, &args.output) {
        (Some(Format::Svg), _) | (None, None) => GraphFormat::Svg,
        (Some(Format::Dot), _) => GraphFormat::Dot,
        (Some(Format::Mermaid), _) => GraphFormat::Mermaid,
        (Some(Format::Json), _) => GraphFormat::Json,
        (None, Some(file)) => GraphFormat::of(file).ok_or_else(|| {
            Failure::message(format!("the name `{}` does not say which form it is to have", file.display()))
                .hint("let it end with .svg, .dot, .mmd or .json, or give `--format`")
        })?,
    })
}
