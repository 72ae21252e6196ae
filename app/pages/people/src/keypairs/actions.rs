//! Actions on keypairs: adding, changing limits, activating and deactivating, deleting.

use super::shown_once;
use console::act::act;
use console::api::people::keypairs::{create_keypair, delete_keypair, edit_keypair, keypair, keypair_policy_names};
use console::choices::names;
use console::dialog::{Asked, DialogForm, Opening, Saved, dialog};
use console::form::{Refused, checked};
use leptos::prelude::*;
use types::people::keypairs::{
    CreateKeypair, DEFAULT_RATE_LIMIT, EditKeypair, KeypairRow, LOW_RATE_LIMIT, MAX_RATE_LIMIT, NewKeypair, max_rate_limit,
};
use types::{FieldError, Problem};
use ui::{Button, Confirm, Field, Icon, IconName, NumberInput, Select, Strength, TextInput, Variant};

/// The fields of a new keypair, and of an existing keypair's limits.
#[derive(Clone, Copy)]
struct Form {
    /// The existing keypair being changed, as it was when the dialog opened.
    before: RwSignal<Option<KeypairRow>>,
    owner: RwSignal<String>,
    policy: RwSignal<String>,
    rate: RwSignal<String>,
    policies: RwSignal<Vec<String>>,
    /// New keypairs, which are shown once.
    fresh: RwSignal<Vec<NewKeypair>>,
}

/// The command that the form sends.
enum Command {
    Create(CreateKeypair),
    /// With the values that the edit is based on.
    Edit(String, EditKeypair, Option<EditKeypair>),
}

impl Form {
    fn new() -> Self {
        let text = || RwSignal::new(String::new());
        let (policies, fresh) = (RwSignal::new(Vec::new()), RwSignal::new(Vec::new()));
        let form = Self { before: RwSignal::new(None), owner: text(), policy: text(), rate: text(), policies, fresh };
        form.fill(None);
        form
    }
}

impl DialogForm for Form {
    type Thing = KeypairRow;
    type Command = Command;

    fn titles(self) -> (&'static str, &'static str) {
        ("Add credential", "Modify keypair resource policy")
    }

    fn fill(self, keypair: Option<&KeypairRow>) {
        self.before.set(keypair.cloned());
        self.owner.set(keypair.map(|keypair| keypair.owner.clone()).unwrap_or_default());
        self.rate.set(keypair.map_or(DEFAULT_RATE_LIMIT, |keypair| keypair.rate_limit).to_string());
        if let Some(keypair) = keypair {
            self.policy.set(keypair.policy.clone());
        }
    }

    fn opened(self, opening: Opening) {
        opening.ask(keypair_policy_names(), move |names| {
            if self.policy.with_untracked(|chosen| !names.contains(chosen)) {
                self.policy.set(names.first().cloned().unwrap_or_default());
            }
            self.policies.set(names);
        });
    }

    fn read(self) -> Result<Command, Problem> {
        let policy = self.policy.get_untracked();
        // Text that is not a number becomes the largest number, which `check` refuses.
        let rate_limit = self.rate.with_untracked(|text| text.trim().parse().unwrap_or(u32::MAX));
        if let Some(row) = self.before.get_untracked() {
            let edit = EditKeypair { policy: Some(policy), rate_limit: Some(rate_limit), ..EditKeypair::default() };
            let was = Some(EditKeypair::as_it_is(&row));
            return Ok(Command::Edit(row.access_key, checked(edit, Vec::new(), EditKeypair::check)?, was));
        }
        let owner = self.owner.with_untracked(|text| text.trim().to_owned());
        let missing = owner.is_empty().then(|| FieldError::new("owner", "Enter the email or username of the person it is for."));
        let new = CreateKeypair { owner, policy, rate_limit };
        Ok(Command::Create(checked(new, missing.into_iter().collect(), CreateKeypair::check)?))
    }

