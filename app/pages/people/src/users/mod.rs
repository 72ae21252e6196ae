//! The list of accounts, and creating one.

mod bulk;
mod create;
mod drawer;
mod edit;
mod form;
mod ids;
mod link;
mod many;
mod place;

use console::api::people::users::{user, users};
use console::chunk;
use console::columns::{or_dash, text, time};
use console::dialog::Asked;
use console::frame::{Head, PageHead, use_me};
use console::history::History;
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::table::{load_open, settled, use_parameter};
use leptos::prelude::*;
use types::Problem;
use types::id::UserId;
use types::people::keypairs::KeypairRow;
use types::people::permissions::Permission;
use types::people::users::{USERS, UserRow};
use types::system::events::Topic;
use ui::{Button, Column, EmptyState, Icon, IconName, Variant};

const HEAD: Head = Head { title: "Users", group: "Administration" };

fn columns(actions: Option<(RwSignal<Option<UserId>>, Callback<()>)>) -> Vec<Column<UserRow>> {
    let mut columns = vec![
        text("email", "Email", |u: &UserRow| u.email.clone()).sortable().required().opens(),
        text("username", "Username", |u: &UserRow| u.username.clone()).sortable(),
        text("full_name", "Full name", |u: &UserRow| u.full_name.clone()).sortable(),
        text("role", "Role", |u: &UserRow| u.role.label()).sortable(),
        text("domain", "Domain", |u: &UserRow| u.domain.clone()).sortable(),
        text("projects", "Projects", |u: &UserRow| u.projects.join(", ")),
        text("status", "Status", |u: &UserRow| u.status.label()).sortable().hidden(),
        text("status_info", "Status info", |u: &UserRow| u.status_info.clone()).hidden(),
        text("policy", "User policy", |u: &UserRow| u.policy.clone()).sortable().hidden(),
        text("addresses", "Allowed client IPs", |u: &UserRow| or_dash(u.addresses.join(", "))).hidden(),
        text("sudo", "Sudo session", |u: &UserRow| yes(u.sudo)).sortable().hidden(),
        text("must_change_password", "Password change required", |u: &UserRow| yes(u.must_change_password)).sortable().hidden(),
        text("two_factor", "2FA", |u: &UserRow| if u.two_factor { "Enabled" } else { "Disabled" }).sortable().hidden(),
        text("description", "Description", |u: &UserRow| u.description.clone()).hidden(),
        text("uid", "Container UID", |u: &UserRow| number(u.ids.uid)).number().hidden(),
        text("gid", "Container GID", |u: &UserRow| number(u.ids.gid)).number().hidden(),
        text("gids", "Supplementary GIDs", |u: &UserRow| {
            or_dash(u.ids.gids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        })
        .hidden(),
        time("created_at", "Created", |u: &UserRow| u.created_at).sortable(),
        time("modified_at", "Modified", |u: &UserRow| u.modified_at).sortable().hidden(),
        Column::new("id", "ID", |u: &UserRow| view! { <code>{u.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some((editing, changed)) = actions {
        columns.push(Column::new("control", "Control", move |u: &UserRow| edit::row_actions(u, editing, changed)));
    }
    columns
}

fn yes(on: bool) -> &'static str {
    if on { "Yes" } else { "No" }
}

fn number(id: Option<u32>) -> String {
    id.map_or_else(|| "—".to_owned(), |id| id.to_string())
}

/// The requests for dialogs that change people, and what these need.
#[derive(Clone, Copy)]
struct Changing {
    editing: RwSignal<Option<UserId>>,
    linking: RwSignal<Asked<UserId>>,
    editing_many: RwSignal<Asked<()>>,
    selection: RwSignal<Vec<String>>,
    rows: Signal<Vec<UserRow>>,
    changed: Callback<()>,
    link_made: Callback<()>,
}

chunk!(parts:
    /// The dialogs that create one or many people.
    fn creation(creating: RwSignal<Asked<()>>, creating_many: RwSignal<Asked<()>>, changed: Callback<()>) {
        view! { {create::dialog(creating, changed)}{many::dialog(creating_many, changed)} }.into_any()
    }
);

chunk!(parts:
    /// The dialogs that change people.
    fn changes(of: Changing) {
        view! {
            {edit::dialog(of.editing, of.changed)}
            {link::dialog(of.linking, of.link_made)}
            {bulk::dialog(of.editing_many, of.selection, of.rows, of.changed)}
        }
        .into_any()
    }
);

chunk!(parts:
    /// The dialogs of a person's keypair.
    fn keypair(asked: RwSignal<Asked<KeypairRow>>, changed: Callback<()>) {
        crate::keypairs::dialogs(asked, changed)
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadUsers) {
        return problem_view(&Problem::Forbidden(Permission::ReadUsers.verb().into()));
    }
    let may_create = me.may(Permission::CreateUsers);
    let may_change = me.may(Permission::ChangeUsers);
    let list = List::new(&USERS, paths::USERS, "user", &[Topic::User], users);
    let detail = load_open(list.open, &[Topic::User, Topic::Session], "person", |id| id.parse().ok().map(user));
    let history = History::of_person(list.open, &[Topic::User]);
    let (creating, creating_many, editing_many) =
        (RwSignal::new(Asked::Nothing), RwSignal::new(Asked::Nothing), RwSignal::new(Asked::Nothing));
    let (editing, linking) = (RwSignal::new(None::<UserId>), RwSignal::new(Asked::Nothing));
    let limiting = RwSignal::new(Asked::Nothing);
    let may_limit = me.may(Permission::LimitKeypairs);
    let selection = RwSignal::new(Vec::<String>::new());
    let active_tab = Memo::new(move |_| list.query.with(|query| query.tab == "active"));
    let reload = list.rows.reload;
    let rows = Signal::derive(move || list.rows.good().get().map(|page| page.rows).unwrap_or_default());
    let loads = list.pending().into_iter().chain([detail.pending(), history.pending()]).collect();
    let view = move || {
        let chosen = ViewFn::from(move || bulk::buttons(selection, editing_many, active_tab, reload));
        // A notification leads to the people that a task created.
        let of_task = use_parameter("created");
        let asks_to_create = Signal::derive(move || {
            Asked::asks(creating).get() || Asked::asks(creating_many).get() || of_task.with(Option::is_some)
        });
        let asks_to_change = Signal::derive(move || {
            editing.with(Option::is_some) || Asked::asks(linking).get() || Asked::asks(editing_many).get()
        });
        let dialogs = Changing { editing, linking, editing_many, selection, rows, changed: reload, link_made: detail.reload };
        let shown = Shown {
            caption: "Users",
            columns: columns(may_change.then_some((editing, reload))),
            row_key: |u: &UserRow| u.id.to_string(),
            row_label: |u: &UserRow| u.email.clone(),
            export: "/export/users.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Users title="No users" text="Users with this status are listed here."/>
                }
            }),
            selection: may_change.then_some((selection, chosen)),
            alike: None,
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {may_create.then(|| view! {
                    <Button on_press=Callback::new(move |()| creating_many.set(Asked::New))><Icon name=IconName::Users/>"Create many"</Button>
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| creating.set(Asked::New))><Icon name=IconName::Plus/>"Create user"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_create.then(|| creation::later(asks_to_create, creating, creating_many, reload))}
            {may_change.then(|| changes::later(asks_to_change, dialogs))}
            {may_limit.then(|| keypair::later(Asked::asks(limiting), limiting, detail.reload))}
            {list.drawer(drawer::title(detail), move || {
                let actions = drawer::Actions { editing, linking, limiting: may_limit.then_some(limiting) };
                history.beside(list, move || drawer::drawer(list.open, detail, actions))
            })}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_of_a_person_has_its_column() {
        let shown: BTreeSet<&str> = columns(None).iter().map(Column::key).collect();
        // The ids are shown one by one, and the main key by the drawer.
        let elsewhere = ["project_ids", "ids", "main_key"];
        for field in serde_json::to_value(UserRow::default()).unwrap().as_object().unwrap().keys() {
            assert!(shown.contains(field.as_str()) != elsewhere.contains(&field.as_str()), "{field}");
        }
    }
}
