//! Columns with plain cells (a text or a time), so that another column is one line. Other columns are made with [`Column::new`].

use leptos::prelude::*;
use types::time::Millis;
use ui::{Column, Time};

/// A column of texts or numbers.
pub fn text<T: 'static, S: Into<String> + 'static>(key: &'static str, title: &'static str, read: fn(&T) -> S) -> Column<T> {
    Column::new(key, title, move |row| read(row).into().into_any())
}

/// A column of times.
pub fn time<T: 'static>(key: &'static str, title: &'static str, read: fn(&T) -> Millis) -> Column<T> {
    Column::new(key, title, move |row| view! { <Time at=read(row).0/> }.into_any())
}

/// Returns the text, or a dash if it is empty.
pub fn or_dash(text: String) -> String {
    if text.is_empty() { "—".into() } else { text }
}
