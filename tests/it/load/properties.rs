//! What holds for every project that loads.

use proptest::prelude::{ProptestConfig, Strategy, prop_assert_eq, proptest};
use stack::load::{LoadRequest, Loaded, Skip, load, tree};
use stack::ops::config::{Format, raw, render};
use stack::source::{Colour, to_text};

/// Attributes of a service with values that are right for them, and that go together in any choice.
///
/// Not among them: the device limits of `blkio_config`, which the reference prints as JSON in a spelling (`Path`, `Rate`) that
/// it does not read, and so do we; dependencies without `required`, for which a printed file has the default filled in.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("command", &["[serve, --port, '80']", "serve --say 'a b' $$HOME", "[]"]),
    ("entrypoint", &["[/bin/sh, -c]", "run"]),
    ("environment", &["{A: '1', B: two}", "{B: 3, C: null, D: 'a=b # c'}", "{E: yes, F: 1.50}"]),
    ("labels", &["{a.b: c}", "{d: e, n: 5}"]),
    ("annotations", &["{x: y}"]),
    (
        "ports",
        &[
            "['8080:80']",
            "['127.0.0.1:9000-9001:9000-9001/udp']",
            "[{target: 70, published: '7000', name: web}]",
        ],
    ),
    ("expose", &["['3000']", "[4000-4002, '5000/udp']"]),
    (
        "volumes",
        &[
            "['data:/data', './here:/there:ro']",
            "[{type: tmpfs, target: /cache, tmpfs: {size: 64m}}]",
            "['/anonymous']",
        ],
    ),
    (
        "networks",
        &[
            "{front: {aliases: [a, b]}}",
            "{back: null}",
            "{front: {priority: 5}, back: {ipv4_address: 10.1.0.5}}",
        ],
    ),
    (
        "depends_on",
        &[
            "{base: {condition: service_healthy, restart: true, required: true}}",
            "{base: {condition: service_started, restart: false, required: false}}",
        ],
    ),
    (
        "healthcheck",
        &["{test: [CMD, check], interval: 1m30s}", "{retries: 4, timeout: 500ms}", "{test: curl localhost}"],
    ),
    (
        "deploy",
        &[
            "{replicas: 2, resources: {reservations: {memory: 1g}}}",
            "{labels: {a: b}, update_config: {order: start-first, delay: 5s}}",
        ],
    ),
    ("logging", &["{driver: local, options: {max-size: 10m}}", "{options: {max-file: '3'}}"]),
    ("ulimits", &["{nofile: 1024}", "{nproc: {soft: 5, hard: 10}}"]),
    ("sysctls", &["{net.core.somaxconn: 1024}", "{kernel.msgmax: '5'}"]),
    ("secrets", &["[token]", "[{source: token, target: /t, uid: '5', mode: 0440}]"]),
    ("configs", &["[settings]", "[{source: settings, target: /etc/s}]"]),
    ("tmpfs", &["[/tmp]", "['/run:size=5m']"]),
    ("cap_add", &["[NET_ADMIN]", "[SYS_TIME, NET_ADMIN]"]),
    ("dns", &["[1.1.1.1]", "[8.8.8.8, 9.9.9.9]"]),
    ("extra_hosts", &["{somehost: 10.0.0.1}", "{other: '::1'}"]),
    ("profiles", &["[]"]),
    ("stop_grace_period", &["10s", "1h2m3.5s"]),
    ("mem_limit", &["512m", "1073741824"]),
    ("memswap_limit", &["-1"]),
    ("shm_size", &["1.5g"]),
    ("cpus", &["1.5", "'0.25'"]),
    ("init", &["true", "false"]),
    ("restart", &["unless-stopped", "on-failure:3", "'no'"]),
    ("user", &["'1000:1000'", "'5'"]),
    ("hostname", &["web.example"]),
    (
        "build",
        &[
            "{context: ./app, args: {V: '1', W: null}, target: t}",
            "{context: ., dockerfile: D, labels: {l: m}}",
        ],
    ),
    ("develop", &["{watch: [{path: ./src, action: sync, target: /src, ignore: [tmp/]}]}"]),
    ("blkio_config", &["{weight: 300}"]),
    ("devices", &["['/dev/null:/dev/nothing']"]),
    ("gpus", &["[{driver: amd, count: all}]", "[{driver: nvidia, count: 2}]"]),
    ("x-note", &["{any: [thing, 1, null]}"]),
];

