//! Projects, to which people and their sessions belong inside a domain.

pub mod domains;
mod drawer;
mod fields;
mod form;

use console::act::act;
use console::api::projects::{edit_project, project, projects};
use console::chunk;
use console::columns::{or_dash, text, time};
use console::dialog::{Asked, dialog};
use console::frame::{Head, PageHead, use_me};
use console::history::History;
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::slots::limits_in_short;
use console::table::{load_open, settled};
use leptos::prelude::*;
use types::Problem;
use types::folders::host_names;
use types::people::permissions::Permission;
use types::projects::{EditProject, PROJECTS, ProjectKind, ProjectRow};
use types::system::events::Topic;
use ui::{Badge, Button, Column, Confirm, EmptyState, Icon, IconName, Strength, Tone, Variant};

const HEAD: Head = Head { title: "Projects", group: "Administration" };

fn columns(actions: Option<(RwSignal<Asked<ProjectRow>>, Callback<()>)>) -> Vec<Column<ProjectRow>> {
    let mut columns = vec![
        text("name", "Name", |p: &ProjectRow| p.name.clone()).sortable().required().opens(),
        text("domain", "Domain", |p: &ProjectRow| p.domain.clone()),
        Column::new("kind", "Type", |p: &ProjectRow| {
            let tone = if p.kind == ProjectKind::ModelStore { Tone::Info } else { Tone::Neutral };
            view! { <Badge tone=tone text=p.kind.label()/> }.into_any()
        })
        .sortable(),
        text("members", "Members", |p: &ProjectRow| p.members.to_string()).number(),
        text("policy", "Project policy", |p: &ProjectRow| p.policy.clone()).sortable(),
        text("description", "Description", |p: &ProjectRow| p.description.clone()).hidden(),
        text("limit", "Resource limit", |p: &ProjectRow| limits_in_short(&p.limit, true, &[])).hidden(),
        text("hosts", "Allowed hosts", |p: &ProjectRow| or_dash(host_names(&p.hosts))).hidden(),
        time("created_at", "Created", |p: &ProjectRow| p.created_at).sortable(),
        Column::new("id", "ID", |p: &ProjectRow| view! { <code>{p.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some((asked, changed)) = actions {
        columns.push(Column::new("control", "Control", move |p: &ProjectRow| row_actions(p, asked, changed)));
    }
    columns
}

fn row_actions(row: &ProjectRow, asked: RwSignal<Asked<ProjectRow>>, changed: Callback<()>) -> AnyView {
    let (id, active, name) = (row.id, row.active, row.name.clone());
    let flip = move || edit_project(id, EditProject { active: Some(!active), ..EditProject::default() }, None);
    let switch = act(flip, "The project status has changed.", changed);
    let for_form = row.clone();
    let edit = Callback::new(move |()| asked.set(Asked::edit(for_form.clone())));
    let label = if active { "Deactivate" } else { "Activate" };
    let question = format!("{label} the project {name}? Everything that belongs to it stays as it is.");
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {name}") on_press=edit><Icon name=IconName::Gear/></Button>
            <Confirm name=format!("project-{id}") strength=Strength::Bubble label=label title=format!("{label} {name}") icon=IconName::Power question=question on_confirm=switch/>
        </div>
    }
    .into_any()
}

chunk!(parts:
    /// The dialog that creates and changes projects.
    fn changes(asked: RwSignal<Asked<ProjectRow>>, changed: Callback<()>) {
        dialog(form::Form::new(), asked, changed)
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadProjects) {
        return problem_view(&Problem::Forbidden(Permission::ReadProjects.verb().into()));
    }
    let may_change = me.may(Permission::ChangeProjects);
    let may_change_members = me.may(Permission::ChangeMembers);
    let list = List::new(&PROJECTS, paths::PROJECTS, "project", &[Topic::Project, Topic::User], projects);
    let detail = load_open(list.open, &[Topic::Project, Topic::User], "project", |id| id.parse().ok().map(project));
    let history = History::new(list.open, &[Topic::Project]);
    let asked = RwSignal::new(Asked::Nothing);
    let reload = list.rows.reload;
    let loads = list.pending().into_iter().chain([detail.pending(), history.pending()]).collect();
    let view = move || {
        let shown = Shown {
            caption: "Projects",
            columns: columns(may_change.then_some((asked, reload))),
            row_key: |p: &ProjectRow| p.id.to_string(),
            row_label: |p: &ProjectRow| p.name.clone(),
            export: "/export/projects.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Folder title="No projects" text="People and their sessions belong to projects. Projects in this state are listed here."/>
                }
            }),
            selection: None,
            alike: None,
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| asked.set(Asked::New))><Icon name=IconName::Plus/>"Create project"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_change.then(|| changes::later(Asked::asks(asked), asked, reload))}
            {list.drawer(Signal::stored("Project detail".to_owned()), move || {
                let rights = drawer::Rights { members: may_change_members, administrators: may_change };
                history.beside(list, move || drawer::drawer(list.open, detail, rights))
            })}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}
