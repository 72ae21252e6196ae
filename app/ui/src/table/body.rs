//! The rows, or a placeholder: still loading, an empty list, no matches, an error, a page past the end.

use super::{About, Counts, Place};
use crate::form::{Button, Variant};
use leptos::prelude::*;
use types::list::ListQuery;

/// The rows independent of their type: the key and label of each, and its cells.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub keys: Memo<Vec<(String, String)>>,
    /// A text for each row that is equal in neighbours to be folded; empty where rows are never folded.
    pub alike: Memo<Vec<String>>,
    /// Returns, for a row's key, a function that renders the cell of a column.
    pub cells: Callback<String, Callback<&'static str, AnyView>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Instead {
    Waiting,
    Nothing,
    NoMatches,
    PastTheEnd,
    Failed(String),
}

pub(super) fn body(
    place: Place,
    visible: Memo<Vec<About>>,
    rows: Rows,
    counts: Counts,
    selection: Option<RwSignal<Vec<String>>>,
    empty: ViewFn,
    on_refresh: Callback<()>,
) -> AnyView {
    let instead = Memo::new(move |_| match counts.get() {
        None => Some(Instead::Waiting),
        Some(Err(problem)) => Some(Instead::Failed(problem)),
        Some(Ok((0, total, _))) if total > 0 => Some(Instead::PastTheEnd),
        Some(Ok((0, ..))) if place.query.with(|query| query.page > 1) => Some(Instead::PastTheEnd),
        Some(Ok((0, ..))) if place.query.with(|query| !query.conditions.is_empty()) => Some(Instead::NoMatches),
        Some(Ok((0, ..))) => Some(Instead::Nothing),
        Some(Ok(_)) => None,
    });
    let opened = RwSignal::new(Vec::<String>::new());
    let items =
        Memo::new(move |_| rows.keys.with(|keys| rows.alike.with(|alike| opened.with(|opened| fold(keys, alike, opened)))));
    let wide = move || visible.with(Vec::len) + usize::from(selection.is_some());
    view! {
        <tbody>
            <For each=move || items.get() key=Item::key children=move |item| match item {
                Item::Row(key, label) => row(key, label, visible, rows, selection),
                Item::Folded(first, many) => folded(first, many, wide, opened),
            }/>
            {move || instead.get().map(|what| {
                let contents = explain(place, what, &empty, on_refresh);
                view! { <tr class="instead"><td colspan=move || wide().to_string()>{contents}</td></tr> }
            })}
        </tbody>
    }
    .into_any()
}

/// The fewest neighbours that are folded away: fewer are shorter than the line that stands for them.
const FEWEST: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Row(String, String),
    /// Rows like the one with this key, and how many.
    Folded(String, usize),
}

impl Item {
    fn key(&self) -> String {
        match self {
            Self::Row(key, _) => key.clone(),
            Self::Folded(first, many) => format!("{first} and {many} more"),
        }
    }
}

/// The rows, of which neighbours that are alike are folded into the first, unless that was opened.
fn fold(keys: &[(String, String)], alike: &[String], opened: &[String]) -> Vec<Item> {
    let item = |(key, label): &(String, String)| Item::Row(key.clone(), label.clone());
    if alike.len() != keys.len() {
        return keys.iter().map(item).collect();
    }
    let mut items = Vec::with_capacity(keys.len());
    let mut at = 0;
    while at < keys.len() {
        let same = alike[at..].iter().take_while(|one| **one == alike[at] && !one.is_empty()).count().max(1);
        items.push(item(&keys[at]));
        if same > FEWEST && !opened.contains(&keys[at].0) {
            items.push(Item::Folded(keys[at].0.clone(), same - 1));
        } else {
            items.extend(keys[at + 1..at + same].iter().map(item));
        }
        at += same;
    }
    items
}

fn folded(first: String, many: usize, wide: impl Fn() -> usize + Send + 'static, opened: RwSignal<Vec<String>>) -> AnyView {
    let open = Callback::new(move |()| opened.update(|opened| opened.push(first.clone())));
    view! {
        <tr class="folded"><td colspan=move || wide().to_string()>
            <Button variant=Variant::Quiet on_press=open>{format!("+ {many} alike")}</Button>
        </td></tr>
    }
    .into_any()
}

fn row(key: String, label: String, visible: Memo<Vec<About>>, rows: Rows, selection: Option<RwSignal<Vec<String>>>) -> AnyView {
    let cells = rows.cells.run(key.clone());
    let check = selection.map(|selection| {
        let (mine, toggled) = (key.clone(), key.clone());
        let toggle = move |event| {
            let on = event_target_checked(&event);
            selection.update(|all| {
                all.retain(|one| *one != toggled);
                if on {
                    all.push(toggled.clone());
                }
            });
        };
        view! {
            <td class="select-cell">
                <input type="checkbox" aria-label=format!("Select {label}") prop:checked=move || selection.with(|all| all.contains(&mine)) on:change=toggle/>
            </td>
        }
    });
    view! {
        <tr>
            {check}
            {move || visible.get().into_iter().map(|column| {
                let class = column.number.then_some("number");
                view! { <td class=class data-label=column.title>{move || cells.run(column.key)}</td> }
            }).collect::<Vec<_>>()}
        </tr>
    }
    .into_any()
}

fn explain(place: Place, what: Instead, empty: &ViewFn, on_refresh: Callback<()>) -> AnyView {
    match what {
        Instead::Waiting => view! { <crate::Skeleton/> }.into_any(),
        Instead::Nothing => empty.run(),
        Instead::NoMatches => {
            let address =
                move || place.query.with(|query| place.address(&ListQuery { conditions: Vec::new(), ..query.at_page(1) }));
            view! { <div class="empty"><p class="empty-title">"Nothing matches this filter"</p><p><a href=address data-noscroll>"Clear the filter"</a></p></div> }.into_any()
        }
        Instead::PastTheEnd => {
            let address = move || place.query.with(|query| place.address(&query.at_page(1)));
            view! { <div class="empty"><p class="empty-title">"This page is past the end of the list"</p><p><a href=address data-noscroll>"Go to the first page"</a></p></div> }.into_any()
        }
        Instead::Failed(problem) => view! {
            <div class="empty" role="alert">
                <p class="empty-title">"The list could not be loaded"</p>
                <p>{problem}</p>
                <Button on_press=on_refresh>"Try again"</Button>
            </div>
        }
        .into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold_of(alike: &[&str], opened: &[&str]) -> Vec<String> {
        let keys: Vec<_> = (0..alike.len()).map(|n| (n.to_string(), n.to_string())).collect();
        let texts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        fold(&keys, &texts(alike), &texts(opened)).iter().map(Item::key).collect()
    }

    #[test]
    fn several_neighbours_that_are_alike_are_folded_into_the_first() {
        assert_eq!(fold_of(&["a", "a", "a", "a", "b", "a"], &[]), ["0", "0 and 3 more", "4", "5"]);
        assert_eq!(fold_of(&["a", "a", "a", "b"], &[]), ["0", "1", "2", "3"], "too few");
        assert_eq!(fold_of(&["", "", "", "", ""], &[]), ["0", "1", "2", "3", "4"], "each stands alone");
        assert_eq!(fold_of(&["a", "a", "a", "a"], &["0"]), ["0", "1", "2", "3"], "opened");
        assert_eq!(fold_of(&[], &[]), [""; 0]);
    }
}
