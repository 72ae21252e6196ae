//! Dialogs and drawers (the ARIA dialog pattern, with `<dialog>` and `showModal`).
//!
//! The server renders a drawer open and not modal, so that it can be read without scripts. The browser then makes it modal.

use crate::show::{Icon, IconName};
use leptos::html;
use leptos::prelude::*;

/// Keeps the element open or closed as `open` says. A failure leaves it as it was, which the person sees.
fn keep_open_or_closed(element: NodeRef<html::Dialog>, open: Signal<bool>) {
    Effect::new(move |_| {
        let (Some(dialog), open) = (element.get(), open.get()) else { return };
        match (open, dialog.open()) {
            (true, was_open) => {
                // The server rendered it open but not modal. It is closed first, since only a closed one can become modal.
                if was_open {
                    dialog.remove_attribute("open").ok();
                }
                dialog.show_modal().ok();
            }
            (false, true) => dialog.close(),
            (false, false) => {}
        }
    });
}

/// A question or a form in the middle of the page. Its contents exist only while it is open.
#[component]
pub fn Dialog(
    #[prop(into)] open: Signal<bool>,
    #[prop(into)] title: Signal<String>,
    /// Wide enough for a table.
    #[prop(optional)]
    wide: bool,
    /// Called when the person closes it, with Escape or its button.
    on_close: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    keep_open_or_closed(element, open);
    let children = StoredValue::new(children);
    view! {
        <dialog class="dialog" class:dialog-wide=wide node_ref=element aria-label=move || title.get() on:close=move |_| on_close.run(())>
            <Show when=move || open.get()>
                <div class="dialog-head">
                    <h2>{move || title.get()}</h2>
                </div>
                <div class="dialog-body">{children.with_value(|children| children())}</div>
                // Last, so that the first field gets the focus and not this button.
                <button class="button button-quiet button-icon dialog-close" type="button" aria-label="Close" on:click=move |_| on_close.run(())>
                    <Icon name=IconName::Close/>
                </button>
            </Show>
        </dialog>
    }
}

/// Details at the right edge, over the page.
#[component]
pub fn Drawer(
    #[prop(into)] open: Signal<bool>,
    #[prop(into)] title: Signal<String>,
    on_close: Callback<()>,
    /// The address without the drawer. This link closes it before scripts arrive.
    #[prop(into)]
    close_href: String,
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    keep_open_or_closed(element, open);
    let close = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        // The browser closes it and returns the focus to the element that opened it. The `close` event does the rest.
        match element.get_untracked() {
            Some(dialog) if dialog.open() => dialog.close(),
            _ => on_close.run(()),
        }
    };
    view! {
        <dialog class="drawer" open=open.get_untracked() node_ref=element aria-label=move || title.get() on:close=move |_| on_close.run(())>
            <header class="drawer-head">
                <h2>{move || title.get()}</h2>
                <a class="button button-quiet button-icon" href=close_href aria-label="Close" on:click=close><Icon name=IconName::Close/></a>
            </header>
            <div class="drawer-body">{children()}</div>
        </dialog>
    }
}
