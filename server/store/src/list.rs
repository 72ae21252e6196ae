//! Lists: one function that turns a [`ListQuery`] into SQL, for every table that is declared as a [`Source`].
//!
//! The cost of a page is bounded by its shape: order comes from an index, counting stops at [`COUNT_LIMIT`], and a substring
//! is looked up in a trigram index when few rows hold it, or met on the way along the order's index when many do.

use crate::{Result, Store};
use futures::{Stream, StreamExt, stream};
use sqlx::{QueryBuilder, Sqlite};
use tokio::sync::mpsc;
use types::list::{COUNT_LIMIT, Condition, Kind, ListQuery, ListSpec, Op, Page};
use types::quantity::Quantity;

/// Rows that a trigram look-up may yield before walking the order's index is the better way.
const FEW: i64 = 5000;

/// Where a list's rows come from.
pub(crate) struct Source {
    /// The table and its alias, such as `users u`.
    pub table: &'static str,
    /// The row's own number, the tail of every order.
    pub number: &'static str,
    /// Joined only to filter or show; every one of them on a primary key.
    pub joins: &'static str,
    /// The trigram index of the table; nothing is looked up in it unless a column says so.
    pub text: &'static str,
    /// What a property or sort key is in the database.
    pub columns: &'static [(&'static str, Column)],
}

/// A property's column.
pub(crate) struct Column {
    pub sql: &'static str,
    /// Its name in the trigram index, if it is there.
    pub text: Option<&'static str>,
    /// Holds lower case: compare with lower case.
    pub lower: bool,
    /// Holds whole numbers, not thousandths.
    pub whole: bool,
    /// Is a whole condition but for the value and the bracket after it.
    pub inside: bool,
}

impl Column {
    pub(crate) const fn plain(sql: &'static str) -> Self {
        Self { sql, text: None, lower: false, whole: false, inside: false }
    }

    pub(crate) const fn whole(sql: &'static str) -> Self {
        Self { sql, text: None, lower: false, whole: true, inside: false }
    }

    /// A condition that is open for its value, such as `EXISTS (… = `; only to be filtered by.
    pub(crate) const fn inside(sql: &'static str) -> Self {
        Self { sql, text: None, lower: false, whole: false, inside: true }
    }

    /// Holds lower case and is in no trigram index.
    pub(crate) const fn lower(sql: &'static str) -> Self {
        Self { sql, text: None, lower: true, whole: false, inside: false }
    }

    pub(crate) const fn text(sql: &'static str, text: &'static str) -> Self {
        Self { sql, text: Some(text), lower: false, whole: false, inside: false }
    }

    pub(crate) const fn key(sql: &'static str, text: &'static str) -> Self {
        Self { sql, text: Some(text), lower: true, whole: false, inside: false }
    }
}

/// A value bound into the fixed part of a query.
pub(crate) enum Bind {
    Id(uuid::Uuid),
    Int(i64),
    Text(String),
}

/// A fixed condition: SQL with one `?`, and the value that stands there.
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

/// A query made ready to be asked for its rows or its count.
pub(crate) struct Prepared<'a> {
    source: &'a Source,
    spec: &'static ListSpec,
    query: &'a ListQuery,
    fixed: Vec<Fixed>,
    /// The condition that the trigram index is asked for, as a match expression.
    matching: Option<String>,
    few: bool,
}

impl Source {
    fn column(&self, key: &str) -> &Column {
        // Keys were checked against the spec; a spec's key without a column is caught by the test below.
        self.columns.iter().find(|(name, _)| *name == key).map(|(_, column)| column).unwrap_or(&self.columns[0].1)
    }
}

