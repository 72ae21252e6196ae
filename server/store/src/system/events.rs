//! Events for open pages and audit records, written in the transaction of the change that they describe.

use crate::{Change, Result, Store};
use types::id::{DomainId, UserId};
use types::system::events::{Audience, Event, Topic};
use types::time::Millis;

/// An event with its audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    pub event: Event,
    pub owner: Option<UserId>,
    pub domain: Option<DomainId>,
}

/// An audit record: who did what, and from where. `detail` is JSON, and never holds a secret.
pub struct Audit<'a> {
    pub at: Millis,
    /// `None` for actions of the server itself.
    pub actor: Option<UserId>,
    pub address: &'a str,
    pub action: &'a str,
    pub subject: &'a str,
    pub detail: &'a str,
}

type Row = (i64, Millis, String, String, Option<UserId>, Option<DomainId>, Option<String>);

fn read((id, at, topic, subject, owner, domain, notice): Row) -> Option<StoredEvent> {
    let topic = Topic::from_key(&topic)?;
    Some(StoredEvent { event: Event { id, at, topic, subject, notice }, owner, domain })
}

impl Store {
    /// Up to 500 events after number `after`, oldest first, with the number to continue from; `None` if some of them are no longer
    /// kept. Events of topics that only a newer version knows are left out.
    pub async fn events_after(&self, after: i64) -> Result<Option<(Vec<StoredEvent>, i64)>> {
        // From the table, because another process may have written newer events than this one knows of.
        let (oldest, newest): (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT (SELECT min(id) FROM events), (SELECT max(id) FROM events)").fetch_one(&self.read).await?;
        if oldest.is_some_and(|oldest| after + 1 < oldest) || after > newest.unwrap_or_default() {
            return Ok(None);
        }
        let rows: Vec<Row> =
            sqlx::query_as("SELECT id, at, topic, subject, owner, domain, notice FROM events WHERE id > ? ORDER BY id LIMIT 500")
                .bind(after)
                .fetch_all(&self.read)
                .await?;
        let last = rows.last().map_or(after, |row| row.0);
        Ok(Some((rows.into_iter().filter_map(read).collect(), last)))
    }

    /// The newest events since `since` with a notice for this person, at most `most`, oldest first.
    pub async fn notices(&self, owner: UserId, since: Millis, most: u32) -> Result<Vec<Event>> {
        let sql = "SELECT id, at, topic, subject, owner, domain, notice FROM events INDEXED BY events_notices \
                   WHERE owner = ? AND notice IS NOT NULL AND at >= ? ORDER BY id DESC LIMIT ?";
        let rows: Vec<Row> = sqlx::query_as(sql).bind(owner).bind(since).bind(most).fetch_all(&self.read).await?;
        Ok(rows.into_iter().rev().filter_map(read).map(|stored| stored.event).collect())
    }
}

impl Store {
    /// Looks for events that another process has written, and wakes everyone who follows events if there are any.
    pub async fn look_for_events(&self) -> Result<()> {
        let (newest,): (Option<i64>,) = sqlx::query_as("SELECT max(id) FROM events").fetch_one(&self.read).await?;
        let newest = newest.unwrap_or_default();
        self.last_event.send_if_modified(|last| std::mem::replace(last, newest.max(*last)) < newest);
        Ok(())
    }
}

impl Change {
    /// Tells open pages that `subject` changed.
    pub async fn tell(
        &mut self,
        topic: Topic,
        subject: &str,
        audience: Audience,
        notice: Option<&str>,
        at: Millis,
    ) -> Result<()> {
        let done = sqlx::query("INSERT INTO events (at, topic, subject, owner, domain, notice) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(at)
            .bind(topic.key())
            .bind(subject)
            .bind(audience.owner)
            .bind(audience.domain)
            .bind(notice)
            .execute(&mut *self.tx)
            .await?;
        self.last_event = Some(done.last_insert_rowid());
        Ok(())
    }

    /// Writes the audit record.
    pub async fn audit(&mut self, audit: &Audit<'_>) -> Result<()> {
        sqlx::query("INSERT INTO audit (at, actor, address, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(audit.at)
            .bind(audit.actor)
            .bind(audit.address)
            .bind(audit.action)
            .bind(audit.subject)
            .bind(audit.detail)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}
