//! Refusals of the engine, and what is made of them.

use super::{client, container, created};
use crate::support::place::{Place, block_on, everywhere};
use crate::support::world::World;
use bollard::models::{ContainerCreateBody, NetworkCreateRequest, VolumeCreateRequest};
use stack::engine::EngineErrorKind;
use std::collections::HashMap;

#[test]
fn refusals_come_as_their_kind_with_the_engines_words() {
    everywhere(async |place| {
        let engine = client(place);
        let body = |image: &str| ContainerCreateBody { image: Some(image.to_owned()), ..Default::default() };
        let id = container(place, "sleep 1000");
        let name = engine.inspect_container(&id).await.unwrap().name.unwrap();
        let name = name.trim_start_matches('/');

        let taken = engine.create_container(name, None, body("busybox")).await.unwrap_err();
        assert_eq!(taken.kind, EngineErrorKind::Conflict, "{taken}");
        assert!(taken.message.contains("is already in use by container"), "{taken}");
        let no_image = engine.create_container("hf-none", None, body("hf-no-image")).await.unwrap_err();
        assert_eq!(
            (no_image.kind, no_image.message.as_str()),
            (EngineErrorKind::NotFound, "No such image: hf-no-image:latest")
        );
        let runs = engine.remove_container(&id, name, false, false).await.unwrap_err();
        assert_eq!(runs.kind, EngineErrorKind::Conflict, "{runs}");
        assert!(
            runs.message
                .ends_with("container is running: stop the container before removing or force remove"),
            "{runs}"
        );
        let gone = engine.start_container("hf-no-such", "hf-no-such").await.unwrap_err();
        assert_eq!(
            (gone.kind, gone.message.as_str()),
            (EngineErrorKind::NotFound, "No such container: hf-no-such")
        );
        engine.stop_container(&id, name, Some(0)).await.unwrap();
        let dead = engine.kill_container(&id, name, "SIGTERM").await.unwrap_err();
        assert_eq!(dead.kind, EngineErrorKind::Conflict, "{dead}");
        assert!(dead.message.ends_with(&format!("container {id} is not running")), "{dead}");
    });
}

#[test]
fn what_is_in_the_wanted_state_already_is_no_failure() {
    everywhere(async |place| {
        let engine = client(place);
        let id = container(place, "sleep 1000");
        engine.start_container(&id, "x").await.unwrap();
        engine.stop_container(&id, "x", Some(0)).await.unwrap();
        engine.stop_container(&id, "x", Some(0)).await.unwrap();
        engine.remove_container(&id, "x", false, true).await.unwrap();
        engine.remove_container(&id, "x", false, true).await.unwrap();
        engine.remove_network("hf-no-such", "hf-no-such").await.unwrap();
        engine.remove_volume("hf-no-such").await.unwrap();
    });
}

#[test]
fn networks_and_volumes_in_use_are_kept() {
    everywhere(async |place| {
        let engine = client(place);
        let name = place.unique.clone();
        let labels: HashMap<String, String> = [place.label()].into();
        let network =
            NetworkCreateRequest { name: name.clone(), labels: Some(labels.clone()), ..Default::default() };
        let volume =
            VolumeCreateRequest { name: Some(name.clone()), labels: Some(labels), ..Default::default() };
        engine.create_network(network.clone()).await.unwrap();
        let twice = engine.create_network(network).await.unwrap_err();
        assert_eq!(twice.message, format!("network with name {name} already exists"));
        engine.create_volume(volume).await.unwrap();
        let (key, value) = place.label();
        let spec = serde_json::json!({
            "Image": "busybox", "Cmd": ["sleep", "1000"], "Labels": {key: value},
            "HostConfig": {"NetworkMode": name, "Binds": [format!("{name}:/data")]},
        });
        let id = place.raw().post("/containers/create", &spec)["Id"].as_str().unwrap().to_owned();
        engine.start_container(&id, "x").await.unwrap();

        let refused = engine.remove_network(&name, &name).await.unwrap_err();
        assert_eq!(refused.kind, EngineErrorKind::Denied, "{refused}");
        assert!(refused.message.contains("has active endpoints (name:"), "{refused}");
        let refused = engine.remove_volume(&name).await.unwrap_err();
        assert_eq!(refused.message, format!("remove {name}: volume is in use - [{id}]"));
        engine.remove_container(&id, "x", true, false).await.unwrap();
        engine.remove_network(&name, &name).await.unwrap();
        engine.remove_volume(&name).await.unwrap();
    });
}

#[test]
fn a_connection_that_is_cut_is_told_as_unreachable_whether_or_not_it_was_done() {
    for done in [false, true] {
        let place = Place::fake(World::new());
        let fake = place.fake.as_ref().unwrap();
        let id = created(&place, "sleep 1000");
        fake.cut(1, "POST", "/containers/*/start", done);
        block_on(async {
            let engine = client(&place);
            engine.ping().await.unwrap();
            let error = engine.start_container(&id, "x").await.unwrap_err();
            assert_eq!(error.kind, EngineErrorKind::Unreachable, "{error}");
        });
        let alive = fake.with(|world| world.container(&id).unwrap().is_alive());
        assert_eq!(alive, done);
    }
}

#[test]
fn a_question_that_was_refused_or_cut_off_is_asked_again_and_a_change_is_not() {
    let place = Place::fake(World::new());
    let fake = place.fake.as_ref().unwrap();
    let id = created(&place, "sleep 1000");
    fake.fail(2, "GET", "/networks", 500, "out of order");
    fake.cut(4, "GET", "/networks", false);
    fake.fail(1, "POST", "/containers/*/start", 500, "out of order");
    block_on(async {
        let engine = client(&place);
        for _ in 0..3 {
            engine.list_networks(&[]).await.unwrap();
        }
        let error = engine.start_container(&id, "x").await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (EngineErrorKind::Server, "out of order"));
        fake.fail(0, "GET", "/networks", 500, "out of order");
        let error = engine.list_networks(&[]).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (EngineErrorKind::Server, "out of order"));
    });
    let asked = |method: &str, path: &str| {
        fake.requests().iter().filter(|one| one.method == method && one.path.ends_with(path)).count()
    };
    assert_eq!((asked("GET", "/networks"), asked("POST", "/start")), (8, 1));
}
