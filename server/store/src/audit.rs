//! The audit trail: written with every change (`Change::audit`), read here, never changed.

use crate::list::{Column, Source, all};
use crate::{Result, Store};
use futures::Stream;
use sqlx::FromRow;
use types::audit::{AUDIT, AuditRow};
use types::id::UserId;
use types::list::{ListQuery, Page};
use types::time::Millis;

pub(crate) static SOURCE: Source = Source {
    table: "audit a",
    number: "a.id",
    joins: "LEFT JOIN users u ON u.id = a.actor",
    text: "",
    columns: &[
        ("at", Column::plain("a.at")),
        ("actor", Column::lower("u.email_key")),
        ("action", Column::plain("a.action")),
        ("subject", Column::exact("a.subject")),
        ("address", Column::plain("a.address")),
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
    fn read(self) -> AuditRow {
        AuditRow {
            id: self.id,
            at: self.at,
            actor: self.actor,
            actor_email: self.email.unwrap_or_default(),
            address: self.address,
            action: self.action,
            subject: self.subject,
            detail: self.detail,
        }
    }
}

impl Store {
    /// A page of records.
    pub async fn audit(&self, query: &ListQuery) -> Result<Page<AuditRow>> {
        let prepared = self.prepare(&SOURCE, &AUDIT, query, Vec::new()).await?;
        let mut page = prepared.page(COLUMNS);
        let rows = async { Ok(page.build_query_as::<Row>().fetch_all(&self.read).await?) };
        let (rows, (total, more)) = tokio::try_join!(rows, self.count(&prepared))?;
        Ok(Page { rows: rows.into_iter().map(Row::read).collect(), total, more })
    }

    /// Every record that the filter selects, one after the other.
    pub fn all_audit(&self, query: ListQuery) -> impl Stream<Item = Result<AuditRow>> + Send + use<> {
        all(self, (&SOURCE, &AUDIT), COLUMNS, query, Vec::new(), |row: Row| Ok(row.read()))
    }

    /// One record.
    pub async fn audit_record(&self, id: i64) -> Result<Option<AuditRow>> {
        let sql = format!("SELECT {COLUMNS} FROM audit a LEFT JOIN users u ON u.id = a.actor WHERE a.id = ?");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.read).await?;
        Ok(row.map(Row::read))
    }
}
