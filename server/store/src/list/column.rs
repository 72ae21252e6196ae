//! The column behind a property of a list: how it is compared, how rows are ordered by it, how they are found by it.

use super::Source;
use types::list::Kind;

/// How rows are found by a column of many rows and few values, `v.value`: from one value to the next in the column's index, and
/// from those that satisfy the condition to the rows.
macro_rules! few_values {
    ($table:literal, $index:literal, $column:literal, $number:literal, $condition:literal) => {
        concat!(
            "WITH RECURSIVE each (value) AS (SELECT min(", $column, ") FROM ", $table, " INDEXED BY ", $index,
            " UNION ALL SELECT (SELECT min(", $column, ") FROM ", $table, " INDEXED BY ", $index, " WHERE ", $column,
            " > each.value) FROM each WHERE each.value IS NOT NULL), v (value) AS MATERIALIZED (SELECT v.value FROM each v WHERE ",
            $condition, ") SELECT t.", $number, " AS found FROM v CROSS JOIN ", $table, " t INDEXED BY ", $index, " ON t.", $column,
            " = v.value"
        )
    };
}
pub(crate) use few_values;

/// A property's column.
pub(crate) struct Column {
    pub sql: &'static str,
    /// Its trigram index, if it has one.
    pub(crate) text: Option<&'static str>,
    /// Whether it holds folded text ([`crate::fold`]). Other text is ASCII, in which comparisons ignore case.
    pub folded: bool,
    /// Whether it holds whole numbers, not thousandths.
    pub whole: bool,
    /// Whether `sql` is a complete condition, in which the comparison replaces `{}`.
    pub inside: bool,
    /// Whether equality respects case.
    pub exact: bool,
    /// The query of the numbers, named `found`, of the rows that satisfy a comparison, which replaces `{}`, in a tab, which replaces
    /// `{tab}` ([`Source::tab`]). It names its index: statistics make the planner believe that one of two values is never worth
    /// looking for. Empty if no index leads to the rows.
    pub found: &'static str,
    /// The list and its property that this one is about, such as the email of a session's owner. The rows there are found first,
    /// and `found` has that query in place of `{}`.
    pub of: Option<(&'static Source, &'static str)>,
    /// Whether a large list is searched for beginnings only: no index leads to what is inside.
    pub beginnings: bool,
}

impl Column {
    pub(crate) const fn plain(sql: &'static str) -> Self {
        Self { sql, text: None, folded: false, whole: false, inside: false, exact: false, found: "", of: None, beginnings: false }
    }

    pub(crate) const fn whole(sql: &'static str) -> Self {
        Self { whole: true, ..Self::plain(sql) }
    }

    /// A condition around the comparison, such as `EXISTS (… AND m.project_id {})`, for properties with several values or none.
    pub(crate) const fn inside(sql: &'static str) -> Self {
        Self { inside: true, ..Self::plain(sql) }
    }

    /// The same for folded text.
    pub(crate) const fn inside_folded(sql: &'static str) -> Self {
        Self { folded: true, ..Self::inside(sql) }
    }

    /// A column or an expression that is folded and is not in a trigram index.
    pub(crate) const fn folded(sql: &'static str) -> Self {
        Self { folded: true, ..Self::plain(sql) }
    }

    /// A column that holds ids or keys, in which case matters.
    pub(crate) const fn exact(sql: &'static str) -> Self {
        Self { exact: true, ..Self::plain(sql) }
    }

    pub(crate) const fn text(sql: &'static str, text: &'static str) -> Self {
        Self { text: Some(text), ..Self::plain(sql) }
    }

    /// The same for folded text.
    pub(crate) const fn key(sql: &'static str, text: &'static str) -> Self {
        Self { folded: true, ..Self::text(sql, text) }
    }

    /// The same, and how its rows are found.
    pub(crate) const fn found(self, found: &'static str) -> Self {
        Self { found, ..self }
    }

    /// The same for a property of rows in another list.
    pub(crate) const fn of(self, source: &'static Source, key: &'static str, found: &'static str) -> Self {
        Self { of: Some((source, key)), found, ..self }
    }

    /// The same, of which a large list looks for beginnings only.
    pub(crate) const fn beginnings(self) -> Self {
        Self { beginnings: true, ..self }
    }

    /// A value in the form in which the column is compared with it.
    pub(super) fn comparable(&self, kind: Kind, value: &str) -> String {
        if kind == Kind::Text && !self.exact { crate::fold(value) } else { value.to_owned() }
    }

    /// Whether this is a text of a joined table.
    pub(super) fn is_elsewhere(&self, source: &Source) -> bool {
        let own = source.table.rsplit(' ').next().unwrap_or_default();
        self.folded && !self.inside && !self.sql.contains(&format!("{own}."))
    }

    /// The SQL before and after a comparison.
    pub(super) fn parts(&self) -> (&'static str, &'static str) {
        if self.inside { self.sql.split_once("{}").unwrap_or((self.sql, "")) } else { (self.sql, "") }
    }

    /// A condition that holds if an inside column has any value.
    pub(super) fn any(&self) -> String {
        let (before, after) = self.parts();
        format!("{before} IS NOT NULL{after}")
    }

    /// The expression that rows are ordered by; for an inside column, whether it has any value.
    pub(super) fn order(&self) -> String {
        if self.inside { self.any() } else { self.sql.into() }
    }
}
