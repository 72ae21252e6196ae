//! The audit trail.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use types::Problem;
use types::list::{ListQuery, Page};
use types::system::audit::AuditRow;

#[server(prefix = "/call", endpoint = "audit_records", input = Json)]
pub async fn audit_records(query: ListQuery) -> Result<Page<AuditRow>, Problem> {
    crate::api::run(|control, caller| async move { control.audit_records(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "audit_record", input = Json)]
pub async fn audit_record(id: i64) -> Result<AuditRow, Problem> {
    crate::api::run(|control, caller| async move { control.audit_record(&caller, id).await }).await
}
