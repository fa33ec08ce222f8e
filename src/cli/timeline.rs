//! `--timeline FILE`: where the time went, written to a file.

use super::Context;
use crate::load::Loaded;
use crate::ops::{OpsError, Session};
use crate::ui::TimelineFormat;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// The file, and the form that its name asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineFile {
    path: PathBuf,
    format: TimelineFormat,
}

impl TimelineFile {
    /// Reads the flag.
    ///
    /// # Errors
    /// Its name does not say which form it is to have.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        match TimelineFormat::of(&path) {
            Some(format) => Ok(Self { path, format }),
            None => Err("its name must end with .svg, .html or .json".to_owned()),
        }
    }

    /// Writes down what the session's stopwatch has seen so far; nothing when nothing was done.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, context: &Context, session: &Session, project: &str) -> Result<(), OpsError> {
        let timeline = session.stopwatch.as_ref().and_then(|stopwatch| stopwatch.timeline(project));
        let Some(timeline) = timeline else {
            session.warn(project, format!("nothing was done, and `{}` is not written", self.path.display()));
            return Ok(());
        };
        let path = context.surroundings.current_dir.join(&self.path);
        std::fs::write(path, self.format.text(&timeline)).map_err(|error| {
            OpsError::other(format!("cannot write the timeline `{}`: {error}", self.path.display()))
        })
    }
}

/// Writes the file once everything is up, or the work has ended before that, well or not.
///
/// # Errors
/// The work's; the file cannot be written.
pub async fn beside(
    context: &Context,
    session: &Session,
    loaded: &Loaded,
    work: impl Future<Output = Result<(), OpsError>>,
    is_up: Option<CancellationToken>,
    file: Option<&TimelineFile>,
) -> Result<(), OpsError> {
    let Some(file) = file.filter(|_| session.dry_run.is_none()) else { return work.await };
    let is_up = is_up.unwrap_or_default();
    tokio::pin!(work);
    let ended = tokio::select! {
        ended = &mut work => Some(ended),
        () = is_up.cancelled() => None,
    };
    let written = file.write(context, session, loaded.project.name.as_str());
    if let Some(ended) = ended {
        // What went wrong with the work matters more than the file.
        return ended.and(written);
    }
    if let Err(error) = written {
        session.warn(loaded.project.name.as_str(), error.to_string());
    }
    work.await
}
