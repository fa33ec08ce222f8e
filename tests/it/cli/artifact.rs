//! Stack files in OCI artifacts, from a small registry in this process.

use sha2::{Digest, Sha256};
use stack::load::{LoadRequest, load};
use stack::source::{Colour, to_text};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

fn digest(content: &str) -> String {
    let sum = Sha256::digest(content.as_bytes());
    format!("sha256:{}", sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Serves paths until the test ends; the address.
fn registry(answers: HashMap<String, String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let (status, body) = answers.get(&path).map_or(("404 Not Found", ""), |body| ("200 OK", body));
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// An artifact `team/app:v1` of `(kind, annotations, content)` layers.
fn artifact(layers: &[(&str, &str, &str)]) -> HashMap<String, String> {
    let mut answers = HashMap::new();
    let mut listed = Vec::new();
    for (kind, annotations, content) in layers {
        let digest = digest(content);
        listed.push(format!(
            r#"{{"mediaType":"application/vnd.docker.compose.{kind}","digest":"{digest}","size":1,"annotations":{annotations}}}"#
        ));
        answers.insert(format!("/v2/team/app/blobs/{digest}"), (*content).to_owned());
    }
    let manifest = format!(
        r#"{{"schemaVersion":2,"artifactType":"application/vnd.docker.compose.project","layers":[{}]}}"#,
        listed.join(",")
    );
    answers.insert("/v2/team/app/manifests/v1".to_owned(), manifest);
    answers
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
    let address = registry(artifact(&[
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
    let outside = registry(artifact(&[
        ("file+yaml", "{}", "services: {}\n"),
        ("envfile", r#"{"com.docker.compose.envfile":"../e"}"#, "E=1\n"),
    ]));
    let said = |file: &str| pulled(file).1.unwrap_err();
    assert!(said(&format!("oci://{outside}/team/app:v1")).contains("called `../e`, which leads out of it"));
    assert!(said(&format!("oci://{outside}/team/app:v2")).contains("there is no `team/app:v2`"));
    let mut spoiled = artifact(&[("file+yaml", "{}", "services: {a: {image: x}}\n")]);
    for (path, body) in &mut spoiled {
        if path.contains("/blobs/") {
            body.push_str("# changed\n");
        }
    }
    assert!(said(&format!("oci://{}/team/app:v1", registry(spoiled))).contains("what came is not `sha256:"));
    let image = HashMap::from([("/v2/team/app/manifests/v1".to_owned(), r#"{"layers":[]}"#.to_owned())]);
    assert!(
        said(&format!("oci://{}/team/app:v1", registry(image)))
            .contains("is not a Compose project but an image")
    );
    assert!(
        said("oci://example.com/team/app:v1").contains("TLS and logging in to registries are not there yet")
    );
}
