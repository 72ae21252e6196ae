//! The dialog that says which waiting sessions go first.

use crate::api::sessions::set_priority;
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::Problem;
use types::id::SessionId;
use types::list::Page;
use types::sessions::SessionRow;
use types::sessions::launch::MAX_PRIORITY;
use ui::{Dialog, Field, NumberInput, use_toaster};

/// What is offered to several sessions, whose own priorities may differ.
const HALF: u8 = 50;

/// The priority that the dialog starts with: that of the session, if one of those in view is chosen alone.
fn first(ids: &[String], page: Option<&Page<SessionRow>>) -> u8 {
    let alone = match ids {
        [one] => page.and_then(|page| page.rows.iter().find(|row| row.id.to_string() == *one)),
        _ => None,
    };
    alone.map_or(HALF, |row| row.priority)
}

/// The dialog for the sessions of `ids`, which are in view on `page`; `done` is called when all of them were changed.
pub fn dialog(
    open: RwSignal<bool>,
    ids: Signal<Vec<String>>,
    page: Signal<Option<Page<SessionRow>>>,
    done: Callback<()>,
) -> AnyView {
    let priority = RwSignal::new(HALF.to_string());
    let refused = Refused::new();
    let toaster = use_toaster();
    Effect::new(move |_| {
        if open.get() {
            let first = ids.with_untracked(|ids| page.with_untracked(|page| first(ids, page.as_ref())));
            priority.set(first.to_string());
        }
    });
    let set = Action::new(move |(ids, priority): &(Vec<SessionId>, u8)| {
        let (ids, priority) = (ids.clone(), *priority);
        async move {
            match set_priority(ids, priority).await {
                Ok(results) => {
                    let failed: Vec<_> = results
                        .iter()
                        .filter_map(|one| one.problem.as_ref().map(|text| format!("{}: {text}", one.name)))
                        .collect();
                    if failed.is_empty() {
                        open.set(false);
                        toaster.good("The priority was changed.");
                        done.run(());
                    } else {
                        refused.set(Problem::Conflict(failed.join(" ")));
                    }
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let read = move || {
        let wrong = || Problem::field("priority", format!("A whole number from 0 to {MAX_PRIORITY}."));
        let priority = priority.get_untracked().trim().parse::<u8>().ok().filter(|n| *n <= MAX_PRIORITY).ok_or_else(wrong)?;
        Ok((ids.get_untracked().iter().filter_map(|id| id.parse().ok()).collect(), priority))
    };
    let submit = on_submit(refused, read, move |what| drop(set.dispatch(what)));
    let close = Callback::new(move |()| {
        open.set(false);
        // What was wrong with these sessions says nothing of the next.
        refused.clear();
    });
    view! {
        <Dialog open=open title="Set priority" on_close=close>
            <form class="form" novalidate on:submit=submit>
                <Field name="queue-priority" label="Priority" hint="0 to 100; the larger goes first. Sessions start with 10. Only those that wait are changed." error=refused.of("priority")>
                    <NumberInput name="queue-priority" value=priority min="0" max="100" step="1"/>
                </Field>
                {form_end(refused, open, "Set priority", set.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
