//! Whole loads over files of their own: what a drop-in's users lean on, and what they read when it goes wrong.

use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use stack::load::{LoadRequest, Loaded, Skip, load, locate, tree};
use stack::source::{Colour, to_text};
use std::path::Path;

/// A folder with files, and the request for it.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, LoadRequest) {
    let folder = tempfile::Builder::new().prefix("shop").tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let request =
        LoadRequest { current_dir: folder.path().canonicalize().unwrap(), ..LoadRequest::default() };
    (folder, request)
}

fn loads(request: &LoadRequest) -> Loaded {
    load(request).unwrap_or_else(|failure| {
        panic!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never))
    })
}

/// All that is said about files that cannot be loaded.
fn refuses(files: &[(&str, &str)]) -> String {
    let (_folder, request) = folder(files);
    let failure = load(&request).expect_err("this should be refused");
    to_text(&failure.diagnostics, &failure.sources, Colour::Never)
}

fn image(loaded: &Loaded, service: &str) -> String {
    loaded.project.service(service).unwrap().image.clone()
}

#[test]
fn our_own_file_name_comes_first_and_has_its_own_override() {
    let (_folder, request) = folder(&[
        ("stack.yaml", "name: mine\nservices: {a: {image: stack}}\n"),
        ("stack.override.yaml", "services: {a: {hostname: h}}\n"),
        ("compose.yaml", "services: {a: {image: compose}}\n"),
        ("compose.override.yaml", "services: {a: {image: override}}\n"),
    ]);
    let loaded = loads(&request);
    assert_eq!(image(&loaded, "a"), "stack");
    assert_eq!(loaded.project.service("a").unwrap().hostname, "h");
    assert_eq!(loaded.warnings.iter().count(), 1);
}

#[test]
fn files_are_found_in_the_folders_above() {
    let (folder, mut request) = folder(&[("compose.yaml", "services: {a: {image: x}}\n"), ("sub/.keep", "")]);
    request.current_dir = folder.path().canonicalize().unwrap().join("sub");
    let located = locate(&request).unwrap();
    assert_eq!(located.working_dir, folder.path().canonicalize().unwrap());
    assert!(located.name.starts_with("shop"), "{}", located.name);
}

#[test]
fn standard_input_is_a_file_of_the_working_directory() {
    let (_folder, mut request) = folder(&[("data/.keep", "")]);
    request.files = vec!["-".to_owned()];
    request.stdin = Some("name: n\nservices: {a: {image: x, volumes: ['./data:/d']}}\n".to_owned());
    let loaded = loads(&request);
    let source = &loaded.project.service("a").unwrap().volumes[0].source;
    assert_eq!(Path::new(source), request.current_dir.join("data"));
}

#[test]
fn naming_a_service_switches_its_profile_on_and_leaves_others_out() {
    let text = "services:\n  web: {image: x, depends_on: [db]}\n  db: {image: y}\n  job: {image: z, profiles: [batch]}\n";
    let (_folder, mut request) = folder(&[("compose.yaml", text)]);
    let names = |request: &LoadRequest| -> Vec<String> {
        loads(request).project.services.keys().map(|name| name.as_str().to_owned()).collect()
    };
    assert_eq!(names(&request), ["db", "web"]);
    request.services = vec!["job".to_owned()];
    assert_eq!(names(&request), ["job"]);
    request.services = vec!["web".to_owned()];
    assert_eq!(names(&request), ["db", "web"]);
    request.without_dependencies = true;
    assert_eq!(names(&request), ["web"]);
}

/// Differs: the recorded release refuses a conflict; later ones merge, with the including file on top.
#[test]
fn what_a_file_and_its_include_both_define_is_merged_with_the_file_on_top() {
    let (_folder, request) = folder(&[
        ("compose.yaml", "include: [i.yaml, j.yaml]\nservices: {a: {image: mine}}\n"),
        ("i.yaml", "services: {a: {image: i, hostname: i}, b: {image: first}}\n"),
        ("j.yaml", "services: {b: {image: second, hostname: j}}\n"),
    ]);
    let loaded = loads(&request);
    assert_eq!(image(&loaded, "a"), "mine");
    assert_eq!(loaded.project.service("a").unwrap().hostname, "i");
    assert_eq!(image(&loaded, "b"), "first");
    assert_eq!(loaded.project.service("b").unwrap().hostname, "j");
}

#[test]
fn a_service_can_extend_one_that_an_include_brings() {
    let (_folder, request) = folder(&[
        ("compose.yaml", "include: [i.yaml]\nservices: {a: {extends: base, hostname: h}}\n"),
        ("i.yaml", "services: {base: {image: x}}\n"),
    ]);
    assert_eq!(image(&loads(&request), "a"), "x");
}

