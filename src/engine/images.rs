//! Images: `/images/…`, `/build`.

use super::lists::null_is_default;
use super::request::Call;
use super::stream::{self, ByteStream};
use super::{Engine, EngineError, EngineErrorKind};
use bollard::errors::Error;
use bollard::models::{ImageConfig, ImageInspect};
use bollard::query_parameters::RemoveImageOptions;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use hyper::Method;
use serde::Deserialize;
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
    /// Limits of the processes of `RUN`: name, soft, hard.
    pub ulimits: Vec<(String, i64, i64)>,
    /// Windows isolation.
    pub isolation: String,
    /// Use no cache.
    pub no_cache: bool,
    /// Pull base images even when they are there.
    pub pull: bool,
    /// The most memory, in bytes.
    pub memory: Option<u64>,
}

/// What `GET /distribution/{name}/json` answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Distribution {
    descriptor: DistributionDescriptor,
}

#[derive(Deserialize)]
struct DistributionDescriptor {
    digest: String,
}

/// A line the builder writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLine(pub String);

/// How an image is made of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitSpec {
    /// Its name, `REPOSITORY[:TAG]`; empty for none.
    pub image: String,
    /// Who made it.
    pub author: String,
    /// What for.
    pub message: String,
    /// Instructions of a Dockerfile that it differs by.
    pub changes: Vec<String>,
    /// The container stands still meanwhile.
    pub pause: bool,
}

#[derive(Deserialize)]
struct Committed {
    #[serde(rename = "Id")]
    id: String,
}

