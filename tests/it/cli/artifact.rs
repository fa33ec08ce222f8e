//! Stack files in OCI artifacts, from a small registry in this process.

use crate::support::registry::{Content, Login, PROJECT, Registry, SECRETS, digest};
use base64::Engine as _;
use stack::load::{LoadRequest, load};
use stack::source::{Colour, to_text};

fn registry(content: Content) -> String {
    Registry::start(content, Login::None).address
}

fn pulled(file: &str) -> (tempfile::TempDir, Result<stack::load::Loaded, String>) {
    let folder = tempfile::Builder::new().prefix("artifact").tempdir().unwrap();
    let mut request = LoadRequest {
        current_dir: folder.path().to_owned(),
        files: vec![file.to_owned()],
        ..LoadRequest::default()
    };
    request.environment.set("XDG_CACHE_HOME", folder.path().join("cache").display().to_string());
    let loaded =
        load(&request).map_err(|failure| to_text(&failure.diagnostics, &failure.sources, Colour::Never));
    (folder, loaded)
}

#[test]
fn layers_are_documents_of_one_file_with_env_files_and_bases_beside_it() {
    let address = registry(Content::artifact(&[
        (
            "file+yaml",
            "{}",
            "name: app\nservices: {a: {image: x, env_file: h.env, extends: {file: b.yaml, service: b}}}\n",
        ),
        ("file+yaml", "{}", "services: {a: {labels: {l: '1'}}}\n"),
        (
            "file+yaml",
            r#"{"com.docker.compose.file":"b.yaml","com.docker.compose.extends":"true"}"#,
            "services: {b: {hostname: based}}\n",
        ),
        ("envfile", r#"{"com.docker.compose.envfile":"h.env"}"#, "E=1\n"),
    ]));
    let (folder, loaded) = pulled(&format!("oci://{address}/team/app:v1"));
    let loaded = loaded.unwrap();
    let service = loaded.project.service("a").unwrap();
    assert_eq!((service.image.as_str(), service.hostname.as_str()), ("x", "based"));
    assert_eq!((&service.labels["l"], &service.environment["E"]), (&"1".to_owned(), &Some("1".to_owned())));
    assert!(
        loaded.project.working_dir.starts_with(folder.path().canonicalize().unwrap().join("cache/stack/oci"))
    );
}

#[test]
fn what_is_no_project_or_not_there_is_refused() {
    let outside = registry(Content::artifact(&[
        ("file+yaml", "{}", "services: {}\n"),
        ("envfile", r#"{"com.docker.compose.envfile":"../e"}"#, "E=1\n"),
    ]));
    let said = |file: &str| pulled(file).1.unwrap_err();
    assert!(said(&format!("oci://{outside}/team/app:v1")).contains("called `../e`, which leads out of it"));
    assert!(said(&format!("oci://{outside}/team/app:v2")).contains("there is no `team/app:v2`"));
    let mut spoiled = Content::artifact(&[("file+yaml", "{}", "services: {a: {image: x}}\n")]);
    spoiled.spoil_blobs();
    assert!(said(&format!("oci://{}/team/app:v1", registry(spoiled))).contains("what came is not `sha256:"));
    let mut image = Content::default();
    image.manifest("v1", r#"{"layers":[]}"#);
    assert!(
        said(&format!("oci://{}/team/app:v1", registry(image)))
            .contains("is not a Compose project but an image")
    );
}

/// What `stack config --images` says in an empty folder, with more variables.
fn images(file: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["-f", file, "config", "--images"])
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .envs(variables.iter().copied())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn small() -> Content {
    Content::artifact(&[("file+yaml", "{}", "name: app\nservices: {a: {image: pulled}}\n")])
}

fn shows_no_secret(said: &str) {
    assert!(!SECRETS.iter().any(|secret| said.contains(secret)), "{said}");
}

#[test]
fn a_registry_with_a_login_is_read_as_who_one_is() {
    for (login, word) in [(Login::Basic, "Basic"), (Login::Bearer, "Bearer")] {
        let registry = Registry::start(small(), login);
        let file = format!("oci://{}/team/app:v1", registry.address);
        let (done, said) = images(&file, &[]);
        assert!(!done && said.contains("it wants a login"), "{said}");
        assert!(said.contains(&format!("log in first: `docker login {}`", registry.address)), "{said}");
        let entry = |auth: &str| format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, registry.address);
        let (done, said) = images(&file, &[("DOCKER_AUTH_CONFIG", &entry("dXNlcjpwYXNzLXdvcmQ="))]);
        assert_eq!((done, said.as_str()), (true, "pulled\n"), "{word}");
        let signed = registry.requests().iter().filter(|line| line.ends_with(word)).count();
        assert!(signed >= 2, "the manifest and the blob: {:?}", registry.requests());
        let (done, said) = images(&file, &[("DOCKER_AUTH_CONFIG", &entry("dXNlcjp3cm9uZw=="))]);
        assert!(!done && said.contains("it does not let you read that"), "{said}");
        shows_no_secret(&said);
        assert!(!said.contains("wrong"), "{said}");
    }
}

#[test]
fn one_token_is_enough_for_an_artifact() {
    let registry = Registry::start(small(), Login::Bearer);
    let entry = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpwYXNzLXdvcmQ="}}}}}}"#, registry.address);
    let file = format!("oci://{}/team/app:v1", registry.address);
    assert!(images(&file, &[("DOCKER_AUTH_CONFIG", &entry)]).0);
    let asked = registry.requests().iter().filter(|line| line.contains("/token")).count();
    assert_eq!(asked, 1, "{:?}", registry.requests());
}

#[test]
fn a_credential_helper_is_asked() {
    use std::os::unix::fs::PermissionsExt;
    let registry = Registry::start(small(), Login::Basic);
    let folder = tempfile::tempdir().unwrap();
    let helper = folder.path().join("docker-credential-mine");
    let script = "#!/bin/sh\nread -r registry\necho '{\"Username\":\"user\",\"Secret\":\"pass-word\"}'\n";
    std::fs::write(&helper, script).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.path().join("config.json"), r#"{"credsStore":"mine"}"#).unwrap();
    let place = folder.path().display().to_string();
    let path = format!("{place}:/usr/bin:/bin");
    let variables = [("DOCKER_CONFIG", place.as_str()), ("PATH", path.as_str())];
    let said = images(&format!("oci://{}/team/app:v1", registry.address), &variables);
    assert_eq!(said, (true, "pulled\n".to_owned()));
}

#[test]
fn blobs_that_lie_elsewhere_are_fetched_there_without_the_login() {
    let mut content = small();
    // The store's address must be known before the registry starts: blobs that nobody has moved yet.
    let store = Registry::start(content.clone().move_blobs(""), Login::None);
    content.move_blobs(&format!("http://{}", store.address));
    let registry = Registry::start(content, Login::Basic);
    let entry = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpwYXNzLXdvcmQ="}}}}}}"#, registry.address);
    let file = format!("oci://{}/team/app:v1", registry.address);
    assert_eq!(images(&file, &[("DOCKER_AUTH_CONFIG", &entry)]), (true, "pulled\n".to_owned()));
    assert!(store.requests().iter().all(|line| line.ends_with(" nobody")), "{:?}", store.requests());
}

#[test]
fn a_registry_over_tls_is_trusted_when_its_authority_is() {
    let named = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(named.signing_key.serialize_der().into());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![named.cert.der().clone()], key)
        .unwrap();
    let registry = Registry::start_tls(small(), Login::Bearer, tls.into());
    let entry = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpwYXNzLXdvcmQ="}}}}}}"#, registry.address);
    let file = format!("oci://{}/team/app:v1", registry.address);
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let text = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        base64::prelude::BASE64_STANDARD.encode(named.cert.der())
    );
    std::fs::write(&authority, text).unwrap();
    let authority = authority.display().to_string();
    let known = [("DOCKER_AUTH_CONFIG", entry.as_str()), ("SSL_CERT_FILE", authority.as_str())];
    assert_eq!(images(&file, &known), (true, "pulled\n".to_owned()));
    let other = rcgen::generate_simple_self_signed(["other".to_owned()]).unwrap();
    let text = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        base64::prelude::BASE64_STANDARD.encode(other.cert.der())
    );
    std::fs::write(&authority, text).unwrap();
    let (done, said) = images(&file, &known);
    assert!(!done && said.contains("invalid peer certificate"), "{said}");
    assert!(said.contains("help: name the file with the authority"), "{said}");
}

