//! An engine in memory: containers, networks, volumes and images with the daemon's state machine, and its refusals in its
//! own words (Docker 28.5, API 1.51), because those are what plans get wrong.
//!
//! In: calls as the API has them. Out: JSON as the API has it, or a [`Refusal`]. Deliberately absent: HTTP, sockets, threads.
//! Time passes only in [`World::advance`], and `hurry` times as fast as the stack files say.

mod containers;
mod program;
mod stores;
mod views;

pub use program::{Program, Step};
pub use views::{exec, filters, image, time, volume};

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The daemon's "no": an HTTP status and its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub message: String,
}

/// A refusal as a result's error.
pub fn refuse<T>(status: u16, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { status, message: message.into() })
}

/// State of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
}

/// Health of a container.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// `starting`, `healthy`, `unhealthy`.
    pub status: String,
    pub failing_streak: i64,
    pub log: Vec<Value>,
}

/// A container's place on a network.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "an endpoint has an id of its own")]
pub struct Endpoint {
    /// As it was asked for.
    pub settings: Value,
    pub network_id: String,
    pub endpoint_id: String,
    pub address: String,
}

/// Something mounted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mount {
    pub kind: String,
    pub name: String,
    pub source: String,
    pub destination: String,
    pub writable: bool,
    pub mode: String,
    /// A volume that was made for this mount, and not one that the request named: it goes with its container.
    pub made_for_it: bool,
}

/// A line a container wrote.
#[derive(Debug, Clone)]
pub struct Line {
    pub nanos: i64,
    pub stderr: bool,
    pub text: String,
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    pub id: String,
    pub name: String,
    /// The body of the request that made it.
    pub spec: Value,
    pub image_id: String,
    pub labels: BTreeMap<String, String>,
    pub status: Status,
    pub exit_code: i64,
    pub error: String,
    /// Its last life ended because memory was short.
    pub oom_killed: bool,
    pub created_nanos: i64,
    pub started_nanos: i64,
    pub finished_nanos: i64,
    pub health: Option<Health>,
    pub restart_count: i64,
    pub endpoints: BTreeMap<String, Endpoint>,
    pub mounts: Vec<Mount>,
    /// `(container port with protocol, host address, host port)` of a running container.
    pub published: Vec<(String, String, u16)>,
    pub lines: Vec<Line>,
    /// Archives put into it: path, bytes.
    pub uploads: Vec<(String, Vec<u8>)>,
    /// What its process does in this life.
    pub program: Program,
    /// Files that it has made.
    pub files: BTreeSet<String>,
    /// How often it was started: what is due for an earlier life is void.
    life: u64,
}

/// A network.
#[derive(Debug, Clone)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub spec: Value,
    pub labels: BTreeMap<String, String>,
    /// The second part of its subnet, `172.x.0.0/16`.
    pub subnet: usize,
    next_host: usize,
}

/// A volume.
#[derive(Debug, Clone)]
pub struct Volume {
    pub name: String,
    pub driver: String,
    pub labels: BTreeMap<String, String>,
    pub options: Value,
}

/// An image.
#[derive(Debug, Clone)]
pub struct Image {
    pub id: String,
    pub tags: BTreeSet<String>,
    pub config: Value,
    /// The digest of its manifest, when it is a list of one.
    pub manifest: Option<String>,
}

/// A program inside a container.
#[derive(Debug, Clone)]
pub struct Exec {
    pub id: String,
    pub container: String,
    pub spec: Value,
    pub running: bool,
    pub exit_code: Option<i64>,
}

#[derive(Debug, Clone)]
enum Due {
    Step(usize),
    Probe,
    Restart,
}

/// The engine's whole state.
#[derive(Debug, Default)]
pub struct World {
    pub containers: Vec<Container>,
    pub networks: Vec<Network>,
    pub volumes: BTreeMap<String, Volume>,
    pub images: Vec<Image>,
    pub execs: BTreeMap<String, Exec>,
    /// Everything that happened, as `GET /events` tells it.
    pub events: Vec<Value>,
    /// What probes answer, by container name, service or image; they repeat their last answer.
    pub probes: BTreeMap<String, Vec<bool>>,
    /// Images a registry would have: they can be pulled.
    pub registry: BTreeSet<String>,
    /// Grows with everything that a stream would tell.
    pub revision: u64,
    /// What probes of one life said is kept until the first probe of the next.
    pub keeps_health: bool,
    /// Probes are never run by themselves, as by Podman without systemd.
    pub no_timers: bool,
    /// The next list has it as running whatever it is: the daemon's list is behind for a moment after a kill.
    pub listed_once_as_running: std::cell::RefCell<Option<String>>,
    /// How much faster than in life time passes for programs and probes.
    pub hurry: u32,
    due: BTreeMap<(Instant, u64), (String, u64, Due)>,
    next: u64,
}

