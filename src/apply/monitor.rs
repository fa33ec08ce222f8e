//! Time that passes on purpose while containers are replaced one after another.

use super::{Cx, StepError};
use crate::observe::{ContainerId, ContainerStatus, Health, live_state};
use crate::plan::ContainerRef;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Lets time pass, unless the run is stopped.
pub(super) async fn delay(time: Duration, cancel: &CancellationToken) -> Result<(), StepError> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = cancel.cancelled() => {
            let mut error = StepError::new("stopped waiting");
            error.cancelled = true;
            Err(error)
        }
    }
}

/// Watches a new container: at the end of the time it must be the same run of its process, and not be unhealthy.
pub(super) async fn watch(
    cx: &Cx,
    (container, id): (&ContainerRef, &ContainerId),
    time: Duration,
    cancel: &CancellationToken,
) -> Result<(), StepError> {
    let before = live_state(&cx.engine, id, &container.name).await?;
    delay(time, cancel).await?;
    let after = live_state(&cx.engine, id, &container.name).await?;
    let why = if after.status != ContainerStatus::Running {
        // A one-shot that has done its work has not failed.
        if after.status == ContainerStatus::Exited && after.exit_code == 0 && !after.will_restart {
            return Ok(());
        }
        format!("is {} (exit code {})", after.status.as_str(), after.exit_code)
    } else if after.started_at != before.started_at {
        "was restarted".to_owned()
    } else if after.health == Some(Health::Unhealthy) {
        "is unhealthy".to_owned()
    } else {
        return Ok(());
    };
    let seconds = time.as_secs_f64();
    Err(StepError::new(format!("container {} {why} within {seconds} s of its start", container.name)))
}
