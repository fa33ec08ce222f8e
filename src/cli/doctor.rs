//! `stack doctor`.

use super::{Context, Failure, run};
use crate::load;
use crate::ops::doctor::{self, Files, Finding, Health};
use crate::ui::{LogFormat, stream};

/// Look for what may be wrong: engine, versions, plugins, disk, credentials, limits.
///
/// Each finding is told with its remedy. It changes nothing. The exit code is 1 when something is broken.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack doctor                  what is well, what is not, and what to do about it\n  stack doctor --format json    for a report to somebody who can help"
)]
pub struct Args {
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
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
    let request = context.project.request(&context.surroundings)?;
    let loaded = load::load(&request);
    let files = match &loaded {
        Ok(loaded) => Files::Project(&loaded.project),
        Err(failure) => {
            let told = Failure::Load(failure.clone()).first_line();
            if told.starts_with("there is no stack file") { Files::None } else { Files::Broken(told) }
        }
    };
    let mut findings = run::with_session(context, None, LogFormat::default(), async |session| {
        doctor::engine(session).await
    })?;
    findings.extend(doctor::here(&files, &context.surroundings.environment));
    let text = match args.format {
        Format::Text => text(&findings, context.stdout_colour()),
        Format::Json => serde_json::to_string_pretty(&findings).unwrap_or_default() + "\n",
    };
    stream::data(&text)?;
    if findings.iter().any(|finding| finding.health == Health::Broken) {
        return Err(Failure::Code(1));
    }
    Ok(())
}

fn text(findings: &[Finding], colour: bool) -> String {
    let widest = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { check, health, message, hints } in findings {
        let (mark, paint) = match health {
            Health::Fine => ("✔", "32"),
            Health::Warning => ("!", "33"),
            Health::Broken => ("✘", "31"),
        };
        let mark = if colour { format!("\u{1b}[{paint}m{mark}\u{1b}[0m") } else { mark.to_owned() };
        text.push_str(&format!("{mark} {check:widest$}  {message}\n"));
        for hint in hints {
            text.push_str(&format!("  {:widest$}  hint: {hint}\n", ""));
        }
    }
    text
}
