//! Files to a [`Project`]: discovery, parsing, interpolation, include, extends, merge, canonical form, checks, decoding.
//!
//! In: a [`LoadRequest`]. Out: a [`Loaded`] project with its warnings, or a [`LoadFailure`] with every mistake found.
//! Deliberately absent: the engine, printing, the process's environment (it is in the request). Loading is synchronous:
//! `config` never starts a runtime. Start reading at [`load()`].

use crate::model::{Environment, Project};
use crate::source::{Diagnostics, SourceMap};
use std::path::PathBuf;

/// What to load, and how: the meaning of the project flags.
#[derive(Debug, Clone, Default)]
pub struct LoadRequest {
    /// The directory the command was run in; absolute.
    pub current_dir: PathBuf,
    /// `-f`, in order: paths, `-` for standard input, git or `oci://` references. Empty: `COMPOSE_FILE`, else discovery.
    pub files: Vec<String>,
    /// `-p`.
    pub project_name: Option<String>,
    /// `--project-directory`.
    pub project_directory: Option<PathBuf>,
    /// `--env-file`, in order (or `COMPOSE_ENV_FILES`).
    pub env_files: Vec<PathBuf>,
    /// `--profile`. Empty: `COMPOSE_PROFILES`.
    pub profiles: Vec<String>,
    /// The process's environment. Names such as `COMPOSE_FILE` and `COMPOSE_PROFILES` are looked up here and in `.env`.
    pub environment: Environment,
    /// What standard input held, when a file is `-`.
    pub stdin: Option<String>,
    /// `--all-resources`: keep networks, volumes, configs and secrets that no service uses.
    pub all_resources: bool,
    /// `--compatibility`.
    pub compatibility: bool,
    /// Services named on the command line: their profiles become active, and only they and what they depend on take
    /// part. Empty: all.
    pub services: Vec<String>,
    /// `--no-deps`: the named services without what they depend on.
    pub without_dependencies: bool,
    /// Stages to leave out.
    pub skip: Skip,
}

/// Stages to leave out, for `config`'s flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent flag of `config`")]
pub struct Skip {
    /// `--no-normalize`.
    pub normalize: bool,
    /// `--no-path-resolution`.
    pub path_resolution: bool,
    /// `--no-consistency`.
    pub consistency: bool,
    /// `--no-env-resolution`.
    pub env_resolution: bool,
}

/// A project that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// Every text that went into it.
    pub sources: SourceMap,
    /// Warnings.
    pub warnings: Diagnostics,
}

/// A project that cannot be used, and why.
#[derive(Debug, Clone)]
pub struct LoadFailure {
    /// Every text that was read.
    pub sources: SourceMap,
    /// At least one error.
    pub diagnostics: Diagnostics,
}

/// Loads a project.
///
/// # Errors
/// Every mistake that could be found in one run, as diagnostics.
pub fn load(_request: &LoadRequest) -> Result<Loaded, Box<LoadFailure>> {
    Err(Box::new(LoadFailure { sources: SourceMap::default(), diagnostics: Diagnostics::default() }))
}

/// What can be known without reading the stack files through: for commands that only need the project's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located {
    /// The project's name.
    pub name: String,
    /// The project directory.
    pub working_dir: PathBuf,
    /// Stack files.
    pub files: Vec<PathBuf>,
}
