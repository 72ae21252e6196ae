//! Resource groups: agents that are offered together, and the rules by which their queue is served
//! (`docs/spec/cluster.md`, "Resource groups").

mod form;
mod users;

use console::act::act;
use console::api::cluster::resource_groups::{delete_resource_group, resource_groups, save_resource_group};
use console::api::system::settings::scheduler_settings;
use console::chunk;
use console::columns::{or_dash, text, time};
use console::dialog::Asked;
use console::dialog::edit::dialog;
use console::frame::{Head, PageHead, use_me};
use console::history::History;
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, load, load_open, opened, settled};
use form::{Form, WORDS, find};
use leptos::prelude::*;
use leptos_router::components::A;
use types::Problem;
use types::cluster::resource_groups::{GroupRow, RESOURCE_GROUPS, ResourceGroup, SaveGroup, SchedulerKind, SchedulerSettings};
use types::id::DomainId;
use types::people::permissions::Permission;
use types::revision::Fields;
use types::system::events::Topic;
use ui::{Button, Column, Confirm, EmptyState, Icon, IconName, Strength, Time, Variant};

const HEAD: Head = Head { title: "Resource groups", group: "Administration" };

fn yes(yes: bool) -> &'static str {
    if yes { "Yes" } else { "No" }
}

/// The dialog of people who may change groups, and the callback after a change.
type Actions = (RwSignal<Asked<(ResourceGroup, i64)>>, Callback<()>);

fn columns(open: Callback<String>, actions: Option<Actions>) -> Vec<Column<GroupRow>> {
    let types = |g: &GroupRow| g.group.session_types.iter().map(|kind| kind.label()).collect::<Vec<_>>().join(", ");
    vec![
        text("name", "Name", |g: &GroupRow| g.group.name.clone()).sortable().required().opens(),
        text("description", "Description", |g: &GroupRow| g.group.description.clone()),
        text("public", "Public", |g: &GroupRow| yes(g.group.public)),
        Column::new("scheduler", "Scheduler", |g: &GroupRow| {
            g.group.scheduler.map_or("default", SchedulerKind::label).into_any()
        })
        .sortable(),
        text("placement", "Placement", |g: &GroupRow| g.group.placement.label()).hidden(),
        Column::new("types", "Allowed session types", move |g: &GroupRow| types(g).into_any()),
        Column::new("pending_timeout", "Pending timeout", |g: &GroupRow| {
            g.group.pending_timeout.map_or_else(|| "—".into(), |seconds| format!("{seconds} s")).into_any()
        })
        .number(),
        Column::new("retries", "Retries to skip", |g: &GroupRow| {
            g.group.retries_to_skip.map_or_else(|| "default".into(), |n| n.to_string()).into_any()
        })
        .number(),
        text("app_proxy", "App proxy address", |g: &GroupRow| g.group.app_proxy.clone()).hidden(),
        text("domains", "Domains", |g: &GroupRow| g.domain_names.join(", ")),
        text("projects", "Projects", |g: &GroupRow| g.project_names.join(", ")).hidden(),
        text("agents", "Agents", |g: &GroupRow| g.agents.to_string()).number(),
        text("sessions", "Sessions", |g: &GroupRow| g.sessions.to_string()).number(),
        time("created_at", "Created", |g: &GroupRow| g.created_at).sortable().hidden(),
        Column::new("control", "Control", move |g: &GroupRow| row_actions(g, open, actions)),
    ]
}

/// The button that opens the drawer and, for people who may change groups, the rest.
fn row_actions(row: &GroupRow, open: Callback<String>, actions: Option<Actions>) -> AnyView {
    let name = row.group.name.clone();
    let label = format!("Info of {name}");
    let info = Callback::new(move |()| open.run(name.clone()));
    view! {
        <div class="row-actions">
            <Button variant=Variant::Quiet label=label on_press=info><Icon name=IconName::Info/></Button>
            {actions.map(|actions| changes(row, actions))}
        </div>
    }
    .into_any()
}

fn changes(row: &GroupRow, (asked, changed): Actions) -> AnyView {
    let (group, revision, name) = (row.group.clone(), row.revision, row.group.name.clone());
    let shown = group.clone();
    let edit = Callback::new(move |()| asked.set(Asked::edit((shown.clone(), revision))));
    let active = group.active;
    let flip = move || {
        let group = ResourceGroup { active: !active, ..group.clone() };
        save_resource_group(SaveGroup { group, revision: Some(revision) })
    };
    let switch = act(flip, "Resource group successfully modified.", changed);
    let gone = name.clone();
    let delete = act(move || delete_resource_group(gone.clone()), "Resource group successfully deleted.", changed);
    let label = if active { "Deactivate" } else { "Activate" };
    let question = if active {
        format!("Deactivate {name}? It will accept no new sessions; running sessions continue.")
    } else {
        format!("Activate {name}?")
    };
    view! {
        <Button variant=Variant::Quiet label=format!("Edit {name}") on_press=edit><Icon name=IconName::Gear/></Button>
        <Confirm name=format!("group-{name}") strength=Strength::Bubble label=label title=format!("{label} {name}") icon=IconName::Power question=question on_confirm=switch/>
        <Confirm name=format!("delete-{name}") strength=Strength::Typed(name.clone()) label="Delete" title=format!("Delete {name}") icon=IconName::Trash question=format!("Delete the resource group {name}?") on_confirm=delete/>
    }
    .into_any()
}

