//! Git repositories, by way of the installed `git`.
//!
//! `https://host/path.git#ref:folder`, `ssh://…`, `git@host:path`, `file:///path`, `github.com/owner/name`, each with an
//! optional `#ref:folder` or `@ref`. A ref is looked up by `git ls-remote`; its commit is fetched without history and kept
//! under its id. Deliberately absent: submodules, and asking for passwords.

use super::{Copy, Refusal, cache, publish};
use crate::model::Environment;
use std::path::{Component, Path};
use std::process::{Command, Stdio};

const SCHEMES: &[&str] = &["git://", "ssh://", "http://", "https://", "file://"];
const SCP: &str = "git@";
const GITHUB: &str = "github.com/";

/// A switch of the reference: `false` forbids git resources.
const SWITCH: &str = "COMPOSE_EXPERIMENTAL_GIT_REMOTE";

/// What a reference to a repository says.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference<'text> {
    url: String,
    /// A branch, tag or commit; none: what the repository's `HEAD` is.
    revision: Option<&'text str>,
    /// A folder or file in it; none: its top.
    folder: Option<&'text str>,
}

impl<'text> Reference<'text> {
    /// Whether a file's name is the address of a repository.
    pub fn is_one(file: &str) -> bool {
        SCHEMES.iter().chain(&[SCP, GITHUB]).any(|prefix| file.starts_with(prefix))
    }

    fn read(file: &'text str) -> Self {
        let (url, tail) = match file.split_once('#') {
            Some((url, tail)) => (url, Some(tail)),
            None => match at_sign(file).and_then(|at| Some((file.get(..at)?, file.get(at + 1..)?))) {
                Some((url, tail)) => (url, Some(tail)),
                None => (file, None),
            },
        };
        let (revision, folder) = match tail.map(|tail| tail.split_once(':').unwrap_or((tail, ""))) {
            Some((revision, folder)) => (Some(revision), Some(folder)),
            None => (None, None),
        };
        let url = if url.starts_with(GITHUB) { format!("https://{url}") } else { url.to_owned() };
        let written = |text: &&str| !text.is_empty();
        Self { url, revision: revision.filter(written), folder: folder.filter(written) }
    }
}

/// Where `@ref` begins: behind `.git`, or else in the last part of the path. The `@` of `user@host` is none.
fn at_sign(file: &str) -> Option<usize> {
    if let Some(at) = file.find(".git@") {
        return Some(at + ".git".len());
    }
    let path = match file.split_once("://") {
        Some((scheme, rest)) => scheme.len() + "://".len() + rest.find('/')?,
        None => file.find([':', '/'])?,
    };
    let last = file.rfind('/').unwrap_or(path).max(path);
    file.get(last..)?.rfind('@').map(|at| last + at)
}

/// The copy of what a reference names.
pub fn fetch(file: &str, environment: &Environment) -> Result<Copy, Refusal> {
    if environment
        .get(SWITCH)
        .is_some_and(|value| matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False"))
    {
        return Err(Refusal::new(format!("`{file}` is a git repository, and `{SWITCH}` forbids these"))
            .help(format!("take `{SWITCH}` out of the environment, or name a local file")));
    }
    let reference = Reference::read(file);
    let folder = Path::new(reference.folder.unwrap_or_default());
    if !folder.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(Refusal::new(format!("`{}` leads out of the repository of `{file}`", folder.display()))
            .help("the folder after the colon is seen from the top of the repository, without `..`"));
    }
    let git = Git { environment };
    let commit = git.resolve(&reference)?;
    let root = cache(environment, "git")?.join(&commit);
    if !root.is_dir() {
        publish(&root, |draft| git.check_out(&reference.url, &commit, draft))?;
    }
    let path = root.join(folder);
    let label = match reference.folder.and_then(|folder| file.strip_suffix(folder)) {
        Some(rest) => rest.trim_end_matches(':').to_owned(),
        None => file.to_owned(),
    };
    Ok(Copy { root, label, path })
}

/// A whole commit id (SHA-1 or SHA-256).
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

struct Git<'environment> {
    environment: &'environment Environment,
}

