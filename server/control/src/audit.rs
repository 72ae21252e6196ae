//! Reading the audit trail. It is written by every change, in its own transaction.

use crate::{Caller, Control, Result, internal, store_failed};
use futures::{Stream, StreamExt};
use types::Problem;
use types::audit::{AUDIT, AuditRow};
use types::list::{ListQuery, Page};
use types::permission::Permission;

impl Control {
    /// A page of records.
    pub async fn audit_rows(&self, caller: &Caller, query: &ListQuery) -> Result<Page<AuditRow>> {
        caller.need(Permission::ReadAudit)?;
        query.check(&AUDIT)?;
        self.store.audit(query).await.map_err(store_failed("reading the audit trail"))
    }

    /// Every record that the filter selects, for an export.
    pub fn all_audit(&self, caller: &Caller, query: ListQuery) -> Result<impl Stream<Item = Result<AuditRow>> + Send + use<>> {
        caller.need(Permission::ReadAudit)?;
        query.check(&AUDIT)?;
        Ok(self.store.all_audit(query).map(|row| row.map_err(internal("exporting the audit trail"))))
    }

    /// One record.
    pub async fn audit_record(&self, caller: &Caller, id: i64) -> Result<AuditRow> {
        caller.need(Permission::ReadAudit)?;
        let found = self.store.audit_record(id).await.map_err(store_failed("reading the audit trail"))?;
        found.ok_or_else(|| Problem::NotFound("record".into()))
    }
}
