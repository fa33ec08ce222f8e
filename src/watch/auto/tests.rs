//! Dockerfiles as they are written, and the rules that a person would write for them.

use super::*;

/// Files that are there; a name that ends in `/` is a folder.
const FILES: &[&str] = &[
    "src/",
    "static/",
    "templates/",
    "conf/",
    "app/",
    "cmd/",
    "public/",
    "app.py",
    "main.go",
    "go.mod",
    "server.js",
    "package.json",
    "package-lock.json",
    "requirements.txt",
    "requirements-dev.txt",
    "nginx.conf",
    "index.html",
    "Cargo.toml",
    "Gemfile",
    "composer.json",
    "run.sh",
    "rootfs.tar.gz",
    "pyproject.toml",
];

struct Wanted<'a> {
    files: &'a [&'a str],
    target: &'a str,
    command: Option<&'a [&'a str]>,
}

const PLAIN: Wanted<'_> = Wanted { files: FILES, target: "", command: None };

/// Each rule as `ACTION PATH [include] -> TARGET`.
#[track_caller]
fn check_with(text: &str, wanted: &Wanted<'_>, expect: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().canonicalize().unwrap();
    for file in wanted.files {
        let path = context.join(file);
        if file.ends_with('/') {
            std::fs::create_dir_all(&path).unwrap();
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
        }
    }
    let command: Option<Vec<String>> =
        wanted.command.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
    let given = Given {
        context: &context,
        target: wanted.target,
        args: &BTreeMap::new(),
        command: command.as_deref(),
        entrypoint: None,
    };
    let mut found: Vec<String> = derive(text, &given)
        .into_iter()
        .map(|rule| {
            let path = Path::new(&rule.path).strip_prefix(&context).unwrap();
            let path = if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() };
            let include =
                if rule.include.is_empty() { String::new() } else { format!(" {:?}", rule.include) };
            let target = if rule.target.is_empty() { String::new() } else { format!(" -> {}", rule.target) };
            format!("{} {path}{include}{target}", word(rule.action))
        })
        .collect();
    found.sort();
    let mut expect: Vec<&str> = expect.to_vec();
    expect.sort_unstable();
    assert_eq!(found, expect, "{text}");
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    check_with(text, &PLAIN, expect);
}

#[test]
fn interpreted_sources_are_synced_and_the_program_restarted() {
    check(
        "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY src ./src\n\
         CMD [\"python\", \"-m\", \"src\"]",
        &["rebuild requirements.txt", "sync+restart src -> /app/src"],
    );
    check(
        "FROM python:3\nCOPY app.py /srv/\nCMD python /srv/app.py",
        &["sync+restart app.py -> /srv/app.py"],
    );
    check(
        "FROM node:22 AS run\nWORKDIR /usr/src/app\nCOPY package*.json ./\nRUN npm ci\nCOPY server.js public ./\n\
         CMD [\"node\", \"server.js\"]",
        &[
            "rebuild . [\"package*.json\"]",
            "sync+restart public -> /usr/src/app",
            "sync+restart server.js -> /usr/src/app/server.js",
        ],
    );
    check(
        "FROM ruby:3\nWORKDIR /a\nCOPY Gemfile /a/\nCOPY app /a/app\nCMD [\"bundle\", \"exec\", \"puma\"]",
        &["rebuild Gemfile", "sync+restart app -> /a/app"],
    );
    check(
        "FROM alpine\nRUN apk add python3\nCOPY app.py /app.py\nENTRYPOINT [\"/usr/bin/python3.12\", \"/app.py\"]",
        &["sync+restart app.py -> /app.py"],
    );
    check(
        "FROM busybox\nCOPY run.sh /run.sh\nCMD [\"sh\", \"/run.sh\"]",
        &["sync+restart run.sh -> /run.sh"],
    );
}

#[test]
fn what_reads_its_files_anew_is_synced_alone() {
    check("FROM php:8-apache\nCOPY src/ /var/www/html/", &["sync src -> /var/www/html"]);
    check(
        "FROM nginx:alpine\nCOPY static /usr/share/nginx/html\nCOPY nginx.conf /etc/nginx/nginx.conf",
        &["sync static -> /usr/share/nginx/html", "sync+restart nginx.conf -> /etc/nginx/nginx.conf"],
    );
    check("FROM python:3\nCOPY app /app\nCMD uvicorn app.main:api --reload", &["sync app -> /app"]);
    check("FROM node:22\nWORKDIR /w\nCOPY src src\nCMD [\"npm\", \"run\", \"dev\"]", &["sync src -> /w/src"]);
    let command: &[&str] = &["nodemon", "server.js"];
    check_with(
        "FROM node:22\nCOPY server.js /\nCMD node /server.js",
        &Wanted { command: Some(command), ..PLAIN },
        &["sync server.js -> /server.js"],
    );
}

