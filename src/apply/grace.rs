//! Stops that take the whole grace period: who burnt it, and why that is so mostly.

use super::{Cx, StepError, step};
use crate::event::{EventKind, Subject};
use crate::observe::ContainerId;
use crate::plan::ContainerRef;
use std::time::Duration;
use tokio::time::Instant;

/// The engine's grace period where nobody says another.
const USUAL: Duration = Duration::from_secs(10);
/// A stop that takes so long is worth a look.
const SLOW: Duration = Duration::from_secs(1);
/// The exit code of what was killed.
const KILLED: i64 = 137;

/// Stops a container. One that had to be killed after its grace period is named, with the likely cause.
pub(super) async fn stop(
    cx: &Cx,
    container: &ContainerRef,
    id: &ContainerId,
    timeout_s: Option<i64>,
) -> Result<(), StepError> {
    let began = Instant::now();
    cx.engine.stop_container(&id.0, &container.name, timeout_s).await?;
    let took = began.elapsed();
    let asked = timeout_s.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let of_service = step::service(cx, &container.service)
        .ok()
        .and_then(|(_, service)| service.stop_grace_period)
        .map(crate::model::SpecDuration::as_duration);
    // Without the stack file the container's own grace is not known before it is looked at: anything slow is.
    let unknown = if cx.project.is_some() { USUAL } else { SLOW.max(took.min(USUAL)) };
    let grace = asked.or(of_service).unwrap_or(unknown);
    // A look costs a request: only what was slow is looked at, and nothing that got no time at all.
    if grace.is_zero() || took < grace {
        return Ok(());
    }
    // It may be gone already, or not tell: that is no reason to fail.
    let Ok(seen) = cx.engine.inspect_container(&id.0).await else { return Ok(()) };
    if seen.state.and_then(|state| state.exit_code) != Some(KILLED) {
        return Ok(());
    }
    let (own, signal) =
        seen.config.map(|config| (config.stop_timeout, config.stop_signal)).unwrap_or_default();
    // It was to be killed, and only the engine was slow.
    if signal.is_some_and(|signal| matches!(signal.trim_start_matches("SIG"), "KILL" | "9")) {
        return Ok(());
    }
    // What the container itself says is what the engine went by.
    let own = own.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let grace = asked.or(own).or(of_service).unwrap_or(USUAL);
    if took < grace {
        return Ok(());
    }
    let words: Vec<String> = seen.path.into_iter().chain(seen.args.unwrap_or_default()).collect();
    let init = seen.host_config.and_then(|host| host.init) == Some(true);
    let message = format!(
        "{} did not stop within {} s and was killed: {}",
        container.name,
        grace.as_secs(),
        cause(&words, init)
    );
    cx.events.send(Subject::Container(container.name.clone()), EventKind::Warning { message });
    Ok(())
}

/// Why the main process did not heed the signal.
fn cause(words: &[String], init: bool) -> String {
    let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    if matches!(program, "sh" | "bash" | "ash" | "dash" | "zsh") && !init {
        return format!(
            "its main process is a shell (`{program}`), which passes no signals on. Start the program with `exec`, as a list of words, or set `init: true`"
        );
    }
    if init {
        return format!(
            "`{program}` does not end on its stop signal. Set another `stop_signal`, or a longer `stop_grace_period`"
        );
    }
    format!(
        "as the main process `{program}` gets no signal that it does not handle itself. Set `init: true`, a `stop_signal` that it handles, or a longer `stop_grace_period`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_recognised_and_an_init_taken_into_account() {
        let words = |text: &str| text.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>();
        for (command, init, expect) in [
            ("/bin/sh -c sleep", false, "is a shell (`sh`)"),
            ("sleep infinity", false, "as the main process `sleep`"),
            ("sh -c sleep", true, "does not end on its stop signal"),
        ] {
            let cause = cause(&words(command), init);
            assert!(cause.contains(expect), "{command}: {cause}");
        }
    }
}
