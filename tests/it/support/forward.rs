//! An engine's Unix socket behind a TCP port of this machine, as an engine on another machine is reached.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

/// Forwards a port to the socket that `host` (`unix://…`) names, and returns the address for `DOCKER_HOST`. It ends with the
/// test's process.
pub fn over_tcp(host: &str) -> String {
    recorded(host).0
}

/// The same, and the first lines of the requests that come by.
pub fn recorded(host: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let socket = host.strip_prefix("unix://").expect("a Unix socket").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(engine) = UnixStream::connect(&socket) else { continue };
            let (from, to) = (client.try_clone().expect("a handle"), engine.try_clone().expect("a handle"));
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                copy(from, &to, |bytes| note(&seen, bytes));
                drop(to.shutdown(Shutdown::Write));
            });
            std::thread::spawn(move || {
                copy(engine, &client, |_| {});
                drop(TcpStream::shutdown(&client, Shutdown::Write));
            });
        }
    });
    (format!("tcp://{address}"), asked)
}

/// A line to an engine that can be cut.
#[derive(Default)]
pub struct Line(Mutex<Vec<TcpStream>>);

impl Line {
    /// Cuts every connection that there is; new ones can be made.
    pub fn cut(&self) {
        for client in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(client.shutdown(Shutdown::Both));
        }
    }
}

/// Forwards as [`over_tcp`] does, over a line that can be cut.
pub fn severable(host: &str) -> (String, Arc<Line>) {
    let inner = over_tcp(host);
    let inner = inner.strip_prefix("tcp://").expect("an address").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let line: Arc<Line> = Arc::default();
    let all = Arc::clone(&line);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(engine) = TcpStream::connect(&inner) else { continue };
            let (from, to) = (client.try_clone().expect("a handle"), engine.try_clone().expect("a handle"));
            all.0.lock().unwrap_or_else(PoisonError::into_inner).push(client.try_clone().expect("a handle"));
            std::thread::spawn(move || copy(from, &to, |_| {}));
            std::thread::spawn(move || copy(engine, &client, |_| {}));
        }
    });
    (format!("tcp://{address}"), line)
}

/// Notes the first line of each request. A client sends a request's head at once, and the next one only after the answer.
fn note(seen: &Mutex<Vec<String>>, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().filter(|line| line.ends_with(" HTTP/1.1")).map(ToOwned::to_owned);
    seen.lock().unwrap_or_else(PoisonError::into_inner).extend(first);
}

fn copy<W: Write>(mut from: impl Read, mut to: W, look: impl Fn(&[u8])) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        look(&buffer[..count]);
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}
