//! Tabs as links: each has an address, so that the current tab survives a reload and can be shared.

use leptos::prelude::*;

/// One tab.
pub struct Tab {
    pub label: &'static str,
    pub href: Signal<String>,
    /// Whether it is the current tab.
    pub here: Signal<bool>,
}

/// A row of tabs. `label` is its accessible name.
#[component]
pub fn Tabs(#[prop(into)] label: String, tabs: Vec<Tab>) -> impl IntoView {
    let tab = |tab: Tab| {
        let Tab { label, href, here } = tab;
        // A plain link, which the router handles: the tab itself knows whether it is the current one.
        view! { <li><a href=move || href.get() class="tab" aria-current=move || here.get().then_some("true")>{label}</a></li> }
    };
    view! { <nav aria-label=label><ul class="tabs">{tabs.into_iter().map(tab).collect::<Vec<_>>()}</ul></nav> }
}
