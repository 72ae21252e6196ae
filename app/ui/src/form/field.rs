//! A field: label, hint and error around one control, associated with it for screen readers.

use leptos::prelude::*;

/// The attributes that a control takes from the field around it.
#[derive(Clone)]
pub(crate) struct Described {
    ids: Signal<Option<String>>,
    invalid: Signal<Option<&'static str>>,
    required: bool,
}

/// Returns `aria-describedby`, `aria-invalid` and `required` for a control, from the field around it, if there is one.
pub(crate) fn field_attributes() -> (Signal<Option<String>>, Signal<Option<&'static str>>, bool) {
    match use_context::<Described>() {
        Some(Described { ids, invalid, required }) => (ids, invalid, required),
        None => (Signal::stored(None), Signal::stored(None), false),
    }
}

/// A field. `name` is the control's name and id.
#[component]
pub fn Field(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional)] required: bool,
    children: Children,
) -> impl IntoView {
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    let has_hint = !hint.is_empty();
    let ids = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        Signal::derive(move || {
            let ids: Vec<&str> = [(has_hint, &hint_id), (error.with(Option::is_some), &error_id)]
                .into_iter()
                .filter(|(on, _)| *on)
                .map(|(_, id)| id.as_str())
                .collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        })
    };
    let invalid = Signal::derive(move || error.with(Option::is_some).then_some("true"));
    let mark = required.then(|| view! { <span class="field-required" aria-hidden="true">" *"</span> });
    view! {
        <div class="field">
            <div class="field-head"><label class="field-label" for=name>{label}</label>{mark}</div>
            <leptos::context::Provider value=Described { ids, invalid, required }>{children()}</leptos::context::Provider>
            {has_hint.then(|| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
            <p class="field-error" id=error_id hidden=move || error.with(Option::is_none)>{move || error.get()}</p>
        </div>
    }
}
