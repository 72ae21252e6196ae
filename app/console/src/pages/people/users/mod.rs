//! People: who has an account, and creating one.

mod bulk;
mod create;
mod drawer;
mod edit;
mod form;
mod ids;
mod link;
mod many;
mod place;

use crate::api::people::users::{user, users};
use crate::dialog::Asked;
use crate::frame::{Head, PageHead, use_me};
use crate::history::History;
use crate::list_page::{List, Shown};
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{load_open, settled};
use leptos::prelude::*;
use leptos_router::components::A;
use types::Problem;
use types::id::UserId;
use types::people::permissions::Permission;
use types::people::users::{USERS, UserRow};
use types::system::events::Topic;
use ui::{Button, Column, EmptyState, Icon, IconName, Time, Variant};

const HEAD: Head = Head { title: "Users", group: "Administration" };

fn columns(actions: Option<(RwSignal<Option<UserId>>, Callback<()>)>) -> Vec<Column<UserRow>> {
    let yes = |on: bool| if on { "Yes".into_any() } else { "No".into_any() };
    let mut columns = vec![
        Column::new("email", "Email", |u: &UserRow| link(paths::user(u.id), u.email.clone())).sortable().required(),
        Column::new("username", "Username", |u: &UserRow| u.username.clone().into_any()).sortable(),
        Column::new("full_name", "Full name", |u: &UserRow| u.full_name.clone().into_any()).sortable(),
        Column::new("role", "Role", |u: &UserRow| u.role.label().into_any()).sortable(),
        Column::new("domain", "Domain", |u: &UserRow| u.domain.clone().into_any()).sortable(),
        Column::new("projects", "Projects", |u: &UserRow| u.projects.join(", ").into_any()),
        Column::new("status", "Status", |u: &UserRow| u.status.label().into_any()).sortable().hidden(),
        Column::new("status_info", "Status info", |u: &UserRow| u.status_info.clone().into_any()).hidden(),
        Column::new("policy", "Resource policy", |u: &UserRow| u.policy.clone().into_any()).sortable().hidden(),
        Column::new("addresses", "Allowed client IPs", |u: &UserRow| {
            if u.addresses.is_empty() { "—".into_any() } else { u.addresses.join(", ").into_any() }
        })
        .hidden(),
        Column::new("sudo", "Sudo session", move |u: &UserRow| yes(u.sudo)).sortable().hidden(),
        Column::new("must_change_password", "Password change required", move |u: &UserRow| yes(u.must_change_password))
            .sortable()
            .hidden(),
        Column::new("two_factor", "2FA", |u: &UserRow| if u.two_factor { "Enabled".into_any() } else { "Disabled".into_any() })
            .sortable()
            .hidden(),
        Column::new("description", "Description", |u: &UserRow| u.description.clone().into_any()).hidden(),
        Column::new("uid", "Container UID", |u: &UserRow| number(u.ids.uid)).number().hidden(),
        Column::new("gid", "Container GID", |u: &UserRow| number(u.ids.gid)).number().hidden(),
        Column::new("gids", "Supplementary GIDs", |u: &UserRow| {
            let groups: Vec<_> = u.ids.gids.iter().map(ToString::to_string).collect();
            if groups.is_empty() { "—".into_any() } else { groups.join(", ").into_any() }
        })
        .hidden(),
        Column::new("created_at", "Created", |u: &UserRow| view! { <Time at=u.created_at.0/> }.into_any()).sortable(),
        Column::new("modified_at", "Modified", |u: &UserRow| view! { <Time at=u.modified_at.0/> }.into_any()).sortable().hidden(),
        Column::new("id", "ID", |u: &UserRow| view! { <code>{u.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some((editing, changed)) = actions {
        columns.push(Column::new("control", "Control", move |u: &UserRow| edit::row_actions(u, editing, changed)));
    }
    columns
}

fn number(id: Option<u32>) -> AnyView {
    id.map_or_else(|| "—".into_any(), |id| id.to_string().into_any())
}

fn link(address: String, text: String) -> AnyView {
    view! { <A href=address>{text}</A> }.into_any()
}

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadUsers) {
        return problem_view(&Problem::Forbidden(Permission::ReadUsers.verb().into()));
    }
    let may_create = me.may(Permission::CreateUsers);
    let may_change = me.may(Permission::ChangeUsers);
    let list = List::new(&USERS, paths::USERS, "user", &[Topic::User], users);
    let detail = load_open(list.open, &[Topic::User, Topic::Session], "person", |id| id.parse().ok().map(user));
    let history = History::new(list.open, &[Topic::User]);
    let (creating, creating_many, editing_many) =
        (RwSignal::new(Asked::Nothing), RwSignal::new(Asked::Nothing), RwSignal::new(Asked::Nothing));
    let (editing, linking) = (RwSignal::new(None::<UserId>), RwSignal::new(Asked::Nothing));
    let selection = RwSignal::new(Vec::<String>::new());
    let active_tab = Memo::new(move |_| list.query.with(|query| query.tab == "active"));
    let reload = list.rows.reload;
    let rows = Signal::derive(move || list.rows.good().get().map(|page| page.rows).unwrap_or_default());
    let loads = list.pending().into_iter().chain([detail.pending(), history.pending()]).collect();
    let view = move || {
        let chosen = ViewFn::from(move || bulk::buttons(selection, editing_many, active_tab, reload));
        let shown = Shown {
            caption: "Users",
            columns: columns(may_change.then_some((editing, reload))),
            row_key: |u: &UserRow| u.id.to_string(),
            row_label: |u: &UserRow| u.email.clone(),
            export: "/export/users.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Users title="Nobody here" text="People whose account is in this state are listed here."/>
                }
            }),
            selection: may_change.then_some((selection, chosen)),
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {may_create.then(|| view! {
                    <Button on_press=Callback::new(move |()| creating_many.set(Asked::New))><Icon name=IconName::Users/>"Create many"</Button>
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| creating.set(Asked::New))><Icon name=IconName::Plus/>"Create user"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_create.then(|| create::dialog(creating, reload))}
            {may_create.then(|| many::dialog(creating_many, reload))}
            {may_change.then(|| edit::dialog(editing, reload))}
            {may_change.then(|| link::dialog(linking, detail.reload))}
            {may_change.then(|| bulk::dialog(editing_many, selection, rows, reload))}
            {list.drawer(Signal::stored("User detail".to_owned()), move || {
                history.beside(list, move || drawer::drawer(list.open, detail, (editing, linking)))
            })}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}
