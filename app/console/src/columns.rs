//! Columns with plain cells (a text or a time), so that another column is one line. Other columns are made with [`Column::new`].

use leptos::prelude::*;
use types::time::Millis;
use ui::{Ago, Column};

/// The most characters of a text that is sure to have room in a table.
const SHORT: usize = 24;

/// A column of texts or numbers. A long text that has no room is in its title.
pub fn text<T: 'static, S: Into<String> + 'static>(key: &'static str, title: &'static str, read: fn(&T) -> S) -> Column<T> {
    Column::new(key, title, move |row| {
        let text = read(row).into();
        let title = (text.len() > SHORT).then(|| text.clone());
        match title {
            None => text.into_any(),
            Some(title) => view! { <span title=title>{text}</span> }.into_any(),
        }
    })
}

/// A column of times, each by its distance from now.
pub fn time<T: 'static>(key: &'static str, title: &'static str, read: fn(&T) -> Millis) -> Column<T> {
    Column::new(key, title, move |row| view! { <Ago at=read(row).0/> }.into_any())
}

/// A column of times that some rows do not have.
pub fn moment<T: 'static>(
    key: &'static str,
    title: &'static str,
    none: &'static str,
    read: fn(&T) -> Option<Millis>,
) -> Column<T> {
    Column::new(key, title, move |row| match read(row) {
        Some(at) => view! { <Ago at=at.0/> }.into_any(),
        None => none.into_any(),
    })
}

/// Returns the text, or a dash if it is empty.
pub fn or_dash(text: String) -> String {
    if text.is_empty() { "—".into() } else { text }
}
