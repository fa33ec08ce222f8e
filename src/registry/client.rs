//! Reading manifests and blobs from a registry.
//!
//! Over TLS with the system's certificates (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), by way of the proxy that
//! `HTTPS_PROXY` names; a registry on this machine may do without TLS. Logging in follows the registry's challenge: a
//! token, or name and password with every request. What is asked for by its digest is checked against it.
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

use super::challenge::Challenge;
use super::{Logins, Reference, RegistryAuth};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{self, Error as HttpError};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// What a manifest may be.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";
/// Where `docker.io` is read from.
const HUB: &str = "registry-1.docker.io";
const AGENT: &str = concat!("stack/", env!("CARGO_PKG_VERSION"));

/// How long one exchange may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How big an answer may be, in bytes.
const MOST: usize = 16 << 20;
/// How often one may be sent elsewhere.
const HOPS: usize = 5;

/// Why a registry cannot be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RegistryError {
    /// How it failed.
    pub kind: RegistryErrorKind,
    /// The reason, as the end of a sentence that names the registry.
    pub message: String,
    /// What can be done about it.
    pub help: Vec<String>,
}

/// How reading from a registry failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryErrorKind {
    /// It does not have that.
    NotFound,
    /// It wants another login, or any.
    Denied,
    /// It cannot be reached, or not trusted.
    Unreachable,
    /// An answer that cannot be used.
    Unexpected,
}

impl RegistryError {
    fn new(kind: RegistryErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: Vec::new() }
    }

    fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// A manifest, or an index of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `sha256:…`, of the bytes.
    pub digest: String,
    /// JSON.
    pub bytes: Vec<u8>,
}

type Http<C> = legacy::Client<C, Full<Bytes>>;

