//! The start time as its field holds it: in the reader's time zone, which only the browser knows. On the server the field is in
//! UTC and is written into no page.

use types::time::{Millis, minute};

/// `2026-11-24T09:30`; nothing for a moment that has no such day.
pub fn to_field(at: Millis) -> String {
    let local = Millis(at.0.saturating_add(ahead(at))).utc();
    local.get(..16).map(|text| text.replace(' ', "T")).unwrap_or_default()
}

/// The moment that is typed.
pub fn from_field(text: &str) -> Option<Millis> {
    let local = minute(text)?;
    // The zone's offset is that of the moment itself, which is known only once an offset is taken off.
    let about = Millis(local.0.saturating_sub(ahead(local)));
    Some(Millis(local.0.saturating_sub(ahead(about))))
}

/// The clock of whoever draws the page.
#[cfg(target_arch = "wasm32")]
pub fn now() -> Millis {
    Millis(js_sys::Date::now() as i64)
}

/// On the server nothing is held against a clock here.
#[cfg(not(target_arch = "wasm32"))]
pub fn now() -> Millis {
    Millis(0)
}

/// Milliseconds by which the reader's clocks are ahead of UTC then.
#[cfg(target_arch = "wasm32")]
fn ahead(at: Millis) -> i64 {
    -(js_sys::Date::new(&(at.0 as f64).into()).get_timezone_offset() as i64) * 60_000
}

#[cfg(not(target_arch = "wasm32"))]
fn ahead(_: Millis) -> i64 {
    0
}
