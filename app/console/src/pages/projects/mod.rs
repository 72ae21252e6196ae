//! Projects: what people and their sessions belong to inside a domain.

mod drawer;
mod form;

use crate::api::projects::{edit_project, project, projects};
use crate::frame::{PageHead, use_me};
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{load, load_open, settled, use_columns, use_list_query, use_parameter};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use types::Problem;
use types::event::Topic;
use types::permission::Permission;
use types::project::{EditProject, PROJECTS, ProjectKind, ProjectRow};
use ui::{Badge, Button, Column, Confirm, Drawer, EmptyState, Icon, IconName, Strength, Table, Time, Tone, Variant, use_toaster};

fn columns(actions: Option<(RwSignal<form::Asked>, Callback<()>)>) -> Vec<Column<ProjectRow>> {
    let mut columns = vec![
        Column::new("name", "Name", |p: &ProjectRow| {
            let name = p.name.clone();
            view! { <A href=paths::project(p.id)>{name}</A> }.into_any()
        })
        .sortable()
        .required(),
        Column::new("domain", "Domain", |p: &ProjectRow| p.domain.clone().into_any()),
        Column::new("kind", "Type", |p: &ProjectRow| {
            let tone = if p.kind == ProjectKind::ModelStore { Tone::Info } else { Tone::Neutral };
            view! { <Badge tone=tone text=p.kind.label()/> }.into_any()
        })
        .sortable(),
        Column::new("members", "Members", |p: &ProjectRow| p.members.to_string().into_any()).number(),
        Column::new("policy", "Resource policy", |p: &ProjectRow| p.policy.clone().into_any()).sortable(),
        Column::new("description", "Description", |p: &ProjectRow| p.description.clone().into_any()).hidden(),
        Column::new("hosts", "Allowed hosts", |p: &ProjectRow| hosts(&p.hosts).into_any()).hidden(),
        Column::new("created_at", "Created", |p: &ProjectRow| view! { <Time at=p.created_at.0/> }.into_any()).sortable(),
        Column::new("id", "ID", |p: &ProjectRow| view! { <code>{p.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some((asked, changed)) = actions {
        columns.push(Column::new("control", "Control", move |p: &ProjectRow| row_actions(p, asked, changed)));
    }
    columns
}

/// Storage hosts by name.
fn hosts(hosts: &types::project::Hosts) -> String {
    if hosts.is_empty() { "—".into() } else { hosts.keys().cloned().collect::<Vec<_>>().join(", ") }
}

fn row_actions(row: &ProjectRow, asked: RwSignal<form::Asked>, changed: Callback<()>) -> AnyView {
    let (id, active, name, toaster) = (row.id, row.active, row.name.clone(), use_toaster());
    let switch = Callback::new(move |()| {
        leptos::task::spawn_local(async move {
            match edit_project(id, EditProject { active: Some(!active), ..EditProject::default() }).await {
                Ok(()) => toaster.good("The project status has changed."),
                Err(problem) => toaster.bad(problem.to_string()),
            }
            changed.run(());
        });
    });
    let for_form = row.clone();
    let edit = Callback::new(move |()| asked.set(form::Asked::Edit(Box::new(for_form.clone()))));
    let label = if active { "Deactivate" } else { "Activate" };
    let question = format!("{label} the project {name}? What belongs to it stays as it is.");
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=format!("Edit {name}") on_press=edit><Icon name=IconName::Gear/></Button>
            <Confirm name=format!("project-{id}") strength=Strength::Bubble label=label question=question on_confirm=switch/>
        </div>
    }
    .into_any()
}

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadProjects) {
        return problem_view(&Problem::Forbidden(Permission::ReadProjects.verb().into()));
    }
    let may_change = me.may(Permission::ChangeProjects);
    let query = use_list_query(&PROJECTS);
    let rows = load(query, &[Topic::Project, Topic::User], projects);
    let (layout, keep_layout) = use_columns(PROJECTS.name);
    let open_project = use_parameter("project");
    let detail = load_open(open_project, &[Topic::Project, Topic::User], "project", |id| id.parse().ok().map(project));
    let is_open = Memo::new(move |_| open_project.with(Option::is_some));
    let asked = RwSignal::new(form::Asked::Nothing);
    let list_address = Memo::new(move |_| {
        let query = query.get().to_query_string(&PROJECTS);
        if query.is_empty() { paths::PROJECTS.to_owned() } else { format!("{}?{query}", paths::PROJECTS) }
    });
    let go = use_navigate();
    let close =
        Callback::new(move |()| go(&list_address.get_untracked(), NavigateOptions { scroll: false, ..Default::default() }));
    let view = move || {
        let keep = Signal::derive(move || open_project.get().map(|id| vec![("project".to_owned(), id)]).unwrap_or_default());
        view! {
            <PageHead title="Projects" group="Administration">
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| asked.set(form::Asked::New))><Icon name=IconName::Plus/>"Create project"</Button>
                })}
            </PageHead>
            <Table
                spec=&PROJECTS
                columns=columns(may_change.then_some((asked, rows.reload)))
                caption="Projects"
                path=paths::PROJECTS
                query=query
                page=Signal::derive(move || rows.shown.get().map(|page| page.map_err(|problem| problem.to_string())))
                loading=rows.loading
                keep=keep
                row_key=|p: &ProjectRow| p.id.to_string()
                row_label=|p: &ProjectRow| p.name.clone()
                layout=Signal::derive(move || layout.good().get().unwrap_or_default())
                on_layout=keep_layout
                export="/export/projects.csv"
                on_refresh=rows.reload
                empty=ViewFn::from(move || view! {
                    <EmptyState icon=IconName::Users title="No projects" text="People and their sessions belong to projects. Those in this state are listed here."/>
                })
            />
            {may_change.then(|| form::dialog(asked, rows.reload))}
            {move || is_open.get().then(|| view! {
                <Drawer open=Signal::stored(true) title="Project detail" on_close=close close_href=list_address.get_untracked()>
                    {drawer::drawer(open_project, detail, may_change)}
                </Drawer>
            })}
        }
        .into_any()
    };
    let waiting = || view! { <PageHead title="Projects" group="Administration"/><ui::Skeleton/> }.into_any();
    settled(vec![layout.pending(), rows.pending(), detail.pending()], waiting, view)
}
