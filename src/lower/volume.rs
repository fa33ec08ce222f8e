//! A volume to the body of `POST /volumes/create`.

use super::said;
use crate::model::{Project, Volume, VolumeKey, hash, label};
use bollard::models::VolumeCreateRequest;

/// The body.
pub fn create_body(project: &Project, key: &VolumeKey, volume: &Volume) -> VolumeCreateRequest {
    let Volume { name, driver, driver_opts, external: _, labels, extensions: _ } = volume;
    let mut labels: std::collections::HashMap<String, String> = labels.clone().into_iter().collect();
    labels.insert(label::PROJECT.to_owned(), project.name.to_string());
    labels.insert(label::VOLUME.to_owned(), key.to_string());
    labels.insert(label::VERSION.to_owned(), label::COMPATIBLE_VERSION.to_owned());
    labels.insert(label::CONFIG_HASH.to_owned(), hash::volume(volume));
    VolumeCreateRequest {
        name: Some(name.clone()),
        driver: said(driver.clone()),
        driver_opts: said(driver_opts.clone().into_iter().collect()),
        labels: Some(labels),
        cluster_volume_spec: None,
    }
}
