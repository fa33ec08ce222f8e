//! Where a test runs: on the fake engine always, and on a real one when `STACK_TEST_ENGINE=real` says so.

use super::fake_engine::FakeEngine;
use super::raw::Raw;
use super::world::World;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// An engine to test on.
pub struct Place {
    /// For `DOCKER_HOST`.
    pub host: String,
    /// The engine itself, when it is the fake one.
    pub fake: Option<FakeEngine>,
    /// A name nobody else uses, for projects, containers, labels.
    pub unique: String,
    /// Volumes that were seen on the project's containers: anonymous ones carry no label to find them by.
    volumes: Mutex<BTreeSet<String>>,
}

impl Place {
    /// A fake engine of one's own.
    pub fn fake(world: World) -> Self {
        let fake = FakeEngine::start(world);
        Self { host: fake.host(), fake: Some(fake), unique: unique(), volumes: Mutex::default() }
    }

    /// The real engine: `DOCKER_HOST`, or the default socket. `None` when it was not asked for.
    ///
    /// # Panics
    /// When it was asked for and does not answer: a test that silently ran nowhere would count as passed.
    #[expect(clippy::disallowed_methods, reason = "how the tests are told where to run")]
    pub fn real() -> Option<Self> {
        match std::env::var("STACK_TEST_ENGINE").as_deref() {
            Ok("real") => {}
            Ok("fake" | "") | Err(_) => {
                println!("note: not run on a real engine; set STACK_TEST_ENGINE=real for that");
                return None;
            }
            Ok(other) => panic!("STACK_TEST_ENGINE is `{other}`; it may be `real` or `fake`"),
        }
        let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let answer = Raw::at(&host).call("GET", "/_ping", None);
        assert!(matches!(answer, Ok((200, _))), "STACK_TEST_ENGINE=real, and {host} answers {answer:?}");
        Some(Self { host, fake: None, unique: unique(), volumes: Mutex::default() })
    }

    /// `fake` or `real`, for messages.
    pub fn word(&self) -> &'static str {
        if self.fake.is_some() { "fake" } else { "real" }
    }

    /// The engine's socket, for checks.
    pub fn raw(&self) -> Raw {
        Raw::at(&self.host)
    }

    /// Keeps a volume's name in mind, to remove it at the end if it is an anonymous one.
    pub fn remember_volume(&self, name: &str) {
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// The label that what a test makes must carry, so that it is removed at the end.
    pub fn label(&self) -> (String, String) {
        ("com.docker.compose.project".to_owned(), self.unique.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.fake.is_none() {
            let (key, value) = self.label();
            let raw = self.raw();
            let label = format!("{key}={value}");
            for row in raw.labelled("containers", &label) {
                for mount in row["Mounts"].as_array().into_iter().flatten() {
                    self.remember_volume(mount["Name"].as_str().unwrap_or_default());
                }
            }
            raw.sweep(&label);
            raw.sweep(&format!("dev.stack.instance.of={value}"));
            for name in self.volumes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let found = raw.call("GET", &format!("/volumes/{name}"), None);
                let anonymous =
                    |volume: &Value| volume["Labels"].get("com.docker.volume.anonymous").is_some();
                if matches!(&found, Ok((200, volume)) if anonymous(volume)) {
                    drop(raw.call("DELETE", &format!("/volumes/{name}"), None));
                }
            }
        }
    }
}

/// Runs a test on each engine there is.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a closure written in place reads better without a reference"
)]
pub fn everywhere(test: impl AsyncFn(&Place)) {
    for place in [Some(Place::fake(World::new())), Place::real()].into_iter().flatten() {
        println!("on the {} engine", place.word());
        block_on(test(&place));
    }
}

/// Runs a future to its end on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("hf-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
