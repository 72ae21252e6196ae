//! Confirmations: asking before an action, the more strongly the more would be lost.

use super::Dialog;
use crate::form::{Button, Variant};
use crate::show::{Icon, IconName};
use leptos::prelude::*;

/// How strongly to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strength {
    /// A bubble beside the button, for actions that can be undone.
    Bubble,
    /// A dialog, for actions that cannot be undone.
    Dialog,
    /// A dialog in which this name must be typed.
    Typed(String),
}

/// A button that asks before it acts. The ids are made from `name`.
#[component]
pub fn Confirm(
    #[prop(into)] name: String,
    strength: Strength,
    /// The text of this button and of the one that confirms.
    #[prop(into)]
    label: String,
    /// The button's accessible name where several have the same text, such as `Delete NAME`. It begins with the text.
    #[prop(optional, into)]
    title: Option<String>,
    /// An icon instead of the text, where a row has no room for words. The accessible name stays the same.
    #[prop(optional)]
    icon: Option<IconName>,
    #[prop(into)] question: String,
    on_confirm: Callback<()>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let title = title.unwrap_or_else(|| label.clone());
    // Closing in any way clears the typed name, so that it must be typed again next time.
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
            <button class=if icon.is_some() { "button button-quiet" } else { "button" } type="button" popovertarget=id.get_value() title=icon.map(|_| title.clone()) aria-label=title>{button_contents(icon, &label)}</button>
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
        <Button variant=if icon.is_some() { Variant::Quiet } else { Variant::Danger } label=title on_press=Callback::new(move |()| open.set(true))>{button_contents(icon, &label)}</Button>
        <Dialog open=open title=question on_close=close>
            <p>"This cannot be undone."</p>
            {shown.clone().map(|wanted| view! {
                <div class="field">
                    <label class="field-label" for=input.get_value()>"Type "<code>{wanted}</code>" to confirm"</label>
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

/// Returns the contents of the button.
fn button_contents(icon: Option<IconName>, label: &str) -> AnyView {
    match icon {
        Some(icon) => view! { <Icon name=icon/> }.into_any(),
        None => label.to_owned().into_any(),
    }
}
