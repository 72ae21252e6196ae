//! Changing several people in the same way: their status directly, or more fields in a dialog (`docs/spec/people.md`, "Several
//! people at once").

use super::ids::IdFields;
use super::place::{Place, choices};
use console::act::ask;
use console::api::people::users::edit_users;
use console::dialog::{self, Asked, DialogForm, Opening, Saved};
use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::bulk::BulkResult;
use types::id::UserId;
use types::people::users::{EditUser, UnixIds, UserRow, UserStatus};
use ui::{Button, Confirm, Icon, IconName, Notice, Say, Strength, Tone, use_toaster};

/// Maximum emails named in the warning.
const NAMED: usize = 8;

fn ids(selection: RwSignal<Vec<String>>) -> Vec<UserId> {
    selection.get_untracked().iter().filter_map(|id| id.parse().ok()).collect()
}

/// Returns the number of people changed as a sentence, and the names of the others with the reasons.
fn describe_result(done: &[BulkResult]) -> (String, Option<String>) {
    let worked = done.iter().filter(|one| one.problem.is_none()).count();
    let failed: Vec<String> =
        done.iter().filter_map(|one| one.problem.as_ref().map(|why| format!("{}: {why}", one.name))).collect();
    (format!("Updated {worked} out of {} users.", done.len()), (!failed.is_empty()).then(|| failed.join(" ")))
}

/// The buttons beside the number of selected people.
pub fn buttons(
    selection: RwSignal<Vec<String>>,
    editing: RwSignal<Asked<()>>,
    active: Memo<bool>,
    changed: Callback<()>,
) -> AnyView {
    let toaster = use_toaster();
    let run = ask(
        move || {
            let to = if active.get_untracked() { UserStatus::Inactive } else { UserStatus::Active };
            edit_users(ids(selection), EditUser { status: Some(to), ..EditUser::default() })
        },
        move |done: Vec<BulkResult>| {
            let (worked, failed) = describe_result(&done);
            toaster.good(worked);
            failed.into_iter().for_each(|text| toaster.bad(text));
            selection.try_set(Vec::new());
            changed.try_run(());
        },
    );
    let question = move || {
        let (label, what) = if active.get() {
            ("Deactivate", "They are signed out at once and cannot sign in. Nothing they own is deleted.")
        } else {
            ("Activate", "They can sign in again.")
        };
        let text = format!("{label} everybody selected? {what}");
        view! { <Confirm name="bulk-status-change" strength=Strength::Bubble label=label question=text on_confirm=run/> }
    };
    view! {
        <Button on_press=Callback::new(move |()| editing.set(Asked::New))><Icon name=IconName::Gear/>"Edit"</Button>
        {question}
    }
    .into_any()
}

#[derive(Clone, Copy)]
struct Form {
    place: Place,
    numbers: IdFields,
    selection: RwSignal<Vec<String>>,
    /// The list's rows, for the emails of the selected people.
    rows: Signal<Vec<UserRow>>,
    toaster: Say,
    changed: Callback<()>,
}

impl Form {
    /// The emails of the selected people.
    fn chosen(self) -> String {
        let chosen = self.selection.get();
        let here = |row: &&UserRow| chosen.contains(&row.id.to_string());
        let emails: Vec<String> = self.rows.with(|rows| rows.iter().filter(here).map(|row| row.email.clone()).collect());
        let more = if emails.len() > NAMED { format!(" and {} more", emails.len() - NAMED) } else { String::new() };
        format!("{}{more}", emails.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
    }
}

impl DialogForm for Form {
    type Thing = ();
    type Command = (Vec<UserId>, EditUser);

    fn titles(self) -> (&'static str, &'static str) {
        ("Update users", "Update users")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Update", "Update")
    }

    fn fill(self, _: Option<&()>) {
        self.place.clear();
        self.numbers.fill(&UnixIds::default());
    }

    fn opened(self, opening: Opening) {
        opening.ask(choices(self.place.may_limit), move |choices| self.place.offer(choices));
    }

    fn read(self) -> Result<Self::Command, Problem> {
        let place = self.place;
        let mut edit = EditUser {
            status: place.status(),
            domain: place.domain(),
            projects: Some(place.project_ids()).filter(|picked| !picked.is_empty()),
            policy: Some(place.policy.get_untracked()).filter(|name| !name.is_empty()),
            keypair_policy: Some(place.keypair_policy.get_untracked()).filter(|name| !name.is_empty()),
            ..EditUser::default()
        };
        // A number that is not typed stays unchanged for everybody.
        self.numbers.changed(&UnixIds::default(), &mut edit)?;
        edit.check()?;
        if edit == EditUser::default() {
            return Err(Problem::Conflict("Nothing would change. Choose what to change, or cancel.".into()));
        }
        Ok((ids(self.selection), edit))
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        view! {
            <Notice tone=Tone::Warn>"This changes "{move || self.chosen()}"."{move || (!self.numbers.are_empty()).then_some(" Changing a UID or GID can make existing files unreadable.")}</Notice>
            {self.place.status_field(refused, true)}
            {self.place.fields(refused, true)}
            {self.numbers.fields("bulk", refused)}
        }
        .into_any()
    }

    async fn save(self, (ids, edit): Self::Command) -> Result<Saved, Problem> {
        let (worked, failed) = describe_result(&edit_users(ids.clone(), edit).await?);
        if let Some(text) = failed {
            self.toaster.good(worked);
            self.changed.try_run(());
            // The selection stays, so that it can be tried again.
            return Err(Problem::Conflict(text));
        }
        // Other people may have been selected in the meantime.
        self.selection.try_update(|chosen| chosen.retain(|one| !ids.iter().any(|id| id.to_string() == *one)));
        Ok(worked.into())
    }
}

/// The dialog that changes all selected people. A field that is left alone changes nothing.
pub fn dialog(
    asked: RwSignal<Asked<()>>,
    selection: RwSignal<Vec<String>>,
    rows: Signal<Vec<UserRow>>,
    changed: Callback<()>,
) -> AnyView {
    let (place, numbers, toaster) = (Place::same("bulk"), IdFields::new(), use_toaster());
    dialog::dialog(Form { place, numbers, selection, rows, toaster, changed }, asked, changed)
}
