//! `/containers/{id}/archive`: files into and out of containers, as tar.

use super::containers::subject;
use super::request::Call;
use super::stream::{self, ByteStream};
use super::{Engine, EngineError, EngineErrorKind};
use hyper::Method;
use serde::Deserialize;

/// What is at a path in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PathStat {
    /// Its last part.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Go's mode bits: 1 << 31 is a folder, 1 << 27 a symbolic link.
    pub mode: u32,
    /// Where a symbolic link points.
    #[serde(rename = "linkTarget")]
    pub link_target: String,
}

impl PathStat {
    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.mode & (1 << 31) != 0
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.mode & (1 << 27) != 0
    }
}

impl Engine {
    /// `PUT /containers/{id}/archive`: unpacks a tar stream of any length at a folder of the container, running or not. With
    /// `copy_owner` the files get the owners that the archive names.
    ///
    /// # Errors
    /// `BadRequest` when the folder is none, `NotFound` when it or the container is not there.
    pub async fn upload_stream(
        &self,
        id: &str,
        name: &str,
        folder: &str,
        tar: ByteStream,
        copy_owner: bool,
    ) -> Result<(), EngineError> {
        let subject = subject(name);
        let path = format!("/containers/{id}/archive");
        let call = Call::new(Method::PUT, "copy files into", &subject, &path)
            .query("path", folder)
            .query("noOverwriteDirNonDir", "true")
            .query("copyUIDGID", if copy_owner { "true" } else { "false" });
        self.call(call.tar(tar)).await.map(drop)
    }

    /// `GET /containers/{id}/archive`: a path of the container as a tar stream.
    ///
    /// # Errors
    /// `NotFound` when the path or the container is not there.
    pub async fn get_archive(
        &self,
        id: &str,
        name: &str,
        source: &str,
    ) -> Result<(PathStat, ByteStream), EngineError> {
        let subject = subject(name);
        let path = format!("/containers/{id}/archive");
        let response = self
            .call(Call::new(Method::GET, "copy files from", &subject, &path).query("path", source))
            .await?;
        let stat = stat_of(&response, &subject)?;
        Ok((stat, stream::body_bytes(response.into_body())))
    }

    /// `GET /containers/{id}/export`: everything in a container as a tar stream, without what is mounted.
    ///
    /// # Errors
    /// `NotFound` when it is gone.
    pub async fn export_container(&self, id: &str, name: &str) -> Result<ByteStream, EngineError> {
        let subject = subject(name);
        let path = format!("/containers/{id}/export");
        let response = self.call(Call::new(Method::GET, "export", &subject, &path)).await?;
        Ok(stream::body_bytes(response.into_body()))
    }

    /// `HEAD /containers/{id}/archive`: what is at a path.
    ///
    /// # Errors
    /// `NotFound` when the path or the container is not there.
    pub async fn stat_path(&self, id: &str, name: &str, source: &str) -> Result<PathStat, EngineError> {
        let subject = subject(name);
        let path = format!("/containers/{id}/archive");
        let call = Call::new(Method::HEAD, "look into", &subject, &path).query("path", source);
        let response = self.call(call).await?;
        stat_of(&response, &subject)
    }
}

/// The header that tells what the path is: JSON in base64.
fn stat_of(
    response: &hyper::Response<hyper::body::Incoming>,
    subject: &str,
) -> Result<PathStat, EngineError> {
    let header = response.headers().get("x-docker-container-path-stat");
    header
        .and_then(|value| crate::registry::decode_base64(value.as_bytes()))
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| EngineError {
            operation: "look into",
            subject: subject.to_owned(),
            kind: EngineErrorKind::Unexpected,
            message: "the answer does not say what is at the path".to_owned(),
        })
}
