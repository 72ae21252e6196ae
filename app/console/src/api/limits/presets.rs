//! Resource presets.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use types::Problem;
use types::limits::presets::{PresetRow, SavePreset};
use types::list::{ListQuery, Page};

#[server(prefix = "/call", endpoint = "presets", input = Json)]
pub async fn presets(query: ListQuery) -> Result<Page<PresetRow>, Problem> {
    crate::api::run(|control, caller| async move { control.presets(&caller, &query).await }).await
}

#[server(name = SavePresetCall, prefix = "/call", endpoint = "save_preset", input = Json)]
pub async fn save_preset(save: SavePreset) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.save_preset(&caller, &save).await }).await
}

#[server(prefix = "/call", endpoint = "delete_preset", input = Json)]
pub async fn delete_preset(name: String) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.delete_preset(&caller, &name).await }).await
}