impl Git<'_> {
    /// The commit that a reference means now.
    fn resolve(&self, reference: &Reference<'_>) -> Result<String, Refusal> {
        let name = reference.revision.unwrap_or("HEAD");
        if is_commit(name) {
            return Ok(name.to_ascii_lowercase());
        }
        if name.starts_with('-') {
            return Err(Refusal::new(format!("`{name}` cannot be a branch, tag or commit")));
        }
        let peeled = format!("{name}^{{}}");
        let listed = self.run(&["ls-remote", "--", &reference.url, name, &peeled], None)?;
        let refs: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
        // Branches before tags, as the reference has it; of an annotated tag the commit, not the tag object.
        let wanted = [
            name.to_owned(),
            format!("{name}^{{}}"),
            format!("refs/heads/{name}"),
            format!("refs/tags/{name}^{{}}"),
            format!("refs/tags/{name}"),
        ];
        let found = wanted.iter().find_map(|wanted| refs.iter().find(|(_, known)| known == wanted));
        match found {
            Some((commit, _)) if is_commit(commit) => Ok((*commit).to_owned()),
            _ if name == "HEAD" => Err(Refusal::new(format!("the repository `{}` is empty", reference.url))),
            _ => {
                let message = format!("the repository `{}` has no branch or tag `{name}`", reference.url);
                let refusal = Refusal::new(message);
                let short =
                    (4..40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
                Err(if short {
                    refusal.help("write a commit with all of its 40 digits")
                } else {
                    refusal.help(format!("`git ls-remote {}` lists what there is", reference.url))
                })
            }
        }
    }

    /// Puts a commit's files into an empty folder.
    fn check_out(&self, url: &str, commit: &str, folder: &Path) -> Result<(), Refusal> {
        self.run(&["init", "--quiet", "."], Some(folder))?;
        self.run(&["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, commit], Some(folder))?;
        self.run(&["checkout", "--quiet", "--detach", commit], Some(folder))?;
        Ok(())
    }

    /// What git says on standard output.
    fn run(&self, arguments: &[&str], folder: Option<&Path>) -> Result<String, Refusal> {
        let mut command = Command::new("git");
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never"]).args(arguments);
        // Variables that point git at another repository come from hooks that run us; its words are for one language.
        let around = self.environment.iter().filter(|(name, _)| {
            !matches!(*name, "GIT_DIR" | "GIT_WORK_TREE" | "GIT_INDEX_FILE" | "GIT_COMMON_DIR" | "GIT_PREFIX")
        });
        command.env_clear().envs(around).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        if self.environment.get("GIT_SSH_COMMAND").is_none() && self.environment.get("GIT_SSH").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let output = command.stdin(Stdio::null()).output().map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                Refusal::new("`git` is not installed, and a remote repository needs it")
                    .help("install git, or fetch the repository and name the local file")
            } else {
                Refusal::new(format!("`git` cannot be run: {error}"))
            }
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().map(str::trim).rfind(|line| !line.is_empty());
        let told = errors.lines().map(str::trim).find(|line| line.starts_with("fatal: ")).or(last);
        let told = told
            .map_or_else(|| output.status.to_string(), |line| line.trim_start_matches("fatal: ").to_owned());
        let command = arguments.iter().filter(|word| **word != "--" && **word != "--quiet").copied();
        let command = command.take_while(|word| !word.ends_with("^{}")).collect::<Vec<_>>().join(" ");
        Err(Refusal::new(format!("`git {command}` ended with: {told}"))
            .help("git cannot ask for a password here; credentials come from a helper or an SSH agent"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, at_sign};

    fn check(file: &str, url: &str, revision: Option<&str>, folder: Option<&str>) {
        assert!(Reference::is_one(file), "{file}");
        assert_eq!(Reference::read(file), Reference { url: url.to_owned(), revision, folder });
    }

    #[test]
    fn a_reference_has_a_repository_a_ref_and_a_folder() {
        let url = "https://example.com/o/r.git";
        check(url, url, None, None);
        check("https://example.com/o/r.git#main", url, Some("main"), None);
        check("https://example.com/o/r.git#main:a/b", url, Some("main"), Some("a/b"));
        check("https://example.com/o/r.git#:a/b", url, None, Some("a/b"));
        check("https://example.com/o/r.git@v1", url, Some("v1"), None);
        check("https://example.com/o/r.git@feature/x:a", url, Some("feature/x"), Some("a"));
        check("github.com/o/r", "https://github.com/o/r", None, None);
    }

    #[test]
    fn the_user_of_an_address_is_no_ref() {
        check("git@example.com:r", "git@example.com:r", None, None);
        check("git@example.com:o/r.git@v1", "git@example.com:o/r.git", Some("v1"), None);
        check("ssh://git@example.com/o/r@v1", "ssh://git@example.com/o/r", Some("v1"), None);
        check("https://u:p@example.com/r#x", "https://u:p@example.com/r", Some("x"), None);
        assert_eq!(at_sign("ssh://git@example.com"), None);
    }

    #[test]
    fn paths_are_no_repositories() {
        for file in ["compose.yaml", "/git@x", "./https://x", "githubXcom/x"] {
            assert!(!Reference::is_one(file), "{file}");
        }
    }
}
