//! Taking, keeping and giving back a lease on an engine over a network.

use super::Wait;
use super::file::Holder;
use crate::engine::{EXPIRY, Engine, Lease, RENEWAL};
use crate::ops::{OpsError, Session};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often the engine is asked whether a lease was renewed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A lease that is held.
pub(super) struct Held {
    engine: Engine,
    lease: Mutex<Lease>,
}

/// Takes the lease, once others are done or have not been heard of for as long as a lease holds.
pub(super) async fn take(session: &Session, engine: &Engine, project: &str) -> Result<Held, OpsError> {
    let words = Holder::this(&session.turn.command);
    let holder = format!("{}-{:016x}", words.pid, random());
    let words = format!("pid {}, `{}` on {}", words.pid, words.command, host());
    let mut wait = Wait::new(session, project);
    let mut seen: Option<(Lease, Instant)> = None;
    loop {
        let newest = engine.leases(project).await?.pop();
        let expired = match (&newest, &seen) {
            (None, _) => None,
            (Some(newest), Some((old, since))) if old == newest => {
                if since.elapsed() < EXPIRY {
                    wait.go_on(&newest.words, LOOK_EVERY).await?;
                    continue;
                }
                Some(newest.clone())
            }
            (Some(newest), _) => {
                wait.go_on(&newest.words, LOOK_EVERY).await?;
                seen = Some((newest.clone(), Instant::now()));
                continue;
            }
        };
        let lease = Lease {
            project: project.to_owned(),
            generation: expired.as_ref().map_or(1, |expired| expired.generation + 1),
            holder: holder.clone(),
            words: words.clone(),
        };
        if !engine.take_lease(&lease).await? {
            continue;
        }
        // Somebody who saw no lease at all may have taken another number at the same time: each of the two sees the other here,
        // or the one who looks later sees the earlier. Who sees somebody steps back.
        let others = engine.leases(project).await?;
        let rival = others.into_iter().find(|other| {
            let of_expired = expired.as_ref().is_some_and(|expired| expired.holder == other.holder);
            other.holder != holder && !of_expired
        });
        if let Some(rival) = rival {
            engine.drop_lease(&lease).await?;
            wait.go_on(&rival.words, Duration::from_millis(100 + random() % 900)).await?;
            continue;
        }
        let held = Held { engine: engine.clone(), lease: Mutex::new(lease) };
        if let Some(expired) = expired {
            held.drop_all_of(&expired).await;
        }
        wait.over();
        return Ok(held);
    }
}

impl Held {
    /// Renews the lease again and again; returns when another has taken it.
    pub(super) async fn keep(&self) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            let old = self.lease();
            let new = old.renewed();
            match self.engine.take_lease(&new).await {
                Ok(true) => {
                    *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = new;
                    // One that stays behind is older than ours, and goes with the next one that finds it.
                    drop(self.engine.drop_lease(&old).await);
                }
                Ok(false) => return,
                // An engine that does not answer cannot be asked by others either.
                Err(_) => {}
            }
        }
    }

    /// Gives it back. When that fails it runs out.
    pub(super) async fn drop(&self) {
        self.drop_all_of(&self.lease()).await;
    }

    async fn drop_all_of(&self, lease: &Lease) {
        for one in self.engine.leases(&lease.project).await.unwrap_or_default() {
            if one.holder == lease.holder {
                drop(self.engine.drop_lease(&one).await);
            }
        }
    }

    fn lease(&self) -> Lease {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A number that is hard to hit twice: the standard library seeds its hashers with one.
fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
