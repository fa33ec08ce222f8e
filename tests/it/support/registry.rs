//! A registry of images and artifacts in this process: manifests and blobs, with a login if wanted, over TLS if wanted.
//!
//! It speaks as much of the distribution API as reading takes. An engine on the same network can ask it too.
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What an artifact's manifest says it is.
pub const PROJECT: &str = "application/vnd.docker.compose.project";

/// Who may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Everybody.
    None,
    /// `user` with the password `pass-word`, with every request.
    Basic,
    /// The same, for a token that is told in the first refusal.
    Bearer,
}

/// Password and tokens, which nothing may show.
pub const SECRETS: &[&str] = &["pass-word", "t0ken", "dXNlcjpwYXNzLXdvcmQ="];

/// What a registry answers, by path.
#[derive(Debug, Clone, Default)]
pub struct Content(HashMap<String, Answer>);

#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    kind: String,
    body: String,
    location: String,
}

/// A running registry.
pub struct Registry {
    /// `127.0.0.1:port`.
    pub address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

/// `sha256:…`.
pub fn digest(content: &str) -> String {
    let sum = Sha256::digest(content.as_bytes());
    format!("sha256:{}", sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

impl Content {
    /// An artifact of `(kind, annotations, content)` layers under `team/app:v1`.
    pub fn artifact(layers: &[(&str, &str, &str)]) -> Self {
        let mut content = Self::default();
        let listed: Vec<String> = layers
            .iter()
            .map(|(kind, annotations, text)| {
                let digest = content.blob(text);
                format!(
                    r#"{{"mediaType":"application/vnd.docker.compose.{kind}","digest":"{digest}","size":1,"annotations":{annotations}}}"#
                )
            })
            .collect();
        let manifest =
            format!(r#"{{"schemaVersion":2,"artifactType":"{PROJECT}","layers":[{}]}}"#, listed.join(","));
        content.manifest("v1", &manifest);
        content
    }

    /// Adds a blob to `team/app`; its digest.
    pub fn blob(&mut self, text: &str) -> String {
        let digest = digest(text);
        self.put(&format!("/v2/team/app/blobs/{digest}"), "application/octet-stream", text);
        digest
    }

    /// Adds a manifest to `team/app`, under a tag and its digest; the digest.
    pub fn manifest(&mut self, tag: &str, text: &str) -> String {
        let digest = digest(text);
        for reference in [tag, &digest] {
            self.put(
                &format!("/v2/team/app/manifests/{reference}"),
                "application/vnd.oci.image.manifest.v1+json",
                text,
            );
        }
        digest
    }

    fn put(&mut self, path: &str, kind: &str, body: &str) {
        let answer =
            Answer { status: 200, kind: kind.to_owned(), body: body.to_owned(), location: String::new() };
        self.0.insert(path.to_owned(), answer);
    }

    /// What a path holds.
    pub fn text(&self, path: &str) -> String {
        self.0[path].body.clone()
    }

    /// Changes what the blobs hold, and leaves their names.
    pub fn spoil_blobs(&mut self) {
        for (_, answer) in self.0.iter_mut().filter(|(path, _)| path.contains("/blobs/")) {
            answer.body.push_str("# changed\n");
        }
    }

    /// Sends who asks for a blob elsewhere, and returns the blobs that are looked for there.
    pub fn move_blobs(&mut self, to: &str) -> Self {
        let mut moved = Self::default();
        for (path, answer) in self.0.iter_mut().filter(|(path, _)| path.contains("/blobs/")) {
            moved.0.insert(path.replace("/v2/", "/store/"), answer.clone());
            answer.status = 307;
            answer.location = format!("{to}{}", path.replace("/v2/", "/store/"));
            answer.body.clear();
        }
        moved
    }

    /// Answers every path with a status.
    pub fn failing(status: u16) -> Self {
        let answer = Answer { status, kind: String::new(), body: "{}".to_owned(), location: String::new() };
        Self(HashMap::from([("*".to_owned(), answer)]))
    }
}

impl Registry {
    /// Serves until the test ends.
    pub fn start(content: Content, login: Login) -> Self {
        Self::serve(content, login, None)
    }

    /// Serves over TLS, with this certificate.
    pub fn start_tls(content: Content, login: Login, tls: Arc<rustls::ServerConfig>) -> Self {
        Self::serve(content, login, Some(tls))
    }

    fn serve(content: Content, login: Login, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let desk =
            Arc::new(Desk { content, login, base: format!("{scheme}://{address}"), seen: Arc::clone(&seen) });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (desk, tls) = (Arc::clone(&desk), tls.clone());
                let stream = stream.unwrap();
                std::thread::spawn(move || match tls {
                    None => desk.talk(stream),
                    Some(tls) => {
                        let session = rustls::ServerConnection::new(tls).unwrap();
                        desk.talk(rustls::StreamOwned::new(session, stream));
                    }
                });
            }
        });
        Self { address, seen }
    }

    /// `GET /path authorization-kind` of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Desk {
    content: Content,
    login: Login,
    base: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    /// One request and its answer. Whoever goes away in the middle is let go.
    fn talk(&self, stream: impl Read + Write) {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match stream.read_line(&mut line) {
                Ok(1..) if line.trim().is_empty() => break,
                Ok(1..) => lines.push(line.trim_end().to_owned()),
                Ok(0) | Err(_) => return,
            }
        }
        let mut words = lines[0].split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let authorization = lines.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("authorization").then(|| value.trim().to_owned())
        });
        let kind = authorization.as_deref().and_then(|value| value.split(' ').next()).unwrap_or("nobody");
        let note = format!("{method} {target} {kind}");
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        let (status, headers, body) = self.answer(target, authorization.as_deref());
        let length = body.len();
        let body = if method == "HEAD" { "" } else { &body };
        let answer = format!(
            "HTTP/1.1 {status} Words\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let stream = stream.get_mut();
        drop(stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()));
    }

    fn answer(&self, target: &str, authorization: Option<&str>) -> (u16, String, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let basic = format!("Basic {}", BASE64_STANDARD.encode("user:pass-word"));
        if path == "/token" {
            let scoped =
                query.contains("scope=repository%3Ateam%2Fapp%3Apull") && query.contains("service=here");
            return match authorization {
                Some(known) if known == basic && scoped => {
                    (200, String::new(), r#"{"token":"t0ken","expires_in":300}"#.to_owned())
                }
                _ => (401, String::new(), "{}".to_owned()),
            };
        }
        let (wanted, challenge) = match self.login {
            Login::None => (None, String::new()),
            Login::Basic => (Some(basic), r#"Basic realm="here""#.to_owned()),
            Login::Bearer => {
                let realm = format!("{}/token", self.base);
                let scope = r#"scope="repository:team/app:pull""#;
                (Some("Bearer t0ken".to_owned()), format!(r#"Bearer realm="{realm}",service="here",{scope}"#))
            }
        };
        let is_store = path.starts_with("/store/");
        if !is_store && wanted.is_some() && authorization != wanted.as_deref() {
            return (401, format!("www-authenticate: {challenge}\r\n"), "{}".to_owned());
        }
        // A store of blobs refuses what is signed twice.
        if is_store && authorization.is_some() {
            return (400, String::new(), "{}".to_owned());
        }
        if path == "/v2/" {
            return (200, String::new(), "{}".to_owned());
        }
        match self.content.0.get(path).or_else(|| self.content.0.get("*")) {
            None => (404, String::new(), r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#.to_owned()),
            Some(Answer { status, kind, body, location }) => {
                let mut headers =
                    format!("content-type: {kind}\r\ndocker-content-digest: {}\r\n", digest(body));
                if !location.is_empty() {
                    headers.push_str(&format!("location: {location}\r\n"));
                }
                (*status, headers, body.clone())
            }
        }
    }
}

/// What a registry without TLS says about an image: how an engine finds the digest of one.
///
/// # Errors
/// Status and words.
pub fn ask_for_digest(image: &str, user_and_password: Option<&str>) -> Result<String, (u16, String)> {
    let away = |error: &dyn std::fmt::Display| (500, error.to_string());
    let (registry, rest) = image.split_once('/').unwrap_or(("", image));
    let (repository, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
    let mut stream = TcpStream::connect(registry).map_err(|error| away(&error))?;
    let login = user_and_password
        .map(|pair| format!("authorization: Basic {}\r\n", BASE64_STANDARD.encode(pair)))
        .unwrap_or_default();
    let request = format!(
        "HEAD /v2/{repository}/manifests/{tag} HTTP/1.1\r\nhost: {registry}\r\n{login}connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).map_err(|error| away(&error))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| away(&error))?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(500);
    let digest = answer.lines().find_map(|line| line.strip_prefix("docker-content-digest: "));
    match (status, digest) {
        (200, Some(digest)) => Ok(digest.to_owned()),
        (401, _) => Err((500, "no basic auth credentials".to_owned())),
        (404, _) => Err((404, "manifest unknown: manifest unknown".to_owned())),
        _ => Err((500, format!("the registry answered {status}"))),
    }
}
