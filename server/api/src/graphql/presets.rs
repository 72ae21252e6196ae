//! Resource presets.

use super::policies::{read_slots, whole};
use super::{Done, done, outcome, refuse, with};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use control::{Caller, Control};
use types::Problem;
use types::preset::{PRESETS, Preset, PresetRow, SavePreset};
use types::quantity::{Slots, parse_bytes};

type Answer<T> = std::result::Result<T, Problem>;

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ResourcePreset {
    id: String,
    name: String,
    resource_slots: String,
    shared_memory: Option<i64>,
    scaling_group_name: Option<String>,
}

impl From<PresetRow> for ResourcePreset {
    fn from(row: PresetRow) -> Self {
        Self {
            id: row.preset.name.clone(),
            resource_slots: serde_json::json!(row.preset.slots).to_string(),
            shared_memory: row.preset.shared_memory,
            scaling_group_name: row.preset.resource_group,
            name: row.preset.name,
        }
    }
}

/// The preset that a name, or the id that stands for it, means.
async fn named(control: &Control, caller: &Caller, name: &str) -> Answer<PresetRow> {
    let found = control.presets(caller, &whole(&PRESETS, Some(name))).await?.rows.pop();
    found.ok_or_else(|| Problem::NotFound("resource preset".into()))
}

#[derive(Default)]
pub struct PresetQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl PresetQuery {
    async fn resource_presets(&self, context: &Context<'_>) -> Result<Vec<ResourcePreset>> {
        let (control, caller) = with(context)?;
        let page = control.presets(caller, &whole(&PRESETS, None)).await.map_err(refuse)?;
        Ok(page.rows.into_iter().map(Into::into).collect())
    }

    async fn resource_preset(
        &self,
        context: &Context<'_>,
        name: Option<String>,
        id: Option<String>,
    ) -> Result<Option<ResourcePreset>> {
        let (control, caller) = with(context)?;
        let name = name.or(id).unwrap_or_default();
        Ok(Some(named(control, caller, &name).await.map_err(refuse)?.into()))
    }
}

#[derive(InputObject)]
#[graphql(name = "CreateResourcePresetInput", rename_fields = "snake_case")]
pub struct PresetInput {
    resource_slots: Option<String>,
    shared_memory: Option<String>,
    scaling_group_name: Option<String>,
}

fn changed(before: Preset, props: &PresetInput) -> Answer<Preset> {
    let wrong = || Problem::field("shared_memory", "An amount of memory, such as 64m.");
    let shared = props.shared_memory.as_deref().map(|words| parse_bytes(words).ok_or_else(wrong)).transpose()?;
    Ok(Preset {
        slots: props.resource_slots.as_deref().map(read_slots).transpose()?.unwrap_or(before.slots),
        shared_memory: shared.or(before.shared_memory),
        resource_group: props.scaling_group_name.clone().or(before.resource_group),
        name: before.name,
    })
}

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreateResourcePreset {
    ok: bool,
    msg: String,
    resource_preset: Option<ResourcePreset>,
}

#[derive(Default)]
pub struct PresetMutation;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl PresetMutation {
    async fn create_resource_preset(
        &self,
        context: &Context<'_>,
        name: String,
        props: PresetInput,
    ) -> Result<CreateResourcePreset> {
        let (control, caller) = with(context)?;
        let result = async {
            let empty = Preset { name: name.clone(), slots: Slots::default(), shared_memory: None, resource_group: None };
            let preset = changed(empty, &props)?;
            control.save_preset(caller, &SavePreset { preset, revision: None }).await?;
            named(control, caller, &name).await
        };
        let (ok, msg, made) = outcome("create_resource_preset", result.await);
        Ok(CreateResourcePreset { ok, msg, resource_preset: made.map(Into::into) })
    }

    async fn modify_resource_preset(
        &self,
        context: &Context<'_>,
        name: Option<String>,
        id: Option<String>,
        props: PresetInput,
    ) -> Result<Done> {
        let (control, caller) = with(context)?;
        let result = async {
            let before = named(control, caller, &name.or(id).unwrap_or_default()).await?;
            let preset = changed(before.preset, &props)?;
            control.save_preset(caller, &SavePreset { preset, revision: Some(before.revision) }).await
        };
        Ok(done("modify_resource_preset", result.await))
    }

    async fn delete_resource_preset(&self, context: &Context<'_>, name: Option<String>, id: Option<String>) -> Result<Done> {
        let (control, caller) = with(context)?;
        Ok(done("delete_resource_preset", control.delete_preset(caller, &name.or(id).unwrap_or_default()).await))
    }
}
