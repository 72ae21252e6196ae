//! One agent: what it has, holds and uses, over time as well, and the sessions on it.

use super::amount;
use crate::paths;
use crate::problem_view::problem_view;
use crate::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::agent::{AgentDetail, AgentUsage, Fact, SESSIONS_SHOWN};
use types::quantity::{MEM, bytes};
use types::session::SessionRow;
use ui::{Button, Meter, Series, Time, TimeChart};

/// The drawer's contents for the agent in the address.
pub fn drawer(id: Memo<Option<String>>, detail: Loaded<Option<(String, AgentDetail)>>, asked: Option<super::Asked>) -> AnyView {
    let state = opened(id, detail);
    let there = Signal::derive(move || detail.good().get().flatten().map(|(_, agent)| agent));
    let slots = Memo::new(move |_| {
        there.with(|agent| {
            agent.as_ref().map(|a| a.agent.report.capacity.0.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
        })
    });
    view! {
        {move || match state.get() {
            Opened::Failed(problem) => problem_view(&problem),
            Opened::There => {
                // The charts stay while their numbers change.
                let charts = move || slots.get().into_iter().map(|slot| chart(slot, there)).collect::<Vec<_>>();
                view! {
                    {move || there.get().map(|detail| about(detail, asked))}
                    <h3>"Use over time"</h3>
                    <div class="charts">{charts}</div>
                    {move || there.get().map(|detail| sessions(detail.sessions, detail.agent.sessions))}
                }
                .into_any()
            }
            Opened::Waiting => view! { <ui::Skeleton/> }.into_any(),
        }}
    }
    .into_any()
}

fn about(detail: AgentDetail, asked: Option<super::Asked>) -> AnyView {
    let agent = detail.agent;
    let report = agent.report.clone();
    let name = report.name.clone();
    let state = match agent.lost_at {
        Some(at) => view! { "Terminated: it has not answered since "<Time at=at.0/> }.into_any(),
        None => "Connected".into_any(),
    };
    let row = |slot: &String| {
        let (has, held, used) = (report.capacity.get(slot), agent.occupied.get(slot), report.used.get(slot));
        view! {
            <tr>
                <th scope="row">{slot.clone()}</th>
                <td>{amount(slot, has)}</td>
                <td><Meter label=format!("{slot} held by sessions") share=held.ratio_of(has) text=amount(slot, held)/></td>
                <td><Meter label=format!("{slot} in use") share=used.ratio_of(has) text=amount(slot, used)/></td>
            </tr>
        }
    };
    let rows: Vec<_> = report.capacity.0.keys().map(row).collect();
    let change = asked.map(|asked| {
        let (names, schedulable) = (vec![name.clone()], agent.schedulable);
        view! { <div><Button on_press=Callback::new(move |()| asked.set(Some((names.clone(), schedulable))))>"Settings"</Button></div> }
    });
    view! {
        <h3>{name}</h3>
        <dl class="key-values">
            <dt>"Status"</dt><dd>{state}</dd>
            <dt>"Address"</dt><dd>{if report.address.is_empty() { "this machine".to_owned() } else { report.address.clone() }}</dd>
            <dt>"Resource group"</dt><dd><A href=paths::resource_group(&agent.resource_group)>{agent.resource_group.clone()}</A></dd>
            <dt>"Schedulable"</dt><dd>{if agent.schedulable { "Enabled" } else { "Disabled: no new sessions" }}</dd>
            <dt>"Engine"</dt><dd>{format!("{} {}", report.engine, report.version)}</dd>
            <dt>"Architecture"</dt><dd>{report.architecture.clone()}</dd>
            <dt>"First contact"</dt><dd><Time at=agent.first_contact.0/></dd>
        </dl>
        {change}
        <table class="agent-slots">
            <caption class="visually-hidden">{format!("Resources of {}", report.name)}</caption>
            <thead><tr><th scope="col">"Resource"</th><th scope="col">"Has"</th><th scope="col">"Held by sessions"</th><th scope="col">"In use now"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
        <h3>"How sessions run here"</h3>
        <dl class="key-values">{report.facts.clone().into_iter().map(fact).collect::<Vec<_>>()}</dl>
    }
    .into_any()
}

fn chart(slot: String, there: Signal<Option<AgentDetail>>) -> AnyView {
    let (name, memory) = (slot.clone(), slot == MEM);
    let value = move |one: &AgentUsage, slot: &str| {
        let amount = one.used.get(slot);
        if memory { amount.floor() as f64 } else { amount.as_thousandths() as f64 / 1000.0 }
    };
    let series = {
        let slot = slot.clone();
        Signal::derive(move || {
            let points = there.with(|detail| {
                detail.as_ref().map(|d| d.usage.iter().map(|one| (one.at.0, value(one, &slot))).collect()).unwrap_or_default()
            });
            vec![Series::new("In use", points)]
        })
    };
    let limit = Signal::derive(move || {
        there.with(|detail| {
            let has = detail.as_ref()?.agent.report.capacity.get(&slot);
            Some(if memory { has.floor() as f64 } else { has.as_thousandths() as f64 / 1000.0 })
        })
    });
    if memory {
        view! { <TimeChart title="Memory" bytes=true series=series limit=limit format=|value| bytes(value as i64)/> }.into_any()
    } else {
        view! { <TimeChart title=name series=series limit=limit format=|value| format!("{value:.2}")/> }.into_any()
    }
}

fn sessions(rows: Vec<SessionRow>, all: u32) -> AnyView {
    let one = |row: SessionRow| {
        let (address, name) = (paths::session(row.id), row.name.clone());
        view! { <li><A href=address>{name}</A><span class="hint">{format!(" {} · {}", row.status.label(), row.owner_email)}</span></li> }
    };
    let more = (all > SESSIONS_SHOWN).then(|| view! { <p class="hint">{format!("The first {SESSIONS_SHOWN} of {all}.")}</p> });
    let nothing = rows.is_empty().then(|| view! { <p class="hint">"No session is on it now."</p> });
    view! {
        <h3>{format!("Sessions ({all})")}</h3>
        {nothing}
        <ul class="plain">{rows.into_iter().map(one).collect::<Vec<_>>()}</ul>
        {more}
    }
    .into_any()
}

fn fact(fact: Fact) -> AnyView {
    let tone = if fact.good { "fact-good" } else { "fact-lacking" };
    let mark = (!fact.good).then(|| view! { <span class="visually-hidden">"Not available: "</span> });
    view! { <dt>{fact.name}</dt><dd class=tone>{mark}{fact.value}</dd> }.into_any()
}
