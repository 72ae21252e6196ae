//! Look-ups: the numbers of the rows that satisfy one condition, found through an index without reading the others.
//!
//! A list that is small needs none. In a large one, a look-up that finds few rows is the way to the page: they are sorted, and
//! nothing else is read. One that finds many only serves to count; the page then comes from walking the order's index.

use super::{Bind, Column, Fixed, Search, Source, compare};
use crate::{Result, Store};
use sqlx::QueryBuilder;
use sqlx_sqlite::Sqlite;
use types::list::{Condition, Kind, ListQuery, ListSpec, Op};

/// The fewest letters that the trigram index has.
const LETTERS: usize = 3;

/// How many times few rows there may be for an index to be read from its beginning to its end.
const WITHIN_REACH: i64 = 10;

/// A way to the rows of one condition.
#[derive(Clone)]
pub(super) enum Lookup<'a> {
    /// Through a column's own query.
    Column { column: &'a Column, tab: Tab, kind: Kind, condition: &'a Condition, beginning: bool },
    /// Through the trigram index, by a match expression.
    Text { table: &'static str, matching: String },
    /// Through the rows of another list, which are found first.
    Other { first: Box<Self>, tab: Tab, query: &'static str },
    /// Through a fixed condition on the rows' own numbers.
    Fixed { query: &'static str, value: Bind },
    /// Through all of the fixed conditions, which few rows satisfy.
    Whole { source: &'static Source, fixed: Vec<Fixed> },
}

impl Lookup<'_> {
    /// Adds a query with one column, `found`.
    pub(super) fn push(&self, sql: &mut QueryBuilder<Sqlite>) {
        match self {
            Self::Column { column, tab, kind, condition, beginning } => {
                let query = tab.put(column.found);
                let (before, after) = query.split_once("{}").unwrap_or((&query, ""));
                sql.push(before);
                compare::push(sql, column, *kind, condition, *beginning);
                sql.push(after);
            }
            Self::Text { table, matching } => {
                sql.push(format!("SELECT rowid AS found FROM {table} WHERE {table} MATCH ")).push_bind(matching.clone());
            }
            Self::Other { first, tab, query } => {
                let query = tab.put(query);
                let (before, after) = query.split_once("{}").unwrap_or((&query, ""));
                sql.push(before);
                first.push(sql);
                sql.push(after);
            }
            Self::Fixed { query, value } => {
                let (before, after) = query.split_once('?').unwrap_or((query, ""));
                sql.push(before);
                value.push(sql);
                sql.push(after);
            }
            Self::Whole { source, fixed } => {
                sql.push(format!("SELECT {} AS found", source.number));
                push_whole(sql, source, fixed);
            }
        }
    }
}

/// Adds the tables and conditions of all rows that satisfy the fixed ones.
fn push_whole(sql: &mut QueryBuilder<Sqlite>, source: &Source, fixed: &[Fixed]) {
    sql.push(format!(" FROM {} {} {} WHERE 1 = 1", source.table, indexed(source, fixed), source.joins));
    fixed.iter().for_each(|condition| super::push_fixed(sql, condition));
}

impl Lookup<'_> {
    /// Whether the rows that this finds satisfy all of the fixed conditions.
    pub(super) fn covers(&self, source: &Source, fixed: &[Fixed]) -> bool {
        let query = match self {
            Self::Column { column, .. } => column.found,
            Self::Other { query, .. } => query,
            Self::Text { .. } | Self::Fixed { .. } | Self::Whole { .. } => return fixed.is_empty(),
        };
        let tab = format!("{} = ?", source.tab);
        fixed.iter().all(|(sql, _)| if *sql == tab { query.contains("{tab}") } else { query.contains(sql) })
    }
}

/// The tab that a look-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Any,
    /// The one with this number in [`Source::tab`].
    One(i64),
}

impl Tab {
    fn of(source: &Source, fixed: &[Fixed]) -> Self {
        let condition = format!("{} = ?", source.tab);
        let tab = fixed.iter().find(|(sql, _)| *sql == condition);
        if let Some((_, Bind::Int(tab))) = tab { Self::One(*tab) } else { Self::Any }
    }

    fn put(self, query: &str) -> String {
        match self {
            Self::Any => query.replace("{tab}", "IN (0, 1)"),
            Self::One(tab) => query.replace("{tab}", &format!("= {tab}")),
        }
    }
}

/// Whether the fixed conditions are those of a tab alone.
fn is_tab(source: &Source, fixed: &[Fixed]) -> bool {
    let tab = format!("{} = ?", source.tab);
    fixed.iter().all(|(sql, value)| *sql == tab || matches!(value, Bind::Nothing))
}

/// The index of a whole tab, as part of a statement; empty if the planner chooses.
pub(super) fn indexed(source: &Source, fixed: &[Fixed]) -> &'static str {
    if !fixed.is_empty() && is_tab(source, fixed) { source.indexed } else { "" }
}

/// The tables and joins in whose order a query's rows are read, if that is not the list's own.
pub(super) fn led(source: &Source, query: &ListQuery) -> Option<&'static str> {
    source.led.iter().find(|(key, _)| *key == query.sort).map(|(_, tables)| *tables)
}

