//! Taking files away in a container. The engine has no call for it.
//!
//! `rm` of the image itself is asked first. An image without one gets help from a container that sees its processes, and
//! through the first of them its files (`/proc/1/root`), made of an image that is here already and has an `rm`. It has no
//! network, is none of the project's containers, and goes with its end. One that a killed run left behind goes when the next
//! deletion needs its name, or when the next watch of the project begins.

use super::sync::{Receiver, SyncError};
use crate::engine::{Engine, EngineError, EngineErrorKind, ExecSpec, WaitFor};
use crate::lower;
use crate::model::label;

/// Images that people have and that have an `rm`, smallest first.
const HELPERS: [&str; 5] = ["busybox", "alpine", "debian", "ubuntu", "docker.io/library/busybox"];

/// Takes these paths away, with all below them; what is not there is no error. `images` may help besides the well-known ones.
///
/// # Errors
/// They cannot be written, no image has an `rm`, or the engine refuses.
pub(super) async fn remove(
    engine: &Engine,
    to: &Receiver,
    images: &[String],
    paths: &[String],
) -> Result<(), SyncError> {
    let command: Vec<String> =
        ["rm", "-rf", "--"].map(ToOwned::to_owned).into_iter().chain(paths.iter().cloned()).collect();
    let spec = ExecSpec { command, user: "0".to_owned(), ..ExecSpec::default() };
    let said = match engine.run_in_container(&to.id, &to.name, spec).await {
        Ok(run) if run.exit_code == 0 => return Ok(()),
        Ok(run) => String::from_utf8_lossy(&run.output).trim().to_owned(),
        Err(error) if has_no_program(&error.message) => error.message,
        Err(error) => return Err(error.into()),
    };
    if said.contains("Read-only file system") {
        let path = paths.first().cloned().unwrap_or_default();
        return Err(SyncError::ReadOnly { container: to.name.clone(), path });
    }
    if !has_no_program(&said) {
        return Err(SyncError::Delete { container: to.name.clone(), why: said });
    }
    from_outside(engine, to, images, paths).await
}

/// What runtimes say about a program that is not there.
fn has_no_program(said: &str) -> bool {
    said.contains("executable file not found") || said.contains("no such file or directory")
}

async fn from_outside(
    engine: &Engine,
    to: &Receiver,
    images: &[String],
    paths: &[String],
) -> Result<(), SyncError> {
    let failed = |why: String| SyncError::Delete { container: to.name.clone(), why };
    let known = engine.list_images(&HELPERS.map(ToOwned::to_owned)).await?;
    let mut known: Vec<_> = known.into_iter().map(|row| (row.size, row.id)).collect();
    known.sort();
    for image in known.iter().map(|(_, id)| id).chain(images) {
        match try_image(engine, to, image, paths).await {
            Ok(0) => return all_gone(engine, to, paths).await,
            Ok(code) => return Err(failed(format!("`rm` beside the container ended with {code}"))),
            // The next one may have it.
            Err(error) if has_no_program(&error.message) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(failed(
        "its image has no `rm`, and no image here has one; `docker pull busybox` brings one".to_owned(),
    ))
}

async fn try_image(
    engine: &Engine,
    to: &Receiver,
    image: &str,
    paths: &[String],
) -> Result<i64, EngineError> {
    let inside = paths.iter().map(|path| format!("/proc/1/root{path}"));
    let arguments = ["-rf", "--"].map(ToOwned::to_owned).into_iter().chain(inside).collect();
    let mut body = lower::beside::lower(image, &to.id, "rm", arguments);
    body.labels = Some([(label::DELETES_FOR.to_owned(), to.project.clone())].into());
    let name = format!("stack-rm-{}", to.id.get(..12).unwrap_or_default());
    // Not by force: one that runs is at work, and that its name is taken is then the error.
    match engine.remove_container(&name, &name, false, true).await {
        Err(error) if error.kind != EngineErrorKind::Conflict => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let id = engine.create_container(&name, None, body).await?;
    let run = async {
        engine.start_container(&id, &name).await?;
        engine.wait_container(&id, &name, WaitFor::NotRunning).await
    };
    let ended = run.await;
    let removed = engine.remove_container(&id, &name, true, true).await;
    let code = ended?;
    removed.map(|()| code)
}

/// Takes away what killed runs left behind of their deletions in a project's containers. One that still runs ends by itself.
pub(super) async fn sweep(engine: &Engine, project: &str) -> Result<(), EngineError> {
    for left in engine.list_containers(&[format!("{}={project}", label::DELETES_FOR)]).await? {
        if left.state != "running" {
            engine.remove_container(&left.id, &left.id, false, true).await?;
        }
    }
    Ok(())
}

/// A link in the way leads elsewhere when it is followed from outside: then nothing was removed, and it must be said.
async fn all_gone(engine: &Engine, to: &Receiver, paths: &[String]) -> Result<(), SyncError> {
    for path in paths {
        match engine.stat_path(&to.id, &to.name, path).await {
            Err(error) if error.kind == EngineErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                return Err(SyncError::Delete {
                    container: to.name.clone(),
                    why: format!("`{path}` is still there, and the image has no `rm`"),
                });
            }
        }
    }
    Ok(())
}
