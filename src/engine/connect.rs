//! Which engine: `-H`, `DOCKER_HOST`, docker contexts, then the default sockets, in this order.
//!
//! | order | source | when |
//! | --- | --- | --- |
//! | 1 | `DOCKER_HOST` | set: nothing else is tried |
//! | 2 | `DOCKER_CONTEXT`, else `currentContext` of docker's `config.json` | set and not `default`: nothing else is tried |
//! | 3 | `/var/run/docker.sock` | exists and answers |
//! | 4 | `$XDG_RUNTIME_DIR/docker.sock`, `~/.docker/run/docker.sock` (rootless Docker, Docker Desktop) | likewise |
//! | 5 | `/run/podman/podman.sock` (for root), `$XDG_RUNTIME_DIR/podman/podman.sock` | likewise |

use super::{Address, ApiVersion, Engine, SshHost};
use crate::registry::Logins;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What decides which engine is meant; the caller reads it from its surroundings.
#[derive(Clone, Default)]
pub struct Endpoints {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// `DOCKER_CONFIG`: folder of docker's configuration; `~/.docker` by default.
    pub config_dir: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// `DOCKER_AUTH_CONFIG`: credentials for registries.
    pub auth_config: Option<String>,
    /// `DOCKER_API_VERSION`.
    pub api_version: Option<String>,
    /// `STACK_ENGINE_TIMEOUT`: seconds that an engine may take to answer; 20 by default.
    pub timeout: Option<String>,
}

/// Never shows what must not be shown.
impl std::fmt::Debug for Endpoints {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, context, config_dir, home, runtime_dir, auth_config: _, api_version, timeout } =
            self;
        formatter
            .debug_struct("Endpoints")
            .field("host", host)
            .field("context", context)
            .field("config_dir", config_dir)
            .field("home", home)
            .field("runtime_dir", runtime_dir)
            .field("api_version", api_version)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

/// An address that was tried, why, and why it was no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The address as written.
    pub address: String,
    /// Where it comes from: `DOCKER_HOST`, ``context `x` ``, `default socket`.
    pub source: String,
    /// Why it is no use.
    pub problem: String,
}

/// No engine could be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no container engine answers")]
pub struct ConnectError {
    /// Everything that was tried, in order.
    pub tried: Vec<Tried>,
    /// What can be done about it.
    pub hints: Vec<String>,
}

/// How long an engine may take to answer a question, where nothing is said.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long it may take.
fn deadline(endpoints: &Endpoints) -> Result<Duration, ConnectError> {
    let Some(text) = endpoints.timeout.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(DEADLINE);
    };
    match text.parse() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(ConnectError {
            tried: Vec::new(),
            hints: vec![format!(
                "STACK_ENGINE_TIMEOUT is `{text}`; it must be a whole number of seconds above 0"
            )],
        }),
    }
}

/// Finds the engine that is meant. Only the search through default sockets sends anything: an engine that was named is
/// reached by the first call.
///
/// # Errors
/// The named address cannot be used, or nothing answers; with everything that was tried.
pub async fn connect(endpoints: &Endpoints) -> Result<Engine, ConnectError> {
    let logins = Logins::new(config_dir(endpoints), endpoints.auth_config.clone());
    Ok(find(endpoints).await?.with_logins(logins))
}

/// What says which engine is meant: `DOCKER_HOST`, ``context `x` ``, `default socket`.
pub fn source(endpoints: &Endpoints) -> String {
    if endpoints.host.as_deref().is_some_and(|host| !host.is_empty()) {
        return "DOCKER_HOST".to_owned();
    }
    let context = context_host(endpoints).ok().flatten();
    context.map_or_else(|| "default socket".to_owned(), |(_, source)| source)
}

/// `DOCKER_CONFIG`, else `~/.docker`.
fn config_dir(endpoints: &Endpoints) -> Option<PathBuf> {
    endpoints.config_dir.clone().or_else(|| Some(endpoints.home.as_ref()?.join(".docker")))
}

