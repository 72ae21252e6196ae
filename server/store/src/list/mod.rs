//! Lists: one function that turns a [`ListQuery`] into SQL, for every table that is declared as a [`Source`].
//!
//! The cost of a page is bounded: order comes from an index, and counting stops at [`COUNT_LIMIT`]. A substring is looked up in a
//! trigram index if few rows contain it; if many do, they are found by walking the order's index.

mod compare;

use crate::{Result, Store};
use futures::{Stream, StreamExt, stream};
use sqlx::QueryBuilder;
use sqlx_sqlite::Sqlite;
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use types::list::{COUNT_LIMIT, Kind, ListQuery, ListSpec, Op, Page};

/// The most rows of a trigram look-up for which it is faster than walking the order's index.
const FEW: i64 = 5000;
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
    /// The trigram index of the table, used only for columns that are in it.
    pub(crate) text: &'static str,
    /// The column of each property and sort key.
    pub(crate) columns: &'static [(&'static str, Column)],
}

/// A property's column.
pub(crate) struct Column {
    pub sql: &'static str,
    /// Its name in the trigram index, if it is in it.
    pub(crate) text: Option<&'static str>,
    /// Whether it holds folded text ([`crate::fold`]). Other text is ASCII, in which comparisons ignore case.
    pub folded: bool,
    /// Whether it holds whole numbers, not thousandths.
    pub whole: bool,
    /// Whether `sql` is a complete condition, in which the comparison replaces `{}`.
    pub inside: bool,
    /// Whether equality respects case.
    pub exact: bool,
}

impl Column {
    pub(crate) const fn plain(sql: &'static str) -> Self {
        Self { sql, text: None, folded: false, whole: false, inside: false, exact: false }
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

    /// A value in the form in which the column is compared with it.
    fn comparable(&self, kind: Kind, value: &str) -> String {
        if kind == Kind::Text && !self.exact { crate::fold(value) } else { value.to_owned() }
    }

    /// The SQL before and after a comparison.
    fn parts(&self) -> (&'static str, &'static str) {
        if self.inside { self.sql.split_once("{}").unwrap_or((self.sql, "")) } else { (self.sql, "") }
    }

    /// A condition that holds if an inside column has any value.
    fn any(&self) -> String {
        let (before, after) = self.parts();
        format!("{before} IS NOT NULL{after}")
    }

    /// The expression that rows are ordered by; for an inside column, whether it has any value.
    fn order(&self) -> String {
        if self.inside { self.any() } else { self.sql.into() }
    }
}

/// A value bound into the fixed part of a query.
pub(crate) enum Bind {
    Id(uuid::Uuid),
    Int(i64),
    Text(String),
}

/// A fixed condition: SQL with one `?`, and the value bound there.
pub(crate) type Fixed = (&'static str, Bind);

fn push_fixed(sql: &mut QueryBuilder<Sqlite>, (condition, value): &Fixed) {
    let (before, after) = condition.split_once('?').unwrap_or((condition, ""));
    sql.push(" AND ").push(before);
    match value {
        Bind::Id(id) => sql.push_bind(*id),
        Bind::Int(n) => sql.push_bind(*n),
        Bind::Text(text) => sql.push_bind(text.clone()),
    };
    sql.push(after);
}

/// A prepared query, from which rows and their count are read.
pub(crate) struct Prepared<'a> {
    source: &'a Source,
    spec: &'static ListSpec,
    query: &'a ListQuery,
    fixed: Vec<Fixed>,
    /// The condition to look up in the trigram index, as a match expression.
    matching: Option<String>,
    few: bool,
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
        source: &'a Source,
        spec: &'static ListSpec,
        query: &'a ListQuery,
        fixed: Vec<Fixed>,
    ) -> Result<Prepared<'a>> {
        let mut best: Option<(i64, String)> = None;
        for condition in &query.conditions {
            let column = source.column(&condition.key);
            let Some(name) = column.text.filter(|_| condition.op == Op::Contains) else { continue };
            let value = column.comparable(Kind::Text, &condition.value);
            if value.chars().count() < 3 {
                continue;
            }
            let matching = format!("{name} : \"{}\"", value.replace('"', "\"\""));
            let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {0} WHERE {0} MATCH ? LIMIT {1})", source.text, FEW + 1);
            let (count,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(&matching).fetch_one(&self.read).await?;
            if best.as_ref().is_none_or(|(least, _)| count < *least) {
                best = Some((count, matching));
            }
        }
        let few = best.as_ref().is_some_and(|(count, _)| *count <= FEW);
        Ok(Prepared { source, spec, query, fixed, matching: best.map(|(_, m)| m), few })
    }

    /// The number of rows that the filter selects, up to [`COUNT_LIMIT`], and whether there are more.
    pub(crate) async fn count(&self, prepared: &Prepared<'_>) -> Result<(u64, bool)> {
        let (count,): (i64,) = prepared.number_of_rows().build_query_as().fetch_one(&self.read).await?;
        let count = count.unsigned_abs();
        Ok((count.min(COUNT_LIMIT), count > COUNT_LIMIT))
    }
}

