//! The filter: one box that suggests what a typed text may mean, and a tag for each condition that holds. The box is a plain form:
//! without scripts it takes the likeliest meaning.

use super::Place;
use crate::show::{Icon, IconName};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use types::address::parameters;
use types::list::{Condition, Kind, ListSpec, Suggestion, suggest};
use types::time::Millis;

pub(super) fn filter(place: Place, things: String) -> AnyView {
    let spec = place.spec;
    let (text, open, problem) = (RwSignal::new(String::new()), RwSignal::new(false), RwSignal::new(None::<String>));
    let chosen = RwSignal::new(0usize);
    let found = Memo::new(move |_| {
        if !open.get() {
            return Vec::new();
        }
        // In the browser only: a server renders no open list.
        text.with(|text| suggest(spec, text, Some(Millis(js_sys::Date::now() as i64))))
    });
    let go = use_navigate();
    let take = Callback::new(move |meant: Option<Suggestion>| {
        let Some(Suggestion { conditions, .. }) = meant else {
            return problem.set(Some("Nothing here can be filtered by this.".into()));
        };
        match place.query.with_untracked(|query| query.with_all(spec, &conditions)) {
            Ok(next) => {
                text.set(String::new());
                open.set(false);
                go(&place.address(&next), NavigateOptions { scroll: false, ..Default::default() });
            }
            Err(why) => problem.set(Some(why)),
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = !text.with_untracked(|text| text.trim().is_empty());
        // A text whose suggestions were closed still means something.
        let all = text.with_untracked(|text| suggest(spec, text, Some(Millis(js_sys::Date::now() as i64))));
        if typed || open.get_untracked() {
            take.run(all.get(chosen.get_untracked()).or(all.first()).cloned());
        }
    };
    let show = move || {
        chosen.set(0);
        problem.set(None);
        open.set(true);
    };
    let keys = move |event: leptos::ev::KeyboardEvent| {
        let all = found.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" | "ArrowUp" if !open.get_untracked() => show(),
            "ArrowDown" if all > 0 => chosen.update(|at| *at = (*at + 1) % all),
            "ArrowUp" if all > 0 => chosen.update(|at| *at = (*at + all - 1) % all),
            "Escape" if open.get_untracked() => {
                open.set(false);
                event.stop_propagation();
            }
            _ => return,
        }
        event.prevent_default();
    };
    let (list, error) = (format!("{}-suggestions", spec.name), format!("{}-filter-error", spec.name));
    let option = {
        let list = list.clone();
        move |at: usize| format!("{list}-{at}")
    };
    let (active, option_id) = (option.clone(), option);
    let suggestions = move || {
        let rows = found.get().into_iter().enumerate().map(|(at, one)| {
            let label = one.label.clone();
            // Before the box loses the focus, by which the list closes.
            let press = move |event: leptos::ev::MouseEvent| {
                event.prevent_default();
                take.run(Some(one.clone()));
            };
            view! {
                <li role="option" id=option_id(at) aria-selected=move || (chosen.get() == at).to_string() on:mousedown=press>{label}</li>
            }
        });
        rows.collect::<Vec<_>>()
    };
    view! {
        <div class="filter">
            <form class="filter-form" role="search" method="get" action=place.path on:submit=submit>
                {move || hidden_inputs(place)}
                <Icon name=IconName::Filter/>
                <input class="input" name="q" type="text" role="combobox" aria-label=format!("Filter {things}") placeholder=format!("Filter {things}…")
                    aria-expanded=move || (open.get() && found.with(|found| !found.is_empty())).to_string() aria-controls=list.clone() aria-autocomplete="list"
                    aria-activedescendant=move || (found.with(Vec::len) > chosen.get()).then(|| active(chosen.get()))
                    aria-invalid=move || problem.with(Option::is_some).then_some("true") aria-describedby=error.clone() autocomplete="off" spellcheck="false"
                    prop:value=text
                    on:input=move |event| {
                        text.set(event_target_value(&event));
                        show();
                    }
                    on:focus=move |_| show()
                    on:click=move |_| open.set(true)
                    on:blur=move |_| open.set(false)
                    on:keydown=keys/>
                <ul class="suggestions" role="listbox" id=list aria-label="Suggestions" hidden=move || found.with(Vec::is_empty)>{suggestions}</ul>
            </form>
            <p class="field-error" id=error role="alert" hidden=move || problem.with(Option::is_none)>{move || problem.get()}</p>
            {move || tags(place)}
        </div>
    }
    .into_any()
}

/// Renders the other parameters of the address as hidden inputs, so that a plain form keeps them.
fn hidden_inputs(place: Place) -> AnyView {
    let address = place.query.with(|query| place.address(&query.at_page(1)));
    let pairs = address.split_once('?').map_or("", |(_, pairs)| pairs);
    let inputs: Vec<_> =
        parameters(pairs).into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect();
    inputs.into_any()
}

/// Describes a condition for people: `Email contains ann`.
fn describe_condition(spec: &ListSpec, condition: &Condition) -> String {
    let Some(property) = spec.property(&condition.key) else { return String::new() };
    let (word, value) = match property.kind {
        Kind::Choice(options) => {
            let label =
                |key: &str| options.iter().find(|(k, _)| *k == key).map_or(key.to_owned(), |(_, label)| (*label).to_owned());
            ("is", condition.value.split(',').map(label).collect::<Vec<_>>().join(" or "))
        }
        _ => (condition.op.label(property.kind), condition.value.clone()),
    };
    format!("{} {word} {value}", property.name())
}

fn tags(place: Place) -> AnyView {
    let conditions = place.query.with(|query| query.conditions.clone());
    if conditions.is_empty() {
        return ().into_any();
    }
    let tag = |(index, condition): (usize, &Condition)| {
        let text = describe_condition(place.spec, condition);
        let address = place.query.with(|query| place.address(&query.without(index)));
        view! {
            <li class="tag">
                <span>{text.clone()}</span>
                <a href=address data-noscroll aria-label=format!("Remove {text}")><Icon name=IconName::Close/></a>
            </li>
        }
    };
    let many = conditions.len() > 1;
    let clear = many.then(|| {
        let address = place.query.with(|query| {
            let mut next = query.at_page(1);
            next.conditions.clear();
            place.address(&next)
        });
        view! { <li><a href=address data-noscroll>"Clear all"</a></li> }
    });
    view! { <ul class="tags" aria-label="Filter conditions, all of which must hold">{conditions.iter().enumerate().map(tag).collect::<Vec<_>>()}{clear}</ul> }.into_any()
}
