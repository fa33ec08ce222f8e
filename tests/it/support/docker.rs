//! The docker command, which runs this program as its plugin `compose`.

use super::scenario::Scenario;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The docker command: the one that is named, or the one that is installed.
#[expect(clippy::disallowed_methods, reason = "how the tests are told what there is")]
pub fn docker() -> Option<PathBuf> {
    let named = std::env::var_os("STACK_TEST_DOCKER").map(PathBuf::from);
    let named = named.filter(|named| !named.as_os_str().is_empty());
    let folders = ["/usr/local/bin", "/usr/bin"].map(|folder| Path::new(folder).join("docker"));
    // Podman has a command of that name that knows no plugins.
    let is_docker = |program: &PathBuf| {
        let told = Command::new(program).arg("--version").output();
        told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).starts_with("Docker version"))
    };
    named.into_iter().chain(folders).find(|program| program.is_file() && is_docker(program))
}

/// Whether the stories are to run `docker compose` in place of `stack`.
#[expect(clippy::disallowed_methods, reason = "how the tests are told where to run")]
pub fn through_docker() -> bool {
    std::env::var("STACK_TEST_THROUGH").is_ok_and(|through| through == "docker")
}

/// A folder for `DOCKER_CONFIG` in which this program is the plugin.
pub fn config_with_plugin(folder: &Path) -> PathBuf {
    let config = folder.join("docker-with-plugin");
    let plugins = config.join("cli-plugins");
    std::fs::create_dir_all(&plugins).expect("a folder for plugins");
    // A second look at the same folder finds it there.
    drop(std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stack"), plugins.join("docker-compose")));
    config
}

impl Scenario<'_> {
    /// The docker command with this program as its plugin, in the story's folder and for its engine; `None` where there is none.
    pub fn docker(&self) -> Option<Command> {
        let Some(program) = docker() else {
            println!("note: not run: there is no docker command");
            return None;
        };
        let mut command = Command::new(program);
        command
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.folder())
            .env("DOCKER_CONFIG", config_with_plugin(self.home()))
            .env("DOCKER_HOST", self.host());
        Some(command)
    }
}
