//! The engine's end of a terminal: a connection to the session's supervisor, which hands it on to the init inside the session.
//!
//! What is typed and the changes of size travel in frames; what the terminal prints comes back as it is, and the end of the
//! connection is the end of the terminal. Deliberately absent: any terminal emulation, which is the browser's.

use super::layout::Folder;
use crate::{EngineError, Terminal};
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;

/// What the init answers when the terminal is open; everything after this line is what it prints.
pub(crate) const OPEN: &str = "terminal\n";
/// Bytes that one frame carries at most.
const LARGEST_FRAME: usize = 16 << 10;
/// Type and length before what a frame carries.
const HEAD: usize = 5;
const INPUT: u8 = 0;
const RESIZE: u8 = 1;

/// One message to a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Input(Vec<u8>),
    Resize { columns: u16, rows: u16 },
}

/// The bytes of a frame that carries input; at most [`LARGEST_FRAME`] of it.
fn input(bytes: &[u8]) -> Vec<u8> {
    frame(INPUT, bytes)
}

fn resize(columns: u16, rows: u16) -> Vec<u8> {
    let [a, b] = columns.to_be_bytes();
    let [c, d] = rows.to_be_bytes();
    frame(RESIZE, &[a, b, c, d])
}

fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(bytes);
    frame
}

/// Takes the first whole frame off what was received so far.
pub(crate) fn take_frame(received: &mut Vec<u8>) -> io::Result<Option<Frame>> {
    let Some([kind, a, b, c, d]) = received.first_chunk::<HEAD>().copied() else { return Ok(None) };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > LARGEST_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let Some(body) = received.get(HEAD..HEAD + length) else { return Ok(None) };
    let frame = match (kind, body) {
        (INPUT, body) => Frame::Input(body.to_vec()),
        (RESIZE, &[a, b, c, d]) => Frame::Resize { columns: u16::from_be_bytes([a, b]), rows: u16::from_be_bytes([c, d]) },
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    received.drain(..HEAD + length);
    Ok(Some(frame))
}

/// Opens a terminal in a session whose supervisor is alive.
pub(crate) async fn open(folder: &Folder, columns: u16, rows: u16) -> Result<Terminal, EngineError> {
    let failed = || EngineError::io("opening a terminal");
    let Ok(stream) = folder.connect() else { return Err(EngineError::NotRunning) };
    stream.set_nonblocking(true).map_err(failed())?;
    let (output, mut write) = UnixStream::from_std(stream).map_err(failed())?.into_split();
    if write.write_all(format!("terminal {columns} {rows}\n").as_bytes()).await.is_err() {
        return Err(EngineError::NotRunning);
    }
    // Lines until it is open, bytes after that: the reader's buffer already holds some of them.
    let mut output = BufReader::new(output);
    let mut line = String::new();
    loop {
        line.clear();
        match output.read_line(&mut line).await {
            Ok(0) | Err(_) => return Err(EngineError::NotRunning),
            Ok(_) if line == OPEN => break,
            Ok(_) => match line.strip_prefix("refused ") {
                Some("") | None => {}
                Some(why) => {
                    return Err(failed()(io::Error::other(why.trim().to_owned())));
                }
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

/// Sends on what is typed until the terminal's input is dropped, which closes the terminal.
async fn forward(mut keyboard: DuplexStream, mut resizes: mpsc::Receiver<(u16, u16)>, mut write: OwnedWriteHalf) {
    let mut buffer = vec![0; LARGEST_FRAME];
    loop {
        let frame = tokio::select! {
            read = keyboard.read(&mut buffer) => match read {
                Ok(n) if n > 0 => input(&buffer[..n]),
                _ => return,
            },
            Some((columns, rows)) = resizes.recv() => resize(columns, rows),
        };
        if write.write_all(&frame).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_back_however_they_are_cut() {
        let mut sent = input(b"ls\n");
        sent.extend(resize(120, 40));
        sent.extend(input(b""));
        let (mut received, mut frames) = (Vec::new(), Vec::new());
        for byte in sent {
            received.push(byte);
            frames.extend(take_frame(&mut received).unwrap());
        }
        assert_eq!(frames, [Frame::Input(b"ls\n".to_vec()), Frame::Resize { columns: 120, rows: 40 }, Frame::Input(Vec::new())]);
        assert!(received.is_empty());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(take_frame(&mut vec![INPUT, 0xff, 0, 0, 0]).is_err());
        assert!(take_frame(&mut vec![9, 0, 0, 0, 0]).is_err());
        assert!(take_frame(&mut vec![RESIZE, 0, 0, 0, 1, 7]).is_err());
    }
}
