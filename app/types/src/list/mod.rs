//! The list language: the filters and orders that a table offers, and a person's choice among them, which lives in the URL.
//!
//! A [`ListSpec`] is declared once per table. A [`ListQuery`] is read from the URL, checked against the spec, and sent to the
//! server as is. The same text is in the address bar, in every link of the table, and in the address of its CSV export:
//! `?f=email.contains.ann&f=role.any.user,admin&sort=-created_at&page=2&per=20&tab=inactive`.
//!
//! Deliberately absent: SQL (the store maps keys to columns) and any knowledge of the things listed.

mod filter;
mod kind;
mod suggest;

pub use crate::address::encode;
pub use filter::{Filter, MAX_DEPTH, MAX_PARTS};
pub use kind::{Kind, Op};
pub use suggest::{Suggestion, suggest};

use serde::{Deserialize, Serialize};

/// The choices for rows per page. The first is the default.
pub const PAGE_SIZES: [u32; 3] = [10, 20, 50];
/// The most conditions in one filter, so that a query has a bounded cost.
pub const MAX_CONDITIONS: usize = 12;
/// The most keys that a list can be ordered by at once.
pub const MAX_ORDERS: usize = 8;
/// The most characters in one condition's value.
pub const MAX_VALUE: usize = 200;
/// Counting stops here, and so do the pages. Beyond it a list says "10,000+", because an exact count would walk the whole table.
pub const COUNT_LIMIT: u64 = 10_000;

/// A property that a list can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// The word used in URLs.
    pub key: &'static str,
    /// The word shown to people. If empty, the property is for programs only and no page offers it.
    pub label: &'static str,
    pub kind: Kind,
}

impl Property {
    /// Returns the name for use in a sentence.
    pub fn name(&self) -> &'static str {
        if self.label.is_empty() { self.key } else { self.label }
    }
}

/// The filters, orders and tabs of a table, declared once beside its row type.
#[derive(Debug, PartialEq, Eq)]
pub struct ListSpec {
    /// The table's name: the key of a person's column settings and of its export.
    pub name: &'static str,
    pub properties: &'static [Property],
    /// Keys that the list can be ordered by. The store has an index for each.
    pub sorts: &'static [&'static str],
    /// The order if none is chosen.
    pub default_sort: Sort<'static>,
    /// The tabs as (key, label). The first is the default. Empty if the list has none.
    pub tabs: &'static [(&'static str, &'static str)],
    /// A second row of tabs (for sessions: their type), with the same rules.
    pub subtabs: &'static [(&'static str, &'static str)],
}

impl ListSpec {
    /// Returns the property with this key.
    pub fn property(&self, key: &str) -> Option<&'static Property> {
        self.properties.iter().find(|p| p.key == key)
    }

    /// Returns the properties that a page offers.
    pub fn offered(&self) -> impl Iterator<Item = &'static Property> + use<> {
        self.properties.iter().filter(|p| !p.label.is_empty())
    }
}

/// An order: a key, and whether the largest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort<'a> {
    pub key: &'a str,
    pub descending: bool,
}

/// One condition of a filter: a property, an operator, a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    pub key: String,
    pub op: Op,
    pub value: String,
}

impl Condition {
    fn to_param(&self) -> String {
        format!("{}.{}.{}", self.key, self.op.key(), self.value)
    }

    fn from_param(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (key, op, value) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { key: key.into(), op: Op::from_key(op)?, value: value.into() })
    }
}

/// A query of a list. Always valid for its spec: either made by [`ListQuery::parse`] or checked by [`ListQuery::check`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListQuery {
    pub tab: String,
    pub subtab: String,
    /// Conditions that must all hold.
    pub conditions: Vec<Condition>,
    pub sort: String,
    pub descending: bool,
    /// From 1.
    pub page: u32,
    /// One of [`PAGE_SIZES`].
    pub per: u32,
    /// A range of rows instead of a page. Set by programs only, and therefore never in an address or in a page's requests.
    #[serde(skip)]
    pub window: Option<Window>,
    /// A filter that must hold as well. Set by programs only.
    #[serde(skip)]
    pub filter: Option<Filter>,
    /// Tie-breakers after `sort`, as (key, descending). Set by programs only.
    #[serde(skip)]
    pub then: Vec<(String, bool)>,
}

/// A range of rows that a program requests instead of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub offset: u64,
    pub limit: u32,
    /// Whether to ignore the tab.
    pub any_tab: bool,
}

impl ListQuery {
    /// Makes the query for a list's default state.
    pub fn new(spec: &ListSpec) -> Self {
        let first = |tabs: &[(&str, &str)]| tabs.first().map(|(key, _)| key.to_string()).unwrap_or_default();
        Self {
            tab: first(spec.tabs),
            subtab: first(spec.subtabs),
            conditions: Vec::new(),
            sort: spec.default_sort.key.into(),
            descending: spec.default_sort.descending,
            page: 1,
            per: PAGE_SIZES[0],
            window: None,
            filter: None,
            then: Vec::new(),
        }
    }

