//! The dialog for a table's columns: which are shown, in which order, and how wide. At least one stays.

use super::About;
use super::drag::Draggable;
use crate::form::{Button, Variant};
use crate::overlay::Dialog;
use crate::show::{Icon, IconName};
use leptos::prelude::*;
use std::collections::BTreeMap;
use types::list::{COLUMN_WIDTHS, ColumnLayout, ColumnWidths};

/// The choice as it is being made. Filled again each time the dialog opens.
#[derive(Clone, Copy)]
struct Draft {
    /// The new order, and whether each column is shown.
    columns: RwSignal<Vec<(About, bool)>>,
    /// The typed widths.
    widths: RwSignal<BTreeMap<&'static str, String>>,
}

impl Draft {
    /// The typed widths; or a sentence about the first that is none.
    fn widths(self) -> Result<ColumnWidths, String> {
        let (least, most) = (COLUMN_WIDTHS.start(), COLUMN_WIDTHS.end());
        self.widths.with(|widths| {
            let typed = widths.iter().filter(|(_, text)| !text.trim().is_empty());
            typed
                .map(|(key, text)| match text.trim().parse().ok().filter(|width| COLUMN_WIDTHS.contains(width)) {
                    Some(width) => Ok(((*key).to_owned(), width)),
                    None => Err(format!("A column is {least} to {most} pixels wide. Leave the width empty to fit the contents.")),
                })
                .collect()
        })
    }
}

pub(super) fn dialog(open: RwSignal<bool>, all: Vec<About>, columns: Draggable, on_layout: Callback<ColumnLayout>) -> AnyView {
    let draft = Draft { columns: RwSignal::new(Vec::new()), widths: RwSignal::new(BTreeMap::new()) };
    let all = StoredValue::new(all);
    Effect::new(move |_| {
        if open.get() {
            let shown = columns.visible.get_untracked();
            let rest =
                all.with_value(|all| all.iter().filter(|c| !shown.iter().any(|s| s.key == c.key)).cloned().collect::<Vec<_>>());
            let widths = columns.widths.get_untracked();
            let width = |c: &About| Some((c.key, widths.get(c.key)?.to_string()));
            draft.widths.set(shown.iter().chain(&rest).filter_map(width).collect());
            draft.columns.set(shown.into_iter().map(|c| (c, true)).chain(rest.into_iter().map(|c| (c, false))).collect());
        }
    });
    let refused = Memo::new(move |_| {
        let none = !draft.columns.with(|columns| columns.iter().any(|(_, on)| *on));
        if none { Some("Show at least one column.".to_owned()) } else { draft.widths().err() }
    });
    let apply = Callback::new(move |()| {
        let Ok(chosen) = untrack(|| draft.widths()) else { return };
        let keys = |columns: &Vec<(About, bool)>| columns.iter().filter(|(_, on)| *on).map(|(c, _)| c.key.to_owned()).collect();
        // A width of one column keeps those of the others as they are.
        let widths = if chosen.is_empty() { chosen } else { columns.measured().into_iter().chain(chosen).collect() };
        on_layout.run(ColumnLayout { shown: draft.columns.with_untracked(keys), widths });
        open.set(false);
    });
    let reset = Callback::new(move |()| {
        draft.columns.set(all.with_value(|all| all.iter().map(|c| (c.clone(), c.shown || c.required)).collect()));
        draft.widths.set(BTreeMap::new());
    });
    view! {
        <Dialog open=open title="Columns" on_close=Callback::new(move |()| open.set(false))>
            <p class="hint">"Choose the columns to show, their order, and their width in pixels. An empty width fits the contents. Titles and their edges in the table can be dragged as well."</p>
            <ul class="column-list">
                <For each=move || draft.columns.with(|columns| columns.iter().map(|(c, _)| c.clone()).collect::<Vec<_>>()) key=|c| c.key children=move |c| choice(c, draft)/>
            </ul>
            <p class="field-error" role="alert" hidden=move || refused.with(Option::is_none)>{refused}</p>
            <div class="dialog-actions">
                <Button variant=Variant::Quiet on_press=reset>"Reset"</Button>
                <Button on_press=Callback::new(move |()| open.set(false))>"Cancel"</Button>
                <Button variant=Variant::Primary disabled=Signal::derive(move || refused.with(Option::is_some)) on_press=apply>"Apply"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

fn choice(column: About, draft: Draft) -> AnyView {
    let (key, title) = (column.key, column.title);
    let on = move || draft.columns.with(|columns| columns.iter().any(|(c, on)| c.key == key && *on));
    let toggle = move |event| {
        let checked = event_target_checked(&event);
        draft.columns.update(|columns| columns.iter_mut().filter(|(c, _)| c.key == key).for_each(|(_, on)| *on = checked));
    };
    let step = move |by: isize| {
        draft.columns.update(|columns| {
            let Some(at) = columns.iter().position(|(c, _)| c.key == key) else { return };
            if let Some(to) = at.checked_add_signed(by).filter(|to| *to < columns.len()) {
                columns.swap(at, to);
            }
        });
    };
    let width = move || draft.widths.with(|widths| widths.get(key).cloned().unwrap_or_default());
    let typed = move |event| {
        draft.widths.update(|widths| {
            widths.insert(key, event_target_value(&event));
        });
    };
    view! {
        <li>
            <label class="choice"><input type="checkbox" prop:checked=on disabled=column.required on:change=toggle/><span>{title}</span></label>
            <span>
                <input class="input column-width" type="text" inputmode="numeric" autocomplete="off" placeholder="fits"
                    aria-label=format!("Width of {title} in pixels") prop:value=width on:input=typed/>
                <Button variant=Variant::Quiet label=format!("Move {title} up") on_press=Callback::new(move |()| step(-1))><Icon name=IconName::ChevronUp/></Button>
                <Button variant=Variant::Quiet label=format!("Move {title} down") on_press=Callback::new(move |()| step(1))><Icon name=IconName::ChevronDown/></Button>
            </span>
        </li>
    }
    .into_any()
}
