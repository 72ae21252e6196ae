//! Rows written from the fields of a thing: a field that has the name of its column is written without being named again.
//!
//! Deliberately absent: reading. A type whose fields have the names of the columns derives `FromRow`.

use crate::{Result, StoreError};
use serde::Serialize;
use serde_json::Value;
use sqlx::QueryBuilder;
use sqlx::query_builder::Separated;
use sqlx_sqlite::Sqlite;

enum Cell {
    Id(uuid::Uuid),
    /// Lists and objects are kept as JSON text.
    Json(Value),
}

/// Columns with their values, in the order in which they are written.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, Cell)>);

impl Fields {
    /// The fields of `thing`, except those named in `but`.
    pub(crate) fn of(thing: &impl Serialize, but: &[&str]) -> Result<Self> {
        let fields = match serde_json::to_value(thing) {
            Ok(Value::Object(fields)) => fields,
            Ok(other) => return Err(StoreError::Unreadable { what: "thing with fields", value: other.to_string() }),
            Err(error) => return Err(StoreError::Unreadable { what: "thing with fields", value: error.to_string() }),
        };
        let kept = fields.into_iter().filter(|(name, _)| !but.contains(&name.as_str()));
        Ok(Self(kept.map(|(name, value)| (name, Cell::Json(value))).collect()))
    }

    /// Only the fields that have a value: an edit leaves the others as they are.
    pub(crate) fn given(mut self) -> Self {
        self.0.retain(|(_, cell)| !matches!(cell, Cell::Json(Value::Null)));
        self
    }

    pub(crate) fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.0.push((column.to_owned(), Cell::Json(value.into())));
        self
    }

    /// Like [`Fields::with`], unless there is no value.
    pub(crate) fn with_given(self, column: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(column, value),
            None => self,
        }
    }

    pub(crate) fn with_id(mut self, column: &str, id: uuid::Uuid) -> Self {
        self.0.push((column.to_owned(), Cell::Id(id)));
        self
    }

    pub(crate) fn with_all(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// `INSERT INTO table (…) VALUES (…)`.
    pub(crate) fn insert_into(self, table: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(format!("INSERT INTO {table} ("));
        let mut columns = sql.separated(", ");
        for (column, _) in &self.0 {
            columns.push(column);
        }
        columns.push_unseparated(") VALUES (");
        let mut values = sql.separated(", ");
        for (_, cell) in self.0 {
            push_cell(&mut values, cell);
        }
        values.push_unseparated(")");
        sql
    }

    /// The same, or the new values over the row that has the same `key`, whose `revision` grows.
    pub(crate) fn save_into(self, table: &str, key: &str) -> QueryBuilder<Sqlite> {
        let changed: Vec<String> = self.0.iter().map(|(column, _)| column.clone()).filter(|column| column != key).collect();
        let mut sql = self.insert_into(table);
        sql.push(format!(" ON CONFLICT ({key}) DO UPDATE SET revision = revision + 1"));
        for column in changed.iter().filter(|column| *column != "created_at") {
            sql.push(format!(", {column} = excluded.{column}"));
        }
        sql
    }

    /// `UPDATE table SET …`, to be ended by a condition.
    pub(crate) fn update(self, table: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(format!("UPDATE {table} SET "));
        let mut columns = sql.separated(", ");
        for (column, cell) in self.0 {
            columns.push(format!("{column} = "));
            match cell {
                Cell::Id(id) => drop(columns.push_bind_unseparated(id)),
                Cell::Json(value) => push_json(&mut columns, value, true),
            }
        }
        sql
    }
}

fn push_cell(values: &mut Separated<'_, Sqlite, &str>, cell: Cell) {
    match cell {
        Cell::Id(id) => drop(values.push_bind(id)),
        Cell::Json(value) => push_json(values, value, false),
    }
}

/// Pushes a value; `joined` to the text before it, or after the separator.
fn push_json(sql: &mut Separated<'_, Sqlite, &str>, value: Value, joined: bool) {
    macro_rules! push {
        ($value:expr) => {
            if joined { sql.push_bind_unseparated($value) } else { sql.push_bind($value) }
        };
    }
    match value {
        Value::Null => push!(None::<i64>),
        Value::Bool(flag) => push!(flag),
        Value::Number(number) => push!(number.as_i64()),
        Value::String(text) => push!(text),
        list @ (Value::Array(_) | Value::Object(_)) => push!(list.to_string()),
    };
}
