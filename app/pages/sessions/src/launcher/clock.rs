//! The start time as its field holds it: in the reader's time zone, which only the browser knows. On the server the field is in
//! UTC and is never written into a page.

use types::time::{Millis, minute};

/// Formats a time as `2026-11-24T09:30`; empty for a time outside the calendar.
pub fn to_field(at: Millis) -> String {
    let local = Millis(at.0.saturating_add(ahead(at))).utc();
    local.get(..16).map(|text| text.replace(' ', "T")).unwrap_or_default()
}

/// Returns the typed time.
pub fn from_field(text: &str) -> Option<Millis> {
    let local = minute(text)?;
    // The offset is that of the time itself, which is only known once an offset has been subtracted.
    let about = Millis(local.0.saturating_sub(ahead(local)));
    Some(Millis(local.0.saturating_sub(ahead(about))))
}

/// The clock of the browser that draws the page.
#[cfg(target_arch = "wasm32")]
pub fn now() -> Millis {
    Millis(js_sys::Date::now() as i64)
}

/// On the server, nothing here is compared with a clock.
#[cfg(not(target_arch = "wasm32"))]
pub fn now() -> Millis {
    Millis(0)
}

/// Milliseconds by which the reader's time zone is ahead of UTC at that time.
#[cfg(target_arch = "wasm32")]
fn ahead(at: Millis) -> i64 {
    -(js_sys::Date::new(&(at.0 as f64).into()).get_timezone_offset() as i64) * 60_000
}

#[cfg(not(target_arch = "wasm32"))]
fn ahead(_: Millis) -> i64 {
    0
}
