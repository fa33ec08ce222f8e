//! What is told to the system that runs the job, when one does.

use super::{Context, Failure, Surroundings};
use crate::load::Loaded;
use crate::ops::Tally;
use crate::source::Report;
use crate::ui::ci::{Ci, Files, Mark};
use crate::ui::{Summary, stream, summary};
use std::io::Write;
use std::path::Path;

/// The system that runs this job, by the variables that it sets for its jobs.
pub fn recognised(surroundings: &Surroundings) -> Option<Ci> {
    let known = [("GITHUB_ACTIONS", Ci::GitHub), ("GITLAB_CI", Ci::GitLab), ("BUILDKITE", Ci::Buildkite)];
    known.into_iter().find(|(variable, _)| surroundings.flag(variable)).map(|(_, ci)| ci)
}

impl Context {
    /// Tells a failure: in words, and as marks beside the lines of files.
    pub fn tell(&self, failure: &Failure) {
        stream::note(&self.words.failure(failure));
        self.mark(&failure.marks());
    }

    /// Prints a load's warnings, once, before anything else happens.
    pub fn show_warnings(&self, loaded: &Loaded) {
        stream::note(&self.words.warnings(&loaded.warnings, &loaded.sources));
        self.mark(&Mark::of_report(&Report::of(&loaded.warnings, &loaded.sources)));
    }

    fn mark(&self, marks: &[Mark]) {
        let Some(ci) = self.ci_for_people() else { return };
        let workspace = self.surroundings.environment.get("GITHUB_WORKSPACE").map(Path::new);
        let files = Files { current_dir: &self.surroundings.current_dir, workspace };
        stream::note(&ci.marks(marks, files));
    }

    /// The system whose log is to be written for; what programs read is left as it is.
    pub fn ci_for_people(&self) -> Option<Ci> {
        use crate::ui::ProgressMode::{Auto, Json, Plain, Quiet, Tty};
        match self.progress {
            Auto | Tty | Plain => self.ci,
            Json | Quiet => None,
        }
    }

    /// Does a piece of work whose lines stand in a section of their own.
    ///
    /// # Errors
    /// The work's.
    pub fn in_section<T>(
        &self,
        key: &str,
        title: &str,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(ci) = self.ci_for_people() else { return work() };
        stream::note(&ci.begin(key, title, jiff::Timestamp::now()));
        let done = work();
        if done.is_err() {
            stream::note(ci.unfold());
        }
        stream::note(&ci.end(key, jiff::Timestamp::now()));
        done
    }

    /// Who notes what a summary needs; nobody when there is none to be written.
    pub fn tally(&self) -> Option<Tally> {
        self.summary_file().map(|_| Tally::default())
    }

    /// Adds to the job's summary what a run has come to.
    pub fn sum_up(&self, summary: &Summary<'_>) {
        let Some(path) = self.summary_file() else { return };
        let text = self::summary(summary);
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
            stream::note(&format!("warning: the job's summary is not written: {path}: {error}\n"));
        }
    }

    /// The same for an `up` that has ended.
    pub fn sum_up_run(&self, project: &str, tally: Option<&Tally>, done: &Result<(), Failure>) {
        let Some(tally) = tally else { return };
        let (goals, slowest, timings) = (tally.goals(), tally.slowest(), tally.timings());
        if timings.is_none() && done.is_ok() {
            return;
        }
        let sentence = match done {
            Ok(()) => "Everything is up.".to_owned(),
            Err(failure) => failure.first_line(),
        };
        self.sum_up(&Summary {
            title: &format!("stack up: {project}"),
            sentence: &sentence,
            well: done.is_ok(),
            services: &goals.services,
            timings: timings.as_ref(),
            slowest: &slowest,
        });
    }

    fn summary_file(&self) -> Option<&str> {
        let path = self.surroundings.environment.get("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        path.filter(|_| self.ci == Some(Ci::GitHub) && !self.dry_run)
    }
}
