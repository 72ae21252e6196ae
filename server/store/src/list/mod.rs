//! Lists: one function that turns a [`ListQuery`] into SQL, for every table that is declared as a [`Source`].
//!
//! The cost of a page is bounded: order comes from an index, and counting has an end. A substring is looked up in a
//! trigram index if few rows contain it; if many do, they are found by walking the order's index.

mod column;
mod compare;
mod count;
mod found;

pub(crate) use column::{Column, few_values};

use crate::{Result, Store, reads};
use found::Ways;
use futures::{Stream, StreamExt, stream};
use sqlx::QueryBuilder;
use sqlx_sqlite::Sqlite;
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use types::list::{ListQuery, ListSpec, Page};

/// The time without taking a row after which a download is ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// The table that a list's rows come from.
pub struct Source {
    /// The table and its alias, such as `users u`.
    pub(crate) table: &'static str,
    /// The row's own number, which ends every order.
    pub(crate) number: &'static str,
    /// Joins for filtering and showing, each on a primary key. `LEFT JOIN`, though the other row is always there: SQLite then leaves
    /// out those that a statement does not use, such as a count.
    pub(crate) joins: &'static str,
    /// Orders by a column of a joined table, each with the tables and joins in which that one leads.
    pub(crate) led: &'static [(&'static str, &'static str)],
    /// The column that tells its tabs apart, 0 or 1; empty if there are none, or the list is small.
    pub(crate) tab: &'static str,
    /// The index of a whole tab, where the planner has to be told.
    pub(crate) indexed: &'static str,
    /// The column of each property and sort key.
    pub(crate) columns: &'static [(&'static str, Column)],
}

/// A value bound into the fixed part of a query.
#[derive(Clone, Debug)]
pub(crate) enum Bind {
    /// The condition has no `?`.
    Nothing,
    Id(uuid::Uuid),
    Int(i64),
    Text(String),
}

impl Bind {
    fn push(&self, sql: &mut QueryBuilder<Sqlite>) {
        match self {
            Self::Nothing => return,
            Self::Id(id) => sql.push_bind(*id),
            Self::Int(n) => sql.push_bind(*n),
            Self::Text(text) => sql.push_bind(text.clone()),
        };
    }
}

/// A fixed condition: SQL with one `?` or none, and the value bound there. One on the row's own number, `u.seq IN (SELECT …)`, is also a
/// way to find the rows.
pub(crate) type Fixed = (&'static str, Bind);

fn push_fixed(sql: &mut QueryBuilder<Sqlite>, (condition, value): &Fixed) {
    let (before, after) = condition.split_once('?').unwrap_or((condition, ""));
    sql.push(" AND ").push(before);
    value.push(sql);
    sql.push(after);
}

/// Where a text is looked for in a very long list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// A short text at the beginning only, as the page then says.
    Page,
    /// Everywhere: a file cannot say that it has only a part of the rows.
    Throughout,
}

/// A prepared query, from which rows and their count are read.
#[derive(Clone)]
pub(crate) struct Prepared<'a> {
    source: &'static Source,
    spec: &'static ListSpec,
    query: &'a ListQuery,
    fixed: Vec<Fixed>,
    ways: Ways<'a>,
}

impl Source {
    fn column(&self, key: &str) -> &Column {
        // Keys have been checked against the spec. A test below ensures that every key of a spec has a column.
        self.columns.iter().find(|(name, _)| *name == key).map(|(_, column)| column).unwrap_or(&self.columns[0].1)
    }
}

impl Store {
    /// Chooses the fastest way to answer `query`.
    pub(crate) async fn prepare<'a>(
        &self,
        source: &'static Source,
        spec: &'static ListSpec,
        query: &'a ListQuery,
        fixed: Vec<Fixed>,
        search: Search,
    ) -> Result<Prepared<'a>> {
        let ways = self.ways(source, spec, query, &fixed, search).await?;
        Ok(Prepared { source, spec, query, fixed, ways })
    }
}

