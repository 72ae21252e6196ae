//! The scheduler: every session that waits in a resource group, in the order in which they will start, and why each waits
//! (`docs/spec/sessions.md`, "The page Scheduler").

mod what_if;

use crate::{accelerators, drawer, priority};
use console::api::sessions::{queue, session};
use console::columns::{text, time};
use console::dialog::Asked;
use console::frame::{Head, PageHead, use_me};
use console::group_names::{GroupNames, group_names};
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
use types::sessions::{QUEUE, SessionRow};
use types::system::events::Topic;
use ui::{Badge, Button, Column, Elapsed, EmptyState, IconName, Variant};

const HEAD: Head = Head { title: "Scheduler", group: "Administration" };

/// Returns the group to show: the one in the address, or the first active one.
fn pick(names: &GroupNames, named: Option<String>) -> String {
    let there = |name: &String| names.all().any(|one| one == name);
    named.filter(there).or_else(|| names.all().next().cloned()).unwrap_or_default()
}

fn columns(list: List<SessionRow>, order: Option<Callback<Vec<String>>>) -> Vec<Column<SessionRow>> {
    let place = |s: &SessionRow| s.position.map_or_else(|| "—".to_owned(), |position| position.to_string());
    let mut columns = vec![
        Column::new("position", "Queue position", move |s: &SessionRow| place(s).into_any()).number().required(),
        Column::new("name", "Session", move |s: &SessionRow| {
            let (id, name) = (s.id.to_string(), s.name.clone());
            // The rest of the address belongs to the list; only the open session differs from row to row.
            view! { <A href=move || list.link_to(&id)>{name}</A> }.into_any()
        })
        .required(),
        Column::new("status", "Status", |s: &SessionRow| {
            let place = s.position.map(|position| {
                view! { <span class="queue-place" title="Place in the queue of its resource group">{format!("#{position}")}</span> }
            });
            view! { <Badge tone=drawer::tone(s.status) text=s.status.label()/>{place} }.into_any()
        }),
        Column::new("why", "Why it waits", |s: &SessionRow| view! { <span class="why">{s.info.clone()}</span> }.into_any()),
        text("owner", "Owner", SessionRow::owner_and_state),
        text("project", "Project", |s: &SessionRow| s.project.clone()).hidden(),
        text("kind", "Type", |s: &SessionRow| s.kind.label()),
        text("priority", "Priority", |s: &SessionRow| s.priority.to_string()).number(),
        text("cpu", "CPU", |s: &SessionRow| s.cpu().to_string()).number(),
        text("mem", "Memory", |s: &SessionRow| bytes(s.mem())).number(),
        text("accelerators", "AI accelerator", |s: &SessionRow| accelerators(s)),
        text("cluster", "Cluster", |s: &SessionRow| cluster(s)).hidden(),
        time("created_at", "Created", |s: &SessionRow| s.created_at),
        Column::new("waiting", "Waited", |s: &SessionRow| view! { <Elapsed since=s.created_at.0/> }.into_any()),
        Column::new("id", "Session ID", |s: &SessionRow| view! { <code>{s.id.to_string()}</code> }.into_any()).hidden(),
    ];
    if let Some(order) = order {
        columns.push(Column::new("control", "Control", move |s: &SessionRow| {
            let (id, label) = (s.id.to_string(), format!("Set the priority of {}", s.name));
            let press = Callback::new(move |()| order.run(vec![id.clone()]));
            view! { <Button variant=Variant::Quiet label=label on_press=press>"Priority"</Button> }.into_any()
        }));
    }
    columns
}

/// The number of containers and how they are placed.
fn cluster(session: &SessionRow) -> String {
    let size = session.cluster.size;
    if size == 1 { "1 container".into() } else { format!("{size} × {}", session.cluster.mode.label().to_lowercase()) }
}

pub fn page() -> AnyView {
    let me = use_me();
    let reach = me.reach(Permission::ReadSessions);
    if reach < Reach::Domain {
        return problem_view(&Problem::Forbidden("see the queue of a resource group".into()));
    }
    let may_order = me.may(Permission::ChangePriorities);
    let named = use_parameter("group");
    let names = load(Memo::new(|_| ()), &[Topic::Group], |()| group_names());
    let known = names.good();
    let group = Memo::new(move |_| pick(&known.get().unwrap_or_default(), named.get()));
    let list = List::with_parameter(
        (&QUEUE, paths::SCHEDULER, "session"),
        &[Topic::Session],
        Some(("group", group)),
        move |query: ListQuery| {
            // The names are loaded in parallel, so the first load does not know them yet.
            let (known, named) = (known.get_untracked(), named.get_untracked());
            async move {
                let names = match known {
                    Some(names) => names,
                    None => group_names().await?,
                };
                queue(pick(&names, named), query).await
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
            columns: columns(list, may_order.then_some(order)),
            row_key: |s: &SessionRow| s.id.to_string(),
            row_label: |s: &SessionRow| s.name.clone(),
            export: "",
            empty: ViewFn::from(move || {
                let text = format!(
                    "No session waits in {}. A session that has to wait appears here, with its place and the reason.",
                    group.get()
                );
                view! { <EmptyState icon=IconName::Check title="Nothing waits" text=text/> }
            }),
            selection: may_order.then_some((selection, bulk)),
        };
        let title = drawer::title(detail);
        view! {
            <PageHead title=HEAD.title group=HEAD.group>
                {choose(group, names.good())}
                {(reach == Reach::Everything).then(|| what_if::panel(group))}
            </PageHead>
            {list.table(shown)}
            {may_order.then(|| priority::dialog(ordering, done))}
            {list.drawer(title, move || drawer::drawer(list.open, detail, list.panels()))}
        }
        .into_any()
    };
    settled(loads, HEAD, view)
}

/// The choice of a resource group: a form, so that it works before scripts arrive.
fn choose(group: Memo<String>, names: Signal<Option<GroupNames>>) -> AnyView {
    let go = use_navigate();
    let options = move || {
        let chosen = group.get();
        let all = names.get().unwrap_or_default();
        let option = |name: &String| {
            let (selected, label) = (*name == chosen, all.label(name));
            view! { <option value=name.clone() selected=selected>{label}</option> }
        };
        all.all().map(option).collect::<Vec<_>>()
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
    fn an_unknown_group_is_replaced_by_the_first_active_one() {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let names = GroupNames { active: of(&["batch", "default"]), inactive: of(&["attic"]) };
        assert_eq!(pick(&names, Some("default".into())), "default");
        assert_eq!(pick(&names, Some("attic".into())), "attic");
        assert_eq!(pick(&names, Some("gone".into())), "batch");
        assert_eq!(pick(&names, None), "batch");
        assert_eq!(pick(&GroupNames { active: Vec::new(), ..names.clone() }, None), "attic");
        assert_eq!(pick(&GroupNames::default(), None), "");
        assert_eq!((names.label("attic"), names.label("batch")), ("attic (inactive)".to_owned(), "batch".to_owned()));
    }
}
