//! Resource presets. Backend.AI gives them ids; here their names are unique, and an id is derived from the name.

use crate::graphql::amounts::{slots, slots_text};
use crate::graphql::cost;
use crate::graphql::{Done, control_and_caller, done, kept, outcome, refuse};
use crate::projects::query_without_pages;
use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use control::{Caller, Control};
use sha2::{Digest, Sha256};
use types::Problem;
use types::limits::presets::{PRESETS, Preset, PresetRow, SavePreset};
use types::quantity::parse_bytes;
use uuid::Uuid;

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ResourcePreset {
    id: Uuid,
    name: String,
    resource_slots: String,
    shared_memory: Option<i64>,
    scaling_group_name: Option<String>,
}

impl From<PresetRow> for ResourcePreset {
    fn from(row: PresetRow) -> Self {
        let Preset { name, slots, shared_memory, resource_group } = row.preset;
        Self { id: id(&name), name, resource_slots: slots_text(&slots), shared_memory, scaling_group_name: resource_group }
    }
}

/// The id of the preset with this name.
pub fn id(name: &str) -> Uuid {
    let hash = Sha256::digest(name.as_bytes());
    let bytes: [u8; 16] = std::array::from_fn(|n| hash[n]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct CreateResourcePresetInput {
    resource_slots: String,
    shared_memory: Option<String>,
    scaling_group_name: Option<String>,
}

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
pub struct ModifyResourcePresetInput {
    name: MaybeUndefined<String>,
    resource_slots: MaybeUndefined<String>,
    shared_memory: MaybeUndefined<String>,
    scaling_group_name: MaybeUndefined<String>,
}

fn shared_memory(text: &str) -> std::result::Result<i64, Problem> {
    parse_bytes(text).ok_or_else(|| Problem::field("shared_memory", "Give a size, such as 64m."))
}

fn merged(preset: &mut Preset, input: ModifyResourcePresetInput) -> std::result::Result<(), Problem> {
    if kept(input.name).is_some_and(|name| name != preset.name) {
        return Err(Problem::field("name", "A preset cannot be renamed. Create another one."));
    }
    if let Some(text) = kept(input.resource_slots) {
        preset.slots = slots("resource_slots", &text)?;
    }
    match input.shared_memory {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => preset.shared_memory = None,
        MaybeUndefined::Value(text) => preset.shared_memory = Some(shared_memory(&text)?),
    }
    if !input.scaling_group_name.is_undefined() {
        preset.resource_group = input.scaling_group_name.take();
    }
    Ok(())
}

/// Finds a preset by its id or its name.
async fn find_preset(
    control: &Control,
    caller: &Caller,
    wanted: Option<Uuid>,
    name: Option<&str>,
) -> std::result::Result<PresetRow, Problem> {
    let rows = control.presets(caller, &query_without_pages(&PRESETS, Vec::new())).await?.rows;
    let is = |row: &PresetRow| match (wanted, name) {
        (Some(wanted), _) => id(&row.preset.name) == wanted,
        (None, name) => name == Some(row.preset.name.as_str()),
    };
    rows.into_iter().find(is).ok_or_else(|| Problem::NotFound("resource preset".into()))
}

#[derive(Default)]
pub struct PresetQuery;

#[Object(rename_fields = "snake_case", rename_args = "snake_case")]
impl PresetQuery {
    #[graphql(complexity = "cost::list_of(cost::SOME, child_complexity)")]
    async fn resource_presets(&self, context: &Context<'_>) -> Result<Vec<ResourcePreset>> {
        let (control, caller) = control_and_caller(context)?;
        let rows = control.presets(caller, &query_without_pages(&PRESETS, Vec::new())).await.map_err(refuse)?.rows;
        Ok(rows.into_iter().map(ResourcePreset::from).collect())
    }

    async fn resource_preset(
        &self,
        context: &Context<'_>,
        name: Option<String>,
        id: Option<Uuid>,
    ) -> Result<Option<ResourcePreset>> {
        let (control, caller) = control_and_caller(context)?;
        match find_preset(control, caller, id, name.as_deref()).await {
            Ok(row) => Ok(Some(row.into())),
            Err(Problem::NotFound(_)) => Ok(None),
            Err(problem) => Err(refuse(problem)),
        }
    }
}

#[derive(SimpleObject)]
#[graphql(name = "CreateResourcePreset", rename_fields = "snake_case")]
pub struct PresetPayload {
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
        props: CreateResourcePresetInput,
    ) -> Result<PresetPayload> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let preset = Preset {
                name: name.clone(),
                slots: slots("resource_slots", &props.resource_slots)?,
                shared_memory: props.shared_memory.as_deref().map(shared_memory).transpose()?,
                resource_group: props.scaling_group_name,
            };
            control.save_preset(caller, &SavePreset { preset, revision: None }).await?;
            find_preset(control, caller, None, Some(&name)).await
        };
        let (ok, msg, row) = outcome("create_resource_preset", result.await);
        Ok(PresetPayload { ok, msg, resource_preset: row.map(ResourcePreset::from) })
    }

    async fn modify_resource_preset(
        &self,
        context: &Context<'_>,
        id: Option<Uuid>,
        name: Option<String>,
        props: ModifyResourcePresetInput,
    ) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let PresetRow { mut preset, revision, .. } = find_preset(control, caller, id, name.as_deref()).await?;
            merged(&mut preset, props)?;
            control.save_preset(caller, &SavePreset { preset, revision: Some(revision) }).await
        };
        Ok(done("modify_resource_preset", result.await))
    }

    async fn delete_resource_preset(&self, context: &Context<'_>, id: Option<Uuid>, name: Option<String>) -> Result<Done> {
        let (control, caller) = control_and_caller(context)?;
        let result = async {
            let row = find_preset(control, caller, id, name.as_deref()).await?;
            control.delete_preset(caller, &row.preset.name).await
        };
        Ok(done("delete_resource_preset", result.await))
    }
}
