//! `stack port`.

use super::{Context, Failure, run};
use crate::observe::{Container, ObservedPort};
use crate::ops::exec::{self, Which};
use crate::ui::{LogFormat, stream};

/// Show where a port of a container is reached on the host.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack port web 80                  0.0.0.0:8080\n  stack port --protocol udp dns 53   of a port that speaks UDP"
)]
pub struct Args {
    /// The service.
    service: String,

    /// The port in the container.
    #[arg(value_name = "PRIVATE_PORT")]
    port: u16,

    /// Number of the replica; 0 for the lowest that runs.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: u32,

    /// tcp or udp.
    #[arg(long, value_name = "PROTOCOL", default_value = "tcp")]
    protocol: String,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let scope = run::scope(context)?;
    let which = Which { service: args.service.clone(), index: args.index };
    let container = run::with_session(context, None, LogFormat::default(), async |session| {
        let engine = session.engine().await?;
        exec::container(&engine, &scope, &which).await
    })?;
    let Some(found) = port(&container, args.port, &args.protocol) else {
        let (port, protocol, name) = (args.port, &args.protocol, &container.name);
        let others = offered(&container);
        return Err(Failure::message(format!("no port {port}/{protocol} for container {name}: {others}")));
    };
    if found.published == 0 {
        stream::note(&format!("warning: port {}/{} is not published\n", found.target, found.protocol));
    }
    let address =
        if found.host_ip.contains(':') { format!("[{}]", found.host_ip) } else { found.host_ip.clone() };
    stream::data(&format!("{address}:{}\n", found.published))?;
    Ok(())
}

/// The port; of several places where it is published an IPv4 address goes first, as it is reached from everywhere.
fn port<'a>(container: &'a Container, target: u16, protocol: &str) -> Option<&'a ObservedPort> {
    let fits = |port: &&ObservedPort| port.target == target && port.protocol == protocol;
    container.ports.iter().filter(fits).min_by_key(|port| (port.host_ip.contains(':'), port.published))
}

/// Differs: the reference lists the ports on the host here, which nobody could have asked for.
fn offered(container: &Container) -> String {
    let mut ports: Vec<String> =
        container.ports.iter().map(|port| format!("{}/{}", port.target, port.protocol)).collect();
    ports.sort();
    ports.dedup();
    if ports.is_empty() { "it has none".to_owned() } else { ports.join(", ") }
}
