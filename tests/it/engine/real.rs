//! Every kind of call against a real engine: what only a fake has seen does not count as working.

use bollard::models::{ContainerCreateBody, NetworkCreateRequest, VolumeCreateRequest};
use bytes::Bytes;
use futures_util::StreamExt;
use stack::engine::{
    Address, BuildSpec, Endpoints, Engine, EngineErrorKind, EventFilter, ExecSpec, LogRequest, OutputStream,
    WaitFor,
};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const IMAGE: &str = "busybox";

/// The engine to test with; `None` (said aloud) when none was asked for.
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a test has no caller to ask or to tell")]
async fn engine(test: &str) -> Option<Engine> {
    if std::env::var("STACK_TEST_ENGINE").as_deref() != Ok("real") {
        println!("{test}: skipped, STACK_TEST_ENGINE is not `real`");
        return None;
    }
    let host = std::env::var("DOCKER_HOST").ok();
    let engine = stack::engine::connect(&Endpoints { host, ..Endpoints::default() }).await.unwrap();
    engine.ping().await.expect("STACK_TEST_ENGINE=real needs an engine");
    Some(engine)
}

/// A name of this test's own.
fn name(test: &str) -> String {
    format!("he-{}-{test}", std::process::id())
}

fn sleeper(command: &[&str], tty: bool) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(IMAGE.to_owned()),
        cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
        tty: Some(tty),
        stop_timeout: Some(0),
        ..ContainerCreateBody::default()
    }
}

/// Creates a container, whatever an earlier run left under its name.
async fn create(engine: &Engine, name: &str, body: ContainerCreateBody) -> String {
    engine.remove_container(name, name, true, true).await.unwrap();
    engine.create_container(name, None, body).await.unwrap()
}

async fn text(mut output: OutputStream) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(chunk) = output.next().await {
        let chunk = chunk.unwrap();
        if chunk.stderr { &mut err } else { &mut out }.extend_from_slice(&chunk.bytes);
    }
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[tokio::test]
async fn a_container_lives_and_ends_and_repeated_starts_and_stops_are_no_failure() {
    let Some(engine) = engine("life").await else { return };
    let name = name("life");
    let id = create(&engine, &name, sleeper(&["sleep", "60"], false)).await;
    let taken = engine.create_container(&name, None, sleeper(&["true"], false)).await.unwrap_err();
    assert_eq!(taken.kind, EngineErrorKind::Conflict);
    engine.start_container(&id, &name).await.unwrap();
    engine.start_container(&id, &name).await.unwrap();
    assert!(!engine.list_processes(&id, &name).await.unwrap().rows.is_empty());
    engine.pause_container(&id, &name).await.unwrap();
    engine.unpause_container(&id, &name).await.unwrap();
    engine.rename_container(&id, &format!("{name}-b")).await.unwrap();
    engine.restart_container(&id, &name, Some(0)).await.unwrap();
    engine.stop_container(&id, &name, Some(0)).await.unwrap();
    engine.stop_container(&id, &name, Some(0)).await.unwrap();
    assert_eq!(engine.container_state(&id, "it").await.unwrap().state.status, "exited");
    let killed = engine.kill_container(&id, &name, "KILL").await.unwrap_err();
    assert_eq!(killed.kind, EngineErrorKind::Conflict);
    engine.remove_container(&id, &name, false, true).await.unwrap();
    engine.remove_container(&id, &name, false, true).await.unwrap();
    assert_eq!(engine.start_container(&id, &name).await.unwrap_err().kind, EngineErrorKind::NotFound);
}

#[tokio::test]
async fn a_wait_returns_the_exit_code_whatever_it_is() {
    let Some(engine) = engine("wait").await else { return };
    for code in [0, 7, 255] {
        let name = name(&format!("wait{code}"));
        let id = create(&engine, &name, sleeper(&["sh", "-c", &format!("exit {code}")], false)).await;
        let (seen, started) = tokio::join!(
            engine.wait_container(&id, &name, WaitFor::NextExit),
            engine.start_container(&id, &name)
        );
        started.unwrap();
        assert_eq!(seen.unwrap(), code);
        assert_eq!(engine.wait_container(&id, &name, WaitFor::NotRunning).await.unwrap(), code);
        engine.remove_container(&id, &name, true, true).await.unwrap();
    }
    let missing = engine.wait_container("he-none", "he-none", WaitFor::NotRunning).await.unwrap_err();
    assert_eq!(missing.kind, EngineErrorKind::NotFound);
}

