//! The same input gives the same output, every time.

use stack::load::{LoadRequest, load};
use stack::ops::config::{Format, hashes, render};
use stack::source::{Colour, to_text};

/// How often the input is loaded; [`TIMES`] says otherwise.
const DEFAULT: usize = 60;
const TIMES: &str = "STACK_TEST_LOADS";

/// Chains of `extends` over files, overrides with tags, includes, profiles, anchors, env files: whatever an unordered
/// map on the way could shuffle.
fn files() -> Vec<(String, String)> {
    use std::fmt::Write;
    let mut main =
        "include:\n  - path: [inc/a.yaml, inc/a.override.yaml]\n    env_file: inc/a.env\n  - inc/b.yaml\n\
                    x-common: &common {restart: always, labels: {z: 1, a: 2, m: 3}}\nservices:\n"
            .to_owned();
    for index in 0..20 {
        let from = if index == 0 {
            "{service: base, file: base.yaml}".to_owned()
        } else {
            format!("s{}", index - 1)
        };
        write!(
            main,
            "  s{index}:\n    <<: *common\n    extends: {from}\n    environment: {{V{index}: \"${{X:-{index}}}\", SHARED: \"{index}\"}}\n    \
             ports: [\"{}:80\"]\n    volumes: [\"v{}:/data{index}\", \"./h{index}:/h{index}\"]\n    networks: {{n{}: {{aliases: [b, a]}}}}\n    \
             depends_on: [ia, ib]\n    configs: [c{}]\n    profiles: [p{}, \"\"]\n",
            8000 + index,
            index % 5,
            index % 3,
            index % 4,
            index % 2,
        )
        .unwrap();
    }
    main.push_str(
        "networks: {n0: {}, n1: {ipam: {config: [{subnet: 10.1.0.0/16}]}}, n2: {labels: [x=1, y=2]}}\n",
    );
    main.push_str("volumes: {v0: {}, v1: {}, v2: {}, v3: {}, v4: {}}\n");
    main.push_str(
        "configs: {c0: {content: x}, c1: {file: ./c1}, c2: {environment: HOME}, c3: {content: '${X:-y}'}}\n",
    );
    let overrides = "services:\n  s3: {ports: !override [\"9000:80\"], environment: !reset null}\n  \
                     s7: {volumes: !reset [], labels: {q: 1}}\n  s9: {networks: !override {n2: }, env_file: [e.env]}\n";
    let base = "services:\n  base: {extends: {service: root, file: root.yaml}, labels: [l1=1, l2=2], cap_add: [B, A]}\n";
    let root = "services:\n  root: {image: root, env_file: [e.env], dns: [1.1.1.1], ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}}\n";
    [
        ("compose.yaml", main.as_str()),
        ("compose.override.yaml", overrides),
        ("base.yaml", base),
        ("root.yaml", root),
        ("e.env", "E1=1\nE2=${E1}2\nE0=0\n"),
        ("inc/a.yaml", "services: {ia: {image: '${IMG}', environment: [B=2, A=1]}}\n"),
        ("inc/a.override.yaml", "services: {ia: {environment: [C=3, A=9]}}\n"),
        ("inc/a.env", "IMG=fromenv\n"),
        ("inc/b.yaml", "services: {ib: {image: ib, depends_on: {ia: {condition: service_healthy}}}}\n"),
        ("c1", "content"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .to_vec()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for from outside")]
fn the_same_files_give_the_same_bytes_every_time() {
    let times = std::env::var(TIMES).ok().and_then(|text| text.parse().ok()).unwrap_or(DEFAULT);
    let folder = tempfile::Builder::new().prefix("same").tempdir().unwrap();
    for (name, text) in files() {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut request = LoadRequest {
        current_dir: folder.path().canonicalize().unwrap(),
        profiles: vec!["p0".to_owned(), "p1".to_owned()],
        ..LoadRequest::default()
    };
    request.environment.set("HOME", "/home/somebody");
    let text = || {
        let loaded = load(&request).unwrap_or_else(|failure| {
            panic!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never))
        });
        let warnings = to_text(&loaded.warnings, &loaded.sources, Colour::Never);
        let parts =
            [render(&loaded, Format::Yaml), render(&loaded, Format::Json), hashes(&loaded, "*").unwrap()];
        format!("{}{warnings}", parts.concat())
    };
    let first = text();
    assert!(first.contains("9000") && first.contains("fromenv") && first.lines().count() > 500, "{first}");
    for round in 1..times {
        assert_eq!(text(), first, "load {round}");
    }
}
