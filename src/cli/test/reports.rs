//! The files that a test's report is written to.

use crate::cli::Failure;
use crate::ops::testing::Report;
use crate::ui::{junit, stream};
use std::path::{Path, PathBuf};

/// Where the report goes.
#[derive(Debug)]
pub(super) struct Reports {
    junit: Option<PathBuf>,
    json: Option<PathBuf>,
}

impl Reports {
    /// Makes the files, empty: that one cannot be written is told before anything is begun, and one of an earlier run is not
    /// taken for this one's.
    ///
    /// # Errors
    /// A file cannot be made.
    pub(super) fn open(junit: Option<&Path>, json: Option<&Path>) -> Result<Self, Failure> {
        for path in [junit, json].into_iter().flatten() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let made = folder.map_or(Ok(()), std::fs::create_dir_all);
            made.and_then(|()| std::fs::write(path, "")).map_err(|error| {
                Failure::message(format!("the report cannot be written: {}: {error}", path.display()))
            })?;
        }
        let owned = |path: Option<&Path>| path.map(ToOwned::to_owned);
        Ok(Self { junit: owned(junit), json: owned(json) })
    }

    /// Writes the report. When that fails it is told; the test goes on, because its end matters more.
    pub(super) fn write(&self, report: &Report) {
        let json = || Ok(serde_json::to_string_pretty(report)? + "\n");
        let files = [(&self.junit, junit(report)), (&self.json, json())];
        for (path, text) in files.into_iter().filter_map(|(path, text)| Some((path.as_ref()?, text))) {
            if let Err(error) = text.and_then(|text| std::fs::write(path, text)) {
                stream::note(&format!("warning: the report is not written: {}: {error}\n", path.display()));
            }
        }
    }
}
