//! Columns with plain cells, so that one more is one line: a text, or a moment. Others are made with [`Column::new`].

use leptos::prelude::*;
use types::time::Millis;
use ui::{Column, Time};

/// A column of texts or numbers.
pub fn text<T: 'static, S: Into<String> + 'static>(key: &'static str, title: &'static str, read: fn(&T) -> S) -> Column<T> {
    Column::new(key, title, move |row| read(row).into().into_any())
}

/// A column of moments.
pub fn time<T: 'static>(key: &'static str, title: &'static str, read: fn(&T) -> Millis) -> Column<T> {
    Column::new(key, title, move |row| view! { <Time at=read(row).0/> }.into_any())
}

/// A text, or a dash where there is none.
pub fn or_dash(text: String) -> String {
    if text.is_empty() { "—".into() } else { text }
}
