//! Sessions: everything that was asked for, what runs, and what has ended.

mod charts;
mod drawer;
mod log;
mod start;
mod terminal;
mod terminal_keys;
mod terminate;

use crate::api::sessions::{session, sessions};
use crate::frame::{ChosenProject, PageHead, use_me};
use crate::list_page::{List, Shown};
use crate::paths;
use crate::table::{load_open, settled};
use drawer::tone;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use types::event::Topic;
use types::list::encode;
use types::permission::{Permission, Reach};
use types::quantity::bytes;
use types::session::{SESSIONS, SessionRow, Status};
use types::time::{Millis, duration};
use ui::{Badge, Button, Column, Elapsed, EmptyState, Icon, IconName, Time, Variant};

fn columns(everybody: bool) -> Vec<Column<SessionRow>> {
    let time = |at: Option<Millis>| match at {
        Some(at) => view! { <Time at=at.0/> }.into_any(),
        None => "—".into_any(),
    };
    vec![
        Column::new("name", "Session", |s: &SessionRow| link(paths::session(s.id), s.name.clone())).sortable().required(),
        Column::new("status", "Status", |s: &SessionRow| {
            view! { <Badge tone=tone(s.status) text=s.status.label()/><span class="status-info" hidden=s.status == Status::Running>{s.info.clone()}</span> }
                .into_any()
        })
        .sortable(),
        Column::new("kind", "Type", |s: &SessionRow| s.kind.label().into_any()),
        Column::new("owner", "Owner", |s: &SessionRow| s.owner_email.clone().into_any()).shown_if(everybody),
        Column::new("cpu", "CPU", |s: &SessionRow| s.cpu.to_string().into_any()).sortable().number(),
        Column::new("mem", "Memory", |s: &SessionRow| bytes(s.mem).into_any()).sortable().number(),
        Column::new("elapsed", "Ran for", |s: &SessionRow| elapsed(s)),
        Column::new("created_at", "Created", |s: &SessionRow| view! { <Time at=s.created_at.0/> }.into_any()).sortable(),
        Column::new("started_at", "Started", move |s: &SessionRow| time(s.started_at)).hidden(),
        Column::new("ended_at", "Ended", move |s: &SessionRow| time(s.ended_at)).hidden(),
        Column::new("project", "Project", |s: &SessionRow| s.project.clone().into_any()).hidden(),
        Column::new("resource_group", "Resource group", |s: &SessionRow| s.resource_group.clone().into_any()).hidden(),
        Column::new("image", "Environment", |s: &SessionRow| s.image.clone().into_any()).hidden(),
        Column::new("agent", "Agent", |s: &SessionRow| s.agent.clone().unwrap_or_else(|| "—".into()).into_any()).hidden(),
        Column::new("id", "Session ID", |s: &SessionRow| view! { <code>{s.id.to_string()}</code> }.into_any()).hidden(),
    ]
}

fn link(address: String, text: String) -> AnyView {
    view! { <A href=address>{text}</A> }.into_any()
}

/// How long a session ran, or has run.
fn elapsed(session: &SessionRow) -> AnyView {
    match (session.started_at, session.ended_at) {
        (Some(start), Some(end)) => duration(end.since(start)).into_any(),
        (Some(start), None) => view! { <Elapsed since=start.0/> }.into_any(),
        (None, _) => "—".into_any(),
    }
}

pub fn page() -> AnyView {
    let me = use_me();
    let chosen = expect_context::<ChosenProject>().0;
    let list =
        List::new(&SESSIONS, paths::SESSIONS, "session", &[Topic::Session], move |query| sessions(query, chosen.get_untracked()));
    // Another project in the header, another list.
    Effect::new(move |before: Option<_>| {
        let now = chosen.get();
        if before.is_some_and(|before| before != now) {
            list.rows.reload.run(());
        }
        now
    });
    let starting = RwSignal::new(false);
    let selection = RwSignal::new(Vec::<String>::new());
    let ending = RwSignal::new(false);
    let everybody = me.reach(Permission::ReadSessions) > Reach::Own;
    let may_start = me.may(Permission::StartSessions);
    let may_end = me.may(Permission::ControlSessions);
    let reload = list.rows.reload;
    let started = Callback::new({
        let go = use_navigate();
        move |id| {
            starting.set(false);
            go(&paths::session(id), NavigateOptions { scroll: false, ..Default::default() });
        }
    });
    let detail = load_open(list.open, &[Topic::Session], "session", |id| id.parse().ok().map(session));
    let title = drawer::title(detail);
    let selected = Signal::derive(move || selection.get());
    let loads = list.pending().into_iter().chain([detail.pending()]).collect();
    let view = move || {
        let bulk = ViewFn::from(move || {
            view! {
                <Show when=move || list.query.with(|query| query.tab == "running")>
                    <Button variant=Variant::Danger on_press=Callback::new(move |()| ending.set(true))><Icon name=IconName::Power/>"Terminate"</Button>
                </Show>
            }
        });
        let shown = Shown {
            caption: "Sessions",
            columns: columns(everybody),
            row_key: |s: &SessionRow| s.id.to_string(),
            row_label: |s: &SessionRow| s.name.clone(),
            export: "/export/sessions.csv",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Terminal title="No sessions" text="A session is a shell or a command with processors and memory of its own. What you start appears here."/>
                }
            }),
            selection: may_end.then_some((selection, bulk)),
        };
        let asking = Signal::derive(move || match selection.with(Vec::len) {
            1 => "Terminate 1 session?".to_owned(),
            many => format!("Terminate {many} sessions?"),
        });
        let ended = Callback::new(move |()| {
            selection.set(Vec::new());
            reload.run(());
        });
        // An address that keeps the list behind the drawer as it is.
        let link = Callback::new(move |panel: Option<String>| {
            let mut parts = vec![list.query.get().to_query_string(&SESSIONS)];
            parts.extend(list.open.get().map(|id| format!("session={}", encode(&id))));
            parts.extend(panel.map(|panel| format!("panel={panel}")));
            parts.retain(|part| !part.is_empty());
            format!("{}?{}", paths::SESSIONS, parts.join("&"))
        });
        view! {
            <PageHead title="Sessions">
                {may_start.then(|| view! {
                    <Button variant=Variant::Primary on_press=Callback::new(move |()| starting.set(true))><Icon name=IconName::Plus/>"Start session"</Button>
                })}
            </PageHead>
            {list.table(shown)}
            {terminate::dialog(ending, selected, asking, ended)}
            {may_start.then(|| start::dialog(starting, started))}
            {list.drawer(title, move || drawer::drawer(list.open, detail, link))}
        }
        .into_any()
    };
    let waiting = || view! { <PageHead title="Sessions"/><ui::Skeleton/> }.into_any();
    settled(loads, waiting, view)
}
