//! The world as the API shows it.

use super::containers::mountpoint;
use super::{Container, Endpoint, Exec, Image, Mount, Network, Status, Volume, World, list, now_nanos};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Nothing happened yet, as the engine writes it.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Nanoseconds since 1970 as RFC 3339.
pub fn time(nanos: i64) -> String {
    if nanos == 0 {
        return NEVER.to_owned();
    }
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| NEVER.to_owned(), |time| time.to_string())
}

/// `filters=` of a list, decoded: each key's values. Both forms the API knows are read.
pub fn filters(text: &str) -> BTreeMap<String, Vec<String>> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let values = |value: &Value| match value {
        Value::Object(keys) => keys.keys().cloned().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => list(value),
    };
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), values(value))).collect()
}

/// Whether labels have all that is asked for, `key` or `key=value`.
pub fn labelled(labels: &BTreeMap<String, String>, wanted: &[String]) -> bool {
    wanted.iter().all(|wish| match wish.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|known| known == value),
        None => labels.contains_key(wish),
    })
}

impl World {
    /// `GET /containers/json`: newest first.
    pub fn list_containers(&self, all: bool, filters: &BTreeMap<String, Vec<String>>) -> Value {
        let asked = |key: &str| filters.get(key).map_or(&[][..], Vec::as_slice);
        let any = |key: &str, works: &dyn Fn(&str) -> bool| {
            asked(key).is_empty() || asked(key).iter().any(|wish| works(wish))
        };
        let rows = self.containers.iter().enumerate().rev().filter(|(_, one)| {
            let health = one.health.as_ref().map_or("none", |health| &health.status);
            (all || one.is_alive() || !asked("status").is_empty())
                && labelled(&one.labels, asked("label"))
                && any("status", &|wish| one.status.word() == wish)
                && any("name", &|wish| one.name.contains(wish.trim_start_matches('/')))
                && any("id", &|wish| one.id.starts_with(wish))
                && any("health", &|wish| health == wish)
                && any("volume", &|wish| {
                    one.mounts.iter().any(|mount| mount.name == wish || mount.destination == wish)
                })
                && any("network", &|wish| one.endpoints.contains_key(wish))
        });
        let mut rows: Vec<Value> = rows.map(|(at, _)| self.container_row(at)).collect();
        let late = self.listed_once_as_running.take();
        for row in rows.iter_mut().filter(|row| late.as_deref() == row["Id"].as_str()) {
            row["State"] = "running".into();
            row["Status"] = "Up 2 minutes (healthy)".into();
        }
        Value::Array(rows)
    }

    fn container_row(&self, at: usize) -> Value {
        let one = &self.containers[at];
        let ports: Vec<Value> = one
            .published
            .iter()
            .flat_map(|(port, address, host)| {
                let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
                let number: u16 = number.parse().unwrap_or(0);
                let both: &[&str] =
                    if address == "0.0.0.0" { &["0.0.0.0", "::"] } else { &[address.as_str()] };
                both.iter()
                    .map(|ip| json!({"IP": ip, "PrivatePort": number, "PublicPort": host, "Type": protocol}))
                    .collect::<Vec<_>>()
            })
            .collect();
        let command: Vec<String> = self.command_of(at).into_iter().map(quoted).collect();
        // The reference is shown only while it stands for the container's image.
        let current = self.image(one.image()).is_some_and(|image| image.id == one.image_id);
        let shown = if current { one.image() } else { one.image_id.as_str() };
        let of_list = self.images.iter().find(|image| image.id == one.image_id);
        let manifest =
            of_list.and_then(|image| image.manifest.as_ref()).map(|digest| json!({"digest": digest}));
        let mut row = json!({
            "Id": one.id, "Names": [format!("/{}", one.name)], "Image": shown, "ImageID": one.image_id,
            "Command": command.join(" "), "Created": one.created_nanos / 1_000_000_000, "Ports": ports,
            "Labels": one.labels, "State": one.status.word(), "Status": one.sentence(),
            "HostConfig": {"NetworkMode": one.network_mode()},
            "NetworkSettings": {"Networks": one.endpoints_view()},
            "Mounts": one.mounts.iter().map(mount).collect::<Vec<_>>(),
        });
        // Only an image store that keeps manifests says which one it is.
        if let Some(manifest) = manifest {
            row["ImageManifestDescriptor"] = manifest;
        }
        row
    }

