//! Where a test runs: on the fake engine always, and on a real one when `STACK_TEST_ENGINE=real` says so.

use super::fake_engine::FakeEngine;
use super::raw::Raw;
use super::world::World;
use std::sync::atomic::{AtomicU32, Ordering};

/// An engine to test on.
pub struct Place {
    /// For `DOCKER_HOST`.
    pub host: String,
    /// The engine itself, when it is the fake one.
    pub fake: Option<FakeEngine>,
    /// A name nobody else uses, for projects, containers, labels.
    pub unique: String,
}

impl Place {
    /// A fake engine of one's own.
    pub fn fake(world: World) -> Self {
        let fake = FakeEngine::start(world);
        Self { host: fake.host(), fake: Some(fake), unique: unique() }
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
        Some(Self { host, fake: None, unique: unique() })
    }

    /// `fake` or `real`, for messages.
    pub fn word(&self) -> &'static str {
        if self.fake.is_some() { "fake" } else { "real" }
    }

    /// The engine's socket, for checks.
    pub fn raw(&self) -> Raw {
        Raw::at(&self.host)
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
            self.raw().sweep(&format!("{key}={value}"));
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