#[tokio::test]
async fn logs_keep_streams_apart_and_honour_tail_and_since() {
    let Some(engine) = engine("logs").await else { return };
    let name = name("logs");
    let id = create(&engine, &name, sleeper(&["sh", "-c", "echo a; echo b >&2; echo c"], false)).await;
    engine.start_container(&id, &name).await.unwrap();
    engine.wait_container(&id, &name, WaitFor::NotRunning).await.unwrap();
    let all = text(Box::pin(engine.logs(&id, &LogRequest { follow: true, ..LogRequest::default() }))).await;
    assert_eq!(all, ("a\nc\n".to_owned(), "b\n".to_owned()));
    assert_eq!(engine.last_log_lines(&id, 1).await.unwrap().len(), 1);
    let stamped = LogRequest { timestamps: true, tail: Some(1), ..LogRequest::default() };
    let (out, err) = text(Box::pin(engine.logs(&id, &stamped))).await;
    let line = out + &err;
    let (time, _) = line.split_once(' ').unwrap();
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    let late = LogRequest { since_nanos: Some(4_000_000_000_000_000_000), ..LogRequest::default() };
    assert_eq!(text(Box::pin(engine.logs(&id, &late))).await, (String::new(), String::new()));
    engine.remove_container(&id, &name, true, true).await.unwrap();
}

#[tokio::test]
async fn what_a_terminal_shows_comes_bare_and_without_waiting_for_a_line_end() {
    let Some(engine) = engine("tty").await else { return };
    let name = name("tty");
    let mut body = sleeper(&["sh", "-c", "printf '\\001> '; read x"], true);
    body.open_stdin = Some(true);
    let id = create(&engine, &name, body).await;
    let mut attached = engine.attach_container(&id, &name, true, true, "").await.unwrap();
    engine.start_container(&id, &name).await.unwrap();
    let mut shown = Vec::new();
    while shown.len() < 3 {
        let chunk = tokio::time::timeout(Duration::from_secs(20), attached.output.next()).await.unwrap();
        shown.extend_from_slice(&chunk.unwrap().unwrap().bytes);
    }
    assert_eq!(shown, b"\x01> ");
    engine.stop_container(&id, &name, Some(0)).await.unwrap();
    let log = text(Box::pin(engine.logs(&id, &LogRequest::default()))).await;
    assert_eq!(log, ("\u{1}> ".to_owned(), String::new()));
    engine.remove_container(&id, &name, true, true).await.unwrap();
}

#[tokio::test]
async fn attach_carries_input_and_output_and_closing_the_input_is_its_end() {
    let Some(engine) = engine("attach").await else { return };
    let name = name("attach");
    let mut body = sleeper(&["cat"], false);
    body.open_stdin = Some(true);
    body.stdin_once = Some(true);
    let id = create(&engine, &name, body).await;
    let mut attached = engine.attach_container(&id, &name, false, true, "").await.unwrap();
    engine.start_container(&id, &name).await.unwrap();
    attached.input.write_all(b"over the wire\n").await.unwrap();
    attached.input.shutdown().await.unwrap();
    assert_eq!(text(attached.output).await, ("over the wire\n".to_owned(), String::new()));
    assert_eq!(engine.wait_container(&id, &name, WaitFor::NotRunning).await.unwrap(), 0);
    engine.remove_container(&id, &name, true, true).await.unwrap();
}

