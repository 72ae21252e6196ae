//! One project and its members.

use console::act::act;
use console::api::projects::edit_project;
use console::columns::or_dash;
use console::form::{Refused, on_submit};
use console::paths;
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::Problem;
use types::folders::host_names;
use types::id::ProjectId;
use types::projects::{EditProject, MOST_SHOWN, Member, ProjectDetail};
use ui::{Badge, Button, CopyButton, Field, TextInput, Time, Tone, Variant, use_toaster};

/// The caller's rights in the drawer.
#[derive(Clone, Copy)]
pub struct Rights {
    /// Change the project's members.
    pub members: bool,
    /// Change its administrators.
    pub administrators: bool,
}

/// The drawer's contents for the project in the address.
pub fn drawer(id: Memo<Option<String>>, detail: Loaded<Option<(String, ProjectDetail)>>, rights: Rights) -> AnyView {
    let state = opened(id, detail);
    // The form for a new member stays when the list above it changes.
    let project = Memo::new(move |_| detail.good().get().flatten().map(|(_, project)| project.row.id));
    view! {
        {move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, project))) => contents(project, rights, detail.reload),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
        {rights.members.then(|| add_member(project, detail.reload))}
    }
    .into_any()
}

fn contents(project: ProjectDetail, rights: Rights, changed: Callback<()>) -> AnyView {
    let row = project.row;
    let id = row.id.to_string();
    let more = (row.members > MOST_SHOWN)
        .then(|| view! { <p class="hint">{format!("The first {MOST_SHOWN} of {} by email.", row.members)}</p> });
    let members: Vec<_> = project.members.into_iter().map(|one| member(row.id, &row.name, one, rights, changed)).collect();
    let nobody = members.is_empty().then(|| view! { <p class="hint">"It has no members yet."</p> });
    view! {
        <h3>"Information"</h3>
        <dl class="key-values">
            <dt>"Name"</dt><dd>{row.name}</dd>
            <dt>"ID"</dt><dd><code>{id.clone()}</code>" "<CopyButton text=id label="Copy the ID"/></dd>
            <dt>"Domain"</dt><dd>{row.domain}</dd>
            <dt>"Type"</dt><dd>{row.kind.label()}</dd>
            <dt>"Status"</dt><dd>{if row.active { "Active" } else { "Inactive" }}</dd>
            <dt>"Description"</dt><dd>{or_dash(row.description)}</dd>
            <dt>"Project policy"</dt><dd>{row.policy}</dd>
            <dt>"Allowed hosts"</dt><dd>{or_dash(host_names(&row.hosts))}</dd>
            <dt>"Created"</dt><dd><Time at=row.created_at.0/></dd>
            <dt>"Modified"</dt><dd><Time at=row.modified_at.0/></dd>
        </dl>
        <h3>{format!("Members ({})", row.members)}</h3>
        {more}{nobody}
        <ul class="sign-ins">{members}</ul>
    }
    .into_any()
}

fn member(project: ProjectId, name: &str, member: Member, rights: Rights, changed: Callback<()>) -> AnyView {
    let change = move |edit: EditProject, done| act(move || edit_project(project, edit.clone(), None), done, changed);
    let who = vec![member.user.to_string()];
    let remove = (rights.administrators || (rights.members && !member.admin)).then(|| {
        let edit = EditProject { remove: who.clone(), ..EditProject::default() };
        let remove = change(edit, "Removed from the project. The account is unchanged.");
        let label = format!("Remove {} from {name}", member.email);
        view! { <Button variant=Variant::Quiet label=label on_press=remove>"Remove"</Button> }
    });
    let appoint = rights.administrators.then(|| {
        let (edit, done, text) = if member.admin {
            (EditProject { dismiss: who, ..EditProject::default() }, "They are no longer a project admin.", "Remove admin")
        } else {
            let edit = EditProject { appoint: who, ..EditProject::default() };
            (edit, "They can now manage this project's members and sessions.", "Make admin")
        };
        let label = format!("{text}: {} in {name}", member.email);
        view! { <Button variant=Variant::Quiet label=label on_press=change(edit, done)>{text}</Button> }
    });
    let admin = member.admin.then(|| view! { <Badge tone=Tone::Info text="Project admin"/> });
    view! {
        <li>
            <div><A href=paths::user(member.user)>{member.email.clone()}</A></div>
            <div class="hint">{member.full_name}" "{admin}</div>
            <div class="row-actions">{appoint}{remove}</div>
        </li>
    }
    .into_any()
}

fn add_member(project: Memo<Option<ProjectId>>, changed: Callback<()>) -> AnyView {
    let login = RwSignal::new(String::new());
    let refused = Refused::new();
    let toaster = use_toaster();
    let add = Action::new(move |(id, edit): &(ProjectId, EditProject)| {
        let (id, edit) = (*id, edit.clone());
        async move {
            let answer = edit_project(id, edit, None).await;
            // The form stays while the drawer moves to another project, which the answer does not concern.
            let here = project.try_get_untracked() == Some(Some(id));
            match answer {
                Ok(()) if here => login.set(String::new()),
                Ok(()) => {}
                Err(problem) if here => refused.set(problem),
                Err(problem) => toaster.bad(problem.to_string()),
            }
            changed.try_run(());
        }
    });
    let read = move || {
        let Some(id) = project.get_untracked() else { return Err(Problem::NotFound("project".into())) };
        let typed: Vec<String> =
            login.with_untracked(|text| text.split([',', ' ']).filter(|one| !one.is_empty()).map(String::from).collect());
        if typed.is_empty() {
            return Err(Problem::field("add", "Enter the email or username of somebody in this domain."));
        }
        Ok((id, EditProject { add: typed, ..EditProject::default() }))
    };
    let submit = on_submit(refused, read, move |what| drop(add.dispatch(what)));
    view! {
        <form class="form" novalidate on:submit=submit>
            <Field name="member-add" label="Add members" hint="Emails or usernames, separated by commas." error=refused.field_error("add")>
                <TextInput name="member-add" value=login/>
            </Field>
            {refused.notice()}
            <div class="dialog-actions"><Button submit=true busy=add.pending()>"Add"</Button></div>
        </form>
    }
    .into_any()
}
