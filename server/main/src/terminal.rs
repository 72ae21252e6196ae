//! `GET /sessions/{id}/terminal`: a WebSocket to a terminal in an interactive session.
//!
//! Binary frames are bytes, both ways. A text frame from the browser is the new size, such as `80x24` (columns, rows). The close
//! frame carries the reason why the terminal ended.

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
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::Problem;
use types::id::SessionId;

/// The most bytes of one frame from the browser: enough for pasted text, not for files.
const LARGEST_FRAME: usize = 256 << 10;

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

async fn relay(mut socket: WebSocket, mut terminal: Terminal, mut permit: Permit) {
    let mut buffer = vec![0u8; 16 << 10];
    let mut reason = "The shell has ended.".to_owned();
    loop {
        tokio::select! {
            problem = permit.ended() => {
                reason = why_ended(&problem);
                break;
            }
            read = terminal.output.read(&mut buffer) => match read {
                Ok(n) if n > 0 => {
                    if socket.send(Message::Binary(buffer[..n].to_vec().into())).await.is_err() {
                        return;
                    }
                }
                _ => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    if terminal.input.write_all(&bytes).await.is_err() {
                        break;
                    }
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
                Some(Err(_)) | None => return,
            },
        }
    }
    let close = CloseFrame { code: close_code::NORMAL, reason: reason.into() };
    // It makes no difference whether the page still receives it.
    drop(socket.send(Message::Close(Some(close))).await);
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
