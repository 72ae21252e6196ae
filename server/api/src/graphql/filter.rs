//! The incumbent's filter and order language, as far as lists here can answer it: comparisons joined by `&`, and one field to
//! order by. What it cannot say is an error, never a list that means something else.

use types::Problem;
use types::list::{Condition, Kind, ListQuery, ListSpec, Op, Window};

/// Their names of fields, and ours.
pub type Names = &'static [(&'static str, &'static str)];

/// Rows that one query may ask for.
const MOST_ROWS: i32 = 100;

/// A list as it was asked for.
pub fn list(
    spec: &'static ListSpec,
    names: Names,
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
        for part in split(filter)? {
            query.conditions.push(condition(spec, names, part)?);
        }
    }
    if let Some(order) = order.filter(|text| !text.trim().is_empty()) {
        let (key, descending) = sort(spec, names, order)?;
        (query.sort, query.descending) = (key.to_owned(), descending);
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

fn sort(spec: &ListSpec, names: Names, order: &str) -> Result<(&'static str, bool), Problem> {
    let order = order.trim();
    if order.contains(',') {
        return Err(wrong("A list can be ordered by one field."));
    }
    let (descending, field) = match order.strip_prefix('-') {
        Some(field) => (true, field),
        None => (false, order.strip_prefix('+').unwrap_or(order)),
    };
    let key = named(names, field)?;
    if !spec.sorts.contains(&key) {
        return Err(wrong(format!("A list cannot be ordered by {field}.")));
    }
    Ok((key, descending))
}

/// The parts between `&`, outside quotes.
fn split(text: &str) -> Result<Vec<&str>, Problem> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '&' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            '|' | '!' | '(' | ')' if !quoted && !text[at..].starts_with("!=") => {
                return Err(wrong("Only comparisons that are joined by & can be answered here."));
            }
            _ => {}
        }
    }
    if quoted {
        return Err(wrong("A quote is not closed."));
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn condition(spec: &ListSpec, names: Names, text: &str) -> Result<Condition, Problem> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (field, rest) = text.split_at(end);
    let key = named(names, field)?;
    let kind =
        spec.property(key).map(|property| property.kind).ok_or_else(|| wrong(format!("{field} cannot be filtered by.")))?;
    let rest = rest.trim_start();
    let ops = ["==", ">=", "<=", "contains", "ilike", "like", "isnot", "is", "in", "!=", ">", "<"];
    let op = ops.into_iter().find(|op| rest.starts_with(op)).ok_or_else(|| wrong(format!("No comparison after {field}.")))?;
    let value = literal(rest[op.len()..].trim())?;
    let (op, value) = match (op, kind) {
        ("==" | "is", Kind::Flag) => (Op::Is, if value == "true" { "yes".into() } else { "no".into() }),
        ("==", Kind::Choice(_)) => (Op::Any, value),
        ("==", Kind::Text | Kind::Number | Kind::Id) => (Op::Equals, value),
        ("contains", Kind::Text) => (Op::Contains, value),
        ("like" | "ilike", Kind::Text) if value.len() > 2 && value.starts_with('%') && value.ends_with('%') => {
            (Op::Contains, value[1..value.len() - 1].to_owned())
        }
        ("like" | "ilike", Kind::Text) if !value.contains(['%', '_']) => (Op::Equals, value),
        (">=", Kind::Number | Kind::Date) => (Op::Min, value),
        ("<=", Kind::Number | Kind::Date) => (Op::Max, value),
        _ => return Err(wrong(format!("{field} cannot be compared with {op} here."))),
    };
    let value = if kind == Kind::Date { value.chars().take(10).collect() } else { value };
    kind.check(&value).map_err(wrong)?;
    Ok(Condition { key: key.into(), op, value })
}

/// A quoted text, or a word or number as it stands.
fn literal(text: &str) -> Result<String, Problem> {
    match text.strip_prefix('"') {
        Some(rest) => match rest.strip_suffix('"') {
            Some(inside) => Ok(inside.replace("\\\"", "\"")),
            None => Err(wrong("A quote is not closed.")),
        },
        None if text.is_empty() || text.starts_with('[') => Err(wrong("A comparison needs one value.")),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::user::USERS;

    const NAMES: Names = &[
        ("email", "email"),
        ("role", "role"),
        ("uuid", "id"),
        ("need_password_change", "must_change_password"),
        ("created_at", "created_at"),
    ];

    fn asked(filter: &str, order: &str) -> Result<ListQuery, Problem> {
        list(&USERS, NAMES, (20, 0), None, Some(filter), Some(order))
    }

    #[test]
    fn comparisons_joined_by_and_become_conditions() {
        let query =
            asked(r#"email ilike "%ann & \"co\"%" & role == "user" & need_password_change == true"#, "-created_at").unwrap();
        let said: Vec<_> = query.conditions.iter().map(|c| (c.key.as_str(), c.op, c.value.as_str())).collect();
        assert_eq!(
            said,
            [("email", Op::Contains, "ann & \"co\""), ("role", Op::Any, "user"), ("must_change_password", Op::Is, "yes")]
        );
        assert!(query.sort == "created_at" && query.descending);
        assert!(!asked("", "+email").unwrap().descending);
    }

    #[test]
    fn what_cannot_be_answered_is_an_error_and_never_another_list() {
        for filter in [
            r#"email == "a" | role == "user""#,
            r#"!(email == "a")"#,
            r#"nosuch == "a""#,
            r#"email == "a"#,
            "email",
            r#"email > "a""#,
            r#"role == "king""#,
            r#"uuid == "x""#,
            r#"email != "a""#,
        ] {
            assert!(asked(filter, "").is_err(), "{filter}");
        }
        assert!(asked("", "email,role").is_err());
        assert!(asked("", "nosuch").is_err());
        assert!(list(&USERS, NAMES, (101, 0), None, None, None).is_err());
        assert!(list(&USERS, NAMES, (10, -1), None, None, None).is_err());
    }
}
