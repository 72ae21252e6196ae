//! An engine's connection to a supervisor: lines in both directions. Nothing here blocks.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// A connection of an engine.
pub(crate) struct Client {
    pub stream: UnixStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    pub(crate) fn say(&mut self, line: &str) {
        // The few bytes always fit. If the client is gone, the next read notices it.
        let _ = self.stream.write(line.as_bytes());
    }

    /// Returns the complete lines that have arrived, and whether more can come.
    pub(crate) fn lines(&mut self) -> (Vec<String>, bool) {
        let mut piece = [0; 1024];
        let open = match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(read) => {
                self.received.extend(&piece[..read]);
                true
            }
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        };
        let end = self.received.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.received.drain(..end).collect();
        // A valid line is never this long.
        let open = open && self.received.len() < 1024;
        (String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect(), open)
    }
}