    /// Parses the parameters of an address ([`crate::address::parameters`]). Returns the query, so that an old link still opens,
    /// and a sentence about each part that did not fit the list and is not in it: with fewer conditions there are more rows, so
    /// nobody may be left to believe that they all hold.
    ///
    /// Besides `f=…`, `q` adds the likeliest meaning of a typed text ([`suggest()`]): the filter box sends it from a browser without
    /// scripts.
    pub fn parse(spec: &ListSpec, parameters: &[(String, String)]) -> (Self, Vec<String>) {
        let (mut query, mut ignored) = (Self::new(spec), Vec::new());
        for (name, text) in parameters {
            let text = text.as_str();
            match name.as_str() {
                "tab" if spec.tabs.iter().any(|(key, _)| *key == text) => query.tab = text.into(),
                "type" if spec.subtabs.iter().any(|(key, _)| *key == text) => query.subtab = text.into(),
                "tab" | "type" => ignored.push(format!("This list has no tab {}.", quoted(text))),
                "sort" => {
                    let (descending, key) = text.strip_prefix('-').map_or((false, text), |key| (true, key));
                    if spec.sorts.contains(&key) {
                        (query.sort, query.descending) = (key.into(), descending);
                    } else {
                        ignored.push(format!("This list cannot be ordered by {}.", quoted(key)));
                    }
                }
                "page" => query.page = text.parse().unwrap_or(1).max(1),
                "per" => query.per = text.parse().ok().filter(|n| PAGE_SIZES.contains(n)).unwrap_or(PAGE_SIZES[0]),
                "f" => ignored.extend(match Condition::from_param(text) {
                    Some(condition) => query.add(spec, condition).err().map(|why| format!("{}: {why}", quoted(text))),
                    None => Some(format!("{} is not a condition.", quoted(text))),
                }),
                "q" if text.trim().is_empty() => {}
                "q" => match suggest(spec, text, None).first() {
                    Some(meant) => match query.with_all(spec, &meant.conditions) {
                        Ok(with) => query.conditions = with.conditions,
                        Err(why) => ignored.push(format!("{}: {why}", quoted(text))),
                    },
                    None => ignored.push(format!("This list cannot be filtered by {}.", quoted(text))),
                },
                _ => {}
            }
        }
        if query.is_beyond() {
            query.page = 1;
            ignored.push(beyond());
        }
        (query, ignored)
    }

    /// Whether this page begins beyond the rows that a list shows: each row on the way to it would be walked over.
    fn is_beyond(&self) -> bool {
        self.window.is_none() && self.offset() >= COUNT_LIMIT
    }

    /// Adds a condition unless it is there already. The error is a sentence for people.
    fn add(&mut self, spec: &ListSpec, condition: Condition) -> Result<(), String> {
        check_condition(spec, &condition)?;
        if self.conditions.contains(&condition) {
            return Ok(());
        }
        if self.conditions.len() >= MAX_CONDITIONS {
            return Err(format!("A filter has at most {MAX_CONDITIONS} conditions."));
        }
        self.conditions.push(condition);
        Ok(())
    }

    /// Checks a query that came over the wire. Refuses with [`crate::Problem::Invalid`].
    pub fn check(&self, spec: &ListSpec) -> Result<(), crate::Problem> {
        let known =
            |tabs: &[(&str, &str)], tab: &str| tabs.iter().any(|(key, _)| *key == tab) || (tabs.is_empty() && tab.is_empty());
        if !known(spec.tabs, &self.tab) || !known(spec.subtabs, &self.subtab) {
            return Err(crate::Problem::field("tab", "This list has no such tab."));
        }
        // Programs may also order by properties without an index, which is slow.
        let orders = |key: &str, any: bool| spec.sorts.contains(&key) || (any && spec.property(key).is_some());
        if !orders(&self.sort, self.window.is_some()) || !self.then.iter().all(|(key, _)| orders(key, true)) {
            return Err(crate::Problem::field("sort", format!("This list can be ordered by {}.", spec.sorts.join(", "))));
        }
        if self.then.len() >= MAX_ORDERS {
            return Err(crate::Problem::field("sort", format!("A list can be ordered by at most {MAX_ORDERS} properties.")));
        }
        if !PAGE_SIZES.contains(&self.per) || self.page == 0 {
            return Err(crate::Problem::field("page", "Pages start at 1 and have 10, 20 or 50 rows."));
        }
        if self.is_beyond() {
            return Err(crate::Problem::field("page", beyond()));
        }
        if self.conditions.len() > MAX_CONDITIONS {
            return Err(crate::Problem::field("filter", format!("A filter has at most {MAX_CONDITIONS} conditions.")));
        }
        self.conditions
            .iter()
            .try_for_each(|c| check_condition(spec, c))
            .and_then(|()| self.filter.as_ref().map_or(Ok(()), |filter| filter.check(spec)))
            .map_err(|message| crate::Problem::field("filter", message))
    }

