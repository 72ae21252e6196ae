//! Prints every question that the lists allow, as lines of JSON: each tab, order and last page, and each filter in each order.
//! `cargo xtask bench --lists` sends them to a server.

use serde_json::json;
use types::list::{COUNT_LIMIT, Condition, Kind, ListQuery, ListSpec, Op, PAGE_SIZES};
use types::lists::LISTS;

/// Rows of a page.
const PER: u32 = PAGE_SIZES[1];

/// Values that all, many, few and none of the seeded rows have; texts of one and two letters as well.
fn values(kind: Kind, op: Op) -> Vec<String> {
    let values: &[&str] = match kind {
        Kind::Text if op == Op::Contains => {
            &["a", "zz", "an", "example", "lovelace", "lovelace4", "default", "train-kim", "10.0.3", "no such thing"]
        }
        Kind::Text => &["ada.abe0@example.org", "default", "host", "sign-in", "no such thing"],
        Kind::Choice(options) => return options.iter().map(|(word, _)| (*word).to_owned()).collect(),
        Kind::Flag => &["yes", "no"],
        Kind::Number => &["0", "8", "5000", "1000000"],
        Kind::Id => &["00000000-0000-0000-0000-000000000000"],
        Kind::Date => &["2020-01-01", "2026-03-01", "2026-11-28", "2030-01-01"],
    };
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn orders(spec: &ListSpec) -> impl Iterator<Item = (String, bool)> {
    spec.sorts.iter().flat_map(|sort| [((*sort).to_owned(), false), ((*sort).to_owned(), true)])
}

fn print(spec: &ListSpec, what: &str, query: &ListQuery) {
    println!("{}", json!({ "list": spec.name, "what": what, "query": query, "address": query.to_query_string(spec) }));
}

fn main() {
    for spec in LISTS {
        let plain = ListQuery { per: PER, ..ListQuery::new(spec) };
        let tabs = if spec.tabs.is_empty() { &[("", "")] } else { spec.tabs };
        let subtabs = if spec.subtabs.is_empty() { &[("", "")] } else { spec.subtabs };
        for (tab, _) in tabs {
            for (sort, descending) in orders(spec) {
                let query = ListQuery { tab: (*tab).into(), sort, descending, ..plain.clone() };
                for (subtab, _) in subtabs {
                    print(spec, "no filter", &ListQuery { subtab: (*subtab).into(), ..query.clone() });
                }
                print(spec, "the last page", &query.at_page((COUNT_LIMIT / u64::from(PER)) as u32));
                for property in spec.offered() {
                    for op in property.kind.ops() {
                        for value in values(property.kind, *op) {
                            let condition = Condition { key: property.key.into(), op: *op, value };
                            let query = ListQuery { conditions: vec![condition], ..query.clone() };
                            print(spec, &format!("{} {}", property.label, op.label(property.kind)), &query);
                        }
                    }
                }
            }
        }
    }
}
