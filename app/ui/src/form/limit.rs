//! A field that may be left open: an amount, and a box that says that there is none.

use super::input::{arrows, keys};
use super::{Field, described};
use leptos::prelude::*;

/// What such a field holds. What was typed is kept while the box is ticked, and is there again when it no longer is.
#[derive(Clone, Copy)]
pub struct Limit {
    text: RwSignal<String>,
    unlimited: RwSignal<bool>,
}

impl Limit {
    /// No limit.
    pub fn unlimited() -> Self {
        Self { text: RwSignal::new(String::new()), unlimited: RwSignal::new(true) }
    }

    /// Another amount, or none.
    pub fn set(self, amount: Option<String>) {
        self.unlimited.set(amount.is_none());
        self.text.set(amount.unwrap_or_default());
    }

    /// The text alone, for a field without the box.
    pub fn text(self) -> RwSignal<String> {
        self.text
    }

    /// What is typed, unless the box is ticked.
    pub fn typed(self) -> Option<String> {
        (!self.unlimited.get_untracked()).then(|| self.text.with_untracked(|text| text.trim().to_owned()))
    }
}

/// The field with its box below.
#[component]
pub fn LimitField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    limit: Limit,
    /// What the box says.
    #[prop(default = Signal::stored("Unlimited"))]
    unlimited: Signal<&'static str>,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    /// The largest number. Without it the field takes text, such as `8 GiB`.
    #[prop(optional, into)]
    max: String,
    #[prop(default = "1", into)] step: &'static str,
    /// Neither the amount nor the box can be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    let (of, input_name, box_name) = (format!(" {label}"), name.clone(), format!("{name}-unlimited"));
    view! {
        <div class="limit">
            <Field name=name label=label hint=hint error=error>{input(input_name, limit, max, step, disabled)}</Field>
            <label class="choice">
                <input type="checkbox" name=box_name prop:checked=limit.unlimited disabled=move || disabled.get()
                    on:change=move |event| limit.unlimited.set(event_target_checked(&event))/>
                <span>{move || unlimited.get()}<span class="visually-hidden">{of}</span></span>
            </label>
        </div>
    }
}

fn input(name: String, limit: Limit, max: String, step: &'static str, disabled: Signal<bool>) -> AnyView {
    let (ids, invalid, _) = described();
    let number = !max.is_empty();
    let shown = move || if limit.unlimited.get() { String::new() } else { limit.text.get() };
    view! {
        <input class="input" id=name.clone() name=name type="text" inputmode=number.then(|| keys(step)) autocomplete="off"
            disabled=move || limit.unlimited.get() || disabled.get()
            prop:value=shown on:input=move |event| limit.text.set(event_target_value(&event))
            on:keydown=move |event| arrows(&event, limit.text, step, "0", &max)
            aria-describedby=ids aria-invalid=invalid/>
    }
    .into_any()
}
