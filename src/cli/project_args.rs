//! The flags that say which project is meant.

use super::Surroundings;
use super::exit::Failure;
use crate::load::{self, InstanceRequest, LoadRequest};
use crate::ops::instances;
use std::io::Read;
use std::path::PathBuf;

/// Flags that come before the command: `stack -f other.yaml up`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ProjectArgs {
    /// Stack file; `-` reads standard input. Repeat it to merge several.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub file: Vec<String>,

    /// Project name.
    #[arg(short = 'p', long = "project-name", value_name = "NAME")]
    pub project_name: Option<String>,

    /// A copy of the project that runs beside the others, with names and host ports of its own; `auto` calls it after the git
    /// worktree or branch.
    #[arg(long = "instance", value_name = "NAME")]
    pub instance: Option<String>,

    /// Switch a profile on; `*` switches all on.
    #[arg(long = "profile", value_name = "PROFILE")]
    pub profile: Vec<String>,

    /// Take in what services depend on, whatever its profiles are, instead of refusing.
    #[arg(long = "with-deps", global = true)]
    pub with_deps: bool,

    /// File of variables instead of `.env`. Repeat it: later files win.
    #[arg(long = "env-file", value_name = "FILE")]
    pub env_file: Vec<PathBuf>,

    /// Base of relative paths; by default the folder of the first stack file.
    #[arg(long = "project-directory", value_name = "DIR")]
    pub project_directory: Option<PathBuf>,

    /// Older name of --project-directory.
    #[arg(long = "workdir", value_name = "DIR", hide = true)]
    pub workdir: Option<PathBuf>,

    /// Names with `_` instead of `-`.
    #[arg(long = "compatibility")]
    pub compatibility: bool,

    /// Keep networks, volumes, configs and secrets that no service uses.
    #[arg(long = "all-resources")]
    pub all_resources: bool,
}

impl ProjectArgs {
    /// The load that these flags ask for.
    ///
    /// # Errors
    /// Standard input was asked for and cannot be read as text.
    pub fn request(&self, surroundings: &Surroundings) -> Result<LoadRequest, Failure> {
        let environment = &surroundings.environment;
        let env_files = if self.env_file.is_empty() {
            let list = environment.get("COMPOSE_ENV_FILES").unwrap_or_default();
            list.split(',').filter(|path| !path.is_empty()).map(PathBuf::from).collect()
        } else {
            self.env_file.clone()
        };
        let stdin =
            if self.file.iter().any(|file| file == "-") || environment.get("COMPOSE_FILE") == Some("-") {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).map_err(|error| {
                    Failure::message(format!("cannot read the stack file from standard input: {error}"))
                })?;
                Some(text)
            } else {
                None
            };
        Ok(LoadRequest {
            current_dir: surroundings.current_dir.clone(),
            files: self.file.clone(),
            project_name: self.project_name.clone(),
            instance: self
                .instance
                .clone()
                .map(|name| InstanceRequest { name, ..InstanceRequest::default() }),
            host: instances::host(),
            project_directory: self.project_directory.clone().or_else(|| self.workdir.clone()),
            env_files,
            profiles: self.profile.clone(),
            environment: environment.clone(),
            stdin,
            all_resources: self.all_resources,
            with_dependencies: self.with_deps,
            compatibility: self.compatibility || surroundings.flag("COMPOSE_COMPATIBILITY"),
            ..LoadRequest::default()
        })
    }

    /// The project that `-p NAME` alone means: the instance of it, when one is asked for.
    ///
    /// # Errors
    /// The instance cannot be called so.
    pub fn named(&self, project: &str, surroundings: &Surroundings) -> Result<String, Failure> {
        let project = project.to_lowercase();
        let written = self.instance.as_deref().or_else(|| surroundings.environment.get("STACK_INSTANCE"));
        let directory = self.project_directory.as_deref().or(self.workdir.as_deref());
        let directory = directory.map_or_else(
            || surroundings.current_dir.clone(),
            |directory| surroundings.current_dir.join(directory),
        );
        match load::instance_name(written.unwrap_or_default(), &directory) {
            Ok(None) => Ok(project),
            Ok(Some(instance)) => Ok(load::instance_project(&project, &instance)),
            Err((message, help)) => Err(Failure::message(message).hint(help)),
        }
    }
}
