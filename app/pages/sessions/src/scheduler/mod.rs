//! The scheduler: every session that waits in a resource group, in the order in which they will start, and why each waits
//! (`docs/spec/sessions.md`, "The page Scheduler").

mod what_if;

use crate::{accelerators, drawer, priority};
use console::api::sessions::{queue, queues, session};
use console::columns::{text, time};
use console::dialog::Asked;
use console::frame::{Head, PageHead, use_me};
use console::list_page::{List, Shown};
use console::paths;
use console::problem_view::problem_view;
use console::table::{load, load_open, settled, use_parameter};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use types::Problem;
use types::list::{ListQuery, encode};
use types::people::permissions::{Permission, Reach};
use types::quantity::bytes;
use types::sessions::{QUEUE, QueueLength, SessionRow};
use types::system::events::Topic;
use ui::{Badge, Button, Column, Elapsed, EmptyState, Icon, IconName, Tone, Variant, with_local_times};

const HEAD: Head = Head { title: "Scheduler", group: "Administration" };

/// Returns the group to show: the one in the address, or the one in which most sessions wait.
fn pick(queues: &[QueueLength], named: Option<String>) -> String {
    let there = |name: &String| queues.iter().any(|one| one.group == *name);
    // Of several alike, the first.
    let longest = || queues.iter().rev().max_by_key(|one| (one.waiting, one.active)).map(|one| one.group.clone());
    named.filter(there).or_else(longest).unwrap_or_default()
}

