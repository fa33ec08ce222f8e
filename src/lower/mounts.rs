//! What a container mounts: the older bind strings where they can say it, the mount list where they cannot.

use super::said;
use crate::model::{BindOptions, Mount, MountType, Project, Service, VolumeOptions};
use bollard::models::{
    Mount as EngineMount, MountBindOptions, MountBindOptionsPropagationEnum, MountImageOptions,
    MountTmpfsOptions, MountType as EngineMountType, MountVolumeOptions,
};
use std::collections::HashMap;

/// A mount of the container that is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedMount {
    /// `volume`, `bind`, ….
    pub kind: String,
    /// A volume's name.
    pub name: String,
    /// Path in the container.
    pub destination: String,
    /// Whether it can be written.
    pub writable: bool,
}

/// The parts of a body that mounts end up in.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// `source:target:mode` strings.
    pub(super) binds: Vec<String>,
    /// Mounts that a string cannot say.
    pub(super) long: Vec<EngineMount>,
    /// Paths of anonymous volumes.
    pub(super) anonymous: Vec<String>,
    /// Paths in memory, with their options.
    pub(super) tmpfs: HashMap<String, String>,
}

pub(super) fn lower(
    project: &Project,
    service: &Service,
    replaces: Option<&[ReplacedMount]>,
    image_volumes: &[String],
) -> Mounts {
    let mut mounts = Mounts::default();
    let mut taken: Vec<String> = Vec::new();
    for mount in &service.volumes {
        taken.push(clean(&mount.target).to_owned());
        one(project, mount, replaces, &mut mounts);
    }
    for entry in &service.tmpfs {
        let (path, options) = entry.split_once(':').unwrap_or((entry, ""));
        mounts.tmpfs.insert(path.to_owned(), options.to_owned());
    }
    files(project, service, &taken, &mut mounts);
    // Volumes that the image declares are anonymous too: the replacement goes on with the data of the old container.
    for volume in image_volumes {
        let path = clean(volume);
        let inherited = replaces
            .into_iter()
            .flatten()
            .find(|old| old.kind == "volume" && clean(&old.destination) == path);
        if let Some(old) = inherited
            && !taken.iter().any(|target| target == path)
            && !mounts.tmpfs.contains_key(path)
        {
            mounts.long.push(inherit(old));
        }
    }
    mounts
}

fn one(project: &Project, mount: &Mount, replaces: Option<&[ReplacedMount]>, mounts: &mut Mounts) {
    match mount.kind {
        MountType::Bind if fits_a_string(mount) => mounts.binds.push(bind_string(&mount.source, mount)),
        MountType::Volume if mount.source.is_empty() => {
            let old = replaces
                .into_iter()
                .flatten()
                .find(|old| old.kind == "volume" && clean(&old.destination) == clean(&mount.target));
            match old {
                Some(old) => mounts.long.push(inherit(old)),
                None => mounts.long.push(long(mount, None)),
            }
        }
        MountType::Volume => {
            let name = project
                .volumes
                .get(mount.source.as_str())
                .map_or_else(|| mount.source.clone(), |volume| volume.name.clone());
            if fits_a_string(mount) {
                mounts.binds.push(bind_string(&name, mount));
            } else {
                mounts.long.push(long(mount, Some(name)));
            }
        }
        MountType::Bind | MountType::Tmpfs | MountType::Cluster | MountType::Npipe | MountType::Image => {
            mounts.long.push(long(mount, said(mount.source.clone())));
        }
    }
}

/// Configs and secrets that are files are mounted; the ones with content are copied in before the start. A mount that the
/// user put on the same path wins.
fn files(project: &Project, service: &Service, taken: &[String], mounts: &mut Mounts) {
    let configs = service
        .configs
        .iter()
        .map(|reference| (reference, project.configs.get(reference.source.as_str()), "/"));
    let secrets = service
        .secrets
        .iter()
        .map(|reference| (reference, project.secrets.get(reference.source.as_str()), "/run/secrets/"));
    for (reference, object, folder) in configs.chain(secrets) {
        let Some(object) = object.filter(|object| !object.file.is_empty()) else { continue };
        let target = file_target(&reference.target, &reference.source, folder);
        if taken.contains(&target) {
            continue;
        }
        mounts.long.push(EngineMount {
            typ: Some(EngineMountType::BIND),
            source: Some(object.file.clone()),
            target: Some(target),
            read_only: Some(true),
            ..EngineMount::default()
        });
    }
}

/// Where a config or secret goes: its target, below `folder` unless it is absolute, or its key.
pub fn file_target(target: &str, source: &str, folder: &str) -> String {
    match target {
        "" => format!("{folder}{source}"),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("{folder}{relative}"),
    }
}

/// Whether a bind string can say all that a mount says.
fn fits_a_string(mount: &Mount) -> bool {
    match mount.kind {
        // A bind without a `bind` block makes the host path, as the reference's does.
        MountType::Bind => mount.bind.as_ref().is_none_or(|bind| {
            let BindOptions { selinux: _, propagation, create_host_path, recursive, extensions: _ } = bind;
            *create_host_path && propagation.is_empty() && recursive.is_empty()
        }),
        MountType::Volume => mount.volume.as_ref().is_none_or(|volume| {
            let VolumeOptions { labels, nocopy, subpath, extensions: _ } = volume;
            labels.is_empty() && !nocopy && subpath.is_empty()
        }),
        MountType::Tmpfs | MountType::Cluster | MountType::Npipe | MountType::Image => false,
    }
}

