//! Notifications that stay until they are read: what happened, where it leads, and how far something has come.

use leptos::prelude::*;

/// One notification.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Tells it from the others, and stays the same while its progress grows.
    pub key: i64,
    pub text: String,
    pub href: Option<String>,
    /// 0 to 1 while it is under way.
    pub progress: Option<f64>,
}

/// The list, newest first, or `empty` when there is none.
#[component]
pub fn NotificationList(#[prop(into)] items: Signal<Vec<Notification>>, #[prop(into)] empty: String) -> impl IntoView {
    let entry = move |first: Notification| {
        let key = first.key;
        // Followed by its key, so that a growing bar is not made anew with each step.
        let progress = Memo::new(move |_| items.with(|all| all.iter().find(|one| one.key == key).and_then(|one| one.progress)));
        let text = match first.href {
            Some(href) => view! { <a href=href>{first.text.clone()}</a> }.into_any(),
            None => view! { <span>{first.text.clone()}</span> }.into_any(),
        };
        let label = first.text;
        view! {
            <li>
                {text}
                {move || progress.get().map(|share| view! { <progress max="1" value=format!("{share:.2}") aria-label=label.clone()></progress> })}
            </li>
        }
    };
    view! {
        <ul class="notification-list"><For each=move || items.get() key=|one| one.key children=entry/></ul>
        <p class="hint" hidden=move || items.with(|all| !all.is_empty())>{empty}</p>
    }
}