    fn fields(self, refused: Refused, new: bool) -> AnyView {
        let whose = if new {
            view! {
                <Field name="keypair-owner" label="User ID" required=true hint="The email or username of the person it is for." error=refused.field_error("owner")>
                    <TextInput name="keypair-owner" value=self.owner/>
                </Field>
            }
            .into_any()
        } else {
            view! {
                <dl class="key-values"><dt>"User ID"</dt><dd>{move || self.owner.get()}</dd><dt>"Access key"</dt><dd><code>{move || self.before.get().map(|row| row.access_key)}</code></dd></dl>
            }
            .into_any()
        };
        let low = move || self.rate.with(|text| text.trim().parse::<u32>().is_ok_and(|limit| limit <= LOW_RATE_LIMIT));
        let range = format!("Requests in 15 minutes, 0 to {}. Requests over the limit are refused.", max_rate_limit());
        view! {
            {whose}
            <Field name="keypair-policy" label="Keypair policy" required=true hint="All of a person's sessions count against the policy of their main keypair." error=refused.field_error("policy")><Select name="keypair-policy" value=self.policy options=names(self.policies)/></Field>
            <Field name="keypair-rate" label="Rate limit" required=true hint=range error=refused.field_error("rate_limit")>
                <NumberInput name="keypair-rate" value=self.rate min="0" max=MAX_RATE_LIMIT.to_string() step="1"/>
            </Field>
            <Show when=low><p class="notice notice-warn">{format!("{LOW_RATE_LIMIT} or less: calls such as signing in may be blocked.")}</p></Show>
        }
        .into_any()
    }

    fn insist(command: Command) -> Command {
        match command {
            Command::Edit(key, edit, _) => Command::Edit(key, edit, None),
            new => new,
        }
    }

    async fn theirs(self) -> Result<Option<KeypairRow>, Problem> {
        let Some(before) = self.before.get_untracked() else { return Ok(None) };
        Ok(Some(keypair(before.access_key).await?))
    }

    async fn save(self, command: Command) -> Result<Saved, Problem> {
        match command {
            Command::Edit(key, edit, was) => {
                edit_keypair(key, edit, was).await?;
                Ok("The keypair was changed.".into())
            }
            Command::Create(new) => {
                let made = create_keypair(new).await?;
                // Added to any that are still shown, since their secret keys are not shown here again.
                self.fresh.try_update(|all| all.push(made));
                Ok(Saved::Silently)
            }
        }
    }
}

/// The dialogs of the page; `changed` is called after a change.
pub fn dialogs(asked: RwSignal<Asked<KeypairRow>>, changed: Callback<()>) -> AnyView {
    let form = Form::new();
    view! { {dialog(form, asked, changed)}{shown_once(form.fresh)} }.into_any()
}

/// The buttons beside a keypair.
pub fn row_actions(row: &KeypairRow, asked: RwSignal<Asked<KeypairRow>>, changed: Callback<()>) -> AnyView {
    let for_limits = row.clone();
    let limits = Callback::new(move |()| asked.set(Asked::edit(for_limits.clone())));
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {}", row.access_key) on_press=limits><Icon name=IconName::Gear/></Button>
            {switch(row, changed)}
        </div>
    }
    .into_any()
}

/// Deactivate, or activate and delete. Nothing for the main keypair, which always stays.
pub fn switch(row: &KeypairRow, changed: Callback<()>) -> AnyView {
    if row.main {
        return ().into_any();
    }
    let (key, active) = (row.access_key.clone(), row.active);
    let switched = key.clone();
    let flip = move || edit_keypair(switched.clone(), EditKeypair { active: Some(!active), ..EditKeypair::default() }, None);
    let flip = act(flip, "The keypair status has changed.", changed);
    let deleted = key.clone();
    let delete = act(move || delete_keypair(deleted.clone()), "The keypair is deleted.", changed);
    let (label, what) = if active { ("Deactivate", "are refused") } else { ("Activate", "are accepted again") };
    let question = format!("{label} {key} of {}? From then on, requests signed with it {what}.", row.owner);
    let delete = (!active).then(|| {
        let question = format!("Delete {key} of {}?", row.owner);
        view! { <Confirm name=format!("delete-{key}") strength=Strength::Dialog label="Delete" title=format!("Delete {key}") icon=IconName::Trash question=question on_confirm=delete/> }
    });
    view! { <Confirm name=format!("switch-{key}") strength=Strength::Bubble label=label title=format!("{label} {key}") icon=IconName::Power question=question on_confirm=flip/>{delete} }.into_any()
}
