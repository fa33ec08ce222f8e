//! One line for each change of state: for logs, pipes and CI.

use super::words;
use crate::event::{Event, EventKind};

/// The line for an event, with its line end; `None` for what a log need not hold (progress within a step).
pub fn line(event: &Event) -> Option<String> {
    let subject = words::subject(&event.subject);
    let text = match &event.kind {
        EventKind::Planned { .. } | EventKind::Progress { .. } => return None,
        EventKind::Started { verb, reason: Some(reason) } => format!("{} ({reason})", words::working(*verb)),
        EventKind::Started { verb, reason: None } => words::working(*verb).to_owned(),
        EventKind::Waiting { text } => format!("Waiting ({text})"),
        EventKind::Done { verb } => words::done(*verb).to_owned(),
        EventKind::Unchanged { status } => status.clone(),
        // What went wrong is told once, at the end, where it does not scroll away.
        EventKind::Failed { .. } => "Error".to_owned(),
        EventKind::Skipped { because, .. } => format!("Skipped ({because} failed)"),
        EventKind::Warning { message } => return Some(format!("warning: {message}\n")),
        EventKind::Watched { deed, count, paths, took_ms } => words::watched(*deed, *count, paths, *took_ms),
        EventKind::Output { line } => return Some(format!("{line}\n")),
    };
    Some(format!(" {subject} {text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Subject, Verb};

    fn check(subject: Subject, kind: EventKind, expect: Option<&str>) {
        let event = Event { seq: 0, at_ms: 0, subject, kind };
        assert_eq!(line(&event).as_deref(), expect);
    }

    #[test]
    fn states_read_as_scripts_expect_them() {
        let web = || Subject::Container("p-web-1".to_owned());
        check(web(), EventKind::Done { verb: Verb::Create }, Some(" Container p-web-1 Created\n"));
        check(web(), EventKind::Done { verb: Verb::WaitHealthy }, Some(" Container p-web-1 Healthy\n"));
        let network = Subject::Network("p_default".to_owned());
        check(network, EventKind::Done { verb: Verb::Create }, Some(" Network p_default Created\n"));
        check(
            web(),
            EventKind::Unchanged { status: "Running".to_owned() },
            Some(" Container p-web-1 Running\n"),
        );
    }

    #[test]
    fn a_replacement_says_why() {
        let kind =
            EventKind::Started { verb: Verb::Recreate, reason: Some("environment.A: 1 → 2".to_owned()) };
        check(
            Subject::Container("p-web-1".to_owned()),
            kind,
            Some(" Container p-web-1 Recreate (environment.A: 1 → 2)\n"),
        );
    }

    #[test]
    fn progress_within_a_step_makes_no_line() {
        let kind = EventKind::Progress {
            verb: Verb::Pull,
            part: String::new(),
            current: 1,
            total: 2,
            text: String::new(),
        };
        check(Subject::Image("x".to_owned()), kind, None);
    }
}