impl Store {
    /// Chooses how `query` is best answered.
    pub(crate) async fn prepare<'a>(
        &self,
        source: &'a Source,
        spec: &'static ListSpec,
        query: &'a ListQuery,
        fixed: Vec<Fixed>,
    ) -> Result<Prepared<'a>> {
        let mut best: Option<(i64, String)> = None;
        for condition in &query.conditions {
            let Some(column) = source.column(&condition.key).text else { continue };
            if condition.op != Op::Contains || condition.value.chars().count() < 3 {
                continue;
            }
            let matching = format!("{column} : \"{}\"", condition.value.replace('"', "\"\""));
            let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {0} WHERE {0} MATCH ? LIMIT {1})", source.text, FEW + 1);
            let (count,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(&matching).fetch_one(&self.read).await?;
            if best.as_ref().is_none_or(|(least, _)| count < *least) {
                best = Some((count, matching));
            }
        }
        let few = best.as_ref().is_some_and(|(count, _)| *count <= FEW);
        Ok(Prepared { source, spec, query, fixed, matching: best.map(|(_, m)| m), few })
    }

    /// Rows that the filter selects, up to [`COUNT_LIMIT`], and whether there are more.
    pub(crate) async fn count(&self, prepared: &Prepared<'_>) -> Result<(u64, bool)> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
        prepared.push_from_where(&mut sql, true);
        sql.push(format!(" LIMIT {})", COUNT_LIMIT + 1));
        let (count,): (i64,) = sql.build_query_as().fetch_one(&self.read).await?;
        let count = count.unsigned_abs();
        Ok((count.min(COUNT_LIMIT), count > COUNT_LIMIT))
    }
}

impl Prepared<'_> {
    /// `SELECT columns FROM … WHERE … ORDER BY … LIMIT …` for the query's page.
    pub(crate) fn page(&self, columns: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new(format!("SELECT {columns}"));
        self.push_from_where(&mut sql, false);
        self.push_order(&mut sql);
        sql.push(" LIMIT ").push_bind(i64::from(self.query.limit()));
        sql.push(" OFFSET ").push_bind(i64::try_from(self.query.offset()).unwrap_or(i64::MAX));
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
        // CROSS JOIN is SQLite's way to be told the order: from the few matches to their rows, never the other way round.
        match &self.matching {
            Some(matching) if self.few || counting => {
                sql.push(format!(" FROM {text} CROSS JOIN {table} ON {number} = {text}.rowid {joins} WHERE {text} MATCH "));
                sql.push_bind(matching.clone());
            }
            _ => {
                sql.push(format!(" FROM {table} {joins} WHERE 1 = 1"));
            }
        }
        self.fixed.iter().for_each(|condition| push_fixed(sql, condition));
        for condition in &self.query.conditions {
            self.push_condition(sql, condition);
        }
    }

    fn push_condition(&self, sql: &mut QueryBuilder<Sqlite>, condition: &Condition) {
        let column = self.source.column(&condition.key);
        let kind = self.spec.property(&condition.key).map(|p| p.kind).unwrap_or(Kind::Text);
        let value = if column.lower { condition.value.to_lowercase() } else { condition.value.clone() };
        sql.push(" AND ").push(column.sql);
        if column.inside {
            sql.push_bind(uuid::Uuid::parse_str(&value).unwrap_or_default()).push(")");
            return;
        }
        match condition.op {
            Op::Contains => {
                let escaped = value.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                sql.push(" LIKE ").push_bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
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
                sql.push(" = ").push_bind(number(&value, column.whole));
            }
            Op::Equals => {
                sql.push(" = ").push_bind(value);
                if !column.lower {
                    sql.push(" COLLATE NOCASE");
                }
            }
            Op::Min if kind == Kind::Date => {
                sql.push(" >= ").push_bind(day(&value));
            }
            Op::Max if kind == Kind::Date => {
                sql.push(" < ").push_bind(day(&value) + 86_400_000);
            }
            Op::Min => {
                sql.push(" >= ").push_bind(number(&value, column.whole));
            }
            Op::Max => {
                sql.push(" <= ").push_bind(number(&value, column.whole));
            }
        }
    }

    fn push_order(&self, sql: &mut QueryBuilder<Sqlite>) {
        let column = self.source.column(&self.query.sort).sql;
        let direction = if self.query.descending { "DESC" } else { "ASC" };
        sql.push(format!(" ORDER BY {column} {direction}, {} {direction}", self.source.number));
    }
}

