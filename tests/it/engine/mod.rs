//! The engine room against an engine: the fake one always, a real one when `STACK_TEST_ENGINE=real`.

mod conformance;
mod faults;
mod observe;
#[expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its fixtures too")]
mod real;
#[expect(clippy::unwrap_used, reason = "a test fails by panicking, its fixtures too")]
mod sockets;
mod streams;
mod transport;

use crate::support::place::Place;
use serde_json::{Value, json};
use stack::engine::{Address, Engine};
use std::path::PathBuf;
use std::time::Duration;

/// A client that waits for answers no longer than this.
fn client_with(place: &Place, deadline: Duration) -> Engine {
    let socket = PathBuf::from(place.host.trim_start_matches("unix://"));
    Engine::at(Address::Unix(socket), None, deadline).expect("an address of ours is valid")
}

fn client(place: &Place) -> Engine {
    client_with(place, Duration::from_secs(20))
}

/// Makes a container behind the client's back and starts it; its id.
fn container(place: &Place, script: &str) -> String {
    let id = created(place, script);
    place.raw().post(&format!("/containers/{id}/start"), &Value::Null);
    id
}

fn created(place: &Place, script: &str) -> String {
    let (key, value) = place.label();
    let spec = json!({
        "Image": "busybox", "Cmd": ["sh", "-c", script], "StopSignal": "SIGKILL",
        "Labels": {key: value, "com.docker.compose.service": "web", "com.docker.compose.container-number": "1"},
    });
    let answer = place.raw().post("/containers/create", &spec);
    answer["Id"].as_str().expect("an id").to_owned()
}