impl Prepared<'_> {
    /// `SELECT columns FROM … WHERE … ORDER BY … LIMIT …` for the query's page. On a page after the first, the numbers of its rows
    /// are found before the rows are read: those that are skipped are then only entries of an index.
    pub(crate) fn page(&self, columns: &str) -> QueryBuilder<Sqlite> {
        let Source { table, number, joins, .. } = *self.source;
        let deep = self.query.offset() > 0;
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

    /// `SELECT count(*) …` up to one more than [`COUNT_LIMIT`].
    fn number_of_rows(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
        self.push_from_where(&mut sql, true);
        sql.push(format!(" LIMIT {})", COUNT_LIMIT + 1));
        sql
    }

    /// The same rows without pages, for a stream of them all.
    pub(crate) fn all(&self, columns: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(format!("SELECT {columns}"));
        self.push_from_where(&mut sql, false);
        self.push_order(&mut sql);
        sql
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Sqlite>, counting: bool) {
        let Source { table, number, joins, text, .. } = *self.source;
        // CROSS JOIN makes SQLite keep this order: from the few matches to their rows, never the other way round.
        match &self.matching {
            Some(matching) if self.few || counting => {
                sql.push(format!(" FROM {text} CROSS JOIN {table} ON {number} = {text}.rowid {joins} WHERE {text} MATCH "));
                sql.push_bind(matching.clone());
            }
            _ => {
                let led = self.source.led.iter().find(|(key, _)| *key == self.query.sort && !counting);
                match led {
                    Some((_, tables)) => sql.push(format!(" FROM {tables} WHERE 1 = 1")),
                    None => sql.push(format!(" FROM {table} {joins} WHERE 1 = 1")),
                };
            }
        }
        self.fixed.iter().for_each(|condition| push_fixed(sql, condition));
        for condition in &self.query.conditions {
            self.push_condition(sql, condition);
        }
        if let Some(filter) = &self.query.filter {
            sql.push(" AND ");
            self.push_filter(sql, filter);
        }
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
    let prepared = store.prepare(source, spec, query, fixed).await?;
    let mut page = prepared.page(columns);
    // Concurrently, on two connections, so that neither waits for the other.
    let rows = async { Ok(page.build_query_as::<R>().fetch_all(&store.read).await?) };
    let (rows, (total, more)) = tokio::try_join!(rows, store.count(&prepared))?;
    Ok(Page { rows: rows.into_iter().map(read).collect::<Result<_>>()?, total, more })
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
    sql.build_query_as::<R>().fetch_all(&store.read).await?.into_iter().map(read).collect()
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
        let prepared = store.prepare(source, spec, &query, fixed).await?;
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
