//! One line for each change of state: for logs, pipes and CI.

use super::{goals, timings, words};
use crate::event::{Event, EventKind, Verb};

/// The line for an event, with its line end; `None` for what a log need not hold (progress within a step).
pub fn line(event: &Event) -> Option<String> {
    let subject = words::subject(&event.subject);
    let text = match &event.kind {
        // The steps of a build are far apart, and it is good to see that there is one.
        EventKind::Progress { verb: Verb::Build, text, .. } => {
            let (number, step) = text.strip_prefix("Step ")?.split_once(" : ")?;
            // The labels that make the image the project's are no step of its Dockerfile.
            if step.starts_with("LABEL com.docker.compose.") {
                return None;
            }
            format!("Building {number} {}", step.trim_end())
        }
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
        EventKind::Timed { timings } => return Some(timings::text(timings)),
        EventKind::Goals { goals } => return Some(goals::text(goals)),
        EventKind::Output { line } => return Some(format!("{line}\n")),
    };
    Some(format!(" {subject} {text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Subject;

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
    fn a_build_tells_its_steps_and_not_what_they_print() {
        let progress = |text: &str| EventKind::Progress {
            verb: Verb::Build,
            part: String::new(),
            current: 0,
            total: 0,
            text: text.to_owned(),
        };
        let image = || Subject::Image("p-web".to_owned());
        check(
            image(),
            progress("Step 2/4 : COPY src /app\n"),
            Some(" Image p-web Building 2/4 COPY src /app\n"),
        );
        check(image(), progress("Step 4/4 : LABEL com.docker.compose.project=p\n"), None);
        check(image(), progress("Removing intermediate container"), None);
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