#[tokio::test]
async fn exec_runs_with_streams_codes_input_and_terminals() {
    let Some(engine) = engine("exec").await else { return };
    let name = name("exec");
    let id = create(&engine, &name, sleeper(&["sleep", "60"], false)).await;
    engine.start_container(&id, &name).await.unwrap();
    let words = |command: &str| vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()];
    let environment = vec!["A=1".to_owned()];
    let spec = ExecSpec {
        command: words("echo out$A; echo err >&2; pwd; exit 3"),
        environment,
        working_dir: "/tmp".to_owned(),
        ..ExecSpec::default()
    };
    let session = engine.exec(&id, &name, &spec).await.unwrap().unwrap();
    assert_eq!(text(session.output).await, ("out1\n/tmp\n".to_owned(), "err\n".to_owned()));
    assert_eq!(engine.exec_exit_code(&session.id).await.unwrap(), 3);

    let spec = ExecSpec { command: vec!["cat".to_owned()], stdin: true, ..ExecSpec::default() };
    let mut session = engine.exec(&id, &name, &spec).await.unwrap().unwrap();
    let big = vec![b'x'; 1 << 20];
    let (sent, read) = tokio::join!(
        async {
            session.input.write_all(&big).await.unwrap();
            session.input.shutdown().await
        },
        text(session.output)
    );
    sent.unwrap();
    assert_eq!(read.0.len(), big.len());

    let spec = ExecSpec { command: words("stty size; printf '\\001'"), tty: true, ..ExecSpec::default() };
    let spec = ExecSpec { command: words(&format!("sleep 0.3; {}", spec.command[2])), ..spec };
    let session = engine.exec(&id, &name, &spec).await.unwrap().unwrap();
    engine.resize_exec(&session.id, 33, 77).await.unwrap();
    assert_eq!(text(session.output).await.0, "33 77\r\n\u{1}");

    let spec = ExecSpec { command: words("true"), detach: true, ..ExecSpec::default() };
    assert!(engine.exec(&id, &name, &spec).await.unwrap().is_none());
    engine.stop_container(&id, &name, Some(0)).await.unwrap();
    let stopped = engine.exec(&id, &name, &spec).await.err().unwrap();
    assert_eq!(stopped.kind, EngineErrorKind::Conflict);
    engine.remove_container(&id, &name, true, true).await.unwrap();
}

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(content.len()).unwrap());
        header.set_mode(0o640);
        header.set_uid(12);
        archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn files_go_into_a_container_that_was_never_started_and_come_back() {
    let Some(engine) = engine("archive").await else { return };
    let name = name("archive");
    let id = create(&engine, &name, sleeper(&["true"], false)).await;
    let archive = tar(&[("a.txt", "hello")]);
    let pieces: Vec<_> = archive.chunks(100).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let stream = Box::pin(futures_util::stream::iter(pieces));
    engine.upload_stream(&id, &name, "/tmp", stream, true).await.unwrap();
    engine.upload(&id, &name, "/tmp", tar(&[("b.txt", "again")])).await.unwrap();
    let stat = engine.stat_path(&id, &name, "/tmp/a.txt").await.unwrap();
    assert_eq!((stat.name.as_str(), stat.size, stat.is_dir()), ("a.txt", 5, false));
    let (stat, mut stream) = engine.get_archive(&id, &name, "/tmp").await.unwrap();
    assert!(stat.is_dir());
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    let mut archive = tar::Archive::new(bytes.as_slice());
    let names: Vec<_> =
        archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let missing = engine.get_archive(&id, &name, "/none").await.err().unwrap();
    assert_eq!(missing.kind, EngineErrorKind::NotFound);
    engine.remove_container(&id, &name, true, true).await.unwrap();
}

#[tokio::test]
async fn networks_and_volumes_are_refused_while_they_are_used() {
    let Some(engine) = engine("used").await else { return };
    let name = name("used");
    engine.remove_container(&name, &name, true, true).await.unwrap();
    engine.remove_network(&name, &name).await.unwrap();
    let labels = HashMap::from([("he.test".to_owned(), name.clone())]);
    let body =
        NetworkCreateRequest { name: name.clone(), labels: Some(labels.clone()), ..Default::default() };
    let network = engine.create_network(body.clone()).await.unwrap();
    engine
        .create_volume(VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(labels),
            ..Default::default()
        })
        .await
        .unwrap();
    let label = [format!("he.test={name}")];
    assert_eq!(engine.list_networks(&label).await.unwrap().len(), 1);
    assert_eq!(engine.list_volumes(&label).await.unwrap().len(), 1);
    let mut body = sleeper(&["sleep", "60"], false);
    body.host_config =
        Some(bollard::models::HostConfig { binds: Some(vec![format!("{name}:/v")]), ..Default::default() });
    let id = create(&engine, &name, body).await;
    engine.start_container(&id, &name).await.unwrap();
    engine.connect_network(&network, &id, bollard::models::EndpointSettings::default()).await.unwrap();
    let rows = engine.list_containers(&[]).await.unwrap();
    let row = rows.iter().find(|row| row.id == id).unwrap();
    // Podman names the network here.
    let listed = &row.network_settings.networks[&name].network_id;
    assert!(*listed == network || engine.is_podman() && *listed == name, "{listed}");
    assert_eq!((row.mounts[0].name.as_str(), row.mounts[0].destination.as_str()), (name.as_str(), "/v"));
    // Podman 4 does not count a container that joined while it ran.
    if engine.is_podman() {
        engine.remove_container(&id, &name, true, true).await.unwrap();
        engine.remove_network(&network, &name).await.unwrap();
        return engine.remove_volume(&name).await.unwrap();
    }
    assert_eq!(engine.remove_network(&network, &name).await.unwrap_err().kind, EngineErrorKind::Denied);
    assert_eq!(engine.remove_volume(&name).await.unwrap_err().kind, EngineErrorKind::Conflict);
    engine.disconnect_network(&network, &id).await.unwrap();
    engine.remove_network(&network, &name).await.unwrap();
    engine.remove_network(&network, &name).await.unwrap();
    engine.remove_container(&id, &name, true, false).await.unwrap();
    engine.remove_volume(&name).await.unwrap();
    engine.remove_volume(&name).await.unwrap();
}

