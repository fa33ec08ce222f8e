//! `graph` and `alpha viz`: a project as a picture.

use crate::support::docker;
use stack::load::{LoadRequest, load};
use stack::ui::graph::{Graph, GraphFormat, VizOptions, viz};
use std::process::Command;

const SHOP: &str = "\
name: shop
services:
  web:
    image: nginx
    ports: ['8080:80', '127.0.0.1:8443:443/udp']
    networks: [front, back]
    depends_on:
      api: {condition: service_healthy, restart: true}
      cache: {condition: service_started, required: false}
  api:
    build: .
    networks: [back]
    volumes: ['uploads:/up:ro']
    depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
  migrate: {image: \"busy&<box>\", networks: [back], depends_on: [db]}
  db: {image: postgres, networks: [back], volumes: ['data:/var/lib/postgresql/data'], healthcheck: {test: [CMD, x]}}
  cache: {image: redis, networks: [back], scale: 2}
  beside: {image: busybox, network_mode: 'service:db'}
networks: {front: {}, back: {internal: true}}
volumes: {data: {}, uploads: {external: true}}
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("graph").tempdir().unwrap();
    std::fs::write(folder.path().join("compose.yaml"), SHOP).unwrap();
    folder
}

fn project(folder: &tempfile::TempDir) -> stack::model::Project {
    let request =
        LoadRequest { current_dir: folder.path().canonicalize().unwrap(), ..LoadRequest::default() };
    load(&request).expect("a project").project
}

fn stack(folder: &tempfile::TempDir, words: &[&str]) -> (Option<i32>, String, String) {
    let ran =
        Command::new(env!("CARGO_BIN_EXE_stack")).args(words).current_dir(folder.path()).env_clear().output();
    let ran = ran.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
}

