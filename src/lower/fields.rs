//! A container, wanted or real, flattened to Compose attribute names, so that two of them can be compared.

use bollard::models::{ContainerConfig, ContainerCreateBody, HostConfig, ImageConfig};
use serde_json::Value;
use std::collections::BTreeMap;

/// `attribute path → value`.
pub type Fields = BTreeMap<String, Value>;

/// What a wish comes to, over the image it is made from.
pub fn of_body(body: &ContainerCreateBody, image: &ImageConfig) -> Fields {
    let config = serde_json::to_value(body).unwrap_or_default();
    let host = body.host_config.clone().unwrap_or_default();
    flatten(&config, &host, image)
}

/// What a container is, over the image it was made from.
pub fn of_container(config: &ContainerConfig, host: &HostConfig, image: &ImageConfig) -> Fields {
    let config = serde_json::to_value(config).unwrap_or_default();
    flatten(&config, host, image)
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
    ("CapAdd", "cap_add"),
    ("CapDrop", "cap_drop"),
    ("CgroupParent", "cgroup_parent"),
    ("CpuPeriod", "cpu_period"),
    ("CpuQuota", "cpu_quota"),
    ("CpuShares", "cpu_shares"),
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
    volumes(&mut fields, host);
    fields
}

fn volumes(fields: &mut Fields, host: &HostConfig) {
    for bind in host.binds.iter().flatten() {
        let mut parts = bind.splitn(3, ':');
        let (source, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mode =
            parts.next().filter(|mode| *mode != "rw").map(|mode| format!(":{mode}")).unwrap_or_default();
        put(fields, &format!("volumes.{target}"), &Value::from(format!("{source}{mode}")));
    }
    for mount in host.mounts.iter().flatten() {
        // An anonymous volume has a name once it exists, and none before: nobody wants to compare those.
        let kind = mount.typ.map(|kind| kind.to_string()).unwrap_or_default();
        let source = mount.source.clone().unwrap_or_default();
        let anonymous = kind == "volume" && (source.is_empty() || is_random(&source));
        let text = if anonymous { "(anonymous)".to_owned() } else { format!("{kind} {source}") };
        let target = mount.target.clone().unwrap_or_default();
        put(fields, &format!("volumes.{target}"), &Value::from(text.trim()));
    }
}

fn is_random(name: &str) -> bool {
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
