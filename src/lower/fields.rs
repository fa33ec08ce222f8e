//! A container, wanted or real, flattened to Compose attribute names, so that two of them can be compared.

use crate::model::{Network, Volume};
use bollard::models::{ContainerConfig, EndpointSettings, HostConfig, ImageConfig};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// `attribute path → value`.
pub type Fields = BTreeMap<String, Value>;

/// What a wish comes to, over the image it is made from. `name` is the container's.
pub fn of_lowered(lowered: &super::container::Lowered, name: &str, image: &ImageConfig) -> Fields {
    let config = serde_json::to_value(&lowered.body).unwrap_or_default();
    let host = lowered.body.host_config.clone().unwrap_or_default();
    let mut endpoints = lowered
        .body
        .networking_config
        .clone()
        .and_then(|networking| networking.endpoints_config)
        .unwrap_or_default();
    endpoints.extend(lowered.connect_after.iter().cloned());
    let mut fields = flatten(&config, &host, image);
    let hostname = lowered.body.hostname.clone().unwrap_or_default();
    put(&mut fields, "hostname", &Value::from(hostname));
    networks(&mut fields, &endpoints, &[name]);
    fields
}

/// What a network should be.
pub fn of_network(network: &Network) -> Fields {
    let driver = if network.driver.is_empty() { "bridge" } else { network.driver.as_str() };
    let mut fields = definition(driver, &network.driver_opts, &network.labels);
    for (name, set) in [
        ("internal", network.internal),
        ("attachable", network.attachable),
        ("enable_ipv6", network.enable_ipv6 == Some(true)),
    ] {
        if set {
            fields.insert(name.to_owned(), true.into());
        }
    }
    let pools: Vec<String> =
        network.ipam.config.iter().map(|one| pool(&one.subnet, &one.gateway, &one.ip_range)).collect();
    if !pools.is_empty() {
        fields.insert("ipam".to_owned(), pools.into());
    }
    fields
}

/// What a volume should be.
pub fn of_volume(volume: &Volume) -> Fields {
    let driver = if volume.driver.is_empty() { "local" } else { volume.driver.as_str() };
    definition(driver, &volume.driver_opts, &volume.labels)
}