/// A client for all registries. Connections and tokens are kept for as long as it is.
pub struct Client {
    logins: Logins,
    plain: Http<HttpConnector>,
    tls: OnceLock<Http<HttpsConnector<HttpConnector>>>,
    proxies: Matcher,
    /// Schemes of registries on this machine.
    schemes: Mutex<HashMap<String, &'static str>>,
    /// What authorises reading, by registry and repository.
    granted: Mutex<HashMap<(String, String), HeaderValue>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

/// `sha256:…` of bytes.
pub fn digest(content: &[u8]) -> String {
    let sum = Sha256::digest(content);
    format!("sha256:{}", sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

impl Client {
    /// Sends nothing yet.
    pub fn new(logins: Logins) -> Self {
        Self {
            logins,
            plain: legacy::Client::builder(TokioExecutor::new()).build_http(),
            tls: OnceLock::new(),
            proxies: Matcher::from_env(),
            schemes: Mutex::default(),
            granted: Mutex::default(),
        }
    }

    /// The manifest or index that a name stands for.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `Unreachable`, or an answer that is not what was asked for.
    pub async fn manifest(&self, reference: &Reference) -> Result<Document, RegistryError> {
        let bytes = self.get(reference, "manifests", reference.version()).await?;
        Ok(Document { digest: digest(&bytes), bytes })
    }

    /// A blob of the repository that a name stands for.
    ///
    /// # Errors
    /// As [`Client::manifest`].
    pub async fn blob(&self, reference: &Reference, digest: &str) -> Result<Vec<u8>, RegistryError> {
        self.get(reference, "blobs", digest).await
    }

    async fn get(&self, reference: &Reference, kind: &str, version: &str) -> Result<Vec<u8>, RegistryError> {
        let host = if reference.registry == "docker.io" { HUB } else { &reference.registry };
        let scheme = self.scheme(host).await?;
        let unusable = |_error| {
            RegistryError::new(RegistryErrorKind::Unexpected, format!("`{version}` cannot be asked for"))
        };
        let url: Uri = format!("{scheme}://{host}/v2/{}/{kind}/{version}", reference.repository)
            .parse()
            .map_err(unusable)?;
        let key = (reference.registry.clone(), reference.repository.clone());
        let mut authorization =
            self.granted.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let mut answer = self.follow(&url, authorization.as_ref()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let challenge = answer.headers().get_all(WWW_AUTHENTICATE).iter().find_map(Challenge::read);
            authorization = self.authorize(reference, challenge).await?;
            if let Some(authorization) = &authorization {
                let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
                granted.insert(key, authorization.clone());
            }
            if authorization.is_some() {
                answer = self.follow(&url, authorization.as_ref()).await?;
            }
        }
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                let message = format!("there is no `{}:{version}`", reference.repository);
                return Err(RegistryError::new(RegistryErrorKind::NotFound, message));
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(denied(&reference.registry, authorization.is_some()));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let message = "it was asked too often; it says to come back later";
                return Err(RegistryError::new(RegistryErrorKind::Denied, message).help(format!(
                    "who is logged in may ask more often: `docker login {}`",
                    reference.registry
                )));
            }
            other => {
                return Err(RegistryError::new(
                    RegistryErrorKind::Unexpected,
                    format!("it answered {other}"),
                ));
            }
        }
        let content = read(answer).await?;
        if version.starts_with("sha256:") && digest(&content) != version {
            let message = format!("what came is not `{version}`");
            return Err(RegistryError::new(RegistryErrorKind::Unexpected, message));
        }
        Ok(content)
    }

    /// `https`, but for registries on this machine that speak HTTP.
    async fn scheme(&self, host: &str) -> Result<&'static str, RegistryError> {
        if !is_loopback(host) {
            return Ok("https");
        }
        if let Some(known) = self.schemes.lock().unwrap_or_else(PoisonError::into_inner).get(host) {
            return Ok(known);
        }
        let url = format!("http://{host}/v2/").parse().map_err(|_bad_uri| {
            RegistryError::new(RegistryErrorKind::Unexpected, format!("`{host}` is no address"))
        })?;
        let scheme = match self.send(Method::GET, &url, None, None).await {
            // The words of a server that wants TLS: 400, or bytes that are no HTTP.
            Ok(answer) if answer.status() == StatusCode::BAD_REQUEST => "https",
            Ok(_) => "http",
            Err(Unsent::Connect(reason)) => {
                return Err(RegistryError::new(RegistryErrorKind::Unreachable, reason));
            }
            Err(Unsent::Other(_)) => "https",
        };
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), scheme);
        Ok(scheme)
    }

    /// A request, sent again to where the answer says it should go.
    async fn follow(
        &self,
        url: &Uri,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, RegistryError> {
        let mut at = url.clone();
        for _ in 0..HOPS {
            // Who one is to the registry is nobody else's business.
            let own = at.authority() == url.authority() && at.scheme() == url.scheme();
            let answer = self.send(Method::GET, &at, authorization.filter(|_| own), None).await?;
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            let next = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok());
            let next = next.and_then(|next| resolve(&at, next)).ok_or_else(|| {
                RegistryError::new(RegistryErrorKind::Unexpected, "it sends one elsewhere, and not where")
            })?;
            if at.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
                let message = "it sends one to a place without TLS";
                return Err(RegistryError::new(RegistryErrorKind::Unexpected, message));
            }
            at = next;
        }
        Err(RegistryError::new(RegistryErrorKind::Unexpected, "it sends one from place to place"))
    }

    /// What a challenge asks for; none when it cannot be answered.
    async fn authorize(
        &self,
        reference: &Reference,
        challenge: Option<Challenge>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let login = self.logins.for_registry(&reference.registry).await;
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(login.as_ref().and_then(basic)),
            Some(Challenge::Bearer { realm, service, scope }) => {
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", reference.repository));
                let token = self.token(&reference.registry, &realm, &service, &scope, login.as_ref()).await?;
                let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok();
                if let Some(header) = &mut header {
                    header.set_sensitive(true);
                }
                Ok(header)
            }
        }
    }

    /// A token for reading. <https://distribution.github.io/distribution/spec/auth/token/>
    async fn token(
        &self,
        registry: &str,
        realm: &str,
        service: &str,
        scope: &str,
        login: Option<&RegistryAuth>,
    ) -> Result<String, RegistryError> {
        let odd = || {
            let message = format!("it has tokens from `{realm}`, which cannot be used");
            RegistryError::new(RegistryErrorKind::Unexpected, message)
        };
        let url: Uri = realm.parse().map_err(|_no_uri| odd())?;
        let safe = match url.scheme_str() {
            Some("https") => true,
            Some("http") => url.authority().is_some_and(|authority| is_loopback(authority.as_str())),
            _ => false,
        };
        if !safe {
            return Err(odd());
        }
        let refresh = login.map(|login| login.identity_token.as_str()).filter(|token| !token.is_empty());
        let answer = if let Some(refresh) = refresh {
            let form = [
                ("grant_type", "refresh_token"),
                ("service", service),
                ("client_id", "stack"),
                ("scope", scope),
                ("refresh_token", refresh),
            ];
            let form = serde_urlencoded::to_string(form).unwrap_or_default();
            self.send(Method::POST, &url, None, Some(form)).await?
        } else {
            let query =
                serde_urlencoded::to_string([("service", service), ("scope", scope)]).unwrap_or_default();
            let mark = if url.query().is_some() { '&' } else { '?' };
            let url: Uri = format!("{realm}{mark}{query}").parse().map_err(|_no_uri| odd())?;
            self.send(Method::GET, &url, login.and_then(basic).as_ref(), None).await?
        };
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
                return Err(denied(registry, login.is_some()));
            }
            other => {
                let message = format!("asked for a token, it answered {other}");
                return Err(RegistryError::new(RegistryErrorKind::Unexpected, message));
            }
        }
        let token: Token = serde_json::from_slice(&read(answer).await?).map_err(|_no_json| {
            RegistryError::new(RegistryErrorKind::Unexpected, "its token cannot be read")
        })?;
        Ok(if token.token.is_empty() { token.access_token } else { token.token })
    }

    async fn send(
        &self,
        method: Method,
        url: &Uri,
        authorization: Option<&HeaderValue>,
        form: Option<String>,
    ) -> Result<Response<Incoming>, Unsent> {
        let mut request = Request::builder()
            .method(method)
            .uri(url.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, MANIFESTS);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(form.unwrap_or_default()));
        let request = request.body(body).map_err(|error| Unsent::Other(error.to_string()))?;
        let sent = async {
            if url.scheme_str() != Some("https") {
                return self.plain.request(request).await.map_err(Unsent::from);
            }
            match self.proxies.intercept(url) {
                Some(proxy) => self.by_proxy(&proxy)?.request(request).await.map_err(Unsent::from),
                None => self.tls()?.request(request).await.map_err(Unsent::from),
            }
        };
        let late = || Unsent::Connect(format!("no answer in {} seconds", DEADLINE.as_secs()));
        tokio::time::timeout(DEADLINE, sent).await.unwrap_or_else(|_elapsed| Err(late()))
    }

    fn tls(&self) -> Result<&Http<HttpsConnector<HttpConnector>>, Unsent> {
        if let Some(client) = self.tls.get() {
            return Ok(client);
        }
        let client = legacy::Client::builder(TokioExecutor::new()).build(with_tls(connector())?);
        Ok(self.tls.get_or_init(|| client))
    }

    #[expect(clippy::unused_self, reason = "it reads like the other way to make one")]
    fn by_proxy(&self, proxy: &Intercept) -> Result<Http<HttpsConnector<Tunnel<HttpConnector>>>, Unsent> {
        let tunnel = Tunnel::new(proxy.uri().clone(), connector());
        let tunnel = match proxy.basic_auth() {
            Some(login) => tunnel.with_auth(login.clone()),
            None => tunnel,
        };
        Ok(legacy::Client::builder(TokioExecutor::new()).build(with_tls(tunnel)?))
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Token {
    token: String,
    access_token: String,
}

/// A request that got no answer.
enum Unsent {
    /// There was nobody.
    Connect(String),
    /// There was somebody, and something went wrong.
    Other(String),
}

impl From<HttpError> for Unsent {
    fn from(error: HttpError) -> Self {
        let mut cause: &dyn std::error::Error = &error;
        let mut system = None;
        while let Some(source) = cause.source() {
            cause = source;
            system = system
                .or_else(|| cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error));
        }
        let message = cause.to_string();
        if error.is_connect() && (system.is_some() || message.contains("lookup")) {
            return Self::Connect(message);
        }
        Self::Other(message)
    }
}

