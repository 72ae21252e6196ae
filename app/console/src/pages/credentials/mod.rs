//! Credentials: the keypairs that sign requests and that limits are counted by (`admin-menus.md`, manage user's keypairs).

mod actions;
mod drawer;
mod once;

pub use actions::{dialogs, switch};
pub use drawer::secret;
pub use once::shown_once;

use crate::api::keypairs::{keypair, keypairs};
use crate::frame::{PageHead, use_me};
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{load, load_open, settled, use_columns, use_list_query, use_parameter};
use actions::Asked;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use types::Problem;
use types::event::Topic;
use types::keypair::{KEYPAIRS, KeypairRow};
use types::permission::Permission;
use ui::{Badge, Button, Column, Drawer, EmptyState, Icon, IconName, Table, Time, Tone, Variant};

fn columns(actions: Option<(RwSignal<Asked>, Callback<()>)>) -> Vec<Column<KeypairRow>> {
    let mut columns = vec![
        Column::new("access_key", "Access key", |k: &KeypairRow| {
            let main = k.main.then(|| view! { " "<Badge tone=Tone::Info text="Main"/> });
            let key = k.access_key.clone();
            view! { <A href=paths::keypair(&k.access_key)><code>{key}</code></A>{main} }.into_any()
        })
        .sortable()
        .required(),
        Column::new("owner", "User ID", |k: &KeypairRow| k.owner.clone().into_any()).sortable(),
        Column::new("permission", "Permission", |k: &KeypairRow| permission(k)),
        Column::new("policy", "Resource policy", |k: &KeypairRow| k.policy.clone().into_any()).sortable(),
        Column::new("rate_limit", "Requests in 15 min", |k: &KeypairRow| k.rate_limit.to_string().into_any()).sortable().number(),
        Column::new("sessions", "Sessions now", |k: &KeypairRow| k.sessions.to_string().into_any()).number(),
        Column::new("queries", "Requests ever", |k: &KeypairRow| k.queries.to_string().into_any()).number().hidden(),
        Column::new("last_used", "Last used", |k: &KeypairRow| match k.last_used {
            Some(at) => view! { <Time at=at.0/> }.into_any(),
            None => "Never".into_any(),
        })
        .sortable()
        .hidden(),
        Column::new("created_at", "Created", |k: &KeypairRow| view! { <Time at=k.created_at.0/> }.into_any()).sortable(),
    ];
    if let Some((asked, changed)) = actions {
        columns.push(Column::new("control", "Control", move |k: &KeypairRow| actions::row_actions(k, asked, changed)));
    }
    columns
}

/// What the keypair's owner may do.
fn permission(keypair: &KeypairRow) -> AnyView {
    let admin = keypair.admin.then(|| view! { <Badge tone=Tone::Bad text="admin"/>" " });
    view! { {admin}<Badge tone=Tone::Good text="user"/> }.into_any()
}

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may(Permission::ReadUsers) {
        return problem_view(&Problem::Forbidden(Permission::ReadUsers.verb().into()));
    }
    let may_change = me.may(Permission::LimitKeypairs);
    let query = use_list_query(&KEYPAIRS);
    let rows = load(query, &[Topic::Keypair, Topic::User], keypairs);
    let (layout, keep_layout) = use_columns(KEYPAIRS.name);
    let open_key = use_parameter("key");
    let detail = load_open(open_key, &[Topic::Keypair, Topic::Session], "keypair", |key| Some(keypair(key)));
    let is_open = Memo::new(move |_| open_key.with(Option::is_some));
    let asked = RwSignal::new(Asked::Nothing);
    let list_address = Memo::new(move |_| {
        let query = query.get().to_query_string(&KEYPAIRS);
        if query.is_empty() { paths::CREDENTIALS.to_owned() } else { format!("{}?{query}", paths::CREDENTIALS) }
    });
    let go = use_navigate();
    let close =
        Callback::new(move |()| go(&list_address.get_untracked(), NavigateOptions { scroll: false, ..Default::default() }));
    let view = move || {
        let keep = Signal::derive(move || open_key.get().map(|key| vec![("key".to_owned(), key)]).unwrap_or_default());
        view! {
            <PageHead title="Credentials" group="Administration">
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| asked.set(Asked::Add))><Icon name=IconName::Plus/>"Add credential"</Button>
                })}
            </PageHead>
            <Table
                spec=&KEYPAIRS
                columns=columns(may_change.then_some((asked, rows.reload)))
                caption="Credentials"
                path=paths::CREDENTIALS
                query=query
                page=Signal::derive(move || rows.shown.get().map(|page| page.map_err(|problem| problem.to_string())))
                loading=rows.loading
                keep=keep
                row_key=|k: &KeypairRow| k.access_key.clone()
                row_label=|k: &KeypairRow| k.access_key.clone()
                layout=Signal::derive(move || layout.good().get().unwrap_or_default())
                on_layout=keep_layout
                export="/export/keypairs.csv"
                on_refresh=rows.reload
                empty=ViewFn::from(move || view! {
                    <EmptyState icon=IconName::Gear title="No credentials" text="Keypairs in this state are listed here. Everybody gets one with their account."/>
                })
            />
            {may_change.then(|| dialogs(asked, rows.reload))}
            {move || is_open.get().then(|| view! {
                <Drawer open=Signal::stored(true) title="Keypair detail" on_close=close close_href=list_address.get_untracked()>
                    {drawer::drawer(open_key, detail, may_change)}
                </Drawer>
            })}
        }
        .into_any()
    };
    let waiting = || view! { <PageHead title="Credentials" group="Administration"/><ui::Skeleton/> }.into_any();
    settled(vec![layout.pending(), rows.pending(), detail.pending()], waiting, view)
}
