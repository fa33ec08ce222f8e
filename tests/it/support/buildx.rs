//! The docker plugin `buildx`, where there is one: BuildKit can only be asked by way of it.

use super::scenario::Scenario;
use std::path::PathBuf;

/// Where plugins are, after `STACK_TEST_BUILDX`, which names the program itself.
const FOLDERS: &[&str] = &[
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

#[expect(clippy::disallowed_methods, reason = "how the tests are told what there is")]
fn found() -> Option<PathBuf> {
    let named = std::env::var_os("STACK_TEST_BUILDX").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker/cli-plugins"));
    let folders = home.into_iter().chain(FOLDERS.iter().map(PathBuf::from));
    let named = named.filter(|named| !named.as_os_str().is_empty());
    let mut programs = named.into_iter().chain(folders.map(|folder| folder.join("docker-buildx")));
    programs.find(|program| program.is_file())
}

impl Scenario<'_> {
    /// From here on `stack` finds the plugin; `false` where there is none, or an engine that is none for it.
    pub fn has_buildx(&mut self) -> bool {
        let podman = || self.engine().get("/version").to_string().contains("Podman");
        let Some(program) = found().filter(|_| !self.is_fake() && !podman()) else {
            println!("note: not run: there is no docker plugin `buildx` for this engine");
            return false;
        };
        let plugins = self.folder().join("docker/cli-plugins");
        std::fs::create_dir_all(&plugins).expect("a folder for plugins");
        let link = std::os::unix::fs::symlink(program, plugins.join("docker-buildx"));
        link.expect("a link to the plugin");
        let config = self.folder().join("docker").display().to_string();
        self.environment("DOCKER_CONFIG", &config).environment("DOCKER_BUILDKIT", "1");
        true
    }
}
