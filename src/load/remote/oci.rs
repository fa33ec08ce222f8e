//! OCI artifacts, from registries on this machine.
//!
//! `oci://127.0.0.1:5000/team/app:tag` or `…@sha256:…`. The artifact's layers with stack files are put together as
//! documents of one `compose.yaml`; env files, and files that `extends` names, lie beside it. What was read is checked
//! against its digest and kept under the manifest's. Deliberately absent: TLS and logging in; a registry that needs
//! them is refused by name.

use super::{Copy, Refusal, cache, publish, unwritable};
use crate::model::Environment;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::time::Duration;
use tokio::net::TcpStream;

/// What a reference to an artifact starts with.
pub const SCHEME: &str = "oci://";

const PROJECT: &str = "application/vnd.docker.compose.project";
const STACK_FILE: &str = "application/vnd.docker.compose.file+yaml";
const ENV_FILE: &str = "application/vnd.docker.compose.envfile";
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// How long one request may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How big an answer may be, in bytes: stack files are small.
const MOST: usize = 16 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    artifact_type: String,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    /// An index has these instead of layers.
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    #[serde(default)]
    artifact_type: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The copy of what a reference names.
pub fn fetch(file: &str, environment: &Environment) -> Result<Copy, Refusal> {
    let address = Address::read(file)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::new(format!("`{file}` cannot be read: {error}")))?;
    let (digest, files) = runtime.block_on(pull(&address, file))?;
    let root = cache(environment, "oci")?.join(digest.replace(':', "-"));
    if !root.is_dir() {
        publish(&root, |draft| {
            files.iter().try_for_each(|(name, content)| {
                let path = draft.join(name);
                std::fs::write(&path, content).map_err(|error| unwritable(&path, &error))
            })
        })?;
    }
    Ok(Copy { path: root.join("compose.yaml"), root, label: file.to_owned() })
}

/// Where an artifact is.
#[derive(Debug, PartialEq, Eq)]
struct Address<'text> {
    /// With its port.
    registry: &'text str,
    repository: &'text str,
    /// A tag or digest.
    reference: &'text str,
}

impl<'text> Address<'text> {
    fn read(file: &'text str) -> Result<Self, Refusal> {
        let name = file.strip_prefix(SCHEME).unwrap_or(file);
        let incomplete = || {
            Refusal::new(format!("`{file}` is not the address of an artifact"))
                .help("write `oci://registry:port/repository:tag`")
        };
        let (registry, rest) = name.split_once('/').ok_or_else(incomplete)?;
        let (repository, reference) = match rest.split_once('@') {
            Some((repository, digest)) => (repository.split(':').next().unwrap_or_default(), digest),
            None => rest.split_once(':').unwrap_or((rest, "latest")),
        };
        let harmless = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte))
                && !text.split('/').any(|part| matches!(part, "" | "." | ".."))
        };
        if !harmless(repository) || !harmless(reference) || reference.contains('/') {
            return Err(incomplete());
        }
        let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
        if !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(Refusal::new(format!(
                "`{file}` is in the registry `{registry}`: TLS and logging in to registries are not there yet"
            ))
            .help("registries on this machine (`localhost`, `127.0.0.1`) can be used")
            .help("or fetch the artifact, and name the local file"));
        }
        Ok(Self { registry, repository, reference })
    }
}

/// The manifest's digest and the files of an artifact.
async fn pull(address: &Address<'_>, file: &str) -> Result<(String, BTreeMap<String, Vec<u8>>), Refusal> {
    let mut reference = address.reference.to_owned();
    // An index names the artifact among others; no artifact has an index in an index.
    for _ in 0..2 {
        let text = get(address, "manifests", &reference, file).await?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| Refusal::new(format!("`{file}` has a manifest that cannot be read: {error}")))?;
        if let Some(inner) = manifest.manifests.iter().find(|inner| inner.artifact_type == PROJECT) {
            reference.clone_from(&inner.digest);
            continue;
        }
        let by_config = manifest.config.as_ref().is_some_and(|config| config.media_type == PROJECT);
        if manifest.artifact_type != PROJECT && !by_config {
            let kind = manifest.artifact_type;
            let kind = if kind.is_empty() { "an image".to_owned() } else { format!("a `{kind}`") };
            return Err(Refusal::new(format!("`{file}` is not a Compose project but {kind}")));
        }
        return Ok((digest(&text), files(address, &manifest.layers, file).await?));
    }
    Err(Refusal::new(format!("`{file}` holds no Compose project")))
}

