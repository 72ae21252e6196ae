//! Resource presets.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::limits::presets::{PresetRow, SavePreset};
use types::list::{ListQuery, Page};

#[server(prefix = "/call", endpoint = "presets", protocol = Call)]
pub async fn presets(query: ListQuery) -> Result<Page<PresetRow>, Problem> {
    crate::api::run(|control, caller| async move { control.presets(&caller, &query).await }).await
}

#[server(name = SavePresetCall, prefix = "/call", endpoint = "save_preset", protocol = Call)]
pub async fn save_preset(save: SavePreset) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.save_preset(&caller, &save).await }).await
}

#[server(prefix = "/call", endpoint = "delete_preset", protocol = Call)]
pub async fn delete_preset(name: String) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.delete_preset(&caller, &name).await }).await
}
