//! An archive written in one thread and sent in another, and one received in one and read in another: what the writer makes goes
//! through a bounded channel.

use crate::engine::ByteStream;
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use std::io::{self, Read, Write};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Bytes of one message.
const PIECE: usize = 64 * 1024;
/// Messages under way.
const UNDER_WAY: usize = 8;

/// A writer that sends what it is given in pieces. For a thread that may block.
#[derive(Debug)]
pub struct Pieces {
    sender: mpsc::Sender<Bytes>,
    buffer: Vec<u8>,
}

impl Pieces {
    /// A writer, and where what is written comes out; a writer whose receiver is gone fails with `BrokenPipe`.
    pub fn channel() -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        (Self { sender, buffer: Vec::with_capacity(PIECE) }, receiver)
    }
}

/// What is received, as the body of a request.
pub fn body(receiver: mpsc::Receiver<Bytes>) -> ByteStream {
    Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|bytes| (Ok(bytes), receiver))
    }))
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE)));
        self.sender.blocking_send(piece).map_err(|_closed| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

/// A stream as what the tar reader, which blocks, reads from. Only for a thread that may block.
pub struct Received {
    tar: ByteStream,
    piece: Bytes,
    runtime: Handle,
}

impl Received {
    /// A reader for another thread; called where the runtime is.
    pub fn new(tar: ByteStream) -> Self {
        Self { tar, piece: Bytes::new(), runtime: Handle::current() }
    }
}

impl std::fmt::Debug for Received {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Received")
    }
}

impl Read for Received {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.tar.next()) {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(into.len());
        if let Some(into) = into.get_mut(..count) {
            self.piece.copy_to_slice(into);
        }
        Ok(count)
    }
}
