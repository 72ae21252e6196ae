//! The line under the header while something that the person asked for is on its way: the next page, or other rows of a list.
//!
//! The old page cannot be used meanwhile, so that nothing is typed into it that the next one does not get. Deliberately absent: how
//! far it is, which nobody knows.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The things that are awaited.
#[derive(Clone, Copy)]
pub struct Progress {
    /// The address is that of a page which is not here yet.
    leaving: RwSignal<bool>,
    /// Lists and the like that are loading again.
    loading: RwSignal<u32>,
}

/// Provides what the pages inside report to, and follows the address.
pub fn provide() -> Progress {
    let progress = Progress { leaving: RwSignal::new(false), loading: RwSignal::new(0) };
    provide_context(progress);
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            progress.leaving.set(true);
        }
        now
    });
    progress
}

impl Progress {
    /// Whether the next page is awaited.
    pub fn is_leaving(self) -> bool {
        self.leaving.get()
    }

    /// The line. It appears only once it has been waited for a while, which is the style sheet's to say.
    pub fn line(self) -> AnyView {
        let waiting = move || self.leaving.get() || self.loading.get() > 0;
        view! {
            <Show when=waiting>
                <div class="progress-line" role="progressbar" aria-label="Loading"></div>
            </Show>
        }
        .into_any()
    }
}

/// Reports that the page is here, once its head is in the document.
pub fn arrived() {
    let Some(progress) = use_context::<Progress>() else { return };
    Effect::new(move |_| {
        progress.leaving.try_set(false);
    });
}

/// Shows the line while `loading`.
pub fn follow(loading: RwSignal<bool>) {
    let Some(progress) = use_context::<Progress>() else { return };
    let counted = StoredValue::new(false);
    let count = move |now: bool| {
        if counted.try_get_value() == Some(!now) {
            counted.set_value(now);
            progress.loading.try_update(|n| *n = if now { *n + 1 } else { n.saturating_sub(1) });
        }
    };
    Effect::new(move |_| count(loading.get()));
    on_cleanup(move || count(false));
}