#[test]
fn what_is_compiled_is_built_anew() {
    check(
        "FROM golang:1.24 AS build\nWORKDIR /src\nCOPY go.mod ./\nRUN go mod download\nCOPY main.go .\nCOPY cmd cmd\n\
           RUN go build -o /bin/app\nFROM scratch\nCOPY --from=build /bin/app /app\nENTRYPOINT [\"/app\"]",
        &["rebuild cmd", "rebuild go.mod", "rebuild main.go"],
    );
    check(
        "FROM rust:1 AS b\nCOPY Cargo.toml src /s/\nRUN cargo build --release\nFROM debian\nCOPY --from=b /s/t /t\nCMD /t",
        &["rebuild Cargo.toml", "rebuild src"],
    );
    check(
        "FROM node:22 AS build\nCOPY src /a\nRUN npm run build\nFROM nginx\nCOPY --from=0 /a/dist /usr/share/nginx/html",
        &["rebuild src"],
    );
    check(
        "FROM python:3\nCOPY src /app\nRUN python -m compile\nCOPY app.py /app/\nCMD python /app/app.py",
        &["rebuild src", "sync+restart app.py -> /app/app.py"],
    );
    check("FROM debian\nADD rootfs.tar.gz /\nCMD [\"python3\"]", &["rebuild rootfs.tar.gz"]);
    check("FROM gcc\nCOPY src /s\nRUN make -C /s\nCMD /s/a.out", &["rebuild src"]);
    check("FROM debian\nCOPY app /opt/app\nCMD [\"/opt/app/server\"]", &["rebuild app"]);
}

#[test]
fn a_whole_context_is_synced_without_what_installs_packages() {
    let text =
        "FROM python:3\nWORKDIR /code\nCOPY . .\nRUN pip install -r requirements.txt\nCMD python app.py";
    check_with(
        text,
        &Wanted { files: &["requirements.txt", "app.py"], ..PLAIN },
        &["rebuild requirements.txt", "sync+restart . -> /code"],
    );
}

#[test]
fn stages_and_working_directories_are_followed() {
    check(
        "FROM python:3 AS base\nWORKDIR /one\nWORKDIR two\nFROM base AS dev\nCOPY app.py .\nCMD python app.py",
        &["sync+restart app.py -> /one/two/app.py"],
    );
    let text = "FROM python:3 AS dev\nCOPY src /dev\nCMD python /dev\nFROM python:3 AS prod\nCOPY app /prod\nCMD python /prod";
    check_with(text, &Wanted { target: "dev", ..PLAIN }, &["sync+restart src -> /dev"]);
    check(text, &["sync+restart app -> /prod"]);
}

#[test]
fn variables_flags_lists_and_here_documents_are_read() {
    check(
        "ARG TAG=3\nFROM python:${TAG}\nARG HOME=/srv\nENV AT=$HOME/app\nWORKDIR $AT\nCOPY --chown=1:1 --link [\"app.py\", \"./\"]\n\
           CMD [\"python\", \"app.py\"]",
        &["sync+restart app.py -> /srv/app/app.py"],
    );
    check("# escape=`\nFROM python:3\nCOPY src `\n  /app\nCMD python /app", &["sync+restart src -> /app"]);
    check(
        "FROM python:3\nCOPY <<EOF /etc/a\nCOPY src /nowhere\nEOF\nRUN <<EOT\nmake\nEOT\nCOPY src /app\nCMD python /app",
        &["sync+restart src -> /app"],
    );
    check(
        "FROM node:22\nADD https://example.org/x /x\nCOPY missing /m\nCOPY --from=busybox /bin/sh /sh\nCMD node",
        &[],
    );
    check("FROM python:3\nCOPY --parents src/lib/a.py /app/\nCMD python /app", &[]);
    check(
        "FROM python:3\nCOPY --parents app.py /app/\nCMD python /app/app.py",
        &["sync+restart app.py -> /app/app.py"],
    );
    check("# nothing\n", &[]);
}

#[test]
fn the_rules_can_be_pasted() {
    let rule = WatchRule {
        path: "/p/src dir".to_owned(),
        action: WatchAction::SyncRestart,
        target: "/app".to_owned(),
        ignore: vec!["*.log".to_owned()],
        ..WatchRule::default()
    };
    let develop = DevelopConfig { watch: vec![rule], ..DevelopConfig::default() };
    let service =
        Service { name: crate::model::ServiceName::new("web"), develop: Some(develop), ..Service::default() };
    let mut project = Project { working_dir: "/p".into(), ..Project::default() };
    project.services.insert(service.name.clone(), Box::new(service));
    let text = to_paste(&project, &["web".to_owned()]);
    assert_eq!(
        text,
        "services:\n  web:\n    develop:\n      watch:\n        - action: sync+restart\n          path: \"./src dir\"\n          \
         target: /app\n          ignore: [\"*.log\"]\n"
    );
}
