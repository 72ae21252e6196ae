//! The theme: light, dark, or the system's. Kept in a cookie, so that the first paint is right; without scripts the switch works
//! as a form.

use leptos::prelude::*;
use ui::{Icon, IconName};

/// A person's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    /// The word in the cookie and in `data-theme`.
    pub fn key(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the theme that `key` names; anything else is the system's.
    pub fn from_key(key: &str) -> Self {
        match key {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::System => "System theme",
            Self::Light => "Light theme",
            Self::Dark => "Dark theme",
        }
    }

    fn icon(self) -> IconName {
        match self {
            Self::System => IconName::Monitor,
            Self::Light => IconName::Sun,
            Self::Dark => IconName::Moon,
        }
    }

    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// Returns the page's theme: from the request's cookie, or from the document.
pub fn current() -> Theme {
    #[cfg(feature = "ssr")]
    {
        Theme::from_key(&crate::request::cookie("theme").unwrap_or_default())
    }
    #[cfg(not(feature = "ssr"))]
    {
        let root = document().document_element();
        Theme::from_key(&root.and_then(|root| root.get_attribute("data-theme")).unwrap_or_default())
    }
}

/// The button in the header that switches to the next theme.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let theme = RwSignal::new(current());
    let switch = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let next = theme.get_untracked().next();
        if let Some(root) = document().document_element() {
            // Shown at once; the next page uses the cookie below.
            let _ = root.set_attribute("data-theme", next.key());
        }
        crate::request::set_cookie("theme", next.key());
        theme.set(next);
    };
    view! {
        <form method="post" action="/theme" on:submit=switch>
            <input type="hidden" name="theme" value=move || theme.get().next().key()/>
            <button class="button button-quiet button-icon" type="submit" aria-label=move || {
                let now = theme.get();
                format!("{}. Switch to {}", now.label(), now.next().label().to_lowercase())
            }>{move || view! { <Icon name=theme.get().icon()/> }}</button>
        </form>
    }
}
