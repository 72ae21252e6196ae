//! The WebSocket of a terminal (`server/main/src/terminal.rs`).
//!
//! Both sides say how much they have taken in, and neither has more than a window on its way: the shell waits for a page that is
//! still drawing, and a paste of any size waits for the shell.

use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{Either, select};
use futures::{SinkExt, StreamExt};
use gloo_net::websocket::{Message, WebSocketError, futures::WebSocket};
use std::collections::VecDeque;

/// Bytes in one message to the shell.
const PIECE: usize = 8 << 10;
/// Bytes that may be on their way to the shell.
const WINDOW: usize = 64 << 10;

/// The page's side of a terminal.
pub enum Sent {
    Bytes(Vec<u8>),
    /// Ctrl+C: what was pasted and has not been sent yet is dropped.
    Interrupt,
    /// Columns and rows.
    Size(u16, u16),
    /// This many bytes have been drawn.
    Drawn(usize),
}

/// Bytes that wait for the shell.
#[derive(Default)]
struct Outbox {
    waiting: VecDeque<u8>,
    on_their_way: usize,
}

impl Outbox {
    /// Takes the next piece, if there is one and the shell has room for it.
    fn take(&mut self) -> Option<Vec<u8>> {
        let size = self.waiting.len().min(PIECE).min(WINDOW.saturating_sub(self.on_their_way));
        self.on_their_way += size;
        (size > 0).then(|| self.waiting.drain(..size).collect())
    }

    /// Notes that the shell has taken bytes in.
    fn taken(&mut self, bytes: usize) {
        self.on_their_way = self.on_their_way.saturating_sub(bytes);
    }
}

/// Carries bytes both ways until the terminal ends; returns why. `read` gets the shell's output and returns whether the page is
/// still there.
pub async fn relay(address: &str, mut page: UnboundedReceiver<Sent>, mut read: impl FnMut(&[u8]) -> bool) -> String {
    let Ok(socket) = WebSocket::open(address) else { return "This browser could not open a connection.".into() };
    let (mut write, mut output) = socket.split();
    let mut outbox = Outbox::default();
    let mut any = false;
    loop {
        while let Some(piece) = outbox.take() {
            if write.send(Message::Bytes(piece)).await.is_err() {
                outbox.waiting.clear();
            }
        }
        match select(page.next(), output.next()).await {
            Either::Left((Some(Sent::Bytes(bytes)), _)) => outbox.waiting.extend(bytes),
            Either::Left((Some(Sent::Interrupt), _)) => {
                outbox.waiting.clear();
                outbox.waiting.push_back(3);
            }
            // If the connection is gone, its end is read next.
            Either::Left((Some(Sent::Size(columns, rows)), _)) => {
                drop(write.send(Message::Text(format!("{columns}x{rows}"))).await)
            }
            Either::Left((Some(Sent::Drawn(bytes)), _)) => drop(write.send(Message::Text(format!("drawn {bytes}"))).await),
            Either::Left((None, _)) => {
                // The page is gone, so the shell is hung up.
                let _ = write.close().await;
                return "Closed.".into();
            }
            Either::Right((Some(Ok(Message::Bytes(bytes))), _)) => {
                any = true;
                if !read(&bytes) {
                    let _ = write.close().await;
                    return "Closed.".into();
                }
            }
            Either::Right((Some(Ok(Message::Text(text))), _)) => {
                outbox.taken(text.strip_prefix("taken ").and_then(|bytes| bytes.parse().ok()).unwrap_or(0));
            }
            Either::Right((Some(Err(WebSocketError::ConnectionClose(close))), _)) if !close.reason.is_empty() => {
                return close.reason;
            }
            Either::Right(_) if any => {
                return "The connection was lost. Open the terminal again to continue in a new shell.".into();
            }
            Either::Right(_) => return "The terminal could not be opened: the session may have ended.".into(),
        }
    }
}

/// Returns pasted text as the shell gets it. A program that asked for it learns where the paste begins and ends, so that it can
/// tell it from typing and runs nothing by itself.
pub fn pasted(text: &str, bracketed: bool) -> Vec<u8> {
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    if bracketed {
        // A text must not end the paste itself.
        format!("\x1b[200~{}\x1b[201~", text.replace('\x1b', "")).into_bytes()
    } else {
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_of_any_size_goes_in_pieces_as_fast_as_the_shell_takes_them() {
        let mut outbox = Outbox::default();
        let text: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
        outbox.waiting.extend(&text);
        let mut shell = Vec::new();
        while shell.len() < text.len() {
            let mut sent = 0;
            while let Some(piece) = outbox.take() {
                assert!(piece.len() <= PIECE);
                sent += piece.len();
                shell.extend(piece);
            }
            assert!(sent > 0 && sent <= WINDOW);
            outbox.taken(sent);
        }
        assert_eq!(shell, text);
    }

    #[test]
    fn a_paste_is_bracketed_for_programs_that_asked_and_cannot_end_itself() {
        assert_eq!(pasted("a\r\nb\n", false), b"a\rb\r");
        assert_eq!(pasted("a\nb\x1b[201~rm -rf", true), b"\x1b[200~a\rb[201~rm -rf\x1b[201~");
    }
}
