//! Changing the policy or the rate limit of several keypairs at once.

use console::api::people::keypairs::{edit_keypairs, keypair_policy_names};
use console::dialog::{Asked, DialogForm, Opening, Saved, dialog};
use console::form::Refused;
use leptos::prelude::*;
use types::Problem;
use types::people::keypairs::{EditKeypair, MAX_RATE_LIMIT, max_rate_limit};
use ui::{Button, Field, Icon, IconName, NumberInput, Select};

#[derive(Clone, Copy)]
struct Form {
    policy: RwSignal<String>,
    rate: RwSignal<String>,
    policies: RwSignal<Vec<String>>,
    /// The access keys.
    selection: RwSignal<Vec<String>>,
}

impl DialogForm for Form {
    type Thing = ();
    type Command = (Vec<String>, EditKeypair);

    fn titles(self) -> (&'static str, &'static str) {
        ("Update credentials", "Update credentials")
    }

    fn buttons(self) -> (&'static str, &'static str) {
        ("Update", "Update")
    }

    fn fill(self, _: Option<&()>) {
        self.policy.set(String::new());
        self.rate.set(String::new());
    }

    fn opened(self, opening: Opening) {
        opening.ask(keypair_policy_names(), move |names| self.policies.set(names));
    }

    fn read(self) -> Result<Self::Command, Problem> {
        let policy = Some(self.policy.get_untracked()).filter(|name| !name.is_empty());
        let rate = self.rate.with_untracked(|text| text.trim().to_owned());
        // Text that is not a number becomes the largest number, which `check` refuses.
        let rate_limit = (!rate.is_empty()).then(|| rate.parse().unwrap_or(u32::MAX));
        let edit = EditKeypair { policy, rate_limit, ..EditKeypair::default() };
        edit.check()?;
        if edit == EditKeypair::default() {
            return Err(Problem::Conflict("Nothing would change. Choose what to change, or cancel.".into()));
        }
        Ok((self.selection.get_untracked(), edit))
    }

    fn fields(self, refused: Refused, _new: bool) -> AnyView {
        let options = Signal::derive(move || {
            let same = (String::new(), "No change".to_owned());
            std::iter::once(same).chain(self.policies.get().into_iter().map(|name| (name.clone(), name))).collect::<Vec<_>>()
        });
        let hint = format!("Requests in 15 minutes, 0 to {}. Empty: no change.", max_rate_limit());
        view! {
            <p>{move || format!("Keypairs to change: {}.", self.selection.with(Vec::len))}</p>
            <Field name="bulk-keypair-policy" label="Keypair policy" error=refused.field_error("policy")><Select name="bulk-keypair-policy" value=self.policy options=options/></Field>
            <Field name="bulk-keypair-rate" label="Rate limit" hint=hint error=refused.field_error("rate_limit")>
                <NumberInput name="bulk-keypair-rate" value=self.rate min="0" max=MAX_RATE_LIMIT.to_string() step="1"/>
            </Field>
        }
        .into_any()
    }

    async fn save(self, (keys, edit): Self::Command) -> Result<Saved, Problem> {
        let results = edit_keypairs(keys.clone(), edit).await?;
        let failed: Vec<_> = results.iter().filter_map(|one| Some(format!("{}: {}", one.name, one.problem.as_ref()?))).collect();
        if !failed.is_empty() {
            return Err(Problem::Conflict(failed.join(" ")));
        }
        // Others may have been selected in the meantime.
        self.selection.try_update(|chosen| chosen.retain(|one| !keys.contains(one)));
        Ok(match keys.len() {
            1 => "1 keypair was changed.".to_owned(),
            many => format!("{many} keypairs were changed."),
        }
        .into())
    }
}

/// The button beside the number of selected keypairs.
pub fn button(asked: RwSignal<Asked<()>>) -> AnyView {
    view! { <Button on_press=Callback::new(move |()| asked.set(Asked::New))><Icon name=IconName::Gear/>"Edit"</Button> }
        .into_any()
}

/// The dialog for the selected keypairs. A field that is left alone changes nothing.
pub fn bulk_dialog(asked: RwSignal<Asked<()>>, selection: RwSignal<Vec<String>>, changed: Callback<()>) -> AnyView {
    let text = || RwSignal::new(String::new());
    dialog(Form { policy: text(), rate: text(), policies: RwSignal::new(Vec::new()), selection }, asked, changed)
}
