//! Times. The server cannot know the reader's time zone, so the first paint is in UTC and the browser converts it.

use leptos::prelude::*;

/// A point in time. `at` is in milliseconds since 1970.
#[component]
pub fn Time(at: i64) -> impl IntoView {
    let (utc, iso) = utc_texts(at);
    let text = RwSignal::new(format!("{utc} UTC"));
    Effect::new(move |_| {
        let date = js_sys::Date::new(&(at as f64).into());
        let two = |n: u32| format!("{n:02}");
        text.set(format!(
            "{}-{}-{} {}:{}:{}",
            date.get_full_year(),
            two(date.get_month() + 1),
            two(date.get_date()),
            two(date.get_hours()),
            two(date.get_minutes()),
            two(date.get_seconds())
        ));
    });
    view! { <time datetime=iso title=format!("{utc} UTC")>{move || text.get()}</time> }
}

/// The time since `since` (milliseconds since 1970), counting up every second.
#[component]
pub fn Elapsed(since: i64) -> impl IntoView {
    let text = RwSignal::new(types::time::duration(now().saturating_sub(since).max(0)));
    Effect::new(move |_| {
        let count = move || drop(text.try_set(types::time::duration(now().saturating_sub(since).max(0))));
        if let Ok(timer) = set_interval_with_handle(count, std::time::Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
    });
    view! { <span>{move || text.get()}</span> }
}

/// The time left until `until` (milliseconds since 1970), counting down every second.
#[component]
pub fn Remaining(until: i64) -> impl IntoView {
    let left = move || types::time::duration(until.saturating_sub(now()).max(0));
    let text = RwSignal::new(left());
    Effect::new(move |_| {
        let count = move || drop(text.try_set(left()));
        if let Ok(timer) = set_interval_with_handle(count, std::time::Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
    });
    view! { <span>{move || text.get()}</span> }
}

/// Returns the milliseconds since 1970 by the clock of the server or browser that renders.
fn now() -> i64 {
    #[cfg(target_arch = "wasm32")]
    return js_sys::Date::now() as i64;
    #[cfg(not(target_arch = "wasm32"))]
    return std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
}

/// Formats a time in UTC, for people and for the `datetime` attribute.
fn utc_texts(at: i64) -> (String, String) {
    let Ok(t) = time::OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)) else { return ("—".into(), String::new()) };
    let (date, clock) = (
        format!("{:04}-{:02}-{:02}", t.year(), u8::from(t.month()), t.day()),
        format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second()),
    );
    (format!("{date} {clock}"), format!("{date}T{clock}Z"))
}