async fn find(endpoints: &Endpoints) -> Result<Engine, ConnectError> {
    let pinned = match endpoints.api_version.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(ApiVersion::parse(text).ok_or_else(|| ConnectError {
            tried: Vec::new(),
            hints: vec![format!("DOCKER_API_VERSION is `{text}`; it must look like `1.44`")],
        })?),
    };
    let deadline = deadline(endpoints)?;
    let named = match endpoints.host.as_deref().filter(|host| !host.is_empty()) {
        Some(host) => Some((host.to_owned(), "DOCKER_HOST".to_owned())),
        None => context_host(endpoints)?,
    };
    if let Some((host, source)) = named {
        let refuse = |problem: String| ConnectError {
            tried: vec![Tried { address: host.clone(), source: source.clone(), problem }],
            hints: vec![format!(
                "set {source} to an address such as `unix:///var/run/docker.sock` or `tcp://host:2375`"
            )],
        };
        let address = parse_address(&host).map_err(refuse)?;
        return Engine::at(address, pinned, deadline).map_err(|error| ConnectError {
            tried: vec![Tried { address: host.clone(), source: source.clone(), problem: error.message }],
            hints: Vec::new(),
        });
    }
    search(endpoints, pinned, deadline).await
}

async fn search(
    endpoints: &Endpoints,
    pinned: Option<ApiVersion>,
    deadline: Duration,
) -> Result<Engine, ConnectError> {
    let mut tried = Vec::new();
    let candidates = default_sockets(endpoints);
    // The first socket that exists is nearly always the right one, and its first real call says whether it answers.
    let existing: Vec<&PathBuf> = candidates.iter().filter(|path| path.exists()).collect();
    for path in &candidates {
        let mut problem = "no such socket".to_owned();
        if path.exists() {
            match Engine::at(Address::Unix(path.clone()), pinned, deadline) {
                Ok(engine)
                    if existing.len() == 1 && std::os::unix::net::UnixStream::connect(path).is_ok() =>
                {
                    return Ok(engine);
                }
                Ok(engine) => match engine.ping().await {
                    Ok(()) => return Ok(engine),
                    Err(error) => problem = error.message,
                },
                Err(error) => problem = error.message,
            }
        }
        tried.push(Tried {
            address: format!("unix://{}", path.display()),
            source: "default socket".to_owned(),
            problem,
        });
    }
    let denied = tried.iter().any(|entry| entry.problem.to_lowercase().contains("permission denied"));
    let mut hints = vec![
        "start Docker (`systemctl start docker`) or Podman (`systemctl start podman.socket`)".to_owned(),
        "or install one: https://docs.docker.com/engine/install, or `apt-get install docker.io`".to_owned(),
        "or set DOCKER_HOST to where your engine listens".to_owned(),
    ];
    if denied {
        hints.insert(
            0,
            "you may not use that socket: add yourself to the group `docker`, or run as root".to_owned(),
        );
    }
    Err(ConnectError { tried, hints })
}

fn default_sockets(endpoints: &Endpoints) -> Vec<PathBuf> {
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    sockets.extend(endpoints.runtime_dir.as_ref().map(|dir| dir.join("docker.sock")));
    sockets.extend(endpoints.home.as_ref().map(|home| home.join(".docker/run/docker.sock")));
    sockets.push(PathBuf::from("/run/podman/podman.sock"));
    sockets.extend(endpoints.runtime_dir.as_ref().map(|dir| dir.join("podman/podman.sock")));
    sockets
}

/// Reads `unix:///path`, `tcp://host:port`; what is not supported is refused by name.
fn parse_address(host: &str) -> Result<Address, String> {
    let (scheme, rest) = host.split_once("://").unwrap_or(("", host));
    match scheme {
        "unix" if rest.starts_with('/') => Ok(Address::Unix(PathBuf::from(rest))),
        "unix" => Err("the path of a Unix socket must be absolute".to_owned()),
        "tcp" | "http" if !rest.is_empty() => {
            let authority = rest.trim_end_matches('/');
            Ok(Address::Tcp(if authority.contains(':') {
                authority.to_owned()
            } else {
                format!("{authority}:2375")
            }))
        }
        "ssh" => SshHost::parse(rest).map(Address::Ssh),
        "npipe" => Err("named pipes are not supported yet".to_owned()),
        "https" => Err("engines over TLS are not supported yet".to_owned()),
        "" => Err("it has no scheme".to_owned()),
        other => Err(format!("the scheme `{other}` is not known")),
    }
}