impl From<Unsent> for RegistryError {
    fn from(unsent: Unsent) -> Self {
        let (Unsent::Connect(message) | Unsent::Other(message)) = unsent;
        let own = message.contains("CaUsedAsEndEntity");
        let distrusted = message.contains("certificate");
        let error = Self::new(RegistryErrorKind::Unreachable, message);
        if own {
            return error.help(
                "its certificate is an authority's own (`CA:TRUE`): let that one sign a certificate for it",
            );
        }
        if distrusted {
            return error.help(
                "name the file with the authority that signed its certificate: `SSL_CERT_FILE=ca.pem`",
            );
        }
        error
    }
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector
}

fn with_tls<C>(connector: C) -> Result<HttpsConnector<C>, Unsent> {
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| Unsent::Other(format!("no certificates of authorities can be read: {error}")))?;
    Ok(builder.https_only().enable_http1().wrap_connector(connector))
}

async fn read(answer: Response<Incoming>) -> Result<Vec<u8>, RegistryError> {
    let unusable = |reason: String| {
        RegistryError::new(RegistryErrorKind::Unexpected, format!("its answer cannot be used: {reason}"))
    };
    let body = Limited::new(answer.into_body(), MOST).collect();
    match tokio::time::timeout(DEADLINE, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
        Ok(Err(error)) => Err(unusable(error.to_string())),
        Err(_elapsed) => Err(unusable(format!("it did not end in {} seconds", DEADLINE.as_secs()))),
    }
}

