//! Changing one person: in a dialog, and their status beside their row.

use super::form::{Form, fields};
use super::place::{Choices, choices};
use console::act::act;
use console::api::people::users::{edit_user, user};
use console::dialog::{self, Asked, DialogForm, Saved};
use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::id::UserId;
use types::people::users::{EditUser, UserDetail, UserRow, UserStatus};
use types::revision::Difference;
use ui::{Button, Confirm, Icon, IconName, Strength, Variant, use_toaster};

#[derive(Clone, Copy)]
struct Edit {
    form: Form,
    /// The person as they were when the dialog opened.
    before: RwSignal<Option<(UserId, UserDetail)>>,
}

impl DialogForm for Edit {
    type Thing = (UserId, UserDetail, Choices);
    type Command = (UserId, EditUser, Option<EditUser>);

    fn titles(self) -> (&'static str, &'static str) {
        ("Edit user", "Edit user")
    }

    fn fill(self, person: Option<&Self::Thing>) {
        let Some((id, person, choices)) = person else { return };
        // First, because changing the domain drops projects that the domain is not known to have.
        self.form.place.offer(choices.clone());
        self.form.fill(person);
        self.before.set(Some((*id, person.clone())));
    }

    fn read(self) -> Result<Self::Command, Problem> {
        let Some((id, person)) = self.before.get_untracked() else { return Err(Problem::NotFound("person".into())) };
        Ok((id, self.form.read_edit(&person)?, Some(EditUser::as_it_is(&person.row, person.domain))))
    }

    fn insist((id, edit, _): Self::Command) -> Self::Command {
        (id, edit, None)
    }

    async fn theirs(self) -> Result<Option<Self::Thing>, Problem> {
        let Some((id, _)) = self.before.get_untracked() else { return Ok(None) };
        Ok(Some((id, user(id).await?, choices(self.form.place.may_limit).await?)))
    }

    fn in_form_words(self, one: Difference) -> Difference {
        if one.field != "domain" {
            return one;
        }
        let place = self.form.place;
        Difference { saved: place.domain_name(&one.saved), yours: place.domain_name(&one.yours), ..one }
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        fields(self.form, refused)
    }

    async fn save(self, (id, edit, was): Self::Command) -> Result<Saved, Problem> {
        edit_user(id, edit, was).await?;
        Ok("User saved.".into())
    }
}

/// The dialog for the person in `who`, loaded each time it opens; `changed` is called after a change.
pub fn dialog(who: RwSignal<Option<UserId>>, changed: Callback<()>) -> AnyView {
    let edit = Edit { form: Form::new("edit", true), before: RwSignal::new(None) };
    let (asked, toaster) = (RwSignal::new(Asked::Nothing), use_toaster());
    // Only the person requested last is shown.
    let last = StoredValue::new(0u32);
    Effect::new(move |_| {
        let Some(id) = who.get() else { return };
        last.update_value(|number| *number += 1);
        let mine = last.get_value();
        who.set(None);
        leptos::task::spawn_local(async move {
            let found = async { Ok((choices(edit.form.place.may_limit).await?, user(id).await?)) }.await;
            match found {
                _ if last.try_get_value() != Some(mine) => {}
                Ok((choices, person)) => asked.set(Asked::edit((id, person, choices))),
                Err(problem) => toaster.bad(Problem::to_string(&problem)),
            }
        });
    });
    dialog::dialog(edit, asked, changed)
}

/// The buttons beside a person: edit, and deactivate or activate.
pub fn row_actions(row: &UserRow, editing: RwSignal<Option<UserId>>, changed: Callback<()>) -> AnyView {
    let (id, email) = (row.id, row.email.clone());
    let active = row.status == UserStatus::Active;
    let to = if active { UserStatus::Inactive } else { UserStatus::Active };
    let switch = move || edit_user(id, EditUser { status: Some(to), ..EditUser::default() }, None);
    let switch = act(switch, "The user status has changed.", changed);
    let (label, question) = if active {
        (
            "Deactivate",
            format!("Deactivate {email}? They are signed out at once and cannot sign in. Nothing they own is deleted."),
        )
    } else {
        ("Activate", format!("Activate {email}? They can sign in again."))
    };
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {email}") on_press=Callback::new(move |()| editing.set(Some(id)))><Icon name=IconName::Gear/></Button>
            <Confirm name=format!("status-{id}") strength=Strength::Bubble label=label title=format!("{label} {email}") icon=IconName::Power question=question on_confirm=switch/>
        </div>
    }
    .into_any()
}
