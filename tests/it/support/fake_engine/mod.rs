//! The engine in memory behind a real socket: HTTP/1.1 as the daemon speaks it, with faults on demand and a record of what
//! was asked.
//!
//! In: requests on a temporary Unix socket, with and without `/v1.NN`. Out: answers, streams and upgraded connections.
//! Deliberately absent: the state itself and its rules, which are the [`World`]'s. It has a thread and a runtime of its own,
//! so that tests may block. Start reading at [`FakeEngine::start`].

mod faults;
mod routes;
mod streams;

pub use faults::{Fault, Recorded, matches};

use super::world::World;
use bytes::Bytes;
use faults::Trap;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// An answer's body.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A running fake engine; it ends when this is dropped.
pub struct FakeEngine {
    /// Where it listens.
    pub socket: PathBuf,
    /// Its state, to look at or to change behind the back of whoever is connected.
    pub world: Arc<Mutex<World>>,
    shared: Arc<Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// What all connections share.
struct Shared {
    world: Arc<Mutex<World>>,
    /// The newest API version it says it has.
    minor: AtomicU32,
    /// It says that it is Podman's service.
    podman: AtomicBool,
    /// Follows [`World::revision`], for streams to wait on.
    revision: watch::Sender<u64>,
    traps: Mutex<Vec<Trap>>,
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    /// How many requests hang.
    hanging: (Mutex<usize>, std::sync::Condvar),
    /// How late its events are, in milliseconds.
    lag_ms: AtomicU64,
    /// What clients that are gone had asked for, and is not done yet.
    late: Mutex<Vec<routes::Asked>>,
}

/// The connection was cut: there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("cut on purpose")]
struct Cut;

impl FakeEngine {
    /// Starts an engine that has this state.
    pub fn start(world: World) -> Self {
        let folder = tempfile::Builder::new().prefix("fake-engine-").tempdir().expect("a temporary folder");
        let socket = folder.path().join("engine.sock");
        let world = Arc::new(Mutex::new(world));
        let shared = Arc::new(Shared {
            world: Arc::clone(&world),
            minor: AtomicU32::new(51),
            podman: AtomicBool::new(false),
            revision: watch::Sender::new(0),
            traps: Mutex::default(),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            hanging: Default::default(),
            lag_ms: AtomicU64::new(0),
            late: Mutex::default(),
        });
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(serving, listener) => {}
                    _ = stopped => {}
                }
            });
            // Hung requests and open streams end with it.
            runtime.shutdown_background();
        });
        Self { socket, world, shared, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    /// What `DOCKER_HOST` must say.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Says that it is older or newer than it is: `1.minor`. Rules that changed with versions follow.
    pub fn set_api_version(&self, minor: u32) {
        self.shared.minor.store(minor, Ordering::Relaxed);
    }

    /// Says from now on that it is Podman's service, on a machine where nothing runs probes.
    pub fn be_podman(&self) {
        self.shared.podman.store(true, Ordering::Relaxed);
        self.set_api_version(41);
        self.with(|world| world.no_timers = true);
    }

    /// Everything that was asked, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.requests).clone()
    }

    /// Forgets what was asked.
    pub fn forget_requests(&self) {
        lock(&self.shared.requests).clear();
    }

    /// What was asked that may have changed something, one line each.
    pub fn changes(&self) -> Vec<String> {
        self.requests().iter().filter(|one| one.is_mutating()).map(Recorded::line).collect()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Looks at the state or changes it.
    pub fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        self.shared.with(work)
    }

    /// From now on events are told so much after what they tell of.
    pub fn lag(&self, lag: Duration) {
        self.shared.lag_ms.store(u64::try_from(lag.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }

    /// Does this to the `nth` request (from 1; 0 for all) of a kind from now on. `method` may be `*` for any and
    /// `CHANGE` for any that is no question. In `pattern`, `*` stands for anything, and containers go by id or name.
    pub fn trap(&self, nth: usize, method: &str, pattern: &str, fault: Fault) {
        let trap = Trap { nth, method: method.to_owned(), pattern: pattern.to_owned(), fault, seen: 0 };
        lock(&self.shared.traps).push(trap);
    }

    /// Refuses a request.
    pub fn fail(&self, nth: usize, method: &str, pattern: &str, status: u16, message: &str) {
        self.trap(nth, method, pattern, Fault::Refuse { status, message: message.to_owned() });
    }

    /// Closes the connection without an answer, before or after doing what was asked.
    pub fn cut(&self, nth: usize, method: &str, pattern: &str, done: bool) {
        self.trap(nth, method, pattern, if done { Fault::CutAfter } else { Fault::CutBefore });
    }

    /// Never answers.
    pub fn hang(&self, nth: usize, method: &str, pattern: &str) {
        self.trap(nth, method, pattern, Fault::Hang);
    }

    /// Answers late, every time.
    pub fn delay(&self, method: &str, pattern: &str, time: Duration) {
        self.trap(0, method, pattern, Fault::Delay(time));
    }

    /// Waits so long for a request that hangs; whether there is one.
    pub fn hangs_within(&self, time: Duration) -> bool {
        let hanging = lock(&self.shared.hanging.0);
        let waited = self.shared.hanging.1.wait_timeout_while(hanging, time, |count| *count == 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 > 0
    }

    /// From now on nothing goes wrong any more.
    ///
    /// Returns whether a trap caught what it was set for.
    pub fn heal(&self) -> bool {
        let traps = std::mem::take(&mut *lock(&self.shared.traps));
        traps.iter().any(Trap::has_caught)
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _gone = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Shared {
    fn hang(&self) {
        *lock(&self.hanging.0) += 1;
        self.hanging.1.notify_all();
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Works on the state, lets time pass, and wakes the streams that have something to tell.
    fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        world.advance();
        let result = work(&mut world);
        let now = world.revision;
        self.revision.send_if_modified(|told| std::mem::replace(told, now) != now);
        result
    }
}

/// A test that panicked must not hide behind a poisoned lock.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(shared: Arc<Shared>, listener: std::os::unix::net::UnixListener) {
    let listener = UnixListener::from_std(listener).expect("a listener in the runtime");
    let mut connections = JoinSet::new();
    // Programs and probes of the containers go on although nobody asks.
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let number = shared.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&shared), number, request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .with_upgrades();
                    let _closed = connection.await;
                });
            }
            _ = tick.tick() => shared.with(|_| ()),
            Some(_) = connections.join_next() => {}
        }
    }
}

