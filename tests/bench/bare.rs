//! The bare engine: only the calls that cannot be left out, sent as fast as the engine takes them, by a process that does
//! nothing else. Whole processes are compared with it, so it has to be one: this program again, asked for one step.

use futures_util::StreamExt;
use stack::engine::{Address, Engine};
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// A step of the main job.
#[derive(Clone, Copy)]
pub enum Step {
    Up,
    Look,
    Unchanged,
    ReplaceFirst,
    Down,
    /// Up, and everything stopped and removed.
    Test,
}

const WORDS: [(&str, Step); 6] = [
    ("bare-up", Step::Up),
    ("bare-look", Step::Look),
    ("bare-unchanged", Step::Unchanged),
    ("bare-replace-first", Step::ReplaceFirst),
    ("bare-down", Step::Down),
    ("bare-test", Step::Test),
];

/// The command that does a step for a project of `count` containers.
pub fn command(step: Step, count: usize) -> Command {
    let word = WORDS.iter().find(|(_, known)| std::mem::discriminant(known) == std::mem::discriminant(&step));
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(word.expect("it has a word").0).arg(count.to_string());
    command
}

/// Does a step when this process was started for one; else `false`.
pub fn is_step() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let step = words.first().and_then(|word| WORDS.iter().find(|(known, _)| known == word));
    let Some((_, step)) = step else { return false };
    let count = words.get(1).and_then(|count| count.parse().ok()).expect("a count");
    match step {
        Step::Up => up("bench", count),
        Step::Look => look("bench"),
        Step::Unchanged => unchanged("bench"),
        Step::ReplaceFirst => replace_first("bench"),
        Step::Down => down("bench"),
        Step::Test => up("bench", count) + stopped_and_removed("bench"),
    };
    true
}

fn body(project: &str, number: usize) -> serde_json::Value {
    serde_json::json!({
        "Image": "busybox", "Cmd": ["sleep", "infinity"], "Labels": {"bench": project, "number": number.to_string()},
        "StopSignal": "SIGKILL", "HostConfig": {"NetworkMode": format!("{project}_default")},
    })
}

async fn create_and_start(engine: &Engine, project: &str, name: &str, number: usize) {
    let body = serde_json::from_value(body(project, number)).expect("a body");
    let id = engine.create_container(name, None, body).await.expect("created");
    engine.start_container(&id, name).await.expect("started");
}

/// A network, and `count` containers created and started.
fn up(project: &str, count: usize) -> Duration {
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

/// What tells that nothing has changed: the containers and their networks.
fn unchanged(project: &str) -> Duration {
    timed(async |engine| {
        let labels = [format!("bench={project}")];
        let (containers, networks) =
            futures_util::join!(engine.list_containers(&labels), engine.list_networks(&[]));
        containers.and(networks.map(drop)).expect("lists");
    })
}

/// One list.
fn look(project: &str) -> Duration {
    timed(async |engine| {
        engine.list_containers(&[format!("bench={project}")]).await.expect("a list");
    })
}

/// The first container by another one.
fn replace_first(project: &str) -> Duration {
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
fn down(project: &str) -> Duration {
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

/// Everything stopped, and removed.
fn stopped_and_removed(project: &str) -> Duration {
    timed(async |engine| {
        let rows = engine.list_containers(&[format!("bench={project}")]).await.expect("a list");
        futures_util::stream::iter(rows)
            .for_each_concurrent(AT_ONCE, |row| {
                let engine = engine.clone();
                async move {
                    engine.stop_container(&row.id, &row.id, None).await.expect("stopped");
                    engine.remove_container(&row.id, &row.id, false, true).await.expect("removed");
                }
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
