//! `stack images`.

use super::{Context, Failure, run};
use crate::ops::images::{self, ContainerImage};
use crate::ui::{LogFormat, ago, decimal_size, stream, table};

/// List the images that the project's containers were made from.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack images        of all containers, stopped ones too\n  stack images -q     ids alone, each once"
)]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Only ids.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let found = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        images::list(&engine, &scope, &args.services).await
    })?;
    let text = if args.quiet {
        let mut ids: Vec<&str> = Vec::new();
        for image in &found {
            let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.iter().map(|id| format!("{id}\n")).collect()
    } else if args.format == Format::Json {
        let rows: Vec<serde_json::Value> = found.iter().map(object).collect();
        serde_json::to_string(&rows).unwrap_or_default() + "\n"
    } else {
        let now = context.surroundings.started_unix;
        let rows: Vec<Vec<String>> = found.iter().map(|image| row(image, now)).collect();
        table(&["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"], &rows, 20)
    };
    stream::data(&text)?;
    Ok(())
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text.to_owned() }
}

fn row(image: &ContainerImage, now: i64) -> Vec<String> {
    let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
    let created = image.created.parse::<jiff::Timestamp>().ok();
    vec![
        image.container.clone(),
        or_none(&image.repository),
        or_none(&image.tag),
        or_none(&image.platform),
        id.get(..12).unwrap_or(id).to_owned(),
        decimal_size(image.size),
        created.map_or_else(|| "N/A".to_owned(), |time| format!("{} ago", ago(now - time.as_second()))),
    ]
}

fn object(image: &ContainerImage) -> serde_json::Value {
    let said = |text: &String| (!text.is_empty()).then(|| text.clone());
    let row = Row {
        id: image.id.clone(),
        container_name: image.container.clone(),
        repository: or_none(&image.repository),
        tag: or_none(&image.tag),
        platform: image.platform.clone(),
        size: image.size,
        created: said(&image.created),
        last_tag_time: said(&image.tagged),
    };
    serde_json::to_value(row).unwrap_or_default()
}

/// The reference's keys.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    #[serde(rename = "ID")]
    id: String,
    container_name: String,
    repository: String,
    tag: String,
    platform: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_tag_time: Option<String>,
}
