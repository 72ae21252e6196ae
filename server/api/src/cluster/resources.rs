//! The lists that a client reads before it asks for a session: groups, presets, and slots (`docs/spec/api.md`, "Resources").

use crate::Api;
use crate::problem::{Params, Refused};
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use control::{Caller, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use types::limits::presets::{PRESETS, Preset};
use types::list::{ListQuery, Window};
use types::quantity::MEM;

/// The most presets in an answer.
const MOST: u32 = 1_000;

fn answer(body: Result<Value>) -> Response {
    body.map_or_else(|problem| Refused::from(problem).into_response(), |body| Json(body).into_response())
}

#[derive(Deserialize)]
pub struct OfProject {
    /// A project's id or name.
    group: Option<String>,
}

/// `GET /scaling-groups`: the groups that the caller's sessions may use.
pub async fn groups(State(api): State<Api>, Extension(caller): Extension<Caller>, Params(of): Params<OfProject>) -> Response {
    let names = api.control.usable_groups(&caller, of.group.as_deref()).await;
    let named = |names: Vec<String>| names.into_iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
    answer(names.map(|names| json!({ "scaling_groups": named(names) })))
}

/// A preset as a client reads it. Every slot is named, even if the preset asks for none of it.
pub fn preset_json(mut preset: Preset, slots: &[String]) -> Value {
    for slot in slots {
        preset.slots.0.entry(slot.clone()).or_default();
    }
    json!({
        "id": crate::limits::presets::id(&preset.name), "name": preset.name, "resource_slots": preset.slots,
        "shared_memory": preset.shared_memory.map(|bytes| bytes.to_string()),
    })
}

#[derive(Deserialize)]
pub struct OfGroup {
    scaling_group: Option<String>,
}

/// `GET /resource/presets`: the presets for every group, and those of the group in question, or of any.
pub async fn presets(State(api): State<Api>, Extension(caller): Extension<Caller>, Params(of): Params<OfGroup>) -> Response {
    let read = async {
        let slots = api.control.slot_names(&caller).await?;
        let window = Some(Window { offset: 0, limit: MOST, any_tab: true });
        let rows = api.control.presets(&caller, &ListQuery { window, ..ListQuery::new(&PRESETS) }).await?.rows;
        let presets = rows.into_iter().map(|row| row.preset);
        let here = presets.filter(|preset| {
            let group = preset.resource_group.as_ref();
            group.is_none() || of.scaling_group.is_none() || group == of.scaling_group.as_ref()
        });
        let shown = here.map(|preset| preset_json(preset, &slots));
        Ok(json!({ "presets": shown.collect::<Vec<_>>() }))
    };
    answer(read.await)
}

/// `GET /config/resource-slots`: the slots with the unit of each.
pub async fn slots(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let unit = |slot: &str| if slot == MEM { "bytes" } else { "count" };
    let kinds =
        |slots: Vec<String>| slots.into_iter().map(|slot| (slot.clone(), json!(unit(&slot)))).collect::<serde_json::Map<_, _>>();
    answer(api.control.slot_names(&caller).await.map(|slots| Value::Object(kinds(slots))))
}
