//! Agents, on which sessions run.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::bulk::BulkResult;
use types::cluster::agents::{Agent, AgentDetail};
use types::list::{ListQuery, Page};

#[server(prefix = "/call", endpoint = "agents", protocol = Call)]
pub async fn agents(query: ListQuery) -> Result<Page<Agent>, Problem> {
    crate::api::run(|control, caller| async move { control.agents(&caller, &query).await }).await
}

#[server(name = AgentCall, prefix = "/call", endpoint = "agent", protocol = Call)]
pub async fn agent(name: String) -> Result<AgentDetail, Problem> {
    crate::api::run(|control, caller| async move { control.agent(&caller, &name).await }).await
}

#[server(name = SetSchedulableCall, prefix = "/call", endpoint = "set_schedulable", protocol = Call)]
pub async fn set_schedulable(
    names: Vec<String>,
    schedulable: bool,
    reason: Option<String>,
    tell: Option<bool>,
) -> Result<Vec<BulkResult>, Problem> {
    let set = types::cluster::agents::SetSchedulable {
        names,
        schedulable,
        reason: reason.unwrap_or_default(),
        tell: tell.unwrap_or_default(),
    };
    crate::api::run(|control, caller| async move { control.set_schedulable(&caller, &set).await }).await
}
