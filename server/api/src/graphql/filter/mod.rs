//! The incumbent's filter and order language, turned into the lists' own. What it cannot say of a list here is an error, never
//! a list that means something else.

mod expression;

pub(crate) use expression::moment;

use types::Problem;
use types::list::{Filter, ListQuery, ListSpec, MAX_CONDITIONS, Window};

/// Their names of fields, and ours.
pub type Names = &'static [(&'static str, &'static str)];

/// Rows that one query may ask for.
const MOST_ROWS: i32 = 100;
/// Conditions that a filter becomes as they are; room is left for those of a list's other arguments.
const MOST_PLAIN: usize = MAX_CONDITIONS - 4;

/// A list as it was asked for. `unordered` are fields of theirs that can only be filtered by.
pub fn list(
    spec: &'static ListSpec,
    (names, unordered): (Names, &[&str]),
    (limit, offset): (i32, i32),
    tab: Option<&str>,
    filter: Option<&str>,
    order: Option<&str>,
) -> Result<ListQuery, Problem> {
    if !(1..=MOST_ROWS).contains(&limit) || offset < 0 {
        return Err(wrong(format!("limit is 1 to {MOST_ROWS}, and offset at least 0.")));
    }
    let window = Window { offset: offset.unsigned_abs().into(), limit: limit.unsigned_abs(), any_tab: tab.is_none() };
    let mut query = ListQuery { window: Some(window), ..ListQuery::new(spec) };
    if let Some(tab) = tab {
        query.tab = tab.to_owned();
    }
    if let Some(filter) = filter.filter(|text| !text.trim().is_empty()) {
        ask(&mut query, expression::read(spec, names, filter)?);
    }
    if let Some(order) = order.filter(|text| !text.trim().is_empty()) {
        let orders = order.split(',').map(|part| sort(spec, names, unordered, part)).collect::<Result<Vec<_>, _>>()?;
        let mut orders = orders.into_iter();
        if let Some((key, descending)) = orders.next() {
            (query.sort, query.descending) = (key, descending);
        }
        query.then = orders.collect();
    }
    Ok(query)
}

fn wrong(message: impl Into<String>) -> Problem {
    Problem::field("filter", message)
}

fn named(names: Names, field: &str) -> Result<&'static str, Problem> {
    let ours = names.iter().find(|(theirs, _)| *theirs == field).map(|(_, ours)| *ours);
    ours.ok_or_else(|| wrong(format!("Unknown/unsupported field name: {field}")))
}

/// Puts a filter into a query: what every row must fulfil as plain conditions, which indexes help with, and the rest as it is.
fn ask(query: &mut ListQuery, filter: Filter) {
    let parts = match filter {
        Filter::All(parts) => parts,
        only => vec![only],
    };
    let mut rest = Vec::new();
    for part in parts {
        match part {
            Filter::Is(condition) if query.conditions.len() < MOST_PLAIN => query.conditions.push(condition),
            part => rest.push(part),
        }
    }
    query.filter = if rest.len() > 1 { Some(Filter::All(rest)) } else { rest.pop() };
}

/// One field of an order, and whether it runs from the largest.
fn sort(spec: &ListSpec, names: Names, unordered: &[&str], part: &str) -> Result<(String, bool), Problem> {
    let part = part.trim();
    let (descending, field) = match part.strip_prefix('-') {
        Some(field) => (true, field),
        None => (false, part.strip_prefix('+').unwrap_or(part)),
    };
    let key = named(names, field)?;
    if unordered.contains(&field) || !(spec.sorts.contains(&key) || spec.property(key).is_some()) {
        return Err(wrong(format!("A list cannot be ordered by {field}.")));
    }
    Ok((key.to_owned(), descending))
}

#[cfg(test)]
mod tests;
