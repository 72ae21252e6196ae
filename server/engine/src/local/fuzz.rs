//! The readers of what arrives from sessions and their supervisors, for a fuzzer.

use super::client::Client;
use super::frame::{self, Frame, take_frame};
use super::init::Report;
use super::layout;
use super::usage;
use std::io::Write;
use std::os::unix::net::UnixStream;
use types::time::Millis;

/// Reads frames that arrive in pieces; those that are understood mean the same when they are written again.
pub fn terminal_frames(bytes: &[u8]) {
    let mut received = Vec::new();
    for piece in bytes.chunks(7) {
        received.extend(piece);
        loop {
            match take_frame(&mut received) {
                Ok(Some(read)) => {
                    let mut again = match &read {
                        Frame::Input(bytes) => frame::input(bytes),
                        Frame::Resize { columns, rows } => frame::resize(*columns, *rows),
                    };
                    assert_eq!(take_frame(&mut again).unwrap(), Some(read));
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    assert!(received.len() <= frame::LARGEST_FRAME + 5, "a frame that never ends");
}

/// Reads lines of a connected engine, reports of a container's first process, and measurements of a supervisor.
pub fn supervisor_messages(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Report>(bytes);
    let _ = serde_json::from_slice::<layout::Exit>(bytes);
    let _ = serde_json::from_slice::<layout::Running>(bytes);
    let _ = serde_json::from_slice::<layout::Plan>(bytes);
    let _ = layout::stop_order(&String::from_utf8_lossy(bytes));
    let (Ok((mut engine, supervisor)), at_most) = (UnixStream::pair(), bytes.len().min(64 << 10)) else { return };
    let Ok(mut client) = Client::new(supervisor) else { return };
    if engine.set_nonblocking(true).is_err() || engine.write_all(&bytes[..at_most]).is_err() {
        return;
    }
    drop(engine);
    let (mut open, mut read) = (true, 0);
    while open {
        let (lines, more) = client.lines();
        read += lines.iter().map(String::len).sum::<usize>();
        open = more;
    }
    // Bytes that are not text become up to three times as long.
    assert!(read <= at_most * 3);
    let file = std::env::temp_dir().join(format!("fuzz-usage-{}", std::process::id()));
    if std::fs::write(&file, bytes).is_ok() {
        let _ = usage::read(&file, Millis(0));
    }
}
