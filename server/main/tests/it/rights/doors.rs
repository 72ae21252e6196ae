//! Connections that stay open, each in a task that ends with the connection.

use crate::Yard;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::BodyExt;
use serde_json::json;
use sha2::Sha256;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use types::time::Millis;

/// An open connection: its name, and how it ended once it has.
pub struct Door {
    pub name: &'static str,
    pub end: JoinHandle<String>,
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
}

/// A request signed with a keypair, as the official client signs it.
pub fn signed(method: Method, target: &str, (access, secret): (&str, &str), body: &str) -> Request<Body> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let date = Millis(i64::try_from(now).unwrap()).iso();
    let (host, kind, version) = ("yard:8080", "application/json", "v9.20250722");
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!("{method}\n{target}\n{date}\nhost:{host}\ncontent-type:{kind}\nx-backendai-version:{version}\n{EMPTY}");
    let day: String = date[..10].replace('-', "");
    let key = hmac(&hmac(secret.as_bytes(), day.as_bytes()), host.as_bytes());
    let signature: String = hmac(&key, text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    Request::builder()
        .method(method)
        .uri(target)
        .header("host", host)
        .header("content-type", kind)
        .header("x-backendai-version", version)
        .header("x-backendai-date", date)
        .header("authorization", format!("BackendAI signMethod=HMAC-SHA256, credential={access}:{signature}"))
        .body(Body::from(body.to_owned()))
        .unwrap()
}

/// A request that waits until its session runs, which is not before tomorrow.
pub fn waiting_start(name: &str) -> String {
    json!({ "name": name, "image": "host", "type": "batch", "startupCommand": "true", "starts_at": "1d", "maxWaitSeconds": 600,
        "group": "lab", "config": { "resources": { "cpu": "0.1", "mem": "256m" } } })
    .to_string()
}

impl Yard {
    /// Opens a connection and reads it to its end in a task of its own. Returns once it is open, if it is one that answers at
    /// once.
    pub async fn door(&self, name: &'static str, request: Request<Body>) -> Door {
        let answers = request.method() == Method::GET;
        if !answers {
            let yard = self.router.clone();
            let end = tokio::spawn(async move { whole(yard, request).await });
            return Door { name, end };
        }
        let answer = self.open(request).await;
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
        let end = tokio::spawn(async move { text(answer.into_body()).await });
        Door { name, end }
    }

    /// Follows a session's log, one waiting request after the other, until one is refused.
    pub async fn log_door(&self, name: &'static str, cookie: &str, id: &str) -> Door {
        let (router, cookie, id) = (self.router.clone(), cookie.to_owned(), id.to_owned());
        let end = tokio::spawn(async move {
            let mut from = 0;
            loop {
                let body = json!({ "id": id, "container": 0, "from": from, "wait": true });
                let request =
                    Request::post("/call/session_log").header("cookie", &cookie).header("content-type", "application/json");
                let request = request.header("accept", "application/json").body(Body::from(body.to_string())).unwrap();
                let answer = whole(router.clone(), request).await;
                match serde_json::from_str::<types::sessions::LogChunk>(&answer) {
                    Ok(chunk) => from = chunk.next,
                    Err(_) => return answer,
                }
            }
        });
        Door { name, end }
    }

    /// Serves the router on a port of its own.
    pub async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = server::connections::Limits::new(1_000, Vec::new());
        tokio::spawn(server::connections::serve(listener, self.router.clone(), limits, std::future::pending()));
        address
    }

    /// Opens a terminal. It ends with the reason in its close frame.
    pub async fn terminal_door(&self, name: &'static str, cookie: &str, id: &str) -> Door {
        let address = self.listen().await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /sessions/{id}/terminal HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{name}: {head}");
        Door { name, end: tokio::spawn(async move { close_reason(socket).await.unwrap_or_default() }) }
    }
}

async fn whole(router: Router, mut request: Request<Body>) -> String {
    use axum::extract::ConnectInfo;
    use tower::ServiceExt;
    let here: SocketAddr = "127.0.0.1:5000".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(server::Peer::from(here)));
    text(router.oneshot(request).await.unwrap().into_body()).await
}

async fn text(body: Body) -> String {
    match body.collect().await {
        Ok(all) => String::from_utf8_lossy(&all.to_bytes()).into_owned(),
        Err(error) => format!("cut off: {error}"),
    }
}

/// Reads frames until the one that closes the socket; `None` if it breaks off without.
async fn close_reason(mut socket: TcpStream) -> Option<String> {
    loop {
        let (kind, length) = (socket.read_u8().await.ok()? & 0x0f, socket.read_u8().await.ok()? & 0x7f);
        let length = match length {
            126 => u64::from(socket.read_u16().await.ok()?),
            127 => socket.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).ok()?];
        socket.read_exact(&mut payload).await.ok()?;
        if kind == 8 {
            return Some(String::from_utf8_lossy(payload.get(2..)?).into_owned());
        }
    }
}
