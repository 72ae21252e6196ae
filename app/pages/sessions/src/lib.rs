//! Sessions: pending, running and ended.

mod charts;
pub mod drawer;
mod export;
mod files;
mod ink;
pub mod launcher;
mod log;
mod log_text;
mod log_window;
mod own_use;
pub mod priority;
mod remedies;
mod rename;
pub mod scheduler;
mod terminal;
mod terminal_keys;
mod terminal_link;
mod terminal_screen;
mod terminate;
mod utilization;

use console::api::sessions::{own_use, session, sessions};
use console::columns::{moment, text, time};
use console::dialog::Asked;
use console::frame::{ChosenProject, Head, PageHead, use_me};
use console::list_page::{List, Shown};
use console::paths;
use console::table::{load, load_open, settled};
use drawer::tone;
use leptos::prelude::*;
use leptos_router::components::A;
use types::people::permissions::{Permission, Reach};
use types::quantity::{CPU, MEM, Slots, bytes, describe};
use types::sessions::{Ending, SESSIONS, SessionRow, Status};
use types::system::events::Topic;
use types::time::duration;
use ui::{Badge, Button, Column, Elapsed, EmptyState, Icon, IconName, Variant, with_local_times};

const HEAD: Head = Head { title: "Sessions", group: "" };

fn columns(everybody: bool, uses: utilization::Uses) -> Vec<Column<SessionRow>> {
    vec![
        text("name", "Session", |s: &SessionRow| s.name.clone()).sortable().required().opens(),
        Column::new("status", "Status", |s: &SessionRow| {
            let place = s.position.map(|position| {
                view! { <span class="queue-place" title="Place in the queue of its resource group">{format!("#{position}")}</span> }
            });
            view! { <span class="state"><Badge tone=tone(s) text=s.state_label()/>{place}{note(s)}</span> }.into_any()
        })
        .sortable(),
        text("owner", "Owner", SessionRow::owner_and_state).shown_if(everybody),
        text("accelerators", "AI accelerator", |s: &SessionRow| accelerators(s)),
        text("cpu", "CPU", |s: &SessionRow| s.cpu().to_string()).sortable().number(),
        text("mem", "Memory", |s: &SessionRow| bytes(s.mem())).sortable().number(),
        Column::new("utilization", "Utilization", move |s: &SessionRow| utilization::meters(s, uses)),
        Column::new("elapsed", "Duration", |s: &SessionRow| elapsed(s)),
        time("created_at", "Created", |s: &SessionRow| s.created_at).sortable(),
        moment("started_at", "Started", "—", |s: &SessionRow| s.started_at).hidden(),
        moment("ended_at", "Ended", "—", |s: &SessionRow| s.ended_at).hidden(),
        text("kind", "Type", |s: &SessionRow| s.kind.label()).hidden(),
        text("project", "Project", |s: &SessionRow| s.project.clone()).hidden(),
        text("resource_group", "Resource group", |s: &SessionRow| s.resource_group.clone()).hidden(),
        text("image", "Environment", |s: &SessionRow| s.image.clone()).hidden(),
        text("agent", "Agent", |s: &SessionRow| agents(s)).hidden(),
        text("cluster", "Cluster", |s: &SessionRow| s.cluster.describe()).hidden(),
        text("priority", "Priority", |s: &SessionRow| s.priority.to_string()).sortable().number().hidden(),
        text("memory_kills", "Out-of-memory kills", |s: &SessionRow| s.memory_kills.to_string()).number().hidden(),
        Column::new("id", "Session ID", |s: &SessionRow| view! { <code>{s.id.to_string()}</code> }.into_any()).hidden(),
    ]
}

/// Why a session waits or how it ended, in one line; the whole is in its title and in the drawer. Nothing where the badge says it.
pub(crate) fn note(session: &SessionRow) -> AnyView {
    let text = match (session.status, session.ending) {
        (Status::Running, _) | (_, Some(Ending::Succeeded | Ending::Failed)) => return ().into_any(),
        (Status::Pending, _) if !session.brief.is_empty() => session.brief.clone(),
        _ => session.info.clone(),
    };
    if text.is_empty() {
        return ().into_any();
    }
    view! { <span class="status-info" title=session.info.clone()>{with_local_times(&text)}</span> }.into_any()
}

/// The slots beside cores and memory: accelerators, before anything else.
fn others(slots: &Slots) -> Vec<String> {
    let others = slots.0.iter().filter(|(slot, _)| *slot != CPU && *slot != MEM);
    others.map(|(slot, amount)| describe(slot, *amount)).collect()
}

