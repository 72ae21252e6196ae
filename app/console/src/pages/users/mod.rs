//! People: who has an account, and creating one.

mod create;
mod drawer;
mod edit;
mod form;

use crate::api::users::{user, users};
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
use types::id::UserId;
use types::permission::Permission;
use types::user::{USERS, UserRow};
use ui::{Button, Column, Drawer, EmptyState, Icon, IconName, Table, Time, Variant};

fn columns(actions: Option<(RwSignal<Option<UserId>>, Callback<()>)>) -> Vec<Column<UserRow>> {
    let yes = |on: bool| if on { "Yes".into_any() } else { "No".into_any() };
    let mut columns = vec![
        Column::new("email", "Email", |u: &UserRow| link(paths::user(u.id), u.email.clone())).sortable().required(),
        Column::new("username", "Username", |u: &UserRow| u.username.clone().into_any()).sortable(),
        Column::new("full_name", "Full name", |u: &UserRow| u.full_name.clone().into_any()).sortable(),
        Column::new("role", "Role", |u: &UserRow| u.role.label().into_any()).sortable(),
        Column::new("domain", "Domain", |u: &UserRow| u.domain.clone().into_any()),
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
        Column::new("created_at", "Created", |u: &UserRow| view! { <Time at=u.created_at.0/> }.into_any()).sortable(),
        Column::new("modified_at", "Modified", |u: &UserRow| view! { <Time at=u.modified_at.0/> }.into_any()).sortable().hidden(),
        Column::new("id", "ID", |u: &UserRow| view! { <code>{u.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some((editing, changed)) = actions {
        columns.push(Column::new("control", "Control", move |u: &UserRow| edit::row_actions(u, editing, changed)));
    }
    columns
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
    let query = use_list_query(&USERS);
    let rows = load(query, &[Topic::User], users);
    let (layout, keep_layout) = use_columns(USERS.name);
    let open_user = use_parameter("user");
    let detail = load_open(open_user, &[Topic::User, Topic::Session], "person", |id| id.parse().ok().map(user));
    let is_open = Memo::new(move |_| open_user.with(Option::is_some));
    let creating = RwSignal::new(false);
    let editing = RwSignal::new(None::<UserId>);
    let selection = RwSignal::new(Vec::<String>::new());
    let may_change = me.may(Permission::ChangeUsers);
    let active_tab = Memo::new(move |_| query.with(|query| query.tab == "active"));
    let list_address = Memo::new(move |_| {
        let query = query.get().to_query_string(&USERS);
        if query.is_empty() { paths::USERS.to_owned() } else { format!("{}?{query}", paths::USERS) }
    });
    let go = use_navigate();
    let close =
        Callback::new(move |()| go(&list_address.get_untracked(), NavigateOptions { scroll: false, ..Default::default() }));
    let view = move || {
        let keep = Signal::derive(move || open_user.get().map(|id| vec![("user".to_owned(), id)]).unwrap_or_default());
        view! {
            <PageHead title="Users" group="Administration">
                {may_create.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| creating.set(true))><Icon name=IconName::Plus/>"Create user"</Button>
                })}
            </PageHead>
            <Table
                spec=&USERS
                columns=columns(may_change.then_some((editing, rows.reload)))
                caption="Users"
                path=paths::USERS
                query=query
                page=Signal::derive(move || rows.shown.get().map(|page| page.map_err(|problem| problem.to_string())))
                loading=rows.loading
                keep=keep
                row_key=|u: &UserRow| u.id.to_string()
                row_label=|u: &UserRow| u.email.clone()
                selection=may_change.then_some(selection)
                bulk=ViewFn::from(move || edit::bulk(selection, active_tab, rows.reload))
                layout=Signal::derive(move || layout.good().get().unwrap_or_default())
                on_layout=keep_layout
                export="/export/users.csv"
                on_refresh=rows.reload
                empty=ViewFn::from(move || view! {
                    <EmptyState icon=IconName::Users title="Nobody here" text="People whose account is in this state are listed here."/>
                })
            />
            {may_create.then(|| create::dialog(creating, rows.reload))}
            {may_change.then(|| edit::dialog(editing, rows.reload))}
            {move || is_open.get().then(|| view! {
                <Drawer open=Signal::stored(true) title="User detail" on_close=close close_href=list_address.get_untracked()>
                    {drawer::drawer(open_user, detail, editing)}
                </Drawer>
            })}
        }
        .into_any()
    };
    let waiting = || view! { <PageHead title="Users" group="Administration"/><ui::Skeleton/> }.into_any();
    settled(vec![layout.pending(), rows.pending(), detail.pending()], waiting, view)
}
