//! `stack volumes`.

use super::{Context, Failure, run};
use crate::engine::{VolumeRow, label};
use crate::ops::list;
use crate::ui::{LogFormat, Row, RowFormat, stream, table, write_rows};

/// List the project's volumes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack volumes        all that carry the project's label\n  stack volumes db     those that its containers mount"
)]
pub struct Args {
    /// Only volumes that containers of these services mount.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Output format: table, json, or a template such as `{{.Name}}`.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: RowFormat,

    /// Only names.
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let mut volumes = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        let mut volumes = engine.list_volumes(&[format!("{}={}", label::PROJECT, scope.name())]).await?;
        if !args.services.is_empty() {
            let containers = list::of_services(&engine, &scope, &args.services).await?;
            let mounted = |name: &str| {
                containers.iter().any(|container| container.mounts.iter().any(|mount| mount.name == name))
            };
            volumes.retain(|volume| mounted(&volume.name));
        }
        Ok(volumes)
    })?;
    volumes.sort_by(|one, other| one.name.cmp(&other.name));
    let text = match (args.quiet, &args.format) {
        (true, _) => volumes.iter().map(|volume| format!("{}\n", volume.name)).collect(),
        (false, RowFormat::Table) => {
            let rows: Vec<Vec<String>> =
                volumes.iter().map(|volume| vec![volume.driver.clone(), volume.name.clone()]).collect();
            table(&["DRIVER", "VOLUME NAME"], &rows, 10)
        }
        (false, format) => {
            let row = |volume: &VolumeRow| Row {
                fields: object(volume),
                labels: volume.labels.clone().into_iter().collect(),
            };
            let rows: Vec<Row> = volumes.iter().map(row).collect();
            write_rows(&rows, format, &[("Name", "VOLUME NAME")], FIELDS).map_err(Failure::message)?
        }
    };
    stream::data(&text)?;
    Ok(())
}

/// The fields of a volume.
const FIELDS: &[&str] =
    &["Availability", "Driver", "Group", "Labels", "Links", "Mountpoint", "Name", "Scope", "Size", "Status"];

/// As `docker volume ls` has it; what only a swarm or a look at the disk would tell is not there.
fn object(volume: &VolumeRow) -> serde_json::Value {
    let labels: Vec<String> = volume.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    serde_json::json!({
        "Availability": "N/A",
        "Driver": volume.driver,
        "Group": "N/A",
        "Labels": labels.join(","),
        "Links": "N/A",
        "Mountpoint": volume.mountpoint,
        "Name": volume.name,
        "Scope": volume.scope,
        "Size": "N/A",
        "Status": "N/A",
    })
}
