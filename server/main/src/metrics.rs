//! `/metrics` in the text format of Prometheus, on a listener of its own that only this machine can reach.

use crate::App;
use crate::refusal::Refusal;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of answered requests since the start, by class of status.
static ANSWERED: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

/// Counts an answer.
pub fn count(status: u16) {
    if let Some(class) = ANSWERED.get(usize::from(status / 100).wrapping_sub(1)) {
        class.fetch_add(1, Ordering::Relaxed);
    }
}

/// The listener's router.
pub fn router(app: App) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

async fn metrics(State(app): State<App>) -> Result<Response, Refusal> {
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