fn columns(order: Option<Callback<Vec<String>>>) -> Vec<Column<SessionRow>> {
    let place = |s: &SessionRow| s.position.map_or_else(|| "—".to_owned(), |position| position.to_string());
    let mut columns = vec![
        Column::new("position", "Queue position", move |s: &SessionRow| place(s).into_any()).number().required(),
        text("name", "Session", |s: &SessionRow| s.name.clone()).required().opens(),
        Column::new("status", "Status", |s: &SessionRow| view! { <Badge tone=drawer::tone(s) text=s.state_label()/> }.into_any())
            .hidden(),
        Column::new("why", "Why it waits", |s: &SessionRow| {
            let never = s.never.then(|| view! { <Badge tone=Tone::Bad text="Cannot start"/>" " });
            let text = if s.brief.is_empty() { &s.info } else { &s.brief };
            view! { <span class="state">{never}<span class="why" title=s.info.clone()>{with_local_times(text)}</span></span> }
                .into_any()
        }),
        text("owner", "Owner", SessionRow::owner_and_state),
        text("project", "Project", |s: &SessionRow| s.project.clone()).hidden(),
        text("accelerators", "AI accelerator", |s: &SessionRow| accelerators(s)),
        text("cpu", "CPU", |s: &SessionRow| s.cpu().to_string()).number(),
        text("mem", "Memory", |s: &SessionRow| bytes(s.mem())).number(),
        text("priority", "Priority", |s: &SessionRow| s.priority.to_string()).number(),
        text("cluster", "Cluster", |s: &SessionRow| s.cluster.describe()).hidden(),
        time("created_at", "Created", |s: &SessionRow| s.created_at).hidden(),
        Column::new("waiting", "Waited", |s: &SessionRow| view! { <Elapsed since=s.created_at.0/> }.into_any()),
        text("kind", "Type", |s: &SessionRow| s.kind.label()).hidden(),
        Column::new("id", "Session ID", |s: &SessionRow| view! { <code>{s.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some(order) = order {
        columns.push(Column::new("control", "Control", move |s: &SessionRow| {
            let (id, label) = (s.id.to_string(), format!("Set the priority of {}", s.name));
            let press = Callback::new(move |()| order.run(vec![id.clone()]));
            view! { <div class="row-actions"><Button variant=Variant::Quiet label=label on_press=press><Icon name=IconName::ChevronUp/></Button></div> }.into_any()
        }));
    }
    columns
}

pub fn page() -> AnyView {
    let me = use_me();
    let reach = me.reach(Permission::ReadSessions);
    if reach < Reach::Domain {
        return problem_view(&Problem::Forbidden("see the queue of a resource group".into()));
    }
    let may_order = me.may(Permission::ChangePriorities);
    let named = use_parameter("group");
    let names = load(Memo::new(|_| ()), &[Topic::Group, Topic::Session], |()| queues());
    let known = names.good();
    // The queue that is being read stays, though another becomes the longest.
    let group = Memo::new(move |before: Option<&String>| {
        let named = named.get().or_else(|| before.filter(|name| !name.is_empty()).cloned());
        pick(&known.get().unwrap_or_default(), named)
    });
    let list = List::with_parameter(
        (&QUEUE, paths::SCHEDULER, "session"),
        &[Topic::Session],
        Some(("group", group)),
        move |query: ListQuery| {
            // The names are loaded in parallel, so the first load does not know them yet.
            let known = known.get_untracked();
            let named = if known.is_some() { Some(group.get_untracked()) } else { named.get_untracked() };
            async move {
                let known = match known {
                    Some(known) => known,
                    None => queues().await?,
                };
                queue(pick(&known, named), query).await
            }
        },
    );
    // Another group means another queue.
    Effect::new(move |before: Option<String>| {
        let now = group.get();
        if before.is_some_and(|before| before != now) {
            list.rows.reload.run(());
        }
        now
    });
    let detail = load_open(list.open, &[Topic::Session], "session", |id| id.parse().ok().map(session));
    let loads = list.pending().into_iter().chain([names.pending(), detail.pending()]).collect();
    let view = move || {
        let (selection, ordering) = (RwSignal::new(Vec::<String>::new()), RwSignal::new(Asked::Nothing));
        let order = Callback::new(move |ids: Vec<String>| {
            ordering.set(priority::asked_for(&ids, list.rows.good().get_untracked().as_ref()));
        });
        let done = Callback::new(move |()| {
            selection.set(Vec::new());
            list.rows.reload.run(());
        });
        let bulk = ViewFn::from(move || {
            view! { <Button on_press=Callback::new(move |()| order.run(selection.get_untracked()))>"Set priority"</Button> }
        });
        let shown = Shown {
            caption: "Pending sessions",
            columns: columns(may_order.then_some(order)),
            row_key: |s: &SessionRow| s.id.to_string(),
            row_label: |s: &SessionRow| s.name.clone(),
            export: "",
            empty: ViewFn::from(move || {
                let text = format!(
                    "No sessions are waiting in {}. Waiting sessions appear here with their place and the reason.",
                    group.get()
                );
                view! { <EmptyState icon=IconName::Check title="The queue is empty" text=text/> }
            }),
            selection: may_order.then_some((selection, bulk)),
            alike: Some(SessionRow::waits_like),
        };
        let title = drawer::title(detail);
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {choose(group, names.good())}
                {(reach == Reach::Everything).then(|| what_if::panel(group))}
            </PageHead>
            {move || closed(&group.get(), &names.good().get().unwrap_or_default())}
            {list.table(shown)}
            {may_order.then(|| priority::question::later(Asked::asks(ordering), ordering, done))}
            {list.drawer(title, move || drawer::drawer(list.open, detail, list.panels()))}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}

/// The group's agents that are out of service, for which nobody in its queue can hope.
fn closed(group: &str, queues: &[QueueLength]) -> Option<AnyView> {
    let closed = queues.iter().find(|queue| queue.group == group).map(|queue| queue.closed.join(", "))?;
    (!closed.is_empty()).then(|| {
        view! { <p class="notice notice-warn">"Out of service: "<A href=paths::agents_of(group)>{closed}</A></p> }.into_any()
    })
}

/// A group in the choice: `v100 (37 waiting)`.
fn label(queue: &QueueLength) -> String {
    let waiting = (queue.waiting > 0).then(|| format!("{} waiting", queue.waiting));
    let notes: Vec<_> = (!queue.active).then(|| "inactive".to_owned()).into_iter().chain(waiting).collect();
    if notes.is_empty() { queue.group.clone() } else { format!("{} ({})", queue.group, notes.join(", ")) }
}

/// The choice of a resource group: a form, so that it works before scripts arrive.
fn choose(group: Memo<String>, queues: Signal<Option<Vec<QueueLength>>>) -> AnyView {
    let go = use_navigate();
    let options = move || {
        let chosen = group.get();
        let option = |queue: &QueueLength| {
            view! { <option value=queue.group.clone() selected=queue.group == chosen>{label(queue)}</option> }
        };
        queues.with(|queues| queues.iter().flatten().map(option).collect::<Vec<_>>())
    };
    let change = move |event| {
        let name = event_target_value(&event);
        go(&format!("{}?group={}", paths::SCHEDULER, encode(&name)), NavigateOptions::default());
    };
    view! {
        <form method="get" action=paths::SCHEDULER class="group-choice">
            <label class="field-label" for="scheduler-group">"Resource group"</label>
            <select class="select" id="scheduler-group" name="group" on:change=change>{options}</select>
            // No `<noscript>`: a browser with scripts reads its contents as text, which breaks hydration.
            <button class="button without-scripts">"Show"</button>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_the_address_is_shown_or_the_one_in_which_most_wait() {
        let queue = |group: &str, active, waiting| QueueLength { group: group.into(), active, waiting, closed: Vec::new() };
        let queues = [queue("attic", false, 0), queue("batch", true, 0), queue("default", true, 37), queue("fast", true, 37)];
        assert_eq!(pick(&queues, Some("batch".into())), "batch");
        assert_eq!(pick(&queues, Some("gone".into())), "default");
        assert_eq!(pick(&queues, None), "default");
        assert_eq!(pick(&queues[..2], None), "batch", "nobody waits anywhere");
        assert_eq!(pick(&[], None), "");
        assert_eq!([0, 1, 2].map(|at| label(&queues[at])), ["attic (inactive)", "batch", "default (37 waiting)"]);
    }
}
