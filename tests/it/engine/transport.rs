//! Connections, versions, deadlines.

use super::{client, client_with};
use crate::support::place::{Place, block_on, everywhere};
use crate::support::world::World;
use stack::engine::{Address, ApiVersion, Engine, EngineErrorKind};
use std::path::PathBuf;
use std::time::Duration;

#[test]
fn the_version_is_learnt_from_the_first_answer_and_in_every_path_after_it() {
    let place = Place::fake(World::new());
    let fake = place.fake.as_ref().unwrap();
    block_on(async {
        let engine = client(&place);
        for _ in 0..3 {
            engine.list_containers(&[]).await.unwrap();
        }
    });
    let versions: Vec<Option<String>> = fake.requests().into_iter().map(|one| one.version).collect();
    assert_eq!(versions, [None, Some("1.51".to_owned()), Some("1.51".to_owned())]);
}

#[test]
fn an_older_engines_version_is_spoken_and_a_newer_ones_is_not() {
    for (offered, expect) in [(41, 41), (51, 51), (60, 51)] {
        let place = Place::fake(World::new());
        place.fake.as_ref().unwrap().set_api_version(offered);
        block_on(async {
            let engine = client(&place);
            engine.ping().await.unwrap();
            assert_eq!(engine.api_version(), ApiVersion(expect));
            engine.list_containers(&[]).await.unwrap();
        });
        let last = place.fake.as_ref().unwrap().requests().pop().unwrap();
        assert_eq!(last.version, Some(format!("1.{expect}")));
    }
}

#[test]
fn the_engine_here_says_its_version() {
    everywhere(async |place| {
        let engine = client(place);
        engine.ping().await.unwrap();
        assert!(engine.api_version() >= ApiVersion::OLDEST, "{}", engine.api_version());
        engine.list_containers(&[]).await.unwrap();
    });
}

#[test]
fn one_question_after_another_shares_one_connection() {
    let place = Place::fake(World::new());
    block_on(async {
        let engine = client(&place);
        for _ in 0..5 {
            engine.list_networks(&[]).await.unwrap();
        }
    });
    let fake = place.fake.as_ref().unwrap();
    assert_eq!((fake.requests().len(), fake.connections()), (5, 1));
}

#[test]
fn an_engine_that_hangs_is_told_as_timed_out() {
    let place = Place::fake(World::new());
    place.fake.as_ref().unwrap().hang(0, "GET", "/containers/json");
    block_on(async {
        let engine = client_with(&place, Duration::from_secs(1));
        let error = engine.list_containers(&[]).await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::TimedOut, "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot list containers: the engine at {} accepted the request and did not answer within 1s; \
                 it may hang or be overloaded",
                place.host
            )
        );
    });
}

#[test]
fn a_socket_that_is_not_there_is_told_as_unreachable() {
    let nowhere = Address::Unix(PathBuf::from("/nonexistent/engine.sock"));
    block_on(async {
        let engine = Engine::at(nowhere, None, Duration::from_secs(1)).unwrap();
        let error = engine.ping().await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Unreachable, "{error}");
    });
}
