//! The audit trail: written with every change (`Change::audit`), read here, never changed.

use crate::list::{Bind, Column, Source, all_rows, few_values, one_row, page_of_rows};
use crate::{Result, Store, to_json};
use futures::Stream;
use sqlx::FromRow;
use std::collections::HashMap;
use types::id::UserId;
use types::list::{ListQuery, Page};
use types::system::audit::{AUDIT, AuditRow};
use types::time::Millis;

pub(crate) static SOURCE: Source = Source {
    table: "audit a",
    number: "a.id",
    joins: "LEFT JOIN users u ON u.id = a.actor",
    led: &[],
    tab: "",
    indexed: "",
    columns: &[
        ("at", Column::plain("a.at").found("SELECT a.id AS found FROM audit a INDEXED BY audit_at WHERE a.at {}")),
        (
            "actor",
            Column::folded("u.email_key").of(
                &crate::people::users::SOURCE,
                "email",
                "SELECT a.id AS found FROM ({}) f CROSS JOIN users u ON u.seq = f.found CROSS JOIN audit a INDEXED BY audit_actor ON a.actor = u.id",
            ),
        ),
        ("actor_id", Column::plain("a.actor").found("SELECT a.id AS found FROM audit a INDEXED BY audit_actor WHERE a.actor {}")),
        ("action", Column::plain("a.action").found(few_values!("audit", "audit_action", "action", "id", "v.value {}"))),
        ("subject", Column::exact("a.subject").found("SELECT a.id AS found FROM audit a INDEXED BY audit_subject WHERE a.subject {}").beginnings()),
        ("address", Column::plain("a.address").found(few_values!("audit", "audit_address", "address", "id", "v.value {}"))),
    ],
};

const COLUMNS: &str = "a.id, a.at, a.actor, u.email, a.address, a.action, a.subject, a.detail";

#[derive(FromRow)]
struct Row {
    id: i64,
    at: Millis,
    actor: Option<UserId>,
    email: Option<String>,
    address: String,
    action: String,
    subject: String,
    detail: String,
}

impl Row {
    fn read(self) -> Result<AuditRow> {
        Ok(AuditRow {
            id: self.id,
            at: self.at,
            actor: self.actor,
            actor_email: self.email.unwrap_or_default(),
            address: self.address,
            action: self.action,
            subject: self.subject,
            subject_name: String::new(),
            detail: self.detail,
        })
    }
}

impl Store {
    /// A page of records.
    pub async fn audit_records(&self, query: &ListQuery) -> Result<Page<AuditRow>> {
        page_of_rows(self, (&SOURCE, &AUDIT), COLUMNS, query, Vec::new(), Row::read).await
    }

    /// The names of people, sessions, projects and domains with these ids, of those that there are.
    pub async fn names_of_subjects(&self, ids: &[String]) -> Result<HashMap<String, String>> {
        let sql = "WITH ids (id) AS (SELECT unhex(replace(value, '-', '')) FROM json_each(?)) \
            SELECT u.id, u.email FROM ids CROSS JOIN users u ON u.id = ids.id \
            UNION ALL SELECT s.id, s.name FROM ids CROSS JOIN sessions s ON s.id = ids.id \
            UNION ALL SELECT p.id, p.name FROM ids CROSS JOIN projects p ON p.id = ids.id \
            UNION ALL SELECT d.id, d.name FROM ids CROSS JOIN domains d ON d.id = ids.id";
        let rows: Vec<(uuid::Uuid, String)> = sqlx::query_as(sql).bind(to_json(&ids)).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(|(id, name)| (id.to_string(), name)).collect())
    }

    /// Every record that the filter selects, one after the other.
    pub fn all_audit_records(&self, query: ListQuery) -> impl Stream<Item = Result<AuditRow>> + Send + use<> {
        all_rows(self, (&SOURCE, &AUDIT), COLUMNS, query, Vec::new(), Row::read)
    }

    /// One record.
    pub async fn audit_record(&self, id: i64) -> Result<Option<AuditRow>> {
        one_row(&self.read, &SOURCE, COLUMNS, [("a.id = ?", Bind::Int(id))], Row::read).await
    }
}
