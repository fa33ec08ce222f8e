//! Our own HTTP client under bollard: pooled connections, versioned paths, deadlines, a record of requests.
//!
//! bollard 0.21 opens a connection for each request and leaves the API version out of the path. This transport keeps
//! connections, learns the engine's version from the first answer's `Api-Version` header (a question of its own would cost a
//! round trip) and puts the agreed version into every path after it.

use super::ssh::{self, Host};
use bollard::errors::Error;
use bollard::{BollardRequest, Docker};
use bytes::Bytes;
use futures_util::Stream;
use http_body_util::{Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// bollard's request body, written out because bollard keeps its name private.
type Body = Either<Full<Bytes>, StreamBody<Frames>>;

/// A body that is not known at once.
pub(super) type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, io::Error>> + Send>>;

/// How long the head of an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Until the deadline.
    Deadline,
    /// As long as the engine answers others: a slow disk, a long grace period or a distant registry is no dead engine.
    WhileAlive,
}

/// A version of the Engine API, `1.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion(pub u32);

impl ApiVersion {
    /// The oldest version that is spoken: Docker 20.10, Podman 4.
    pub const OLDEST: Self = Self(41);
    /// The newest version whose answers are known.
    pub const NEWEST: Self = Self(51);

    /// Reads `1.44` or `v1.44`.
    pub fn parse(text: &str) -> Option<Self> {
        let minor = text.trim().trim_start_matches('v').strip_prefix("1.")?;
        minor.parse().ok().map(Self)
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "1.{}", self.0)
    }
}

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// `host:port`, without TLS.
    Tcp(String),
    /// Another machine, by way of ssh.
    Ssh(Host),
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(formatter, "tcp://{authority}"),
            Self::Ssh(host) => host.fmt(formatter),
        }
    }
}

#[derive(Debug)]
enum Wire {
    Unix(Client<hyperlocal::UnixConnector, Body>, PathBuf),
    Tcp(Client<HttpConnector, Body>, String),
    Ssh(Client<ssh::Connector, Body>, Host),
}

impl std::fmt::Display for Wire {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(_, path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(_, authority) => write!(formatter, "tcp://{authority}"),
            Self::Ssh(_, host) => host.fmt(formatter),
        }
    }
}

/// The client that all calls to one engine share.
#[derive(Debug)]
pub(super) struct Transport {
    wire: Wire,
    /// The agreed minor version; 0 before the first answer.
    agreed: AtomicU32,
    /// What the engine said it can do; 0 before the first answer.
    offered: AtomicU32,
    /// The engine is Podman's service.
    podman: AtomicBool,
    deadline: Duration,
    requests: Mutex<Vec<(Method, String)>>,
}