impl Prepared<'_> {
    /// `SELECT columns FROM … WHERE … ORDER BY … LIMIT …` for the query's page. On a page after the first, and where rows
    /// are sorted, the numbers are found before the rows are read: those that are skipped are then only entries of an index.
    pub(crate) fn page(&self, columns: &str) -> QueryBuilder<Sqlite> {
        let Source { table, number, joins, .. } = *self.source;
        let deep = self.query.offset() > 0 || self.ways.few;
        let mut sql = QueryBuilder::new(format!("SELECT {columns}"));
        if deep {
            sql.push(format!(" FROM (SELECT {number} AS found"));
        }
        self.push_from_where(&mut sql, false);
        self.push_order(&mut sql);
        sql.push(" LIMIT ").push_bind(i64::from(self.query.limit()));
        if deep {
            sql.push(" OFFSET ").push_bind(i64::try_from(self.query.offset()).unwrap_or(i64::MAX));
            sql.push(format!(") CROSS JOIN {table} ON {number} = found {joins}"));
            self.push_order(&mut sql);
        }
        sql
    }

    /// The same rows without pages, for a stream of them all.
    pub(crate) fn all(&self, columns: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(format!("SELECT {columns}"));
        self.push_from_where(&mut sql, false);
        self.push_order(&mut sql);
        sql
    }

    /// One text of the same rows, without anything between them.
    pub(crate) fn joined(&self, text: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(format!("SELECT coalesce(group_concat(text, ''), '') FROM (SELECT {text} AS text"));
        self.push_from_where(&mut sql, false);
        self.push_order(&mut sql);
        sql.push(")");
        sql
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Sqlite>, counting: bool) {
        let Source { table, number, joins, .. } = *self.source;
        let (mut walked, mut looked_up) = (false, None);
        // CROSS JOIN makes SQLite keep this order: from the few matches to their rows, never the other way round.
        match &self.ways.lookup {
            Some((at, lookup)) if self.ways.few || counting => {
                looked_up = *at;
                sql.push(" FROM (");
                lookup.push(sql);
                sql.push(format!(") f CROSS JOIN {table} ON {number} = f.found {joins} WHERE 1 = 1"));
            }
            lookup => {
                // Whatever the planner thinks of the conditions: it would sort the many rows that they select.
                walked = lookup.is_some();
                let led = self.led().filter(|_| !counting);
                let whole = if counting { found::indexed(self.source, &self.fixed) } else { "" };
                match led {
                    Some(tables) => sql.push(format!(" FROM {tables} WHERE 1 = 1")),
                    None => sql.push(format!(" FROM {table} {whole} {joins} WHERE 1 = 1")),
                };
            }
        }
        self.fixed.iter().for_each(|condition| push_fixed(sql, condition));
        for (n, (condition, beginning)) in self.query.conditions.iter().zip(&self.ways.beginnings).enumerate() {
            // The rows that were looked up satisfy theirs.
            if looked_up != Some(n) {
                sql.push(" AND ");
                self.push_comparison(sql, condition, *beginning, walked);
            }
        }
        if let Some(filter) = &self.query.filter {
            sql.push(" AND ");
            self.push_filter(sql, filter);
        }
    }

    /// The tables and joins in whose order the rows are read, if that is not the list's own.
    fn led(&self) -> Option<&'static str> {
        found::led(self.source, self.query)
    }

    fn push_order(&self, sql: &mut QueryBuilder<Sqlite>) {
        let direction = |descending: bool| if descending { "DESC" } else { "ASC" };
        let first = (&self.query.sort, self.query.descending);
        let then = self.query.then.iter().map(|(key, descending)| (key, *descending));
        sql.push(" ORDER BY ");
        for (key, descending) in std::iter::once(first).chain(then) {
            sql.push(format!("{} {}, ", self.source.column(key).order(), direction(descending)));
        }
        sql.push(format!("{} {}", self.source.number, direction(self.query.descending)));
    }
}

/// A page of the rows that `query` selects, with their number.
pub(crate) async fn page_of_rows<R, T>(
    store: &Store,
    (source, spec): (&'static Source, &'static ListSpec),
    columns: &'static str,
    query: &ListQuery,
    fixed: Vec<Fixed>,
    read: fn(R) -> Result<T>,
) -> Result<Page<T>>
where
    R: for<'r> sqlx::FromRow<'r, sqlx_sqlite::SqliteRow> + Send + Unpin,
{
    let prepared = store.prepare(source, spec, query, fixed, Search::Page).await?;
    let mut page = prepared.page(columns);
    // Concurrently, on two connections, so that neither waits for the other.
    let rows = async {
        let walked = prepared.ways.lookup.is_some() && !prepared.ways.few;
        let from = if walked { &store.walks } else { &store.lists };
        match page.build_query_as::<R>().fetch_all(from).await {
            // Those that the filter selects are far along in this order: they are sorted instead.
            Err(error) if walked && reads::interrupted(&error) => {
                let sorted = Prepared { ways: Ways { few: true, ..prepared.ways.clone() }, ..prepared.clone() };
                Ok(sorted.page(columns).build_query_as::<R>().fetch_all(&store.lists).await?)
            }
            rows => Ok(rows?),
        }
    };
    let (rows, count) = tokio::try_join!(rows, store.count(&prepared))?;
    let rows: Vec<T> = rows.into_iter().map(read).collect::<Result<_>>()?;
    // Not counted: there are those that are shown, and perhaps more.
    let (total, more) = count.unwrap_or((query.offset() + rows.len() as u64, true));
    Ok(Page { rows, total, more, beginnings: prepared.ways.beginnings.contains(&true) })
}