fn bind_string(source: &str, mount: &Mount) -> String {
    let mut options = vec![if mount.read_only { "ro" } else { "rw" }.to_owned()];
    if let Some(bind) = &mount.bind
        && !bind.selinux.is_empty()
    {
        options.push(bind.selinux.clone());
    }
    format!("{source}:{}:{}", mount.target, options.join(","))
}

fn long(mount: &Mount, source: Option<String>) -> EngineMount {
    let Mount { kind, source: _, target, read_only, consistency, bind, volume, tmpfs, image, extensions: _ } =
        mount;
    EngineMount {
        typ: Some(match kind {
            MountType::Bind => EngineMountType::BIND,
            MountType::Volume => EngineMountType::VOLUME,
            MountType::Tmpfs => EngineMountType::TMPFS,
            MountType::Cluster => EngineMountType::CLUSTER,
            MountType::Npipe => EngineMountType::NPIPE,
            MountType::Image => EngineMountType::IMAGE,
        }),
        source,
        target: Some(target.clone()),
        read_only: said(*read_only),
        consistency: said(consistency.clone()),
        bind_options: bind.as_ref().map(bind_options),
        volume_options: volume.as_ref().map(|volume| MountVolumeOptions {
            no_copy: said(volume.nocopy),
            labels: said(volume.labels.clone().into_iter().collect()),
            subpath: said(volume.subpath.clone()),
            driver_config: None,
        }),
        tmpfs_options: tmpfs.as_ref().map(|tmpfs| MountTmpfsOptions {
            size_bytes: said(tmpfs.size.0),
            mode: said(i64::from(tmpfs.mode)),
            options: None,
        }),
        image_options: image.as_ref().map(|image| MountImageOptions { subpath: said(image.subpath.clone()) }),
    }
}

fn bind_options(bind: &BindOptions) -> MountBindOptions {
    let propagation = match bind.propagation.as_str() {
        "private" => Some(MountBindOptionsPropagationEnum::PRIVATE),
        "rprivate" => Some(MountBindOptionsPropagationEnum::RPRIVATE),
        "shared" => Some(MountBindOptionsPropagationEnum::SHARED),
        "rshared" => Some(MountBindOptionsPropagationEnum::RSHARED),
        "slave" => Some(MountBindOptionsPropagationEnum::SLAVE),
        "rslave" => Some(MountBindOptionsPropagationEnum::RSLAVE),
        _ => None,
    };
    MountBindOptions {
        propagation,
        create_mountpoint: said(bind.create_host_path),
        non_recursive: (bind.recursive == "disabled").then_some(true),
        read_only_non_recursive: (bind.recursive == "writable").then_some(true),
        read_only_force_recursive: (bind.recursive == "readonly").then_some(true),
    }
}

fn inherit(old: &ReplacedMount) -> EngineMount {
    EngineMount {
        typ: Some(EngineMountType::VOLUME),
        source: Some(old.name.clone()),
        target: Some(old.destination.clone()),
        read_only: said(!old.writable),
        ..EngineMount::default()
    }
}

fn clean(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { path } else { trimmed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(volumes: Vec<Mount>) -> Service {
        Service { volumes, ..Service::default() }
    }

    fn bind(source: &str, target: &str, read_only: bool) -> Mount {
        Mount {
            kind: MountType::Bind,
            source: source.to_owned(),
            target: target.to_owned(),
            read_only,
            bind: Some(BindOptions { create_host_path: true, ..BindOptions::default() }),
            ..Mount::default()
        }
    }

    #[test]
    fn a_short_bind_becomes_a_string_and_one_that_must_not_make_its_source_a_mount() {
        let lowered = lower(&Project::default(), &service(vec![bind("/a", "/b", true)]), None, &[]);
        assert_eq!(lowered.binds, ["/a:/b:ro"]);
        let bare = Mount { bind: None, consistency: "cached".to_owned(), ..bind("/a", "/b", false) };
        let lowered = lower(&Project::default(), &service(vec![bare]), None, &[]);
        assert_eq!(lowered.binds, ["/a:/b:rw"]);
        let strict = Mount { bind: Some(BindOptions::default()), ..bind("/a", "/b", false) };
        let lowered = lower(&Project::default(), &service(vec![strict]), None, &[]);
        assert!(lowered.binds.is_empty());
        assert_eq!(lowered.long.len(), 1);
    }

    #[test]
    fn a_replacement_goes_on_with_the_anonymous_volumes_of_the_old_container() {
        let old = [ReplacedMount {
            kind: "volume".to_owned(),
            name: "f00d".to_owned(),
            destination: "/data".to_owned(),
            writable: true,
        }];
        let anonymous = Mount { target: "/data/".to_owned(), ..Mount::default() };
        for (volumes, image_volumes) in [(vec![anonymous], vec![]), (vec![], vec!["/data".to_owned()])] {
            let lowered = lower(&Project::default(), &service(volumes), Some(&old), &image_volumes);
            assert_eq!(lowered.long.len(), 1);
            assert_eq!(lowered.long[0].source.as_deref(), Some("f00d"));
        }
    }

    #[test]
    fn a_volume_that_the_new_image_does_not_declare_is_not_carried_over() {
        let old = [ReplacedMount {
            kind: "volume".to_owned(),
            name: "f00d".to_owned(),
            destination: "/data".to_owned(),
            writable: true,
        }];
        let lowered = lower(&Project::default(), &service(vec![]), Some(&old), &[]);
        assert!(lowered.long.is_empty());
    }
}
