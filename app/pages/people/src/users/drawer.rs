//! One person: who they are, what they may use, what they run, and last what one seldom needs.

use console::act::ask;
use console::api::people::keypairs::keypair;
use console::dialog::Asked;
use console::frame::use_me;
use console::paths;
use console::problem_view::problem_view;
use console::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::id::UserId;
use types::list::{Condition, ListQuery, Op};
use types::people::keypairs::KeypairRow;
use types::people::permissions::Permission;
use types::people::users::{RecentSignIn, UserDetail, UserRow, UserStatus};
use types::quantity::grouped;
use types::sessions::SESSIONS;
use ui::{Ago, Badge, Button, CopyButton, Icon, IconName, Notice, Time, Tone, Variant};

/// The dialogs that the drawer opens.
#[derive(Clone, Copy)]
pub struct Actions {
    pub editing: RwSignal<Option<UserId>>,
    pub linking: RwSignal<Asked<UserId>>,
    /// For people who may limit keypairs.
    pub limiting: Option<RwSignal<Asked<KeypairRow>>>,
}

/// The drawer's name: the person's.
pub fn title(detail: Loaded<Option<(String, UserDetail)>>) -> Signal<String> {
    let name = |person: &UserDetail| {
        let row = &person.row;
        if row.full_name.is_empty() { row.email.clone() } else { row.full_name.clone() }
    };
    Signal::derive(move || {
        detail.good().with(|d| d.as_ref().and_then(|d| d.as_ref()).map_or("Person".into(), |(_, person)| name(person)))
    })
}

/// The drawer's contents for the person in the address.
pub fn drawer(id: Memo<Option<String>>, detail: Loaded<Option<(String, UserDetail)>>, actions: Actions) -> AnyView {
    let state = opened(id, detail);
    view! {
        {move || match (state.get(), detail.good().get().flatten()) {
            (Opened::Failed(problem), _) => problem_view(&problem),
            (Opened::There, Some((_, person))) => contents(person, actions),
            _ => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

/// A name and its value, unless there is none.
fn fact(name: &'static str, value: String) -> Option<AnyView> {
    (!value.is_empty()).then(|| view! { <dt>{name}</dt><dd>{value}</dd> }.into_any())
}

fn contents(person: UserDetail, actions: Actions) -> AnyView {
    // Every field is named, so that a new one is not forgotten here.
    let UserRow {
        id: user,
        email,
        username,
        full_name: _,
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
        project_ids,
        main_key,
    } = person.row;
    let Actions { editing, linking, limiting } = actions;
    let condition = Condition { key: "owner".into(), op: Op::Equals, value: email.clone() };
    let sessions = ListQuery::new(&SESSIONS).with(&SESSIONS, condition).map(|q| q.to_query_string(&SESSIONS)).unwrap_or_default();
    let last = match person.last_sign_in {
        Some(at) => view! { "Last seen "<Ago at=at.0/> }.into_any(),
        None => "Never signed in".into_any(),
    };
    let id = user.to_string();
    let key = |key: String| {
        let (address, shown) = (paths::keypair(&key), key.clone());
        view! { <li><A href=address><code>{shown}</code></A>" "<CopyButton text=key label="Copy the access key"/></li> }
    };
    let keys: Vec<_> = person.access_keys.into_iter().map(key).collect();
    let asked = person.link_asked.filter(|_| person.may_change).map(|at| {
        view! { <Notice tone=Tone::Warn>"Forgot their password and asked for a link: "<Time at=at.0/></Notice> }
    });
    let limits = limiting.zip(main_key).map(|(limiting, key)| {
        let press = ask(move || keypair(key.clone()), move |row| limiting.set(Asked::edit(row)));
        view! { <Button on_press=press><Icon name=IconName::Gauge/>"Limits"</Button> }
    });
    let edit = person.may_change.then(|| {
        view! {
            {asked}
            <div class="session-actions">
                <Button variant=Variant::Primary on_press=Callback::new(move |()| editing.set(Some(user)))><Icon name=IconName::Gear/>"Edit"</Button>
                {limits}
                <Button on_press=Callback::new(move |()| linking.set(Asked::edit(user)))><Icon name=IconName::Key/>"Password link"</Button>
            </div>
        }
    });
    let sign_in = |one: RecentSignIn| view! { <li><Time at=one.at.0/>{format!(" from {}", one.address)}</li> };
    let recent: Vec<_> = person.recent_sign_ins.into_iter().map(sign_in).collect();
    let recent = (!recent.is_empty()).then(|| view! { <dt>"Recent sign-ins"</dt><dd><ul>{recent}</ul></dd> });
    let number = |id: Option<u32>| id.map_or_else(String::new, |id| id.to_string());
    let groups = ids.gids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let tone = match status {
        UserStatus::Active => Tone::Good,
        UserStatus::Inactive => Tone::Neutral,
        UserStatus::BeforeVerification => Tone::Warn,
    };
    let may_read_projects = use_me().may(Permission::ReadProjects);
    let project = |(id, name): (types::id::ProjectId, String)| match may_read_projects {
        true => view! { <li><A href=paths::project(id)>{name}</A></li> }.into_any(),
        false => view! { <li>{name}</li> }.into_any(),
    };
    let projects: Vec<_> = project_ids.into_iter().zip(projects).map(project).collect();
    let projects =
        if projects.is_empty() { "—".into_any() } else { view! { <ul class="inline-list">{projects}</ul> }.into_any() };
    let rate = person.rate_limit.map_or_else(String::new, |limit| format!("{} requests in 15 minutes", grouped(limit.into())));
    let marks = [(two_factor, "Two-factor"), (sudo, "Sudo"), (must_change_password, "Must change password")];
    let marks: Vec<_> =
        marks.into_iter().filter(|(on, _)| *on).map(|(_, text)| view! { <Badge tone=Tone::Info text=text/> }).collect();
    view! {
        <p class="session-status"><Badge tone=tone text=status.label()/><strong>{role.label()}</strong><span class="facts">{email}" · "{last}</span>{marks}</p>
        {edit}
        <dl class="key-values">
            <dt>"Sessions now"</dt><dd><A href=format!("{}?{sessions}", paths::SESSIONS)>{format!("{} active", person.sessions)}</A></dd>
            {fact("Keypair policy", person.keypair_policy)}
            {fact("Rate limit", rate)}
            <dt>"Projects"</dt><dd>{projects}</dd>
            <dt>"Domain"</dt><dd>{domain}</dd>
            {fact("User policy", policy)}
            {(!keys.is_empty()).then(|| view! { <dt>"Access keys"</dt><dd><ul>{keys}</ul></dd> })}
            {fact("Description", description)}
            {fact("Status info", status_info)}
            {fact("Allowed client IPs", addresses.join(", "))}
            {recent}
            <dt>"Username"</dt><dd>{username}</dd>
            {fact("Container UID", number(ids.uid))}
            {fact("Container GID", number(ids.gid))}
            {fact("Supplementary GIDs", groups)}
            <dt>"Created"</dt><dd><Time at=created_at.0/></dd>
            <dt>"Modified"</dt><dd><Time at=modified_at.0/></dd>
            <dt>"ID"</dt><dd><code>{id.clone()}</code>" "<CopyButton text=id label="Copy the ID"/></dd>
        </dl>
    }
    .into_any()
}
