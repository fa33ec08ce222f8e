//! Paths to calls on the world, and its answers to HTTP.

use super::streams::{self, LogWish};
use super::{Body, Shared};
use crate::support::registry;
use crate::support::world::{self, Refusal, World};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::upgrade::OnUpgrade;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is asked.
pub(super) struct Asked {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub minor: Option<u32>,
    pub body: Bytes,
    /// `X-Registry-Auth`: JSON in base64.
    pub registry_auth: Option<String>,
}

impl Asked {
    fn text(&self, key: &str) -> &str {
        self.query.get(key).map_or("", String::as_str)
    }

    fn flag(&self, key: &str) -> bool {
        matches!(self.text(key), "1" | "true" | "True")
    }

    fn number(&self, key: &str) -> Option<i64> {
        // Times may have a part behind the point.
        self.text(key).split('.').next()?.parse().ok()
    }

    fn filters(&self) -> std::collections::BTreeMap<String, Vec<String>> {
        world::filters(self.text("filters"))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// `/v1.44/containers/json` to its version and the rest.
pub(super) fn split_version(path: &str) -> (Option<String>, String) {
    let parts = path.strip_prefix("/v").and_then(|rest| rest.split_once('/'));
    match parts.filter(|(version, _)| version.starts_with("1.")) {
        Some((version, rest)) => (Some(version.to_owned()), format!("/{rest}")),
        None => (None, path.to_owned()),
    }
}

/// A path with names in place of containers' and networks' ids, and with the name of what is created.
pub(super) fn named(world: &World, path: &str, query: &str) -> String {
    let parts = path.split('/').map(|part| {
        let id = part.len() == 64;
        let container = world.containers.iter().find(|one| id && one.id == part).map(|one| one.name.as_str());
        let network = world.networks.iter().find(|one| id && one.id == part).map(|one| one.name.as_str());
        container.or(network).unwrap_or(part)
    });
    let path = parts.collect::<Vec<_>>().join("/");
    let query: HashMap<String, String> = serde_urlencoded::from_str(query).unwrap_or_default();
    match (path.as_str(), query.get("name")) {
        ("/containers/create", Some(name)) => format!("{path}?name={name}"),
        (_, Some(name)) if path.ends_with("/rename") => format!("{path}?name={name}"),
        _ => path,
    }
}

pub(super) fn refusal(status: u16, message: &str) -> Response<Body> {
    match status {
        304 => empty(304),
        _ => answer(status, &json!({"message": message})),
    }
}

fn answer(status: u16, value: &Value) -> Response<Body> {
    typed(status, "application/json", full(format!("{value}\n")))
}

fn empty(status: u16) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", full(""))
}

fn typed(status: u16, kind: &str, body: Body) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(body).expect("an answer of ours is valid")
}

fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed_unsync()
}

fn lines(values: &[Value]) -> Response<Body> {
    let text: String = values.iter().map(|value| format!("{value}\r\n")).collect();
    typed(200, "application/json", full(text))
}

/// An answer or the daemon's refusal, as HTTP.
fn told(result: Result<Response<Body>, Refusal>) -> Response<Body> {
    result.unwrap_or_else(|refused| refusal(refused.status, &refused.message))
}

/// An engine asks the registry itself, with the credentials that come along.
fn distribution(image: &str, asked: &Asked) -> Response<Body> {
    let decoded =
        asked.registry_auth.as_deref().and_then(|text| stack::registry::decode_base64(text.as_bytes()));
    let login: Value = decoded.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    let word = |key: &str| login[key].as_str();
    let pair = word("username").zip(word("password")).map(|(user, password)| format!("{user}:{password}"));
    match registry::ask_for_digest(image, pair.as_deref()) {
        Ok(digest) => answer(200, &json!({"Descriptor": {"digest": digest}})),
        Err((status, message)) => refusal(status, &message),
    }
}

