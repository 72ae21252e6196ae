//! Tabs above a table and the headers of its columns, all of them links.
//!
//! They are plain `<a>`, here and in the neighbouring files: the router's own link treats every address on the same path as the
//! current page, whatever its query, and here all addresses are on the same path.

use super::{About, Place};
use leptos::prelude::*;
use types::list::ListQuery;

/// Renders the tabs of the spec, if it has any, and the contents beside the last one.
pub(super) fn tabs(place: Place, after: Option<ViewFn>) -> AnyView {
    let row = |label: &'static str,
               tabs: &'static [(&'static str, &'static str)],
               pick: fn(&ListQuery) -> &String,
               change: fn(ListQuery, String) -> ListQuery| {
        if tabs.is_empty() {
            return ().into_any();
        }
        let tab = |(key, title): &(&'static str, &'static str)| {
            let (key, title) = (*key, *title);
            let here = move || place.query.with(|query| pick(query) == key);
            let address = move || place.query.with(|query| place.address(&change(query.at_page(1), key.to_owned())));
            view! { <li><a href=address data-noscroll class="tab" aria-current=move || here().then_some("true")>{title}</a></li> }
        };
        view! { <nav aria-label=label><ul class="tabs">{tabs.iter().map(tab).collect::<Vec<_>>()}</ul></nav> }.into_any()
    };
    view! {
        <div class="tab-rows">
            {row("Kinds", place.spec.subtabs, |query| &query.subtab, |query, subtab| ListQuery { subtab, ..query })}
            <div class="tab-states">
                {row("States", place.spec.tabs, |query| &query.tab, |query, tab| ListQuery { tab, ..query })}
                {after.map(|after| after.run())}
            </div>
        </div>
    }
    .into_any()
}

/// Renders the row of headers.
pub(super) fn head(
    place: Place,
    visible: Memo<Vec<About>>,
    keys: Memo<Vec<(String, String)>>,
    selection: Option<RwSignal<Vec<String>>>,
) -> AnyView {
    let all = selection.map(|selection| {
        let every = move || keys.with(|keys| !keys.is_empty() && selection.with(|chosen| keys.iter().all(|(key, _)| chosen.contains(key))));
        let choose = move |event| {
            let on = event_target_checked(&event);
            selection.set(if on { keys.with_untracked(|keys| keys.iter().map(|(key, _)| key.clone()).collect()) } else { Vec::new() });
        };
        view! { <th scope="col" class="select-cell"><input type="checkbox" aria-label="Select every row of this page" prop:checked=every on:change=choose/></th> }
    });
    view! {
        <thead>
            <tr>
                {all}
                {move || visible.get().into_iter().map(|column| cell(place, column)).collect::<Vec<_>>()}
            </tr>
        </thead>
    }
    .into_any()
}

fn cell(place: Place, column: About) -> AnyView {
    let class = column.number.then_some("number");
    if !column.sortable {
        return view! { <th scope="col" class=class>{column.title}</th> }.into_any();
    }
    let key = column.key;
    let order = move || {
        place.query.with(|query| (query.sort == key).then_some(if query.descending { "descending" } else { "ascending" }))
    };
    let address = move || place.query.with(|query| place.address(&query.sorted_by(place.spec, key)));
    let mark = move || match order() {
        Some("descending") => "▼",
        Some(_) => "▲",
        None => "",
    };
    view! {
        <th scope="col" class=class aria-sort=move || order().unwrap_or("none")>
            <a href=address data-noscroll>{column.title}<span class="sort-mark" aria-hidden="true">{mark}</span></a>
        </th>
    }
    .into_any()
}