fn definition(driver: &str, options: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> Fields {
    let mut fields = Fields::from([("driver".to_owned(), driver.into())]);
    fields.extend(options.iter().map(|(name, value)| (format!("driver_opts.{name}"), value.as_str().into())));
    fields.extend(labels.iter().map(|(name, value)| (format!("labels.{name}"), value.as_str().into())));
    fields
}

/// A pool of addresses as one text: the subnet, and what else is said about it.
pub fn pool(subnet: &str, gateway: &str, range: &str) -> String {
    let mut text = subnet.to_owned();
    for (word, value) in [("gateway", gateway), ("range", range)] {
        if !value.is_empty() {
            text.push_str(&format!(" {word} {value}"));
        }
    }
    text
}

/// A container as the engine describes it.
#[derive(Debug, Clone, Default)]
pub struct Inspected {
    /// Its id.
    pub id: String,
    /// Its name, without the leading slash.
    pub name: String,
    /// Its own configuration.
    pub config: ContainerConfig,
    /// Its host configuration.
    pub host: HostConfig,
    /// Its endpoints, by network name.
    pub endpoints: HashMap<String, EndpointSettings>,
}

/// What a container is, over the image it was made from.
pub fn of_container(container: &Inspected, image: &ImageConfig) -> Fields {
    let Inspected { id, name, config, host, endpoints } = container;
    let config = serde_json::to_value(config).unwrap_or_default();
    let mut fields = flatten(&config, host, image);
    let short = id.get(..12).unwrap_or(id);
    // Where the host's or another container's name space is shared, the name is theirs.
    let mode = host.network_mode.as_deref().unwrap_or_default();
    let shared = mode == "host" || mode.starts_with("container:");
    if let Some(hostname) = config.get("Hostname").filter(|hostname| *hostname != short && !shared) {
        put(&mut fields, "hostname", hostname);
    }
    // A container that waits for its name goes by the one it will have.
    let final_name =
        name.split_once('_').filter(|(digits, _)| digits.len() == 12).map_or(name.as_str(), |(_, name)| name);
    networks(&mut fields, endpoints, &[name, final_name, short]);
    fields
}

/// Networks by name, with what the file can say about each. Names that every container has by itself are left out.
fn networks(fields: &mut Fields, endpoints: &HashMap<String, EndpointSettings>, own_names: &[&str]) {
    for (network, endpoint) in endpoints {
        if matches!(network.as_str(), "none" | "host" | "bridge") {
            continue;
        }
        let prefix = format!("networks.{network}");
        fields.insert(prefix.clone(), Value::from("joined"));
        let aliases: BTreeSet<&str> = endpoint
            .aliases
            .iter()
            .flatten()
            .map(String::as_str)
            .filter(|alias| !own_names.contains(alias))
            .collect();
        put(fields, &format!("{prefix}.aliases"), &aliases.into_iter().collect::<Vec<_>>().into());
        let ipam = endpoint.ipam_config.clone().unwrap_or_default();
        put(fields, &format!("{prefix}.ipv4_address"), &ipam.ipv4_address.into());
        put(fields, &format!("{prefix}.ipv6_address"), &ipam.ipv6_address.into());
        put(fields, &format!("{prefix}.link_local_ips"), &ipam.link_local_ips.unwrap_or_default().into());
        put(fields, &format!("{prefix}.gw_priority"), &endpoint.gw_priority.into());
        put(fields, &format!("{prefix}.links"), &endpoint.links.clone().unwrap_or_default().into());
        let options: BTreeMap<String, String> =
            endpoint.driver_opts.clone().unwrap_or_default().into_iter().collect();
        put(fields, &format!("{prefix}.driver_opts"), &serde_json::to_value(options).unwrap_or_default());
    }
}

/// Fields of the container's own configuration: the engine's name, ours.
const CONFIG: &[(&str, &str)] = &[
    ("Domainname", "domainname"),
    ("User", "user"),
    ("Tty", "tty"),
    ("OpenStdin", "stdin_open"),
    ("Image", "image"),
    ("WorkingDir", "working_dir"),
    ("Cmd", "command"),
    ("Entrypoint", "entrypoint"),
    ("StopSignal", "stop_signal"),
    ("StopTimeout", "stop_grace_period"),
];

/// Fields of the host configuration: the engine's name, ours.
const HOST: &[(&str, &str)] = &[
    ("Annotations", "annotations"),
    ("BlkioWeight", "blkio_config.weight"),
    ("BlkioWeightDevice", "blkio_config.weight_device"),
    ("BlkioDeviceReadBps", "blkio_config.device_read_bps"),
    ("BlkioDeviceReadIOps", "blkio_config.device_read_iops"),
    ("BlkioDeviceWriteBps", "blkio_config.device_write_bps"),
    ("BlkioDeviceWriteIOps", "blkio_config.device_write_iops"),
    ("CapAdd", "cap_add"),
    ("CapDrop", "cap_drop"),
    ("CgroupParent", "cgroup_parent"),
    ("CpuPeriod", "cpu_period"),
    ("CpuQuota", "cpu_quota"),
    ("CpuShares", "cpu_shares"),
    ("CpuCount", "cpu_count"),
    ("CpuPercent", "cpu_percent"),
    ("CpuRealtimePeriod", "cpu_rt_period"),
    ("CpuRealtimeRuntime", "cpu_rt_runtime"),
    ("CpusetCpus", "cpuset"),
    ("NanoCpus", "cpus"),
    ("DeviceCgroupRules", "device_cgroup_rules"),
    ("Devices", "devices"),
    ("DeviceRequests", "gpus"),
    ("Dns", "dns"),
    ("DnsOptions", "dns_opt"),
    ("DnsSearch", "dns_search"),
    ("ExtraHosts", "extra_hosts"),
    ("GroupAdd", "group_add"),
    ("Init", "init"),
    ("Memory", "mem_limit"),
    ("MemoryReservation", "mem_reservation"),
    ("MemorySwappiness", "mem_swappiness"),
    ("IpcMode", "ipc"),
    ("Isolation", "isolation"),
    ("OomKillDisable", "oom_kill_disable"),
    ("Runtime", "runtime"),
    ("ShmSize", "shm_size"),
    ("CgroupnsMode", "cgroup"),
    ("OomScoreAdj", "oom_score_adj"),
    ("PidMode", "pid"),
    ("PidsLimit", "pids_limit"),
    ("PortBindings", "ports"),
    ("Privileged", "privileged"),
    ("ReadonlyRootfs", "read_only"),
    ("RestartPolicy", "restart"),
    ("SecurityOpt", "security_opt"),
    ("StorageOpt", "storage_opt"),
    ("Sysctls", "sysctls"),
    ("Tmpfs", "tmpfs"),
    ("Ulimits", "ulimits"),
    ("UTSMode", "uts"),
    ("UsernsMode", "userns_mode"),
    ("VolumesFrom", "volumes_from"),
    ("NetworkMode", "network_mode"),
];

fn flatten(config: &Value, host: &HostConfig, image: &ImageConfig) -> Fields {
    let mut fields = Fields::new();
    let image = serde_json::to_value(image).unwrap_or_default();
    for (engine, ours) in CONFIG {
        // What a container does not say itself it has from the image: only what is beside the image is worth comparing.
        let value = config.get(*engine).unwrap_or(&Value::Null);
        let inherited = *engine != "Image" && image.get(*engine) == Some(value);
        if !inherited {
            put(&mut fields, ours, value);
        }
    }
    pairs(&mut fields, "environment", &variables(config.get("Env")), &variables(image.get("Env")));
    let labels = |value: Option<&Value>| -> BTreeMap<String, Value> {
        let map = value.and_then(Value::as_object).cloned().unwrap_or_default();
        map.into_iter()
            .filter(|(name, _)| {
                !name.starts_with("com.docker.compose.") && !name.starts_with(crate::model::label::OWN)
            })
            .collect()
    };
    pairs(&mut fields, "labels", &labels(config.get("Labels")), &labels(image.get("Labels")));
    if let Some(check) = config.get("Healthcheck").and_then(Value::as_object)
        && image.get("Healthcheck").and_then(Value::as_object) != Some(check)
    {
        for (engine, ours) in [
            ("Test", "test"),
            ("Interval", "interval"),
            ("Timeout", "timeout"),
            ("Retries", "retries"),
            ("StartPeriod", "start_period"),
            ("StartInterval", "start_interval"),
        ] {
            let value = check.get(engine).unwrap_or(&Value::Null);
            put(&mut fields, &format!("healthcheck.{ours}"), &duration(ours, value));
        }
    }
    let host_value = serde_json::to_value(host).unwrap_or_default();
    for (engine, ours) in HOST {
        put(&mut fields, ours, host_value.get(*engine).unwrap_or(&Value::Null));
    }
    if let Some(logging) =
        host.log_config.as_ref().filter(|logging| logging.typ.as_deref() != Some("json-file"))
    {
        put(&mut fields, "logging.driver", &Value::from(logging.typ.clone()));
    }
    if let Some(options) = host.log_config.as_ref().and_then(|logging| logging.config.clone()) {
        for (name, value) in options {
            put(&mut fields, &format!("logging.options.{name}"), &Value::from(value));
        }
    }
    // Without a word about it the engine allows as much swap as memory.
    let usual_swap = host.memory.map(|memory| memory.saturating_mul(2));
    if let Some(swap) = host.memory_swap.filter(|swap| Some(*swap) != usual_swap && host.memory != Some(0)) {
        put(&mut fields, "memswap_limit", &swap.into());
    }
    let published: BTreeSet<String> =
        host.port_bindings.iter().flatten().map(|(port, _)| port.clone()).collect();
    let theirs = keys(image.get("ExposedPorts"));
    let exposed: BTreeSet<String> = keys(config.get("ExposedPorts"))
        .into_iter()
        .map(|port| if port.contains('/') { port } else { format!("{port}/tcp") })
        .filter(|port| !theirs.contains(port) && !published.contains(port))
        .collect();
    let exposed: Vec<String> = exposed.into_iter().collect();
    put(&mut fields, "expose", &exposed.into());
    volumes(&mut fields, host, &keys(image.get("Volumes")));
    fields
}

/// The members of what the API writes as a map to nothing, and a client library may write as a list.
fn keys(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => BTreeSet::new(),
    }
}

