//! `stack top`.

use super::{Context, Failure, run};
use crate::engine::{EngineErrorKind, Processes};
use crate::observe::Container;
use crate::ops::list;
use crate::ui::{LogFormat, laid_out, stream};

/// Show the processes of running containers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack top          everything that runs\n  stack top web db   of these services alone"
)]
pub struct Args {
    /// Only these services.
    #[arg(value_name = "SERVICES")]
    services: Vec<String>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let found = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        let containers = list::of_services(&engine, &scope, &args.services).await?;
        let mut found = Vec::new();
        for container in containers.into_iter().filter(|container| container.status.is_alive()) {
            match engine.list_processes(&container.id.0, &container.name).await {
                Ok(processes) => found.push((container, processes)),
                // It has ended meanwhile.
                Err(error) if matches!(error.kind, EngineErrorKind::NotFound | EngineErrorKind::Conflict) => {
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    })?;
    stream::data(&as_table(&found))?;
    Ok(())
}

/// One table of all, the command last; what an engine does not say of a container is a dash.
fn as_table(found: &[(Container, Processes)]) -> String {
    const COMMAND: [&str; 2] = ["CMD", "COMMAND"];
    let mut titles: Vec<&str> = Vec::new();
    for title in found.iter().flat_map(|(_, processes)| &processes.titles) {
        if !titles.contains(&title.as_str()) {
            titles.push(title);
        }
    }
    if titles.is_empty() {
        return String::new();
    }
    titles.sort_by_key(|title| COMMAND.contains(title));
    let rows: Vec<Vec<String>> = found
        .iter()
        .flat_map(|(container, processes)| processes.rows.iter().map(move |row| (container, processes, row)))
        .map(|(container, processes, row)| {
            let identity = &container.identity;
            let number = identity.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            let cell = |title: &&str| {
                let at = processes.titles.iter().position(|own| own == *title);
                at.and_then(|at| row.get(at)).cloned().unwrap_or_else(|| "-".to_owned())
            };
            [identity.service.to_string(), number].into_iter().chain(titles.iter().map(cell)).collect()
        })
        .collect();
    let header: Vec<&str> = ["SERVICE", "#"].into_iter().chain(titles.iter().copied()).collect();
    laid_out(&header, &rows, 4, 2)
}
