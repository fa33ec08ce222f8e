//! HTTP to an engine's socket without any client of ours: what checks look through must not be what is checked.

use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// An engine's socket.
#[derive(Debug, Clone)]
pub struct Raw {
    pub socket: PathBuf,
}

impl Raw {
    /// The socket of a `DOCKER_HOST`; checks know no other kind of address.
    pub fn at(host: &str) -> Self {
        let socket = host.strip_prefix("unix://").unwrap_or_else(|| panic!("no unix:// address: {host}"));
        Self { socket: PathBuf::from(socket) }
    }

    /// Sends a request; status and JSON (a text when it is none, null when there is nothing).
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<(u16, Value)> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        // A body that the engine does not read would make it reset the connection.
        let body = body.filter(|body| !body.is_null()).map_or_else(String::new, Value::to_string);
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let split = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..split]).to_ascii_lowercase();
        let rest = answer.get(split + 4..).unwrap_or_default();
        let body = if head.contains("transfer-encoding: chunked") { unchunked(rest) } else { rest.to_vec() };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let text = String::from_utf8_lossy(&body).trim().to_owned();
        let value = serde_json::from_str(&text)
            .unwrap_or_else(|_| if text.is_empty() { Value::Null } else { text.into() });
        Ok((status, value))
    }

    /// A question that must be answered with 200.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        match self.call("GET", path, None) {
            Ok((200, value)) => value,
            other => panic!("GET {path} on {}: {other:?}", self.socket.display()),
        }
    }

    /// A change that must work.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        match self.call("POST", path, Some(body)) {
            Ok((200..300, value)) => value,
            other => panic!("POST {path} on {}: {other:?}", self.socket.display()),
        }
    }

    /// Rows of a list that carry a label (`key=value`).
    #[track_caller]
    pub fn labelled(&self, kind: &str, label: &str) -> Vec<Value> {
        let filters = serde_json::json!({"label": [label]}).to_string();
        let filters = serde_urlencoded::to_string([("filters", filters)]).expect("filters are plain text");
        let answer = match kind {
            "containers" => self.get(&format!("/containers/json?all=1&{filters}")),
            "volumes" => self.get(&format!("/volumes?{filters}"))["Volumes"].clone(),
            kind => self.get(&format!("/{kind}?{filters}")),
        };
        answer.as_array().cloned().unwrap_or_default()
    }

    /// Removes everything that carries a label, with the anonymous volumes of containers.
    pub fn sweep(&self, label: &str) {
        let gone = |path: &str| drop(self.call("DELETE", path, None));
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        for row in self.labelled("containers", label) {
            gone(&format!("/containers/{}?force=1&v=1", text(&row, "Id")));
        }
        for row in self.labelled("networks", label) {
            gone(&format!("/networks/{}", text(&row, "Id")));
        }
        for row in self.labelled("volumes", label) {
            gone(&format!("/volumes/{}", text(&row, "Name")));
        }
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]);
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let chunk = rest.get(end + 2..end + 2 + size).unwrap_or_default();
        if size == 0 || chunk.is_empty() {
            break;
        }
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + size + 2..).unwrap_or_default();
    }
    body
}

#[test]
fn chunks_are_put_together() {
    assert_eq!(unchunked(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), b"abcde");
}