/// The rest of a project that has every object that the attributes name.
const OBJECTS: &str = "  base: {image: base}\nnetworks: {front: {}, back: {ipam: {config: [{subnet: 10.1.0.0/16}]}}}\n\
                       volumes: {data: {driver_opts: {size: 5}}}\nsecrets: {token: {environment: TOKEN}}\n\
                       configs: {settings: {content: \"a: $${b}\"}}\n";

/// Some attributes of one service, at most one value for each.
fn service() -> impl Strategy<Value = String> {
    let value = proptest::arbitrary::any::<proptest::sample::Index>();
    proptest::collection::btree_map(0..ATTRIBUTES.len(), value, 0..12).prop_map(|chosen| {
        chosen
            .into_iter()
            .map(|(attribute, value)| {
                let (name, values) = ATTRIBUTES[attribute];
                format!("    {name}: {}\n", values[value.index(values.len())])
            })
            .collect()
    })
}

fn project(service: &str) -> String {
    format!("services:\n  web:\n    image: registry.example:5000/team/app:1.2\n{service}{OBJECTS}")
}

fn overlay(service: &str) -> String {
    format!("services:\n  web:\n    image: registry.example:5000/team/app:1.2\n{service}")
}

fn request(folder: &std::path::Path, files: &[&str]) -> LoadRequest {
    let mut request = LoadRequest {
        current_dir: folder.to_owned(),
        project_name: Some("shop".to_owned()),
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        ..LoadRequest::default()
    };
    request.environment.set("TOKEN", "t");
    request
}

fn loads(request: &LoadRequest) -> Loaded {
    load(request).unwrap_or_else(|failure| {
        panic!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never))
    })
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_config_prints_loads_to_the_same_project(service in service()) {
        let folder = folder(&[("compose.yaml", &project(&service))]);
        let first = loads(&request(folder.path(), &["compose.yaml"]));
        for (name, format) in [("again.yaml", Format::Yaml), ("again.json", Format::Json)] {
            let printed = render(&first, format);
            std::fs::write(folder.path().join(name), &printed).unwrap();
            let again = loads(&request(folder.path(), &[name]));
            // As with the reference, JSON goes without what is behind `x-`.
            if format == Format::Yaml {
                prop_assert_eq!(&again.project.services, &first.project.services);
            }
            prop_assert_eq!(render(&again, format), printed);
        }
    }

    #[test]
    fn it_does_not_matter_which_two_of_three_files_are_merged_first(
        first in service(), second in service(), third in service(),
    ) {
        let folder = folder(&[
            ("a.yaml", &project(&first)),
            ("b.yaml", &overlay(&second)),
            ("c.yaml", &overlay(&third)),
        ]);
        let as_written = Skip {
            interpolation: true,
            normalize: true,
            path_resolution: true,
            consistency: true,
            env_resolution: true,
        };
        let together = |files: &[&str], name: &str| {
            let part = LoadRequest { skip: as_written, ..request(folder.path(), files) };
            let part = tree(&part).unwrap_or_else(|failure| {
                panic!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never))
            });
            std::fs::write(folder.path().join(name), raw(&part.tree, Format::Yaml)).unwrap();
        };
        together(&["a.yaml", "b.yaml"], "ab.yaml");
        together(&["b.yaml", "c.yaml"], "bc.yaml");
        let all = render(&loads(&request(folder.path(), &["a.yaml", "b.yaml", "c.yaml"])), Format::Yaml);
        for files in [["ab.yaml", "c.yaml"], ["a.yaml", "bc.yaml"]] {
            prop_assert_eq!(render(&loads(&request(folder.path(), &files)), Format::Yaml), all.as_str());
        }
    }
}

#[test]
fn ten_thousand_loads_of_one_file_print_the_same_bytes() {
    let every: String =
        ATTRIBUTES.iter().map(|(name, values)| format!("    {name}: {}\n", values[0])).collect();
    let folder = folder(&[("compose.yaml", &project(&every))]);
    let request = request(folder.path(), &["compose.yaml"]);
    let first = render(&loads(&request), Format::Json);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    assert_eq!(render(&loads(&request), Format::Json), first);
                }
            });
        }
    });
}
