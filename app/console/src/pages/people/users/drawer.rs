//! One person: everything that the list says of them, with domain, projects, keypairs and sign-ins.

use crate::columns::or_dash;
use crate::dialog::Asked;
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::id::UserId;
use types::list::{Condition, ListQuery, Op};
use types::people::users::{RecentSignIn, UserDetail};
use types::sessions::SESSIONS;
use ui::{Button, CopyButton, Icon, IconName, Notice, Time, Tone};

/// The drawer's contents for the person in the address.
pub fn drawer(
    id: Memo<Option<String>>,
    detail: Loaded<Option<(String, UserDetail)>>,
    (editing, linking): (RwSignal<Option<UserId>>, RwSignal<Asked<UserId>>),
) -> AnyView {
    let state = opened(id, detail);
    view! {
        {move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, person))) => contents(person, editing, linking),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

fn contents(person: UserDetail, editing: RwSignal<Option<UserId>>, linking: RwSignal<Asked<UserId>>) -> AnyView {
    let row = person.row;
    let condition = Condition { key: "owner".into(), op: Op::Equals, value: row.email.clone() };
    let sessions = ListQuery::new(&SESSIONS).with(&SESSIONS, condition).map(|q| q.to_query_string(&SESSIONS)).unwrap_or_default();
    let last = match person.last_sign_in {
        Some(at) => view! { <Time at=at.0/> }.into_any(),
        None => "Never".into_any(),
    };
    let user = row.id;
    let id = row.id.to_string();
    let key = |key: String| {
        let (address, shown) = (paths::keypair(&key), key.clone());
        view! { <li><A href=address><code>{shown}</code></A>" "<CopyButton text=key label="Copy the access key"/></li> }
    };
    let keys: Vec<_> = person.access_keys.into_iter().map(key).collect();
    let yes = |on: bool| if on { "Yes" } else { "No" };
    let asked = person.link_asked.filter(|_| person.may_change).map(|at| {
        view! { <Notice tone=Tone::Warn>"Forgot their password and asked for a link: "<Time at=at.0/></Notice> }
    });
    let edit = person.may_change.then(|| {
        view! {
            {asked}
            <div class="session-actions">
                <Button on_press=Callback::new(move |()| editing.set(Some(user)))><Icon name=IconName::Gear/>"Edit"</Button>
                <Button on_press=Callback::new(move |()| linking.set(Asked::edit(user)))><Icon name=IconName::Key/>"Password link"</Button>
            </div>
        }
    });
    let sign_in = |one: RecentSignIn| view! { <li><Time at=one.at.0/>{format!(" from {}", one.address)}</li> };
    let recent: Vec<_> = person.recent_sign_ins.into_iter().map(sign_in).collect();
    let recent = if recent.is_empty() { "None yet".into_any() } else { view! { <ul>{recent}</ul> }.into_any() };
    let number = |id: Option<u32>| id.map_or_else(|| "—".to_owned(), |id| id.to_string());
    let groups = row.ids.gids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    view! {
        {edit}
        <h3>"Information"</h3>
        <dl class="key-values">
            <dt>"User ID"</dt><dd>{row.email}</dd>
            <dt>"Username"</dt><dd>{row.username}</dd>
            <dt>"Full name"</dt><dd>{or_dash(row.full_name)}</dd>
            <dt>"Description"</dt><dd>{or_dash(row.description)}</dd>
            <dt>"Status"</dt><dd>{row.status.label()}</dd>
            <dt>"Status info"</dt><dd>{or_dash(row.status_info)}</dd>
            <dt>"Password change required"</dt><dd>{yes(row.must_change_password)}</dd>
            <dt>"Sudo session"</dt><dd>{yes(row.sudo)}</dd>
            <dt>"Two-factor"</dt><dd>{if row.two_factor { "Enabled" } else { "Disabled" }}</dd>
            <dt>"Allowed addresses"</dt><dd>{if row.addresses.is_empty() { "Any".to_owned() } else { row.addresses.join(", ") }}</dd>
            <dt>"Container UID"</dt><dd>{number(row.ids.uid)}</dd>
            <dt>"Container GID"</dt><dd>{number(row.ids.gid)}</dd>
            <dt>"Supplementary GIDs"</dt><dd>{or_dash(groups)}</dd>
            <dt>"ID"</dt><dd><code>{id.clone()}</code>" "<CopyButton text=id label="Copy the ID"/></dd>
            <dt>"Created"</dt><dd><Time at=row.created_at.0/></dd>
            <dt>"Modified"</dt><dd><Time at=row.modified_at.0/></dd>
            <dt>"Last seen"</dt><dd>{last}</dd>
            <dt>"Recent sign-ins"</dt><dd>{recent}</dd>
        </dl>
        <h3>"Association"</h3>
        <dl class="key-values">
            <dt>"Role"</dt><dd>{row.role.label()}</dd>
            <dt>"Domain"</dt><dd>{row.domain}</dd>
            <dt>"Projects"</dt><dd>{or_dash(row.projects.join(", "))}</dd>
            <dt>"User policy"</dt><dd>{row.policy}</dd>
            <dt>"Access keys"</dt><dd><ul>{keys}</ul></dd>
            <dt>"Keypair policy"</dt><dd>{person.keypair_policy}</dd>
            <dt>"Sessions now"</dt><dd><A href=format!("{}?{sessions}", paths::SESSIONS)>{format!("{} not ended", person.sessions)}</A></dd>
        </dl>
    }
    .into_any()
}
