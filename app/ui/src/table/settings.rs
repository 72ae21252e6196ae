//! The dialog for a table's columns: which are shown, and in which order. At least one stays.

use super::About;
use crate::form::{Button, Variant};
use crate::overlay::Dialog;
use crate::show::{Icon, IconName};
use leptos::prelude::*;
use types::list::ColumnLayout;

pub(super) fn dialog(
    open: RwSignal<bool>,
    columns: Vec<About>,
    visible: Memo<Vec<About>>,
    on_layout: Callback<ColumnLayout>,
) -> AnyView {
    // The new order, and whether each column is shown. Filled again each time the dialog opens.
    let draft = RwSignal::new(Vec::<(About, bool)>::new());
    let all = StoredValue::new(columns);
    Effect::new(move |_| {
        if open.get() {
            let shown = visible.get_untracked();
            let rest =
                all.with_value(|all| all.iter().filter(|c| !shown.iter().any(|s| s.key == c.key)).cloned().collect::<Vec<_>>());
            draft.set(shown.into_iter().map(|c| (c, true)).chain(rest.into_iter().map(|c| (c, false))).collect());
        }
    });
    let none = Signal::derive(move || !draft.with(|draft| draft.iter().any(|(_, on)| *on)));
    let apply = Callback::new(move |()| {
        on_layout.run(draft.with_untracked(|draft| draft.iter().filter(|(_, on)| *on).map(|(c, _)| c.key.to_owned()).collect()));
        open.set(false);
    });
    let reset = Callback::new(move |()| {
        draft.set(all.with_value(|all| all.iter().map(|c| (c.clone(), c.shown || c.required)).collect()));
    });
    view! {
        <Dialog open=open title="Columns" on_close=Callback::new(move |()| open.set(false))>
            <p class="hint">"Choose the columns to show, and their order."</p>
            <ul class="column-list">
                <For each=move || draft.with(|draft| draft.iter().map(|(c, _)| c.clone()).collect::<Vec<_>>()) key=|c| c.key children=move |c| choice(c, draft)/>
            </ul>
            <p class="field-error" role="alert" hidden=move || !none.get()>"Show at least one column."</p>
            <div class="dialog-actions">
                <Button variant=Variant::Quiet on_press=reset>"Reset"</Button>
                <Button on_press=Callback::new(move |()| open.set(false))>"Cancel"</Button>
                <Button variant=Variant::Primary disabled=none on_press=apply>"Apply"</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

fn choice(column: About, draft: RwSignal<Vec<(About, bool)>>) -> AnyView {
    let (key, title) = (column.key, column.title);
    let on = move || draft.with(|draft| draft.iter().any(|(c, on)| c.key == key && *on));
    let toggle = move |event| {
        let checked = event_target_checked(&event);
        draft.update(|draft| draft.iter_mut().filter(|(c, _)| c.key == key).for_each(|(_, on)| *on = checked));
    };
    let step = move |by: isize| {
        draft.update(|draft| {
            let Some(at) = draft.iter().position(|(c, _)| c.key == key) else { return };
            if let Some(to) = at.checked_add_signed(by).filter(|to| *to < draft.len()) {
                draft.swap(at, to);
            }
        });
    };
    view! {
        <li>
            <label class="choice"><input type="checkbox" prop:checked=on disabled=column.required on:change=toggle/><span>{title}</span></label>
            <span>
                <Button variant=Variant::Quiet label=format!("Move {title} up") on_press=Callback::new(move |()| step(-1))><Icon name=IconName::ChevronUp/></Button>
                <Button variant=Variant::Quiet label=format!("Move {title} down") on_press=Callback::new(move |()| step(1))><Icon name=IconName::ChevronDown/></Button>
            </span>
        </li>
    }
    .into_any()
}