fn volumes(fields: &mut Fields, host: &HostConfig, of_image: &BTreeSet<String>) {
    let mut say = |target: &str, kind: &str, source: &str, mode: &str| {
        // An anonymous volume has a name once it exists, and none before: nobody wants to compare those. One that the
        // image declares is there anyway; a replacement that carries it on names it.
        let anonymous = kind == "volume" && (source.is_empty() || is_random(source));
        let target = target.trim_end_matches('/');
        if anonymous && of_image.iter().any(|path| path.trim_end_matches('/') == target) {
            return;
        }
        let text = match kind {
            _ if anonymous => "(anonymous)".to_owned(),
            "bind" | "volume" => format!("{source}{mode}"),
            _ => format!("{kind} {source}{mode}").replace(" :", ":"),
        };
        put(fields, &format!("volumes.{target}"), &Value::from(text.trim()));
    };
    for bind in host.binds.iter().flatten() {
        let mut parts = bind.splitn(3, ':');
        let (source, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mode =
            parts.next().filter(|mode| *mode != "rw").map(|mode| format!(":{mode}")).unwrap_or_default();
        say(target, if source.starts_with('/') { "bind" } else { "volume" }, source, &mode);
    }
    for mount in host.mounts.iter().flatten() {
        let kind = mount.typ.map(|kind| kind.to_string()).unwrap_or_default();
        let mode = if mount.read_only == Some(true) { ":ro" } else { "" };
        say(
            mount.target.as_deref().unwrap_or_default(),
            &kind,
            mount.source.as_deref().unwrap_or_default(),
            mode,
        );
    }
}

/// Whether a volume has no name of its own: the engine calls it by 64 digits.
pub fn is_random(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn variables(env: Option<&Value>) -> BTreeMap<String, Value> {
    env.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|entry| match entry.split_once('=') {
            Some((name, value)) => (name.to_owned(), Value::from(value)),
            None => (entry.to_owned(), Value::Null),
        })
        .collect()
}

fn pairs(
    fields: &mut Fields,
    prefix: &str,
    own: &BTreeMap<String, Value>,
    inherited: &BTreeMap<String, Value>,
) {
    for (name, value) in own {
        if inherited.get(name) != Some(value) {
            fields.insert(format!("{prefix}.{name}"), value.clone());
        }
    }
}

/// Nanoseconds as people write them.
fn duration(name: &str, value: &Value) -> Value {
    let is_time = matches!(name, "interval" | "timeout" | "start_period" | "start_interval");
    match value.as_i64() {
        Some(0) => Value::Null,
        Some(nanos) if is_time && nanos % 1_000_000_000 == 0 => {
            Value::from(format!("{}s", nanos / 1_000_000_000))
        }
        Some(nanos) if is_time => Value::from(format!("{}ms", nanos / 1_000_000)),
        _ => value.clone(),
    }
}

/// Leaves out what means "not said": the engine fills empty values in.
fn put(fields: &mut Fields, name: &str, value: &Value) {
    let value = settle(name, value);
    let empty = match &value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    };
    if !empty {
        fields.insert(name.to_owned(), value);
    }
}

