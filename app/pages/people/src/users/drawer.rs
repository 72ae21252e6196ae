//! One person: everything in the list, with domain, projects, keypairs and sign-ins.

use console::columns::or_dash;
use console::dialog::Asked;
use console::paths;
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::id::UserId;
use types::list::{Condition, ListQuery, Op};
use types::people::users::{RecentSignIn, UserDetail, UserRow};
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
    // Every field is named, so that a new one is not forgotten here.
    let UserRow {
        id: user,
        email,
        username,
        full_name,
        domain,
        projects,
        role,
        status,
        status_info,
        description,
        policy,
        addresses,
        sudo,
        must_change_password,
        two_factor,
        ids,
        created_at,
        modified_at,
        project_ids: _,
        main_key: _,
    } = person.row;
    let condition = Condition { key: "owner".into(), op: Op::Equals, value: email.clone() };
    let sessions = ListQuery::new(&SESSIONS).with(&SESSIONS, condition).map(|q| q.to_query_string(&SESSIONS)).unwrap_or_default();
    let last = match person.last_sign_in {
        Some(at) => view! { <Time at=at.0/> }.into_any(),
        None => "Never".into_any(),
    };
    let id = user.to_string();
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
    let groups = ids.gids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    view! {
        {edit}
        <h3>"Information"</h3>
        <dl class="key-values">
            <dt>"User ID"</dt><dd>{email}</dd>
            <dt>"Username"</dt><dd>{username}</dd>
            <dt>"Full name"</dt><dd>{or_dash(full_name)}</dd>
            <dt>"Description"</dt><dd>{or_dash(description)}</dd>
            <dt>"Status"</dt><dd>{status.label()}</dd>
            <dt>"Status info"</dt><dd>{or_dash(status_info)}</dd>
            <dt>"Password change required"</dt><dd>{yes(must_change_password)}</dd>
            <dt>"Sudo session"</dt><dd>{yes(sudo)}</dd>
            <dt>"Two-factor"</dt><dd>{if two_factor { "Enabled" } else { "Disabled" }}</dd>
            <dt>"Allowed addresses"</dt><dd>{if addresses.is_empty() { "Any".to_owned() } else { addresses.join(", ") }}</dd>
            <dt>"Container UID"</dt><dd>{number(ids.uid)}</dd>
            <dt>"Container GID"</dt><dd>{number(ids.gid)}</dd>
            <dt>"Supplementary GIDs"</dt><dd>{or_dash(groups)}</dd>
            <dt>"ID"</dt><dd><code>{id.clone()}</code>" "<CopyButton text=id label="Copy the ID"/></dd>
            <dt>"Created"</dt><dd><Time at=created_at.0/></dd>
            <dt>"Modified"</dt><dd><Time at=modified_at.0/></dd>
            <dt>"Last seen"</dt><dd>{last}</dd>
            <dt>"Recent sign-ins"</dt><dd>{recent}</dd>
        </dl>
        <h3>"Association"</h3>
        <dl class="key-values">
            <dt>"Role"</dt><dd>{role.label()}</dd>
            <dt>"Domain"</dt><dd>{domain}</dd>
            <dt>"Projects"</dt><dd>{or_dash(projects.join(", "))}</dd>
            <dt>"User policy"</dt><dd>{policy}</dd>
            <dt>"Access keys"</dt><dd><ul>{keys}</ul></dd>
            <dt>"Keypair policy"</dt><dd>{person.keypair_policy}</dd>
            <dt>"Sessions now"</dt><dd><A href=format!("{}?{sessions}", paths::SESSIONS)>{format!("{} not ended", person.sessions)}</A></dd>
        </dl>
    }
    .into_any()
}