impl Engine {
    /// Pulls an image, as who Docker's configuration says one is. `POST /images/create`.
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
        let subject = format!("image `{image}`");
        let mut call = Call::new(Method::POST, "pull", &subject, "/images/create")
            .query("fromImage", name)
            .query("tag", tag)
            .query_if(platform.is_some(), "platform", platform.unwrap_or_default());
        if let Some(auth) = self.logins.for_image(image).await {
            call = call.header("x-registry-auth", auth.header());
        }
        let answer = self.call(call).await?;
        let mut lines = stream::json_values::<TransferLine>(answer.into_body(), "pull", subject.clone());
        while let Some(line) = lines.next().await {
            progress(line?.into_progress("pull", &subject)?);
        }
        Ok(())
    }

    /// The digest that a registry has for an image now, as who Docker's configuration says one is: `sha256:…`. The engine
    /// asks the registry; nothing is pulled. `GET /distribution/{name}/json`.
    ///
    /// # Errors
    /// `NotFound` when the registry does not have it, `Denied` without credentials, `Server` when it does not answer.
    pub async fn registry_digest(&self, image: &str) -> Result<String, EngineError> {
        let subject = format!("image `{image}`");
        let path = format!("/distribution/{image}/json");
        let mut call = Call::new(Method::GET, "find the digest of", &subject, &path);
        if let Some(auth) = self.logins.for_image(image).await {
            call = call.header("x-registry-auth", auth.header());
        }
        let answer: Distribution = self.call_json(call).await?;
        Ok(answer.descriptor.digest)
    }

    /// Pushes an image. `POST /images/{name}/push`.
    ///
    /// # Errors
    /// `NotFound` when it is not there, `Denied` without credentials, `Server` when the registry does not answer.
    pub async fn push_image(
        &self,
        image: &str,
        mut progress: impl FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        let (name, tag) = split_reference(image);
        let subject = format!("image `{image}`");
        let path = format!("/images/{name}/push");
        // The engine wants the header even when there is nothing in it.
        let auth = self.logins.for_image(image).await.unwrap_or_default();
        let call = Call::new(Method::POST, "push", &subject, &path).query("tag", tag);
        let answer = self.call(call.header("x-registry-auth", auth.header())).await?;
        let mut lines = stream::json_values::<TransferLine>(answer.into_body(), "push", subject.clone());
        while let Some(line) = lines.next().await {
            progress(line?.into_progress("push", &subject)?);
        }
        Ok(())
    }

    /// Takes a name off an image, and removes the image with its last one; one that is gone already is no failure.
    /// `DELETE /images/{name}`.
    ///
    /// # Errors
    /// `Conflict` when a container uses it.
    pub async fn remove_image(&self, image: &str, force: bool) -> Result<(), EngineError> {
        let options = RemoveImageOptions { force, noprune: false, platforms: None };
        match self.docker.remove_image(image, Some(options), None).await {
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            done => done
                .map(drop)
                .map_err(|error| EngineError::from_bollard("remove", format!("image `{image}`"), &error)),
        }
    }

    /// Makes an image of a container as it is now, and returns its id. `POST /commit`.
    ///
    /// # Errors
    /// `NotFound` when it is gone, `BadRequest` for a name or an instruction that cannot be.
    pub async fn commit_container(
        &self,
        id: &str,
        name: &str,
        spec: &CommitSpec,
    ) -> Result<String, EngineError> {
        let CommitSpec { image, author, message, changes, pause } = spec;
        let subject = format!("container `{name}`");
        let (repository, tag) = if image.is_empty() { ("", "") } else { split_reference(image) };
        let mut call = Call::new(Method::POST, "commit", &subject, "/commit")
            .query("container", id)
            .query_if(!repository.is_empty(), "repo", repository)
            .query_if(!repository.is_empty(), "tag", tag)
            .query_if(!author.is_empty(), "author", author.as_str())
            .query_if(!message.is_empty(), "comment", message.as_str())
            .query("pause", if *pause { "1" } else { "0" });
        for change in changes {
            call = call.query("changes", change.as_str());
        }
        let answer: Committed = self.call_json(call.json(&serde_json::Value::Null)).await?;
        Ok(answer.id)
    }

    /// Takes images from a tar archive. `POST /images/load`.
    ///
    /// # Errors
    /// `Server` when it is no archive of images.
    pub async fn load_images(&self, tar: ByteStream) -> Result<(), EngineError> {
        let call = Call::new(Method::POST, "load", "images", "/images/load").query("quiet", "1").tar(tar);
        self.call(call).await.map(drop)
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

    /// When an image was made, in nanoseconds since 1970; 0 when it does not say.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn image_created_nano(&self, image: &str) -> Result<i128, EngineError> {
        let created = self.inspect_image(image).await?.created.unwrap_or_default();
        Ok(created.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_nanosecond).unwrap_or_default())
    }

    /// When an image was last built, tagged or pulled; when it was made, where the engine does not say more.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn image_renewed(&self, image: &str) -> Result<std::time::SystemTime, EngineError> {
        let found = self.inspect_image(image).await?;
        let read = |text: String| text.parse::<jiff::Timestamp>().ok();
        let tagged = found.metadata.and_then(|metadata| metadata.last_tag_time);
        let times = [tagged.and_then(read), found.created.and_then(read)];
        let newest = times.into_iter().flatten().max().unwrap_or_default();
        Ok(std::time::SystemTime::from(newest))
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
        let image = spec.tags.first().map_or("(unnamed)", String::as_str);
        let subject = format!("image `{image}`");
        let context: ByteStream = Box::pin(context.map(Ok));
        if self.requests().is_empty() {
            self.ping().await?;
        }
        let call = build_call(spec, &subject, self.is_podman()).tar(context);
        let answer = self.call(call).await?;
        let mut lines = stream::json_values::<TransferLine>(answer.into_body(), "build", subject.clone());
        while let Some(item) = lines.next().await {
            let item = item?;
            for part in item.stream.lines().filter(|part| !part.trim().is_empty()) {
                line(BuildLine(part.to_owned()));
            }
            item.into_progress("build", &subject)?;
        }
        Ok(())
    }

    /// Gives an image a further name. `POST /images/{name}/tag`.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub async fn tag_image(&self, image: &str, name: &str) -> Result<(), EngineError> {
        let (repo, tag) = split_reference(name);
        let options = bollard::query_parameters::TagImageOptions {
            repo: Some(repo.to_owned()),
            tag: Some(tag.to_owned()),
        };
        let done = self.docker.tag_image(image, Some(options)).await;
        done.map_err(|error| EngineError::from_bollard("tag", format!("image `{name}`"), &error))
    }
}