/// A value for any attribute: right for one, wrong for most.
fn value() -> impl Strategy<Value = String> {
    let scalars =
        ["", "1", "-1.5", "text", "a=b", "'80:80'", "./a:/b:ro", "${A:-b}", "${", "null", "true", "1d", "*a"];
    let scalar = proptest::sample::select(scalars.to_vec()).prop_map(str::to_owned);
    scalar.prop_recursive(3, 12, 3, |inner| {
        let tag = proptest::sample::select(vec!["", "", "", "!reset ", "!override "]);
        let key = proptest::sample::select(vec![
            "a", "source", "target", "service", "file", "x-y", "driver", "default",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            (tag, key, inner).prop_map(|(tag, key, value)| format!("{tag}{{{key}: {value}}}")),
        ]
    })
}

/// An attribute of a service that a stage looks at.
fn attribute() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "image",
        "build",
        "command",
        "ports",
        "volumes",
        "environment",
        "env_file",
        "depends_on",
        "networks",
        "extends",
        "secrets",
        "configs",
        "deploy",
        "develop",
        "healthcheck",
        "logging",
        "labels",
        "ulimits",
        "extra_hosts",
        "gpus",
        "devices",
        "dns",
        "profiles",
        "links",
        "volumes_from",
        "network_mode",
        "scale",
        "post_start",
        "provider",
        "models",
        "label_file",
        "tmpfs",
        "sysctls",
        "blkio_config",
        "init",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_file_makes_a_load_panic(
        first in proptest::collection::btree_map(attribute(), value(), 0..3),
        second in proptest::collection::btree_map(attribute(), value(), 0..2),
        kind in proptest::sample::select(vec!["x-b", "x-b", "networks", "volumes", "secrets", "configs", "include"]),
        resource in value(),
    ) {
        let service = |attributes: &std::collections::BTreeMap<String, String>| -> String {
            attributes.iter().map(|(name, value)| format!("    {name}: {value}\n")).collect()
        };
        let text = format!(
            "x-a: &a {{a: b}}\nservices:\n  a:\n    platform: p\n{}---\nservices:\n  a:\n    platform: q\n{}  b: {{image: x}}\n{kind}: {resource}\n",
            service(&first), service(&second),
        );
        let request = LoadRequest {
            current_dir: "/nowhere".into(),
            files: vec!["-".to_owned()],
            stdin: Some(text),
            ..LoadRequest::default()
        };
        match load(&request) {
            Ok(loaded) => drop(to_text(&loaded.warnings, &loaded.sources, Colour::Never)),
            Err(failure) => drop(to_text(&failure.diagnostics, &failure.sources, Colour::Never)),
        }
    }
}

#[test]
fn a_port_that_no_variable_can_mend_is_refused_before_interpolation_too() {
    let ports = |ports: &str| {
        let text = format!("services: {{a: {{image: x, ports: [{ports}]}}}}\n");
        let (_folder, mut request) = folder(&[("compose.yaml", &text)]);
        request.skip = Skip { interpolation: true, ..Skip::default() };
        match tree(&request) {
            Ok(_) => String::new(),
            Err(failure) => to_text(&failure.diagnostics, &failure.sources, Colour::Never),
        }
    };
    assert_eq!(ports("'${PORT}:80'"), "");
    assert!(ports("-1").starts_with("error: `-1` in `services.a.ports` is not a port"), "{}", ports("-1"));
    assert!(ports("1.5").contains("a number cannot be one"), "{}", ports("1.5"));
}

#[test]
fn a_reset_beside_a_merge_key_takes_what_is_below_and_leaves_what_is_merged() {
    let (_folder, mut request) = folder(&[
        ("base.yaml", "services: {a: {image: below, environment: {KEPT: '1'}, labels: {gone: '1'}}}\n"),
        (
            "over.yaml",
            "x-b: &b {image: merged, labels: {come: '1'}}\nservices: {a: {<<: *b, image: !reset null, labels: !reset {}}}\n",
        ),
    ]);
    request.files = vec!["base.yaml".to_owned(), "over.yaml".to_owned()];
    let loaded = loads(&request);
    let service = loaded.project.service("a").unwrap();
    assert_eq!(service.image, "merged");
    assert_eq!(service.labels.keys().collect::<Vec<_>>(), ["come"]);
    assert!(service.environment.contains_key("KEPT"));
}

#[test]
fn a_missing_required_variable_says_so_in_the_authors_words() {
    let text = "services:\n  a:\n    image: app:${TAG:?set TAG first}\n";
    insta::assert_snapshot!(refuses(&[("compose.yaml", text)]), @r#"
    error: `services.a.image` needs the variable `TAG`, which is not set: set TAG first
     --> compose.yaml:3:16
      |
    3 |     image: app:${TAG:?set TAG first}
      |                ^^^^^
      |
      = help: set it in the environment or in a `.env` file: `TAG=…`
    "#);
}

#[test]
fn a_stray_dollar_is_explained() {
    let text = "services:\n  a:\n    image: x\n    command: echo ${1}\n";
    insta::assert_snapshot!(refuses(&[("compose.yaml", text)]), @r#"
    error: `${1}` in `services.a.command` is not a variable reference
     --> compose.yaml:4:19
      |
    4 |     command: echo ${1}
      |                   ^^^^ expected `${NAME}`, `${NAME:-default}`, `${NAME:?message}` or `${NAME:+value}`
      |
      = help: a `$` that is meant as text is written `$$`
    "#);
}

#[test]
fn remote_files_that_cannot_be_had_are_told_at_their_place() {
    let text = "include:\n  - oci://127.0.0.1:1/App:1\nservices: {a: {image: x}}\n";
    insta::assert_snapshot!(refuses(&[("compose.yaml", text)]), @r#"
    error: `oci://127.0.0.1:1/App:1` is not the address of an artifact: `127.0.0.1:1/App:1` has capital letters in its repository
     --> compose.yaml:2:5
      |
    2 |   - oci://127.0.0.1:1/App:1
      |     ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `oci://registry/repository:tag`
    "#);
}

#[test]
fn a_variable_that_is_not_set_is_told_once() {
    let text = "services:\n  a: {image: \"x:$TAG\", hostname: \"$TAG\"}\n";
    let (_folder, request) = folder(&[("compose.yaml", text)]);
    let loaded = loads(&request);
    insta::assert_snapshot!(to_text(&loaded.warnings, &loaded.sources, Colour::Never), @r#"
    warning: the variable `TAG` is not set, so nothing is put in its place
     --> compose.yaml:2:17
      |
    2 |   a: {image: "x:$TAG", hostname: "$TAG"}
      |                 ^^^^
      |
      = help: set it in the environment or in `.env`, or give a default: `${TAG:-…}`
    "#);
}
