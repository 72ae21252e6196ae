//! Changing several people alike: their status at once, or more of them in a dialog (`docs/spec/people.md`, "Several people at
//! once").

use super::ids::IdFields;
use super::place::Place;
use crate::api::people::users::edit_users;
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::Problem;
use types::id::UserId;
use types::people::users::{Done, EditUser, UnixIds, UserRow, UserStatus};
use ui::{Button, Confirm, Dialog, Icon, IconName, Notice, Strength, Tone, use_toaster};

/// Emails that the warning names.
const NAMED: usize = 8;

fn ids(selection: RwSignal<Vec<String>>) -> Vec<UserId> {
    selection.get_untracked().iter().filter_map(|id| id.parse().ok()).collect()
}

/// Says how many were changed, and names who was not and why.
fn tell(done: &[Done]) -> (String, Option<String>) {
    let worked = done.iter().filter(|one| one.problem.is_none()).count();
    let failed: Vec<String> =
        done.iter().filter_map(|one| one.problem.as_ref().map(|why| format!("{}: {why}", one.name))).collect();
    (format!("Updated {worked} out of {} users.", done.len()), (!failed.is_empty()).then(|| failed.join(" ")))
}

/// The buttons beside the number of those who are chosen.
pub fn buttons(selection: RwSignal<Vec<String>>, editing: RwSignal<bool>, active: Memo<bool>, changed: Callback<()>) -> AnyView {
    let toaster = use_toaster();
    let run = Callback::new(move |()| {
        let to = if active.get_untracked() { UserStatus::Inactive } else { UserStatus::Active };
        leptos::task::spawn_local(async move {
            match edit_users(ids(selection), EditUser { status: Some(to), ..EditUser::default() }).await {
                Ok(done) => {
                    let (worked, failed) = tell(&done);
                    toaster.good(worked);
                    failed.into_iter().for_each(|text| toaster.bad(text));
                    selection.set(Vec::new());
                    changed.run(());
                }
                Err(problem) => toaster.bad(problem.to_string()),
            }
        });
    });
    let ask = move || {
        let (label, what) = if active.get() {
            ("Deactivate", "They are signed out at once and cannot sign in. Nothing of theirs is deleted.")
        } else {
            ("Activate", "They can sign in again.")
        };
        let question = format!("{label} everybody who is chosen? {what}");
        view! { <Confirm name="bulk-status-change" strength=Strength::Bubble label=label question=question on_confirm=run/> }
    };
    view! {
        <Button on_press=Callback::new(move |()| editing.set(true))><Icon name=IconName::Gear/>"Edit"</Button>
        {ask}
    }
    .into_any()
}

/// The dialog that changes everybody who is chosen; a field that is left alone changes nothing.
pub fn dialog(
    open: RwSignal<bool>,
    selection: RwSignal<Vec<String>>,
    rows: Signal<Vec<UserRow>>,
    changed: Callback<()>,
) -> AnyView {
    let place = Place::same("bulk");
    let numbers = IdFields::new();
    let refused = Refused::new();
    let toaster = use_toaster();
    Effect::new(move |_| {
        if !open.get() {
            return;
        }
        refused.clear();
        leptos::task::spawn_local(async move {
            if let Err(problem) = place.load().await {
                refused.set(problem);
            }
        });
    });
    let read = move || {
        let mut edit = EditUser {
            status: place.status(),
            domain: place.domain(),
            projects: Some(place.project_ids()).filter(|picked| !picked.is_empty()),
            policy: Some(place.policy.get_untracked()).filter(|name| !name.is_empty()),
            ..EditUser::default()
        };
        // A number that is not typed stays as it is with everybody.
        numbers.changed(&UnixIds::default(), &mut edit)?;
        edit.check()?;
        if edit == EditUser::default() {
            return Err(Problem::Conflict("Nothing would change. Choose what to change, or cancel.".into()));
        }
        Ok(edit)
    };
    let save = Action::new(move |edit: &EditUser| {
        let edit = edit.clone();
        async move {
            match edit_users(ids(selection), edit).await {
                Ok(done) => {
                    let (worked, failed) = tell(&done);
                    toaster.good(worked);
                    changed.run(());
                    match failed {
                        // What was chosen stays, to be tried again.
                        Some(text) => refused.set(Problem::Conflict(text)),
                        None => {
                            place.clear();
                            numbers.fill(&UnixIds::default());
                            open.set(false);
                            selection.set(Vec::new());
                        }
                    }
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, read, move |edit| drop(save.dispatch(edit)));
    let who = move || {
        let chosen = selection.get();
        let here = |row: &&UserRow| chosen.contains(&row.id.to_string());
        let emails: Vec<String> = rows.with(|rows| rows.iter().filter(here).map(|row| row.email.clone()).collect());
        let more = if emails.len() > NAMED { format!(" and {} more", emails.len() - NAMED) } else { String::new() };
        format!("{}{more}", emails.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
    };
    view! {
        <Dialog open=open title="Update users" on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                <Notice tone=Tone::Warn>"This changes "{who}". Other numbers for containers can make files unreadable that were written with the old ones."</Notice>
                {place.status_field(refused, true)}
                {place.fields(refused, true)}
                {numbers.fields("bulk", refused)}
                {form_end(refused, open, "Update", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
