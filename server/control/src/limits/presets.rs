//! Resource presets: listing, saving and deleting them (`docs/spec/limits.md`, "Resource presets").

use crate::revision::check_revision;
use crate::sessions::launch::slot_names_of;
use crate::{Caller, Control, Result};
use futures::{Stream, StreamExt};
use serde_json::json;
use types::Problem;
use types::limits::presets::{PRESETS, PresetRow, SavePreset};
use types::list::{ListQuery, Page};
use types::people::permissions::Permission;
use types::system::events::{Audience, Topic};

const TAKEN: &str = "A resource preset with this name already exists. Choose another name.";

impl Control {
    /// A page of presets: all of them, or those offered to the caller.
    pub async fn presets(&self, caller: &Caller, query: &ListQuery) -> Result<Page<PresetRow>> {
        let (_, scope) = caller.scope(Permission::ReadPresets)?;
        query.check(&PRESETS)?;
        Ok(self.store.presets(query, scope).await?)
    }

    /// Every preset that the filter selects, for an export.
    pub fn all_presets(&self, caller: &Caller, query: ListQuery) -> Result<impl Stream<Item = Result<PresetRow>> + Send + use<>> {
        caller.need_beyond_own(Permission::ReadPresets)?;
        query.check(&PRESETS)?;
        Ok(self.store.all_presets(query).map(|row| row.map_err(Problem::from)))
    }

    /// Creates or changes a preset.
    pub async fn save_preset(&self, caller: &Caller, save: &SavePreset) -> Result<()> {
        caller.need(Permission::ChangePresets)?;
        let preset = &save.preset;
        preset.check()?;
        let mut change = self.change_by(caller).await?;
        if let Some(group) = &preset.resource_group
            && change.resource_group(group).await?.is_none()
        {
            return Err(Problem::field("resource_group", "There is no resource group with this name."));
        }
        let stands = change.preset(&preset.name).await?;
        let before = check_revision(save.revision, stands, preset, "resource preset", TAKEN)?;
        let at = change.at;
        change.save_preset(preset, at).await?;
        let action = if before.is_some() { "edit preset" } else { "create preset" };
        change.record(action, &preset.name, json!({ "before": before, "after": preset })).await?;
        change.tell(Topic::Policy, &preset.name, Audience::ADMINISTRATORS).await?;
        change.commit().await
    }

    /// Deletes a preset. Sessions that were started with it keep their resources.
    pub async fn delete_preset(&self, caller: &Caller, name: &str) -> Result<()> {
        caller.need(Permission::ChangePresets)?;
        let mut change = self.change_by(caller).await?;
        let before = change.preset(name).await?;
        if !change.delete_preset(name).await? {
            return Err(Problem::NotFound("resource preset".into()));
        }
        change.record("delete preset", name, json!({ "before": before.map(|(_, preset)| preset) })).await?;
        change.tell(Topic::Policy, name, Audience::ADMINISTRATORS).await?;
        change.commit().await
    }

    /// The names of the slots that agents have, cores and memory first.
    pub async fn slot_names(&self, caller: &Caller) -> Result<Vec<String>> {
        caller.need(Permission::ReadPresets)?;
        let agents = self.known_agents().await?;
        let here = agents.iter().filter(|agent| agent.lost_at.is_none());
        Ok(slot_names_of(here.map(|agent| &agent.report.capacity)))
    }
}
