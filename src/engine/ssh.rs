//! An engine on another machine, by way of `ssh`: each connection is a program there that joins its standard streams to the
//! engine's socket, `docker system dial-stdio`.

use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::future::{Ready, ready};
use std::io;
use std::pin::{Pin, pin};
use std::process::Stdio;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// A machine, as `ssh://user@host:port/path/of/socket` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The user; the one of ssh's own settings without.
    pub user: Option<String>,
    /// The host, or what ssh's settings call it.
    pub host: String,
    /// The port; the one of ssh's own settings without.
    pub port: Option<u16>,
    /// The engine's socket there; the docker command's default without.
    pub socket: Option<String>,
}

impl Host {
    /// Reads what comes behind `ssh://`.
    ///
    /// # Errors
    /// There is no host, a password in it, or a port that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (authority, path) = text.split_once('/').unwrap_or((text, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        if user.as_ref().is_some_and(|user| user.contains(':')) {
            return Err("a password has no place in it; use a key".to_owned());
        }
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => {
                let port = port.parse().map_err(|_not_a_number| format!("`{port}` is no port"))?;
                (host, Some(port))
            }
            None => (host, None),
        };
        if host.is_empty() || host.starts_with('-') {
            return Err("it names no host".to_owned());
        }
        let socket = Some(path.trim_end_matches('/')).filter(|path| !path.is_empty());
        Ok(Self { user, host: host.to_owned(), port, socket: socket.map(|path| format!("/{path}")) })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-o", "ConnectTimeout=30", "-T"]);
        if let Some(user) = &self.user {
            command.args(["-l", user]);
        }
        if let Some(port) = self.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &self.host, "docker"]);
        if let Some(socket) = &self.socket {
            command.args(["--host", &format!("unix://{socket}")]);
        }
        command.args(["system", "dial-stdio"]);
        // Signals of the terminal are ours to pass on: ssh must not end before what it is needed for.
        command.process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(formatter, "{user}@")?;
        }
        formatter.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        formatter.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct Connector(pub(super) Host);

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Pipes>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _engine: Uri) -> Self::Future {
        ready(Pipes::open(&self.0).map(TokioIo::new))
    }
}

/// A connection: the streams of a program that runs as long as it.
#[derive(Debug)]
pub(super) struct Pipes {
    /// Gone once it is shut down: that is how the other end learns of it.
    input: Option<ChildStdin>,
    output: ChildStdout,
    words: ChildStderr,
    /// What ssh has said so far, while nothing else has come.
    said: Option<Vec<u8>>,
    host: Host,
    _child: Child,
}

impl Pipes {
    fn open(host: &Host) -> io::Result<Self> {
        let mut child = host.command().spawn().map_err(|error| {
            io::Error::new(io::ErrorKind::NotConnected, format!("`ssh` cannot be started: {error}"))
        })?;
        let gone = || io::Error::other("a stream of `ssh` is gone");
        Ok(Self {
            input: Some(child.stdin.take().ok_or_else(gone)?),
            output: child.stdout.take().ok_or_else(gone)?,
            words: child.stderr.take().ok_or_else(gone)?,
            said: Some(Vec::new()),
            host: host.clone(),
            _child: child,
        })
    }
}

impl Connection for Pipes {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Pipes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.output).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                self.said = None;
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Ok(())) => {}
            other @ (Poll::Ready(_) | Poll::Pending) => return other,
        }
        // It ended without a word of the engine's: what ssh has to say is why.
        let this = &mut *self;
        let Some(said) = &mut this.said else { return Poll::Ready(Ok(())) };
        let mut piece = [0; 1024];
        loop {
            let read = pin!(this.words.read(&mut piece)).poll(context);
            match read {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count)) if count > 0 => {
                    said.extend_from_slice(piece.get(..count).unwrap_or_default());
                }
                Poll::Ready(Ok(_) | Err(_)) => {
                    let text = String::from_utf8_lossy(said).trim().replace(['\r', '\n'], " ");
                    let text = if text.is_empty() { "it ended without a word".to_owned() } else { text };
                    this.said = None;
                    let error = io::Error::new(
                        io::ErrorKind::NotConnected,
                        format!("no engine answers at {}: {text}", this.host),
                    );
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl AsyncWrite for Pipes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(input) = &mut self.input else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        match Pin::new(input).poll_write(context, bytes) {
            // It has ended; the reading end tells why.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe && self.said.is_some() => {
                Poll::Ready(Ok(bytes.len()))
            }
            other @ (Poll::Ready(_) | Poll::Pending) => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.input.as_mut().map_or(Poll::Ready(Ok(())), |input| Pin::new(input).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.as_mut().poll_flush(context);
        if flushed.is_ready() {
            self.input = None;
        }
        flushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_and_written_as_the_docker_command_has_them() {
        for text in ["lab", "me@lab", "me@lab:2222", "lab/run/podman/podman.sock"] {
            assert_eq!(Host::parse(text).unwrap().to_string(), format!("ssh://{text}"));
        }
        let host = Host::parse("me@lab:2222/run/x.sock").unwrap();
        let words: Vec<String> =
            host.command().as_std().get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let expect =
            "-o ConnectTimeout=30 -T -l me -p 2222 -- lab docker --host unix:///run/x.sock system dial-stdio";
        assert_eq!(words.join(" "), expect);
        assert_eq!(Host::parse("lab/").unwrap().socket, None);
        for (text, why) in
            [("", "no host"), ("-oProxyCommand=x", "no host"), ("me:pw@x", "password"), ("x:y", "no port")]
        {
            assert!(Host::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