    /// `GET /containers/{id}/json`.
    pub fn inspect_container(&self, key: &str) -> Result<Value, super::Refusal> {
        let at = self.find(key)?;
        let one = &self.containers[at];
        let command = self.command_of(at);
        let image = self.images.iter().find(|image| image.id == one.image_id);
        let mut config = image.map_or_else(|| json!({}), |image| image.config.clone());
        for (key, value) in one.spec.as_object().into_iter().flatten() {
            if !matches!(key.as_str(), "HostConfig" | "NetworkingConfig") && !value.is_null() {
                config[key.as_str()] = value.clone();
            }
        }
        config["Labels"] = json!(one.labels);
        if config["Hostname"].as_str().unwrap_or_default().is_empty() {
            config["Hostname"] = json!(&one.id[..12]);
        }
        let mut host = one.spec["HostConfig"].as_object().cloned().unwrap_or_default();
        let usual = json!({
            "NetworkMode": one.network_mode(), "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "LogConfig": {"Type": "json-file", "Config": {}}, "AutoRemove": false, "Memory": 0,
        });
        for (key, value) in usual.as_object().into_iter().flatten() {
            if host.get(key).is_none_or(Value::is_null) {
                host.insert(key.clone(), value.clone());
            }
        }
        let mut state = json!({
            "Status": one.status.word(), "Running": one.is_alive(), "Paused": one.status == Status::Paused,
            "Restarting": one.status == Status::Restarting, "OOMKilled": one.oom_killed, "Dead": false,
            "Pid": if one.is_alive() { 4242 } else { 0 }, "ExitCode": one.exit_code, "Error": one.error,
            "StartedAt": time(one.started_nanos), "FinishedAt": time(one.finished_nanos),
        });
        if let Some(health) = &one.health {
            state["Health"] = json!({
                "Status": health.status, "FailingStreak": health.failing_streak, "Log": health.log,
            });
        }
        let mut ports: Map<String, Value> = Map::new();
        for (port, address, host) in &one.published {
            let binding = json!({"HostIp": address, "HostPort": host.to_string()});
            if let Value::Array(known) = ports.entry(port.clone()).or_insert_with(|| json!([])) {
                known.push(binding);
            }
        }
        Ok(json!({
            "Id": one.id, "Created": time(one.created_nanos), "Path": command.first(), "Args": command.get(1..),
            "State": state, "Image": one.image_id, "Name": format!("/{}", one.name),
            "RestartCount": one.restart_count, "Driver": "overlay2", "Platform": "linux", "HostConfig": host,
            "Mounts": one.mounts.iter().map(mount).collect::<Vec<_>>(), "Config": config,
            "NetworkSettings": {"Ports": ports, "Networks": one.endpoints_view()},
        }))
    }

    /// `GET /networks`.
    pub fn list_networks(&self, filters: &BTreeMap<String, Vec<String>>) -> Value {
        let asked = |key: &str| filters.get(key).map_or(&[][..], Vec::as_slice);
        let named = |one: &Network| {
            asked("name").is_empty() || asked("name").iter().any(|wish| one.name.contains(wish.as_str()))
        };
        let rows = self.networks.iter().filter(|one| labelled(&one.labels, asked("label")) && named(one));
        Value::Array(rows.map(|one| self.network_view(one, false)).collect())
    }

