//! An engine that stops answering in the middle: its daemon restarts, a connection is cut, a call hangs.
//!
//! Whether a call that was cut off has been carried out, only the engine knows. So nothing is sent twice: once the engine
//! answers again it is looked at again, and what is left is planned anew. What a lost answer was about is found by its labels.

use super::{OpsError, Session};
use crate::engine::Engine;
use crate::event::{EventKind, Subject};
use std::time::Duration;
use tokio::time::Instant;

/// How long an engine that has stopped answering is given to come back: so many times what it may take for an answer.
const PATIENCE: u32 = 3;
/// How often that happens before it is given up.
const TIMES: u32 = 5;

impl Session {
    /// Does a piece of work that begins with a look at the engine; again, when the engine has stopped answering in the middle
    /// and answers again.
    pub(super) async fn through_trouble<T>(
        &self,
        engine: &Engine,
        project: &str,
        work: impl AsyncFn() -> Result<T, OpsError>,
    ) -> Result<T, OpsError> {
        for _ in 1..TIMES {
            match work().await {
                // One that has never answered is not there, and waiting would not help.
                Err(error) if error.is_engine_trouble() && engine.has_answered() => {
                    self.wait_for_engine(engine, project, error).await?;
                }
                ended => return ended,
            }
        }
        work().await
    }

    /// Waits until the engine answers again; when it does not, the trouble is what is reported.
    async fn wait_for_engine(
        &self,
        engine: &Engine,
        project: &str,
        trouble: OpsError,
    ) -> Result<(), OpsError> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(100);
        while engine.ping().await.is_err() {
            if began.elapsed() >= engine.deadline() * PATIENCE {
                return Err(trouble);
            }
            let text = "the engine does not answer; what is left is done when it is back".to_owned();
            self.events.send(Subject::Project(project.to_owned()), EventKind::Waiting { text });
            // Both branches are cancel-safe.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.interrupts.first().cancelled_owned() => return Err(OpsError::Interrupted),
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        Ok(())
    }
}
