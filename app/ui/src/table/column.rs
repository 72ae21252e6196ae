//! A column, declared once, and a person's choice among the columns of a table.

use leptos::prelude::*;
use std::sync::Arc;
use types::list::ColumnLayout;

/// Renders one cell of a row.
pub(super) type Cell<T> = Arc<dyn Fn(&T) -> AnyView + Send + Sync>;

/// One column, declared once.
pub struct Column<T> {
    pub(super) about: About,
    pub(super) cell: Cell<T>,
    /// Shown after the cell, outside of its link.
    beside: Option<Cell<T>>,
    opens: bool,
}

/// The part of a column that does not depend on the type of row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub key: &'static str,
    pub title: &'static str,
    pub sortable: bool,
    pub shown: bool,
    pub required: bool,
    pub number: bool,
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Self {
        Self { about: self.about.clone(), cell: self.cell.clone(), beside: self.beside.clone(), opens: self.opens }
    }
}

impl<T> Column<T> {
    /// Returns the key that people's choice of columns knows it by.
    pub fn key(&self) -> &'static str {
        self.about.key
    }

    /// Makes a column that is shown unless the person hides it.
    pub fn new(key: &'static str, title: &'static str, cell: impl Fn(&T) -> AnyView + Send + Sync + 'static) -> Self {
        let about = About { key, title, sortable: false, shown: true, required: false, number: false };
        Self { about, cell: Arc::new(cell), beside: None, opens: false }
    }

    /// Makes the cell a link that opens its row.
    pub fn opens(mut self) -> Self {
        self.opens = true;
        self
    }

    /// Adds something after the cell that does not belong to its link.
    pub fn beside(mut self, more: impl Fn(&T) -> AnyView + Send + Sync + 'static) -> Self {
        self.beside = Some(Arc::new(more));
        self
    }

    /// Puts the cell of a column that opens its row into `link`, which belongs to the list: the table knows no addresses of rows.
    pub fn with_link(mut self, link: impl Fn(&T, AnyView) -> AnyView + Send + Sync + 'static) -> Self
    where
        T: 'static,
    {
        if self.opens {
            let cell = self.cell;
            self.cell = Arc::new(move |row| link(row, cell(row)));
        }
        if let Some(beside) = self.beside.take() {
            let cell = self.cell;
            self.cell = Arc::new(move |row| view! { {cell(row)}{beside(row)} }.into_any());
        }
        self
    }

    /// Lets the list be ordered by this column, whose key must be one of the spec's sorts.
    pub fn sortable(mut self) -> Self {
        self.about.sortable = true;
        self
    }

    /// Makes it impossible to hide this column.
    pub fn required(mut self) -> Self {
        self.about.required = true;
        self
    }

    /// Hides this column until the person chooses it.
    pub fn hidden(self) -> Self {
        self.shown_if(false)
    }

    /// Sets whether this column is shown by default.
    pub fn shown_if(mut self, shown: bool) -> Self {
        self.about.shown = shown;
        self
    }

    /// Aligns the values to the right, for numbers.
    pub fn number(mut self) -> Self {
        self.about.number = true;
        self
    }
}

/// Returns the visible columns, in order: the person's choice, or the table's default.
pub(super) fn visible_columns(columns: &[About], layout: &ColumnLayout) -> Vec<About> {
    let chosen: Vec<About> = layout.shown.iter().filter_map(|key| columns.iter().find(|c| c.key == key).cloned()).collect();
    let mut shown = if chosen.is_empty() { columns.iter().filter(|c| c.shown).cloned().collect() } else { chosen };
    // A column may have become required after the choice was made.
    for column in columns.iter().filter(|c| c.required) {
        if !shown.iter().any(|c| c.key == column.key) {
            shown.insert(0, column.clone());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(key: &'static str, shown: bool, required: bool) -> About {
        About { key, title: key, sortable: false, shown, required, number: false }
    }

    #[test]
    fn a_choice_of_columns_keeps_its_order_and_the_required_columns() {
        let all = [about("email", true, true), about("role", true, false), about("id", false, false)];
        let keys = |layout: &[&str]| -> Vec<&str> {
            let shown = layout.iter().map(|key| (*key).to_owned()).collect();
            let layout = ColumnLayout { shown, ..ColumnLayout::default() };
            visible_columns(&all, &layout).iter().map(|c| c.key).collect()
        };
        assert_eq!(keys(&[]), ["email", "role"]);
        assert_eq!(keys(&["id", "email"]), ["id", "email"]);
        assert_eq!(keys(&["role", "gone"]), ["email", "role"]);
    }
}
