//! Sessions.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::bulk::BulkResult;
use types::id::{ProjectId, SessionId};
use types::list::{ListQuery, Page};
use types::sessions::launch::{OwnUse, StartOptions, StartSession, Started};
use types::sessions::{LogChunk, QueueLength, SessionDetail, SessionRow, Usage, Utilization};
use types::time::Millis;

#[server(prefix = "/call", endpoint = "sessions", protocol = Call)]
pub async fn sessions(query: ListQuery, project: Option<ProjectId>) -> Result<Page<SessionRow>, Problem> {
    super::run(|control, caller| async move { control.sessions(&caller, &query, project).await }).await
}

#[server(prefix = "/call", endpoint = "session", protocol = Call)]
pub async fn session(id: SessionId) -> Result<SessionDetail, Problem> {
    super::run(|control, caller| async move { control.session(&caller, id).await }).await
}

#[server(name = StartOptionsCall, prefix = "/call", endpoint = "start_options", protocol = Call)]
pub async fn start_options(owner: String) -> Result<StartOptions, Problem> {
    super::run(|control, caller| async move { control.start_options(&caller, &owner).await }).await
}

#[server(name = OwnUseCall, prefix = "/call", endpoint = "own_use", protocol = Call)]
pub async fn own_use() -> Result<OwnUse, Problem> {
    super::run(|control, caller| async move { control.own_use(&caller).await }).await
}

#[server(name = StartSessionCall, prefix = "/call", endpoint = "start_session", protocol = Call)]
pub async fn start_session(session: StartSession) -> Result<Vec<Started>, Problem> {
    super::run(|control, caller| async move { control.start_session(&caller, &session).await }).await
}

#[server(prefix = "/call", endpoint = "terminate_sessions", protocol = Call)]
pub async fn terminate_sessions(ids: Vec<SessionId>, force: bool) -> Result<Vec<BulkResult>, Problem> {
    super::run(|control, caller| async move { control.terminate_sessions(&caller, &ids, force).await }).await
}

#[server(prefix = "/call", endpoint = "delete_session_files", protocol = Call)]
pub async fn delete_session_files(id: SessionId) -> Result<(), Problem> {
    super::run(|control, caller| async move { control.delete_session_files(&caller, id).await }).await
}

#[server(prefix = "/call", endpoint = "rename_session", protocol = Call)]
pub async fn rename_session(id: SessionId, name: String) -> Result<(), Problem> {
    super::run(|control, caller| async move { control.rename_session(&caller, id, &name).await }).await
}

#[server(prefix = "/call", endpoint = "set_priority", protocol = Call)]
pub async fn set_priority(ids: Vec<SessionId>, priority: u8) -> Result<Vec<BulkResult>, Problem> {
    super::run(|control, caller| async move { control.set_priority(&caller, &ids, priority).await }).await
}

#[server(prefix = "/call", endpoint = "session_utilization", protocol = Call)]
pub async fn session_utilization(ids: Vec<SessionId>) -> Result<Vec<Utilization>, Problem> {
    super::run(|control, caller| async move { control.session_utilization(&caller, &ids).await }).await
}

#[server(prefix = "/call", endpoint = "queue", protocol = Call)]
pub async fn queue(group: String, query: ListQuery) -> Result<Page<SessionRow>, Problem> {
    super::run(|control, caller| async move { control.queue(&caller, &group, &query).await }).await
}

#[server(prefix = "/call", endpoint = "queues", protocol = Call)]
pub async fn queues() -> Result<Vec<QueueLength>, Problem> {
    super::run(|control, caller| async move { control.queues(&caller).await }).await
}

#[server(prefix = "/call", endpoint = "queue_snapshot", protocol = Call)]
pub async fn queue_snapshot(group: String) -> Result<scheduler::Sample, Problem> {
    super::run(|control, caller| async move { control.queue_snapshot(&caller, &group).await }).await
}

#[server(prefix = "/call", endpoint = "session_log", protocol = Call)]
pub async fn session_log(id: SessionId, container: u32, from: u64, wait: bool) -> Result<LogChunk, Problem> {
    super::run(|control, caller| async move { control.session_log(&caller, id, container, from, wait).await }).await
}

/// The most bytes of a log before a place.
#[cfg(feature = "ssr")]
const LOG_PAGE: usize = 64 << 10;

#[server(prefix = "/call", endpoint = "session_log_before", protocol = Call)]
pub async fn session_log_before(id: SessionId, container: u32, before: Option<u64>) -> Result<LogChunk, Problem> {
    super::run(|control, caller| async move { control.session_log_before(&caller, id, container, before, LOG_PAGE).await }).await
}

#[server(prefix = "/call", endpoint = "session_usage", protocol = Call)]
pub async fn session_usage(id: SessionId, after: Millis) -> Result<Vec<Usage>, Problem> {
    super::run(|control, caller| async move { control.session_usage(&caller, id, after).await }).await
}