    /// Formats this query as the query string of a URL, without `?`. Defaults are left out, which keeps links short and stable.
    pub fn to_query_string(&self, spec: &ListSpec) -> String {
        let plain = Self::new(spec);
        let mut pairs = Vec::new();
        let mut push = |name: &str, value: &str| pairs.push(format!("{name}={}", encode(value)));
        if self.tab != plain.tab {
            push("tab", &self.tab);
        }
        if self.subtab != plain.subtab {
            push("type", &self.subtab);
        }
        for condition in &self.conditions {
            push("f", &condition.to_param());
        }
        if (&self.sort, self.descending) != (&plain.sort, plain.descending) {
            push("sort", &format!("{}{}", if self.descending { "-" } else { "" }, self.sort));
        }
        if self.per != plain.per {
            push("per", &self.per.to_string());
        }
        if self.page != 1 {
            push("page", &self.page.to_string());
        }
        pairs.join("&")
    }

    /// Returns the same query for another page.
    pub fn at_page(&self, page: u32) -> Self {
        Self { page, ..self.clone() }
    }

    /// Returns the same query with the next order of `key`: ascending, descending, the list's default. Goes back to the first
    /// page.
    pub fn sorted_by(&self, spec: &ListSpec, key: &str) -> Self {
        let (sort, descending) = match (self.sort == key, self.descending) {
            (false, _) => (key, false),
            (true, false) => (key, true),
            // The column of the default order has no third state: it alternates between ascending and descending.
            (true, true) if spec.default_sort.key == key => (key, false),
            (true, true) => (spec.default_sort.key, spec.default_sort.descending),
        };
        Self { sort: sort.into(), descending, page: 1, ..self.clone() }
    }

    /// Returns the same query with one more condition, on its first page. The error is a sentence for the filter's own field.
    pub fn with(&self, spec: &ListSpec, condition: Condition) -> Result<Self, String> {
        let mut next = self.at_page(1);
        next.add(spec, condition)?;
        Ok(next)
    }

    /// Returns the same query without condition number `index`, on its first page.
    pub fn without(&self, index: usize) -> Self {
        let mut next = self.at_page(1);
        if index < next.conditions.len() {
            next.conditions.remove(index);
        }
        next
    }

    /// Returns the number of rows to skip.
    pub fn offset(&self) -> u64 {
        self.window.map_or(u64::from(self.page - 1) * u64::from(self.per), |window| window.offset)
    }

    /// Returns the number of rows to read.
    pub fn limit(&self) -> u32 {
        self.window.map_or(self.per, |window| window.limit)
    }

    /// Returns the tab that rows must be in; `None` means any.
    pub fn tab(&self) -> Option<&str> {
        if self.window.is_some_and(|window| window.any_tab) { None } else { Some(&self.tab) }
    }
}

fn beyond() -> String {
    format!("A list shows its first {} rows: narrow the filter.", crate::quantity::grouped(COUNT_LIMIT))
}

/// A part of an address as it may be shown in a sentence.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().filter(|c| !crate::rules::is_hidden(*c)).take(LONGEST).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    format!("“{shown}”")
}

fn find_property(spec: &ListSpec, key: &str) -> Result<&'static Property, String> {
    spec.property(key).ok_or_else(|| format!("This list cannot be filtered by “{key}”."))
}

fn check_condition(spec: &ListSpec, condition: &Condition) -> Result<(), String> {
    let property = find_property(spec, &condition.key)?;
    if !property.kind.ops().contains(&condition.op) {
        return Err(format!("{} cannot be compared with “{}”.", property.name(), condition.op.key()));
    }
    property.kind.check(&condition.value)
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// The number of rows that match the filter, counted up to [`COUNT_LIMIT`].
    pub total: u64,
    /// Whether there are more rows than `total`.
    pub more: bool,
    /// Whether a condition looked only for texts that begin with its value: the list is large and the value is short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beginnings: bool,
}

impl<T> Page<T> {
    /// Converts the rows and keeps the counts.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(f).collect(), total: self.total, more: self.more, beginnings: self.beginnings }
    }
}

/// A person's choice of columns for one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnLayout {
    /// The keys of the visible columns, in order. Empty means the table's default.
    pub shown: Vec<String>,
    /// The widths of columns, in pixels. Empty: each is as wide as its contents need.
    #[serde(default)]
    pub widths: ColumnWidths,
}

/// Widths in pixels, by the columns' keys.
pub type ColumnWidths = std::collections::BTreeMap<String, u16>;

/// The widths that a column may have, in pixels.
pub const COLUMN_WIDTHS: std::ops::RangeInclusive<u16> = 48..=1200;

#[cfg(test)]
mod tests;