chunk!(parts:
    /// The dialog that creates and changes resource groups. `usual` are the values of a group without its own.
    fn changes(
        asked: RwSignal<Asked<(ResourceGroup, i64)>>,
        usual: Signal<Option<SchedulerSettings>>,
        domain: DomainId,
        changed: Callback<()>,
    ) {
        dialog(Form::new(Signal::derive(move || usual.get().unwrap_or_default()), domain), asked, WORDS, changed)
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may_beyond_own(Permission::ReadGroups) {
        return problem_view(&Problem::Forbidden(Permission::ReadGroups.verb().into()));
    }
    let may_change = me.may(Permission::ChangeGroups);
    let may_read_agents = me.may(Permission::ReadAgents);
    // Not on every session event: redrawing a row would close the question that is open in it.
    let list = List::new(&RESOURCE_GROUPS, paths::GROUPS, "group", &[Topic::Group, Topic::Agent], resource_groups);
    let all = &[Topic::Group, Topic::Agent, Topic::Session];
    let detail = load_open(list.open, all, "resource group", |name| Some(find(name)));
    let history = History::new(list.open, &[Topic::Group]);
    // Defaults for groups without values of their own, for people who may create groups and read the settings.
    let asks = may_change && me.may(Permission::ReadSettings);
    let settings = load(Memo::new(|_| ()), &[Topic::Group], move |()| async move {
        if asks { scheduler_settings().await } else { Ok(SchedulerSettings::default()) }
    });
    let loads = list.pending().into_iter().chain([detail.pending(), history.pending(), settings.pending()]).collect();
    let view = move || {
        let asked = RwSignal::new(Asked::Nothing);
        let create = Callback::new(move |()| asked.set(Asked::New));
        let reload = list.rows.reload;
        let shown = Shown {
            caption: "Resource groups",
            columns: columns(list.opener(), may_change.then_some((asked, reload))),
            row_key: |g: &GroupRow| g.group.name.clone(),
            row_label: |g: &GroupRow| g.group.name.clone(),
            export: "/export/resource_groups.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Columns title="No resource groups" text="Resource groups in this state are listed here. An agent joins the group named in its configuration."/>
                }
            }),
            selection: None,
            alike: None,
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=create><Icon name=IconName::Plus/>"Create"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_change.then(|| changes::later(Asked::asks(asked), asked, settings.good(), me.domain, reload))}
            {list.drawer(Signal::stored("Resource group".to_owned()), move || history.beside(list, move || drawer(list.open, detail, may_read_agents)))}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}

fn drawer(open: Memo<Option<String>>, detail: Loaded<Option<(String, GroupRow)>>, may_read_agents: bool) -> AnyView {
    let state = opened(open, detail);
    view! {
        {move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, row))) => contents(row, may_read_agents),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

fn contents(row: GroupRow, may_read_agents: bool) -> AnyView {
    let fields = row.group.fields().into_iter().filter(|(label, _)| !["Domains", "Projects"].contains(label));
    let pairs: Vec<_> = fields.map(|(label, value)| view! { <dt>{label}</dt><dd>{or_dash(value)}</dd> }).collect();
    let nobody = row.group.domains.is_empty() && row.group.projects.is_empty();
    let nobody = nobody.then(|| {
        view! { <p class="notice notice-warn">"No domain or project may use it, so nobody can start a session there."</p> }
    });
    let name = row.group.name;
    let agents = format!("{} connected", row.agents);
    // A domain's administrator sees groups, not agents.
    let agents =
        if may_read_agents { view! { <A href=paths::agents_of(&name)>{agents}</A> }.into_any() } else { agents.into_any() };
    view! {
        {nobody}
        <dl class="key-values">
            {pairs}
            <dt>"Domains"</dt><dd>{or_dash(row.domain_names.join(", "))}</dd>
            <dt>"Projects"</dt><dd>{or_dash(row.project_names.join(", "))}</dd>
            <dt>"Agents"</dt><dd>{agents}</dd>
            <dt>"Sessions"</dt><dd><A href=paths::queue_of(&name)>{format!("{} active (open queue)", row.sessions)}</A></dd>
            <dt>"Created"</dt><dd><Time at=row.created_at.0/></dd>
        </dl>
    }
    .into_any()
}
