//! Controls for text, numbers, passwords and longer text.

use super::field_attributes;
use crate::show::{Icon, IconName};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

/// A control for one line of text.
#[component]
pub fn TextInput(
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(default = "text", into)] input_type: &'static str,
    /// The most characters. The rule itself is checked with the form.
    #[prop(optional)]
    max: Option<usize>,
) -> impl IntoView {
    let (ids, invalid, required) = field_attributes();
    // One more than allowed can be typed, so that an error explains the limit instead of a key that does nothing.
    let limit = max.map(|max| (max + 1).to_string());
    view! {
        <input class="input" id=name.clone() name=name type=input_type maxlength=limit autocomplete="off"
            prop:value=value on:input=move |event| value.set(event_target_value(&event))
            aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")/>
    }
}

/// A control for a number between bounds: a text field with a numeric on-screen keyboard. Not the browser's number field, which
/// has no value for half-typed numbers such as `0.` and would lose the point.
#[component]
pub fn NumberInput(
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(into)] min: String,
    #[prop(into)] max: String,
    #[prop(default = "any", into)] step: &'static str,
) -> impl IntoView {
    let (ids, invalid, required) = field_attributes();
    view! {
        <input class="input" id=name.clone() name=name type="text" inputmode=input_mode(step) autocomplete="off"
            prop:value=value on:input=move |event| value.set(event_target_value(&event))
            on:keydown=move |event| handle_arrow_keys(&event, value, step, &min, &max)
            aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")/>
    }
}

/// Returns the `inputmode` for numbers in these steps.
pub(super) fn input_mode(step: &str) -> &'static str {
    if step == "1" { "numeric" } else { "decimal" }
}

/// Handles the arrow keys in a field of whole numbers: one more, one less.
pub(super) fn handle_arrow_keys(event: &KeyboardEvent, value: RwSignal<String>, step: &str, min: &str, max: &str) {
    let by = match event.key().as_str() {
        "ArrowUp" => 1,
        "ArrowDown" => -1,
        _ => return,
    };
    if step == "1"
        && let Some(next) = value.with_untracked(|text| stepped(text, by, min, max))
    {
        event.prevent_default();
        value.set(next);
    }
}

/// Returns the next whole number, if there is one within the bounds.
fn stepped(text: &str, by: i64, min: &str, max: &str) -> Option<String> {
    let next = text.trim().parse::<i64>().ok()?.checked_add(by)?;
    let (least, most): (i64, i64) = (min.parse().ok()?, max.parse().ok()?);
    (least..=most).contains(&next).then(|| next.to_string())
}

/// A control for a new password, which can be shown while it is typed.
#[component]
pub fn PasswordInput(#[prop(into)] name: String, value: RwSignal<String>) -> impl IntoView {
    let (ids, invalid, required) = field_attributes();
    let shown = RwSignal::new(false);
    view! {
        <span class="input-group">
            <input class="input" id=name.clone() name=name autocomplete="new-password" type=move || if shown.get() { "text" } else { "password" }
                prop:value=value on:input=move |event| value.set(event_target_value(&event))
                aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")/>
            <button class="button button-quiet button-icon" type="button" aria-pressed=move || shown.get().to_string()
                aria-label="Show password" on:click=move |_| shown.update(|s| *s = !*s)><Icon name=IconName::Eye/></button>
        </span>
    }
}

/// A control for several lines of text.
#[component]
pub fn TextArea(
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(default = 3)] rows: u32,
    #[prop(optional)] max: Option<usize>,
    /// Whether the text is code rather than prose.
    #[prop(optional)]
    mono: bool,
) -> impl IntoView {
    let (ids, invalid, required) = field_attributes();
    let limit = max.map(|max| (max + 1).to_string());
    view! {
        <textarea class=if mono { "input mono" } else { "input" } id=name.clone() name=name rows=rows maxlength=limit spellcheck=(!mono).to_string()
            prop:value=value on:input=move |event| value.set(event_target_value(&event))
            aria-describedby=ids aria-invalid=invalid aria-required=required.then_some("true")></textarea>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrow_keys_step_whole_numbers_within_the_bounds_and_nothing_else() {
        assert_eq!(stepped("9", 1, "0", "10").as_deref(), Some("10"));
        assert_eq!(stepped("10", 1, "0", "10"), None);
        assert_eq!(stepped("0", -1, "0", "10"), None);
        assert_eq!(stepped("0.5", 1, "0", "10"), None);
        assert_eq!(stepped("", 1, "0", "10"), None);
    }
}