pub(super) fn route(shared: &Arc<Shared>, asked: &Asked, upgrade: Option<OnUpgrade>) -> Response<Body> {
    let newest = shared.minor.load(Ordering::Relaxed);
    if let Some(minor) = asked.minor.filter(|minor| *minor > newest) {
        return refusal(
            400,
            &format!("client version 1.{minor} is too new. Maximum supported API version is 1.{newest}"),
        );
    }
    let minor = asked.minor.unwrap_or(newest);
    let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    let with =
        |work: &dyn Fn(&mut World) -> Result<Response<Body>, Refusal>| told(shared.with(|world| work(world)));
    let (text, body) = (|key: &str| asked.text(key).to_owned(), asked.json());
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET" | "HEAD", ["_ping"]) => typed(200, "text/plain; charset=utf-8", full("OK")),
        ("GET", ["version"]) => answer(
            200,
            &json!({
                "Version": "28.5.2", "ApiVersion": format!("1.{newest}"), "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64",
            }),
        ),
        ("GET", ["info"]) => answer(
            200,
            &json!({
                "ID": "fake", "Name": "fake", "ServerVersion": "28.5.2", "OSType": "linux", "Architecture": "x86_64",
                "NCPU": 2, "Driver": "overlay2", "Swarm": {"LocalNodeState": "inactive"},
            }),
        ),
        ("GET", ["events"]) => {
            let (since, until) = (asked.number("since"), asked.number("until"));
            typed(200, "application/json", streams::events(shared, asked.filters(), since, until))
        }
        ("GET", ["containers", "json"]) => with(&|world| {
            let limited = asked.number("limit").is_some_and(|limit| limit > 0);
            Ok(answer(200, &world.list_containers(asked.flag("all") || limited, &asked.filters())))
        }),
        ("POST", ["containers", "create"]) => with(&|world| {
            let id = world.create_container(asked.text("name").trim_start_matches('/'), &body, minor)?;
            Ok(answer(201, &json!({"Id": id, "Warnings": []})))
        }),
        (method, ["containers", id, rest @ ..]) => container(shared, asked, method, id, rest, upgrade),
        ("GET", ["networks"]) => with(&|world| Ok(answer(200, &world.list_networks(&asked.filters())))),
        ("POST", ["networks", "create"]) => {
            with(&|world| Ok(answer(201, &json!({"Id": world.create_network(&body)?, "Warning": ""}))))
        }
        ("GET", ["networks", id]) => with(&|world| match world.network(id) {
            Some(network) => Ok(answer(200, &world.network_view(network, true))),
            None => world::refuse(404, format!("network {id} not found")),
        }),
        ("DELETE", ["networks", id]) => with(&|world| world.remove_network(id).map(|()| empty(204))),
        ("POST", ["networks", id, "connect"]) => with(&|world| {
            let who = body["Container"].as_str().unwrap_or_default();
            world.connect(id, who, &body["EndpointConfig"]).map(|()| empty(200))
        }),
        ("POST", ["networks", id, "disconnect"]) => with(&|world| {
            let who = body["Container"].as_str().unwrap_or_default();
            world.disconnect(id, who, body["Force"].as_bool() == Some(true)).map(|()| empty(200))
        }),
        ("GET", ["volumes"]) => with(&|world| Ok(answer(200, &world.list_volumes(&asked.filters())))),
        ("POST", ["volumes", "create"]) => {
            with(&|world| Ok(answer(201, &world::volume(&world.create_volume(&body)?))))
        }
        ("GET", ["volumes", name]) => with(&|world| match world.volumes.get(*name) {
            Some(volume) => Ok(answer(200, &world::volume(volume))),
            None => world::refuse(404, format!("get {name}: no such volume")),
        }),
        ("DELETE", ["volumes", name]) => with(&|world| world.remove_volume(name).map(|()| empty(204))),
        ("GET", ["images", "json"]) => with(&|world| Ok(answer(200, &world.list_images(&asked.filters())))),
        ("POST", ["images", "create"]) => {
            with(&|world| Ok(lines(&world.pull_image(&text("fromImage"), &text("tag"))?)))
        }
        // Names of images have slashes in them.
        ("GET", ["distribution", name @ .., "json"]) => distribution(&name.join("/"), asked),
        ("GET", ["images", name @ .., "json"]) => {
            with(&|world| Ok(answer(200, &world::image(world.find_image(&name.join("/"))?))))
        }
        ("POST", ["images", name @ .., "tag"]) => {
            with(&|world| world.tag_image(&name.join("/"), &text("repo"), &text("tag")).map(|()| empty(201)))
        }
        ("DELETE", ["images", name @ ..]) => {
            with(&|world| Ok(answer(200, &world.remove_image(&name.join("/"))?)))
        }
        ("POST", ["build"]) => with(&|world| {
            let labels = serde_json::from_str(asked.text("labels")).unwrap_or_default();
            Ok(lines(&world.build_image(&[asked.text("t")], &labels)))
        }),
        ("POST", ["exec", id, "start"]) => start_exec(shared, id, &body, upgrade),
        ("POST", ["exec", _, "resize"]) => empty(200),
        ("GET", ["exec", id, "json"]) => with(&|world| match world.execs.get(*id) {
            Some(exec) => Ok(answer(200, &world::exec(exec))),
            None => world::refuse(404, format!("No such exec instance: {id}")),
        }),
        _ => refusal(404, "page not found"),
    }
}

