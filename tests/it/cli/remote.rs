//! Stack files in git repositories, read from bare repositories on this machine.

use stack::load::{LoadRequest, Loaded, load};
use stack::model::Environment;
use stack::source::{Colour, to_text};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a bare repository `r.git`, a cache and a place to run in.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// `None`, after saying so, when there is no git.
    fn new(files: &[(&str, &str)]) -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            eprintln!("skipped: git is not installed");
            return None;
        }
        let place = Self { folder: tempfile::Builder::new().prefix("remote").tempdir().unwrap() };
        std::fs::create_dir_all(place.path("run")).unwrap();
        std::fs::create_dir_all(place.path("work")).unwrap();
        place.git("work", &["init", "--quiet", "--initial-branch=main", "."]);
        place.git("work", &["init", "--quiet", "--bare", "--initial-branch=main", "../r.git"]);
        place.commit(files);
        Some(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.path(folder))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits files to `main` and pushes all; returns the commit.
    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            write(&self.path("work").join(name), text);
        }
        self.git("work", &["add", "--all"]);
        self.git("work", &["commit", "--quiet", "--message=m"]);
        self.push();
        self.git("work", &["rev-parse", "HEAD"])
    }

    fn push(&self) {
        self.git("work", &["push", "--quiet", "--all", "../r.git"]);
        self.git("work", &["push", "--quiet", "--tags", "../r.git"]);
    }

    fn url(&self, tail: &str) -> String {
        format!("file://{}{tail}", self.path("r.git").display())
    }

    fn request(&self, file: &str) -> LoadRequest {
        LoadRequest {
            current_dir: self.path("run"),
            files: vec![file.to_owned()],
            environment: self.environment(&[]),
            ..LoadRequest::default()
        }
    }

    #[expect(clippy::disallowed_methods, reason = "git has to be found")]
    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let cache = self.path("cache").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let own =
            [("XDG_CACHE_HOME", cache.as_str()), ("PATH", path.as_str()), ("GIT_CONFIG_GLOBAL", "/dev/null")];
        own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn image(&self, file: &str) -> String {
        image(&self.request(file))
    }

    /// What is said, with this place's folder and commits taken out.
    fn refusal(&self, request: &LoadRequest) -> String {
        let failure = load(request).expect_err("this should be refused");
        let text = to_text(&failure.diagnostics, &failure.sources, Colour::Never);
        text.replace(&self.path("").display().to_string(), "/")
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn loads(request: &LoadRequest) -> Loaded {
    load(request).unwrap_or_else(|failure| {
        panic!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never))
    })
}

fn image(request: &LoadRequest) -> String {
    loads(request).project.service("a").unwrap().image.clone()
}

const V1: &str = "name: r\nservices: {a: {image: one}}\n";
const V2: &str = "name: r\nservices: {a: {image: two}}\n";

#[test]
fn branches_tags_commits_and_folders_are_found() {
    let Some(place) = Place::new(&[("compose.yaml", V1)]) else { return };
    let first = place.git("work", &["rev-parse", "HEAD"]);
    place.git("work", &["tag", "--annotate", "--message=m", "v1"]);
    place.git("work", &["branch", "feature/x"]);
    place.commit(&[("compose.yaml", V2), ("sub/stack.yaml", "name: s\nservices: {a: {image: sub}}\n")]);
    assert_eq!(place.image(&place.url("")), "two");
    assert_eq!(place.image(&place.url("#main")), "two");
    assert_eq!(place.image(&place.url("#v1")), "one");
    assert_eq!(place.image(&place.url("@v1")), "one");
    assert_eq!(place.image(&place.url("@feature/x")), "one");
    assert_eq!(place.image(&place.url(&format!("#{first}"))), "one");
    assert_eq!(place.image(&place.url("#main:sub")), "sub");
    assert_eq!(place.image(&place.url("#:sub/stack.yaml")), "sub");
}

#[test]
fn a_moved_branch_is_seen_and_a_known_commit_needs_no_repository() {
    let Some(place) = Place::new(&[("compose.yaml", V1)]) else { return };
    let first = place.git("work", &["rev-parse", "HEAD"]);
    assert_eq!(place.image(&place.url("#main")), "one");
    place.commit(&[("compose.yaml", V2)]);
    assert_eq!(place.image(&place.url("#main")), "two");
    std::fs::remove_dir_all(place.path("r.git")).unwrap();
    assert_eq!(place.image(&place.url(&format!("#{first}"))), "one");
    let mut left: Vec<_> = std::fs::read_dir(place.path("cache/stack/git")).unwrap().flatten().collect();
    left.sort_by_key(std::fs::DirEntry::file_name);
    assert_eq!(left.len(), 2, "one folder a commit, and nothing half done: {left:?}");
}