/// A page of the rows that `query` selects, with their number.
pub(crate) async fn page<R, T>(
    store: &Store,
    (source, spec): (&'static Source, &'static ListSpec),
    columns: &'static str,
    query: &ListQuery,
    fixed: Vec<Fixed>,
    read: fn(R) -> Result<T>,
) -> Result<Page<T>>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
{
    let prepared = store.prepare(source, spec, query, fixed).await?;
    let mut page = prepared.page(columns);
    // At once, on two connections: neither waits for the other.
    let rows = async { Ok(page.build_query_as::<R>().fetch_all(&store.read).await?) };
    let (rows, (total, more)) = tokio::try_join!(rows, store.count(&prepared))?;
    Ok(Page { rows: rows.into_iter().map(read).collect::<Result<_>>()?, total, more })
}

/// The one row that all of `fixed` hold for, if there is one.
pub(crate) async fn one<R, T>(
    store: &Store,
    source: &Source,
    columns: &str,
    fixed: impl IntoIterator<Item = Fixed>,
    read: fn(R) -> Result<T>,
) -> Result<Option<T>>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
{
    let mut sql = QueryBuilder::new(format!("SELECT {columns} FROM {} {} WHERE 1 = 1", source.table, source.joins));
    fixed.into_iter().for_each(|condition| push_fixed(&mut sql, &condition));
    sql.build_query_as::<R>().fetch_optional(&store.read).await?.map(read).transpose()
}

/// Every row that `query` selects, one after the other, read with `read`.
pub(crate) fn all<R, T>(
    store: &Store,
    (source, spec): (&'static Source, &'static ListSpec),
    columns: &'static str,
    query: ListQuery,
    fixed: Vec<Fixed>,
    read: fn(R) -> Result<T>,
) -> impl Stream<Item = Result<T>> + Send + use<R, T>
where
    R: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin + 'static,
    T: Send + 'static,
{
    let store = store.clone();
    stream(move |out| async move {
        let prepared = store.prepare(source, spec, &query, fixed).await?;
        let mut sql = prepared.all(columns);
        let mut rows = sql.build_query_as::<R>().fetch(&store.read);
        while let Some(row) = rows.next().await {
            if out.send(row.map_err(Into::into).and_then(read)).await.is_err() {
                break;
            }
        }
        Ok(())
    })
}

/// Runs `work` beside its reader, which gets rows as they are read; work ends when the reader goes away.
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

// Values were checked against their kind before they came here.
fn number(value: &str, whole: bool) -> i64 {
    let number = value.parse::<Quantity>().unwrap_or_default();
    if whole { number.floor() } else { number.as_thousandths() }
}

fn day(value: &str) -> i64 {
    types::list::day(value).unwrap_or_default().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_and_order_of_a_list_has_its_column() {
        let lists: [(&Source, &ListSpec); 6] = [
            (&crate::audit::SOURCE, &types::audit::AUDIT),
            (&crate::projects::PROJECT_SOURCE, &types::project::PROJECTS),
            (&crate::projects::DOMAIN_SOURCE, &types::project::DOMAINS),
            (&crate::keypairs::SOURCE, &types::keypair::KEYPAIRS),
            (&crate::users::SOURCE, &types::user::USERS),
            (&crate::sessions::SOURCE, &types::session::SESSIONS),
        ];
        for (source, spec) in lists {
            let keys = spec.properties.iter().map(|p| p.key).chain(spec.sorts.iter().copied());
            for key in keys {
                assert!(source.columns.iter().any(|(name, _)| *name == key), "{}: {key}", spec.name);
            }
        }
    }
}
