//! What answers that go on for a while are made of: bytes of a program, progress of a transfer.

use super::{EngineError, EngineErrorKind, LogChunk};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http_body_util::BodyDataStream;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use tokio::io::AsyncWrite;

/// Bytes on their way.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// An answer in parts.
pub type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, EngineError>> + Send>>;

/// What a program writes.
pub type OutputStream = Streamed<LogChunk>;

/// Both directions of a program's terminal or pipes.
pub struct Attached {
    /// What it writes.
    pub output: OutputStream,
    /// What it reads; shutting this down closes its standard input.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Attached")
    }
}

/// The bytes of an answer.
pub(super) fn body_bytes(body: Incoming) -> ByteStream {
    Box::pin(BodyDataStream::new(body).map_err(std::io::Error::other))
}

/// Takes a program's output apart. With a terminal there is one stream and it is bare; otherwise each piece has a head
/// of 8 bytes: stream, three zeros, length (big endian).
/// <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerAttach>
pub(super) fn output(bytes: ByteStream, tty: bool, operation: &'static str, subject: String) -> OutputStream {
    let fail = move |error: &std::io::Error| cut(operation, subject.clone(), error);
    if tty {
        return Box::pin(bytes.map(move |piece| piece.map(stdout).map_err(|error| fail(&error))));
    }
    let state = (bytes, Frames::default(), fail);
    Box::pin(stream::try_unfold(state, |(mut bytes, mut frames, fail)| async move {
        loop {
            if let Some(frame) = frames.next() {
                return Ok(Some((frame, (bytes, frames, fail))));
            }
            match bytes.next().await {
                Some(Ok(piece)) => frames.buffer.extend_from_slice(&piece),
                Some(Err(error)) => return Err(fail(&error)),
                None => return Ok(None),
            }
        }
    }))
}

fn stdout(bytes: Bytes) -> LogChunk {
    LogChunk { stderr: false, bytes }
}

fn cut(operation: &'static str, subject: String, error: &std::io::Error) -> EngineError {
    let message = format!("the connection was cut: {error}");
    EngineError { operation, subject, kind: EngineErrorKind::Unreachable, message }
}

/// Output with heads, as far as it has arrived.
#[derive(Debug, Default)]
struct Frames {
    buffer: BytesMut,
}

impl Frames {
    /// The next whole piece.
    fn next(&mut self) -> Option<LogChunk> {
        loop {
            let head = self.buffer.get(..8)?;
            let kind = *head.first()?;
            let length = head.get(4..8).and_then(|digits| <[u8; 4]>::try_from(digits).ok())?;
            let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
            if self.buffer.len() < 8 + length {
                return None;
            }
            self.buffer.advance(8);
            let piece = self.buffer.split_to(length).freeze();
            match kind {
                1 => return Some(LogChunk { stderr: false, bytes: piece }),
                // 3 is the daemon's own trouble with the log.
                2 | 3 => return Some(LogChunk { stderr: true, bytes: piece }),
                // 0 would be an echo of the input.
                _ => {}
            }
        }
    }
}

/// Takes a stream of JSON values apart, however they are separated.
pub(super) fn json_values<T: DeserializeOwned + Send + 'static>(
    body: Incoming,
    operation: &'static str,
    subject: String,
) -> Streamed<T> {
    json_values_of(body_bytes(body), operation, subject)
}

fn json_values_of<T: DeserializeOwned + Send + 'static>(
    bytes: ByteStream,
    operation: &'static str,
    subject: String,
) -> Streamed<T> {
    let state = (bytes, BytesMut::new(), subject, false);
    Box::pin(stream::try_unfold(state, move |(mut bytes, mut buffer, subject, mut ended)| async move {
        loop {
            let mut values = serde_json::Deserializer::from_slice(&buffer).into_iter::<T>();
            match values.next() {
                Some(Ok(value)) => {
                    let used = values.byte_offset();
                    buffer.advance(used);
                    return Ok(Some((value, (bytes, buffer, subject, ended))));
                }
                Some(Err(error)) if !error.is_eof() || ended => {
                    let kind = EngineErrorKind::Unexpected;
                    let message = format!("the answer cannot be read: {error}");
                    return Err(EngineError { operation, subject, kind, message });
                }
                None if ended => return Ok(None),
                Some(Err(_)) | None => {}
            }
            match bytes.next().await {
                Some(Ok(piece)) => buffer.extend_from_slice(&piece),
                Some(Err(error)) => return Err(cut(operation, subject, &error)),
                None => ended = true,
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(parts: &[&'static [u8]]) -> ByteStream {
        Box::pin(stream::iter(parts.iter().map(|part| Ok(Bytes::from_static(part))).collect::<Vec<_>>()))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn output_with_heads_is_split_into_streams_wherever_the_network_cut_it() {
        let cut: &[&[u8]] = &[b"\x01\0\0\0\0\0", b"\0\x02hi\x02\0\0\0\0\0\0\x03er", b"r\x01\0\0\0\0\0\0\0"];
        let frames: Vec<_> = run(output(pieces(cut), false, "read", String::new()).try_collect()).unwrap();
        assert_eq!(
            frames,
            [
                stdout(Bytes::from_static(b"hi")),
                LogChunk { stderr: true, bytes: Bytes::from_static(b"err") },
                stdout(Bytes::new())
            ]
        );
    }

    #[test]
    fn a_terminal_s_output_is_passed_on_bare_even_when_it_looks_like_a_head() {
        let bytes: &[&[u8]] = &[b"\x01\0\0\0\0\0\0\x01x"];
        let frames: Vec<_> = run(output(pieces(bytes), true, "read", String::new()).try_collect()).unwrap();
        assert_eq!(frames, [stdout(Bytes::from_static(b"\x01\0\0\0\0\0\0\x01x"))]);
    }

    #[test]
    fn json_values_are_read_across_pieces_and_garbage_is_an_error() {
        let read = |parts: &[&'static [u8]]| {
            run(json_values_of::<serde_json::Value>(pieces(parts), "pull", String::new())
                .try_collect::<Vec<_>>())
        };
        let values = read(&[b"{\"a\":", b"1}\r\n{\"b\":2}{\"c\"", b":3}\n"]).unwrap();
        assert_eq!(values.len(), 3);
        assert_eq!(read(&[b"{\"a\":1}", b"{\"b\":"]).unwrap_err().kind, EngineErrorKind::Unexpected);
        assert_eq!(read(&[b"oops"]).unwrap_err().kind, EngineErrorKind::Unexpected);
    }
}
