//! The messages between the engine and an open terminal, as bytes on a connection. Both sides use this module.

use std::io;

/// The init's answer when the terminal is open. Everything after this line is the terminal's output.
pub(crate) const OPEN: &str = "terminal\n";
/// The largest number of bytes in one frame's body.
pub(crate) const LARGEST_FRAME: usize = 16 << 10;
/// Bytes of the type and the length before a frame's body.
const HEAD: usize = 5;
const INPUT: u8 = 0;
const RESIZE: u8 = 1;

/// One message to a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Input(Vec<u8>),
    Resize { columns: u16, rows: u16 },
}

/// Returns the bytes of a frame that carries input, which may have at most [`LARGEST_FRAME`] bytes.
pub(crate) fn input(bytes: &[u8]) -> Vec<u8> {
    frame(INPUT, bytes)
}

pub(crate) fn resize(columns: u16, rows: u16) -> Vec<u8> {
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

/// Removes the first complete frame from the received bytes. Returns `None` if there is none yet.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_back_even_when_they_arrive_in_pieces() {
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
    fn invalid_frames_are_refused() {
        assert!(take_frame(&mut vec![INPUT, 0xff, 0, 0, 0]).is_err());
        assert!(take_frame(&mut vec![9, 0, 0, 0, 0]).is_err());
        assert!(take_frame(&mut vec![RESIZE, 0, 0, 0, 1, 7]).is_err());
    }
}
