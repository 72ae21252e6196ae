//! Controls for choices: one of a list, one of a few, any of a few, yes or no.

use super::field_attributes;
use leptos::prelude::*;

/// A choice of one from a list. Options are (value, label).
#[component]
pub fn Select(
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(into)] options: Signal<Vec<(String, String)>>,
) -> impl IntoView {
    let (ids, invalid, required) = field_attributes();
    view! {
        <select class="select" id=name.clone() name=name on:change=move |event| value.set(event_target_value(&event))
            aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")>
            {select_options(value, options)}
        </select>
    }
}

/// Renders the options of a select with `value` selected. Each is selected by property as well as by attribute, because a browser
/// ignores the attribute once a person has chosen.
pub(crate) fn select_options(value: RwSignal<String>, options: Signal<Vec<(String, String)>>) -> AnyView {
    let option = move |(key, label): (String, String)| {
        let mine = key.clone();
        let chosen = Signal::derive(move || value.with(|value| *value == mine));
        view! { <option value=key selected=move || chosen.get() prop:selected=move || chosen.get()>{label}</option> }
    };
    view! { <For each=move || options.get() key=|option| option.clone() children=option/> }.into_any()
}

/// A choice of one from a few, all in view.
#[component]
pub fn RadioGroup(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    value: RwSignal<String>,
    options: Vec<(String, String)>,
) -> impl IntoView {
    let radio = |(key, label): (String, String)| {
        let (mine, chosen) = (key.clone(), key.clone());
        view! {
            <label class="choice">
                <input type="radio" name=name.clone() value=key prop:checked=move || value.with(|v| *v == mine) on:change=move |_| value.set(chosen.clone())/>
                <span>{label}</span>
            </label>
        }
    };
    let radios: Vec<_> = options.into_iter().map(radio).collect();
    view! { <fieldset class="fieldset"><legend class="field-label">{label}</legend><div class="choices">{radios}</div></fieldset> }
}

/// A choice of any from a few, all in view.
#[component]
pub fn CheckboxGroup(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    value: RwSignal<Vec<String>>,
    #[prop(into)] options: Signal<Vec<(String, String)>>,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let checkbox = move |(key, label): (String, String)| {
        let (mine, toggled) = (key.clone(), key.clone());
        let toggle = move |event| {
            let on = event_target_checked(&event);
            value.update(|all| {
                all.retain(|one| *one != toggled);
                if on {
                    all.push(toggled.clone());
                }
            });
        };
        view! {
            <label class="choice">
                <input type="checkbox" name=name.clone() value=key prop:checked=move || value.with(|all| all.contains(&mine)) on:change=toggle/>
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="fieldset">
            <legend class="field-label">{label}</legend>
            <div class="choices">{move || options.get().into_iter().map(checkbox.clone()).collect::<Vec<_>>()}</div>
            <p class="field-error" hidden=move || error.with(Option::is_none)>{move || error.get()}</p>
        </fieldset>
    }
}

/// A choice of yes or no, sent with the form.
#[component]
pub fn Checkbox(#[prop(into)] name: String, #[prop(into)] label: String, value: RwSignal<bool>) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="checkbox" name=name prop:checked=value on:change=move |event| value.set(event_target_checked(&event))/>
            <span>{label}</span>
        </label>
    }
}

/// A choice of yes or no, applied at once.
#[component]
pub fn Switch(#[prop(into)] name: String, #[prop(into)] label: String, value: RwSignal<bool>) -> impl IntoView {
    view! {
        <label class="choice">
            <input class="switch" type="checkbox" role="switch" name=name prop:checked=value on:change=move |event| value.set(event_target_checked(&event))/>
            <span>{label}</span>
        </label>
    }
}
