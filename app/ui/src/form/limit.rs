//! A field for an optional limit: an amount, and a box for no limit.

use super::input::{handle_arrow_keys, input_mode};
use super::{Field, field_attributes};
use leptos::prelude::*;

/// The state of a limit field. The typed text survives ticking and unticking the box.
#[derive(Clone, Copy)]
pub struct Limit {
    text: RwSignal<String>,
    unlimited: RwSignal<bool>,
}

impl Limit {
    /// Makes the state of a field without a limit.
    pub fn unlimited() -> Self {
        Self { text: RwSignal::new(String::new()), unlimited: RwSignal::new(true) }
    }

    /// Sets another amount, or no limit.
    pub fn set(self, amount: Option<String>) {
        self.unlimited.set(amount.is_none());
        self.text.set(amount.unwrap_or_default());
    }

    /// Returns the text alone, for a field without the box.
    pub fn text(self) -> RwSignal<String> {
        self.text
    }

    /// Returns the typed amount, or `None` if the box is ticked.
    pub fn typed(self) -> Option<String> {
        (!self.unlimited.get_untracked()).then(|| self.text.with_untracked(|text| text.trim().to_owned()))
    }
}

/// A limit field with its box below.
#[component]
pub fn LimitField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    limit: Limit,
    /// The label of the box.
    #[prop(default = Signal::stored("Unlimited"))]
    unlimited: Signal<&'static str>,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    /// The largest number. If empty, the field takes text such as `8 GiB`.
    #[prop(optional, into)]
    max: String,
    #[prop(default = "1", into)] step: &'static str,
    /// Whether the amount and the box cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    let (of_field, input_name, box_name) = (format!(" {label}"), name.clone(), format!("{name}-unlimited"));
    view! {
        <div class="limit">
            <Field name=name label=label hint=hint error=error>{limit_input(input_name, limit, max, step, disabled)}</Field>
            <label class="choice">
                <input type="checkbox" name=box_name prop:checked=limit.unlimited disabled=move || disabled.get()
                    on:change=move |event| limit.unlimited.set(event_target_checked(&event))/>
                <span>{move || unlimited.get()}<span class="visually-hidden">{of_field}</span></span>
            </label>
        </div>
    }
}

fn limit_input(name: String, limit: Limit, max: String, step: &'static str, disabled: Signal<bool>) -> AnyView {
    let (ids, invalid, _) = field_attributes();
    let number = !max.is_empty();
    let shown = move || if limit.unlimited.get() { String::new() } else { limit.text.get() };
    view! {
        <input class="input" id=name.clone() name=name type="text" inputmode=number.then(|| input_mode(step)) autocomplete="off"
            disabled=move || limit.unlimited.get() || disabled.get()
            prop:value=shown on:input=move |event| limit.text.set(event_target_value(&event))
            on:keydown=move |event| handle_arrow_keys(&event, limit.text, step, "0", &max)
            aria-describedby=ids aria-invalid=invalid/>
    }
    .into_any()
}
