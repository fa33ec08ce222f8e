//! A volume to the body of `POST /volumes/create`.

use super::said;
use crate::model::{Project, Volume, VolumeKey, hash, label};
use bollard::models::{
    ContainerCreateBody, HostConfig, Mount, MountType, MountVolumeOptions, VolumeCreateRequest,
};
use std::collections::HashMap;

/// A volume that holds nothing, and says that an instance is to be kept although its owner is gone. It goes with the volumes of
/// the project.
pub fn keep_mark(project: &Project) -> VolumeCreateRequest {
    let mut labels = HashMap::new();
    labels.insert(label::PROJECT.to_owned(), project.name.to_string());
    super::label_instance(project, &mut labels);
    labels.insert(label::INSTANCE_KEPT.to_owned(), "true".to_owned());
    let name = Some(format!("{}_kept", project.name));
    VolumeCreateRequest { name, labels: Some(labels), ..VolumeCreateRequest::default() }
}

/// The body.
pub fn create_body(project: &Project, key: &VolumeKey, volume: &Volume) -> VolumeCreateRequest {
    let Volume { name, driver, driver_opts, external: _, labels, extensions: _ } = volume;
    let mut labels: HashMap<String, String> = labels.clone().into_iter().collect();
    labels.insert(label::PROJECT.to_owned(), project.name.to_string());
    labels.insert(label::VOLUME.to_owned(), key.to_string());
    // Differs: the reference does not say where a volume came from, and so cannot tell a renamed folder's data from a stranger's.
    labels.insert(label::WORKING_DIR.to_owned(), project.working_dir.display().to_string());
    labels.insert(label::VERSION.to_owned(), label::COMPATIBLE_VERSION.to_owned());
    labels.insert(label::CONFIG_HASH.to_owned(), hash::volume(volume));
    super::label_instance(project, &mut labels);
    VolumeCreateRequest {
        name: Some(name.clone()),
        driver: said(driver.clone()),
        driver_opts: said(driver_opts.clone().into_iter().collect()),
        labels: Some(labels),
        cluster_volume_spec: None,
    }
}

/// The body of a volume that keeps the data of another one while that is replaced. It is the project's, but no key's.
pub fn keeper_body(project: &Project, name: &str, of: &str) -> VolumeCreateRequest {
    let labels = [(label::PROJECT, project.name.as_str()), (label::MOVES, of)];
    VolumeCreateRequest {
        name: Some(name.to_owned()),
        labels: Some(owned(&labels)),
        ..VolumeCreateRequest::default()
    }
}

/// What the hook label of a container says that volumes are copied through.
pub const COPY: &str = "copy_volume";
/// Where the volume that is read is mounted. Nothing of an image is at either place.
pub const FROM: &str = "/.stack-from";
/// Where the one that is written is mounted.
pub const TO: &str = "/.stack-to";

/// A container that mounts two volumes, so that the engine hands their files out and takes them in. It is never started; the
/// label by which `up` and `down` know the helpers of hooks makes them tidy it up when we are killed.
pub fn copier_body(project: &Project, image: &str, from: &str, to: &str) -> ContainerCreateBody {
    let mount = |name: &str, target: &str, read_only: bool| Mount {
        typ: Some(MountType::VOLUME),
        source: Some(name.to_owned()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..MountVolumeOptions::default() }),
        ..Mount::default()
    };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        // The engine asks for a command, also where none will run.
        entrypoint: Some(vec!["/none".to_owned()]),
        network_disabled: Some(true),
        labels: Some(owned(&[(label::PROJECT, project.name.as_str()), (label::HOOK, COPY)])),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            mounts: Some(vec![mount(from, FROM, true), mount(to, TO, false)]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn owned(labels: &[(&str, &str)]) -> HashMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