impl Transport {
    pub(super) fn new(address: &Address, pinned: Option<ApiVersion>, deadline: Duration) -> Arc<Self> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_idle_timeout(Duration::from_mins(1)).pool_max_idle_per_host(64);
        let wire = match address {
            Address::Unix(path) => Wire::Unix(builder.build(hyperlocal::UnixConnector), path.clone()),
            Address::Tcp(authority) => Wire::Tcp(builder.build_http(), authority.clone()),
            Address::Ssh(host) => Wire::Ssh(builder.build(ssh::Connector(host.clone())), host.clone()),
        };
        Arc::new(Self {
            wire,
            agreed: AtomicU32::new(pinned.map_or(0, |version| version.0)),
            offered: AtomicU32::new(0),
            podman: AtomicBool::new(false),
            deadline,
            requests: Mutex::new(Vec::new()),
        })
    }

    /// A bollard client whose requests all go through this transport.
    pub(super) fn docker(self: &Arc<Self>) -> Result<Docker, Error> {
        let transport = Arc::clone(self);
        Docker::connect_with_custom_transport(
            move |request: BollardRequest| {
                let transport = Arc::clone(&transport);
                async move { transport.send(request).await }
            },
            Some("http://engine"),
            // bollard's own limit covers calls that wait for a container on purpose; ours knows which those are.
            u64::from(u32::MAX),
            bollard::API_DEFAULT_VERSION,
        )
    }

    /// The version that was agreed on; the newest known before the first answer.
    pub(super) fn version(&self) -> ApiVersion {
        match self.agreed.load(Ordering::Relaxed) {
            0 => ApiVersion::NEWEST,
            minor => ApiVersion(minor),
        }
    }

    /// How long the head of an answer to a question may take.
    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Whether the engine has ever answered.
    pub(super) fn has_answered(&self) -> bool {
        self.offered.load(Ordering::Relaxed) != 0
    }

    /// Whether the engine has said that it is Podman's service.
    pub(super) fn is_podman(&self) -> bool {
        self.podman.load(Ordering::Relaxed)
    }

    /// Method and path of every request so far, in order, without the version.
    pub(super) fn requests(&self) -> Vec<(String, String)> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|(method, path)| (method.to_string(), path.clone())).collect()
    }

    /// Sends a request and waits for the head of the answer, within its deadline. A question that was cut off, or that the
    /// engine stumbled over, is asked again: an engine that is busy with itself has mostly recovered by then.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let patience = patience(request.method(), unversioned(request.uri().path()));
        for pause in ASK_AGAIN.into_iter().filter(|_| patience == Patience::Deadline) {
            let Some(again) = copy(&request) else { break };
            match self.send_once(again, patience).await {
                Ok(answer) if !answer.status().is_server_error() => return Ok(answer),
                Ok(_) | Err(Error::HyperLegacyError { .. }) => tokio::time::sleep(pause).await,
                // Nothing listens, or nothing came within the deadline: that is not over in a moment.
                Err(error) => return Err(error),
            }
        }
        self.send_once(request, patience).await
    }

    async fn send_once(
        &self,
        request: Request<Body>,
        patience: Patience,
    ) -> Result<Response<Incoming>, Error> {
        let head = self.dispatch(request);
        let answer = match patience {
            Patience::Deadline => {
                tokio::time::timeout(self.deadline, head).await.map_err(|_elapsed| self.silent())??
            }
            Patience::WhileAlive => {
                tokio::pin!(head);
                loop {
                    match tokio::time::timeout(self.deadline, &mut head).await {
                        Ok(answer) => break answer?,
                        Err(_elapsed) => self.check_alive().await?,
                    }
                }
            }
        };
        self.learn(&answer);
        Ok(answer)
    }

    /// Asks for a sign of life; the other connections are busy, so this one is its own.
    async fn check_alive(&self) -> Result<(), Error> {
        let request = Request::get("http://engine/_ping")
            .body(Either::Left(Full::new(Bytes::new())))
            .map_err(|err| Error::HttpClientError { err })?;
        tokio::time::timeout(self.deadline, self.dispatch(request))
            .await
            .map_err(|_elapsed| self.silent())?
            .map(drop)
    }

    /// Puts version, agent and address into a request, notes it, and sends it.
    async fn dispatch(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let (mut parts, body) = request.into_parts();
        let path = unversioned(parts.uri.path()).to_owned();
        {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push((parts.method.clone(), path.clone()));
        }
        let target = match (self.agreed.load(Ordering::Relaxed), parts.uri.query()) {
            (0, None) => path.clone(),
            (0, Some(query)) => format!("{path}?{query}"),
            (minor, None) => format!("/v1.{minor}{path}"),
            (minor, Some(query)) => format!("/v1.{minor}{path}?{query}"),
        };
        parts
            .headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("stack/", env!("CARGO_PKG_VERSION"))));
        parts.headers.insert(HOST, HeaderValue::from_static("engine"));
        let answer = match &self.wire {
            Wire::Unix(client, socket) => {
                parts.uri = hyperlocal::Uri::new(socket, &target).into();
                client.request(Request::from_parts(parts, body)).await
            }
            Wire::Tcp(client, authority) => {
                parts.uri = format!("http://{authority}{target}").parse::<Uri>().unwrap_or_default();
                client.request(Request::from_parts(parts, body)).await
            }
            Wire::Ssh(client, _) => {
                parts.uri = format!("http://engine{target}").parse::<Uri>().unwrap_or_default();
                client.request(Request::from_parts(parts, body)).await
            }
        };
        answer.map_err(
            |err| {
                if err.is_connect() { self.absent(&err) } else { Error::HyperLegacyError { err } }
            },
        )
    }

    fn absent(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        let why = super::error::innermost(error);
        Error::IOError {
            err: io::Error::new(
                io::ErrorKind::NotConnected,
                format!("no engine answers at {}: {why}", self.wire),
            ),
        }
    }

    fn silent(&self) -> Error {
        let text = format!(
            "the engine at {} accepted the request and did not answer within {:?}; it may hang or be overloaded",
            self.wire, self.deadline
        );
        Error::IOError { err: io::Error::new(io::ErrorKind::TimedOut, text) }
    }

    fn learn(&self, answer: &Response<Incoming>) {
        if self.offered.load(Ordering::Relaxed) != 0 {
            return;
        }
        self.podman.store(answer.headers().contains_key("libpod-api-version"), Ordering::Relaxed);
        let header = answer.headers().get("api-version").and_then(|value| value.to_str().ok());
        if let Some(offered) = header.and_then(ApiVersion::parse) {
            self.offered.store(offered.0, Ordering::Relaxed);
            let agreed = offered.min(ApiVersion::NEWEST);
            // A version that is pinned, or that another answer settled meanwhile, stays.
            let keep_settled = |settled: u32| (settled == 0).then_some(agreed.0);
            let _settled = self.agreed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, keep_settled);
        }
    }
}

