//! The fake engine says what the daemon says: one table of calls, run on both, raw.
//!
//! Words are Docker 28.5's; on a real engine of another version only the statuses are compared.

use crate::support::place::{Place, everywhere};
use serde_json::{Value, json};

/// A call that is refused: what, and how. `NAME` stands for the test's own name, `ID` for its container's id.
const REFUSED: &[(&str, &str, u16, &str)] = &[
    ("POST", "/containers/NAME/kill", 409, "cannot kill container: NAME: container ID is not running"),
    ("POST", "/containers/NAME/pause", 409, "container ID is not running"),
    ("POST", "/containers/NAME/unpause", 500, "Container ID is not paused"),
    ("POST", "/containers/NAME/stop", 304, ""),
    (
        "POST",
        "/containers/NAME/kill?signal=SIGFOO",
        400,
        "cannot kill container: NAME: invalid signal: SIGFOO",
    ),
    (
        "POST",
        "/containers/NAME/rename?name=NAME",
        400,
        "Renaming a container with the same name as its current name",
    ),
    ("POST", "/containers/NAME/wait?condition=soon", 400, "invalid condition: \"soon\""),
    ("POST", "/containers/hf-none/start", 404, "No such container: hf-none"),
    ("POST", "/containers/hf-none/stop", 404, "No such container: hf-none"),
    ("POST", "/containers/hf-none/kill", 404, "cannot kill container: hf-none: No such container: hf-none"),
    ("POST", "/containers/hf-none/rename?name=x", 404, "No such container: hf-none"),
    ("GET", "/containers/hf-none/json", 404, "No such container: hf-none"),
    ("GET", "/containers/hf-none/logs?stdout=1", 404, "No such container: hf-none"),
    ("DELETE", "/containers/hf-none", 404, "No such container: hf-none"),
    ("DELETE", "/networks/hf-none", 404, "network hf-none not found"),
    ("GET", "/networks/hf-none", 404, "network hf-none not found"),
    ("DELETE", "/networks/bridge", 403, "bridge is a pre-defined network and cannot be removed"),
    ("DELETE", "/volumes/hf-none", 404, "get hf-none: no such volume"),
    ("GET", "/volumes/hf-none", 404, "get hf-none: no such volume"),
    ("GET", "/images/hf-none/json", 404, "No such image: hf-none:latest"),
    ("POST", "/images/hf-none/tag?repo=hf-x&tag=y", 404, "No such image: hf-none:latest"),
    ("GET", "/exec/hf-none/json", 404, "No such exec instance: hf-none"),
    (
        "GET",
        "/v1.99/containers/json",
        400,
        "client version 1.99 is too new. Maximum supported API version is 1.51",
    ),
    ("GET", "/hf-none", 404, "page not found"),
];

/// Likewise with a body, on a container that runs, is on the network `NAME` and mounts the volume `NAME`.
fn refused_while_running() -> Vec<(&'static str, &'static str, Value, u16, &'static str)> {
    let other = |network: &str| json!({"Container": "NAME", "EndpointConfig": {"Aliases": [network]}});
    vec![
        ("POST", "/containers/NAME/start", Value::Null, 304, ""),
        (
            "DELETE",
            "/containers/NAME",
            Value::Null,
            409,
            "cannot remove container \"NAME\": container is running: stop the container before removing or force remove",
        ),
        ("DELETE", "/volumes/NAME", Value::Null, 409, "remove NAME: volume is in use - [ID]"),
        ("POST", "/networks/create", json!({"Name": "NAME"}), 409, "network with name NAME already exists"),
        (
            "POST",
            "/networks/NAME/connect",
            other("x"),
            403,
            "endpoint with name NAME already exists in network NAME",
        ),
        ("POST", "/networks/hf-none/connect", other("x"), 404, "network hf-none not found"),
        (
            "POST",
            "/networks/NAME/connect",
            json!({"Container": "hf-none"}),
            404,
            "No such container: hf-none",
        ),
        (
            "POST",
            "/networks/none/disconnect",
            json!({"Container": "NAME"}),
            500,
            "container ID is not connected to network none",
        ),
        (
            "POST",
            "/networks/none/disconnect",
            json!({"Container": "NAME", "Force": true}),
            500,
            "container ID is not connected to network none",
        ),
        (
            "POST",
            "/networks/NAME/disconnect",
            json!({"Container": "hf-none", "Force": true}),
            404,
            "endpoint hf-none not found",
        ),
        (
            "POST",
            "/containers/create?name=NAME",
            json!({"Image": "busybox"}),
            409,
            "Conflict. The container name \"/NAME\" is already in use by container \"ID\". You have to remove (or rename) that container to be able to reuse that name.",
        ),
        (
            "POST",
            "/containers/create?name=hf-x",
            json!({"Image": "hf-none"}),
            404,
            "No such image: hf-none:latest",
        ),
        (
            "POST",
            "/containers/create?name=hf-x",
            json!({}),
            400,
            "config cannot be empty in order to create a container",
        ),
        (
            "POST",
            "/containers/create?name=hf!x",
            json!({"Image": "busybox"}),
            400,
            "Invalid container name (hf!x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
        ),
        (
            "POST",
            "/containers/create?name=hf-x",
            json!({"Image": "busybox", "HostConfig": {"Mounts": [{"Type": "bind", "Source": "/hf-none", "Target": "/x"}]}}),
            400,
            "invalid mount config for type \"bind\": bind source path does not exist: /hf-none",
        ),
    ]
}

