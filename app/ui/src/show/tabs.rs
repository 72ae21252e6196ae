//! Tabs as links: each has an address, so the tab that is shown survives a reload and can be shared.

use leptos::prelude::*;

/// One tab.
pub struct Tab {
    pub label: &'static str,
    pub href: Signal<String>,
    /// It is the one that is shown.
    pub here: Signal<bool>,
}

/// A row of tabs. `label` says what they choose between.
#[component]
pub fn Tabs(#[prop(into)] label: String, tabs: Vec<Tab>) -> impl IntoView {
    let tab = |tab: Tab| {
        let Tab { label, href, here } = tab;
        // A plain link: the router takes it, and it says by itself whether it is the current one.
        view! { <li><a href=move || href.get() class="tab" aria-current=move || here.get().then_some("true")>{label}</a></li> }
    };
    view! { <nav aria-label=label><ul class="tabs">{tabs.into_iter().map(tab).collect::<Vec<_>>()}</ul></nav> }
}
