//! Conditions and filters of a list as SQL. Every value is bound; the text of a query comes only from its `Source`.

use super::{Column, Prepared};
use sqlx::QueryBuilder;
use sqlx_sqlite::Sqlite;
use types::list::{Condition, Filter, Kind, Op};
use types::quantity::Quantity;
use types::time::Millis;

impl Prepared<'_> {
    /// Adds a filter as an expression that can be joined with `AND` and `OR`.
    pub(super) fn push_filter(&self, sql: &mut QueryBuilder<Sqlite>, filter: &Filter) {
        match filter {
            Filter::Is(condition) => self.push_comparison(sql, condition, false, false),
            Filter::Not(inner) => self.push_opposite(sql, inner),
            Filter::All(parts) => self.push_joined(sql, parts, " AND ", "1 = 1"),
            Filter::Any(parts) => self.push_joined(sql, parts, " OR ", "1 = 0"),
            Filter::Like { key, pattern } => {
                let column = self.source.column(key);
                let (before, after) = column.parts();
                let pattern = if column.exact { pattern.clone() } else { folded_pattern(pattern) };
                sql.push(before).push(" LIKE ").push_bind(pattern).push(" ESCAPE '\\'").push(after);
            }
            Filter::Before { key, at } => self.push_moment(sql, key, " < ", *at),
            Filter::Empty { key } => self.push_empty(sql, key),
        }
    }

    fn push_opposite(&self, sql: &mut QueryBuilder<Sqlite>, filter: &Filter) {
        match filter {
            // In this form an index can be used. A missing time is not later than another one either.
            Filter::Before { key, at } if !self.source.column(key).inside => self.push_moment(sql, key, " >= ", *at),
            // In SQL, a comparison with NULL is neither true nor false. Here it does not hold, so its opposite does.
            _ => {
                sql.push("NOT coalesce(");
                self.push_filter(sql, filter);
                sql.push(", 0)");
            }
        }
    }

    fn push_joined(&self, sql: &mut QueryBuilder<Sqlite>, parts: &[Filter], word: &str, none: &str) {
        if parts.is_empty() {
            sql.push(none);
            return;
        }
        sql.push("(");
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                sql.push(word);
            }
            self.push_filter(sql, part);
        }
        sql.push(")");
    }

    fn push_moment(&self, sql: &mut QueryBuilder<Sqlite>, key: &str, sign: &str, at: Millis) {
        let (before, after) = self.source.column(key).parts();
        sql.push(before).push(sign).push_bind(at.0).push(after);
    }

    fn push_empty(&self, sql: &mut QueryBuilder<Sqlite>, key: &str) {
        let column = self.source.column(key);
        if column.inside {
            sql.push("NOT ").push(column.any());
        } else if matches!(self.kind(key), Kind::Text | Kind::Choice(_)) {
            sql.push("coalesce(").push(column.sql).push(", '') = ''");
        } else {
            sql.push(column.sql).push(" IS NULL");
        }
    }

    /// Adds a condition. With `beginning`, *contains* means *begins with*; if the order's index is `walked`, no other is offered.
    pub(super) fn push_comparison(&self, sql: &mut QueryBuilder<Sqlite>, condition: &Condition, beginning: bool, walked: bool) {
        let column = self.source.column(&condition.key);
        let (before, after) = column.parts();
        // A range of the order's own index is where the walk begins.
        let range = condition.key == self.query.sort && (beginning || matches!(condition.op, Op::Min | Op::Max));
        // A condition that holds for no missing row would let the planner begin with the other table, and read all of it.
        let elsewhere = !range && column.is_elsewhere(self.source);
        if walked && !column.inside && !range {
            sql.push("+");
        }
        sql.push(if elsewhere { "coalesce(" } else { "" }).push(before).push(if elsewhere { ", '')" } else { "" });
        push(sql, column, self.kind(&condition.key), condition, beginning);
        sql.push(after);
    }

    fn kind(&self, key: &str) -> Kind {
        self.spec.property(key).map(|p| p.kind).unwrap_or(Kind::Text)
    }
}

/// Adds the part of a condition that comes after its column.
pub(super) fn push(sql: &mut QueryBuilder<Sqlite>, column: &Column, kind: Kind, condition: &Condition, beginning: bool) {
    let value = column.comparable(kind, &condition.value);
    match condition.op {
        // In an index, what begins with a text is a range.
        Op::Contains if beginning => {
            sql.push(" BETWEEN ").push_bind(value.clone()).push(" AND ").push_bind(value + "\u{10FFFF}");
        }
        Op::Contains => {
            sql.push(" LIKE ").push_bind(format!("%{}%", literal(&value))).push(" ESCAPE '\\'");
        }
        Op::Any => {
            sql.push(" IN (");
            let mut list = sql.separated(", ");
            for one in value.split(',') {
                list.push_bind(one.to_owned());
            }
            sql.push(")");
        }
        Op::Is => {
            sql.push(" = ").push_bind(i64::from(value == "yes"));
        }
        Op::Equals if kind == Kind::Id => {
            sql.push(" = ").push_bind(uuid::Uuid::parse_str(&value).unwrap_or_default());
        }
        Op::Equals if kind == Kind::Number => {
            // Nothing equals NULL: a fraction is in no column of whole numbers.
            let (number, exact) = stored_number(&value, column.whole);
            sql.push(" = ").push_bind(exact.then_some(number));
        }
        Op::Equals => {
            sql.push(" = ").push_bind(value);
            if !column.folded && !column.exact {
                sql.push(" COLLATE NOCASE");
            }
        }
        Op::Min if kind == Kind::Date => {
            sql.push(" >= ").push_bind(day_start(&value));
        }
        Op::Max if kind == Kind::Date => {
            sql.push(" < ").push_bind(day_start(&value) + 86_400_000);
        }
        Op::Min => {
            let (number, exact) = stored_number(&value, column.whole);
            sql.push(if exact { " >= " } else { " > " }).push_bind(number);
        }
        Op::Max => {
            let (number, _) = stored_number(&value, column.whole);
            sql.push(" <= ").push_bind(number);
        }
    }
}

/// A text as part of an SQL pattern, in which it stands for itself.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A pattern whose texts are folded. Folding the whole would make wildcards of their full-width forms.
fn folded_pattern(pattern: &str) -> String {
    let (mut folded, mut text) = (String::new(), String::new());
    let mut rest = pattern.chars();
    while let Some(next) = rest.next() {
        match next {
            '%' | '_' => {
                folded.push_str(&literal(&crate::fold(&std::mem::take(&mut text))));
                folded.push(next);
            }
            '\\' => text.extend(rest.next()),
            other => text.push(other),
        }
    }
    folded + &literal(&crate::fold(&text))
}

// Values have been checked against their kind before.

/// A number in its column's unit, rounded down, and whether it is exact.
fn stored_number(value: &str, whole: bool) -> (i64, bool) {
    let number = value.parse::<Quantity>().unwrap_or_default();
    if whole { (number.floor(), Quantity::whole(number.floor()) == number) } else { (number.as_thousandths(), true) }
}

fn day_start(value: &str) -> i64 {
    types::time::day(value).unwrap_or_default().0
}
