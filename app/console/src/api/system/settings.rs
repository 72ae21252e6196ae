//! Settings of the whole cluster.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::cluster::resource_groups::SchedulerSettings;

#[server(name = SchedulerSettingsCall, prefix = "/call", endpoint = "scheduler_settings", protocol = Call)]
pub async fn scheduler_settings() -> Result<SchedulerSettings, Problem> {
    crate::api::run(|control, caller| async move { control.scheduler_settings(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "save_scheduler_settings", protocol = Call)]
pub async fn save_scheduler_settings(settings: SchedulerSettings) -> Result<(), Problem> {
    crate::api::run(|control, caller| async move { control.save_scheduler_settings(&caller, &settings).await }).await
}

#[server(prefix = "/call", endpoint = "recalculate_usage", protocol = Call)]
pub async fn recalculate_usage() -> Result<types::cluster::agents::Recalculated, Problem> {
    crate::api::run(|control, caller| async move { control.recalculate_usage(&caller).await }).await
}