/// What a request asks for, as the routes take it.
fn asked(
    method: &str,
    path: String,
    query: &str,
    version: Option<&str>,
    body: Bytes,
    registry_auth: Option<String>,
) -> routes::Asked {
    routes::Asked {
        method: method.to_owned(),
        path,
        query: serde_urlencoded::from_str(query).unwrap_or_default(),
        minor: version.and_then(|version| version.strip_prefix("1.")?.parse().ok()),
        body,
        registry_auth,
    }
}

/// One request: recorded, then met by its fault or done.
async fn answer(
    shared: Arc<Shared>,
    connection: usize,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let at = Instant::now();
    let method = request.method().to_string();
    let (version, path) = routes::split_version(request.uri().path());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let named = routes::named(&shared.world(), &path, &query);
    // Before the body is read: a client may send it only bit by bit.
    let record = {
        let mut requests = lock(&shared.requests);
        requests.push(Recorded {
            method: method.clone(),
            path: path.clone(),
            named: named.clone(),
            query: query.clone(),
            version: version.clone(),
            connection,
            body: String::new(),
            at,
            took: None,
            status: None,
        });
        requests.len() - 1
    };
    let registry_auth = request.headers().get("x-registry-auth");
    let registry_auth = registry_auth.and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let upgrade = request.headers().contains_key("upgrade").then(|| hyper::upgrade::on(&mut request));
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let fault = {
        let mut traps = lock(&shared.traps);
        // Every trap counts, also when another one catches the request.
        let caught: Vec<bool> = traps.iter_mut().map(|trap| trap.catches(&method, &path, &named)).collect();
        traps.iter().zip(caught).find(|(_, caught)| *caught).map(|(trap, _)| trap.fault.clone())
    };
    match &fault {
        Some(Fault::CutBefore) => return Err(Cut),
        Some(Fault::Hang) => {
            shared.hang();
            std::future::pending::<()>().await;
        }
        Some(Fault::HangLate) => {
            let asked =
                asked(&method, path.clone(), &query, version.as_deref(), body.clone(), registry_auth.clone());
            lock(&shared.late).push(asked);
            shared.hang();
            std::future::pending::<()>().await;
        }
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        Some(Fault::Refuse { .. } | Fault::CutAfter | Fault::HangAfter) | None => {}
    }
    let asked = asked(&method, path, &query, version.as_deref(), body.clone(), registry_auth);
    let mut response = match &fault {
        Some(Fault::Refuse { status, message }) => routes::refusal(*status, message),
        _ => routes::route(&shared, &asked, upgrade),
    };
    if (method.as_str(), asked.path.as_str()) == ("GET", "/containers/json") {
        for late in std::mem::take(&mut *lock(&shared.late)) {
            drop(routes::route(&shared, &late, None));
        }
    }
    match fault {
        Some(Fault::CutAfter) => return Err(Cut),
        Some(Fault::HangAfter) => {
            shared.hang();
            std::future::pending::<()>().await;
        }
        Some(Fault::Refuse { .. } | Fault::CutBefore | Fault::Hang | Fault::HangLate | Fault::Delay(_))
        | None => {}
    }
    let minor = shared.minor.load(Ordering::Relaxed);
    let version = hyper::header::HeaderValue::from_str(&format!("1.{minor}")).expect("a version is a header");
    if shared.podman.load(Ordering::Relaxed) {
        let value = hyper::header::HeaderValue::from_static("4.3.1");
        response.headers_mut().insert("libpod-api-version", value);
    }
    response.headers_mut().insert("api-version", version);
    if let Some(record) = lock(&shared.requests).get_mut(record) {
        record.body = String::from_utf8_lossy(&body[..body.len().min(100_000)]).into_owned();
        record.took = Some(at.elapsed());
        record.status = Some(response.status().as_u16());
    }
    Ok(response)
}