/// Values in one form, whatever form the engine gives back.
fn settle(name: &str, value: &Value) -> Value {
    match (name, value) {
        // What the engine fills in where nothing is said.
        ("shm_size", Value::Number(bytes)) if bytes.as_i64() == Some(64 << 20) => Value::Null,
        ("mem_swappiness", Value::Number(number)) if number.as_i64() == Some(-1) => Value::Null,
        ("ipc", Value::String(mode)) if mode == "private" || mode == "shareable" => Value::Null,
        ("cgroup", Value::String(mode)) if mode == "private" || mode == "host" => Value::Null,
        ("runtime", Value::String(name)) if name == "runc" => Value::Null,
        ("isolation", Value::String(name)) if name == "default" => Value::Null,
        ("security_opt", Value::Array(options)) => {
            // The engine keeps a profile's text, the file names its path.
            let settled = options.iter().filter_map(Value::as_str).map(|option| {
                let profile = option.strip_prefix("seccomp=").or_else(|| option.strip_prefix("seccomp:"));
                match profile {
                    Some("unconfined") | None => option.to_owned(),
                    Some(_) => "seccomp=(profile)".to_owned(),
                }
            });
            settled.collect::<Vec<_>>().into()
        }
        ("tmpfs", Value::Object(map)) => map
            .iter()
            .map(|(path, options)| format!("{path}:{}", options.as_str().unwrap_or_default()))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .into(),
        ("cpus", Value::Number(nanos)) => {
            nanos.as_f64().map_or(Value::Null, |nanos| Value::from(nanos / 1e9))
        }
        ("restart", Value::Object(policy)) => {
            let word = policy.get("Name").and_then(Value::as_str).unwrap_or_default();
            let retries = policy.get("MaximumRetryCount").and_then(Value::as_i64).unwrap_or(0);
            match (word, retries) {
                ("" | "no", _) => Value::Null,
                (word, 0) => Value::from(word),
                (word, retries) => Value::from(format!("{word}:{retries}")),
            }
        }
        ("ports", Value::Object(bindings)) => {
            let mut ports: Vec<String> = Vec::new();
            for (target, list) in bindings {
                for binding in list.as_array().into_iter().flatten() {
                    let text = |key: &str| binding.get(key).and_then(Value::as_str).unwrap_or_default();
                    let address = match text("HostIp") {
                        "" => String::new(),
                        address => format!("{address}:"),
                    };
                    let target = target.strip_suffix("/tcp").unwrap_or(target);
                    ports.push(format!("{address}{}:{target}", text("HostPort")));
                }
            }
            ports.sort();
            Value::from(ports)
        }
        ("stop_grace_period", Value::Number(seconds)) => Value::from(format!("{seconds}s")),
        ("cap_add" | "cap_drop", Value::Array(names)) => {
            let bare = |name: &Value| {
                name.as_str()
                    .map(|name| name.strip_prefix("CAP_").unwrap_or(name).to_uppercase())
                    .unwrap_or_default()
            };
            let mut names: Vec<String> = names.iter().map(bare).collect();
            names.sort();
            Value::from(names)
        }
        _ => without_empty(value),
    }
}

fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_empty(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_empty).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
