//! What a container needs from files beside the stack file: configs and secrets with content, seccomp profiles.

use super::{Cx, StepError, step};
use crate::engine::Address;
use crate::lower;
use crate::model::{FileObject, FileReference};
use crate::observe::ContainerId;
use crate::plan::ContainerRef;
use std::path::Path;

/// Uploads the contents that a container's service asks for, in one archive.
pub(super) async fn inject(cx: &Cx, container: &ContainerRef, id: &ContainerId) -> Result<(), StepError> {
    let Some(project) = &cx.project else { return Ok(()) };
    let Some(service) = project.services.get(&container.service) else { return Ok(()) };
    let mut archive = tar::Builder::new(Vec::new());
    let mut any = false;
    let configs = service.configs.iter().map(|file| (file, project.configs.get(file.source.as_str()), "/"));
    let secrets =
        service.secrets.iter().map(|file| (file, project.secrets.get(file.source.as_str()), "/run/secrets/"));
    for (reference, object, folder) in configs.chain(secrets) {
        let Some(content) =
            object.map(|object| content(cx, &reference.source, object)).transpose()?.flatten()
        else {
            continue;
        };
        let target = lower::file_target(&reference.target, &reference.source, folder);
        append(&mut archive, reference, &target, content.as_bytes())?;
        any = true;
    }
    if !any {
        return Ok(());
    }
    if service.read_only {
        return Err(StepError::new(format!(
            "service `{}` is read_only, and its configs and secrets with content cannot be written into it; use `file` for them",
            service.name
        )));
    }
    let bytes = archive
        .into_inner()
        .map_err(|error| StepError::new(format!("cannot pack configs and secrets: {error}")))?;
    cx.engine.upload(&id.0, &container.name, "/", bytes).await?;
    Ok(())
}

/// The engine's socket on the machine that it runs on: where we reach it, when that is a place for sockets of this machine.
/// The socket that a program forwards from elsewhere (a virtual machine, mostly below a home folder) says nothing of it.
pub(super) fn socket_of(address: &Address) -> Option<&str> {
    match address {
        Address::Unix(path) if path.starts_with("/run") || path.starts_with("/var/run") => path.to_str(),
        Address::Unix(_) | Address::Tcp(_) | Address::Ssh(_) => None,
    }
}

/// The engine takes a seccomp profile's text, the file names its path, relative to the project.
pub(super) fn inline_seccomp(working_dir: &Path, options: &mut [String]) -> Result<(), StepError> {
    for option in options {
        let Some(profile) = option.strip_prefix("seccomp=").or_else(|| option.strip_prefix("seccomp:"))
        else {
            continue;
        };
        if matches!(profile, "unconfined" | "builtin") || profile.trim_start().starts_with('{') {
            continue;
        }
        let path = working_dir.join(profile);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            StepError::new(format!("cannot read seccomp profile `{}`: {error}", path.display()))
        })?;
        let profile: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            StepError::new(format!("seccomp profile `{}` is no JSON: {error}", path.display()))
        })?;
        *option = format!("seccomp={profile}");
    }
    Ok(())
}

/// The content of a config or secret that is not a file.
fn content(cx: &Cx, key: &str, object: &FileObject) -> Result<Option<String>, StepError> {
    if !object.content.is_empty() {
        return Ok(Some(object.content.clone()));
    }
    if object.environment.is_empty() {
        return Ok(None);
    }
    let project = step::project(cx)?;
    match project.environment.get(&object.environment) {
        Some(value) => Ok(Some(value.to_owned())),
        None => Err(StepError::new(format!(
            "`{key}` takes its content from the variable `{}`, which is not set",
            object.environment
        ))),
    }
}

fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    reference: &FileReference,
    target: &str,
    content: &[u8],
) -> Result<(), StepError> {
    let failed = |error: std::io::Error| StepError::new(format!("cannot pack `{target}`: {error}"));
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
    header.set_mode(reference.mode.unwrap_or(0o444));
    header.set_uid(reference.uid.parse().unwrap_or(0));
    header.set_gid(reference.gid.parse().unwrap_or(0));
    archive.append_data(&mut header, target.trim_start_matches('/'), content).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seccomp_profile_is_sent_as_its_text_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.json"), "{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }").unwrap();
        let mut options =
            ["seccomp=p.json", "seccomp=unconfined", "no-new-privileges:true"].map(ToOwned::to_owned);
        inline_seccomp(folder.path(), &mut options).unwrap();
        assert_eq!(
            options,
            [
                "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
                "seccomp=unconfined",
                "no-new-privileges:true"
            ]
        );
        let error = inline_seccomp(folder.path(), &mut ["seccomp=gone.json".to_owned()]).unwrap_err();
        assert!(error.message.contains("gone.json"), "{}", error.message);
    }
}
