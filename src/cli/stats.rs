//! `stack stats`.

use super::{Context, Failure, run};
use crate::observe::Container;
use crate::ops::OpsError;
use crate::ops::stats::{self, Filter, Usage};
use crate::ui::{self, LogFormat, RowFormat, binary_size, decimal_size, stream, table};
use std::collections::BTreeMap;

/// Show what the project's containers use, again and again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack stats                            everything that runs, until Ctrl-C\n  stack stats --no-stream --format json   one sample, for programs"
)]
pub struct Args {
    /// Only this service.
    #[arg(value_name = "SERVICE")]
    service: Option<String>,

    /// Stopped containers too.
    #[arg(short, long)]
    all: bool,

    /// Output format: table, json, or a template such as `{{.Name}} {{.CPUPerc}}`.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: RowFormat,

    /// One sample alone.
    #[arg(long)]
    no_stream: bool,

    /// Whole ids.
    #[arg(long)]
    no_trunc: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let filter = Filter { service: args.service.clone(), all: args.all };
    let redraw = context.surroundings.stdout_is_terminal && context.may_escape() && !args.no_stream;
    run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        let interrupted = session.interrupts.first();
        loop {
            // Both branches are cancel-safe: only questions are asked.
            let samples = tokio::select! {
                samples = stats::sample(&engine, &scope, &filter) => samples?,
                () = interrupted.cancelled() => return Err(OpsError::Interrupted),
            };
            let text = text(&samples, args).map_err(OpsError::other)?;
            // From the top left, over what was there, and away with the rest.
            let text = if redraw { format!("\u{1b}[H\u{1b}[2J{text}") } else { text };
            stream::data(&text).map_err(|error| OpsError::other(error.to_string()))?;
            if args.no_stream {
                return Ok(());
            }
            if samples.is_empty() {
                // Where there is nothing to measure nothing takes the time.
                tokio::select! {
                    () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
                    () = interrupted.cancelled() => return Err(OpsError::Interrupted),
                }
            }
        }
    })
}

/// What is shown of a container.
struct Row<'a> {
    id: &'a str,
    short: &'a str,
    name: &'a str,
    cpu: String,
    memory: String,
    memory_percent: String,
    network: String,
    disk: String,
    pids: String,
}

impl<'a> Row<'a> {
    fn of(container: &'a Container, usage: &Usage) -> Self {
        let percent = |share: f64| format!("{share:.2}%");
        let float = |bytes: u64| bytes.to_string().parse::<f64>().unwrap_or_default();
        let share = if usage.memory_limit == 0 {
            0.0
        } else {
            float(usage.memory) / float(usage.memory_limit) * 100.0
        };
        Self {
            id: &container.id.0,
            short: container.id.short(),
            name: &container.name,
            cpu: percent(usage.cpu_percent),
            memory: format!("{} / {}", binary_size(usage.memory), binary_size(usage.memory_limit)),
            memory_percent: percent(share),
            network: format!("{} / {}", decimal_size(usage.received), decimal_size(usage.sent)),
            disk: format!("{} / {}", decimal_size(usage.read), decimal_size(usage.written)),
            pids: usage.pids.to_string(),
        }
    }

    fn object(&self, whole: bool) -> serde_json::Value {
        serde_json::json!({
            "BlockIO": self.disk,
            "CPUPerc": self.cpu,
            "Container": self.id,
            "ID": if whole { self.id } else { self.short },
            "MemPerc": self.memory_percent,
            "MemUsage": self.memory,
            "Name": self.name,
            "NetIO": self.network,
            "PIDs": self.pids,
        })
    }
}

/// The titles of fields that are not the field's name.
const TITLES: &[(&str, &str)] = &[
    ("BlockIO", "BLOCK I/O"),
    ("CPUPerc", "CPU %"),
    ("ID", "CONTAINER ID"),
    ("MemPerc", "MEM %"),
    ("MemUsage", "MEM USAGE / LIMIT"),
    ("NetIO", "NET I/O"),
    ("PIDs", "PIDS"),
];

/// The fields of a sample.
const FIELDS: &[&str] =
    &["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"];

fn text(samples: &[(Container, Usage)], args: &Args) -> Result<String, String> {
    let rows: Vec<Row<'_>> = samples.iter().map(|(container, usage)| Row::of(container, usage)).collect();
    if args.format != RowFormat::Table {
        let row = |row: &Row<'_>| ui::Row { fields: row.object(args.no_trunc), labels: BTreeMap::new() };
        return ui::write_rows(&rows.iter().map(row).collect::<Vec<_>>(), &args.format, TITLES, FIELDS);
    }
    let cells = |row: Row<'_>| {
        let id = if args.no_trunc { row.id } else { row.short };
        let Row { name, cpu, memory, memory_percent, network, disk, pids, .. } = row;
        vec![id.to_owned(), name.to_owned(), cpu, memory, memory_percent, network, disk, pids]
    };
    let header =
        ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"];
    Ok(table(&header, &rows.into_iter().map(cells).collect::<Vec<_>>(), 10))
}
