//! Standard output and standard error.

use std::io::{self, Write};

/// Writes data to standard output. A reader that went away is a quiet success.
///
/// # Errors
/// Any other failure to write.
pub fn data(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a message to standard error; if that fails there is nobody left to tell.
pub fn note(text: &str) {
    let mut err = io::stderr().lock();
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}