    /// A network; with its containers when it alone is asked for.
    pub fn network_view(&self, network: &Network, alone: bool) -> Value {
        let text = |key: &str, usual: &str| match network.spec[key].as_str() {
            Some(text) if !text.is_empty() => text.to_owned(),
            _ => usual.to_owned(),
        };
        let flag = |key: &str| network.spec[key].as_bool().unwrap_or(false);
        let mut ipam = network.spec["IPAM"].clone();
        if ipam["Config"].as_array().is_none_or(Vec::is_empty) {
            let subnet = network.subnet;
            let config =
                json!([{"Subnet": format!("172.{subnet}.0.0/16"), "Gateway": format!("172.{subnet}.0.1")}]);
            ipam = json!({"Driver": "default", "Options": ipam["Options"], "Config": config});
        }
        let mut containers = Map::new();
        for one in self.containers.iter().filter(|_| alone) {
            if let Some(endpoint) =
                one.endpoints.get(&network.name).filter(|known| !known.endpoint_id.is_empty())
            {
                let address = format!("{}/16", endpoint.address);
                containers.insert(
                    one.id.clone(),
                    json!({"Name": one.name, "EndpointID": endpoint.endpoint_id, "IPv4Address": address}),
                );
            }
        }
        json!({
            "Name": network.name, "Id": network.id, "Created": time(1), "Scope": "local",
            "Driver": text("Driver", "bridge"), "EnableIPv4": true, "EnableIPv6": flag("EnableIPv6"), "IPAM": ipam,
            "Internal": flag("Internal"), "Attachable": flag("Attachable"), "Ingress": false,
            "ConfigFrom": {"Network": ""}, "ConfigOnly": false, "Containers": containers,
            "Options": network.spec["Options"].as_object().cloned().unwrap_or_default(), "Labels": network.labels,
        })
    }

    /// `GET /volumes`.
    pub fn list_volumes(&self, filters: &BTreeMap<String, Vec<String>>) -> Value {
        let labels = filters.get("label").map_or(&[][..], Vec::as_slice);
        let rows: Vec<Value> =
            self.volumes.values().filter(|one| labelled(&one.labels, labels)).map(volume).collect();
        json!({"Volumes": rows, "Warnings": null})
    }

    /// `GET /images/json`.
    pub fn list_images(&self, filters: &BTreeMap<String, Vec<String>>) -> Value {
        let references = filters.get("reference");
        let fits = |image: &Image, wish: &str| {
            let bare = |tag: &str| tag.rsplit_once(':').map_or(tag.to_owned(), |(name, _)| name.to_owned());
            image.tags.iter().any(|tag| *tag == super::stores::tagged(wish) || (bare(tag) == wish))
        };
        let labels = filters.get("label").map_or(&[][..], Vec::as_slice);
        let rows = self.images.iter().filter(|image| {
            labelled(&super::strings(&image.config["Labels"]), labels)
                && references.is_none_or(|wishes| wishes.iter().any(|wish| fits(image, wish)))
        });
        Value::Array(
            rows.map(|image| {
                let manifests = image.manifest.as_ref().map(|digest| {
                    json!([{"ID": digest, "Kind": "image"}, {"ID": format!("{}-of", image.id), "Kind": "attestation"}])
                });
                json!({"Manifests": manifests, "Id": image.id, "RepoTags": image.tags, "RepoDigests": [], "ParentId": "", "Created": 1,
                       "Size": 1000, "SharedSize": -1, "Containers": 0, "Labels": image.config["Labels"]})
            })
            .collect(),
        )
    }

    /// What `GET /events` tells somebody with these filters.
    pub fn event_fits(event: &Value, filters: &BTreeMap<String, Vec<String>>) -> bool {
        let attributes = super::strings(&event["Actor"]["Attributes"]);
        let (kind, action) =
            (event["Type"].as_str().unwrap_or_default(), event["Action"].as_str().unwrap_or_default());
        let id = event["Actor"]["ID"].as_str().unwrap_or_default();
        let name = attributes.get("name").map_or("", String::as_str);
        filters.iter().all(|(key, wishes)| match key.as_str() {
            "label" => labelled(&attributes, wishes),
            "type" => wishes.iter().any(|wish| wish == kind),
            "event" => wishes.iter().any(|wish| action == wish || action.split(':').next() == Some(wish)),
            "container" | "network" | "volume" => {
                key == kind
                    && wishes
                        .iter()
                        .any(|wish| wish == name || (!wish.is_empty() && id.starts_with(wish.as_str())))
            }
            _ => true,
        })
    }
}

