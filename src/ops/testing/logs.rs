//! The logs of all containers of a project, a file each.

use crate::engine::{Engine, LogRequest};
use crate::observe::{Container, observe};
use crate::ops::{OpsError, Scope, list};
use futures_util::StreamExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// Writes the log of each container, with times, to `SERVICE-NUMBER.log` in a folder, which is made when it is not there.
///
/// # Errors
/// What could not be read or written, after everything else was.
pub(super) async fn gather(engine: &Engine, scope: &Scope, folder: &Path) -> Result<(), OpsError> {
    let failed = |path: &Path, error: std::io::Error| OpsError::other(format!("{}: {error}", path.display()));
    tokio::fs::create_dir_all(folder).await.map_err(|error| failed(folder, error))?;
    let observed = observe(engine, &list::containers_only(scope.name())).await?;
    let mut first = Ok(());
    for container in &observed.containers {
        let path = folder.join(file_name(scope.name(), container));
        let written = match write(engine, container, &path).await {
            Ok(()) => Ok(()),
            Err(Trouble::Engine(error)) => Err(error),
            Err(Trouble::File(error)) => Err(failed(&path, error)),
        };
        first = first.and(written);
    }
    first
}

enum Trouble {
    Engine(OpsError),
    File(std::io::Error),
}

async fn write(engine: &Engine, container: &Container, path: &PathBuf) -> Result<(), Trouble> {
    let mut file = tokio::fs::File::create(path).await.map_err(Trouble::File)?;
    let request = LogRequest { timestamps: true, ..LogRequest::default() };
    let mut log = engine.logs(&container.id.0, &request);
    while let Some(chunk) = log.next().await {
        let chunk = chunk.map_err(|error| Trouble::Engine(error.into()))?;
        file.write_all(&chunk.bytes).await.map_err(Trouble::File)?;
    }
    file.flush().await.map_err(Trouble::File)
}

/// `web-1.log`; what has no number by its own name, without the project's.
fn file_name(project: &str, container: &Container) -> String {
    let identity = &container.identity;
    if let Some(number) = identity.number.filter(|_| !identity.oneoff && identity.hook.is_none()) {
        return format!("{}-{number}.log", identity.service);
    }
    let name = container.name.strip_prefix(project).unwrap_or(&container.name);
    format!("{}.log", name.trim_start_matches(['-', '_']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceName;
    use crate::observe::Identity;

    #[test]
    fn a_file_is_called_after_the_service_and_its_number() {
        let web = Identity { service: ServiceName::new("web"), number: Some(2), ..Identity::default() };
        let container =
            Container { name: "shop-test-1-web-2".to_owned(), identity: web, ..Container::default() };
        assert_eq!(file_name("shop-test-1", &container), "web-2.log");
        let once = Identity { number: None, oneoff: true, ..container.identity };
        let container = Container { name: "shop-test-1-web-run-a1".to_owned(), identity: once, ..container };
        assert_eq!(file_name("shop-test-1", &container), "web-run-a1.log");
    }
}