/// The host of the docker context in use, when one is.
fn context_host(endpoints: &Endpoints) -> Result<Option<(String, String)>, ConnectError> {
    let Some(config_dir) = config_dir(endpoints) else {
        return Ok(None);
    };
    let named = endpoints.context.clone().filter(|name| !name.is_empty());
    let Some(name) = named.or_else(|| current_context(&config_dir)).filter(|name| name != "default") else {
        return Ok(None);
    };
    let failed = |problem: String| ConnectError {
        tried: vec![Tried { address: String::new(), source: format!("context `{name}`"), problem }],
        hints: vec![
            "list contexts with `docker context ls`, pick one with `docker context use NAME`".to_owned(),
            "or set DOCKER_HOST".to_owned(),
        ],
    };
    let digest: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = config_dir.join("contexts/meta").join(digest).join("meta.json");
    let text =
        std::fs::read_to_string(&path).map_err(|_missing| failed("there is no such context".to_owned()))?;
    let meta: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    let endpoint = meta.get("Endpoints").and_then(|endpoints| endpoints.get("docker"));
    match endpoint.and_then(|docker| docker.get("Host")).and_then(|host| host.as_str()) {
        Some(host) if !host.is_empty() => Ok(Some((host.to_owned(), format!("context `{name}`")))),
        _ => Err(failed("it names no docker endpoint".to_owned())),
    }
}

fn current_context(config_dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(config_dir.join("config.json")).ok()?;
    let config: serde_json::Value = serde_json::from_str(&text).ok()?;
    config.get("currentContext")?.as_str().map(ToOwned::to_owned).filter(|name| !name.is_empty())
}

impl ConnectError {
    /// What people read: everything that was tried.
    pub fn text(&self) -> String {
        let mut text = self.to_string();
        for tried in &self.tried {
            let address =
                if tried.address.is_empty() { String::new() } else { format!("{} ", tried.address) };
            text.push_str(&format!("\n  tried {address}({}): {}", tried.source, tried.problem));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_what_is_not_supported_is_refused_by_name() {
        assert_eq!(parse_address("unix:///run/x.sock"), Ok(Address::Unix("/run/x.sock".into())));
        assert_eq!(parse_address("tcp://localhost:2375"), Ok(Address::Tcp("localhost:2375".into())));
        assert_eq!(parse_address("tcp://localhost"), Ok(Address::Tcp("localhost:2375".into())));
        assert!(matches!(parse_address("ssh://me@there"), Ok(Address::Ssh(_))));
        assert!(parse_address("/var/run/docker.sock").unwrap_err().contains("scheme"));
    }

    #[test]
    fn a_context_is_found_by_the_digest_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let digest: String = Sha256::digest(b"lab").iter().map(|byte| format!("{byte:02x}")).collect();
        let meta = dir.path().join("contexts/meta").join(digest);
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"lab","Endpoints":{"docker":{"Host":"tcp://lab:2375"}}}"#,
        )
        .unwrap();
        std::fs::write(dir.path().join("config.json"), r#"{"currentContext":"lab"}"#).unwrap();
        let endpoints = Endpoints { config_dir: Some(dir.path().to_owned()), ..Endpoints::default() };
        let (host, source) = context_host(&endpoints).unwrap().unwrap();
        assert_eq!((host.as_str(), source.as_str()), ("tcp://lab:2375", "context `lab`"));
    }

    #[test]
    fn a_context_that_does_not_exist_is_an_error_and_not_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let endpoints = Endpoints {
            config_dir: Some(dir.path().to_owned()),
            context: Some("nope".to_owned()),
            ..Endpoints::default()
        };
        let error = context_host(&endpoints).unwrap_err();
        assert!(error.text().contains("context `nope`"), "{}", error.text());
    }
}
