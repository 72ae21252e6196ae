//! The property filter: property, operator, value. Each condition becomes a tag that can be removed. It is a plain form: without
//! scripts every operator is offered, and one that does not fit its property becomes the property's first one.

use super::Place;
use crate::form::{Button, Variant, select_options};
use crate::show::{Icon, IconName};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use types::address::parameters;
use types::list::{Condition, Kind, ListSpec, Op};

const EVERY_OP: [Op; 6] = [Op::Contains, Op::Equals, Op::Any, Op::Is, Op::Min, Op::Max];

pub(super) fn filter(place: Place) -> AnyView {
    let spec = place.spec;
    let property = RwSignal::new(spec.offered().next().map_or("", |p| p.key).to_owned());
    let first_op = move |key: &str| spec.property(key).and_then(|p| p.kind.ops().first().copied()).map_or("", Op::key).to_owned();
    // Never a value that is not among the options: the select would show nothing.
    let op = RwSignal::new(property.with_untracked(|key| first_op(key)));
    let value = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<String>);
    // Before scripts arrive, operator and value cannot follow the property, and the first render must equal the server's.
    let live = RwSignal::new(false);
    Effect::new(move |_| live.set(true));
    let kind = Memo::new(move |_| property.with(|key| spec.property(key)).map_or(Kind::Text, |p| p.kind));

    let go = use_navigate();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let kind = kind.get_untracked();
        let first = kind.ops().first().copied().unwrap_or(Op::Contains);
        let op = Op::from_key(&op.get_untracked()).filter(|op| kind.ops().contains(op)).unwrap_or(first);
        let condition = Condition { key: property.get_untracked(), op, value: value.get_untracked().trim().to_owned() };
        match place.query.with_untracked(|query| query.with(spec, condition)) {
            Ok(next) => {
                problem.set(None);
                // Typed text is cleared, but a select keeps its choice.
                if !matches!(kind, Kind::Choice(_) | Kind::Flag) {
                    value.set(String::new());
                }
                go(&place.address(&next), NavigateOptions { scroll: false, ..Default::default() });
            }
            Err(why) => problem.set(Some(why)),
        }
    };
    let choose = move |event| {
        let (key, before) = (event_target_value(&event), kind.get_untracked());
        let first = first_op(&key);
        property.set(key);
        if kind.get_untracked() != before {
            value.set(String::new());
        }
        op.set(first);
        problem.set(None);
    };
    let properties: Vec<_> = spec.offered().map(|p| view! { <option value=p.key>{p.label}</option> }).collect();
    let ops = Signal::derive(move || {
        let (kind, live) = (kind.get(), live.get());
        let ops: &[Op] = if live { kind.ops() } else { &EVERY_OP };
        let option = |op: &Op| (op.key().to_owned(), op.label(if live { kind } else { Kind::Text }).to_owned());
        ops.iter().map(option).collect::<Vec<_>>()
    });
    let error_id = format!("{}-filter-error", spec.name);
    let described = error_id.clone();
    view! {
        <div class="filter">
            <form class="filter-form" role="search" method="get" action=place.path on:submit=submit>
                {move || hidden_inputs(place)}
                <select class="select" name="fp" aria-label="Filter property" on:change=choose prop:value=property>{properties}</select>
                <select class="select" name="fo" aria-label="Filter operator" on:change=move |event| op.set(event_target_value(&event))>{select_options(op, ops)}</select>
                {move || value_control(if live.get() { kind.get() } else { Kind::Text }, value, problem, described.clone())}
                <Button submit=true variant=Variant::Normal label="Add this filter"><Icon name=IconName::Filter/>"Filter"</Button>
            </form>
            <p class="field-error" id=error_id role="alert" hidden=move || problem.with(Option::is_none)>{move || problem.get()}</p>
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

fn value_control(kind: Kind, value: RwSignal<String>, problem: RwSignal<Option<String>>, described: String) -> AnyView {
    let invalid = move || problem.with(Option::is_some).then_some("true");
    let options = |options: Vec<(&'static str, &'static str)>| {
        let first = options.first().map_or("", |(key, _)| *key);
        value.set(first.to_owned());
        let options: Vec<_> = options.into_iter().map(|(key, label)| (key.to_owned(), label.to_owned())).collect();
        view! {
            <select class="select" name="fv" aria-label="Filter value" aria-invalid=invalid on:change=move |event| value.set(event_target_value(&event))>{select_options(value, Signal::stored(options))}</select>
        }
        .into_any()
    };
    let input_type = match kind {
        Kind::Choice(choices) => return options(choices.to_vec()),
        Kind::Flag => return options(vec![("yes", "Yes"), ("no", "No")]),
        Kind::Date => "date",
        Kind::Text | Kind::Number | Kind::Id => "text",
    };
    view! {
        <input class="input" name="fv" type=input_type aria-label="Filter value" placeholder="Value" aria-invalid=invalid aria-describedby=described
            prop:value=value on:input=move |event| value.set(event_target_value(&event))/>
    }
    .into_any()
}

/// Describes a condition for people: `Email contains ann`.
fn describe_condition(spec: &ListSpec, condition: &Condition) -> String {
    let Some(property) = spec.property(&condition.key) else { return String::new() };
    let value = match property.kind {
        Kind::Choice(options) => {
            let label =
                |key: &str| options.iter().find(|(k, _)| *k == key).map_or(key.to_owned(), |(_, label)| (*label).to_owned());
            condition.value.split(',').map(label).collect::<Vec<_>>().join(" or ")
        }
        _ => condition.value.clone(),
    };
    format!("{} {} {value}", property.name(), condition.op.label(property.kind))
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
