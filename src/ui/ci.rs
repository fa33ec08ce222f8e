//! What continuous integration systems make of a log: sections that fold, marks beside lines of files, a summary of the job.
//!
//! Each reads other words from the log of a job. GitHub Actions:
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>; GitLab:
//! <https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections>; Buildkite:
//! <https://buildkite.com/docs/pipelines/configure/managing-log-output>. Only GitHub takes marks and summaries from a job
//! without a program of its own.

use crate::source::{Finding, Place, Report, Severity};
use jiff::Timestamp;
use std::path::Path;

/// A system that runs jobs, and reads their logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Buildkite.
    Buildkite,
}

impl Ci {
    /// What begins a section of the log, a line. `key` tells it apart from others: letters, digits, `_`.
    pub fn begin(self, key: &str, title: &str, now: Timestamp) -> String {
        match self {
            Self::GitHub => format!("::group::{title}\n"),
            Self::GitLab => {
                format!(
                    "\u{1b}[0Ksection_start:{}:{key}[collapsed=true]\r\u{1b}[0K{title}\n",
                    now.as_second()
                )
            }
            Self::Buildkite => format!("--- {title}\n"),
        }
    }

    /// What ends it.
    pub fn end(self, key: &str, now: Timestamp) -> String {
        match self {
            Self::GitHub => "::endgroup::\n".to_owned(),
            Self::GitLab => format!("\u{1b}[0Ksection_end:{}:{key}\r\u{1b}[0K\n", now.as_second()),
            // A section ends where the next begins.
            Self::Buildkite => String::new(),
        }
    }

    /// What opens a section that went wrong: it must not stay folded.
    pub fn unfold(self) -> &'static str {
        match self {
            Self::GitHub | Self::GitLab => "",
            Self::Buildkite => "^^^ +++\n",
        }
    }

    /// Marks beside the lines of files, a line each; nothing where the log is not read for them.
    pub fn marks(self, marks: &[Mark], files: Files<'_>) -> String {
        match self {
            Self::GitHub => marks.iter().map(|mark| mark.for_github(files)).collect(),
            Self::GitLab | Self::Buildkite => String::new(),
        }
    }
}

/// Where files are.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The folder that relative paths begin at.
    pub current_dir: &'a Path,
    /// The folder that the system's own paths begin at; `None` when it is not known.
    pub workspace: Option<&'a Path>,
}

/// Something that is to be seen beside a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Whether it is an error, or else a warning.
    pub error: bool,
    /// The file, relative to the current folder or absolute, with line and column; `None` when no file is to blame.
    pub place: Option<(String, u32, u32)>,
    /// What there is to say.
    pub message: String,
}

impl Mark {
    /// A mark at `file:line:column`.
    pub fn at(place: Option<&str>, message: String) -> Self {
        let parts = place.and_then(|place| {
            let mut parts = place.rsplitn(3, ':');
            let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some((parts.next()?.to_owned(), line, column))
        });
        Self { error: true, place: parts, message }
    }

    /// The marks of findings in stack files.
    pub fn of_report(report: &Report) -> Vec<Self> {
        report.diagnostics.iter().map(Self::of_finding).collect()
    }

    fn of_finding(finding: &Finding) -> Self {
        let Finding { severity, code: _, message, place, help, related: _ } = finding;
        let Place { file, line, column, end: _, label: _ } = place;
        let place = file.clone().map(|file| (file, line.unwrap_or(1), column.unwrap_or(1)));
        let help: String = help.iter().map(|help| format!("\n{help}")).collect();
        Self { error: *severity == Severity::Error, place, message: format!("{message}{help}") }
    }

    fn for_github(&self, files: Files<'_>) -> String {
        let kind = if self.error { "error" } else { "warning" };
        let place = self.place.as_ref().map_or_else(
            || "title=stack".to_owned(),
            |(file, line, column)| {
                let path = files.current_dir.join(file);
                let inside = files.workspace.and_then(|workspace| path.strip_prefix(workspace).ok());
                let path = inside.unwrap_or(&path).to_string_lossy();
                format!("file={},line={line},col={column},title=stack", property(&path))
            },
        );
        format!("::{kind} {place}::{}\n", data(self.message.trim_end()))
    }
}

/// A text as the log's reader wants it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same within a property, where more stands for something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_as_each_system_wants_them() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let both = |ci: Ci| ci.begin("stack_up", "Bring up shop", now) + &ci.end("stack_up", now);
        assert_eq!(both(Ci::GitHub), "::group::Bring up shop\n::endgroup::\n");
        assert_eq!(
            both(Ci::GitLab),
            "\u{1b}[0Ksection_start:1700000000:stack_up[collapsed=true]\r\u{1b}[0KBring up shop\n\
             \u{1b}[0Ksection_end:1700000000:stack_up\r\u{1b}[0K\n"
        );
        assert_eq!(both(Ci::Buildkite), "--- Bring up shop\n");
    }

    #[test]
    fn marks_are_relative_to_the_workspace_and_cannot_break_out_of_their_line() {
        let files = Files { current_dir: Path::new("/w/repo/sub"), workspace: Some(Path::new("/w/repo")) };
        let mark = |place, message: &str| Mark::at(place, message.to_owned());
        let check = |mark: Mark, expect: &str| assert_eq!(Ci::GitHub.marks(&[mark], files), expect);
        check(
            mark(Some("compose.yaml:3:5"), "db is unhealthy\n  exit 1: 50% done\n"),
            "::error file=sub/compose.yaml,line=3,col=5,title=stack::db is unhealthy%0A  exit 1: 50%25 done\n",
        );
        check(
            mark(Some("/else/a,b:c.yaml:1:2"), "no\r\n::error::x"),
            "::error file=/else/a%2Cb%3Ac.yaml,line=1,col=2,title=stack::no%0D%0A::error::x\n",
        );
        check(mark(None, "no engine"), "::error title=stack::no engine\n");
        assert_eq!(Ci::GitLab.marks(&[mark(None, "x")], files), "");
    }
}
