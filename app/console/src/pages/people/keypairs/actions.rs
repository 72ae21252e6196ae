//! What is done to keypairs: adding one, giving it other limits, switching it on and off, deleting it.

use super::shown_once;
use crate::api::people::keypairs::{create_keypair, delete_keypair, edit_keypair, keypair_policy_names};
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::Problem;
use types::people::keypairs::{
    CreateKeypair, DEFAULT_RATE_LIMIT, EditKeypair, KeypairRow, LOW_RATE_LIMIT, MAX_RATE_LIMIT, NewKeypair,
};
use ui::{Button, Confirm, Dialog, Field, Icon, IconName, NumberInput, Select, Strength, TextInput, Variant, use_toaster};

/// The dialog that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Nothing,
    Add,
    Limits(Box<KeypairRow>),
}

/// The dialogs of the page; `changed` is called when something was.
pub fn dialogs(asked: RwSignal<Asked>, changed: Callback<()>) -> AnyView {
    let open = RwSignal::new(false);
    let (owner, policy, rate) = (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let changing = RwSignal::new(None::<String>);
    let policies = RwSignal::new(Vec::<String>::new());
    let fresh = RwSignal::new(Vec::<NewKeypair>::new());
    let refused = Refused::new();
    let toaster = use_toaster();
    Effect::new(move |_| {
        match asked.get() {
            Asked::Nothing => return,
            Asked::Add => {
                changing.set(None);
                rate.set(DEFAULT_RATE_LIMIT.to_string());
            }
            Asked::Limits(keypair) => {
                owner.set(keypair.owner);
                policy.set(keypair.policy);
                rate.set(keypair.rate_limit.to_string());
                changing.set(Some(keypair.access_key));
            }
        }
        refused.clear();
        open.set(true);
        asked.set(Asked::Nothing);
        leptos::task::spawn_local(async move {
            match keypair_policy_names().await {
                Ok(names) => {
                    if policy.with_untracked(|chosen| !names.contains(chosen)) {
                        policy.set(names.first().cloned().unwrap_or_default());
                    }
                    policies.set(names);
                }
                Err(problem) => refused.set(problem),
            }
        });
    });
    let read = move || {
        let limit = rate.with_untracked(|text| text.trim().parse::<u32>().ok()).filter(|limit| *limit <= MAX_RATE_LIMIT);
        let Some(limit) = limit else { return Err(Problem::field("rate_limit", "A whole number from 0 to 50,000.")) };
        let typed = owner.get_untracked().trim().to_owned();
        if changing.with_untracked(Option::is_none) && typed.is_empty() {
            return Err(Problem::field("owner", "Type the email or username of the person it is for."));
        }
        Ok((changing.get_untracked(), CreateKeypair { owner: typed, policy: policy.get_untracked(), rate_limit: limit }))
    };
    let save = Action::new(move |(key, new): &(Option<String>, CreateKeypair)| {
        let (key, new) = (key.clone(), new.clone());
        async move {
            let result = match key {
                Some(key) => {
                    let edit =
                        EditKeypair { policy: Some(new.policy), rate_limit: Some(new.rate_limit), ..EditKeypair::default() };
                    edit_keypair(key, edit).await.map(|()| toaster.good("The keypair was changed."))
                }
                None => create_keypair(new).await.map(|made| fresh.set(vec![made])),
            };
            match result {
                Ok(()) => {
                    open.set(false);
                    owner.set(String::new());
                    changed.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, read, move |what| drop(save.dispatch(what)));
    let title = Signal::derive(move || match changing.get() {
        Some(_) => "Modify keypair resource policy".to_owned(),
        None => "Add credential".to_owned(),
    });
    let options = Signal::derive(move || policies.get().into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>());
    let low = move || rate.with(|text| text.trim().parse::<u32>().is_ok_and(|limit| limit <= LOW_RATE_LIMIT));
    view! {
        <Dialog open=open title=title on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                <Show when=move || changing.with(Option::is_none) fallback=move || view! {
                    <dl class="key-values"><dt>"User ID"</dt><dd>{move || owner.get()}</dd><dt>"Access key"</dt><dd><code>{move || changing.get()}</code></dd></dl>
                }>
                    <Field name="keypair-owner" label="User ID" required=true hint="The email or username of the person it is for." error=refused.of("owner")>
                        <TextInput name="keypair-owner" value=owner/>
                    </Field>
                </Show>
                <Field name="keypair-policy" label="Resource policy" required=true hint="Sessions count for their owner, whichever keypair asked for them, by the policy of the main keypair." error=refused.of("policy")><Select name="keypair-policy" value=policy options=options/></Field>
                <Field name="keypair-rate" label="Rate limit" required=true hint="Requests in 15 minutes, 0 to 50,000. Over it, requests are refused." error=refused.of("rate_limit")>
                    <NumberInput name="keypair-rate" value=rate min="0" max="50000" step="1"/>
                </Field>
                <Show when=low><p class="notice notice-warn">"100 or less: calls such as signing in may be blocked."</p></Show>
                {form_end(refused, open, "Save", save.pending())}
            </form>
        </Dialog>
        {shown_once(fresh)}
    }
    .into_any()
}

/// The buttons beside a keypair.
pub fn row_actions(row: &KeypairRow, asked: RwSignal<Asked>, changed: Callback<()>) -> AnyView {
    let for_limits = row.clone();
    let limits = Callback::new(move |()| asked.set(Asked::Limits(Box::new(for_limits.clone()))));
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {}", row.access_key) on_press=limits><Icon name=IconName::Gear/></Button>
            {switch(row, changed)}
        </div>
    }
    .into_any()
}

/// Deactivate, or activate and delete; nothing for the main one, which always stays.
pub fn switch(row: &KeypairRow, changed: Callback<()>) -> AnyView {
    if row.main {
        return ().into_any();
    }
    let (key, active) = (row.access_key.clone(), row.active);
    let toaster = use_toaster();
    let flip = {
        let key = key.clone();
        Callback::new(move |()| {
            let key = key.clone();
            leptos::task::spawn_local(async move {
                match edit_keypair(key, EditKeypair { active: Some(!active), ..EditKeypair::default() }).await {
                    Ok(()) => toaster.good("The keypair status has changed."),
                    Err(problem) => toaster.bad(problem.to_string()),
                }
                changed.run(());
            });
        })
    };
    let delete = {
        let key = key.clone();
        Callback::new(move |()| {
            let key = key.clone();
            leptos::task::spawn_local(async move {
                match delete_keypair(key).await {
                    Ok(()) => toaster.good("The keypair is deleted."),
                    Err(problem) => toaster.bad(problem.to_string()),
                }
                changed.run(());
            });
        })
    };
    let (label, what) = if active { ("Deactivate", "is refused") } else { ("Activate", "is accepted again") };
    let question = format!("{label} {key} of {}? What it signs {what} from then on.", row.owner);
    let delete = (!active).then(|| {
        let question = format!("Delete {key} of {}?", row.owner);
        view! { <Confirm name=format!("delete-{key}") strength=Strength::Dialog label="Delete" question=question on_confirm=delete/> }
    });
    view! { <Confirm name=format!("switch-{key}") strength=Strength::Bubble label=label question=question on_confirm=flip/>{delete} }.into_any()
}
