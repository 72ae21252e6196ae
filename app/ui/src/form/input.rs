//! Text, passwords and longer text.

use super::described;
use crate::show::{Icon, IconName};
use leptos::prelude::*;

/// One line of text.
#[component]
pub fn TextInput(
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(default = "text", into)] input_type: &'static str,
    /// Characters; the rule itself is checked with the form.
    #[prop(optional)]
    max: Option<usize>,
) -> impl IntoView {
    let (ids, invalid, required) = described();
    // Room for one more than is allowed, so that the error can say so instead of a key that does nothing.
    let limit = max.map(|max| (max + 1).to_string());
    view! {
        <input class="input" id=name.clone() name=name type=input_type maxlength=limit autocomplete="off"
            prop:value=value on:input=move |event| value.set(event_target_value(&event))
            aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")/>
    }
}

/// A number between bounds, with the browser's own steps.
#[component]
pub fn NumberInput(
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(into)] min: String,
    #[prop(into)] max: String,
    #[prop(default = "any", into)] step: &'static str,
) -> impl IntoView {
    let (ids, invalid, required) = described();
    view! {
        <input class="input" id=name.clone() name=name type="number" min=min max=max step=step autocomplete="off"
            prop:value=value on:input=move |event| value.set(event_target_value(&event))
            aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")/>
    }
}

/// A new password, which can be looked at while it is typed.
#[component]
pub fn PasswordInput(#[prop(into)] name: String, value: RwSignal<String>) -> impl IntoView {
    let (ids, invalid, required) = described();
    let shown = RwSignal::new(false);
    view! {
        <span class="input-group">
            <input class="input" id=name.clone() name=name autocomplete="new-password" type=move || if shown.get() { "text" } else { "password" }
                prop:value=value on:input=move |event| value.set(event_target_value(&event))
                aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")/>
            <button class="button button-quiet button-icon" type="button" aria-pressed=move || shown.get().to_string()
                aria-label="Show what is typed" on:click=move |_| shown.update(|s| *s = !*s)><Icon name=IconName::Eye/></button>
        </span>
    }
}

/// Text of several lines.
#[component]
pub fn TextArea(
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(default = 3)] rows: u32,
    #[prop(optional)] max: Option<usize>,
    /// Code rather than prose.
    #[prop(optional)]
    mono: bool,
) -> impl IntoView {
    let (ids, invalid, required) = described();
    let limit = max.map(|max| (max + 1).to_string());
    view! {
        <textarea class=if mono { "input mono" } else { "input" } id=name.clone() name=name rows=rows maxlength=limit spellcheck=(!mono).to_string()
            prop:value=value on:input=move |event| value.set(event_target_value(&event))
            aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")></textarea>
    }
}
