//! Containers and projects as tables and JSON, in the shapes of the reference.

use super::table::table;
use super::template::{self, Row, RowFormat};
use crate::observe::{Container, ContainerStatus, Health, ObservedPort};
use serde_json::json;

/// Seconds since 1970 and how they are to be read: what "2 minutes ago" is counted from.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// `ps`: one row a container.
pub fn ps_table(containers: &[&Container], clock: Clock, truncate: bool) -> String {
    let rows: Vec<Vec<String>> = containers
        .iter()
        .map(|container| {
            vec![
                container.name.clone(),
                container.image.clone(),
                command(&container.command, truncate),
                container.identity.service.to_string(),
                format!("{} ago", ago(clock.now - container.created)),
                container.status_text.clone(),
                ports(&container.ports),
            ]
        })
        .collect();
    table(&["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"], &rows, 10)
}

/// `ps` by a format.
///
/// # Errors
/// What is wrong with a template.
pub fn ps_rows(
    containers: &[&Container],
    format: &RowFormat,
    clock: Clock,
    truncate: bool,
) -> Result<String, String> {
    /// The titles that are not the field's name.
    const TITLES: &[(&str, &str)] =
        &[("ID", "CONTAINER ID"), ("RunningFor", "CREATED"), ("ExitCode", "EXIT CODE")];
    let rows: Vec<Row> = containers
        .iter()
        .map(|container| Row {
            fields: ps_object(container, clock, truncate),
            labels: container.labels.clone().into_iter().collect(),
        })
        .collect();
    template::write(&rows, format, TITLES, PS_FIELDS)
}

/// The fields of a container, as the reference calls them.
const PS_FIELDS: &[&str] = &[
    "Command",
    "CreatedAt",
    "ExitCode",
    "Health",
    "ID",
    "Image",
    "Labels",
    "LocalVolumes",
    "Mounts",
    "Name",
    "Names",
    "Networks",
    "Ports",
    "Project",
    "Publishers",
    "RunningFor",
    "Service",
    "Size",
    "State",
    "Status",
];

fn ps_object(container: &Container, clock: Clock, truncate: bool) -> serde_json::Value {
    let labels: Vec<String> =
        container.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mounts: Vec<&str> = container
        .mounts
        .iter()
        .map(|mount| if mount.name.is_empty() { mount.source.as_str() } else { mount.name.as_str() })
        .collect();
    let volumes = container.mounts.iter().filter(|mount| mount.kind == "volume").count();
    let networks: Vec<&str> = container.networks.keys().map(String::as_str).collect();
    let publishers: Vec<serde_json::Value> = container
        .ports
        .iter()
        .map(|port| {
            json!({
                "URL": port.host_ip,
                "TargetPort": port.target,
                "PublishedPort": port.published,
                "Protocol": port.protocol,
            })
        })
        .collect();
    let health = match container.health {
        None => "",
        Some(Health::Starting) => "starting",
        Some(Health::Healthy) => "healthy",
        Some(Health::Unhealthy) => "unhealthy",
    };
    let id = if truncate { container.id.short() } else { container.id.0.as_str() };
    json!({
        "Command": command(&container.command, truncate),
        "CreatedAt": created_at(container.created),
        "ExitCode": container.exit_code.unwrap_or(0),
        "Health": health,
        "ID": id,
        "Image": container.image,
        "Labels": labels.join(","),
        "LocalVolumes": volumes.to_string(),
        "Mounts": mounts.join(","),
        "Name": container.name,
        "Names": container.name,
        "Networks": networks.join(","),
        "Ports": ports(&container.ports),
        "Project": container.identity.project,
        "Publishers": publishers,
        "RunningFor": format!("{} ago", ago(clock.now - container.created)),
        "Service": container.identity.service,
        "Size": "0B",
        "State": container.status.as_str(),
        "Status": container.status_text,
    })
}

/// One project of `ls`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProjectRow {
    /// The project.
    pub name: String,
    /// `running(2), exited(1)`.
    pub status: String,
    /// Its stack files, comma separated; `N/A` when no container says.
    pub config_files: String,
    /// The name of the instance, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// `ls`. Where there are instances a column says which they are.
