//! Backend.AI's filter and order language, turned into the lists' own. A filter that a list here cannot answer is an error; it
//! never selects a different list.

mod expression;

pub(crate) use expression::moment;

use types::Problem;
use types::list::{Filter, ListQuery, ListSpec, MAX_CONDITIONS, Window};

/// Backend.AI's names of fields, each with ours.
pub type Names = &'static [(&'static str, &'static str)];

/// Rows that one query may ask for.
const MOST_ROWS: i32 = 100;
/// The most plain conditions that a filter becomes; the rest of a query's conditions is for the list's other arguments.
const MOST_PLAIN: usize = MAX_CONDITIONS - 4;

/// Reads a request for a list. `unordered` names the fields of theirs that can be filtered by but not ordered by.
pub fn list(
    spec: &'static ListSpec,
    (names, unordered): (Names, &[&str]),
    (limit, offset): (i32, i32),
    tab: Option<&str>,
    filter: Option<&str>,
    order: Option<&str>,
) -> Result<ListQuery, Problem> {
    if !(1..=MOST_ROWS).contains(&limit) || offset < 0 {
        return Err(invalid_filter(format!("limit must be from 1 to {MOST_ROWS}, and offset at least 0.")));
    }
    let window = Window { offset: offset.unsigned_abs().into(), limit: limit.unsigned_abs(), any_tab: tab.is_none() };
    let mut query = ListQuery { window: Some(window), ..ListQuery::new(spec) };
    if let Some(tab) = tab {
        query.tab = tab.to_owned();
    }
    if let Some(filter) = filter.filter(|text| !text.trim().is_empty()) {
        add_filter(&mut query, expression::read(spec, names, filter)?);
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

fn invalid_filter(message: impl Into<String>) -> Problem {
    Problem::field("filter", message)
}

fn key_of_field(names: Names, field: &str) -> Result<&'static str, Problem> {
    let ours = names.iter().find(|(theirs, _)| *theirs == field).map(|(_, ours)| *ours);
    ours.ok_or_else(|| invalid_filter(format!("Unknown/unsupported field name: {field}")))
}

/// Adds a filter to a query. Conditions that every row must meet become plain conditions, which have indexes; the rest stays a
/// filter.
fn add_filter(query: &mut ListQuery, filter: Filter) {
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

/// Reads one field of an order: its key, and whether the order is descending.
fn sort(spec: &ListSpec, names: Names, unordered: &[&str], part: &str) -> Result<(String, bool), Problem> {
    let part = part.trim();
    let (descending, field) = match part.strip_prefix('-') {
        Some(field) => (true, field),
        None => (false, part.strip_prefix('+').unwrap_or(part)),
    };
    let key = key_of_field(names, field)?;
    if unordered.contains(&field) || !(spec.sorts.contains(&key) || spec.property(key).is_some()) {
        return Err(invalid_filter(format!("This list cannot be ordered by {field}.")));
    }
    Ok((key.to_owned(), descending))
}

#[cfg(test)]
mod tests;
