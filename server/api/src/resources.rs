//! What scripts ask of resources without GraphQL (`semantics.md` §2.6, §2.9, §5.5).

use crate::Api;
use crate::problem::Refused;
use axum::Json;
use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Response};
use control::Caller;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use types::list::{ListQuery, Window};
use types::preset::PRESETS;
use types::quantity::MEM;

fn answer(result: Result<Value, types::Problem>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(problem) => Refused::from(problem).into_response(),
    }
}

#[derive(Deserialize)]
pub struct OfGroup {
    group: Option<String>,
    scaling_group: Option<String>,
}

/// `GET /scaling-groups?group=`: the resource groups that a project of the caller may use.
pub async fn groups(State(api): State<Api>, Extension(caller): Extension<Caller>, Query(of): Query<OfGroup>) -> Response {
    let names = api.control.usable_groups(&caller, of.group.as_deref()).await;
    answer(names.map(|names| {
        let groups: Vec<Value> = names.into_iter().map(|name| json!({ "name": name })).collect();
        json!({ "scaling_groups": groups })
    }))
}

/// `GET /config/resource-slots`: the slots that agents have, each with how it is counted.
pub async fn slots(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let names = api.control.slot_names(&caller).await;
    answer(names.map(|names| {
        let kind = |name: &str| if name == MEM { "bytes" } else { "count" };
        Value::Object(names.into_iter().map(|name| (name.clone(), json!(kind(&name)))).collect())
    }))
}

/// `GET /resource/presets?scaling_group=`
pub async fn presets(State(api): State<Api>, Extension(caller): Extension<Caller>, Query(of): Query<OfGroup>) -> Response {
    let read = async {
        let names = api.control.slot_names(&caller).await?;
        let window = Some(Window { offset: 0, limit: 1_000, any_tab: true });
        let page = api.control.presets(&caller, &ListQuery { window, ..ListQuery::new(&PRESETS) }).await?;
        let here = |group: &Option<String>| group.is_none() || of.scaling_group.is_none() || *group == of.scaling_group;
        let presets = page.rows.into_iter().map(|row| row.preset).filter(|preset| here(&preset.resource_group));
        let one = |preset: types::preset::Preset| {
            let mut slots: Map<String, Value> = names.iter().map(|name| (name.clone(), json!("0"))).collect();
            for (slot, amount) in &preset.slots.0 {
                let amount = if slot == MEM { amount.floor().to_string() } else { amount.to_string() };
                slots.insert(slot.clone(), json!(amount));
            }
            let shared = preset.shared_memory.map(|bytes| bytes.to_string());
            json!({ "id": preset.name, "name": preset.name, "shared_memory": shared, "resource_slots": slots })
        };
        Ok(json!({ "presets": presets.map(one).collect::<Vec<_>>() }))
    };
    answer(read.await)
}