impl World {
    /// An engine with the networks every engine has, and the images that stack files of tests use.
    pub fn new() -> Self {
        let mut world = Self { hurry: 50, ..Self::default() };
        for (name, driver) in [("none", "null"), ("host", "host"), ("bridge", "bridge")] {
            world.add_network(name, &json!({"Name": name, "Driver": driver}));
        }
        world.add_image(&["busybox:latest", "busybox:1", "busybox:1.35"], json!({"Cmd": ["sh"]}));
        let served = |program: &str| json!({"Cmd": [program], "ExposedPorts": {"80/tcp": {}}});
        world.add_image(&["nginx:latest", "nginx:1", "nginx:1.22"], served("nginx"));
        world.add_image(&["python:latest", "python:3", "python:3-slim"], json!({"Cmd": ["python3"]}));
        for (name, path) in [("redis:7", "/data"), ("postgres:15", "/var/lib/postgresql/data")] {
            let latest = format!("{}:latest", name.split(':').next().unwrap_or_default());
            let config =
                json!({"Entrypoint": ["docker-entrypoint.sh"], "Cmd": [name], "Volumes": {path: {}}});
            world.add_image(&[&latest, name], config);
        }
        world
    }

    /// Puts an image there.
    pub fn add_image(&mut self, tags: &[&str], config: Value) -> String {
        let id = format!("sha256:{}", self.new_id());
        for image in &mut self.images {
            image.tags.retain(|tag| !tags.contains(&tag.as_str()));
        }
        self.images.push(Image {
            id: id.clone(),
            tags: tags.iter().map(ToString::to_string).collect(),
            config,
            manifest: None,
        });
        id
    }

    /// Puts an image there that is a list of one manifest for this platform, and of an attestation that makes it another list
    /// each time.
    pub fn add_image_list(&mut self, tag: &str, manifest: &str) {
        let id = self.add_image(&[tag], json!({"Cmd": ["server"]}));
        if let Some(image) = self.images.iter_mut().find(|image| image.id == id) {
            image.manifest = Some(manifest.to_owned());
        }
    }

    /// A container by id, beginning of its id, or name.
    pub fn container(&self, key: &str) -> Option<&Container> {
        let key = key.trim_start_matches('/');
        let by = |found: fn(&Container, &str) -> bool| self.containers.iter().find(|one| found(one, key));
        by(|one, key| one.id == key)
            .or_else(|| by(|one, key| one.name == key))
            .or_else(|| by(|one, key| key.len() >= 4 && one.id.starts_with(key)))
    }

    fn find(&self, key: &str) -> Result<usize, Refusal> {
        let id = self.container(key).map(|found| found.id.clone());
        let at = id.and_then(|id| self.containers.iter().position(|one| one.id == id));
        at.map_or_else(|| refuse(404, format!("No such container: {key}")), Ok)
    }

    fn new_id(&mut self) -> String {
        self.next += 1;
        // Ids are told apart by their first digits, so those must differ: an odd factor keeps 32 bits distinct.
        let number = self.next.wrapping_mul(0x9E37_79B1) & 0xFFFF_FFFF;
        format!("{number:08x}{:056x}", self.next)
    }

    fn after(&mut self, wait: Duration, container: usize, due: Due) {
        self.next += 1;
        let one = &self.containers[container];
        let at = Instant::now() + wait / self.hurry.max(1);
        self.due.insert((at, self.next), (one.id.clone(), one.life, due));
    }

    /// Lets time pass until now.
    pub fn advance(&mut self) {
        let now = Instant::now();
        while self.due.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
            let Some((_, (id, life, due))) = self.due.pop_first() else { return };
            let Ok(at) = self.find(&id) else { continue };
            if self.containers[at].life == life {
                match due {
                    Due::Step(step) => self.run_from(at, step),
                    Due::Probe => self.probe(at),
                    Due::Restart => self.start_again(at),
                }
            }
        }
    }

    fn event(&mut self, kind: &str, action: &str, id: &str, attributes: &BTreeMap<String, String>) {
        let nanos = now_nanos();
        let mut event = json!({
            "Type": kind, "Action": action, "Actor": {"ID": id, "Attributes": attributes},
            "scope": "local", "time": nanos / 1_000_000_000, "timeNano": nanos,
        });
        if kind == "container" {
            event["status"] = json!(action);
            event["id"] = json!(id);
            event["from"] = json!(attributes.get("image"));
        }
        self.events.push(event);
        self.revision += 1;
    }

    fn container_event(&mut self, at: usize, action: &str, more: &[(&str, String)]) {
        let one = &self.containers[at];
        let mut attributes = one.labels.clone();
        attributes.insert("image".to_owned(), one.image().to_owned());
        attributes.insert("name".to_owned(), one.name.clone());
        attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let id = one.id.clone();
        self.event("container", action, &id, &attributes);
    }
}

impl Container {
    /// The image reference it was made from.
    pub fn image(&self) -> &str {
        self.spec["Image"].as_str().unwrap_or_default()
    }

    /// Whether its process exists.
    pub fn is_alive(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused | Status::Restarting)
    }

    /// A label's value; empty when there is none.
    pub fn label(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }
}

/// Nanoseconds since 1970.
pub fn now_nanos() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// An object's string members.
pub fn strings(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// An array's strings; a lone string is one of them.
pub fn list(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(items) => items.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
