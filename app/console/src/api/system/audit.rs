//! The audit trail.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::list::{ListQuery, Page};
use types::system::audit::AuditRow;

#[server(prefix = "/call", endpoint = "audit_records", protocol = Call)]
pub async fn audit_records(query: ListQuery) -> Result<Page<AuditRow>, Problem> {
    crate::api::run(|control, caller| async move { control.audit_records(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "audit_record", protocol = Call)]
pub async fn audit_record(id: i64) -> Result<AuditRow, Problem> {
    crate::api::run(|control, caller| async move { control.audit_record(&caller, id).await }).await
}