/// Asks, and says how the answer differs from what is expected.
fn differs(
    place: &Place,
    id: &str,
    call: (&str, &str, &Value),
    status: u16,
    message: &str,
) -> Option<String> {
    let fill = |text: &str| text.replace("NAME", &place.unique).replace("ID", id);
    let (method, path, body) = call;
    let body: Value = serde_json::from_str(&fill(&body.to_string())).unwrap();
    let (found, answer) = place.raw().call(method, &fill(path), Some(&body)).unwrap();
    let said = answer["message"].as_str().unwrap_or_default();
    let newest = place.raw().get("/version")["ApiVersion"] == "1.51";
    let same = found == status && (said == fill(message) || !newest);
    (!same).then(|| format!("{method} {path}: expected {status} {message}\n  got {found} {said}"))
}

fn made(place: &Place) -> String {
    let (key, value) = place.label();
    let raw = place.raw();
    let labels = json!({key: value});
    let name = &place.unique;
    raw.post("/networks/create", &json!({"Name": name, "Labels": labels}));
    raw.post("/volumes/create", &json!({"Name": name, "Labels": labels}));
    let spec = json!({
        "Image": "busybox", "Cmd": ["sleep", "1000"], "StopSignal": "SIGKILL", "Labels": labels,
        "HostConfig": {"NetworkMode": name, "Binds": [format!("{name}:/data")]},
    });
    let answer = raw.post(&format!("/containers/create?name={name}"), &spec);
    answer["Id"].as_str().unwrap().to_owned()
}

#[test]
fn what_the_daemon_refuses_the_fake_refuses_in_the_same_words() {
    everywhere(async |place| {
        let id = made(place);
        let mut wrong: Vec<String> = REFUSED
            .iter()
            .filter_map(|(method, path, status, message)| {
                differs(place, &id, (method, path, &Value::Null), *status, message)
            })
            .collect();
        place.raw().post(&format!("/containers/{id}/start"), &Value::Null);
        for (method, path, body, status, message) in refused_while_running() {
            wrong.extend(differs(place, &id, (method, path, &body), status, message));
        }
        assert!(wrong.is_empty(), "on the {} engine:\n{}", place.word(), wrong.join("\n"));
    });
}

#[test]
fn a_created_container_keeps_its_volume_and_not_its_network() {
    everywhere(async |place| {
        let id = made(place);
        let raw = place.raw();
        let name = &place.unique;
        let volume = raw.call("DELETE", &format!("/volumes/{name}"), None).unwrap();
        assert_eq!(volume.0, 409, "{volume:?}");
        let network = raw.call("DELETE", &format!("/networks/{name}"), None).unwrap();
        assert_eq!(network.0, 204, "{network:?}");
        let start = raw.call("POST", &format!("/containers/{id}/start"), None).unwrap();
        assert_eq!(start.0, 404, "{start:?}");
        let state = raw.get(&format!("/containers/{id}/json"))["State"].clone();
        assert_eq!((&state["Status"], &state["ExitCode"]), (&json!("created"), &json!(128)));
    });
}

