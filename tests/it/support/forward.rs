//! An engine's Unix socket behind a TCP port of this machine, as an engine on another machine is reached.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

/// Forwards a port to the socket that `host` (`unix://…`) names, and returns the address for `DOCKER_HOST`. It ends with the
/// test's process.
pub fn over_tcp(host: &str) -> String {
    let socket = host.strip_prefix("unix://").expect("a Unix socket").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(engine) = UnixStream::connect(&socket) else { continue };
            let (from, to) = (client.try_clone().expect("a handle"), engine.try_clone().expect("a handle"));
            std::thread::spawn(move || {
                copy(from, &to);
                drop(to.shutdown(Shutdown::Write));
            });
            std::thread::spawn(move || {
                copy(engine, &client);
                drop(TcpStream::shutdown(&client, Shutdown::Write));
            });
        }
    });
    format!("tcp://{address}")
}

fn copy<W: Write>(mut from: impl Read, mut to: W) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}
