//! A point in time. The server cannot know the reader's zone, so the first paint is in UTC and the browser puts it right.

use leptos::prelude::*;

/// `at` in milliseconds since 1970.
#[component]
pub fn Time(at: i64) -> impl IntoView {
    let (utc, iso) = texts(at);
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

fn texts(at: i64) -> (String, String) {
    let Ok(t) = time::OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)) else { return ("—".into(), String::new()) };
    let (date, clock) = (
        format!("{:04}-{:02}-{:02}", t.year(), u8::from(t.month()), t.day()),
        format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second()),
    );
    (format!("{date} {clock}"), format!("{date}T{clock}Z"))
}
