//! Every environment variable we read, and the only place that reads the process's surroundings.

use super::Failure;
use super::argv::{self, Called};
use crate::model::Environment;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The variables we read ourselves (all others are only there for `${NAME}` in stack files), with what they do.
pub const VARIABLES: &[(&str, &str)] = &[
    ("COMPOSE_FILE", "stack files when no -f is given, separated by COMPOSE_PATH_SEPARATOR"),
    ("COMPOSE_PATH_SEPARATOR", "what separates the entries of COMPOSE_FILE; `:` by default"),
    ("COMPOSE_PROJECT_NAME", "project name, below -p and above the file's `name`"),
    ("STACK_INSTANCE", "as --instance; in stack files the instance's name"),
    ("COMPOSE_PROFILES", "profiles when no --profile is given, separated by commas"),
    ("COMPOSE_ENV_FILES", "files for --env-file when none is given, separated by commas"),
    ("COMPOSE_DISABLE_ENV_FILE", "true: do not read the project's .env"),
    ("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "false: no git repositories in -f, include and extends"),
    ("COMPOSE_ANSI", "as --ansi"),
    ("COMPOSE_PROGRESS", "as --progress"),
    ("COMPOSE_PARALLEL_LIMIT", "as --parallel"),
    ("COMPOSE_REMOVE_ORPHANS", "true: as --remove-orphans"),
    ("COMPOSE_IGNORE_ORPHANS", "true: do not mention orphans"),
    ("COMPOSE_COMPATIBILITY", "true: as --compatibility"),
    ("COMPOSE_MENU", "true or false: as --menu"),
    ("STACK_LOCK_TIMEOUT", "as --lock-timeout"),
    (
        "STACK_ENGINE_TIMEOUT",
        "seconds that an engine may take to answer, 20 by default; one that stopped answering is given three times that",
    ),
    ("DOCKER_HOST", "the engine's address; wins over contexts"),
    ("DOCKER_CONTEXT", "the docker context to use"),
    ("DOCKER_CONFIG", "folder of docker's config.json and contexts; ~/.docker by default"),
    (
        "DOCKER_AUTH_CONFIG",
        "credentials for registries, in the form of docker's config.json; they go before its own",
    ),
    ("DOCKER_API_VERSION", "pins the API version"),
    ("DOCKER_DEFAULT_PLATFORM", "platform of services that name none"),
    ("DOCKER_BUILDKIT", "0: build with the classic builder"),
    (
        "GITHUB_ACTIONS",
        "true: the log has groups, and mistakes beside the lines of files; no colours, nothing redrawn",
    ),
    ("GITHUB_WORKSPACE", "the folder that paths of such mistakes begin at"),
    ("GITHUB_STEP_SUMMARY", "the file that `up` and `test` add a summary to"),
    ("GITLAB_CI", "true: the log has sections; no colours, nothing redrawn"),
    ("BUILDKITE", "the same"),
    ("NO_COLOR", "anything: no colours"),
    ("HOME", "~ in paths, and where docker's configuration is"),
    ("XDG_CACHE_HOME", "where copies of remote stack files are kept; ~/.cache by default"),
    ("XDG_STATE_HOME", "where what was applied is kept, for `stack rollback`; ~/.local/state by default"),
    ("XDG_RUNTIME_DIR", "where rootless engines listen"),
];

/// The process's surroundings, read once.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// All environment variables that are valid text.
    pub environment: Environment,
    /// The working directory.
    pub current_dir: PathBuf,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// When the process started.
    pub started: Instant,
    /// When that was, seconds since 1970.
    pub started_unix: i64,
    /// The same in nanoseconds.
    pub started_unix_nanos: i64,
}

impl Surroundings {
    /// Reads them.
    #[expect(clippy::disallowed_methods, reason = "the one place that looks at the process's surroundings")]
    pub fn read() -> std::io::Result<Self> {
        let mut environment: Environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let current_dir = match environment.get("PWD").map(PathBuf::from) {
            // A shell's PWD keeps the symbolic links the user walked through; it counts only while it is true.
            Some(pwd) if pwd.is_absolute() && same_folder(&pwd) => pwd,
            _ => std::env::current_dir()?,
        };
        environment.set_default("PWD", current_dir.to_string_lossy());
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            environment,
            current_dir,
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            started: Instant::now(),
            started_unix: i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX),
            started_unix_nanos: i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX),
        })
    }

    /// How the process was called.
    ///
    /// # Errors
    /// A word that is no text, or a flag of the docker command without its value.
    pub fn called(&self) -> Result<Called, Failure> {
        let mut words = std::env::args_os().map(|word| {
            word.into_string().map_err(|word| {
                Failure::message(format!("`{}` is not valid UTF-8 text", word.to_string_lossy()))
            })
        });
        let program = words.next().transpose()?.unwrap_or_default();
        let words = words.collect::<Result<Vec<_>, _>>()?;
        let as_plugin = self.environment.get("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND").is_some();
        argv::settle(&program, words, as_plugin)
    }

    /// A variable that means yes or no: `1`, `true`, `yes`, `on` in any case are yes.
    pub fn flag(&self, name: &str) -> bool {
        self.environment.get(name).is_some_and(|value| {
            matches!(value.to_ascii_lowercase().as_str(), "1" | "t" | "true" | "yes" | "on")
        })
    }
}

fn same_folder(path: &std::path::Path) -> bool {
    match (path.canonicalize(), std::path::Path::new(".").canonicalize()) {
        (Ok(named), Ok(actual)) => named == actual,
        _ => false,
    }
}
