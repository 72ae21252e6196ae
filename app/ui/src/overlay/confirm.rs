//! Asking before something happens, as strongly as what would be lost.

use super::Dialog;
use crate::form::{Button, Variant};
use crate::show::{Icon, IconName};
use leptos::prelude::*;

/// How strongly to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strength {
    /// A bubble beside the button: it can be undone.
    Bubble,
    /// A dialog: it cannot be undone.
    Dialog,
    /// A dialog in which this name must be typed.
    Typed(String),
}

/// A button that asks first. `name` makes the ids.
#[component]
pub fn Confirm(
    #[prop(into)] name: String,
    strength: Strength,
    /// The button's text, and that of the one that does it.
    #[prop(into)]
    label: String,
    /// The button's accessible name where several say the same, such as `Delete NAME`. It begins with the text.
    #[prop(optional, into)]
    title: Option<String>,
    /// The button shows this in place of its text, where a row has no room for words; its name stays what it was.
    #[prop(optional)]
    icon: Option<IconName>,
    #[prop(into)] question: String,
    on_confirm: Callback<()>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let title = title.unwrap_or_else(|| label.clone());
    // Every way out takes back what was typed: next time it is asked for again.
    let close = Callback::new(move |()| {
        open.set(false);
        typed.set(String::new());
    });
    let done = Callback::new(move |()| {
        close.run(());
        on_confirm.run(());
    });
    if strength == Strength::Bubble {
        let id = StoredValue::new(format!("{name}-bubble"));
        return view! {
            <button class=if icon.is_some() { "button button-quiet" } else { "button" } type="button" popovertarget=id.get_value() title=icon.map(|_| title.clone()) aria-label=title>{face(icon, &label)}</button>
            <div class="menu-popover bubble" id=id.get_value() popover="auto" role="group" aria-label=question.clone()>
                <p>{question.clone()}</p>
                <button class="button button-danger" type="button" popovertarget=id.get_value() popovertargetaction="hide" on:click=move |_| done.run(())>{label}</button>
            </div>
        }
        .into_any();
    }
    let wanted = match strength {
        Strength::Typed(name) => Some(name),
        _ => None,
    };
    let (again, shown) = (StoredValue::new(label.clone()), wanted.clone());
    let blocked = Signal::derive(move || wanted.as_ref().is_some_and(|wanted| typed.with(|typed| typed != wanted)));
    let input = StoredValue::new(format!("{name}-typed"));
    view! {
        <Button variant=if icon.is_some() { Variant::Quiet } else { Variant::Danger } label=title on_press=Callback::new(move |()| open.set(true))>{face(icon, &label)}</Button>
        <Dialog open=open title=question on_close=close>
            <p>"This cannot be undone."</p>
            {shown.clone().map(|wanted| view! {
                <div class="field">
                    <label class="field-label" for=input.get_value()>"Type "<code>{wanted}</code>" to go on"</label>
                    <input class="input" id=input.get_value() autocomplete="off" prop:value=typed on:input=move |event| typed.set(event_target_value(&event))/>
                </div>
            })}
            <div class="dialog-actions">
                <Button on_press=close>"Cancel"</Button>
                <Button variant=Variant::Danger disabled=blocked on_press=done>{again.get_value()}</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

/// What the button shows.
fn face(icon: Option<IconName>, label: &str) -> AnyView {
    match icon {
        Some(icon) => view! { <Icon name=icon/> }.into_any(),
        None => label.to_owned().into_any(),
    }
}
