//! Short messages at the edge of the page, read out by screen readers. Failures stay until they are closed.

use crate::show::{Icon, IconName};
use leptos::prelude::*;

#[derive(Clone, PartialEq, Eq)]
struct Toast {
    number: u32,
    class: &'static str,
    icon: IconName,
    text: String,
}

/// Shows short messages.
#[derive(Clone, Copy)]
pub struct Say {
    toasts: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

/// The most messages in view at once. Older ones make room.
const MOST: usize = 4;

impl Say {
    /// Shows that something succeeded, for six seconds.
    pub fn good(&self, text: impl Into<String>) {
        self.say("toast toast-good", IconName::Check, text.into(), true);
    }

    /// Shows something worth knowing, for six seconds.
    pub fn info(&self, text: impl Into<String>) {
        self.say("toast", IconName::Info, text.into(), true);
    }

    /// Shows that something failed, until it is closed.
    pub fn bad(&self, text: impl Into<String>) {
        self.say("toast toast-bad", IconName::Error, text.into(), false);
    }

    fn say(&self, class: &'static str, icon: IconName, text: String, goes: bool) {
        let number = self.next.get_value();
        self.next.set_value(number + 1);
        self.toasts.update(|toasts| {
            toasts.push(Toast { number, class, icon, text });
            let extra = toasts.len().saturating_sub(MOST);
            toasts.drain(..extra);
        });
        if goes {
            let say = *self;
            set_timeout(move || say.close(number), std::time::Duration::from_secs(6));
        }
    }

    fn close(&self, number: u32) {
        self.toasts.try_update(|toasts| toasts.retain(|toast| toast.number != number));
    }
}

/// Provides the messages that [`use_toaster`] returns in the components below.
pub fn provide_toaster() {
    provide_context(Say { toasts: RwSignal::new(Vec::new()), next: StoredValue::new(0) });
}

/// Returns the messages of this page. Without a provider they go nowhere, as in a test of one component.
pub fn use_toaster() -> Say {
    use_context::<Say>().unwrap_or_else(|| Say { toasts: RwSignal::new(Vec::new()), next: StoredValue::new(0) })
}

/// The place on the page where the messages appear.
#[component]
pub fn Toaster() -> impl IntoView {
    let say = use_toaster();
    let toast = move |toast: Toast| {
        let number = toast.number;
        view! {
            <li class=toast.class>
                <Icon name=toast.icon/>
                <span>{toast.text}</span>
                <button class="button button-quiet button-icon" type="button" aria-label="Close this message" on:click=move |_| say.close(number)>
                    <Icon name=IconName::Close/>
                </button>
            </li>
        }
    };
    let element = NodeRef::<leptos::html::Div>::new();
    // Messages must be above open dialogs: of two elements in the top layer, the one shown later is above.
    Effect::new(move |_| {
        say.toasts.track();
        let Some(element) = element.get() else { return };
        // Always shown, since screen readers watch only existing elements. Moved up only when a dialog may be above it.
        if element.matches(":popover-open").unwrap_or(false) {
            if document().query_selector("dialog[open]").ok().flatten().is_none() {
                return;
            }
            let _ = element.hide_popover();
        }
        // A browser without popovers shows the messages below dialogs.
        let _ = element.show_popover();
    });
    view! {
        <div class="toaster" role="status" popover="manual" node_ref=element>
            <ul><For each=move || say.toasts.get() key=|toast| toast.number children=toast/></ul>
        </div>
    }
}