#[test]
fn an_index_leads_to_the_project_in_it() {
    let mut content = small();
    let inner = digest(&content.text("/v2/team/app/manifests/v1"));
    let image = content.manifest("image", r#"{"layers":[]}"#);
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[
            {{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{image}","size":1}},
            {{"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"{PROJECT}","digest":"{inner}","size":1}}]}}"#
    );
    content.manifest("app", &index);
    let address = registry(content);
    assert_eq!(images(&format!("oci://{address}/team/app:app"), &[]), (true, "pulled\n".to_owned()));
    assert!(
        images(&format!("oci://{address}/team/app:image"), &[])
            .1
            .contains("not a Compose project but an image")
    );
}

#[test]
fn artifacts_are_included_and_extended() {
    let address = registry(small());
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "include: ['oci://{address}/team/app:v1']\nservices:\n  b: {{extends: {{file: 'oci://{address}/team/app:v1', service: a}}, labels: {{l: x}}}}\n"
    );
    std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
    let (done, said) = images(&folder.path().join("compose.yaml").display().to_string(), &[]);
    assert_eq!((done, said.as_str()), (true, "pulled\npulled\n"));
}

#[test]
fn a_registry_that_is_not_there_or_fails_is_told_by_name() {
    let said = |file: &str| images(file, &[]).1;
    let failing = registry(Content::failing(503));
    let text = said(&format!("oci://{failing}/team/app:v1"));
    assert!(text.contains(&format!("from the registry `{failing}`: it answered 503")), "{text}");
    let busy = registry(Content::failing(429));
    assert!(said(&format!("oci://{busy}/team/app:v1")).contains("it was asked too often"));
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    assert!(said(&format!("oci://{gone}/team/app:v1")).contains("Connection refused"));
    assert!(said("oci://localhost:1/Team/app").contains("has capital letters in its repository"));
}
