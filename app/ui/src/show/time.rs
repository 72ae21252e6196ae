//! Times. The server cannot know the reader's time zone, so the first paint is in UTC and the browser converts it.

use leptos::prelude::*;
use types::time::Millis;

/// The reader's clock, which moves every half minute: times that are told by their distance follow it.
#[derive(Clone, Copy)]
struct Clock(RwSignal<i64>);

/// Provides the clock for the components below.
pub fn provide_clock() {
    let clock = Clock(RwSignal::new(now()));
    provide_context(clock);
    Effect::new(move |_| {
        let tick = move || {
            clock.0.try_set(now());
        };
        if let Ok(timer) = set_interval_with_handle(tick, std::time::Duration::from_secs(30)) {
            on_cleanup(move || timer.clear());
        }
    });
}

/// A point in time. `at` is in milliseconds since 1970.
#[component]
pub fn Time(at: i64) -> impl IntoView {
    let (utc, iso) = (Millis(at).utc(), Millis(at).iso());
    let (text, title) = (RwSignal::new(format!("{utc} UTC")), RwSignal::new(format!("{utc} UTC")));
    Effect::new(move |_| {
        let (local, zone) = local(at);
        title.set(format!("{local} ({zone}), {} UTC", title.get_untracked().trim_end_matches(" UTC")));
        text.set(local);
    });
    view! { <time datetime=iso title=move || title.get()>{move || text.get()}</time> }
}

/// A point in time by its distance from now, `12 min ago`, with the exact time in its title.
#[component]
pub fn Ago(at: i64) -> impl IntoView {
    let clock = use_context::<Clock>();
    let text = move || types::time::ago(Millis(at), Millis(clock.map_or_else(now, |clock| clock.0.get())));
    let title = RwSignal::new(format!("{} UTC", Millis(at).utc()));
    Effect::new(move |_| {
        let (local, zone) = local(at);
        title.set(format!("{local} ({zone})"));
    });
    view! { <time datetime=Millis(at).iso() title=move || title.get()>{text}</time> }
}

/// Returns a time as the reader's clock has it, and that clock's zone, such as `UTC+09:00`.
fn local(at: i64) -> (String, String) {
    let date = js_sys::Date::new(&(at as f64).into());
    let two = |n: u32| format!("{n:02}");
    let (day, clock) = (
        format!("{}-{}-{}", date.get_full_year(), two(date.get_month() + 1), two(date.get_date())),
        format!("{}:{}:{}", two(date.get_hours()), two(date.get_minutes()), two(date.get_seconds())),
    );
    let offset = -date.get_timezone_offset() as i32;
    let sign = if offset < 0 { '-' } else { '+' };
    let zone = format!("UTC{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
    (format!("{day} {clock}"), zone)
}

/// A sentence of the server, in which times are in UTC, with those times as the reader's clock has them.
pub fn with_local_times(sentence: &str) -> AnyView {
    const LENGTH: usize = "2026-11-29 01:20:43".len();
    let (mut parts, mut rest) = (Vec::new(), sentence);
    while let Some(at) = rest.find(" UTC") {
        let start = at.checked_sub(LENGTH).filter(|start| rest.is_char_boundary(*start));
        let found = start.and_then(|start| Some((start, types::time::utc_second(&rest[start..at])?)));
        match found {
            Some((start, time)) => {
                parts.push(rest[..start].to_owned().into_any());
                parts.push(view! { <Time at=time.0/> }.into_any());
            }
            None => parts.push(rest[..at + " UTC".len()].to_owned().into_any()),
        }
        rest = &rest[at + " UTC".len()..];
    }
    parts.push(rest.to_owned().into_any());
    parts.into_any()
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
