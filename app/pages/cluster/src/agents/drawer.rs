//! One agent: its capacity, held resources and use, now and over time, and the sessions on it.

use super::{amount, in_use};
use console::dialog::Asked;
use console::paths;
use console::problem_view::problem_view;
use console::slots::label;
use console::table::{Loaded, Opened, opened};
use leptos::prelude::*;
use leptos_router::components::A;
use types::cluster::agents::{AgentDetail, Fact, SESSIONS_SHOWN};
use types::quantity::{CPU, MEM, Quantity, bytes};
use types::sessions::SessionRow;
use ui::{Button, Meter, Series, Time, TimeChart};

/// The drawer's contents for the agent in the address.
pub fn drawer(
    id: Memo<Option<String>>,
    detail: Loaded<Option<(String, AgentDetail)>>,
    asked: Option<super::AskedSettings>,
) -> AnyView {
    let state = opened(id, detail);
    let there = Signal::derive(move || detail.good().get().flatten().map(|(_, agent)| agent));
    let slots = Memo::new(move |_| there.with(|detail| detail.as_ref().map(charted).unwrap_or_default()));
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

/// The slots that have a chart. Accelerators have one only if their use is measured.
fn charted(detail: &AgentDetail) -> Vec<String> {
    let measured = |slot: &str| detail.usage.iter().any(|one| one.used.0.contains_key(slot));
    let slots = detail.agent.report.capacity.0.keys();
    slots.filter(|slot| matches!(slot.as_str(), CPU | MEM) || measured(slot)).cloned().collect()
}

fn about(detail: AgentDetail, asked: Option<super::AskedSettings>) -> AnyView {
    let agent = detail.agent;
    let report = agent.report.clone();
    let name = report.name.clone();
    let state = match agent.lost_at {
        Some(at) => view! { "Terminated: no answer since "<Time at=at.0/> }.into_any(),
        None => "Connected".into_any(),
    };
    let row = |slot: &String| {
        let (has, held, label) = (report.capacity.get(slot), agent.occupied.get(slot), label(slot));
        let used = match in_use(&agent, slot) {
            Some(used) => {
                view! { <Meter label=format!("{label} in use") share=used.ratio_of(has) text=amount(slot, used)/> }.into_any()
            }
            None => "Not measured".into_any(),
        };
        view! {
            <tr>
                <th scope="row">{label.clone()}</th>
                <td>{amount(slot, has)}</td>
                <td><Meter label=format!("{label} held by sessions") share=held.ratio_of(has) text=amount(slot, held)/></td>
                <td>{used}</td>
            </tr>
        }
    };
    let rows: Vec<_> = report.capacity.0.keys().map(row).collect();
    let change = asked.filter(|_| agent.lost_at.is_none()).map(|asked| {
        let (name, schedulable) = (name.clone(), agent.schedulable);
        view! { <div><Button on_press=Callback::new(move |()| asked.set(Asked::edit((name.clone(), schedulable))))>"Settings"</Button></div> }
    });
    let takes = agent.takes_sessions();
    let closed = (!agent.schedulable).then(|| super::closed_note(&agent));
    let refusal = report.refusal.clone().map(|refusal| view! { <p class="notice notice-warn">{refusal}</p> });
    view! {
        <h3>{name}</h3>
        {refusal}
        <dl class="key-values">
            <dt>"Status"</dt><dd>{state}</dd>
            <dt>"Address"</dt><dd>{if report.address.is_empty() { "this machine".to_owned() } else { report.address.clone() }}</dd>
            <dt>"Resource group"</dt><dd><A href=paths::resource_group(&agent.resource_group)>{agent.resource_group.clone()}</A></dd>
            <dt>"Schedulable"</dt><dd>{if takes { "Enabled".into_any() } else { view! { "No new sessions "{closed} }.into_any() }}</dd>
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
    // In units of the slot: cores, bytes, devices.
    let units = |amount: Quantity| amount.as_thousandths() as f64 / 1000.0;
    let (title, is_bytes, of) = (label(&slot), slot == MEM, slot.clone());
    let series = Signal::derive(move || {
        let points = there.with(|detail| {
            let usage = detail.iter().flat_map(|detail| &detail.usage);
            usage.filter_map(|one| Some((one.at.0, units(*one.used.0.get(&of)?)))).collect()
        });
        vec![Series::new("In use", points)]
    });
    let limit = Signal::derive(move || there.with(|detail| Some(units(detail.as_ref()?.agent.report.capacity.get(&slot)))));
    let format: fn(f64) -> String = if is_bytes { |value: f64| bytes(value as i64) } else { |value: f64| format!("{value:.2}") };
    view! { <TimeChart title=title bytes=is_bytes series=series limit=limit limit_name="Capacity" format=format/> }.into_any()
}

fn sessions(rows: Vec<SessionRow>, all: u32) -> AnyView {
    let one = |row: SessionRow| {
        let (address, name) = (paths::session(row.id), row.name.clone());
        view! { <li><A href=address>{name}</A><span class="hint">{format!(" {} · {}", row.status.label(), row.owner_and_state())}</span></li> }
    };
    let more = (all > SESSIONS_SHOWN).then(|| view! { <p class="hint">{format!("The first {SESSIONS_SHOWN} of {all}.")}</p> });
    let nothing = rows.is_empty().then(|| view! { <p class="hint">"No sessions on this agent now."</p> });
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

#[cfg(test)]
mod tests {
    use super::*;
    use types::cluster::agents::{Agent, AgentReport, AgentUsage};
    use types::quantity::Slots;
    use types::time::Millis;

    #[test]
    fn unmeasured_slots_have_no_chart_and_no_current_use() {
        let used = Slots::cpu_mem(Quantity::whole(1), 1 << 20);
        let mut capacity = Slots::cpu_mem(Quantity::whole(8), 1 << 30);
        capacity.0.insert("cuda.device".into(), Quantity::whole(4));
        let report = AgentReport {
            name: "host".into(),
            address: String::new(),
            engine: "local".into(),
            version: String::new(),
            architecture: "x86_64".into(),
            resource_group: None,
            capacity,
            used: used.clone(),
            at: Millis(0),
            facts: Vec::new(),
            refusal: None,
        };
        let mut agent = Agent {
            report,
            resource_group: "default".into(),
            schedulable: true,
            closed_reason: String::new(),
            closed_at: None,
            first_contact: Millis(0),
            lost_at: None,
            occupied: Slots::default(),
            sessions: 0,
        };
        let usage = vec![AgentUsage { at: Millis(0), used }];
        assert_eq!(
            charted(&AgentDetail { agent: agent.clone(), usage, sessions: Vec::new(), last_end: None, endless: 0 }),
            ["cpu", "mem"]
        );
        assert_eq!((in_use(&agent, CPU), in_use(&agent, "cuda.device")), (Some(Quantity::whole(1)), None));
        agent.lost_at = Some(Millis(1));
        assert_eq!(in_use(&agent, CPU), None);
    }
}
