//! Where it runs: the project that it counts against, and the resource group, with what is free there and who waits.

use super::Shared;
use super::form::{Form, not_offered};
use console::slots::short;
use leptos::prelude::*;
use types::id::ProjectId;
use types::quantity::{CPU, MEM, Quantity};
use types::sessions::launch::{GroupOffer, StartOptions};
use ui::{Field, Select};

/// The choices that the options offer.
pub fn offered(
    options: Signal<Option<StartOptions>>,
    pick: impl Fn(&StartOptions) -> Vec<(String, String)> + Send + Sync + 'static,
) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || options.with(|options| options.as_ref().map(&pick).unwrap_or_default()))
}

/// The error of a choice: its refusal, or that it is no longer offered.
pub fn choice_error(shared: Shared, field: &'static str) -> Signal<Option<String>> {
    let Shared { refused, options, look, .. } = shared;
    let refused = refused.field_error(field);
    let gone = Memo::new(move |_| {
        let missing = |options: &StartOptions| look.with(|(asked, _)| not_offered(asked, options));
        let errors = options.with(|options| options.as_ref().map(missing).unwrap_or_default());
        errors.into_iter().find(|error| error.field == field).map(|error| error.message)
    });
    Signal::derive(move || gone.get().or_else(|| refused.get()))
}

/// The options of a choice, plus the chosen value if it is not among them: otherwise the list would show another value.
pub fn with_chosen(all: Signal<Vec<(String, String)>>, chosen: RwSignal<String>) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || {
        let (mut all, chosen) = (all.get(), chosen.get());
        if !chosen.is_empty() && !all.iter().any(|(key, _)| *key == chosen) {
            // A project is known only by its id.
            let name = if chosen.parse::<ProjectId>().is_ok() { "A project".to_owned() } else { chosen.clone() };
            all.push((chosen, format!("{name} (not offered)")));
        }
        all
    })
}

/// The group that is chosen.
pub fn group(form: Form, options: Signal<Option<StartOptions>>) -> Option<GroupOffer> {
    let name = form.resource_group.get();
    options.with(|options| options.as_ref()?.groups.iter().find(|group| group.name == name).cloned())
}

pub fn place(shared: Shared) -> AnyView {
    let Shared { form, options, .. } = shared;
    let projects =
        offered(options, |o| o.projects.iter().map(|project| (project.id.to_string(), project.name.clone())).collect());
    let projects = with_chosen(projects, form.project);
    let several = Memo::new(move |_| projects.with(|projects| projects.len() > 1));
    let usable = Memo::new(move |_| {
        let project = form.project.get();
        let mine = |group: &&GroupOffer| group.projects.iter().any(|id| id.to_string() == project);
        options.with(|o| o.iter().flat_map(|o| &o.groups).filter(mine).cloned().collect::<Vec<_>>())
    });
    // A chosen group stays in view though it is gone, beside the error.
    let gone = Memo::new(move |_| {
        let chosen = form.resource_group.get();
        let gone = !chosen.is_empty() && usable.with(|usable| usable.iter().all(|group| group.name != chosen));
        gone.then_some(chosen)
    });
    let gone_card = move || {
        gone.get().map(|name| card(form, name, String::new(), view! { <span class="hint">"not offered"</span> }.into_any()))
    };
    let error = choice_error(shared, "resource_group");
    view! {
        <Show when=move || several.get()>
            <Field name="start-project" label="Project" error=choice_error(shared, "project")>
                <Select name="start-project" value=form.project options=projects/>
            </Field>
        </Show>
        <fieldset class="fieldset" aria-describedby="start-group-error">
            <legend class="field-label">"Resource group"</legend>
            <div class="group-cards">
                <For each=move || usable.get() key=|group| (group.name.clone(), format!("{:?}{}", group.free_in_all, group.pending)) children=move |group| offer(form, &group)/>
                {gone_card}
            </div>
            <p class="field-error" id="start-group-error" hidden=move || error.with(Option::is_none)>{move || error.get()}</p>
        </fieldset>
    }
    .into_any()
}

fn offer(form: Form, group: &GroupOffer) -> AnyView {
    let free = |slot: &str, all: Quantity| format!("{} {} of {} free", short(slot), group.free_in_all.get(slot), all);
    let accelerators = group.in_all.0.iter().filter(|(slot, all)| *slot != CPU && *slot != MEM && **all > Quantity::ZERO);
    let mut lines: Vec<_> = accelerators.map(|(slot, all)| free(slot, *all)).collect();
    match group.in_all.0.get(CPU) {
        Some(all) => lines.push(free(CPU, *all)),
        None => lines.push("No agent accepts sessions now".into()),
    }
    let waiting = match group.pending {
        0 => "Queue empty".to_owned(),
        1 => "1 waiting".to_owned(),
        n => format!("{n} waiting"),
    };
    let lines: Vec<_> = lines.into_iter().map(|line| view! { <span class="group-card-line">{line}</span> }).collect();
    let full = group.pending > 0;
    let facts = view! { {lines}<span class="group-card-line" class:waits=full>{waiting}</span> }.into_any();
    card(form, group.name.clone(), group.description.clone(), facts)
}

fn card(form: Form, name: String, description: String, facts: AnyView) -> AnyView {
    let (mine, value, choose) = (name.clone(), name.clone(), name.clone());
    let description = (!description.is_empty()).then(|| view! { <span class="hint">{description}</span> });
    view! {
        <label class="group-card">
            <input type="radio" name="start-group" value=value prop:checked=move || form.resource_group.with(|chosen| *chosen == mine)
                on:change=move |_| form.resource_group.set(choose.clone())/>
            <span class="group-card-body"><strong>{name}</strong>{description}{facts}</span>
        </label>
    }
    .into_any()
}