/// A line of a pull, a push or a build.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TransferLine {
    stream: String,
    id: String,
    status: String,
    error: String,
    #[serde(rename = "progressDetail", deserialize_with = "null_is_default")]
    progress: TransferProgress,
    #[serde(rename = "errorDetail", deserialize_with = "null_is_default")]
    detail: TransferError,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TransferProgress {
    current: i64,
    total: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TransferError {
    message: String,
}

impl TransferLine {
    /// How far it is, or why it goes no further: by then the head of the answer has long said success.
    fn into_progress(self, operation: &'static str, subject: &str) -> Result<PullProgress, EngineError> {
        let Self { stream: _, id, status, error, progress, detail } = self;
        let message = if detail.message.is_empty() { error } else { detail.message };
        if message.is_empty() {
            let bytes = |count: i64| u64::try_from(count).unwrap_or(0);
            let (current, total) = (bytes(progress.current), bytes(progress.total));
            return Ok(PullProgress { layer: id, current, total, status });
        }
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        let kind = if operation == "build" {
            EngineErrorKind::Server
        } else if says(&["denied", "unauthorized"]) {
            EngineErrorKind::Denied
        } else if says(&["not found", "manifest unknown", "does not exist"]) {
            EngineErrorKind::NotFound
        } else {
            EngineErrorKind::Server
        };
        Err(EngineError { operation, subject: subject.to_owned(), kind, message })
    }
}

/// The many parameters of a build.
/// <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Image/operation/ImageBuild>
fn build_call<'a>(spec: &'a BuildSpec, subject: &'a str, podman: bool) -> Call<'a> {
    let BuildSpec {
        tags,
        dockerfile,
        args,
        labels,
        target,
        platform,
        network,
        extra_hosts,
        cache_from,
        shm_size,
        ulimits,
        isolation,
        no_cache,
        pull,
        memory,
    } = spec;
    let mut call = Call::new(Method::POST, "build", subject, "/build").query("rm", "1").query("forcerm", "1");
    for tag in tags {
        call = call.query("t", tag.as_str());
    }
    if podman && !extra_hosts.is_empty() {
        // Podman wants one list where Docker wants one parameter each.
        call = call.query("extrahosts", serde_json::json!(extra_hosts).to_string());
    } else {
        for host in extra_hosts {
            call = call.query("extrahosts", host.as_str());
        }
    }
    let ulimits: Vec<_> = ulimits
        .iter()
        .map(|(name, soft, hard)| serde_json::json!({ "Name": name, "Soft": soft, "Hard": hard }))
        .collect();
    call.query_if(!dockerfile.is_empty(), "dockerfile", dockerfile.as_str())
        .query_if(!args.is_empty(), "buildargs", serde_json::json!(args).to_string())
        .query_if(!labels.is_empty(), "labels", serde_json::json!(labels).to_string())
        .query_if(!target.is_empty(), "target", target.as_str())
        .query_if(!platform.is_empty(), "platform", platform.as_str())
        .query_if(!network.is_empty(), "networkmode", network.as_str())
        .query_if(!cache_from.is_empty(), "cachefrom", serde_json::json!(cache_from).to_string())
        .query_if(memory.is_some(), "memory", memory.unwrap_or(0).to_string())
        .query_if(shm_size.is_some(), "shmsize", shm_size.unwrap_or(0).to_string())
        .query_if(!ulimits.is_empty(), "ulimits", serde_json::Value::from(ulimits).to_string())
        .query_if(!isolation.is_empty(), "isolation", isolation.as_str())
        .query_if(*no_cache, "nocache", "1")
        .query_if(*pull, "pull", "1")
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
    fn a_refusal_inside_an_answer_is_an_error_of_its_kind() {
        let check = |operation, text: &str, expect: EngineErrorKind| {
            let line: TransferLine = serde_json::from_str(text).unwrap();
            assert_eq!(line.into_progress(operation, "image `a`").unwrap_err().kind, expect, "{text}");
        };
        check(
            "pull",
            r#"{"errorDetail":{"message":"manifest unknown"},"error":"x"}"#,
            EngineErrorKind::NotFound,
        );
        check("pull", r#"{"error":"pull access denied, may not exist"}"#, EngineErrorKind::Denied);
        check("build", r#"{"error":"sh: nope: not found"}"#, EngineErrorKind::Server);
    }

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