#[test]
fn an_anonymous_volume_goes_with_the_container_it_was_made_for_and_not_with_its_heir() {
    everywhere(async |place| {
        let raw = place.raw();
        let (key, value) = place.label();
        let make = |mounts: Value| {
            let spec = json!({
                "Image": "busybox", "Labels": {key.as_str(): value.as_str()}, "HostConfig": {"Mounts": mounts},
            });
            let id = raw.post("/containers/create", &spec)["Id"].as_str().unwrap().to_owned();
            let volume = raw.get(&format!("/containers/{id}/json"))["Mounts"][0]["Name"].clone();
            (id, volume.as_str().unwrap().to_owned())
        };
        let gone = |path: String| assert_eq!(raw.call("DELETE", &path, None).unwrap().0, 204, "{path}");
        let is_there = |volume: &str| raw.call("GET", &format!("/volumes/{volume}"), None).unwrap().0 == 200;

        let (first, volume) = make(json!([{"Type": "volume", "Target": "/data"}]));
        let (heir, inherited) = make(json!([{"Type": "volume", "Source": volume, "Target": "/data"}]));
        assert_eq!(volume, inherited);
        gone(format!("/containers/{first}"));
        gone(format!("/containers/{heir}?v=1"));
        assert!(is_there(&volume), "on the {} engine", place.word());
        gone(format!("/volumes/{volume}"));

        let (alone, volume) = make(json!([{"Type": "volume", "Target": "/data"}]));
        gone(format!("/containers/{alone}?v=1"));
        assert!(!is_there(&volume), "on the {} engine", place.word());
    });
}

#[test]
fn rows_of_lists_have_the_same_fields_and_kinds() {
    everywhere(async |place| {
        let id = made(place);
        let raw = place.raw();
        raw.post(&format!("/containers/{id}/start"), &Value::Null);
        let (key, value) = place.label();
        let label = format!("{key}={value}");
        let rows = ["containers", "networks", "volumes"].map(|kind| raw.labelled(kind, &label)[0].clone());
        let shapes: Vec<String> = rows.iter().map(shape).collect();
        let expect = [
            "Command:s Created:n HostConfig:o Id:s Image:s ImageID:s Labels:o Mounts:a Names:a NetworkSettings:o Ports:a State:s Status:s",
            "Attachable:b ConfigFrom:o ConfigOnly:b Containers:o Created:s Driver:s EnableIPv4:b EnableIPv6:b IPAM:o Id:s Ingress:b Internal:b Labels:o Name:s Options:o Scope:s",
            "CreatedAt:s Driver:s Labels:o Mountpoint:s Name:s Options:0 Scope:s",
        ];
        // A newer or older engine may tell more or less; the fake is compared with the one it stands for.
        if raw.get("/version")["ApiVersion"] == "1.51" {
            assert_eq!(shapes, expect, "on the {} engine", place.word());
        }
        assert_eq!(rows[0]["State"], "running");
        assert!(rows[0]["Status"].as_str().unwrap().starts_with("Up "), "{}", rows[0]["Status"]);
        assert_eq!(rows[0]["Mounts"][0]["Name"], place.unique.as_str());
        let endpoint = &rows[0]["NetworkSettings"]["Networks"][&place.unique];
        assert_eq!(endpoint["NetworkID"], rows[1]["Id"]);
        assert!(endpoint["IPAddress"].as_str().unwrap().starts_with("172."), "{endpoint}");
    });
}

/// Members in the order of the alphabet, each with its kind.
fn shape(value: &Value) -> String {
    let kind = |value: &Value| match value {
        Value::Null => '0',
        Value::Bool(_) => 'b',
        Value::Number(_) => 'n',
        Value::String(_) => 's',
        Value::Array(_) => 'a',
        Value::Object(_) => 'o',
    };
    let mut members: Vec<String> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}:{}", kind(value)))
        .collect();
    members.sort();
    members.join(" ")
}
