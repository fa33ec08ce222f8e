//! Who one is to a registry: the entries and helpers of Docker's `config.json`.
//!
//! In: the configuration folder. Out: one credential for one registry, or none. Deliberately absent: the registries
//! themselves (the engine talks to them) and logging in.
//! <https://docs.docker.com/reference/cli/docker/login/#credential-stores>

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

/// What the configuration calls Docker Hub.
const HUB: &str = "https://index.docker.io/v1/";

/// Who one is to a registry.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct RegistryAuth {
    /// User name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
    /// A token instead of both.
    #[serde(rename = "identitytoken", skip_serializing_if = "String::is_empty")]
    pub identity_token: String,
    /// The registry.
    #[serde(rename = "serveraddress")]
    pub server_address: String,
}

/// Never shows what must not be shown.
impl std::fmt::Debug for RegistryAuth {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RegistryAuth({})", self.server_address)
    }
}

impl RegistryAuth {
    /// The value of the `X-Registry-Auth` header.
    pub(super) fn header(&self) -> String {
        base64_url(&serde_json::to_vec(self).unwrap_or_default())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfigFile {
    auths: BTreeMap<String, AuthEntry>,
    #[serde(rename = "credsStore")]
    store: String,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthEntry {
    /// `user:password` in base64.
    auth: String,
    #[serde(rename = "identitytoken")]
    identity_token: String,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// The credential for the registry of an image. Whatever is wrong with the configuration or a helper, the answer is
/// none: most images are public, and the registry's refusal says what is missing.
pub async fn credential(config_dir: &Path, image: &str) -> Option<RegistryAuth> {
    let text = tokio::fs::read(config_dir.join("config.json")).await.ok()?;
    let config: ConfigFile = serde_json::from_slice(&text).ok()?;
    let registry = registry_of(image);
    let keys =
        if registry == "docker.io" { vec![HUB, "docker.io", "index.docker.io"] } else { vec![registry] };
    for key in &keys {
        let helper = config.helpers.get(*key).cloned().filter(|name| !name.is_empty());
        let helper = helper.or_else(|| Some(config.store.clone()).filter(|name| !name.is_empty()));
        if let Some(helper) = helper
            && let Some(found) = ask_helper(&helper, key).await
        {
            return Some(found);
        }
        let entry = config.auths.iter().find(|(name, _)| same_registry(name, key));
        if let Some((name, entry)) = entry
            && let Some(found) = from_entry(name, entry)
        {
            return Some(found);
        }
    }
    None
}

/// The registry in an image reference: its first part when that has a dot or a port or is `localhost`.
fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    }
}

/// Entries are written with and without scheme and path.
fn same_registry(entry: &str, key: &str) -> bool {
    let host = |text: &str| {
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        text.split('/').next().unwrap_or_default().to_owned()
    };
    entry == key || host(entry) == host(key)
}

fn from_entry(registry: &str, entry: &AuthEntry) -> Option<RegistryAuth> {
    let decoded = super::archive::base64_decode(entry.auth.as_bytes())?;
    let text = String::from_utf8(decoded).ok()?;
    let (username, password) = text.split_once(':').unwrap_or_default();
    if username.is_empty() && entry.identity_token.is_empty() {
        return None;
    }
    Some(RegistryAuth {
        username: username.to_owned(),
        password: password.trim_end_matches('\0').to_owned(),
        identity_token: entry.identity_token.clone(),
        server_address: registry.to_owned(),
    })
}

/// Runs `docker-credential-NAME get` with the registry on its input.
async fn ask_helper(helper: &str, registry: &str) -> Option<RegistryAuth> {
    let mut child = tokio::process::Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    input.write_all(registry.as_bytes()).await.ok()?;
    drop(input);
    let output = child.wait_with_output().await.ok()?;
    if !output.status.success() {
        return None;
    }
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout).ok()?;
    let server_address = registry.to_owned();
    // Helpers mark a token by this user name.
    Some(if answer.username == "<token>" {
        RegistryAuth { identity_token: answer.secret, server_address, ..RegistryAuth::default() }
    } else {
        RegistryAuth {
            username: answer.username,
            password: answer.secret,
            server_address,
            identity_token: String::new(),
        }
    })
}

/// URL-safe base64 with padding, as the engine's headers want it. RFC 4648, section 5.
pub(super) fn base64_url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| {
        let index = usize::try_from(bits & 63).unwrap_or(0);
        DIGITS.get(index).map_or('A', |digit| char::from(*digit))
    };
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.push(digit(bits >> 18));
        text.push(digit(bits >> 12));
        text.push(if chunk.len() > 1 { digit(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_engine_wants() {
        let check = |text: &str, expect: &str| assert_eq!(base64_url(text.as_bytes()), expect);
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("??>", "Pz8-");
    }

    #[test]
    fn the_registry_of_an_image_is_its_first_part_when_that_looks_like_a_host() {
        let check = |image: &str, expect: &str| assert_eq!(registry_of(image), expect, "{image}");
        check("redis", "docker.io");
        check("library/redis:7", "docker.io");
        check("quay.io/a/b", "quay.io");
        check("localhost/a", "localhost");
        check("localhost:5000/a", "localhost:5000");
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn an_entry_is_found_by_host_however_it_is_written_and_no_file_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(credential(folder.path(), "redis")), None);
        let text = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},"http://r.io/v2":{"auth":"YTpiOmM="}}}"#;
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let who =
            |image: &str| run(credential(folder.path(), image)).map(|auth| (auth.username, auth.password));
        assert_eq!(who("redis"), Some(("u".to_owned(), "p".to_owned())));
        assert_eq!(who("r.io/a"), Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(who("other.io/a"), None);
    }

    #[test]
    fn a_credential_is_not_shown_in_debug_output() {
        let auth = RegistryAuth { password: "hunter2".to_owned(), ..RegistryAuth::default() };
        assert!(!format!("{auth:?}").contains("hunter2"));
    }
}