/// How long after a failure a question is asked again.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// The same request once more, where its body is known at once.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let Either::Left(body) = request.body() else { return None };
    let mut copy = Request::new(Either::Left(body.clone()));
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    Some(copy)
}

/// `/v1.44/containers/json` and `/containers/json` both to the latter.
fn unversioned(path: &str) -> &str {
    let rest =
        path.strip_prefix("/v1.").map(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// Questions are answered at once or never; a change takes as long as it takes, and some calls answer only when something
/// in a container has happened.
fn patience(method: &Method, path: &str) -> Patience {
    let last = path.rsplit('/').next().unwrap_or_default();
    let question = *method == Method::GET || *method == Method::HEAD;
    let slow = matches!(last, "archive" | "stats" | "export" | "get" | "logs" | "events" | "df" | "top");
    if question && !slow { Patience::Deadline } else { Patience::WhileAlive }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_with_and_without_v() {
        assert_eq!(ApiVersion::parse("1.44"), Some(ApiVersion(44)));
        assert_eq!(ApiVersion::parse("v1.51"), Some(ApiVersion(51)));
        assert_eq!(ApiVersion::parse("2.0"), None);
    }

    #[test]
    fn a_version_is_taken_off_a_path_and_nothing_else() {
        for (path, expect) in [
            ("/v1.44/containers/json", "/containers/json"),
            ("/containers/json", "/containers/json"),
            ("/v1.x/containers", "/v1.x/containers"),
        ] {
            assert_eq!(unversioned(path), expect);
        }
    }

    #[test]
    fn questions_have_a_deadline_and_changes_may_take_their_time() {
        let check =
            |method: Method, path: &str, expect| assert_eq!(patience(&method, path), expect, "{path}");
        check(Method::GET, "/containers/json", Patience::Deadline);
        check(Method::GET, "/_ping", Patience::Deadline);
        check(Method::GET, "/containers/x/logs", Patience::WhileAlive);
        check(Method::GET, "/events", Patience::WhileAlive);
        check(Method::POST, "/containers/create", Patience::WhileAlive);
        check(Method::POST, "/containers/x/wait", Patience::WhileAlive);
        check(Method::POST, "/images/create", Patience::WhileAlive);
    }
}