/// How the conditions of a query are answered.
#[derive(Clone, Default)]
pub(super) struct Ways<'a> {
    /// The best look-up, if the list is large and there is one, and the number of its condition.
    pub lookup: Option<(Option<usize>, Lookup<'a>)>,
    /// Whether it finds few rows.
    pub few: bool,
    /// Whether each condition looks for beginnings only.
    pub beginnings: Vec<bool>,
}

impl Store {
    /// Finds the best way to the rows of `query`.
    pub(super) async fn ways<'a>(
        &self,
        source: &'static Source,
        spec: &'static ListSpec,
        query: &'a ListQuery,
        fixed: &[Fixed],
        search: Search,
    ) -> Result<Ways<'a>> {
        let prefix = format!("{} IN (", source.number);
        let own = fixed.iter().filter_map(|(sql, value)| {
            let query = sql.strip_prefix(&prefix)?.strip_suffix(')')?;
            Some((None, Lookup::Fixed { query, value: value.clone() }))
        });
        let mut lookups: Vec<(Option<usize>, Lookup)> = own.collect();
        let mut ways = Ways { beginnings: vec![false; query.conditions.len()], ..Ways::default() };
        let elsewhere = !is_tab(source, fixed) || led(source, query).is_some();
        if query.conditions.is_empty() && !elsewhere {
            return Ok(ways);
        }
        if !self.is_larger(source, fixed, self.few).await? {
            // An order's index would lead through the rows of everybody else.
            if elsewhere {
                (ways.lookup, ways.few) = (Some((None, Lookup::Whole { source, fixed: fixed.to_vec() })), true);
            }
            return Ok(ways);
        }
        let tab = Tab::of(source, fixed);
        for (n, condition) in query.conditions.iter().enumerate() {
            let kind = spec.property(&condition.key).map_or(Kind::Text, |property| property.kind);
            let column = source.column(&condition.key);
            let (lookup, beginning) = match column.of {
                None => self.own_lookup(source, column, tab, kind, condition).await?,
                Some((other, key)) => {
                    let (first, beginning) = self.own_lookup(other, other.column(key), Tab::Any, kind, condition).await?;
                    (first.map(|first| Lookup::Other { first: Box::new(first), tab, query: column.found }), beginning)
                }
            };
            ways.beginnings[n] = beginning && search == Search::Page;
            lookups.extend(lookup.filter(|_| beginning == ways.beginnings[n]).map(|lookup| (Some(n), lookup)));
        }
        let mut least = i64::MAX;
        for (at, lookup) in lookups {
            let found = self.found(&lookup).await?;
            if found < least {
                (least, ways.lookup) = (found, Some((at, lookup)));
            }
            if found == 0 {
                break;
            }
        }
        ways.few = least <= self.few;
        Ok(ways)
    }

    /// The look-up of a condition in a large list, and whether only beginnings are looked for.
    async fn own_lookup<'a>(
        &self,
        source: &Source,
        column: &'a Column,
        tab: Tab,
        kind: Kind,
        condition: &'a Condition,
    ) -> Result<(Option<Lookup<'a>>, bool)> {
        let inside = condition.op == Op::Contains;
        if let Some(table) = column.text.filter(|_| inside) {
            let value = column.comparable(Kind::Text, &condition.value);
            if value.chars().count() >= LETTERS {
                let matching = format!("\"{}\"", value.replace('"', "\"\""));
                return Ok((Some(Lookup::Text { table, matching }), false));
            }
        }
        if column.found.is_empty() {
            return Ok((None, false));
        }
        // Reading through a whole index takes too long when there are many times more than few rows.
        let beginning = inside
            && (column.text.is_some() || column.beginnings)
            && self.is_larger(source, &[], self.few * WITHIN_REACH).await?;
        Ok((Some(Lookup::Column { column, tab, kind, condition, beginning }), beginning))
    }

    /// The number of rows that a look-up finds, up to one more than few.
    async fn found(&self, lookup: &Lookup<'_>) -> Result<i64> {
        // Many things with few rows each are too many to go through.
        if let Lookup::Other { first, .. } = lookup
            && self.number(first).await? > self.few
        {
            return Ok(self.few + 1);
        }
        self.number(lookup).await
    }

    async fn number(&self, lookup: &Lookup<'_>) -> Result<i64> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM (");
        lookup.push(&mut sql);
        sql.push(format!(") LIMIT {})", self.few + 1));
        let (found,): (i64,) = sql.build_query_as().fetch_one(&self.lists).await?;
        Ok(found)
    }

    /// Whether more rows of a list than these satisfy the fixed conditions.
    async fn is_larger(&self, source: &Source, fixed: &[Fixed], rows: i64) -> Result<bool> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (SELECT 1");
        push_whole(&mut sql, source, fixed);
        sql.push(format!(" LIMIT {})", rows + 1));
        let (found,): (i64,) = sql.build_query_as().fetch_one(&self.lists).await?;
        Ok(found > rows)
    }
}
