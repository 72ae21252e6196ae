//! `/metrics` in the text format of Prometheus, on a listener of its own that only this machine can reach.
//!
//! Sessions use the machine's network, so being on it proves nothing: a reader shows the token that is kept in the data folder.

use crate::App;
use crate::refusal::Refusal;
use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of answered requests since the start, by class of status.
static ANSWERED: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

/// Counts an answer.
pub fn count(status: u16) {
    if let Some(class) = ANSWERED.get(usize::from(status / 100).wrapping_sub(1)) {
        class.fetch_add(1, Ordering::Relaxed);
    }
}

/// The file of the token, in the data folder.
const TOKEN: &str = "metrics.token";

/// Reads the token that a reader of the metrics must show; makes one up if there is none.
///
/// # Errors
/// When the file cannot be read or created.
pub fn token(data: &Path) -> anyhow::Result<String> {
    let file = data.join(TOKEN);
    let at = || format!("the token file {}", file.display());
    if !file.exists() {
        let token = control::made_up_password().map_err(|problem| anyhow::anyhow!(problem.to_string()))?;
        // Complete or not there at all, whenever the machine goes down.
        let part = data.join(format!("{TOKEN}.part"));
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).with_context(at)?;
        out.write_all(token.as_bytes()).and_then(|()| out.sync_all()).with_context(at)?;
        std::fs::rename(&part, &file).with_context(at)?;
    }
    let token = std::fs::read_to_string(&file).with_context(at)?.trim().to_owned();
    anyhow::ensure!(token.len() >= 16, "{} holds no token; remove it, and a new one is made", at());
    Ok(token)
}

/// The listener's router.
pub fn router(app: App, token: &str) -> Router {
    let expected = Sha256::digest(format!("Bearer {token}"));
    let answer = async move |State(app): State<App>, headers: HeaderMap| {
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        // Hashes are compared: how long it takes says nothing about the token.
        if Sha256::digest(shown) != expected {
            let advice = format!("Show the token in {TOKEN} in the data folder, as “Authorization: Bearer …”.\n");
            return Ok((StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], advice).into_response());
        }
        metrics(app).await
    };
    Router::new().route("/metrics", get(answer)).with_state(app)
}

async fn metrics(app: App) -> Result<Response, Refusal> {
    let mut text = String::from(
        "# HELP yardmaster_requests_total Requests answered, by class of status.\n# TYPE yardmaster_requests_total counter\n",
    );
    // Writing to a String cannot fail.
    for (class, count) in ANSWERED.iter().enumerate() {
        let _ = writeln!(text, "yardmaster_requests_total{{class=\"{}xx\"}} {}", class + 1, count.load(Ordering::Relaxed));
    }
    text.push_str("# HELP yardmaster_sessions Sessions that have not ended, by status.\n# TYPE yardmaster_sessions gauge\n");
    for (status, count) in app.control.session_counts().await? {
        let _ = writeln!(text, "yardmaster_sessions{{status=\"{status}\"}} {count}");
    }
    text.push_str("# HELP yardmaster_resident_bytes Memory of this process.\n# TYPE yardmaster_resident_bytes gauge\n");
    let _ = writeln!(text, "yardmaster_resident_bytes {}", resident_bytes());
    Ok(([("content-type", "text/plain; version=0.0.4")], text).into_response())
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok().and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