#[tokio::test]
async fn events_of_one_label_arrive_in_order_from_the_moment_of_asking() {
    let Some(engine) = engine("events").await else { return };
    let name = name("events");
    engine.remove_container(&name, &name, true, true).await.unwrap();
    let filter = EventFilter {
        labels: vec![format!("he.test={name}")],
        kinds: vec!["container".to_owned()],
        ..EventFilter::default()
    };
    let events = engine.events(&filter).await.unwrap();
    let mut body = sleeper(&["sh", "-c", "exit 4"], false);
    body.labels = Some(HashMap::from([("he.test".to_owned(), name.clone())]));
    let id = create(&engine, &name, body).await;
    engine.start_container(&id, &name).await.unwrap();
    engine.wait_container(&id, &name, WaitFor::NotRunning).await.unwrap();
    engine.remove_container(&id, &name, true, true).await.unwrap();
    let wanted = |action: &str| ["create", "start", "die", "destroy"].contains(&action);
    let seen: Vec<_> = tokio::time::timeout(
        Duration::from_secs(20),
        events
            .map(Result::unwrap)
            .filter(|event| std::future::ready(wanted(&event.action)))
            .take(4)
            .collect::<Vec<_>>(),
    )
    .await
    .unwrap();
    let actions: Vec<_> = seen.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["create", "start", "die", "destroy"]);
    assert_eq!(seen[2].attributes["exitCode"], "4");
    assert!(seen.iter().all(|event| event.id == id && event.time_nano > 0));
}

#[tokio::test]
async fn a_build_tells_its_steps_takes_arguments_and_reports_the_step_that_fails() {
    let Some(engine) = engine("build").await else { return };
    let image = format!("{}:1", name("build"));
    let context = |dockerfile: &str| futures_util::stream::iter([Bytes::from(tar(&[("D", dockerfile)]))]);
    let spec = BuildSpec {
        tags: vec![image.clone(), image.replace(":1", ":2")],
        dockerfile: "D".to_owned(),
        args: HashMap::from([("WORD".to_owned(), "spoken & done".to_owned())]),
        labels: HashMap::from([("he.test".to_owned(), image.clone())]),
        // A layer that an earlier run left would say nothing.
        no_cache: true,
        extra_hosts: vec!["one:10.0.0.1".to_owned(), "two:10.0.0.2".to_owned()],
        ..BuildSpec::default()
    };
    let mut lines = Vec::new();
    let good = format!("FROM {IMAGE}\nARG WORD\nRUN echo \"$WORD\" && grep -c '10.0.0.[12]' /etc/hosts\n");
    engine.build_image(&spec, context(&good), |line| lines.push(line.0)).await.unwrap();
    assert!(lines.iter().any(|line| line == "spoken & done"), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "2"), "both hosts: {lines:#?}");
    for tag in &spec.tags {
        // Docker only shows the tags that were asked for; Podman shows all, with the registry spelled out.
        let rows = engine.list_images(std::slice::from_ref(tag)).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].repo_tags.iter().any(|shown| shown.ends_with(tag)), "{:?}", rows[0].repo_tags);
    }
    assert_eq!(engine.list_images_by_label(&[format!("he.test={image}")]).await.unwrap().len(), 1);
    engine.remove_image(&image, false).await.unwrap();
    engine.remove_image(&image.replace(":1", ":2"), false).await.unwrap();
    engine.remove_image(&image, false).await.unwrap();
    let bad = format!("FROM {IMAGE}\nRUN exit 9\n");
    let error = engine.build_image(&spec, context(&bad), |_| ()).await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Server);
    assert!(error.message.contains('9'), "{error}");
}

#[tokio::test]
async fn a_pull_that_no_registry_can_serve_is_an_error() {
    let Some(engine) = engine("pull").await else { return };
    let error = engine.pull_image("127.0.0.1:1/he/none:1", None, |_| ()).await.unwrap_err();
    assert_eq!(error.subject, "image `127.0.0.1:1/he/none:1`");
}

#[tokio::test]
async fn one_sample_of_statistics_and_what_the_engine_is() {
    let Some(engine) = engine("stats").await else { return };
    let name = name("stats");
    let id = create(&engine, &name, sleeper(&["sleep", "60"], false)).await;
    engine.start_container(&id, &name).await.unwrap();
    let mut stats = engine.container_stats(&id, &name, false).await.unwrap();
    let sample = tokio::time::timeout(Duration::from_secs(20), stats.next()).await.unwrap().unwrap().unwrap();
    assert!(sample.get("memory_stats").is_some());
    engine.remove_container(&id, &name, true, true).await.unwrap();
    let version = engine.version().await.unwrap();
    assert!(!version.version.is_empty() && !version.api_version.is_empty());
    assert!(engine.info().await.unwrap().get("NCPU").is_some());
    assert!(matches!(engine.address(), Address::Unix(_) | Address::Tcp(_) | Address::Ssh(_)));
}
