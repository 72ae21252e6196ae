//! Changing several people alike: their status at once, or more of them in a dialog (`features.md` §4.6).

use super::ids::IdFields;
use crate::api::users::{domains, edit_users, user_policy_names};
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::Problem;
use types::id::UserId;
use types::project::DomainChoice;
use types::user::{Done, EditUser, UnixIds, UserRow, UserStatus};
use ui::{Button, CheckboxGroup, Dialog, Field, Icon, IconName, Notice, Select, Tone, use_toaster};

/// The choice that changes nothing.
const SAME: &str = "Leave as it is";
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
    let busy = RwSignal::new(false);
    let run = Callback::new(move |()| {
        let to = if active.get_untracked() { UserStatus::Inactive } else { UserStatus::Active };
        busy.set(true);
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
            busy.set(false);
        });
    });
    view! {
        <Button on_press=Callback::new(move |()| editing.set(true))><Icon name=IconName::Gear/>"Edit"</Button>
        <Button busy=busy on_press=run>{move || if active.get() { "Deactivate" } else { "Activate" }}</Button>
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
    let text = || RwSignal::new(String::new());
    let (status, domain, policy) = (text(), text(), text());
    let projects = RwSignal::new(Vec::<String>::new());
    let numbers = IdFields::new();
    let (choices, policies) = (RwSignal::new(Vec::<DomainChoice>::new()), RwSignal::new(Vec::<String>::new()));
    let refused = Refused::new();
    let toaster = use_toaster();
    Effect::new(move |_| {
        if !open.get() {
            return;
        }
        refused.clear();
        leptos::task::spawn_local(async move {
            match domains().await {
                Ok(found) => choices.set(found),
                Err(problem) => refused.set(problem),
            }
            match user_policy_names().await {
                Ok(names) => policies.set(names),
                Err(problem) => refused.set(problem),
            }
        });
    });
    // Projects belong to a domain: another domain, none of them.
    Effect::new(move |_| {
        domain.track();
        projects.set(Vec::new());
    });
    let read = move || {
        let chosen = |field: RwSignal<String>| Some(field.get_untracked()).filter(|value| !value.is_empty());
        let picked: Vec<_> = projects.get_untracked().iter().filter_map(|id| id.parse().ok()).collect();
        let edit = EditUser {
            status: chosen(status).and_then(|key| UserStatus::from_key(&key)),
            domain: chosen(domain).and_then(|id| id.parse().ok()),
            projects: Some(picked).filter(|picked| !picked.is_empty()),
            policy: chosen(policy),
            ids: if numbers.is_empty() { None } else { Some(numbers.read()?) },
            ..EditUser::default()
        };
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
                            [status, domain, policy].into_iter().for_each(|field| field.set(String::new()));
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
    let with_same =
        |rest: Vec<(String, String)>| std::iter::once((String::new(), SAME.to_owned())).chain(rest).collect::<Vec<_>>();
    let statuses =
        Signal::stored(with_same(UserStatus::CHOICES.iter().map(|(key, label)| (key.to_string(), label.to_string())).collect()));
    let domain_options = Signal::derive(move || {
        with_same(choices.with(|all| all.iter().map(|one| (one.id.to_string(), one.name.clone())).collect()))
    });
    let policy_options = Signal::derive(move || with_same(policies.get().into_iter().map(|name| (name.clone(), name)).collect()));
    let project_options = Signal::derive(move || {
        let domain = domain.get();
        let of = |one: &DomainChoice| one.projects.iter().map(|p| (p.id.to_string(), p.name.clone())).collect::<Vec<_>>();
        choices.with(|all| all.iter().find(|one| one.id.to_string() == domain).map(of).unwrap_or_default())
    });
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
                <div class="form-row">
                    <Field name="bulk-status" label="User status" error=refused.of("status")><Select name="bulk-status" value=status options=statuses/></Field>
                    <Field name="bulk-policy" label="Resource policy" error=refused.of("policy")><Select name="bulk-policy" value=policy options=policy_options/></Field>
                </div>
                <Field name="bulk-domain" label="Domain" hint="Another domain ends the membership in the old one's projects." error=refused.of("domain")>
                    <Select name="bulk-domain" value=domain options=domain_options/>
                </Field>
                <Show when=move || domain.with(|id| !id.is_empty()) fallback=|| view! { <p class="hint">"Choose a domain to choose projects."</p> }>
                    <CheckboxGroup name="bulk-projects" label="Projects" value=projects options=project_options error=refused.of("projects")/>
                </Show>
                {numbers.fields("bulk", refused)}
                {form_end(refused, open, "Update", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
