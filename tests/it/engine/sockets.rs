//! What the transport does when the other side is not as it should be: no daemon takes part.

use stack::engine::{Address, ApiVersion, Engine, EngineErrorKind};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

/// An engine at a socket in a folder of its own, with a short deadline.
fn engine(socket: &Path, pinned: Option<ApiVersion>) -> Engine {
    Engine::at(Address::Unix(socket.to_owned()), pinned, Duration::from_millis(100)).unwrap()
}

/// Accepts connections and answers each request with the next of `answers`; `None` is silence. Returns the heads of
/// the requests, each with the number of the connection it came on.
async fn serve(listener: UnixListener, answers: Vec<Option<String>>) -> Vec<(usize, String)> {
    let mut answers = answers.into_iter();
    let mut heads = Vec::new();
    let mut silent = Vec::new();
    let mut number = 0;
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        number += 1;
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_closed) => break,
                }
            }
            if head.is_empty() {
                break;
            }
            heads.push((number, String::from_utf8(head).unwrap()));
            let Some(answer) = answers.next() else { return heads };
            let Some(text) = answer else {
                silent.push(stream);
                break;
            };
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    }
}

fn answer(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn first_line(head: &(usize, String)) -> (usize, &str) {
    (head.0, head.1.lines().next().unwrap())
}

#[tokio::test]
async fn a_missing_socket_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let error = engine(&folder.path().join("none.sock"), None).ping().await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Unreachable);
}

#[tokio::test]
async fn a_socket_nobody_listens_on_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("dead.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let error = engine(&socket, None).ping().await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Unreachable);
}

#[tokio::test]
async fn an_engine_that_accepts_and_never_answers_times_out_also_for_calls_that_may_take_long() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("hung.sock");
    // Bound and never accepted: the kernel takes the connection all the same.
    let _listener = UnixListener::bind(&socket).unwrap();
    let engine = engine(&socket, None);
    let question = engine.ping().await.unwrap_err();
    let change = engine.start_container("x", "x").await.unwrap_err();
    let pull = engine.pull_image("x", None, |_| ()).await.unwrap_err();
    let kinds = [question.kind, change.kind, pull.kind];
    assert_eq!(kinds, [EngineErrorKind::TimedOut; 3]);
}

#[tokio::test]
async fn a_change_outlives_the_deadline_as_long_as_the_engine_answers_others() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("slow.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let engine = engine(&socket, None);
    // Silence for the start, signs of life for two pings, then silence: only then is the start given up.
    let server = serve(listener, vec![None, Some(answer("", "OK")), Some(answer("", "OK")), None]);
    let error = tokio::select! {
        result = engine.start_container("x", "x") => result.unwrap_err(),
        heads = server => panic!("the last silence has no end: {heads:?}"),
    };
    assert_eq!(error.kind, EngineErrorKind::TimedOut);
    let asked: Vec<_> = engine.requests().into_iter().map(|(_, path)| path).collect();
    assert_eq!(asked, ["/containers/x/start", "/_ping", "/_ping", "/_ping"]);
}

#[tokio::test]
async fn the_version_is_learned_from_the_first_answer_and_connections_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("old.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let engine = engine(&socket, None);
    let server = serve(listener, vec![Some(answer("Api-Version: 1.41\r\n", "[]")), Some(answer("", "[]"))]);
    let client = async {
        assert_eq!(engine.list_containers(&[]).await.unwrap().len(), 0);
        assert_eq!(engine.list_networks(&[]).await.unwrap().len(), 0);
        engine.ping().await.unwrap_err();
    };
    let (heads, ()) = tokio::join!(server, client);
    let lines: Vec<_> = heads.iter().map(first_line).collect();
    assert_eq!(
        lines,
        [
            (1, "GET /containers/json?all=true&filters=%7B%7D HTTP/1.1"),
            (1, "GET /v1.41/networks HTTP/1.1"),
            (1, "GET /v1.41/_ping HTTP/1.1")
        ]
    );
    assert!(heads[0].1.contains(concat!("user-agent: stack/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn an_engine_newer_than_us_is_spoken_to_in_our_newest_version() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("new.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let engine = engine(&socket, None);
    let server = serve(listener, vec![Some(answer("Api-Version: 1.99\r\n", "[]"))]);
    let client = async {
        engine.list_networks(&[]).await.unwrap();
        engine.ping().await.unwrap_err();
    };
    let (heads, ()) = tokio::join!(server, client);
    let newest = format!("GET /v{}/_ping HTTP/1.1", ApiVersion::NEWEST);
    assert_eq!(first_line(&heads[1]), (1, newest.as_str()));
}

#[tokio::test]
async fn a_pinned_version_is_used_from_the_first_request_whatever_the_engine_offers() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("pinned.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let engine = engine(&socket, ApiVersion::parse("1.43"));
    let server = serve(listener, vec![Some(answer("Api-Version: 1.50\r\n", "[]"))]);
    let client = async {
        engine.list_networks(&[]).await.unwrap();
        engine.ping().await.unwrap_err();
    };
    let (heads, ()) = tokio::join!(server, client);
    let lines: Vec<_> = heads.iter().map(first_line).collect();
    assert_eq!(lines, [(1, "GET /v1.43/networks HTTP/1.1"), (1, "GET /v1.43/_ping HTTP/1.1")]);
}

#[tokio::test]
async fn a_refusal_keeps_the_engine_s_words_and_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("no.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let engine = engine(&socket, None);
    let body = r#"{"message":"it's busy"}"#;
    let refusal = format!("HTTP/1.1 409 Conflict\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = serve(listener, vec![Some(refusal)]);
    let client = async {
        let error = engine.kill_container("x", "p-x-1", "KILL").await.unwrap_err();
        assert_eq!(error.kind, EngineErrorKind::Conflict);
        assert_eq!(error.to_string(), "cannot kill container `p-x-1`: it's busy");
        engine.ping().await.unwrap_err();
    };
    tokio::join!(server, client);
}

#[tokio::test]
async fn an_answer_that_is_no_json_or_is_cut_is_an_error_not_an_empty_list() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("junk.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let engine = engine(&socket, None);
    let server = serve(listener, vec![Some(answer("", "<html>"))]);
    let client = async {
        assert_eq!(engine.list_networks(&[]).await.unwrap_err().kind, EngineErrorKind::Unexpected);
        // The server leaves while this one is under way.
        assert_eq!(engine.list_networks(&[]).await.unwrap_err().kind, EngineErrorKind::Unreachable);
    };
    tokio::join!(server, client);
}
