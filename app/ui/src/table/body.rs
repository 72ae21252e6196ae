//! The rows, or a placeholder: still loading, an empty list, no matches, an error, a page past the end.

use super::{About, Counts, Place};
use crate::form::Button;
use leptos::prelude::*;
use types::list::ListQuery;

/// The rows independent of their type: the key and label of each, and its cells.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub keys: Memo<Vec<(String, String)>>,
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
    let wide = move || visible.with(Vec::len) + usize::from(selection.is_some());
    view! {
        <tbody>
            <For each=move || rows.keys.get() key=|(key, _)| key.clone() children=move |(key, label)| row(key, label, visible, rows, selection)/>
            {move || instead.get().map(|what| {
                let contents = explain(place, what, &empty, on_refresh);
                view! { <tr class="instead"><td colspan=move || wide().to_string()>{contents}</td></tr> }
            })}
        </tbody>
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