fn container(
    shared: &Arc<Shared>,
    asked: &Asked,
    method: &str,
    id: &str,
    rest: &[&str],
    upgrade: Option<OnUpgrade>,
) -> Response<Body> {
    let with = |work: &dyn Fn(&mut World) -> Result<(), Refusal>| {
        told(shared.with(|world| work(world)).map(|()| empty(204)))
    };
    let body = asked.json();
    match (method, rest) {
        ("GET", ["json"]) => {
            told(shared.with(|world| world.inspect_container(id)).map(|view| answer(200, &view)))
        }
        ("POST", ["start"]) => with(&|world| world.start_container(id)),
        ("POST", ["stop"]) => with(&|world| world.stop_container(id)),
        ("POST", ["restart"]) => with(&|world| world.restart_container(id)),
        ("POST", ["kill"]) => with(&|world| world.kill_container(id, asked.text("signal"))),
        ("POST", ["pause"]) => with(&|world| world.freeze_container(id, true)),
        ("POST", ["unpause"]) => with(&|world| world.freeze_container(id, false)),
        ("POST", ["rename"]) => with(&|world| world.rename_container(id, asked.text("name"))),
        ("POST", ["resize"]) => empty(200),
        ("DELETE", []) => with(&|world| world.remove_container(id, asked.flag("force"), asked.flag("v"))),
        ("POST", ["update"]) => told(
            shared
                .with(|world| world.update_container(id, &body))
                .map(|()| answer(200, &json!({"Warnings": null}))),
        ),
        ("PUT", ["archive"]) => told(shared.with(|world| {
            let id = world.container(id).map(|one| one.id.clone());
            let Some(one) = world.containers.iter_mut().find(|one| Some(&one.id) == id.as_ref()) else {
                return world::refuse(404, format!("No such container: {}", asked.path));
            };
            one.uploads.push((asked.text("path").to_owned(), asked.body.to_vec()));
            Ok(empty(200))
        })),
        ("POST", ["exec"]) => told(
            shared.with(|world| world.create_exec(id, &body)).map(|exec| answer(201, &json!({"Id": exec}))),
        ),
        ("GET" | "POST", ["logs" | "attach" | "wait"]) => {
            let known =
                shared.with(|world| world.container(id).map(|one| (one.id.clone(), one.spec["Tty"] == true)));
            let Some((id, tty)) = known else { return refusal(404, &format!("No such container: {id}")) };
            if rest == ["wait"] {
                let condition = asked.text("condition");
                if !matches!(condition, "" | "not-running" | "next-exit" | "removed") {
                    return refusal(400, &format!("invalid condition: \"{condition}\""));
                }
                return typed(200, "application/json", streams::wait(shared, id, condition));
            }
            let attach = rest == ["attach"];
            let wish = LogWish {
                follow: attach || asked.flag("follow"),
                stdout: asked.flag("stdout"),
                stderr: asked.flag("stderr"),
                timestamps: asked.flag("timestamps"),
                tail: if attach && !asked.flag("logs") { Some(0) } else { asked.text("tail").parse().ok() },
                since: asked.number("since").unwrap_or(0),
                tty,
            };
            let output = streams::logs(shared, id, wish);
            let kind = stream_kind(tty);
            match upgrade.filter(|_| attach) {
                Some(upgrade) => {
                    streams::attach_container(upgrade, output);
                    switched(kind)
                }
                None => typed(200, kind, output),
            }
        }
        _ => refusal(404, "page not found"),
    }
}

fn start_exec(shared: &Arc<Shared>, id: &str, body: &Value, upgrade: Option<OnUpgrade>) -> Response<Body> {
    let Some(spec) = shared.with(|world| world.execs.get(id).map(|exec| exec.spec.clone())) else {
        return refusal(404, &format!("No such exec instance: {id}"));
    };
    let tty = body["Tty"].as_bool() == Some(true);
    if let Some(upgrade) = upgrade {
        let stdin = spec["AttachStdin"].as_bool() == Some(true);
        streams::attach_exec(shared, upgrade, id.to_owned(), stdin, tty);
        return switched(stream_kind(tty));
    }
    told(shared.with(|world| world.run_exec(id, &[])).map(|output| {
        if body["Detach"].as_bool() == Some(true) {
            return empty(200);
        }
        let frames = output.into_iter().flat_map(|(stderr, bytes)| streams::multiplexed(stderr, &bytes));
        typed(200, stream_kind(tty), full(frames.collect::<Vec<u8>>()))
    }))
}

fn stream_kind(tty: bool) -> &'static str {
    if tty { "application/vnd.docker.raw-stream" } else { "application/vnd.docker.multiplexed-stream" }
}

/// From here on the connection carries bytes, not HTTP.
fn switched(kind: &str) -> Response<Body> {
    let mut response = typed(101, kind, full(""));
    for (name, value) in [("connection", "Upgrade"), ("upgrade", "tcp")] {
        response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}
