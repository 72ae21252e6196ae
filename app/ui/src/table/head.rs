//! Tabs above a table and the headers of its columns, all of them links.
//!
//! They are plain `<a>`, here and in the neighbouring files: the router's own link treats every address on the same path as the
//! current page, whatever its query, and here all addresses are on the same path.

use super::drag::Draggable;
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
    columns: Draggable,
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
            <tr node_ref=columns.head
                on:pointerdown=move |event| columns.press(&event) on:pointermove=move |event| columns.pull(&event)
                on:pointerup=move |_| columns.release() on:pointercancel=move |_| columns.cancel()
                on:click=move |event| columns.click(&event) on:dblclick=move |event| columns.reset(&event)>
                {all}
                {move || columns.visible.get().into_iter().map(|column| cell(place, columns, column)).collect::<Vec<_>>()}
            </tr>
        </thead>
    }
    .into_any()
}

fn cell(place: Place, columns: Draggable, column: About) -> AnyView {
    let key = column.key;
    let contents = if column.sortable { sorter(place, &column) } else { column.title.into_any() };
    let order = move || place.query.with(|query| order_by(query, key));
    view! {
        <th scope="col" class=column.number.then_some("number") {..leptos::attr::width(move || columns.width(key))} data-column=key
            aria-sort=move || column.sortable.then(|| order().unwrap_or("none"))
            data-over=move || columns.over.with(|over| over.as_deref() == Some(key)).then_some("")>
            {contents}<span class="column-edge" title="Drag to change the width. Double-click: as wide as the contents need."></span>
        </th>
    }
    .into_any()
}

fn order_by(query: &ListQuery, key: &str) -> Option<&'static str> {
    (query.sort == key).then_some(if query.descending { "descending" } else { "ascending" })
}

/// A title that orders the list by its column.
fn sorter(place: Place, column: &About) -> AnyView {
    let (key, title) = (column.key, column.title);
    let address = move || place.query.with(|query| place.address(&query.sorted_by(place.spec, key)));
    let mark = move || match place.query.with(|query| order_by(query, key)) {
        Some("descending") => "▼",
        Some(_) => "▲",
        None => "",
    };
    view! { <a href=address data-noscroll draggable="false">{title}<span class="sort-mark" aria-hidden="true">{mark}</span></a> }
        .into_any()
}
