//! Reading the audit trail, and recording refusals. Every change writes its own record, in its own transaction.

use crate::people::attempts::Who;
use crate::{Caller, Control, Result};
use futures::{Stream, StreamExt};
use types::Problem;
use types::list::{ListQuery, Page};
use types::people::permissions::Permission;
use types::system::audit::{AUDIT, AuditRow};

/// The most refusals of one person that are recorded until 20 minutes pass without any, so that somebody who tries everything
/// fills neither the database nor the queue of writers.
pub(crate) const MOST_REFUSALS: u32 = 200;

impl Control {
    /// A page of records.
    pub async fn audit_records(&self, caller: &Caller, query: &ListQuery) -> Result<Page<AuditRow>> {
        caller.need(Permission::ReadAudit)?;
        query.check(&AUDIT)?;
        let mut page = self.store.audit_records(query).await?;
        self.name_subjects(&mut page.rows).await?;
        Ok(page)
    }

    /// Adds the names of what was acted on, as it is called now.
    async fn name_subjects(&self, rows: &mut [AuditRow]) -> Result<()> {
        let ids: Vec<String> =
            rows.iter().map(|row| &row.subject).filter(|id| uuid::Uuid::parse_str(id).is_ok()).cloned().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let names = self.store.names_of_subjects(&ids).await?;
        for row in rows {
            row.subject_name = names.get(&row.subject).cloned().unwrap_or_default();
        }
        Ok(())
    }

    /// Every record that the filter selects, for an export.
    pub fn all_audit_records(
        &self,
        caller: &Caller,
        query: ListQuery,
    ) -> Result<impl Stream<Item = Result<AuditRow>> + Send + use<>> {
        caller.need(Permission::ReadAudit)?;
        query.check(&AUDIT)?;
        Ok(self.store.all_audit_records(query).map(|row| row.map_err(Problem::from)))
    }

    /// Records the refusals given while a request was answered, if any; `request` is its method and path.
    pub async fn note_refusals(&self, caller: &Caller, request: &str) -> Result<()> {
        let at = self.steady();
        let mut refusals = caller.take_refusals();
        refusals.retain(|(actor, _)| actor.is_none_or(|id| self.shared.refusals.take(&Who::Person(id), "", at).is_ok()));
        if refusals.is_empty() {
            return Ok(());
        }
        let mut change = self.change_from(&caller.address).await?;
        for (actor, what) in refusals {
            change = change.made_by(actor);
            change.record("refused", request, serde_json::json!({ "refused": what })).await?;
        }
        change.commit().await
    }

    /// One record.
    pub async fn audit_record(&self, caller: &Caller, id: i64) -> Result<AuditRow> {
        caller.need(Permission::ReadAudit)?;
        let found = self.store.audit_record(id).await?;
        let mut row = found.ok_or_else(|| Problem::NotFound("record".into()))?;
        self.name_subjects(std::slice::from_mut(&mut row)).await?;
        Ok(row)
    }
}
