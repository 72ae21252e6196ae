//! The engine's end of a terminal: a connection to the session's supervisor, which hands it on to the init inside the session.
//!
//! Input and changes of size travel in frames. Output comes back as plain bytes, and the end of the connection is the end of the
//! terminal. Deliberately absent: terminal emulation, which the browser does.

use super::PATIENCE;
use super::frame::{self, LARGEST_FRAME, OPEN};
use super::layout::Folder;
use crate::{EngineError, Terminal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;

/// Opens a terminal in a session whose supervisor is alive.
pub(crate) async fn open(folder: &Folder, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
    const WHAT: &str = "a terminal could not be opened";
    let Ok(stream) = folder.connect() else { return Err(EngineError::NotRunning) };
    stream.set_nonblocking(true).map_err(EngineError::failed(WHAT))?;
    let (output, mut write) = UnixStream::from_std(stream).map_err(EngineError::failed(WHAT))?.into_split();
    if write.write_all(format!("terminal {columns} {rows}\n").as_bytes()).await.is_err() {
        return Err(EngineError::NotRunning);
    }
    // Lines until the terminal is open, plain bytes after that, some of which the reader's buffer already holds.
    let mut output = BufReader::new(output);
    let mut line = String::new();
    loop {
        line.clear();
        let Ok(read) = tokio::time::timeout(PATIENCE, output.read_line(&mut line)).await else {
            return Err(EngineError::failed(WHAT)("its supervisor does not answer"));
        };
        match read {
            Ok(0) | Err(_) => return Err(EngineError::NotRunning),
            Ok(_) if line == OPEN => break,
            Ok(_) => match line.strip_prefix("refused ") {
                Some("") | None => {}
                Some(why) => return Err(EngineError::failed(WHAT)(why.trim().to_owned())),
            },
        }
        if line == "refused\n" {
            return Err(EngineError::NotRunning);
        }
    }
    let (typed, keyboard) = tokio::io::duplex(LARGEST_FRAME);
    let (sizes, resizes) = mpsc::channel(4);
    tokio::spawn(forward(keyboard, resizes, write));
    Ok(Terminal { output: Box::new(output), input: Box::new(typed), resize: sizes })
}

/// Forwards input and changes of size until the terminal's input is dropped, which closes the terminal.
async fn forward(mut keyboard: DuplexStream, mut resizes: mpsc::Receiver<(u16, u16)>, mut write: OwnedWriteHalf) {
    let mut buffer = vec![0; LARGEST_FRAME];
    loop {
        let frame = tokio::select! {
            read = keyboard.read(&mut buffer) => match read {
                Ok(n) if n > 0 => frame::input(&buffer[..n]),
                _ => return,
            },
            Some((columns, rows)) = resizes.recv() => frame::resize(columns, rows),
        };
        if write.write_all(&frame).await.is_err() {
            return;
        }
    }
}
