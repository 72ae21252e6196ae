//! The dialog that creates or changes a project.

use crate::api::people::users::domains;
use crate::api::projects::{create_project, edit_project, project_policy_names};
use crate::form::{Refused, checked, form_end, on_submit};
use crate::slots::SlotAmounts;
use leptos::prelude::*;
use types::folders::{HOST_PERMISSIONS, Hosts};
use types::id::ProjectId;
use types::projects::{EditProject, ProjectKind, ProjectRow};
use types::quantity::Slots;
use types::rules::{MAX_DESCRIPTION, MAX_NAME};
use ui::{Dialog, Field, Select, TextArea, TextInput, use_toaster};

/// What the dialog is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Nothing,
    New,
    Edit(Box<ProjectRow>),
}

/// The names of hosts, as a field holds them.
pub fn host_names(hosts: &Hosts) -> String {
    hosts.keys().cloned().collect::<Vec<_>>().join(", ")
}

/// Hosts by name. One that was there keeps what is allowed on it; a new one allows everything.
pub fn read_hosts(text: &str, before: &Hosts) -> Hosts {
    let all = || HOST_PERMISSIONS.map(String::from).to_vec();
    let names = text.split([',', ' ']).filter(|name| !name.is_empty());
    names.map(|name| (name.to_owned(), before.get(name).cloned().unwrap_or_else(all))).collect()
}

/// The dialog; `changed` is called when something was.
pub fn dialog(asked: RwSignal<Asked>, changed: Callback<()>) -> AnyView {
    let open = RwSignal::new(false);
    let text = || RwSignal::new(String::new());
    let (name, domain, kind, description) = (text(), text(), text(), text());
    let (policy, hosts) = (text(), text());
    let policies = RwSignal::new(Vec::<String>::new());
    // What is allowed on a host stays as it was, for hosts that stay.
    let hosts_before = StoredValue::new(Hosts::new());
    let limit = SlotAmounts::limits("project", Signal::stored(Vec::new()));
    let changing = RwSignal::new(None::<ProjectId>);
    let choices = RwSignal::new(Vec::<(String, String)>::new());
    let refused = Refused::new();
    let toaster = use_toaster();
    Effect::new(move |_| {
        match asked.get() {
            Asked::Nothing => return,
            Asked::New => {
                // What was typed for a new project and not yet sent is still there.
                if changing.get_untracked().is_some() {
                    [name, description, hosts].into_iter().for_each(|field| field.set(String::new()));
                    limit.fill(&Slots::default());
                }
                hosts_before.set_value(Hosts::new());
                policy.set("default".into());
                changing.set(None);
                kind.set(ProjectKind::General.key().into());
            }
            Asked::Edit(project) => {
                name.set(project.name);
                description.set(project.description);
                kind.set(project.kind.key().into());
                domain.set(project.domain_id.to_string());
                policy.set(project.policy);
                limit.fill(&project.limit);
                hosts.set(host_names(&project.hosts));
                hosts_before.set_value(project.hosts);
                changing.set(Some(project.id));
            }
        }
        refused.clear();
        open.set(true);
        asked.set(Asked::Nothing);
        leptos::task::spawn_local(async move {
            match project_policy_names().await {
                Ok(names) => policies.set(names),
                Err(problem) => refused.set(problem),
            }
            match domains().await {
                Ok(found) => {
                    let first = found.iter().find(|one| one.name == "default").or(found.first());
                    if domain.with_untracked(String::is_empty) {
                        domain.set(first.map(|one| one.id.to_string()).unwrap_or_default());
                    }
                    choices.set(found.into_iter().map(|one| (one.id.to_string(), one.name)).collect());
                }
                Err(problem) => refused.set(problem),
            }
        });
    });
    let read = move || {
        let (new, mut mistakes) = (changing.with_untracked(Option::is_none), Vec::new());
        let edit = EditProject {
            name: Some(name.get_untracked().trim().to_owned()),
            description: Some(description.get_untracked()),
            domain: domain.get_untracked().parse().ok().filter(|_| new),
            kind: ProjectKind::from_key(&kind.get_untracked()).filter(|_| new),
            policy: Some(policy.get_untracked()),
            hosts: Some(read_hosts(&hosts.get_untracked(), &hosts_before.get_value())),
            limit: Some(limit.read(&mut mistakes)),
            ..EditProject::default()
        };
        let edit = checked(edit, mistakes, EditProject::check)?;
        Ok((changing.get_untracked(), edit))
    };
    let save = Action::new(move |(id, edit): &(Option<ProjectId>, EditProject)| {
        let (id, edit) = (*id, edit.clone());
        async move {
            let result = match id {
                Some(id) => edit_project(id, edit).await,
                None => create_project(edit).await.map(drop),
            };
            match result {
                Ok(()) => {
                    [name, description, hosts].into_iter().for_each(|field| field.set(String::new()));
                    limit.fill(&Slots::default());
                    open.set(false);
                    toaster.good("The project was saved.");
                    changed.run(());
                }
                Err(problem) => refused.set(problem),
            }
        }
    });
    let submit = on_submit(refused, read, move |what| drop(save.dispatch(what)));
    let title =
        Signal::derive(
            move || {
                if changing.with(Option::is_some) { "Modify project".to_owned() } else { "Create project".to_owned() }
            },
        );
    let kinds =
        Signal::stored(ProjectKind::CHOICES.iter().map(|(key, label)| (key.to_string(), label.to_string())).collect::<Vec<_>>());
    let policy_options = Signal::derive(move || policies.get().into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>());
    view! {
        <Dialog open=open title=title on_close=Callback::new(move |()| open.set(false))>
            <form class="form" novalidate on:submit=submit>
                <Field name="project-name" label="Name" required=true error=refused.of("name")><TextInput name="project-name" value=name max=MAX_NAME/></Field>
                <Show when=move || changing.with(Option::is_none)>
                    <div class="form-row">
                        <Field name="project-domain" label="Domain" required=true error=refused.of("domain")><Select name="project-domain" value=domain options=choices/></Field>
                        <Field name="project-kind" label="Type" hint="The folders of a model store are its cards." error=refused.of("kind")><Select name="project-kind" value=kind options=kinds/></Field>
                    </div>
                </Show>
                <Field name="project-policy" label="Resource policy" required=true error=refused.of("policy")><Select name="project-policy" value=policy options=policy_options/></Field>
                <Field name="project-hosts" label="Allowed storage hosts" hint="Names with commas between them. None allows no host." error=refused.of("hosts")>
                    <TextInput name="project-hosts" value=hosts/>
                </Field>
                <fieldset class="fieldset">
                    <legend class="field-label">"What its sessions may hold together"</legend>
                    {limit.view(refused, Signal::stored("Unlimited"))}
                </fieldset>
                <Field name="project-description" label="Description" error=refused.of("description")>
                    <TextArea name="project-description" value=description rows=3 max=MAX_DESCRIPTION/>
                </Field>
                {form_end(refused, open, "Save", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
