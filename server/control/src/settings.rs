//! What the whole cluster goes by (`admin-menus.md`, System settings).

use crate::edits::{Edit, replaced};
use crate::{Caller, Control, Result, now, store_failed};
use serde_json::json;
use types::Problem;
use types::event::Topic;
use types::permission::Permission;
use types::resource_group::{SchedulerKind, SchedulerSettings};

const ONLY_FIFO: &str = "Currently, changes are only possible when the scheduler is FIFO.";

impl Control {
    /// What the scheduler goes by where a group does not say otherwise.
    pub async fn scheduler_settings(&self, caller: &Caller) -> Result<SchedulerSettings> {
        caller.need(Permission::ReadSettings)?;
        self.store.scheduler_settings().await.map_err(store_failed("reading settings"))
    }

    /// Changes what the scheduler goes by.
    pub async fn save_scheduler_settings(&self, caller: &Caller, settings: &SchedulerSettings) -> Result<()> {
        caller.need(Permission::ChangeSettings)?;
        settings.check()?;
        let at = now();
        let mut change = self.store.change().await.map_err(store_failed("saving settings"))?;
        let stands = change.scheduler_settings().await.map_err(store_failed("saving settings"))?;
        let mut settings = settings.clone();
        if settings.scheduler != SchedulerKind::Fifo {
            if settings.retries_to_skip.is_some() && settings.retries_to_skip != stands.retries_to_skip {
                return Err(Problem::field("retries_to_skip", ONLY_FIFO));
            }
            // A field that cannot be used says nothing.
            settings.retries_to_skip = stands.retries_to_skip;
        }
        let stands = Some((stands.revision, stands));
        let before = replaced(Some(settings.revision), stands, &settings, "setting", "")?;
        change.save_scheduler_settings(&settings).await.map_err(store_failed("saving settings"))?;
        let detail = json!({ "before": before, "change": settings });
        let edit = Edit { topic: Topic::Group, action: "edit scheduler settings", subject: "scheduler", detail, at };
        self.note_edit(&mut change, caller, edit).await?;
        change.commit().await.map_err(store_failed("saving settings"))?;
        self.shared.work.notify_one();
        Ok(())
    }
}
