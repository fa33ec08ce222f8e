//! `config --origins` and `config --why`.

use stack::load::{LoadRequest, Loaded, load};
use stack::ops::config::origins;
use stack::ops::config::why::{self, Asked};
use stack::source::{Colour, to_text};
use std::path::PathBuf;

const MAIN: &str = "\
name: shop
x-common: &common {restart: always}
services:
  web:
    <<: *common
    image: nginx:${TAG:-1}
    ports: ['8080:80']
    environment: {A: '1', B: two}
    env_file: e.env
    volumes: ['./data:/d']
    depends_on: [db]
    mem_limit: 512m
    command: serve
  db:
    extends: {file: base.yaml, service: base}
    image: pg:16
  debug:
    image: x
    profiles: [dbg, other]
    depends_on: [web]
include: [inc.yaml]
";
const OVERRIDE: &str = "\
services:
  web:
    image: nginx:2
    environment: [A=9]
    ports: !override ['9090:80']
    command: [other]
  inc: {image: mine}
";
const BASE: &str = "\
services:
  base: {extends: {service: root}, image: based}
  root: {image: root, restart: 'no'}
";

fn loaded(change: impl FnOnce(&mut LoadRequest)) -> Loaded {
    let folder = tempfile::Builder::new().prefix("explain").tempdir().unwrap();
    for (name, text) in [
        ("compose.yaml", MAIN),
        ("compose.override.yaml", OVERRIDE),
        ("base.yaml", BASE),
        ("inc.yaml", "services: {inc: {image: theirs}}\n"),
        ("e.env", "# x\nE=1\nexport A=7\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut request = LoadRequest {
        current_dir: folder.path().canonicalize().unwrap(),
        history: true,
        ..LoadRequest::default()
    };
    change(&mut request);
    load(&request).unwrap_or_else(|failure| {
        panic!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never))
    })
}

#[test]
fn every_value_has_its_place_and_what_it_overrode() {
    let loaded = loaded(|_| {});
    let folder = loaded.project.working_dir.display().to_string();
    let lines: Vec<String> = origins::rows(&loaded)
        .iter()
        .map(|row| origins::cells(row).join(" | ").replace(&folder, "."))
        .collect();
    let expected = "\
name | shop | compose.yaml:1:7
services.db.image | pg:16 | compose.yaml:16:12 | base.yaml:2:43 (based), base.yaml:3:17 (root)
services.db.networks.default | null | (default)
services.db.restart | no | base.yaml:3:32
services.inc.image | mine | compose.override.yaml:7:16 | inc.yaml:1:25 (theirs)
services.inc.networks.default | null | (default)
services.web.command[0] | other | compose.override.yaml:6:15 | compose.yaml:13:14 (serve)
services.web.depends_on.db.condition | service_started | (default)
services.web.depends_on.db.required | true | (default)
services.web.environment.A | 9 | compose.override.yaml:4:19 | compose.yaml:8:22 ('1')
services.web.environment.B | two | compose.yaml:8:30
services.web.environment.E | 1 | e.env:2:1 (env_file)
services.web.image | nginx:2 | compose.override.yaml:3:12 | compose.yaml:6:12 (nginx:${TAG:-1})
services.web.mem_limit | 536870912 | compose.yaml:12:16
services.web.networks.default | null | (default)
services.web.ports[0].mode | ingress | (default)
services.web.ports[0].target | 80 | compose.override.yaml:5:23 | compose.yaml:7:12 (['8080:80'])
services.web.ports[0].published | 9090 | compose.override.yaml:5:23 | compose.yaml:7:12 (['8080:80'])
services.web.ports[0].protocol | tcp | (default)
services.web.restart | always | compose.yaml:2:29
services.web.volumes[0].type | bind | (default)
services.web.volumes[0].source | ./data | compose.yaml:10:15
services.web.volumes[0].target | /d | compose.yaml:10:15
services.web.volumes[0].bind.create_host_path | true | (default)
networks.default.name | shop_default | (default)
x-common.restart | always | compose.yaml:2:29";
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn nothing_is_remembered_unless_it_is_asked_for() {
    let loaded = loaded(|request| request.history = false);
    assert!(origins::rows(&loaded).iter().all(|row| row.overrides.is_empty()));
}

fn explain(service: &str, services: &[&str], profiles: &[&str], variable: &str) -> String {
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (services, profiles) = (texts(services), texts(profiles));
    let loaded = loaded(|request| {
        request.services.clone_from(&services);
        request.profiles.clone_from(&profiles);
        request.environment.set("COMPOSE_PROFILES", variable);
        request.env_files = Vec::<PathBuf>::new();
    });
    match why::why(&loaded, service, Asked { services: &services, profiles: &profiles }) {
        Ok(why) => why::text(&why),
        Err(near) => format!("unknown, near: {near:?}"),
    }
}

#[test]
fn a_service_without_profiles_takes_part_unless_others_are_named() {
    assert_eq!(
        explain("db", &[], &[], ""),
        "`db` takes part  (compose.yaml:14:3)\n  - it has no profiles, so none has to be active\n  \
         - no services are named, so all take part\nThese depend on it:\n  \
         - `web` (service_started)  (compose.yaml:11:18)\n"
    );
    assert!(explain("db", &["web"], &[], "").contains("and `web` depends on it\n"));
    assert!(explain("web", &["db"], &[], "").contains("- only `db` and what they depend on take part\n"));
    assert!(explain("web", &["db"], &[], "").starts_with("`web` does not take part"));
}

#[test]
fn who_switched_a_profile_on_is_told() {
    let out = explain("debug", &[], &[], "");
    assert!(out.starts_with("`debug` does not take part"), "{out}");
    assert!(out.contains("none of its profiles is active: `dbg` (compose.yaml:19:16), `other`"), "{out}");
    assert!(explain("debug", &[], &["dbg"], "").contains("is active: switched on by `--profile dbg`"));
    assert!(explain("debug", &[], &["*"], "").contains("is active: switched on by `--profile *`"));
    let variable = explain("debug", &[], &[], "x,other");
    assert!(
        variable.contains("`other` (compose.yaml:19:21) is active: switched on by `COMPOSE_PROFILES`"),
        "{variable}"
    );
    assert!(explain("debug", &["debug"], &[], "").contains("switched on because the service is named"));
}

#[test]
fn an_unknown_service_has_a_near_name() {
    assert_eq!(explain("wbe", &[], &[], ""), "unknown, near: Some(\"web\")");
    assert_eq!(explain("something-else", &[], &[], ""), "unknown, near: None");
}
