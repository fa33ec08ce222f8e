//! OCI artifacts.
//!
//! `oci://registry/team/app:tag` or `…@sha256:…`. The artifact's layers with stack files are put together as documents of
//! one `compose.yaml`; env files, and files that `extends` names, lie beside it. What was read is kept under its
//! manifest's digest. Deliberately absent: how registries are spoken to; see [`crate::registry`].

use super::{Copy, Refusal, cache, publish, unwritable};
use crate::model::Environment;
use crate::registry::{Client, Logins, Reference, RegistryError};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// What a reference to an artifact starts with.
pub const SCHEME: &str = "oci://";

const PROJECT: &str = "application/vnd.docker.compose.project";
const STACK_FILE: &str = "application/vnd.docker.compose.file+yaml";
const ENV_FILE: &str = "application/vnd.docker.compose.envfile";

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
    let address = file.strip_prefix(SCHEME).unwrap_or(file);
    let reference = Reference::read(address).map_err(|reason| {
        Refusal::new(format!("`{file}` is not the address of an artifact: `{address}` {reason}"))
            .help("write `oci://registry/repository:tag`")
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::new(format!("`{file}` cannot be read: {error}")))?;
    let artifact = Artifact { client: Client::new(logins(environment)), reference, file };
    let (digest, files) = runtime.block_on(artifact.pull())?;
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

/// The credentials of Docker's configuration.
fn logins(environment: &Environment) -> Logins {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let config_dir = set("DOCKER_CONFIG").map(PathBuf::from);
    let config_dir = config_dir.or_else(|| Some(Path::new(set("HOME")?).join(".docker")));
    Logins::new(config_dir, set("DOCKER_AUTH_CONFIG").map(ToOwned::to_owned))
}

/// An artifact in a registry.
struct Artifact<'a> {
    client: Client,
    reference: Reference,
    /// As it was asked for.
    file: &'a str,
}

impl Artifact<'_> {
    /// The manifest's digest and the files.
    async fn pull(&self) -> Result<(String, BTreeMap<String, Vec<u8>>), Refusal> {
        let file = self.file;
        let mut reference = self.reference.clone();
        // An index names the artifact among others; no artifact has an index in an index.
        for _ in 0..2 {
            let found = self.client.manifest(&reference).await.map_err(|error| self.refused(error))?;
            let manifest: Manifest = serde_json::from_slice(&found.bytes).map_err(|error| {
                Refusal::new(format!("`{file}` has a manifest that cannot be read: {error}"))
            })?;
            if let Some(inner) = manifest.manifests.iter().find(|inner| inner.artifact_type == PROJECT) {
                reference.digest = Some(inner.digest.clone());
                continue;
            }
            let by_config = manifest.config.as_ref().is_some_and(|config| config.media_type == PROJECT);
            if manifest.artifact_type != PROJECT && !by_config {
                let kind = manifest.artifact_type;
                let kind = if kind.is_empty() { "an image".to_owned() } else { format!("a `{kind}`") };
                return Err(Refusal::new(format!("`{file}` is not a Compose project but {kind}")));
            }
            return Ok((found.digest, self.files(&manifest.layers).await?));
        }
        Err(Refusal::new(format!("`{file}` holds no Compose project")))
    }

    async fn files(&self, layers: &[Descriptor]) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
        let file = self.file;
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
                other => {
                    return Err(Refusal::new(format!("`{file}` has a layer of the unknown kind `{other}`")));
                }
            };
            let content = self.client.blob(&self.reference, &layer.digest).await;
            let content = content.map_err(|error| self.refused(error))?;
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

    fn refused(&self, error: RegistryError) -> Refusal {
        let registry = &self.reference.registry;
        let message =
            format!("`{}` cannot be read from the registry `{registry}`: {}", self.file, error.message);
        error.help.into_iter().fold(Refusal::new(message), Refusal::help)
    }
}
