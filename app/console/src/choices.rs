//! The values that a type allows, as choices in a form.

use leptos::prelude::*;

/// Returns the (value, label) pairs for a [`ui::Select`] or a [`ui::CheckboxGroup`].
pub fn choices(of: &[(&str, &str)]) -> Signal<Vec<(String, String)>> {
    Signal::stored(of.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned())).collect())
}

/// Returns the same for names that are their own labels.
pub fn names(of: RwSignal<Vec<String>>) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || of.get().into_iter().map(|name| (name.clone(), name)).collect())
}
