//! `GET /sessions/{id}/terminal`: a WebSocket to a terminal in an interactive session.
//!
//! Binary frames are bytes, both ways. A text frame from the browser is the new size, such as `80x24` (columns, rows), or `drawn N`:
//! the page has drawn N bytes. The shell's output is read only as fast as that, so that a flood of it does not fill the browser and
//! keys such as Ctrl+C are heard at once. `taken N` to the browser says that the shell has taken N bytes of input. The close frame
//! carries the reason why the terminal ended.

use crate::App;
use crate::refusal::Refusal;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use control::{Caller, Permit};
use engine::Terminal;
use serde::Deserialize;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use types::Problem;
use types::id::SessionId;

/// The most bytes of one frame from the browser, which sends a paste in smaller pieces.
const LARGEST_FRAME: usize = 256 << 10;
/// Bytes that may be on their way to a page that has not drawn them yet.
const WINDOW: usize = 256 << 10;
/// The time between two pings: proxies cut connections on which nothing is said, and a page whose machine is gone says nothing.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A page that has not answered for this long is gone.
const SILENT: Duration = Duration::from_secs(70);
/// The time that a page has to take the reason for the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes of input that may wait for the shell.
const MOST_INPUT: usize = 1 << 20;

#[derive(Deserialize)]
pub struct Size {
    #[serde(default = "eighty")]
    columns: u16,
    #[serde(default = "twenty_four")]
    rows: u16,
}

fn eighty() -> u16 {
    80
}

fn twenty_four() -> u16 {
    24
}

/// Upgrades to a terminal, after checking the session and the caller's right to it.
pub async fn open(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(size): Query<Size>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    // Browsers let any page open a WebSocket to any host, with cookies, so other pages are refused here.
    if !same_origin(&headers, app.settings.public_url.as_deref()) {
        return Err(Problem::Forbidden("open a terminal from another site".into()).into());
    }
    let id: SessionId = id.parse().map_err(|_| Problem::NotFound("session".into()))?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(no_web_socket) => {
            // The caller's right comes first, so that nobody without it learns anything from a wrong request. Nothing is started
            // for a request that cannot become a terminal, such as a link that somebody followed.
            app.control.may_open_terminal(&caller, id).await?;
            return Ok(no_web_socket.into_response());
        }
    };
    let (terminal, permit) = app.control.terminal(&caller, id, size.columns, size.rows).await?;
    Ok(upgrade.max_message_size(LARGEST_FRAME).on_upgrade(move |socket| relay(socket, terminal, permit)))
}

/// Whether the page that asks is one of ours, by its origin.
pub fn same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("origin"), text("host")) {
        // Not a browser: other programs send no origin, and only the cookies they were given.
        (None, _) => true,
        (Some(origin), host) => Some(origin) == public_url || origin.split_once("://").map(|(_, host)| host) == host,
    }
}

/// Carries bytes both ways until one side ends, and tells the page why.
async fn relay(mut socket: WebSocket, terminal: Terminal, mut permit: Permit) {
    // The shell is hung up before that: a page that takes nothing more must not keep it.
    if let Some(reason) = exchange(&mut socket, terminal, &mut permit).await {
        let close = CloseFrame { code: close_code::NORMAL, reason: reason.into() };
        // It makes no difference whether the page still receives it.
        drop(tokio::time::timeout(FAREWELL, socket.send(Message::Close(Some(close)))).await);
    }
}

/// Returns why the terminal ended; `None` when the page is gone.
async fn exchange(socket: &mut WebSocket, mut terminal: Terminal, permit: &mut Permit) -> Option<String> {
    let mut buffer = vec![0u8; 16 << 10];
    let (mut undrawn, mut input) = (0, Vec::new());
    let (mut ping, mut heard) = (tokio::time::interval(PING_EVERY), Instant::now());
    loop {
        let message = tokio::select! {
            problem = permit.ended() => return Some(why_ended(&problem)),
            _ = ping.tick() => {
                if heard.elapsed() > SILENT {
                    return None;
                }
                Message::Ping(Vec::new().into())
            }
            read = terminal.output.read(&mut buffer), if undrawn < WINDOW => match read {
                Ok(n) if n > 0 => {
                    undrawn += n;
                    Message::Binary(buffer[..n].to_vec().into())
                }
                _ => return Some("The shell has ended.".into()),
            },
            // Beside the output: a shell that echoes takes no more input while nobody reads it.
            written = terminal.input.write(&input), if !input.is_empty() => match written {
                Ok(n) if n > 0 => {
                    input.drain(..n);
                    Message::Text(format!("taken {n}").into())
                }
                _ => return Some("The shell has ended.".into()),
            },
            message = socket.recv() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Binary(bytes))) if input.len() + bytes.len() > MOST_INPUT => {
                        return Some("The page sent more than the shell can take.".into());
                    }
                    Some(Ok(Message::Binary(bytes))) => input.extend_from_slice(&bytes),
                    Some(Ok(Message::Text(drawn))) if drawn.starts_with("drawn ") => {
                        let bytes: usize = drawn[6..].parse().unwrap_or(0);
                        undrawn = undrawn.saturating_sub(bytes);
                    }
                    Some(Ok(Message::Text(size))) => {
                        let parsed = size.split_once('x').and_then(|(c, r)| Some((c.parse().ok()?, r.parse().ok()?)));
                        if let Some((columns, rows)) = parsed {
                            // Dropped if the last size is still on its way; the next one follows.
                            let _ = terminal.resize.try_send((columns, rows));
                        }
                    }
                    Some(Ok(_)) => {}
                    // The page is gone; dropping the terminal hangs up the shell.
                    Some(Err(_)) | None => return None,
                }
                continue;
            },
        };
        // The page may take it slowly, or not at all.
        tokio::select! {
            problem = permit.ended() => return Some(why_ended(&problem)),
            sent = socket.send(message) => sent.ok()?,
        }
    }
}

/// The reason in the close frame of a terminal whose right has ended, which holds at most 123 bytes.
fn why_ended(problem: &Problem) -> String {
    match problem {
        Problem::SignInRequired => "Your sign-in has ended.".into(),
        Problem::NotFound(_) => "You may no longer control this session.".into(),
        Problem::Forbidden(what) if what.len() < 100 => format!("You may no longer {what}."),
        _ => "You may no longer use this terminal.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_open_a_terminal() {
        let headers = |origin: &str| {
            HeaderMap::from_iter(
                [("origin", origin), ("host", "yard:8080")]
                    .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap())),
            )
        };
        assert!(same_origin(&headers("http://yard:8080"), None));
        assert!(!same_origin(&headers("http://evil.example"), None));
        assert!(!same_origin(&headers("null"), None));
        assert!(same_origin(&headers("https://cluster.example.org"), Some("https://cluster.example.org")));
        assert!(same_origin(&HeaderMap::new(), None));
    }
}
