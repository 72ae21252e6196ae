//! Changing people: one in a dialog, one's status beside their row, several at once.

use super::form::{Form, fields};
use crate::api::users::{edit_user, edit_users, user};
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::id::UserId;
use types::user::{EditUser, UserDetail, UserRow, UserStatus};
use ui::{Button, Confirm, Dialog, Icon, IconName, Strength, Variant, use_toaster};

/// The dialog for the person in `who`, asked for anew each time it opens; `changed` is called when something was.
pub fn dialog(who: RwSignal<Option<UserId>>, changed: Callback<()>) -> AnyView {
    let form = Form::new("edit", true);
    let refused = Refused::new();
    let open = RwSignal::new(false);
    let before = RwSignal::new(None::<(UserId, UserDetail)>);
    let toaster = use_toaster();
    Effect::new(move |_| {
        let Some(id) = who.get() else { return };
        refused.clear();
        leptos::task::spawn_local(async move {
            let found = match form.load().await {
                Ok(()) => user(id).await,
                Err(problem) => Err(problem),
            };
            match found {
                Ok(person) => {
                    form.fill(&person);
                    before.set(Some((id, person)));
                    open.set(true);
                }
                Err(problem) => toaster.bad(problem.to_string()),
            }
            // Asked for: the same person can be opened again.
            who.set(None);
        });
    });
    let save = Action::new(move |(id, edit): &(UserId, EditUser)| {
        let (id, edit) = (*id, edit.clone());
        async move {
            match edit_user(id, edit).await {
                Ok(()) => {
                    open.set(false);
                    toaster.good("The account was changed.");
                    changed.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let read = move || {
        let Some((id, person)) = before.get_untracked() else { return Err(types::Problem::NotFound("person".into())) };
        Ok((id, form.read_edit(&person)?))
    };
    let submit = on_submit(refused, read, move |change| drop(save.dispatch(change)));
    view! {
        <Dialog open=open title="Modify user" on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                {fields(form, refused)}
                {form_end(refused, open, "Save", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}

/// The buttons beside a person: edit, and deactivate or activate.
pub fn row_actions(row: &UserRow, editing: RwSignal<Option<UserId>>, changed: Callback<()>) -> AnyView {
    let (id, email) = (row.id, row.email.clone());
    let toaster = use_toaster();
    let active = row.status == UserStatus::Active;
    let to = if active { UserStatus::Inactive } else { UserStatus::Active };
    let switch = Callback::new(move |()| {
        leptos::task::spawn_local(async move {
            match edit_user(id, EditUser { status: Some(to), ..EditUser::default() }).await {
                Ok(()) => {
                    toaster.good("The user status has changed.");
                    changed.run(());
                }
                Err(problem) => toaster.bad(problem.to_string()),
            }
        });
    });
    let (label, question) = if active {
        (
            "Deactivate",
            format!("Deactivate {email}? They are signed out at once and cannot sign in. Nothing of theirs is deleted."),
        )
    } else {
        ("Activate", format!("Activate {email}? They can sign in again."))
    };
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {email}") on_press=Callback::new(move |()| editing.set(Some(id)))><Icon name=IconName::Gear/></Button>
            <Confirm name=format!("status-{id}") strength=Strength::Bubble label=label question=question on_confirm=switch/>
        </div>
    }
    .into_any()
}

/// Several at once: activate or deactivate, with what did not work named.
pub fn bulk(selection: RwSignal<Vec<String>>, active: Memo<bool>, changed: Callback<()>) -> AnyView {
    let toaster = use_toaster();
    let busy = RwSignal::new(false);
    let run = Callback::new(move |()| {
        let ids: Vec<UserId> = selection.get_untracked().iter().filter_map(|id| id.parse().ok()).collect();
        let to = if active.get_untracked() { UserStatus::Inactive } else { UserStatus::Active };
        busy.set(true);
        leptos::task::spawn_local(async move {
            match edit_users(ids, EditUser { status: Some(to), ..EditUser::default() }).await {
                Ok(all) => {
                    let worked = all.iter().filter(|one| one.problem.is_none()).count();
                    let failed: Vec<String> =
                        all.iter().filter_map(|one| one.problem.as_ref().map(|why| format!("{}: {why}", one.name))).collect();
                    toaster.good(format!("Updated {worked} out of {} users.", all.len()));
                    if !failed.is_empty() {
                        toaster.bad(failed.join(" "));
                    }
                    selection.set(Vec::new());
                    changed.run(());
                }
                Err(problem) => toaster.bad(problem.to_string()),
            }
            busy.set(false);
        });
    });
    view! {
        <Button busy=busy on_press=run>{move || if active.get() { "Deactivate" } else { "Activate" }}</Button>
    }
    .into_any()
}
