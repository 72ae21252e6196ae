//! The choices that a type allows, as a form offers them.

use leptos::prelude::*;

/// (value, label) of each, for a [`ui::Select`] or a [`ui::CheckboxGroup`].
pub fn choices(of: &[(&str, &str)]) -> Signal<Vec<(String, String)>> {
    Signal::stored(of.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned())).collect())
}

/// The same of names that stand for themselves.
pub fn names(of: RwSignal<Vec<String>>) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || of.get().into_iter().map(|name| (name.clone(), name)).collect())
}
