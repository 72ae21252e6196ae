//! Resource presets: listing, saving and deleting them (`admin-menus.md`, Manage resource preset).

use crate::edits::{Edit, replaced};
use crate::launch::offered;
use crate::{Caller, Control, Result, internal, now, store_failed};
use futures::{Stream, StreamExt};
use serde_json::json;
use types::Problem;
use types::event::Topic;
use types::list::{ListQuery, Page};
use types::permission::Permission;
use types::preset::{PRESETS, PresetRow, SavePreset};

const TAKEN: &str = "Resource preset name already exists. Please change the name to add.";

impl Control {
    /// A page of presets: all of them, or those that the caller is offered.
    pub async fn presets(&self, caller: &Caller, query: &ListQuery) -> Result<Page<PresetRow>> {
        let (_, scope) = caller.scope(Permission::ReadPresets)?;
        query.check(&PRESETS)?;
        self.store.preset_rows(query, scope).await.map_err(store_failed("listing presets"))
    }

    /// Every preset that the filter selects, for an export.
    pub fn all_presets(&self, caller: &Caller, query: ListQuery) -> Result<impl Stream<Item = Result<PresetRow>> + Send + use<>> {
        caller.need_beyond_own(Permission::ReadPresets)?;
        query.check(&PRESETS)?;
        Ok(self.store.all_preset_rows(query).map(|row| row.map_err(internal("exporting presets"))))
    }

    /// Creates or changes a preset.
    pub async fn save_preset(&self, caller: &Caller, save: &SavePreset) -> Result<()> {
        caller.need(Permission::ChangePresets)?;
        let preset = &save.preset;
        preset.check()?;
        let at = now();
        let mut change = self.store.change().await.map_err(store_failed("saving a preset"))?;
        if let Some(group) = &preset.resource_group
            && change.resource_group(group).await.map_err(store_failed("saving a preset"))?.is_none()
        {
            return Err(Problem::field("resource_group", "There is no resource group of this name."));
        }
        let stands = change.preset(&preset.name).await.map_err(store_failed("saving a preset"))?;
        let before = replaced(save.revision, stands, preset, "resource preset", TAKEN)?;
        change.save_preset(preset, at).await.map_err(store_failed("saving a preset"))?;
        let action = if before.is_some() { "edit preset" } else { "create preset" };
        let detail = json!({ "before": before, "change": preset });
        self.note_edit(&mut change, caller, Edit { topic: Topic::Policy, action, subject: &preset.name, detail, at }).await?;
        change.commit().await.map_err(store_failed("saving a preset"))
    }

    /// Deletes a preset. Sessions that were started with it keep what they have.
    pub async fn delete_preset(&self, caller: &Caller, name: &str) -> Result<()> {
        caller.need(Permission::ChangePresets)?;
        let at = now();
        let mut change = self.store.change().await.map_err(store_failed("deleting a preset"))?;
        let before = change.preset(name).await.map_err(store_failed("deleting a preset"))?;
        if !change.delete_preset(name).await.map_err(store_failed("deleting a preset"))? {
            return Err(Problem::NotFound("resource preset".into()));
        }
        let detail = json!({ "before": before.map(|(_, preset)| preset) });
        let edit = Edit { topic: Topic::Policy, action: "delete preset", subject: name, detail, at };
        self.note_edit(&mut change, caller, edit).await?;
        change.commit().await.map_err(store_failed("deleting a preset"))
    }

    /// The names of the slots that agents have: cores and memory first.
    pub async fn slot_names(&self, caller: &Caller) -> Result<Vec<String>> {
        caller.need(Permission::ReadPresets)?;
        let agents = self.known_agents().await?;
        let here = agents.iter().filter(|agent| agent.lost_at.is_none());
        Ok(offered(here.map(|agent| &agent.report.capacity)))
    }
}
