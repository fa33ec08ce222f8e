//! Who one is to a registry: the entries and helpers of Docker's `config.json`, and `DOCKER_AUTH_CONFIG`.
//!
//! <https://docs.docker.com/reference/cli/docker/login/#credential-stores>

use super::reference::registry_of;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
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
    pub fn header(&self) -> String {
        BASE64_URL.encode(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Where credentials are looked for.
#[derive(Clone, Default)]
pub struct Logins {
    /// Docker's configuration folder.
    config_dir: Option<PathBuf>,
    /// `DOCKER_AUTH_CONFIG`: entries in the form of `config.json`, before those of the folder.
    entries: Option<String>,
}

/// Never shows what must not be shown.
impl std::fmt::Debug for Logins {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Logins").field("config_dir", &self.config_dir).finish_non_exhaustive()
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

/// The helpers that the text of a `config.json` names: `docker-credential-` and each of these.
///
/// # Errors
/// It is no such file.
pub fn helpers(text: &str) -> Result<Vec<String>, String> {
    let config: ConfigFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let named = config.helpers.into_values().chain(std::iter::once(config.store));
    let named: BTreeSet<String> = named.filter(|name| !name.is_empty()).collect();
    Ok(named.into_iter().collect())
}

impl Logins {
    /// `config_dir` is Docker's configuration folder, `entries` the text of `DOCKER_AUTH_CONFIG`.
    pub fn new(config_dir: Option<PathBuf>, entries: Option<String>) -> Self {
        Self { config_dir, entries }
    }

    /// The credential for the registry of an image.
    pub async fn for_image(&self, image: &str) -> Option<RegistryAuth> {
        self.for_registry(registry_of(image)).await
    }

    /// The credential for a registry: `host`, `host:port`, or `docker.io`. Whatever is wrong with the configuration or
    /// a helper, the answer is none: most images are public, and the registry's refusal says what is missing.
    pub async fn for_registry(&self, registry: &str) -> Option<RegistryAuth> {
        let keys =
            if registry == "docker.io" { vec![HUB, "docker.io", "index.docker.io"] } else { vec![registry] };
        let given = self.entries.as_deref().and_then(|text| serde_json::from_str::<ConfigFile>(text).ok());
        if let Some(found) = given.and_then(|given| keys.iter().find_map(|key| given.entry(key))) {
            return Some(found);
        }
        let text = tokio::fs::read(self.config_dir.as_ref()?.join("config.json")).await.ok()?;
        let config: ConfigFile = serde_json::from_slice(&text).ok()?;
        for key in &keys {
            let helper = config.helpers.get(*key).or(Some(&config.store)).filter(|name| !name.is_empty());
            if let Some(helper) = helper
                && let Some(found) = ask_helper(helper, key).await
            {
                return Some(found);
            }
            if let Some(found) = config.entry(key) {
                return Some(found);
            }
        }
        None
    }
}

impl Logins {
    /// All credentials there are, in the form of a `config.json` that needs no helper. What cannot be read is left out.
    pub async fn config_file(&self) -> String {
        let mut all: BTreeMap<String, RegistryAuth> = BTreeMap::new();
        let mut put = |registry: &str, found: Option<RegistryAuth>| {
            found.map(|found| all.entry(registry.to_owned()).or_insert(found));
        };
        let given = self.entries.as_deref().and_then(|text| serde_json::from_str::<ConfigFile>(text).ok());
        for (registry, entry) in given.iter().flat_map(|given| &given.auths) {
            put(registry, from_entry(registry, entry));
        }
        let file = match &self.config_dir {
            Some(folder) => tokio::fs::read(folder.join("config.json")).await.ok(),
            None => None,
        };
        let config: ConfigFile = file.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        for (registry, helper) in &config.helpers {
            put(registry, ask_helper(helper, registry).await);
        }
        if !config.store.is_empty() {
            for registry in stored(&config.store).await {
                put(&registry, ask_helper(&config.store, &registry).await);
            }
        }
        for (registry, entry) in &config.auths {
            put(registry, from_entry(registry, entry));
        }
        let entry = |found: &RegistryAuth| {
            let auth = match found.username.as_str() {
                "" => String::new(),
                name => BASE64.encode(format!("{name}:{}", found.password)),
            };
            let fields = [("auth", &auth), ("identitytoken", &found.identity_token)];
            let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
            said.map(|(name, value)| (name, value.clone())).collect::<BTreeMap<_, _>>()
        };
        let auths: BTreeMap<&String, _> = all.iter().map(|(name, found)| (name, entry(found))).collect();
        serde_json::json!({ "auths": auths }).to_string()
    }
}

/// The registries that a credential store knows: `docker-credential-NAME list`.
async fn stored(helper: &str) -> Vec<String> {
    let listed = tokio::process::Command::new(format!("docker-credential-{helper}"))
        .arg("list")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let listed = listed.ok().filter(|listed| listed.status.success());
    let names: Option<BTreeMap<String, String>> =
        listed.and_then(|listed| serde_json::from_slice(&listed.stdout).ok());
    names.unwrap_or_default().into_keys().collect()
}

impl ConfigFile {
    fn entry(&self, key: &str) -> Option<RegistryAuth> {
        let (name, entry) = self.auths.iter().find(|(name, _)| same_registry(name, key))?;
        from_entry(name, entry)
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
    let text = String::from_utf8(decode_base64(entry.auth.as_bytes())?).ok()?;
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

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
/// URL-safe base64 with padding, as the engine's headers want it. RFC 4648, section 5.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// Standard or URL-safe base64, with padding or without.
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text).or_else(|_other_alphabet| BASE64_URL.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_in_both_alphabets_and_refused_otherwise() {
        assert_eq!(decode_base64(b"Zm8=").as_deref(), Some(b"fo".as_slice()));
        assert_eq!(decode_base64(b"Zm8").as_deref(), Some(b"fo".as_slice()));
        assert_eq!(decode_base64(b"Pz8-"), decode_base64(b"Pz8+"));
        assert!(decode_base64(b"Pz8-").is_some());
        assert_eq!(decode_base64(b"Z!"), None);
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn an_entry_is_found_by_host_however_it_is_written_and_no_file_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let logins = Logins::new(Some(folder.path().to_owned()), None);
        assert_eq!(run(logins.for_image("redis")), None);
        let text = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},"http://r.io/v2":{"auth":"YTpiOmM="}}}"#;
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        assert_eq!(who(&logins, "redis"), Some(("u".to_owned(), "p".to_owned())));
        assert_eq!(who(&logins, "r.io/a"), Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(who(&logins, "other.io/a"), None);
    }

    fn who(logins: &Logins, image: &str) -> Option<(String, String)> {
        run(logins.for_image(image)).map(|auth| (auth.username, auth.password))
    }

    #[test]
    fn the_entries_of_the_variable_go_before_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"auths":{"r.io":{"auth":"dTpw"},"s.io":{"auth":"dTpw"}}}"#;
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let given = r#"{"auths":{"r.io":{"auth":"YTpiOmM="}}}"#.to_owned();
        let logins = Logins::new(Some(folder.path().to_owned()), Some(given.clone()));
        assert_eq!(who(&logins, "r.io/a"), Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(who(&logins, "s.io/a"), Some(("u".to_owned(), "p".to_owned())));
        assert_eq!(who(&Logins::new(None, Some(given)), "r.io/a"), Some(("a".to_owned(), "b:c".to_owned())));
        let broken = Logins::new(Some(folder.path().to_owned()), Some("{".to_owned()));
        assert_eq!(who(&broken, "r.io/a"), Some(("u".to_owned(), "p".to_owned())));
    }

    #[test]
    fn a_credential_is_not_shown_in_debug_output() {
        let auth = RegistryAuth { password: "hunter2".to_owned(), ..RegistryAuth::default() };
        assert!(!format!("{auth:?}").contains("hunter2"));
        let logins = Logins::new(None, Some("hunter2".to_owned()));
        assert!(!format!("{logins:?}").contains("hunter2"));
    }
}
