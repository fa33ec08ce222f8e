//! What goes wrong on purpose, and the record of what was asked.

use std::time::{Duration, Instant};

/// A request, as it was answered.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    /// Without the version and the query.
    pub path: String,
    /// The path with names in place of ids, and the name of what is created: `/containers/create?name=p-web-1`.
    pub named: String,
    pub query: String,
    /// `1.51`, when the path said so.
    pub version: Option<String>,
    /// Which connection it came on, from 0.
    pub connection: usize,
    pub body: String,
    pub at: Instant,
    /// How long until its answer's head was there; `None` while it is not.
    pub took: Option<Duration>,
    pub status: Option<u16>,
}

impl Recorded {
    /// Whether it may change something on the engine.
    pub fn is_mutating(&self) -> bool {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        let asks_only =
            self.method == "POST" && matches!(last, "wait" | "attach" | "resize" | "auth" | "session");
        !matches!(self.method.as_str(), "GET" | "HEAD") && !asks_only
    }

    /// `POST /containers/p-web-1/start`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.named)
    }
}

/// What is done to a request instead of, or beside, answering it.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is refused.
    Refuse { status: u16, message: String },
    /// The connection is closed; what was asked has not happened.
    CutBefore,
    /// The connection is closed; what was asked has happened.
    CutAfter,
    /// There is never an answer; what was asked has not happened.
    Hang,
    /// There is never an answer; what was asked has happened.
    HangAfter,
    /// There is never an answer; what was asked happens right after the containers have been listed the next time, as when an
    /// engine is still busy with what a client asked for that was killed.
    HangLate,
    /// The answer comes late; what was asked happens after that time.
    Delay(Duration),
}

/// A fault and the requests that meet it.
#[derive(Debug, Clone)]
pub(super) struct Trap {
    /// The n-th request of its kind from now on, from 1; 0 for all of them.
    pub nth: usize,
    pub method: String,
    pub pattern: String,
    pub fault: Fault,
    pub seen: usize,
}

impl Trap {
    /// Whether this request is the one; counts it when it is of the kind.
    pub fn catches(&mut self, method: &str, path: &str, named: &str) -> bool {
        let method = match self.method.as_str() {
            "*" => true,
            // Everything that is not a question.
            "CHANGE" => !matches!(method, "GET" | "HEAD"),
            wanted => wanted == method,
        };
        let kind = method && (matches(&self.pattern, path) || matches(&self.pattern, named));
        self.seen += usize::from(kind);
        kind && (self.nth == 0 || self.seen == self.nth)
    }

    /// Whether what it was set for has come.
    pub fn has_caught(&self) -> bool {
        self.seen > 0 && self.seen >= self.nth
    }
}

/// Whether a path fits a pattern in which `*` stands for anything.
pub fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((head, rest)) => path.strip_prefix(head).is_some_and(|tail| {
            let starts = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            starts.into_iter().any(|at| matches(rest, &tail[at..]))
        }),
    }
}

#[test]
fn a_star_stands_for_anything() {
    for (pattern, path, expect) in [
        ("/containers/*/start", "/containers/p-web-1/start", true),
        ("/containers/*/start", "/containers/p-web-1/stop", false),
        ("/containers/create*", "/containers/create?name=x", true),
        ("*", "/x", true),
        ("/x", "/xy", false),
    ] {
        assert_eq!(matches(pattern, path), expect, "{pattern} {path}");
    }
}

#[test]
fn the_nth_request_of_a_kind_is_caught_and_no_other() {
    let mut trap =
        Trap { nth: 2, method: "POST".into(), pattern: "/a/*".into(), fault: Fault::Hang, seen: 0 };
    let caught = ["/a/1", "/b/1", "/a/2", "/a/3"].map(|path| trap.catches("POST", path, path));
    assert_eq!(caught, [false, false, true, false]);
}
