//! What is found on this machine: programs, credentials, space and limits.

use super::Finding;
use crate::apply::plugin_of;
use crate::model::{Environment, Project};
use crate::registry::helpers;
use crate::watch;
use std::path::{Path, PathBuf};

/// The docker command and the plugin that builds.
pub(super) fn plugins(environment: &Environment, project: Option<&Project>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(path) = plugin_of(environment, "buildx") {
        findings.push(Finding::fine("buildx", format!("`{}`", path.display())));
    } else {
        let builds = project.is_some_and(|project| project.services.values().any(|one| one.build.is_some()));
        let more =
            if builds { "; builds go through the engine's classic builder, which can do less" } else { "" };
        findings.push(Finding::warning(
            "buildx",
            format!("the docker plugin `buildx` is not there{more}"),
            "install it: https://docs.docker.com/go/buildx, or `apt-get install docker-buildx`",
        ));
    }
    findings.push(match plugin_of(environment, "compose") {
        Some(path) => {
            let target = path.canonicalize().unwrap_or_else(|_gone| path.clone());
            let ours = target.file_name().is_some_and(|name| name == "stack");
            let whose =
                if ours { "this program" } else { "another program; both may be used on one project" };
            Finding::fine("docker compose", format!("`{}`: {whose}", path.display()))
        }
        None => {
            Finding::fine("docker compose", "not installed; `stack install-plugin` makes it this program")
        }
    });
    findings
}

/// The configuration of registries, and the programs that it names.
pub(super) fn credentials(environment: &Environment) -> Vec<Finding> {
    const CHECK: &str = "credentials";
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let folder = set("DOCKER_CONFIG").map(PathBuf::from);
    let Some(folder) = folder.or_else(|| Some(Path::new(set("HOME")?).join(".docker"))) else {
        return Vec::new();
    };
    let path = folder.join("config.json");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Finding::fine(CHECK, "none; public images need none, `docker login` makes some")];
        }
        Err(error) => {
            let hints = vec![format!("make it readable: `chmod u+r {}`", path.display())];
            return vec![Finding::broken(CHECK, format!("cannot read `{}`: {error}", path.display()), hints)];
        }
    };
    let named = match helpers(&text) {
        Ok(named) => named,
        Err(problem) => {
            let hints = vec!["correct it, or move it away and log in again with `docker login`".to_owned()];
            return vec![Finding::broken(
                CHECK,
                format!("`{}` cannot be read: {problem}", path.display()),
                hints,
            )];
        }
    };
    let folders: Vec<PathBuf> = std::env::split_paths(environment.get("PATH").unwrap_or_default()).collect();
    let is_there = |helper: &String| {
        folders.iter().any(|folder| folder.join(format!("docker-credential-{helper}")).is_file())
    };
    let missing: Vec<String> = named.iter().filter(|helper| !is_there(helper)).cloned().collect();
    if missing.is_empty() {
        let by =
            if named.is_empty() { String::new() } else { format!(", with the helper {}", named.join(", ")) };
        return vec![Finding::fine(CHECK, format!("`{}`{by}", path.display()))];
    }
    let lost = |helper: String| {
        Finding::warning(
            CHECK,
            format!(
                "`{}` names `docker-credential-{helper}`, which is not in PATH: images that need a login cannot be pulled",
                path.display()
            ),
            format!("install it, or take `{helper}` out of `credsStore` and `credHelpers` and log in again"),
        )
    };
    missing.into_iter().map(lost).collect()
}

/// Space where the engine keeps its data; nothing is said of what cannot be seen from here.
pub(super) fn disk(root: Option<&str>) -> Option<Finding> {
    const GIB: u64 = 1 << 30;
    let root = root?;
    let found = rustix::fs::statvfs(root).ok()?;
    let (free, all) = (found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize);
    let told = format!("{} of {} are free in `{root}`", size(free), size(all));
    let hint = "`docker system df` shows what takes it, `docker system prune` removes what nothing uses";
    Some(if free < GIB / 5 {
        Finding::broken("disk", told, vec![hint.to_owned()])
    } else if free < 2 * GIB || free < all / 20 {
        Finding::warning("disk", told, hint)
    } else {
        Finding::fine("disk", told)
    })
}

/// Bytes in a unit that suits them, with one decimal place.
fn size(bytes: u64) -> String {
    let (unit, name) = if bytes >= 1 << 30 { (1_u64 << 30, "GiB") } else { (1 << 20, "MiB") };
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
}

/// Whether what was applied can be kept for `rollback`.
pub(super) fn state(folder: Option<&Path>) -> Option<Finding> {
    let Some(folder) = folder else {
        return Some(Finding::warning(
            "history",
            "there is no home folder: `rollback` has nothing to go back to",
            "set HOME or XDG_STATE_HOME",
        ));
    };
    let there = folder.ancestors().find(|folder| folder.exists())?;
    if rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_ok() {
        return None;
    }
    let told = format!("`{}` cannot be written: `rollback` has nothing to go back to", there.display());
    Some(Finding::warning("history", told, "make it yours, or set XDG_STATE_HOME to a folder that is"))
}

/// The most folders that are counted.
const MOST: usize = 2_000_000;

/// The limits of file watchers against what following this project would take.
pub(super) fn watchers(project: Option<&Project>) -> Vec<Finding> {
    const CHECK: &str = "file watchers";
    let limit = |name: &str| -> Option<usize> {
        std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    let limits = (limit("max_user_watches"), limit("max_user_instances"), project);
    let (Some(watches), Some(instances), Some(project)) = limits else { return Vec::new() };
    let extent = watch::extent(project, MOST);
    let what = if extent.by_rules { "`watch` would follow" } else { "`watch --auto` would follow at most" };
    let (count, s) = (extent.folders, if extent.folders == 1 { "" } else { "s" });
    let told = format!("{what} {count} folder{s}; {watches} are allowed to all programs of a user");
    let mut findings = vec![if count > watches {
        let wanted = count.saturating_mul(2).next_power_of_two().max(524_288);
        Finding::warning(CHECK, told, format!("raise it: `sysctl fs.inotify.max_user_watches={wanted}`"))
    } else {
        Finding::fine(CHECK, told)
    }];
    if instances < 16 {
        let told = format!("only {instances} programs of a user may watch files");
        findings.push(Finding::warning(CHECK, told, "raise it: `sysctl fs.inotify.max_user_instances=512`"));
    }
    for root in &extent.roots {
        if let Some(kind) = watch::without_events(root) {
            let told =
                format!("`{}` is on {kind}, where changes by other machines are not told", root.display());
            findings.push(Finding::warning(CHECK, told, "watch on the machine that changes the files"));
        }
    }
    findings
}
