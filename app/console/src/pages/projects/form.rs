//! The dialog that creates or changes a project.

use crate::api::projects::{create_project, edit_project};
use crate::api::users::domains;
use crate::form::{Refused, form_end, on_submit};
use leptos::prelude::*;
use types::id::ProjectId;
use types::project::{EditProject, ProjectKind, ProjectRow};
use types::rules::{MAX_DESCRIPTION, MAX_NAME};
use ui::{Dialog, Field, Select, TextArea, TextInput, use_toaster};

/// What the dialog is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Nothing,
    New,
    Edit(Box<ProjectRow>),
}

/// The dialog; `changed` is called when something was.
pub fn dialog(asked: RwSignal<Asked>, changed: Callback<()>) -> AnyView {
    let open = RwSignal::new(false);
    let text = || RwSignal::new(String::new());
    let (name, domain, kind, description) = (text(), text(), text(), text());
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
                    name.set(String::new());
                    description.set(String::new());
                }
                changing.set(None);
                kind.set(ProjectKind::General.key().into());
            }
            Asked::Edit(project) => {
                name.set(project.name);
                description.set(project.description);
                kind.set(project.kind.key().into());
                domain.set(project.domain_id.to_string());
                changing.set(Some(project.id));
            }
        }
        refused.clear();
        open.set(true);
        asked.set(Asked::Nothing);
        leptos::task::spawn_local(async move {
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
        let new = changing.with_untracked(Option::is_none);
        let edit = EditProject {
            name: Some(name.get_untracked().trim().to_owned()),
            description: Some(description.get_untracked()),
            domain: domain.get_untracked().parse().ok().filter(|_| new),
            kind: ProjectKind::from_key(&kind.get_untracked()).filter(|_| new),
            ..EditProject::default()
        };
        edit.check()?;
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
                    name.set(String::new());
                    description.set(String::new());
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
                <Field name="project-description" label="Description" error=refused.of("description")>
                    <TextArea name="project-description" value=description rows=3 max=MAX_DESCRIPTION/>
                </Field>
                {form_end(refused, open, "Save", save.pending())}
            </form>
        </Dialog>
    }
    .into_any()
}
