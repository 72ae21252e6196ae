//! Agents: the machines of the cluster, what they have, what sessions hold of it and what is really in use now.

use crate::api::sessions::agents;
use crate::frame::PageHead;
use crate::problem_view::problem_view;
use crate::table::load;
use leptos::prelude::*;
use types::agent::{AGENTS, Agent, Fact};
use types::event::Topic;
use types::list::ListQuery;
use types::quantity::{CPU, MEM, Quantity, bytes};

/// Live use changes by the second and is nobody's event, so an open page asks this often (milliseconds).
const REFRESH: u32 = 3_000;

pub fn page() -> AnyView {
    let key = Memo::new(|_| ());
    let list = load(key, &[Topic::Agent, Topic::Session], |()| async { Ok(agents(ListQuery::new(&AGENTS)).await?.rows) });
    refresh_while_shown(list.reload);
    list.view(
        || view! { <PageHead title="Agents" group="Administration"/> }.into_any(),
        move || {
            view! {
                <PageHead title="Agents" group="Administration"/>
                {move || match list.shown.get() {
                    Some(Ok(agents)) if agents.is_empty() => {
                        view! { <p class="empty">"No machine has reported yet. The engine is asked every few seconds."</p> }.into_any()
                    }
                    Some(Ok(_)) => cards(list.good()),
                    Some(Err(problem)) => problem_view(&problem),
                    None => ().into_any(),
                }}
            }
            .into_any()
        },
    )
}

/// Asks again while the page is looked at; a hidden tab is silent.
pub(crate) fn refresh_while_shown(reload: Callback<()>) {
    Effect::new(move |_| {
        let timer = set_interval_with_handle(
            move || {
                if !document().hidden() {
                    reload.run(());
                }
            },
            std::time::Duration::from_millis(u64::from(REFRESH)),
        );
        if let Ok(timer) = timer {
            on_cleanup(move || timer.clear());
        }
    });
}

fn cards(agents: Signal<Option<Vec<Agent>>>) -> AnyView {
    let all = move || agents.get().unwrap_or_default();
    view! { <div class="agent-list">{move || all().into_iter().map(card).collect::<Vec<_>>()}</div> }.into_any()
}

fn card(agent: Agent) -> AnyView {
    let report = agent.report;
    let heading = format!("agent-{}", report.name);
    let labelled = heading.clone();
    let row = |label: &'static str, slot: &'static str, show: fn(Quantity) -> String| {
        let (has, held, used) = (report.capacity.get(slot), agent.occupied.get(slot), report.used.get(slot));
        view! {
            <tr>
                <th scope="row">{label}</th>
                <td>{show(has)}</td>
                <td>{amount(held, has, show, &format!("{label} held by sessions"))}</td>
                <td>{amount(used, has, show, &format!("{label} in use"))}</td>
            </tr>
        }
    };
    view! {
        <section class="card agent" aria-labelledby=labelled>
            <header class="card-head">
                <h2 id=heading>{report.name.clone()}</h2>
                <p class="hint">{format!("{} · {} engine · resource group {}", report.architecture, report.engine, agent.resource_group)}</p>
            </header>
            <table class="agent-slots">
                <caption class="visually-hidden">{format!("Resources of {}", report.name)}</caption>
                <thead>
                    <tr><th scope="col">"Resource"</th><th scope="col">"Has"</th><th scope="col">"Held by sessions"</th><th scope="col">"In use now"</th></tr>
                </thead>
                <tbody>
                    {row("CPU", CPU, |q| if q == Quantity::whole(1) { "1 core".into() } else { format!("{q} cores") })}
                    {row("Memory", MEM, |q| bytes(q.floor()))}
                </tbody>
            </table>
            <p>{format!("{} sessions", agent.sessions)}</p>
            <h3>"How sessions run here"</h3>
            <dl class="key-values">{report.facts.into_iter().map(fact).collect::<Vec<_>>()}</dl>
        </section>
    }
    .into_any()
}

fn amount(value: Quantity, of: Quantity, show: fn(Quantity) -> String, label: &str) -> AnyView {
    let share = format!("{:.3}", value.ratio_of(of).clamp(0.0, 1.0));
    view! { <span class="amount"><meter min="0" max="1" value=share aria-label=label.to_owned()></meter><span>{show(value)}</span></span> }.into_any()
}

fn fact(fact: Fact) -> AnyView {
    let tone = if fact.good { "fact-good" } else { "fact-lacking" };
    let mark = (!fact.good).then(|| view! { <span class="visually-hidden">"Not available: "</span> });
    view! { <dt>{fact.name}</dt><dd class=tone>{mark}{fact.value}</dd> }.into_any()
}