pub fn ls_table(rows: &[ProjectRow]) -> String {
    let cells = |row: &ProjectRow| vec![row.name.clone(), row.status.clone(), row.config_files.clone()];
    if rows.iter().all(|row| row.instance.is_none()) {
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        return table(&["NAME", "STATUS", "CONFIG FILES"], &rows, 20);
    }
    let with_instance = |row: &ProjectRow| {
        let mut cells = cells(row);
        cells.push(row.instance.clone().unwrap_or_default());
        cells
    };
    let rows: Vec<Vec<String>> = rows.iter().map(with_instance).collect();
    table(&["NAME", "STATUS", "CONFIG FILES", "INSTANCE"], &rows, 20)
}

/// The states of several containers: `exited(1), running(2)`.
pub fn combined_status<'a>(states: impl IntoIterator<Item = &'a ContainerStatus>) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for state in states {
        *counts.entry(state.as_str()).or_default() += 1;
    }
    let parts: Vec<String> = counts.into_iter().map(|(state, count)| format!("{state}({count})")).collect();
    parts.join(", ")
}

fn command(text: &str, truncate: bool) -> String {
    const LENGTH: usize = 20;
    let text = if truncate && text.chars().count() > LENGTH {
        text.chars().take(LENGTH - 1).chain(['…']).collect()
    } else {
        text.to_owned()
    };
    format!("\"{text}\"")
}

/// Ports in the docker command line's form: runs of neighbouring ports are joined.
fn ports(ports: &[ObservedPort]) -> String {
    let mut sorted: Vec<&ObservedPort> = ports.iter().collect();
    sorted.sort_by_key(|port| (port.target, port.protocol.as_str(), port.host_ip.as_str(), port.published));
    let mut parts: Vec<String> = Vec::new();
    for port in sorted {
        let target = format!("{}/{}", port.target, port.protocol);
        parts.push(match (port.published, port.host_ip.contains(':')) {
            (0, _) => target,
            (published, true) => format!("[{}]:{published}->{target}", port.host_ip),
            (published, false) => format!("{}:{published}->{target}", port.host_ip),
        });
    }
    parts.join(", ")
}

fn created_at(seconds: i64) -> String {
    let stamp = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    stamp.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}

/// A span of seconds in the words of the docker command line.
pub fn ago(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    let hours = (seconds + HOUR / 2) / HOUR;
    match (seconds, hours) {
        (..1, _) => "Less than a second".to_owned(),
        (1, _) => "1 second".to_owned(),
        (2..MINUTE, _) => format!("{seconds} seconds"),
        (MINUTE..120, _) => "About a minute".to_owned(),
        (120..HOUR, _) => format!("{} minutes", seconds / MINUTE),
        (_, ..2) => "About an hour".to_owned(),
        (_, 2..48) => format!("{hours} hours"),
        (_, 48..336) => format!("{} days", hours / 24),
        (_, 336..1_440) => format!("{} weeks", hours / 24 / 7),
        (_, 1_440..17_520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", seconds / HOUR / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_in_the_docker_command_line() {
        for (seconds, expect) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (150, "2 minutes"),
            (3240, "54 minutes"),
            (3599, "59 minutes"),
            (3600, "About an hour"),
            (7200, "2 hours"),
            (3 * 86_400, "3 days"),
            (30 * 86_400, "4 weeks"),
        ] {
            assert_eq!(ago(seconds), expect, "{seconds} s");
        }
    }

    #[test]
    fn long_commands_are_cut_and_quoted() {
        assert_eq!(command("sh -c 'echo hello; sleep'", true), "\"sh -c 'echo hello; …\"");
        assert_eq!(command("sleep 1", true), "\"sleep 1\"");
    }

    #[test]
    fn published_ports_come_with_their_address_and_exposed_ones_without() {
        let port = |host_ip: &str, published, target| ObservedPort {
            host_ip: host_ip.to_owned(),
            published,
            target,
            protocol: "tcp".to_owned(),
        };
        let all = [port("::", 80, 8080), port("0.0.0.0", 80, 8080), port("", 0, 9000)];
        assert_eq!(ports(&all), "0.0.0.0:80->8080/tcp, [::]:80->8080/tcp, 9000/tcp");
    }

    #[test]
    fn states_are_counted_by_name() {
        let states = [ContainerStatus::Running, ContainerStatus::Exited, ContainerStatus::Running];
        assert_eq!(combined_status(&states), "exited(1), running(2)");
    }
}
