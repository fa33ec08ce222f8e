//! `stats`: what containers use, one sample at a time.

use super::{OpsError, Scope, list};
use crate::engine::Engine;
use crate::observe::Container;
use futures_util::StreamExt;
use serde_json::Value;

/// What a container uses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Percent of one processor.
    pub cpu_percent: f64,
    /// Bytes of memory, without what the system can take back at once.
    pub memory: u64,
    /// The most it may have, bytes.
    pub memory_limit: u64,
    /// Bytes received.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes read from disks.
    pub read: u64,
    /// Bytes written to disks.
    pub written: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// Which containers.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this service.
    pub service: Option<String>,
    /// Stopped ones too.
    pub all: bool,
}

/// A sample of each container. It takes the engine a second or two.
///
/// # Errors
/// The engine's; an unknown service.
pub async fn sample(
    engine: &Engine,
    scope: &Scope,
    filter: &Filter,
) -> Result<Vec<(Container, Usage)>, OpsError> {
    let services: Vec<String> = filter.service.iter().cloned().collect();
    let mut containers = list::of_services(engine, scope, &services).await?;
    containers.retain(|container| filter.all || container.status.is_alive());
    let samples = containers.into_iter().map(|container| async {
        let usage = if container.status.is_alive() { one(engine, &container).await } else { None };
        (container, usage.unwrap_or_default())
    });
    Ok(futures_util::future::join_all(samples).await)
}

/// One sample; nothing of a container that has ended meanwhile.
async fn one(engine: &Engine, container: &Container) -> Option<Usage> {
    let mut values = engine.container_stats(&container.id.0, &container.name, false).await.ok()?;
    values.next().await?.ok().map(|value| usage(&value))
}

/// The engine's JSON as the docker command line reads it.
/// <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerStats>
fn usage(value: &Value) -> Usage {
    let number = |path: &str| value.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let float = |path: &str| value.pointer(path).and_then(Value::as_f64).unwrap_or(0.0);
    let busy = float("/cpu_stats/cpu_usage/total_usage") - float("/precpu_stats/cpu_usage/total_usage");
    let passed = float("/cpu_stats/system_cpu_usage") - float("/precpu_stats/system_cpu_usage");
    let processors = match float("/cpu_stats/online_cpus") {
        known if known > 0.0 => known,
        _ => 1.0,
    };
    let cpu_percent = if busy > 0.0 && passed > 0.0 { busy / passed * processors * 100.0 } else { 0.0 };
    // The first is that of control groups of version 1.
    let cache = match number("/memory_stats/stats/total_inactive_file") {
        0 => number("/memory_stats/stats/inactive_file"),
        cache => cache,
    };
    let networks = value.get("networks").and_then(Value::as_object);
    let of_networks = |key: &str| -> u64 {
        networks.into_iter().flat_map(serde_json::Map::values).filter_map(|one| one.get(key)?.as_u64()).sum()
    };
    let disks = value.pointer("/blkio_stats/io_service_bytes_recursive").and_then(Value::as_array);
    let of_disks = |operation: &str| -> u64 {
        let is_it = |entry: &&Value| {
            entry.get("op").and_then(Value::as_str).is_some_and(|op| op.eq_ignore_ascii_case(operation))
        };
        let bytes = |entry: &Value| entry.get("value").and_then(Value::as_u64);
        disks.into_iter().flatten().filter(is_it).filter_map(bytes).sum()
    };
    Usage {
        cpu_percent,
        memory: number("/memory_stats/usage").saturating_sub(cache),
        memory_limit: number("/memory_stats/limit"),
        received: of_networks("rx_bytes"),
        sent: of_networks("tx_bytes"),
        read: of_disks("read"),
        written: of_disks("write"),
        pids: number("/pids_stats/current"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read_as_the_docker_command_line_reads_it() {
        let value = serde_json::json!({
            "cpu_stats": {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 2000, "online_cpus": 2},
            "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000},
            "memory_stats": {"usage": 1000, "limit": 4000, "stats": {"inactive_file": 400}},
            "networks": {"eth0": {"rx_bytes": 5, "tx_bytes": 7}, "eth1": {"rx_bytes": 1, "tx_bytes": 1}},
            "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 3}, {"op": "Write", "value": 4}]},
            "pids_stats": {"current": 9},
        });
        let expect = Usage {
            cpu_percent: 40.0,
            memory: 600,
            memory_limit: 4000,
            received: 6,
            sent: 8,
            read: 3,
            written: 4,
            pids: 9,
        };
        assert_eq!(usage(&value), expect);
        assert_eq!(usage(&Value::Null), Usage::default());
    }
}
