//! What a project has.

use super::{client, container};
use crate::support::place::everywhere;
use stack::observe::{ContainerStatus, Health, ObserveRequest, live_state, observe};

#[test]
fn a_project_is_observed_with_four_requests_at_most() {
    everywhere(async |place| {
        let id = container(place, "echo hello; sleep 1000");
        let engine = client(place);
        let request = ObserveRequest {
            project: place.unique.clone(),
            networks: Some(vec!["bridge".to_owned()]),
            volumes: Some(vec!["hf-nothing".to_owned()]),
            images: vec!["busybox".to_owned(), "hf-no-image".to_owned()],
        };
        let state = observe(&engine, &request).await.unwrap();
        assert!(engine.requests().len() <= 4, "{:?}", engine.requests());
        let [one] = state.containers.as_slice() else { panic!("{:?}", state.containers) };
        assert_eq!((one.id.0.as_str(), &one.status), (id.as_str(), &ContainerStatus::Running));
        assert_eq!((one.identity.service.as_str(), one.identity.number), ("web", Some(1)));
        assert!(one.networks.contains_key("bridge"), "{:?}", one.networks);
        assert_eq!(state.networks.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["bridge"]);
        assert!(state.volumes.is_empty(), "{:?}", state.volumes);
        assert_eq!(state.images.keys().collect::<Vec<_>>(), ["busybox"]);
        assert!(state.images["busybox"].id.starts_with("sha256:"));
    });
}

#[test]
fn an_exit_and_a_failing_probe_are_seen() {
    everywhere(async |place| {
        let engine = client(place);
        let (key, value) = place.label();
        let probed = serde_json::json!({
            "Image": "busybox", "Cmd": ["sleep", "1000"], "StopSignal": "SIGKILL", "Labels": {key: value},
            "Healthcheck": {"Test": ["CMD-SHELL", "echo broken; exit 1"], "Interval": 100_000_000, "Retries": 1,
                            "Timeout": 5_000_000_000_u64},
        });
        let mut events = engine.container_events(Some(&place.unique)).await.unwrap();
        let sick = place.raw().post("/containers/create", &probed)["Id"].as_str().unwrap().to_owned();
        engine.start_container(&sick, "sick").await.unwrap();
        super::streams::until(&mut events, |event| event.action == "health_status: unhealthy").await;
        let state = live_state(&engine, &stack::observe::ContainerId(sick), "sick").await.unwrap();
        assert_eq!((state.health, state.healthcheck.is_some()), (Some(Health::Unhealthy), true));
        assert_eq!(state.probes[0].output, "broken\n");

        let done = container(place, "exit 3");
        super::streams::until(&mut events, |event| event.action == "die" && event.id == done).await;
        let state = live_state(&engine, &stack::observe::ContainerId(done), "done").await.unwrap();
        assert_eq!((state.status, state.exit_code), (ContainerStatus::Exited, 3));
    });
}