async fn files(
    address: &Address<'_>,
    layers: &[Descriptor],
    file: &str,
) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
    let mut files = BTreeMap::new();
    let mut stack: Vec<u8> = Vec::new();
    for layer in layers {
        let named = |key: &str| layer.annotations.get(key).map(String::as_str);
        let beside = match layer.media_type.as_str() {
            STACK_FILE if named("com.docker.compose.extends") == Some("true") => {
                named("com.docker.compose.file")
            }
            STACK_FILE => None,
            ENV_FILE => Some(named("com.docker.compose.envfile").unwrap_or_default()),
            other => return Err(Refusal::new(format!("`{file}` has a layer of the unknown kind `{other}`"))),
        };
        let content = get(address, "blobs", &layer.digest, file).await?;
        if let Some(name) = beside {
            let mut parts = Path::new(name).components();
            let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
                let message = format!("`{file}` has a file called `{name}`, which leads out of it");
                return Err(Refusal::new(message));
            };
            files.insert(name.to_owned(), content);
        } else {
            if !stack.is_empty() {
                stack.extend_from_slice(b"\n---\n");
            }
            stack.extend_from_slice(&content);
        }
    }
    if stack.is_empty() {
        return Err(Refusal::new(format!("`{file}` holds no stack file")));
    }
    files.insert("compose.yaml".to_owned(), stack);
    Ok(files)
}

fn digest(content: &[u8]) -> String {
    let sum = Sha256::digest(content);
    format!("sha256:{}", sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// One answer of a registry. What is asked for by its digest is checked against it.
async fn get(address: &Address<'_>, kind: &str, reference: &str, file: &str) -> Result<Vec<u8>, Refusal> {
    let failed = |reason: String| {
        Refusal::new(format!("`{file}` cannot be read from the registry `{}`: {reason}", address.registry))
    };
    let answer = tokio::time::timeout(DEADLINE, request(address, kind, reference)).await;
    let (status, content) = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(reason)) => return Err(failed(reason)),
        Err(_late) => return Err(failed(format!("no answer in {} seconds", DEADLINE.as_secs()))),
    };
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => {
            return Err(failed(format!("there is no `{}:{reference}`", address.repository)));
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(failed("it wants a login, which is not there yet".to_owned()));
        }
        other => return Err(failed(format!("it answered {other}"))),
    }
    if reference.starts_with("sha256:") && digest(&content) != reference {
        return Err(failed(format!("what came is not `{reference}`")));
    }
    Ok(content)
}

async fn request(
    address: &Address<'_>,
    kind: &str,
    reference: &str,
) -> Result<(StatusCode, Vec<u8>), String> {
    let to_text = |error: hyper::Error| error.to_string();
    let target = if address.registry.contains("]:")
        || (!address.registry.starts_with('[') && address.registry.contains(':'))
    {
        address.registry.to_owned()
    } else {
        format!("{}:80", address.registry)
    };
    let stream = TcpStream::connect(&target).await.map_err(|error| super::reason(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(to_text)?;
    let request = Request::get(format!("/v2/{}/{kind}/{reference}", address.repository))
        .header(header::HOST, address.registry)
        .header(header::ACCEPT, MANIFESTS)
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(to_text)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST).collect().await;
        let content = body.map_err(|error| format!("its answer cannot be used: {error}"))?;
        // The connection ends with its sender.
        drop(sender);
        Ok((status, content.to_bytes().to_vec()))
    };
    let (answer, _closed) = tokio::join!(exchange, connection);
    answer
}

#[cfg(test)]
mod tests {
    use super::{Address, digest};

    fn read(file: &str) -> Result<(&str, &str, &str), String> {
        match Address::read(file) {
            Ok(Address { registry, repository, reference }) => Ok((registry, repository, reference)),
            Err(refusal) => Err(refusal.message),
        }
    }

    #[test]
    fn an_address_has_a_registry_a_repository_and_a_tag_or_digest() {
        assert_eq!(read("oci://localhost:5000/a/b:v1"), Ok(("localhost:5000", "a/b", "v1")));
        assert_eq!(read("oci://127.0.0.1:5000/a"), Ok(("127.0.0.1:5000", "a", "latest")));
        assert_eq!(read("oci://localhost/a:v1@sha256:00"), Ok(("localhost", "a", "sha256:00")));
    }

    #[test]
    fn other_registries_and_other_texts_are_refused() {
        assert!(read("oci://docker.io/a/b:v1").is_err_and(|said| said.contains("TLS and logging in")));
        for file in [
            "oci://localhost",
            "oci://localhost/",
            "oci://localhost/../x",
            "oci://localhost/a b",
            "oci://localhost/a:b/c",
        ] {
            assert!(read(file).is_err_and(|said| said.contains("is not the address")), "{file}");
        }
    }

    #[test]
    fn a_digest_is_the_sum_of_the_bytes() {
        assert_eq!(digest(b"{}"), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    }
}
