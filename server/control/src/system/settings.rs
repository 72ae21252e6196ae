//! Settings of the whole cluster (`docs/spec/system.md`, "Scheduler settings").

use crate::revision::check_revision;
use crate::{Caller, Control, Result};
use serde_json::json;
use types::Problem;
use types::cluster::resource_groups::{SchedulerKind, SchedulerSettings};
use types::people::permissions::Permission;
use types::system::events::{Audience, Topic};

const ONLY_FIFO: &str = "Currently, changes are only possible when the scheduler is FIFO.";

impl Control {
    /// The scheduler's settings for groups without settings of their own.
    pub async fn scheduler_settings(&self, caller: &Caller) -> Result<SchedulerSettings> {
        caller.need(Permission::ReadSettings)?;
        Ok(self.store.scheduler_settings().await?)
    }

    /// Changes the scheduler's settings.
    pub async fn save_scheduler_settings(&self, caller: &Caller, settings: &SchedulerSettings) -> Result<()> {
        caller.need(Permission::ChangeSettings)?;
        settings.check()?;
        let mut change = self.change_by(caller).await?;
        let stands = change.scheduler_settings().await?;
        let mut settings = settings.clone();
        if settings.scheduler != SchedulerKind::Fifo {
            if settings.retries_to_skip.is_some() && settings.retries_to_skip != stands.retries_to_skip {
                return Err(Problem::field("retries_to_skip", ONLY_FIFO));
            }
            // A disabled field changes nothing.
            settings.retries_to_skip = stands.retries_to_skip;
        }
        let stands = Some((stands.revision, stands));
        let before = check_revision(Some(settings.revision), stands, &settings, "setting", "")?;
        change.save_scheduler_settings(&settings).await?;
        change.record("edit scheduler settings", "scheduler", json!({ "before": before, "after": settings })).await?;
        change.tell(Topic::Group, "scheduler", Audience::ADMINISTRATORS).await?;
        change.commit().await?;
        self.shared.work.notify_one();
        Ok(())
    }
}
