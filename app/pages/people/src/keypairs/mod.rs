//! Credentials: the keypairs that sign requests and that limits are counted by (`docs/spec/people.md`, "Keypairs").

mod actions;
mod bulk;
mod drawer;
mod once;

pub use actions::{dialogs, switch};
pub use drawer::secret;
pub use once::shown_once;

use console::api::people::keypairs::{keypair, keypairs};
use console::chunk;
use console::columns::{moment, text, time};
use console::dialog::Asked;
use console::frame::{Head, PageHead, use_me};
use console::history::History;
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::table::{load_open, settled};
use leptos::prelude::*;
use leptos_router::components::A;
use types::Problem;
use types::people::keypairs::{KEYPAIRS, KeypairRow};
use types::people::permissions::Permission;
use types::quantity::grouped;
use types::system::events::Topic;
use ui::{Badge, Button, Column, Elapsed, EmptyState, Icon, IconName, Tone, Variant};

const HEAD: Head = Head { title: "Credentials", group: "Administration" };

fn columns(actions: Option<(RwSignal<Asked<KeypairRow>>, Callback<()>)>) -> Vec<Column<KeypairRow>> {
    let mut columns = vec![
        Column::new("access_key", "Access key", |k: &KeypairRow| view! { <code>{k.access_key.clone()}</code> }.into_any())
            .beside(|k| k.main.then(|| view! { " "<Badge tone=Tone::Info text="Main"/> }).into_any())
            .sortable()
            .required()
            .opens(),
        Column::new("owner", "User ID", |k: &KeypairRow| {
            let (address, owner) = (paths::user(k.user), k.owner.clone());
            let title = owner.clone();
            view! { <A href=address attr:title=title>{owner}</A> }.into_any()
        })
        .sortable(),
        Column::new("permission", "Permission", |k: &KeypairRow| permission(k)),
        text("policy", "Keypair policy", |k: &KeypairRow| k.policy.clone()).sortable(),
        text("rate_limit", "Requests in 15 min", |k: &KeypairRow| grouped(k.rate_limit.into())).sortable().number(),
        text("sessions", "Sessions", |k: &KeypairRow| k.sessions.to_string()).number(),
        text("queries", "Total requests", |k: &KeypairRow| k.queries.to_string()).number().hidden(),
        moment("last_used", "Last used", "Never", |k: &KeypairRow| k.last_used).sortable().hidden(),
        Column::new("age", "Key age", |k: &KeypairRow| view! { <Elapsed since=k.created_at.0/> }.into_any()).hidden(),
        time("created_at", "Created", |k: &KeypairRow| k.created_at).sortable(),
    ];
    if let Some((asked, changed)) = actions {
        columns.push(Column::new("control", "Control", move |k: &KeypairRow| actions::row_actions(k, asked, changed)));
    }
    columns
}

/// Badges for the permission of the keypair: `user`, and `admin` for an administrator's.
fn permission(keypair: &KeypairRow) -> AnyView {
    let admin = keypair.admin.then(|| view! { <Badge tone=Tone::Bad text="admin"/>" " });
    view! { {admin}<Badge tone=Tone::Good text="user"/> }.into_any()
}

chunk!(parts:
    /// The dialogs that create and change keypairs.
    fn changes(
        asked: RwSignal<Asked<KeypairRow>>,
        editing_many: RwSignal<Asked<()>>,
        selection: RwSignal<Vec<String>>,
        changed: Callback<()>,
    ) {
        view! { {dialogs(asked, changed)}{bulk::bulk_dialog(editing_many, selection, changed)} }.into_any()
    }
);

pub fn page() -> AnyView {
    let me = use_me();
    if !me.may_beyond_own(Permission::ReadKeypairs) {
        return problem_view(&Problem::Forbidden(Permission::ReadKeypairs.verb().into()));
    }
    let may_change = me.may(Permission::LimitKeypairs);
    let list = List::new(&KEYPAIRS, paths::CREDENTIALS, "key", &[Topic::Keypair, Topic::User], keypairs);
    let detail = load_open(list.open, &[Topic::Keypair, Topic::Session], "keypair", |key| Some(keypair(key)));
    let history = History::new(list.open, &[Topic::Keypair]);
    let (asked, editing_many) = (RwSignal::new(Asked::Nothing), RwSignal::new(Asked::Nothing));
    let selection = RwSignal::new(Vec::<String>::new());
    let reload = list.rows.reload;
    let loads = list.pending().into_iter().chain([detail.pending(), history.pending()]).collect();
    let view = move || {
        let asks = Signal::derive(move || Asked::asks(asked).get() || Asked::asks(editing_many).get());
        let shown = Shown {
            caption: "Credentials",
            columns: columns(may_change.then_some((asked, reload))),
            row_key: |k: &KeypairRow| k.access_key.clone(),
            row_label: |k: &KeypairRow| k.access_key.clone(),
            export: "/export/keypairs.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Key title="No credentials" text="Keypairs in this state are listed here. Everybody gets one with their account."/>
                }
            }),
            selection: may_change.then(|| (selection, ViewFn::from(move || bulk::button(editing_many)))),
            alike: None,
        };
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {may_change.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| asked.set(Asked::New))><Icon name=IconName::Plus/>"Add credential"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {may_change.then(|| changes::later(asks, asked, editing_many, selection, reload))}
            {list.drawer(Signal::stored("Keypair detail".to_owned()), move || {
                history.beside(list, move || drawer::drawer(list.open, detail, may_change.then_some(asked)))
            })}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}