impl Status {
    /// The engine's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
        }
    }
}

impl Container {
    fn network_mode(&self) -> &str {
        match self.spec["HostConfig"]["NetworkMode"].as_str().unwrap_or_default() {
            "" | "default" => "bridge",
            mode => mode,
        }
    }

    /// `Up 2 seconds (healthy)`.
    fn sentence(&self) -> String {
        let health = match self.health.as_ref().map(|health| health.status.as_str()) {
            Some("starting") => " (health: starting)".to_owned(),
            Some(status) => format!(" ({status})"),
            None => String::new(),
        };
        match self.status {
            Status::Created => "Created".to_owned(),
            Status::Running => format!("Up {}{health}", since(self.started_nanos)),
            Status::Paused => format!("Up {} (Paused)", since(self.started_nanos)),
            Status::Restarting => {
                format!("Restarting ({}) {} ago", self.exit_code, since(self.finished_nanos))
            }
            Status::Exited => format!("Exited ({}) {} ago", self.exit_code, since(self.finished_nanos)),
        }
    }

    fn endpoints_view(&self) -> Value {
        let view = |endpoint: &Endpoint| {
            json!({
                "IPAMConfig": endpoint.settings["IPAMConfig"], "Links": endpoint.settings["Links"],
                "Aliases": endpoint.settings["Aliases"], "DriverOpts": endpoint.settings["DriverOpts"],
                "GwPriority": endpoint.settings["GwPriority"].as_i64().unwrap_or(0), "NetworkID": endpoint.network_id,
                "EndpointID": endpoint.endpoint_id, "IPAddress": endpoint.address, "MacAddress": "", "Gateway": "",
                "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
                "DNSNames": null,
            })
        };
        Value::Object(self.endpoints.iter().map(|(name, endpoint)| (name.clone(), view(endpoint))).collect())
    }
}

fn mount(mount: &Mount) -> Value {
    let mut view = json!({
        "Type": mount.kind, "Source": mount.source, "Destination": mount.destination, "Mode": mount.mode,
        "RW": mount.writable, "Propagation": if mount.kind == "bind" { "rprivate" } else { "" },
    });
    if mount.kind == "volume" {
        view["Name"] = json!(mount.name);
        view["Driver"] = json!("local");
    }
    view
}

/// A volume.
pub fn volume(volume: &Volume) -> Value {
    json!({
        "Name": volume.name, "Driver": volume.driver, "Labels": volume.labels, "Options": volume.options,
        "Mountpoint": mountpoint(&volume.name), "CreatedAt": "2026-01-01T00:00:00Z", "Scope": "local",
    })
}

/// An image on its own.
pub fn image(image: &Image) -> Value {
    json!({
        "Id": image.id, "RepoTags": image.tags, "RepoDigests": [], "Parent": "", "Comment": "", "Author": "",
        "Created": "2026-01-01T00:00:00Z", "Architecture": "amd64", "Os": "linux", "Size": 1000,
        "RootFS": {"Type": "layers", "Layers": [image.id]}, "Config": image.config,
    })
}

/// An exec on its own.
pub fn exec(exec: &Exec) -> Value {
    let words = list(&exec.spec["Cmd"]);
    json!({
        "ID": exec.id, "Running": exec.running, "ExitCode": exec.exit_code, "ContainerID": exec.container, "Pid": 4243,
        "ProcessConfig": {"tty": exec.spec["Tty"], "entrypoint": words.first(), "arguments": words.get(1..)},
    })
}

fn since(nanos: i64) -> String {
    match (now_nanos() - nanos) / 1_000_000_000 {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        seconds @ 2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        seconds => format!("{} minutes", seconds / 60),
    }
}

fn quoted(word: String) -> String {
    if word.contains([' ', '\'', ';', '$']) { format!("'{word}'") } else { word }
}