#[test]
fn the_graph_for_graphviz_has_every_service_network_volume_and_condition() {
    let folder = folder();
    let dot = GraphFormat::Dot.text(&Graph::of(&project(&folder)));
    insta::assert_snapshot!(dot, @r##"
    digraph "shop" {
      node [fontname="sans-serif"];
      edge [fontname="sans-serif", fontsize=10];
      "service api" [shape=box, style=rounded, label="api\nshop-api"];
      "service beside" [shape=box, style=rounded, label="beside\nbusybox\nnetwork: service:db"];
      "service cache" [shape=box, style=rounded, label="cache ×2\nredis"];
      "service db" [shape=box, style=rounded, label="db\npostgres"];
      "service migrate" [shape=box, style=rounded, label="migrate\nbusy&<box>"];
      "service web" [shape=box, style=rounded, label="web\nnginx\n8080→80\n127.0.0.1:8443→443/udp"];
      "network back" [shape=ellipse, label="back\ninternal"];
      "network front" [shape=ellipse, label="front"];
      "volume data" [shape=cylinder, label="data"];
      "volume uploads" [shape=cylinder, label="uploads\nexternal"];
      "service api" -> "service db" [label="healthy"];
      "service api" -> "service migrate" [label="completed"];
      "service api" -> "network back" [dir=none, style=dotted];
      "service api" -> "volume uploads" [dir=none, label="/up (read-only)"];
      "service beside" -> "service db" [label="shared"];
      "service cache" -> "network back" [dir=none, style=dotted];
      "service db" -> "network back" [dir=none, style=dotted];
      "service db" -> "volume data" [dir=none, label="/var/lib/postgresql/data"];
      "service migrate" -> "service db" [label=""];
      "service migrate" -> "network back" [dir=none, style=dotted];
      "service web" -> "service api" [label="healthy, restart"];
      "service web" -> "service cache" [label="", style=dashed];
      "service web" -> "network back" [dir=none, style=dotted];
      "service web" -> "network front" [dir=none, style=dotted];
    }
    "##);
}

#[test]
fn the_graph_for_mermaid_has_the_same() {
    let folder = folder();
    let mermaid = GraphFormat::Mermaid.text(&Graph::of(&project(&folder)));
    insta::assert_snapshot!(mermaid, @r##"
    flowchart TB
      s0["api<br/>shop-api"]
      s1["beside<br/>busybox<br/>network: service:db"]
      s2["cache ×2<br/>redis"]
      s3["db<br/>postgres"]
      s4["migrate<br/>busy#amp;#lt;box#gt;"]
      s5["web<br/>nginx<br/>8080→80<br/>127.0.0.1:8443→443/udp"]
      n0(["back<br/>internal"])
      n1(["front"])
      v0[("data")]
      v1[("uploads<br/>external")]
      s0 -->|"healthy"| s3
      s0 -->|"completed"| s4
      s0 -.- n0
      s0 ---|"/up (read-only)"| v1
      s1 -->|"shared"| s3
      s2 -.- n0
      s3 -.- n0
      s3 ---|"/var/lib/postgresql/data"| v0
      s4 --> s3
      s4 -.- n0
      s5 -->|"healthy, restart"| s0
      s5 -.-> s2
      s5 -.- n0
      s5 -.- n1
    "##);
}

#[test]
fn the_graph_as_json_says_why_each_service_waits() {
    let folder = folder();
    let (code, out, _) = stack(&folder, &["graph", "--format", "json", "api"]);
    let graph: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, Some(0));
    let names: Vec<_> =
        graph["services"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["api", "db", "migrate"], "what was named and what it needs");
    assert_eq!(graph["services"][0]["needs"][0]["condition"], "service_healthy");
    assert_eq!(
        graph["services"][0]["mounts"][0],
        serde_json::json!({"volume": "uploads", "target": "/up", "read_only": true})
    );
    assert_eq!(
        graph["networks"][0],
        serde_json::json!({"key": "back", "name": "shop_back", "external": false, "internal": true})
    );
}

#[test]
fn the_picture_shows_all_of_it_and_nothing_lies_outside() {
    let folder = folder();
    let svg = GraphFormat::Svg.text(&Graph::of(&project(&folder)));
    for text in [
        "web",
        "cache ×2",
        "8080→80",
        "127.0.0.1:8443→443/udp",
        "busy&amp;&lt;box&gt;",
        "healthy, restart",
        "completed",
        "shared",
    ] {
        assert!(svg.contains(&format!(">{text}</text>")), "{text} in {svg}");
    }
    assert!(
        svg.contains("/up (read-only)")
            && svg.contains("network back: shop_back, internal")
            && svg.contains("network: service:db")
    );
    assert!(svg.contains("prefers-color-scheme: dark"));
    assert_eq!(svg.matches("marker-end").count(), 6 + 2, "an arrow for each need, and two in the legend");
    let number = |name: &str| {
        let from = svg.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        svg[from..].split('"').next().unwrap().parse::<f64>().unwrap()
    };
    let width = number("width");
    for part in svg.split("<rect class=\"box\" x=\"").skip(1) {
        let x: f64 = part.split('"').next().unwrap().parse().unwrap();
        assert!(x >= 0.0 && x < width, "{x} of {width}");
    }
}

#[test]
fn the_files_name_says_the_form_and_a_strange_one_is_refused() {
    let folder = folder();
    for (name, begins) in [("a.svg", "<svg"), ("a.dot", "digraph"), ("a.mmd", "flowchart"), ("a.json", "{")] {
        let (code, out, _) = stack(&folder, &["graph", "-o", name]);
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(code == Some(0) && out.is_empty() && text.starts_with(begins), "{name}: {text}");
    }
    let (code, _, error) = stack(&folder, &["graph", "-o", "a.png"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        error,
        "error: the name `a.png` does not say which form it is to have\n  hint: let it end with .svg, .dot, .mmd or .json, or give `--format`\n"
    );
    assert!(!folder.path().join("a.png").exists());
    let (code, _, error) = stack(&folder, &["graph", "nobody"]);
    assert!(code == Some(1) && error.contains("nobody"), "{error}");
    let (code, out, _) = stack(&folder, &["graph"]);
    assert!(code == Some(0) && out.starts_with("<svg"));
}

/// The reference's order of services and arrows is another each time.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn differs_viz_prints_what_the_reference_prints_in_an_order_that_stays() {
    let folder = folder();
    // What HTML has a meaning for is escaped by ours alone.
    std::fs::write(folder.path().join("compose.yaml"), SHOP.replace("busy&<box>", "busybox")).unwrap();
    let flags: [&[&str]; 3] =
        [&[], &["--networks", "--ports", "--image"], &["--spaces", "--indentation-size", "4", "--image"]];
    for flags in flags {
        let words = [&["alpha", "viz"], flags].concat();
        let (code, ours, notes) = stack(&folder, &words);
        assert_eq!((code, notes.as_str()), (Some(0), "viz command is EXPERIMENTAL\n"));
        assert_eq!(stack(&folder, &words).1, ours, "the same again");
        let Some(docker) = docker::docker() else { continue };
        let theirs =
            Command::new(docker).arg("compose").args(&words).current_dir(folder.path()).output().unwrap();
        if theirs.status.success() {
            assert_eq!(sorted(&ours), sorted(&String::from_utf8(theirs.stdout).unwrap()));
        }
    }
    let options = VizOptions { networks: false, ports: false, image: true, indentation: "\t".to_owned() };
    std::fs::write(folder.path().join("compose.yaml"), SHOP).unwrap();
    assert!(viz(&project(&folder), &options).contains("<br/>busy&amp;&lt;box&gt;</font>"));
}
