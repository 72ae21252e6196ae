//! Counting the rows that a filter selects: up to a limit, for a limited time, and not again while there are certainly more.

use super::Prepared;
use crate::{Result, Store, reads};
use sqlx::QueryBuilder;
use sqlx_sqlite::Sqlite;
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use types::list::COUNT_LIMIT;

/// How long a list that had more rows than are counted is believed to have them.
const LONG: Duration = Duration::from_secs(5);
/// The most lists of which that is remembered.
const MOST_LONG: usize = 1_000;

impl Store {
    /// The number of rows that the filter selects, up to [`COUNT_LIMIT`], and whether there are more. `None` if counting takes too
    /// long.
    pub(crate) async fn count(&self, prepared: &Prepared<'_>) -> Result<Option<(u64, bool)>> {
        let name = prepared.name();
        if name.as_ref().is_some_and(|name| self.is_long(name)) {
            return Ok(Some((COUNT_LIMIT, true)));
        }
        let count: sqlx::Result<(i64,)> = prepared.number_of_rows().build_query_as().fetch_one(&self.counts).await;
        match count {
            Err(error) if reads::interrupted(&error) => Ok(None),
            count => {
                let count = count?.0.unsigned_abs();
                if let Some(name) = name.filter(|_| count > COUNT_LIMIT) {
                    self.keep_long(name);
                }
                Ok(Some((count.min(COUNT_LIMIT), count > COUNT_LIMIT)))
            }
        }
    }

    fn is_long(&self, name: &str) -> bool {
        let long = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        long.get(name).is_some_and(|since| since.elapsed() < LONG)
    }

    fn keep_long(&self, name: String) {
        let mut long = self.long.lock().unwrap_or_else(PoisonError::into_inner);
        if long.len() >= MOST_LONG {
            long.clear();
        }
        long.insert(name, Instant::now());
    }
}

impl Prepared<'_> {
    /// The same text for every page and order of the same rows; none for what programs ask.
    fn name(&self) -> Option<String> {
        let query = self.query;
        (query.window.is_none() && query.filter.is_none())
            .then(|| format!("{} {:?} {:?}", self.spec.name, self.fixed, query.conditions))
    }

    /// `SELECT count(*) …` up to one more than [`COUNT_LIMIT`].
    pub(super) fn number_of_rows(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
        match &self.ways.lookup {
            Some((Some(_), lookup))
                if self.query.conditions.len() == 1 && self.query.filter.is_none() && lookup.covers(self.source, &self.fixed) =>
            {
                sql.push(" FROM (");
                lookup.push(&mut sql);
                sql.push(")");
            }
            _ => self.push_from_where(&mut sql, true),
        }
        sql.push(format!(" LIMIT {})", COUNT_LIMIT + 1));
        sql
    }
}
