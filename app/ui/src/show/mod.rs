//! Components that show something and change nothing.

mod icon;
mod tabs;
mod time;

pub use icon::{Icon, IconName};
pub use tabs::{Tab, Tabs};
pub use time::{Ago, Elapsed, Remaining, Time, provide_clock, with_local_times};

use leptos::prelude::*;

/// The meaning of a component's colour. Its text always says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Info,
    Good,
    Warn,
    Bad,
}

/// A short state, such as a session's status.
#[component]
pub fn Badge(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    let class = match tone {
        Tone::Neutral => "badge",
        Tone::Info => "badge badge-info",
        Tone::Good => "badge badge-good",
        Tone::Warn => "badge badge-warn",
        Tone::Bad => "badge badge-bad",
    };
    view! { <span class=class>{text}</span> }
}

/// The contents of an empty list: why it is empty, and what to do next.
#[component]
pub fn EmptyState(icon: IconName, #[prop(into)] title: String, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <div class="empty">
            <Icon name=icon/>
            <p class="empty-title">{title}</p>
            <p>{text}</p>
        </div>
    }
}

/// Grey bars in place of contents still to come, of about the same height.
#[component]
pub fn Skeleton(#[prop(default = 6)] lines: usize) -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span class="visually-hidden">"Loading…"</span>
            {(0..lines).map(|_| view! { <span class="skeleton-line"></span> }).collect::<Vec<_>>()}
        </div>
    }
}

/// A block of code that scrolls on its own and can be copied.
#[component]
pub fn CodeBlock(#[prop(into)] text: String, #[prop(into)] label: String) -> impl IntoView {
    view! {
        <div class="code-block">
            <pre tabindex="0" role="region" aria-label=label.clone()><code>{text.clone()}</code></pre>
            <CopyButton text=text label=format!("Copy: {label}")/>
        </div>
    }
}

/// A button that copies a text and says so.
#[component]
pub fn CopyButton(#[prop(into)] text: String, #[prop(into)] label: String) -> impl IntoView {
    let (done, failed) = (RwSignal::new(false), RwSignal::new(false));
    let copy = move |_| {
        let navigator = window().navigator();
        // Over plain HTTP a browser has no clipboard at all: the person has to select the text and copy it.
        if !js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object()) {
            failed.set(true);
            return;
        }
        let _ = navigator.clipboard().write_text(&text);
        done.set(true);
        set_timeout(
            move || {
                done.try_set(false);
            },
            std::time::Duration::from_secs(2),
        );
    };
    view! {
        <button class="button button-quiet button-icon copy" type="button" aria-label=label on:click=copy>
            {move || view! { <Icon name=if done.get() { IconName::Check } else { IconName::Copy }/> }}
        </button>
        <span class="visually-hidden" aria-live="polite">{move || match (done.get(), failed.get()) {
            (true, _) => "Copied.",
            (false, true) => "This page cannot copy. Select the text and copy it yourself.",
            _ => "",
        }}</span>
    }
}

/// A share of a whole as a bar, with its amounts as text.
#[component]
pub fn Meter(#[prop(into)] label: String, share: f64, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <span class="amount">
            <meter min="0" max="1" value=format!("{:.3}", share.clamp(0.0, 1.0)) aria-label=label></meter>
            <span>{text}</span>
        </span>
    }
}

/// Names and values, one pair per line.
#[component]
pub fn KeyValues(pairs: Vec<(&'static str, AnyView)>) -> impl IntoView {
    let rows: Vec<_> = pairs.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect();
    view! { <dl class="key-values">{rows}</dl> }
}

/// A message in the page. Screen readers read out a bad one at once.
#[component]
pub fn Notice(tone: Tone, children: Children) -> impl IntoView {
    let (class, role) = match tone {
        Tone::Bad => ("notice notice-bad", Some("alert")),
        Tone::Warn => ("notice notice-warn", None),
        Tone::Good | Tone::Info | Tone::Neutral => ("notice", None),
    };
    view! { <p class=class role=role>{children()}</p> }
}

/// More about the control inside, shown while that has the pointer or the focus. `name` is the id, and the control names it in
/// `aria-describedby`. Only for text that people can do without: necessary hints belong on the page.
#[component]
pub fn Tooltip(#[prop(into)] name: String, #[prop(into)] text: String, children: Children) -> impl IntoView {
    view! { <span class="tooltip">{children()}<span class="tooltip-text" role="tooltip" id=name>{text}</span></span> }
}
