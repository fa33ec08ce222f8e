//! `images`: what the project's containers were made from.

use super::{OpsError, Scope, list};
use crate::engine::{Engine, EngineErrorKind};
use std::collections::BTreeMap;

/// The image of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerImage {
    /// The container.
    pub container: String,
    /// The image's id.
    pub id: String,
    /// The name it was asked for by, without a tag; empty when only the id is known.
    pub repository: String,
    /// The tag; empty when there is none.
    pub tag: String,
    /// `os/arch[/variant]`; empty when the image is gone.
    pub platform: String,
    /// Bytes.
    pub size: u64,
    /// When it was made (RFC 3339); empty when nobody knows.
    pub created: String,
    /// When it got its name last (RFC 3339); empty when nobody knows.
    pub tagged: String,
}

/// The images of the containers of services, stopped ones included, by container.
///
/// # Errors
/// The engine's; an unknown service.
pub async fn list(
    engine: &Engine,
    scope: &Scope,
    services: &[String],
) -> Result<Vec<ContainerImage>, OpsError> {
    let containers = list::of_services(engine, scope, services).await?;
    let mut known: BTreeMap<String, ContainerImage> = BTreeMap::new();
    let mut found = Vec::new();
    for container in containers {
        if !known.contains_key(&container.image_id) {
            known.insert(container.image_id.clone(), inspected(engine, &container.image_id).await?);
        }
        let image = known.get(&container.image_id).cloned().unwrap_or_default();
        let (repository, tag) = parts(&container.image);
        found.push(ContainerImage { container: container.name, repository, tag, ..image });
    }
    found.sort_by(|one, other| one.container.cmp(&other.container));
    Ok(found)
}

/// What the engine knows of an image; hardly anything when it is gone.
async fn inspected(engine: &Engine, id: &str) -> Result<ContainerImage, OpsError> {
    let bare = ContainerImage { id: id.to_owned(), ..ContainerImage::default() };
    let image = match engine.inspect_image(id).await {
        Ok(image) => image,
        Err(error) if error.kind == EngineErrorKind::NotFound => return Ok(bare),
        Err(error) => return Err(error.into()),
    };
    let platform = [image.os, image.architecture, image.variant];
    let platform: Vec<String> = platform.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    Ok(ContainerImage {
        platform: platform.join("/"),
        size: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        created: image.created.unwrap_or_default(),
        tagged: image.metadata.and_then(|metadata| metadata.last_tag_time).unwrap_or_default(),
        ..bare
    })
}

/// `host:5000/app:1` to `host:5000/app` and `1`. A name without a tag means `latest`; an id has no name.
fn parts(reference: &str) -> (String, String) {
    if reference.starts_with("sha256:") {
        return (String::new(), String::new());
    }
    if let Some((name, _digest)) = reference.split_once('@') {
        return (name.to_owned(), String::new());
    }
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), tag.to_owned()),
        _ => (reference.to_owned(), "latest".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_name_and_a_tag() {
        let check = |reference: &str, name: &str, tag: &str| {
            assert_eq!(parts(reference), (name.to_owned(), tag.to_owned()), "{reference}");
        };
        check("busybox", "busybox", "latest");
        check("host:5000/app:1", "host:5000/app", "1");
        check("host:5000/app", "host:5000/app", "latest");
        check("app@sha256:00", "app", "");
        check("sha256:00", "", "");
    }
}
