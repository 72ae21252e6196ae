//! Step 4: the whole request, its total, and its obstacles.

use super::forecast::Forecast;
use super::steps::Shared;
use super::{Step, step_of};
use console::slots::exact_bytes;
use leptos::prelude::*;
use types::FieldError;
use types::quantity::describe;
use types::sessions::SessionType;
use types::sessions::launch::StartSession;
use types::time::duration;
use ui::Time;

/// The cards of the review. `link` makes the address of a step.
pub fn review(shared: Shared, look: Memo<(StartSession, Vec<FieldError>)>, link: Callback<Step, String>) -> AnyView {
    let projects = move |id: types::id::ProjectId| {
        let named = |options: &types::sessions::launch::StartOptions| {
            options.projects.iter().find(|one| one.id == id).map(|one| one.name.clone())
        };
        shared.options.with(|options| options.as_ref().and_then(named)).unwrap_or_default()
    };
    let cards = move || {
        let (asked, errors) = look.get();
        let card = |step: Step, pairs: Vec<(&'static str, AnyView)>| {
            let wrong: Vec<_> = errors.iter().filter(|error| step_of(&error.field) == step).cloned().collect();
            let rows: Vec<_> = pairs.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> }).collect();
            let wrong: Vec<_> =
                wrong.into_iter().map(|one| view! { <p class="notice notice-bad" role="alert">{one.message}</p> }).collect();
            let (label, edit) = (step.label(), format!("Edit {}", step.label().to_lowercase()));
            view! {
                <section class="card review-card" aria-label=label>
                    <div class="review-head"><h2>{label}</h2><a class="button" href=link.run(step) aria-label=edit>"Edit"</a></div>
                    {wrong}
                    <dl class="key-values">{rows}</dl>
                </section>
            }
        };
        view! {
            {card(Step::SessionType, session_type(&asked))}
            {card(Step::Resources, texts(resources(&asked, projects(asked.project))))}
            {card(Step::Network, texts(network(&asked)))}
        }
    };
    view! { <div class="review">{cards}</div> }.into_any()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "—".into() } else { text }
}

fn texts(pairs: Vec<(&'static str, String)>) -> Vec<(&'static str, AnyView)> {
    pairs.into_iter().map(|(name, value)| (name, value.into_any())).collect()
}

fn session_type(asked: &StartSession) -> Vec<(&'static str, AnyView)> {
    let name = if asked.name.is_empty() { "generated".into() } else { asked.names().join(", ") };
    let mut pairs = vec![("Type", asked.kind.label().into_any()), ("Name", name.into_any())];
    if asked.kind == SessionType::Batch {
        let start = match asked.starts_at {
            Some(at) => view! { <Time at=at.0/> }.into_any(),
            None => "as soon as possible".into_any(),
        };
        let limit = asked.timeout.map_or_else(|| "none".into(), |seconds| duration(i64::from(seconds) * 1000));
        pairs.push(("Start-up command", or_dash(asked.command.clone()).into_any()));
        pairs.push(("Start time", start));
        pairs.push(("Batch job timeout", limit.into_any()));
    }
    if asked.count > 1 {
        pairs.push(("Number of sessions", asked.count.to_string().into_any()));
    }
    if !asked.depends_on.is_empty() {
        pairs.push(("Starts after", asked.depends_on.join(", ").into_any()));
    }
    if !asked.owner.is_empty() {
        pairs.push(("On behalf of", asked.owner.clone().into_any()));
    }
    pairs
}

fn resources(asked: &StartSession, project: String) -> Vec<(&'static str, String)> {
    let amounts: Vec<_> = asked.slots.0.iter().map(|(slot, amount)| describe(slot, *amount)).collect();
    let size = asked.cluster.size;
    let cluster = if size == 1 {
        "1 container".into()
    } else {
        format!("{size} containers, {}", asked.cluster.mode.label().to_lowercase())
    };
    let shown = |(name, value): &(String, String)| {
        if !asked.shows(name) { format!("{name}=••••") } else { format!("{name}={value}") }
    };
    vec![
        ("Project", or_dash(project)),
        ("Resource group", or_dash(asked.resource_group.clone())),
        ("Environment", or_dash(asked.image.clone())),
        ("Each container", amounts.join(", ")),
        ("Shared memory", asked.shared_memory.map_or_else(|| "—".into(), exact_bytes)),
        ("Cluster", cluster),
        ("Priority", asked.priority.to_string()),
        ("Variables", or_dash(asked.env.iter().map(shown).collect::<Vec<_>>().join(", "))),
    ]
}

fn network(asked: &StartSession) -> Vec<(&'static str, String)> {
    let ports: Vec<_> = asked.ports.iter().map(u16::to_string).collect();
    vec![("Preopen ports", or_dash(ports.join(", ")))]
}

/// The request's total and obstacles, shown beside every step.
pub fn outlook(forecast: Memo<Forecast>) -> AnyView {
    let lines = |class: &'static str, pick: fn(&Forecast) -> &Vec<String>| {
        move || {
            let all = forecast.with(|forecast| pick(forecast).clone());
            all.into_iter().map(|text| view! { <li class=class>{text}</li> }).collect::<Vec<_>>()
        }
    };
    let total = move || {
        let total = forecast.with(|forecast| forecast.total.clone());
        total.0.iter().map(|(slot, amount)| view! { <li>{describe(slot, *amount)}</li> }).collect::<Vec<_>>()
    };
    let together = move || {
        if forecast.with(|forecast| forecast.several) {
            "Nothing known prevents it. Whether there is room for all of them at the same time was not checked."
        } else {
            "Nothing prevents it: it can start at once."
        }
    };
    let clear = move || forecast.with(|forecast| forecast.refusals.is_empty() && forecast.waits.is_empty());
    view! {
        <section class="card outlook" aria-label="Outlook">
            <h2>"In all"</h2>
            <ul class="outlook-total">{total}</ul>
            <ul class="outlook-notes" aria-live="polite">
                {lines("notice notice-bad", |forecast| &forecast.refusals)}
                {lines("notice notice-warn", |forecast| &forecast.waits)}
                {lines("notice", |forecast| &forecast.notes)}
                <li class="hint" hidden=move || !clear()>{together}</li>
            </ul>
        </section>
    }
    .into_any()
}
