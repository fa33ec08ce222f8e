//! The bare engine: only the calls that cannot be left out, sent as fast as the engine takes them.

use futures_util::StreamExt;
use stack::engine::{Address, Engine};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const AT_ONCE: usize = 16;

/// The engine's socket; `None` when `DOCKER_HOST` is something else.
pub fn socket() -> Option<PathBuf> {
    match std::env::var("DOCKER_HOST") {
        Ok(host) => host.strip_prefix("unix://").map(PathBuf::from),
        Err(_) => Some(PathBuf::from("/var/run/docker.sock")),
    }
}

fn engine() -> Engine {
    let socket = socket().unwrap_or_else(|| PathBuf::from("/var/run/docker.sock"));
    Engine::at(Address::Unix(socket), None, Duration::from_mins(1)).expect("an address that can be used")
}

fn timed(work: impl AsyncFnOnce(Engine)) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let started = Instant::now();
    runtime.block_on(work(engine()));
    started.elapsed()
}

/// Whether there is an engine to measure.
pub fn answers() -> bool {
    let mut answered = false;
    timed(async |engine| answered = engine.ping().await.is_ok());
    answered
}

fn body(project: &str, number: usize) -> serde_json::Value {
    serde_json::json!({
        "Image": "busybox", "Cmd": ["sleep", "infinity"], "Labels": {"bench": project, "number": number.to_string()},
        "HostConfig": {"NetworkMode": format!("{project}_default")},
    })
}

async fn create_and_start(engine: &Engine, project: &str, name: &str, number: usize) {
    let body = serde_json::from_value(body(project, number)).expect("a body");
    let id = engine.create_container(name, None, body).await.expect("created");
    engine.start_container(&id, name).await.expect("started");
}

/// A network, and `count` containers created and started.
pub fn up(project: &str, count: usize) -> Duration {
    timed(async |engine| {
        let network = serde_json::json!({"Name": format!("{project}_default"), "Labels": {"bench": project}});
        engine.create_network(serde_json::from_value(network).expect("a body")).await.expect("a network");
        futures_util::stream::iter(1..=count)
            .for_each_concurrent(AT_ONCE, |number| {
                let engine = engine.clone();
                async move { create_and_start(&engine, project, &format!("{project}-s{number}-1"), number).await }
            })
            .await;
    })
}

/// One list.
pub fn look(project: &str) -> Duration {
    timed(async |engine| {
        engine.list_containers(&[format!("bench={project}")]).await.expect("a list");
    })
}

/// The first container by another one.
pub fn replace_first(project: &str) -> Duration {
    timed(async |engine| {
        let label = [format!("bench={project}"), "number=1".to_owned()];
        let rows = engine.list_containers(&label).await.expect("a list");
        let name = format!("{project}-s1-1");
        for row in rows {
            engine.remove_container(&row.id, &name, true, false).await.expect("removed");
        }
        create_and_start(&engine, project, &name, 1).await;
    })
}

/// Everything removed.
pub fn down(project: &str) -> Duration {
    timed(async |engine| {
        let rows = engine.list_containers(&[format!("bench={project}")]).await.expect("a list");
        futures_util::stream::iter(rows)
            .for_each_concurrent(AT_ONCE, |row| {
                let engine = engine.clone();
                async move { engine.remove_container(&row.id, &row.id, true, false).await.expect("removed") }
            })
            .await;
        let name = format!("{project}_default");
        engine.remove_network(&name, &name).await.expect("removed");
    })
}

/// The process of a container, by its name.
pub fn pid(container: &str) -> Option<i64> {
    let mut pid = None;
    timed(async |engine| {
        let found = engine.inspect_container(container).await.ok();
        pid = found.and_then(|found| found.state).and_then(|state| state.pid).filter(|pid| *pid > 0);
    });
    pid
}

/// How long until a container of this name runs in another process than `old`. Asked every 10 ms: often enough to tell, and
/// not so often that the engine has nothing else to do.
pub fn until_replaced(container: &str, old: Option<i64>) -> Duration {
    timed(async |engine| {
        loop {
            let found = engine.inspect_container(container).await.ok();
            let pid = found.and_then(|found| found.state).and_then(|state| state.pid).filter(|pid| *pid > 0);
            if pid.is_some() && pid != old {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
}

/// A folder's files sent to a container in one archive.
pub fn upload(container: &str, folder: &Path, target: &str) -> Duration {
    timed(async |engine| {
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_dir_all(target.trim_start_matches('/'), folder).expect("an archive");
        let bytes = archive.into_inner().expect("an archive");
        engine.upload(container, container, "/", bytes).await.expect("uploaded");
    })
}