/// `1 GPU · 4 CPU cores · 32 GiB`.
pub(crate) fn amounts(slots: &Slots) -> String {
    let more = [describe(CPU, slots.get(CPU)), bytes(slots.get(MEM).floor())];
    others(slots).into_iter().chain(more).collect::<Vec<_>>().join(" · ")
}

/// The requested accelerators and other slots, beside cores and memory.
pub(crate) fn accelerators(session: &SessionRow) -> String {
    let others = others(&session.cluster.of_all(&session.slots));
    if others.is_empty() { "—".into() } else { others.join(", ") }
}

/// The session's agents, each once.
fn agents(session: &SessionRow) -> String {
    let mut names: Vec<&str> = Vec::new();
    for agent in &session.agents {
        if !names.contains(&agent.as_str()) {
            names.push(agent);
        }
    }
    if names.is_empty() { "—".into() } else { names.join(", ") }
}

/// The time for which a session has run.
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
    // Another project in the header means another list.
    Effect::new(move |before: Option<_>| {
        let now = chosen.get();
        if before.is_some_and(|before| before != now) {
            list.rows.reload.run(());
        }
        now
    });
    let selection = RwSignal::new(Vec::<String>::new());
    let (ending, ordering) = (RwSignal::new(Asked::Nothing), RwSignal::new(Asked::Nothing));
    let reach = me.reach(Permission::ReadSessions);
    let everybody = reach > Reach::Own;
    let may_start = me.may(Permission::StartSessions);
    let may_end = me.may(Permission::ControlSessions);
    let reload = list.rows.reload;
    let may_order = me.may(Permission::ChangePriorities);
    let uses = utilization::Uses::new(list.rows.good(), list.shows("utilization"));
    let detail = load_open(list.open, &[Topic::Session], "session", |id| id.parse().ok().map(session));
    let title = drawer::title(detail);
    // A dialog is for the current selection, which may change behind it.
    let end = Callback::new(move |()| ending.set(terminate::asked_for(&selection.get_untracked())));
    let order = Callback::new(move |()| {
        let page = list.rows.good().get_untracked();
        ordering.set(priority::asked_for(&selection.get_untracked(), page.as_ref()));
    });
    // Only for people who may start sessions; others have no use of their own.
    let used = may_start.then(|| load(Memo::new(|_| ()), &[Topic::Session, Topic::Keypair, Topic::Policy], |()| own_use()));
    let loads = list.pending().into_iter().chain([detail.pending()]).chain(used.map(|used| used.pending())).collect();
    let view = move || {
        let bulk = ViewFn::from(move || {
            view! {
                <Show when=move || list.query.with(|query| query.tab == "running")>
                    <Button variant=Variant::Danger on_press=end><Icon name=IconName::Power/>"Terminate"</Button>
                    {may_order.then(|| view! { <Button on_press=order>"Set priority"</Button> })}
                </Show>
            }
        });
        let shown = Shown {
            caption: "Sessions",
            columns: columns(everybody, uses),
            row_key: |s: &SessionRow| s.id.to_string(),
            row_label: |s: &SessionRow| s.name.clone(),
            // Exported from the menu beside the tabs.
            export: "",
            empty: ViewFn::from(|| {
                view! {
                    <EmptyState icon=IconName::Terminal title="No sessions" text="A session is a shell or a command with its own processors and memory. Sessions that you start appear here."/>
                }
            }),
            selection: may_end.then_some((selection, bulk)),
            alike: Some(SessionRow::waits_like),
        };
        let page = list.rows.good();
        let nothing = Signal::derive(move || page.with(|page| page.as_ref().is_some_and(|page| page.total == 0)));
        let ended = Callback::new(move |()| {
            selection.set(Vec::new());
            reload.run(());
        });
        view! {
            <PageHead title=HEAD.title>
                {may_start.then(|| view! {
                    <A href=paths::LAUNCHER attr:class="button button-primary"><Icon name=IconName::Plus/>"Start session"</A>
                })}
            </PageHead>
            {used.map(|used| own_use::own_use(used.good(), everybody))}
            {list.table_with(shown, (reach >= Reach::Domain).then(|| ViewFn::from(move || export::menu(list.query.into(), nothing))))}
            {terminate::question::later(Asked::asks(ending), ending, ended)}
            {may_order.then(|| priority::question::later(Asked::asks(ordering), ordering, ended))}
            {list.drawer(title, move || drawer::drawer(list.open, detail, list.panels()))}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}
