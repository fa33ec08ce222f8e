//! Events, logs, programs in containers.

use super::{client, container, created};
use crate::support::place::everywhere;
use futures_util::{Stream, StreamExt};
use stack::engine::{ContainerEvent, EngineError, ExecSpec, LogRequest};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Waits for an event; one that does not come is a failure, not a hang.
pub(super) async fn until(
    events: &mut (impl Stream<Item = Result<ContainerEvent, EngineError>> + Unpin),
    mut wanted: impl FnMut(&ContainerEvent) -> bool,
) -> ContainerEvent {
    let mut seen = Vec::new();
    let found = tokio::time::timeout(Duration::from_secs(20), async {
        while let Some(event) = events.next().await {
            let event = event.unwrap();
            if wanted(&event) {
                return Some(event);
            }
            seen.push(event.action);
        }
        None
    });
    match found.await {
        Ok(Some(event)) => event,
        other => panic!("the event did not come ({other:?}); seen: {seen:?}"),
    }
}

#[test]
fn a_subscription_sees_what_happens_after_it_and_only_its_project() {
    everywhere(async |place| {
        let engine = client(place);
        let id = created(place, "exit 4");
        let mut events = engine.container_events(Some(&place.unique)).await.unwrap();
        let mut others = engine.container_events(Some("hf-some-other-project")).await.unwrap();
        engine.start_container(&id, "x").await.unwrap();
        let start = until(&mut events, |event| event.action == "start").await;
        assert_eq!(start.id, id);
        assert_eq!(start.attributes["com.docker.compose.service"], "web");
        let die = until(&mut events, |event| event.action == "die").await;
        assert_eq!(die.attributes["exitCode"], "4");
        assert!(die.time_nano > start.time_nano);
        let silence = tokio::time::timeout(Duration::from_millis(50), others.next()).await;
        assert!(silence.is_err(), "{silence:?}");
    });
}

#[test]
fn a_program_in_a_container_is_heard_and_its_exit_code_known() {
    everywhere(async |place| {
        let engine = client(place);
        let id = container(place, "sleep 1000");
        let command = ["sh", "-c", "echo out $WORD; echo err >&2; exit 7"].map(ToOwned::to_owned).to_vec();
        let spec = ExecSpec { command, environment: vec!["WORD=yes".to_owned()], ..ExecSpec::default() };
        let mut session = engine.exec(&id, "x", &spec).await.unwrap().unwrap();
        let mut chunks = Vec::new();
        while let Some(chunk) = session.output.next().await {
            let chunk = chunk.unwrap();
            chunks.push((chunk.stderr, String::from_utf8_lossy(&chunk.bytes).into_owned()));
        }
        chunks.sort();
        assert_eq!(chunks, [(false, "out yes\n".to_owned()), (true, "err\n".to_owned())]);
        assert_eq!(engine.exec_exit_code(&session.id).await.unwrap(), 7);
        let run = engine.run_in_container(&id, "x", spec).await.unwrap();
        assert_eq!(run.exit_code, 7);
    });
}

#[test]
fn a_programs_input_goes_through_the_upgraded_connection() {
    everywhere(async |place| {
        let engine = client(place);
        let id = container(place, "sleep 1000");
        let spec = ExecSpec { command: vec!["cat".to_owned()], stdin: true, ..ExecSpec::default() };
        let mut session = engine.exec(&id, "x", &spec).await.unwrap().unwrap();
        session.input.write_all(b"to and fro").await.unwrap();
        session.input.shutdown().await.unwrap();
        let mut output = Vec::new();
        while let Some(chunk) = session.output.next().await {
            output.extend_from_slice(&chunk.unwrap().bytes);
        }
        assert_eq!(output, b"to and fro");
        // The connection is not an HTTP one any more: the next question needs another, and works.
        assert_eq!(engine.exec_exit_code(&session.id).await.unwrap(), 0);
    });
}

#[test]
fn a_program_in_a_container_that_does_not_run_is_refused() {
    everywhere(async |place| {
        let engine = client(place);
        let id = created(place, "sleep 1000");
        let spec = ExecSpec { command: vec!["true".to_owned()], ..ExecSpec::default() };
        let error = engine.exec(&id, "x", &spec).await.err().unwrap();
        assert_eq!(error.message, format!("container {id} is not running"));
    });
}

#[test]
fn a_log_keeps_its_two_streams_apart_and_can_be_cut_to_its_end() {
    everywhere(async |place| {
        let engine = client(place);
        let mut events = engine.container_events(Some(&place.unique)).await.unwrap();
        let id = container(place, "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three");
        until(&mut events, |event| event.action == "die").await;
        let read = async |request: LogRequest| {
            let mut lines = Vec::new();
            let mut log = engine.logs(&id, &request);
            while let Some(chunk) = log.next().await {
                let chunk = chunk.unwrap();
                lines.push((chunk.stderr, String::from_utf8_lossy(&chunk.bytes).into_owned()));
            }
            lines
        };
        let expect =
            [(false, "one\n"), (true, "two\n"), (false, "three\n")].map(|(err, text)| (err, text.to_owned()));
        assert_eq!(read(LogRequest::default()).await, expect);
        assert_eq!(read(LogRequest { tail: Some(1), ..LogRequest::default() }).await, expect[2..]);
        let timed = read(LogRequest { timestamps: true, ..LogRequest::default() }).await;
        assert!(timed[0].1.starts_with("20") && timed[0].1.ends_with("Z one\n"), "{timed:?}");
        assert_eq!(engine.last_log_lines(&id, 2).await.unwrap(), ["two", "three"]);
    });
}

#[test]
fn a_followed_log_ends_with_its_container() {
    everywhere(async |place| {
        let engine = client(place);
        let id = container(place, "echo one; sleep 0.3; echo two");
        let mut log = engine.logs(&id, &LogRequest { follow: true, ..LogRequest::default() });
        let mut text = Vec::new();
        while let Some(chunk) = log.next().await {
            text.extend_from_slice(&chunk.unwrap().bytes);
        }
        assert_eq!(String::from_utf8(text).unwrap(), "one\ntwo\n");
    });
}
