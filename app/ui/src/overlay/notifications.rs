//! Notifications that stay until they are read, with a link and progress where there is any.

use crate::{Ago, Button, Variant};
use leptos::prelude::*;

/// One notification.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Identifies the notification, and stays the same while its progress grows.
    pub key: String,
    pub text: String,
    /// Milliseconds since 1970.
    pub at: Option<i64>,
    pub href: Option<String>,
    /// From 0 to 1 while the work is under way.
    pub progress: Option<f64>,
    /// Whether the work is under way and can be cancelled.
    pub can_cancel: bool,
}

/// The list, newest first, or the text `empty` if there are none.
#[component]
pub fn NotificationList(
    #[prop(into)] items: Signal<Vec<Notification>>,
    /// Called with the key of the notification whose work to cancel.
    on_cancel: Callback<String>,
    #[prop(into)] empty: String,
) -> impl IntoView {
    let entry = move |first: Notification| {
        // Looked up by its key, so that a growing bar is not rebuilt with each step.
        let key = first.key.clone();
        let now = Memo::new(move |_| items.with(|all| all.iter().find(|one| one.key == key).cloned()));
        let text = move || {
            let one = now.get()?;
            Some(match one.href {
                Some(href) => view! { <a href=href>{one.text}</a> }.into_any(),
                None => view! { <span>{one.text}</span> }.into_any(),
            })
        };
        let bar = move || {
            let one = now.get()?;
            let share = format!("{:.2}", one.progress?);
            Some(view! { <progress max="1" value=share aria-label=one.text></progress> })
        };
        let cancel = move || {
            let one = now.get().filter(|one| one.can_cancel)?;
            let label = format!("Cancel: {}", one.text);
            let press = Callback::new(move |()| on_cancel.run(one.key.clone()));
            Some(view! { <Button variant=Variant::Quiet label=label on_press=press>"Cancel"</Button> })
        };
        let at = first.at.map(|at| view! { <Ago at=at/> });
        view! { <li>{text}{at}{bar}{cancel}</li> }
    };
    view! {
        <ul class="notification-list"><For each=move || items.get() key=|one| one.key.clone() children=entry/></ul>
        <p class="hint" hidden=move || items.with(|all| !all.is_empty())>{empty}</p>
    }
}
