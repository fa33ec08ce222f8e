//! Images: `/images/…`, `/build`.

use super::{Engine, EngineError, EngineErrorKind};
use bollard::models::{ImageConfig, ImageInspect};
use bollard::query_parameters::{BuildImageOptions, CreateImageOptions};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::collections::HashMap;

/// How far a pull is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// The layer; empty for the image as a whole.
    pub layer: String,
    /// Bytes done.
    pub current: u64,
    /// Bytes in all; 0 when unknown.
    pub total: u64,
    /// The engine's word: `Downloading`, `Pull complete`, ….
    pub status: String,
}

/// What the classic builder is told.
#[derive(Debug, Clone, Default)]
pub struct BuildSpec {
    /// The names the image gets.
    pub tags: Vec<String>,
    /// Path of the Dockerfile in the context.
    pub dockerfile: String,
    /// Build arguments; one without a value is left out.
    pub args: HashMap<String, String>,
    /// Labels of the image.
    pub labels: HashMap<String, String>,
    /// Stage to build.
    pub target: String,
    /// `os/arch`.
    pub platform: String,
    /// Network of `RUN`.
    pub network: String,
    /// `host:ip` lines.
    pub extra_hosts: Vec<String>,
    /// Images to take cache from.
    pub cache_from: Vec<String>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<i32>,
    /// Use no cache.
    pub no_cache: bool,
    /// Pull base images even when they are there.
    pub pull: bool,
}

/// A line the builder writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLine(pub String);

impl Engine {
    /// Pulls an image. `POST /images/create`.
    ///
    /// # Errors
    /// `NotFound` when no registry has it, `Denied` without credentials, `Server` when the registry does not answer.
    pub async fn pull_image(
        &self,
        image: &str,
        platform: Option<&str>,
        mut progress: impl FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        // Without a tag the engine would pull every tag there is.
        let (name, tag) = split_reference(image);
        let options = CreateImageOptions {
            from_image: Some(name.to_owned()),
            tag: Some(tag.to_owned()),
            platform: platform.unwrap_or_default().to_owned(),
            ..CreateImageOptions::default()
        };
        let subject = || format!("image `{image}`");
        let mut stream = self.docker.create_image(Some(options), None, None);
        while let Some(info) = stream.next().await {
            let info = info.map_err(|error| EngineError::from_bollard("pull", subject(), &error))?;
            if let Some(detail) = info.error_detail {
                return Err(EngineError {
                    operation: "pull",
                    subject: subject(),
                    kind: EngineErrorKind::Server,
                    message: detail.message.unwrap_or_default(),
                });
            }
            let bytes = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
            let detail = info.progress_detail;
            progress(PullProgress {
                layer: info.id.unwrap_or_default(),
                current: bytes(detail.as_ref().and_then(|detail| detail.current)),
                total: bytes(detail.as_ref().and_then(|detail| detail.total)),
                status: info.status.unwrap_or_default(),
            });
        }
        Ok(())
    }

    /// Everything the engine knows about an image. `GET /images/{name}/json`.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn inspect_image(&self, image: &str) -> Result<ImageInspect, EngineError> {
        let answer = self.docker.inspect_image(image).await;
        answer.map_err(|error| EngineError::from_bollard("inspect", format!("image `{image}`"), &error))
    }

    /// What the image label of a container made from this image says: the image's id.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn image_digest(&self, image: &str) -> Result<String, EngineError> {
        Ok(self.inspect_image(image).await?.id.unwrap_or_default())
    }

    /// What containers of this image are made of unless they say otherwise.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn image_defaults(&self, image: &str) -> Result<ImageConfig, EngineError> {
        Ok(self.inspect_image(image).await?.config.unwrap_or_default())
    }

    /// Builds an image from a context with the engine's classic builder. `POST /build`.
    ///
    /// # Errors
    /// `Server` with the failing step's words.
    pub async fn build_image(
        &self,
        spec: &BuildSpec,
        context: impl Stream<Item = Bytes> + Send + 'static,
        mut line: impl FnMut(BuildLine),
    ) -> Result<(), EngineError> {
        let image = spec.tags.first().cloned().unwrap_or_default();
        let options = BuildImageOptions {
            t: Some(image.clone()),
            dockerfile: spec.dockerfile.clone(),
            buildargs: Some(spec.args.clone()),
            labels: Some(spec.labels.clone()),
            target: spec.target.clone(),
            platform: spec.platform.clone(),
            networkmode: (!spec.network.is_empty()).then(|| spec.network.clone()),
            extrahosts: (!spec.extra_hosts.is_empty()).then(|| spec.extra_hosts.join(",")),
            cachefrom: (!spec.cache_from.is_empty()).then(|| spec.cache_from.clone()),
            shmsize: spec.shm_size,
            nocache: spec.no_cache,
            pull: spec.pull.then(|| "1".to_owned()),
            rm: true,
            forcerm: true,
            ..BuildImageOptions::default()
        };
        let failed = |message: String| EngineError {
            operation: "build",
            subject: format!("image `{image}`"),
            kind: EngineErrorKind::Server,
            message,
        };
        let mut stream = self.docker.build_image(options, None, Some(bollard::body_stream(context)));
        while let Some(info) = stream.next().await {
            let info = info.map_err(|error| {
                let error = EngineError::from_bollard("build", format!("image `{image}`"), &error);
                EngineError { message: error.message.clone(), ..error }
            })?;
            if let Some(detail) = info.error_detail {
                return Err(failed(detail.message.unwrap_or_default()));
            }
            if let Some(text) = info.stream {
                for part in text.lines().filter(|part| !part.trim().is_empty()) {
                    line(BuildLine(part.to_owned()));
                }
            }
        }
        drop(stream);
        for tag in spec.tags.iter().skip(1) {
            self.tag_image(&image, tag).await?;
        }
        Ok(())
    }

    async fn tag_image(&self, image: &str, name: &str) -> Result<(), EngineError> {
        let (repo, tag) = split_reference(name);
        let options = bollard::query_parameters::TagImageOptions {
            repo: Some(repo.to_owned()),
            tag: Some(tag.to_owned()),
        };
        let done = self.docker.tag_image(image, Some(options)).await;
        done.map_err(|error| EngineError::from_bollard("tag", format!("image `{name}`"), &error))
    }
}

/// `registry:5000/a/b:tag` to its name and tag (`latest` when there is none); a digest stays with the name's end.
fn split_reference(image: &str) -> (&str, &str) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, digest);
    }
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_port_is_no_tag() {
        for (image, expect) in [
            ("busybox", ("busybox", "latest")),
            ("busybox:1.35", ("busybox", "1.35")),
            ("localhost:5000/a", ("localhost:5000/a", "latest")),
            ("localhost:5000/a:b", ("localhost:5000/a", "b")),
            ("a@sha256:12", ("a", "sha256:12")),
        ] {
            assert_eq!(split_reference(image), expect, "{image}");
        }
    }
}
