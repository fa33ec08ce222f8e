//! A test's report as `JUnit` XML: one case for each service's start, one for the command.

use super::diagnosis_text;
use super::goals::outcome;
use crate::event::{GoalOutcome, ServiceGoal};
use crate::ops::testing::{CommandReport, Report as Test, Verdict, command_line};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The report as a file's text, as
/// <https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>
/// has it.
///
/// # Errors
/// It cannot be written as XML.
pub fn junit(test: &Test) -> std::io::Result<String> {
    let mut suite = TestSuite::new(test.origin.clone());
    suite.set_time(Duration::from_millis(test.total_ms));
    suite.extra.insert("hostname".into(), test.project.clone().into());
    suite.extra.insert("timestamp".into(), test.started_at.clone().into());
    let cases = test.services.iter().map(of_service);
    let cases = cases.chain(test.command.as_ref().map(|command| of_command(test, command)));
    for mut case in cases.chain(of_nobody(test)).chain(of_teardown(test)) {
        // The same in every run, so that readers know a case again.
        case.set_classname(format!("stack.{}", test.origin));
        suite.add_test_case(case);
    }
    let skipped = suite.skipped;
    let mut report = Report::new("stack test");
    report.set_time(Duration::from_millis(test.total_ms));
    report.add_test_suite(suite);
    let text = report.to_string().map_err(|error| std::io::Error::other(error.to_string()))?;
    // The schema that most readers go by has no such number for all suites together, and some are strict.
    Ok(text.replacen(&format!("skipped=\"{skipped}\" "), "", 1))
}

fn of_service(service: &ServiceGoal) -> TestCase {
    let status = match (service.outcome, &service.message) {
        (GoalOutcome::Reached, _) => TestCaseStatus::success(),
        (GoalOutcome::Failed, message) => {
            let message = message.clone().unwrap_or_else(|| outcome(service));
            let more = service.diagnosis.as_deref().map(diagnosis_text).unwrap_or_default();
            failed(NonSuccessKind::Failure, "service", &message, &more)
        }
        (GoalOutcome::Unreached, _) => failed(NonSuccessKind::Failure, "service", &outcome(service), ""),
        (GoalOutcome::NotStarted, _) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(outcome(service));
            skipped
        }
    };
    let mut case = TestCase::new(format!("{} is {}", service.service, service.goal.as_str()), status);
    case.set_time(Duration::from_millis(service.took_ms));
    case
}

fn of_command(test: &Test, command: &CommandReport) -> TestCase {
    let status = match (command.trouble(), test.verdict) {
        // What ended it was not its own doing.
        (_, Verdict::TimedOut | Verdict::Interrupted) => {
            failed(NonSuccessKind::Error, "command", &ending(test), "")
        }
        (Some(trouble), _) => failed(NonSuccessKind::Failure, "command", &trouble, ""),
        (None, _) => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(command_line(&command.words), status);
    case.set_time(Duration::from_millis(command.took_ms));
    case
}

/// What went wrong before any service, or with none of them: nobody else would say so.
fn of_nobody(test: &Test) -> Option<TestCase> {
    let told = test.services.iter().any(|service| service.outcome != GoalOutcome::Reached);
    let is_said = match test.verdict {
        Verdict::Passed | Verdict::Failed => true,
        Verdict::NotReady => told,
        Verdict::TimedOut | Verdict::Interrupted => test.command.is_some(),
    };
    (!is_said)
        .then(|| TestCase::new("bring up", failed(NonSuccessKind::Error, "bring up", &ending(test), "")))
}

fn of_teardown(test: &Test) -> Option<TestCase> {
    let error = test.teardown_error.as_ref()?;
    Some(TestCase::new("take down", failed(NonSuccessKind::Error, "take down", error, "")))
}

/// How a test ended that was not ended by its command.
fn ending(test: &Test) -> String {
    let interrupted = (test.verdict == Verdict::Interrupted).then(|| "interrupted by a signal".to_owned());
    interrupted.or_else(|| test.error.clone()).unwrap_or_default()
}

/// A case that failed; the description holds everything, because some readers show nothing else.
fn failed(kind: NonSuccessKind, of: &str, message: &str, more: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(of).set_message(message.lines().next().unwrap_or_default());
    status.set_description(format!("{message}\n{more}").trim_end().to_owned());
    status
}