#[test]
fn the_checkout_is_the_project_directory_of_a_remote_first_file() {
    let text = "services: {a: {image: '${IMAGE}', volumes: ['./data:/d']}}\n";
    let Some(place) = Place::new(&[("compose.yaml", text), (".env", "IMAGE=from-env\n")]) else { return };
    let loaded = loads(&place.request(&place.url("")));
    let service = loaded.project.service("a").unwrap();
    assert_eq!(service.image, "from-env");
    let checkout = place.path("cache/stack/git").join(place.git("work", &["rev-parse", "HEAD"]));
    assert_eq!(loaded.project.working_dir, checkout);
    assert_eq!(Path::new(&service.volumes[0].source), checkout.join("data"));
}

#[test]
fn includes_and_extends_reach_into_repositories() {
    let files = [
        (
            "compose.yaml",
            "services: {b: {image: included, volumes: ['./data:/d']}}\ninclude: [more/x.yaml]\n",
        ),
        ("more/x.yaml", "services: {c: {image: deeper}}\n"),
        ("base.yaml", "services: {base: {image: extended, env_file: e.env}}\n"),
        ("e.env", "A=1\n"),
    ];
    let Some(place) = Place::new(&files) else { return };
    let text = format!(
        "include: ['{}']\nservices:\n  a: {{extends: {{service: base, file: '{}'}}}}\n",
        place.url("#main"),
        place.url("#main:base.yaml")
    );
    write(&place.path("run/compose.yaml"), &text);
    let loaded = loads(&place.request("compose.yaml"));
    let service = |name: &str| loaded.project.service(name).unwrap();
    assert_eq!((service("a").image.as_str(), service("b").image.as_str()), ("extended", "included"));
    assert_eq!(service("c").image, "deeper");
    assert_eq!(service("a").environment["A"], Some("1".to_owned()));
    assert!(service("b").volumes[0].source.contains("/cache/stack/git/"), "{:?}", service("b").volumes);
    assert_eq!(loaded.project.working_dir, place.path("run"));
}

#[test]
fn mistakes_in_a_remote_file_are_shown_under_its_address() {
    let Some(place) = Place::new(&[("sub/compose.yaml", "services: {a: {imge: x}}\n")]) else { return };
    let said = place.refusal(&place.request(&place.url("#main:sub")));
    assert!(said.contains("--> file:///r.git#main:sub/compose.yaml:1:16"), "{said}");
}

#[test]
fn nothing_leads_out_of_a_checkout() {
    let files = [
        ("compose.yaml", "include: [../../../../run/secret.yaml]\n"),
        ("extends.yaml", "services: {a: {extends: {service: a, file: /etc/passwd}}}\n"),
    ];
    let Some(place) = Place::new(&files) else { return };
    write(&place.path("run/secret.yaml"), V1);
    std::os::unix::fs::symlink(place.path("run/secret.yaml"), place.path("work/link.yaml")).unwrap();
    std::os::unix::fs::symlink(place.path("run"), place.path("work/out")).unwrap();
    place.commit(&[]);
    for (tail, expect) in [
        ("#main:../x", "`../x` leads out of the repository of `"),
        ("#main:/etc/passwd", "`/etc/passwd` leads out of the repository of `"),
        ("#main:link.yaml", "`link.yaml` of `"),
        ("#main:out/secret.yaml", "`out/secret.yaml` of `"),
        ("#main", "run/secret.yaml` lies outside the remote resource that names it"),
        ("#main:extends.yaml", "`/etc/passwd` lies outside the remote resource that names it"),
    ] {
        let said = place.refusal(&place.request(&place.url(tail)));
        assert!(said.contains(expect), "{tail}: {said}");
    }
}

#[test]
fn what_cannot_be_had_is_told_with_git_s_last_words() {
    let Some(place) = Place::new(&[("readme", "x")]) else { return };
    let refused = |tail: &str| place.refusal(&place.request(&place.url(tail)));
    assert_eq!(
        refused("#nope"),
        "error: the repository `file:///r.git` has no branch or tag `nope`\n  = help: `git ls-remote file:///r.git` lists what there is\n"
    );
    assert!(refused("#abc1234").contains("write a commit with all of its 40 digits"));
    assert!(refused("#--upload-pack=x").contains("cannot be a branch, tag or commit"));
    assert!(refused("").contains("there is no stack file in `file:///r.git`"));
    assert!(refused("#main:nope").contains("has no `nope`: there is no such file"));
    let gone = place.refusal(&place.request("file:///nowhere/at/all.git"));
    assert!(gone.contains("`git ls-remote file:///nowhere/at/all.git HEAD` ended with: "), "{gone}");
}

#[test]
fn without_git_or_with_the_switch_off_it_is_refused_by_name() {
    let Some(place) = Place::new(&[("compose.yaml", V1)]) else { return };
    let mut request = place.request(&place.url(""));
    request.environment = place.environment(&[("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "false")]);
    assert!(place.refusal(&request).contains("`COMPOSE_EXPERIMENTAL_GIT_REMOTE` forbids these"));
    request.environment = place.environment(&[("PATH", "/nowhere")]);
    assert!(place.refusal(&request).contains("`git` is not installed"));
    request.environment = Environment::default();
    request.environment.set("PATH", place.environment(&[]).get("PATH").unwrap_or_default());
    assert!(place.refusal(&request).contains("there is no folder to keep remote resources in"));
}