fn basic(login: &RegistryAuth) -> Option<HeaderValue> {
    if login.username.is_empty() {
        return None;
    }
    let pair = BASE64_STANDARD.encode(format!("{}:{}", login.username, login.password));
    let mut header = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn denied(registry: &str, known: bool) -> RegistryError {
    let message = if known { "it does not let you read that" } else { "it wants a login" };
    RegistryError::new(RegistryErrorKind::Denied, message).help(format!(
        "log in{}: `docker login {registry}`",
        if known { " as somebody who may" } else { " first" }
    ))
}

/// Where an answer sends one, from where one is.
fn resolve(at: &Uri, next: &str) -> Option<Uri> {
    if next.starts_with('/') && !next.starts_with("//") {
        return format!("{}://{}{next}", at.scheme_str()?, at.authority()?).parse().ok();
    }
    let next: Uri = next.parse().ok()?;
    (next.scheme().is_some() && next.authority().is_some()).then_some(next)
}

/// Whether a `host` or `host:port` is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_sum_of_the_bytes() {
        assert_eq!(digest(b"{}"), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }

    #[test]
    fn only_this_machine_may_do_without_tls() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["docker.io", "localhost.example.com", "10.0.0.1:5000", "127.0.0.1.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_place_to_go_is_read_from_where_one_is() {
        let at: Uri = "https://r.io/v2/a".parse().unwrap();
        let check = |next: &str, expect: Option<&str>| {
            assert_eq!(resolve(&at, next).map(|uri| uri.to_string()).as_deref(), expect, "{next}");
        };
        check("/b?x=1", Some("https://r.io/b?x=1"));
        check("https://cdn.io/b", Some("https://cdn.io/b"));
        check("b", None);
        check("", None);
    }

    #[test]
    fn a_login_without_a_name_is_none() {
        assert!(basic(&RegistryAuth::default()).is_none());
        let login =
            RegistryAuth { username: "u".to_owned(), password: "p".to_owned(), ..RegistryAuth::default() };
        let header = basic(&login).unwrap();
        assert_eq!(header.to_str().unwrap(), "Basic dTpw");
        assert!(!format!("{header:?}").contains("dTpw"));
    }
}
