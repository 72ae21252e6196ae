//! Changing one person: in a dialog, and their status beside their row.

use super::form::{Form, fields};
use crate::api::people::users::{edit_user, user};
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::id::UserId;
use types::people::users::{EditUser, UserDetail, UserRow, UserStatus};
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
