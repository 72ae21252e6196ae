//! Dialogs and drawers (the ARIA dialog pattern, with `<dialog>` and `showModal`).
//!
//! The server renders a drawer open and not modal, so that it can be read without scripts. The browser then makes it modal. A drawer
//! has an address; a dialog has none, and the browser's Back closes it (`history.rs`).

use super::history::close_with_back;
use crate::form::{Button, Variant};
use crate::show::{Icon, IconName};
use leptos::context::Provider;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

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

/// Text or choices that would be lost, and how a dialog asks about them before it closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    pub question: &'static str,
    /// The button that keeps the dialog open.
    pub stay: &'static str,
    /// The button that closes it.
    pub leave: &'static str,
}

/// Closes the dialog around a component, or asks first, exactly as its own close button does.
#[derive(Clone, Copy)]
struct Closer(Callback<()>);

/// A button that closes the dialog around it, such as *Cancel*. Where closing would lose something, the dialog asks first.
#[component]
pub fn CloseButton(#[prop(optional)] variant: Variant, children: Children) -> impl IntoView {
    let closer = use_context::<Closer>();
    let press = Callback::new(move |()| closer.iter().for_each(|closer| closer.0.run(())));
    view! { <Button variant=variant on_press=press>{children()}</Button> }
}

/// A question or a form in the middle of the page. Its contents exist only while it is open; its head and its last row, the
/// `dialog-actions`, stay in view while the rest scrolls.
#[component]
pub fn Dialog(
    #[prop(into)] open: Signal<bool>,
    #[prop(into)] title: Signal<String>,
    /// Wide enough for a table.
    #[prop(optional)]
    wide: bool,
    /// The loss by closing it at present.
    #[prop(optional, into)]
    loss: Signal<Option<Loss>>,
    /// Called when the person closes it, in any way.
    on_close: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    let asking = RwSignal::new(None::<Loss>);
    keep_open_or_closed(element, open);
    Effect::new(move |_| {
        if open.get() {
            asking.set(None);
            request_animation_frame(move || focus_first_field(element));
        }
    });
    let request = Callback::new(move |()| match loss.get_untracked() {
        Some(loss) => asking.set(Some(loss)),
        None => on_close.run(()),
    });
    close_with_back(open, loss, request);
    let cancel = move |event: web_sys::Event| {
        // A file field inside has an event of the same name, which passes by here.
        if event.target() == element.get_untracked().map(|dialog| dialog.unchecked_into()) && loss.with_untracked(Option::is_some)
        {
            event.prevent_default();
            request.run(());
        }
    };
    let children = StoredValue::new(children);
    view! {
        <dialog class="dialog" class:dialog-wide=wide node_ref=element aria-label=move || title.get() on:cancel=cancel on:close=move |_| on_close.run(())>
            <Show when=move || open.get()>
                <div class="dialog-head">
                    <h2>{move || title.get()}</h2>
                </div>
                <div class="dialog-body" inert=move || asking.with(Option::is_some)>{inside(request, children)}</div>
                {move || asking.get().map(|loss| question(loss, asking, on_close))}
                // Last, so that the first field gets the focus and not this button.
                <button class="button button-quiet button-icon dialog-close" type="button" aria-label="Close" on:click=move |_| request.run(())>
                    <Icon name=IconName::Close/>
                </button>
            </Show>
        </dialog>
    }
}

/// The contents, whose close buttons are this dialog's. In an owner of their own: a component has none, and would share its
/// neighbours' closer.
fn inside(request: Callback<()>, children: StoredValue<ChildrenFn>) -> AnyView {
    view! { <Provider value=Closer(request)>{children.with_value(|children| children())}</Provider> }.into_any()
}

fn question(loss: Loss, asking: RwSignal<Option<Loss>>, on_close: Callback<()>) -> AnyView {
    let Loss { question, stay, leave } = loss;
    let back = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let first = back.get().and_then(|bar| bar.query_selector("button").ok().flatten());
        if let Some(button) = first {
            focus(button);
        }
    });
    view! {
        <div class="dialog-question" role="group" aria-label=question node_ref=back>
            <p role="alert">{question}</p>
            <Button on_press=Callback::new(move |()| asking.set(None))>{stay}</Button>
            <Button variant=Variant::Danger on_press=Callback::new(move |()| on_close.run(()))>{leave}</Button>
        </div>
    }
    .into_any()
}

/// Moves the focus to the first field of a dialog: where the contents scroll, the browser would choose the scrolled box.
fn focus_first_field(element: NodeRef<html::Dialog>) {
    const FIELDS: &str = ".dialog-body :is(input:not([type=hidden]), select, textarea):not([disabled])";
    let Some(dialog) = element.try_get_untracked().flatten() else { return };
    // The person may have moved on already.
    let active = document().active_element();
    if active.is_some_and(|at| at.matches("input, select, textarea, dialog dialog *").unwrap_or(false)) {
        return;
    }
    if let Ok(Some(field)) = dialog.query_selector(FIELDS) {
        focus(field);
    }
}

/// Where the browser refuses, the focus stays where it is.
fn focus(element: web_sys::Element) {
    if let Ok(element) = element.dyn_into::<web_sys::HtmlElement>() {
        element.focus().ok();
    }
}

/// Details at the right edge, over the page, or over all of it.
#[component]
pub fn Drawer(
    #[prop(into)] open: Signal<bool>,
    #[prop(into)] title: Signal<String>,
    /// Whether it takes the whole width.
    #[prop(into)]
    wide: Signal<bool>,
    /// The address of the same with the whole width, and with the other width than now.
    #[prop(into)]
    wide_hrefs: Signal<(String, String)>,
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
    // The contents measure themselves when the window changes, and must do so here.
    Effect::new(move |before: Option<bool>| {
        let now = wide.get();
        if before.is_some_and(|before| before != now) {
            request_animation_frame(|| {
                if let Ok(event) = web_sys::Event::new("resize") {
                    window().dispatch_event(&event).ok();
                }
            });
        }
        now
    });
    let widen = move || if wide.get() { "Half width" } else { "Full width" };
    view! {
        <dialog class="drawer" class:drawer-wide=move || wide.get() open=open.get_untracked() node_ref=element aria-label=move || title.get() on:close=move |_| on_close.run(())>
            <header class="drawer-head">
                <h2>{move || title.get()}</h2>
                <a class="button button-quiet button-icon drawer-widen" href=move || wide_hrefs.get().1 data-noscroll aria-label=widen title=widen><Icon name=IconName::Expand/></a>
                <a class="button button-quiet button-icon drawer-widen" href=move || wide_hrefs.get().0 target="_blank" rel="noopener" aria-label="Open in a new window" title="Open in a new window"><Icon name=IconName::Window/></a>
                // The first focus, since a person who has read the drawer closes it.
                <a class="button button-quiet button-icon" href=close_href aria-label="Close" autofocus on:click=close><Icon name=IconName::Close/></a>
            </header>
            <div class="drawer-body">{children()}</div>
        </dialog>
    }
}