/// The one row that satisfies all of `fixed`, if there is one.
pub(crate) async fn one_row<'e, R, T>(
    executor: impl sqlx_sqlite::SqliteExecutor<'e>,
    source: &Source,
    columns: &str,
    fixed: impl IntoIterator<Item = Fixed>,
    read: fn(R) -> Result<T>,
) -> Result<Option<T>>
where
    R: for<'r> sqlx::FromRow<'r, sqlx_sqlite::SqliteRow> + Send + Unpin,
{
    let mut sql = where_all(source, columns, fixed);
    sql.build_query_as::<R>().fetch_optional(executor).await?.map(read).transpose()
}

/// The few rows that satisfy all of `fixed`, in no particular order.
pub(crate) async fn some_rows<R, T>(
    store: &Store,
    source: &Source,
    columns: &str,
    fixed: impl IntoIterator<Item = Fixed>,
    read: fn(R) -> Result<T>,
) -> Result<Vec<T>>
where
    R: for<'r> sqlx::FromRow<'r, sqlx_sqlite::SqliteRow> + Send + Unpin,
{
    let mut sql = where_all(source, columns, fixed);
    sql.build_query_as::<R>().fetch_all(&store.lists).await?.into_iter().map(read).collect()
}

fn where_all(source: &Source, columns: &str, fixed: impl IntoIterator<Item = Fixed>) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(format!("SELECT {columns} FROM {} {} WHERE 1 = 1", source.table, source.joins));
    fixed.into_iter().for_each(|condition| push_fixed(&mut sql, &condition));
    sql
}

/// Every row that `query` selects, one after the other, read with `read`.
pub(crate) fn all_rows<R, T>(
    store: &Store,
    (source, spec): (&'static Source, &'static ListSpec),
    columns: &'static str,
    query: ListQuery,
    fixed: Vec<Fixed>,
    read: fn(R) -> Result<T>,
) -> impl Stream<Item = Result<T>> + Send + use<R, T>
where
    R: for<'r> sqlx::FromRow<'r, sqlx_sqlite::SqliteRow> + Send + Unpin + 'static,
    T: Send + 'static,
{
    let store = store.clone();
    stream(move |out| async move {
        let prepared = store.prepare(source, spec, &query, fixed, Search::Throughout).await?;
        let mut sql = prepared.all(columns);
        let until = Instant::now() + store.export_lasts;
        let mut reader = store.export.reader().await?;
        let mut rows = sql.build_query_as::<R>().fetch(&mut *reader);
        while let Some(row) = rows.next().await {
            let patience = PATIENCE.min(until.saturating_duration_since(Instant::now()));
            match out.send_timeout(row.map_err(Into::into).and_then(read), patience).await {
                Ok(()) => {}
                Err(SendTimeoutError::Closed(_)) => break,
                Err(SendTimeoutError::Timeout(_)) => {
                    return Err(sqlx::Error::from(io::Error::from(io::ErrorKind::TimedOut)).into());
                }
            }
        }
        Ok(())
    })
}

/// Runs `work` concurrently with its reader, which gets rows as they are read. The work ends when the reader goes away.
pub(crate) fn stream<T, F, Fut>(work: F) -> impl Stream<Item = Result<T>> + Send + use<T, F, Fut>
where
    T: Send + 'static,
    F: FnOnce(mpsc::Sender<Result<T>>) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let (out, rows) = mpsc::channel(64);
    let failed = out.clone();
    let work = work(out);
    tokio::spawn(async move {
        if let Err(error) = work.await {
            // The reader may be gone already.
            let _ = failed.send(Err(error)).await;
        }
    });
    stream::unfold(rows, |mut rows| async move { rows.recv().await.map(|row| (row, rows)) }).fuse()
}

#[cfg(test)]
mod tests;
