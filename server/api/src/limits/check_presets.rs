//! `POST /resource/check-presets`: the presets that could start now, and the rest of every limit (`docs/spec/api.md`,
//! "Checking presets").
//!
//! Free amounts of agents are not added up, because no container gets parts of two: a group has as much left of a slot as one of
//! its agents has free.

use crate::Api;
use crate::cluster::resources::preset_json;
use crate::problem::{Body, Refused};
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use control::{Caller, Control, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use types::Problem;
use types::limits::presets::Preset;
use types::quantity::Quantity;
use types::sessions::launch::{GroupOffer, PresetFit, ProjectOffer, StartOptions, preset_fit};

#[derive(Deserialize)]
pub struct Asked {
    /// A project's id or name; the person's first one if it is missing.
    group: Option<String>,
    /// One of the project's resource groups; all of them if it is missing.
    scaling_group: Option<String>,
}

/// `POST /resource/check-presets`
pub async fn check(State(api): State<Api>, Extension(caller): Extension<Caller>, Body(asked): Body<Asked>) -> Response {
    match answer(&api.control, &caller, &asked).await {
        Ok(body) => Json(body).into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

async fn answer(control: &Control, caller: &Caller, asked: &Asked) -> Result<Value> {
    let options = control.start_options(caller, "").await?;
    let project = project(&options, asked.group.as_deref())?;
    let only = asked.scaling_group.as_deref().filter(|name| !name.is_empty());
    let usable = options.groups.iter().filter(|group| group.projects.contains(&project.id));
    let groups: Vec<&GroupOffer> = usable.filter(|group| only.is_none_or(|name| group.name == name)).collect();
    if let Some(name) = only.filter(|_| groups.is_empty()) {
        return Err(Problem::NotFound(format!("resource group {name}")));
    }
    let using = control.own_use_by_group(caller).await?;
    let slots = &options.slots;
    let left = |slot: &str| smaller(keypair_left(&options, slot), project_left(project, slot));
    let offered = options.presets.iter().filter(|preset| {
        let bound = preset.resource_group.as_ref();
        bound.is_none_or(|name| groups.iter().any(|group| group.name == *name))
    });
    let presets = offered.map(|preset| {
        let mut answer = preset_json(preset.clone(), slots);
        answer["allocatable"] = json!(allocatable(preset, &groups, &options, project));
        answer
    });
    let here = |group: &GroupOffer, slot: &str| smaller(left(slot), Some(most_free(group, slot)));
    let each = groups.iter().map(|group| {
        let using = using.get(&group.name).cloned().unwrap_or_default();
        let amounts = json!({
            "using": amounts(slots, |slot| Some(using.get(slot))), "remaining": amounts(slots, |slot| here(group, slot)),
        });
        (group.name.clone(), amounts)
    });
    let most = |slot: &str| groups.iter().filter_map(|group| here(group, slot)).max().unwrap_or_default();
    Ok(json!({
        "presets": presets.collect::<Vec<_>>(),
        "keypair_limits": amounts(slots, |slot| options.policy.limit(slot)),
        "keypair_using": amounts(slots, |slot| Some(options.using.slots.get(slot))),
        "keypair_remaining": amounts(slots, left),
        "group_limits": amounts(slots, |slot| project.limit.0.get(slot).copied()),
        "group_using": amounts(slots, |slot| Some(project.using.get(slot))),
        "group_remaining": amounts(slots, |slot| project_left(project, slot)),
        "scaling_group_remaining": amounts(slots, |slot| Some(most(slot))),
        "scaling_groups": each.collect::<Map<_, _>>(),
    }))
}

fn project<'o>(options: &'o StartOptions, wanted: Option<&str>) -> Result<&'o ProjectOffer> {
    let wanted = wanted.filter(|name| !name.is_empty());
    let is = |project: &&ProjectOffer| wanted.is_none_or(|text| project.name == text || project.id.to_string() == text);
    let found = options.projects.iter().find(is);
    found.ok_or_else(|| Problem::NotFound(format!("project {}", wanted.unwrap_or("of this person"))))
}

fn allocatable(preset: &Preset, groups: &[&GroupOffer], options: &StartOptions, project: &ProjectOffer) -> bool {
    groups.iter().any(|group| preset_fit(preset, group, options, Some(project)) == PresetFit::Now)
}

/// The rest of a limit, 0 if it is overdrawn; `None` is no limit.
fn rest_of_limit(limit: Option<Quantity>, used: Quantity) -> Option<Quantity> {
    limit.map(|limit| limit.minus(used).max(Quantity::ZERO))
}

fn keypair_left(options: &StartOptions, slot: &str) -> Option<Quantity> {
    rest_of_limit(options.policy.limit(slot), options.using.slots.get(slot))
}

fn project_left(project: &ProjectOffer, slot: &str) -> Option<Quantity> {
    rest_of_limit(project.limit.0.get(slot).copied(), project.using.get(slot))
}

fn most_free(group: &GroupOffer, slot: &str) -> Quantity {
    group.free.iter().map(|free| free.get(slot)).max().unwrap_or_default().max(Quantity::ZERO)
}

/// The smaller of two amounts; `None` is infinite.
fn smaller(a: Option<Quantity>, b: Option<Quantity>) -> Option<Quantity> {
    a.into_iter().chain(b).min()
}

/// An amount of every slot, with `Infinity` for an infinite one.
fn amounts(slots: &[String], of: impl Fn(&str) -> Option<Quantity>) -> Value {
    let one = |slot: &String| {
        let amount = of(slot).map_or_else(|| "Infinity".to_owned(), |amount| amount.to_string());
        (slot.clone(), Value::String(amount))
    };
    Value::Object(slots.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinity_exceeds_any_amount_and_an_overdrawn_limit_leaves_nothing() {
        let n = |n| Some(Quantity::whole(n));
        assert_eq!(smaller(None, n(3)), n(3));
        assert_eq!(smaller(n(2), n(3)), n(2));
        assert_eq!(smaller(None, None), None);
        assert_eq!(rest_of_limit(n(4), Quantity::whole(5)), n(0));
        assert_eq!(rest_of_limit(None, Quantity::whole(5)), None);
        let written = amounts(&["cpu".to_owned(), "mem".to_owned()], |slot| if slot == "cpu" { n(2) } else { None });
        assert_eq!(written, json!({ "cpu": "2", "mem": "Infinity" }));
    }
}
