//! Writing sessions: inserting, moving from one status to the next, renaming and ordering them. Moves write a line of history,
//! and every change its event, in the same transaction.

use super::living::{LivingRow, living_query, read_slots};
use super::{CALLED, LivingSession};
use crate::{Change, Result, to_json};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::quantity::{CPU, MEM, Slots};
use types::sessions::Cluster;
use types::sessions::launch::InUse;
use types::sessions::{Outcome, SessionType, Status, StopCause};
use types::system::events::{Audience, Topic};
use types::time::Millis;

/// A requested session, ready to be written.
pub struct NewSession<'a> {
    pub id: SessionId,
    pub name: &'a str,
    pub kind: SessionType,
    pub owner: UserId,
    pub access_key: &'a str,
    pub domain: DomainId,
    pub project: ProjectId,
    pub resource_group: &'a str,
    pub image: &'a str,
    pub command: &'a str,
    pub slots: &'a Slots,
    pub cluster: Cluster,
    pub priority: u8,
    /// JSON of the request, without hidden values.
    pub request: &'a str,
    /// The environment, encrypted.
    pub env: Option<&'a [u8]>,
    pub depends_on: &'a [SessionId],
    /// The first line of its history.
    pub reason: &'a str,
    pub at: Millis,
}

/// One move of a session's status. Agents and an outcome of `None` stay as they were.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub next: Status,
    pub reason: &'a str,
    /// The agent of each container.
    pub agents: Option<&'a [String]>,
    pub outcome: Option<&'a Outcome>,
    /// The cause of its end, if that is not its own.
    pub cause: Option<StopCause>,
    /// A sentence for its owner's notifications.
    pub notice: Option<&'a str>,
    pub at: Millis,
}

impl Change {
    /// Writes a session into the queue, with the first line of its history.
    pub async fn insert_session(&mut self, new: &NewSession<'_>) -> Result<()> {
        let all = new.cluster.of_all(new.slots);
        sqlx::query(
            "INSERT INTO sessions (id, name, kind, status, info, user_id, access_key, domain_id, project_id, resource_group, image, \
             command, cpu, mem, slots, cluster_mode, cluster_size, priority, request, env, created_at) \
             VALUES (?, ?, ?, 'PENDING', '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.id)
        .bind(new.name)
        .bind(new.kind.key())
        .bind(new.owner)
        .bind(new.access_key)
        .bind(new.domain)
        .bind(new.project)
        .bind(new.resource_group)
        .bind(new.image)
        .bind(new.command)
        .bind(all.get(CPU).as_thousandths())
        .bind(all.get(MEM).floor())
        .bind(to_json(new.slots))
        .bind(new.cluster.mode.key())
        .bind(new.cluster.size)
        .bind(new.priority)
        .bind(new.request)
        .bind(new.env)
        .bind(new.at)
        .execute(&mut *self.tx)
        .await?;
        for on in new.depends_on {
            sqlx::query("INSERT OR IGNORE INTO session_dependencies (session_id, depends_on) VALUES (?, ?)")
                .bind(new.id)
                .bind(*on)
                .execute(&mut *self.tx)
                .await?;
        }
        self.add_history(new.id, Status::Pending, new.reason, new.at).await?;
        self.tell_of_session(new.id, new.owner, new.domain, None, new.at).await
    }

    async fn tell_of_session(
        &mut self,
        id: SessionId,
        owner: UserId,
        domain: DomainId,
        notice: Option<&str>,
        at: Millis,
    ) -> Result<()> {
        let audience = Audience { owner: Some(owner), domain: Some(domain) };
        self.tell(Topic::Session, &id.to_string(), audience, notice, at).await
    }

    async fn add_history(&mut self, id: SessionId, status: Status, reason: &str, at: Millis) -> Result<()> {
        sqlx::query("INSERT INTO session_history (session_id, at, status, reason) VALUES (?, ?, ?, ?)")
            .bind(id)
            .bind(at)
            .bind(status.key())
            .bind(reason)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Moves a session to the next status if it still has the status of `session`, with history and event. Returns whether it
    /// did.
    pub async fn move_session(&mut self, session: &LivingSession, step: &Step<'_>) -> Result<bool> {
        let Step { next, reason, agents, outcome, cause, notice, at } = *step;
        debug_assert!(session.status.may_become(next), "{:?} cannot become {next:?}", session.status);
        let done = sqlx::query(
            "UPDATE sessions SET status = ?1, info = ?2, \
             agent = CASE WHEN ?1 = 'PENDING' THEN NULL ELSE coalesce(?3, agent) END, \
             agents = CASE WHEN ?1 = 'PENDING' THEN '[]' ELSE coalesce(?4, agents) END, outcome = coalesce(?5, outcome), \
             started_at = CASE WHEN ?1 = 'RUNNING' THEN ?6 ELSE started_at END, \
             ended_at = CASE WHEN ?1 IN ('TERMINATED', 'CANCELLED', 'ERROR') THEN ?6 ELSE ended_at END, \
             stop_cause = CASE WHEN stop_cause = '' THEN coalesce(?9, '') ELSE stop_cause END \
             WHERE id = ?7 AND status = ?8",
        )
        .bind(next.key())
        .bind(reason)
        .bind(agents.and_then(|agents| agents.first()))
        .bind(agents.map(|agents| to_json(&agents)))
        .bind(outcome.map(to_json))
        .bind(at)
        .bind(session.id)
        .bind(session.status.key())
        .bind(cause.map(StopCause::key))
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.add_history(session.id, next, reason, at).await?;
        self.tell_of_session(session.id, session.owner, session.domain, notice, at).await?;
        Ok(true)
    }

    /// Records that a session should end, and why. The strongest wish counts, and the reason of each stronger one is added; the
    /// cause is that of the first.
    pub async fn ask_stop(
        &mut self,
        session: &LivingSession,
        how: i64,
        reason: &str,
        cause: StopCause,
        at: Millis,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE sessions SET stop_asked = max(stop_asked, ?1), \
             stop_cause = CASE WHEN stop_cause = '' THEN ?4 ELSE stop_cause END, \
             end_reason = CASE WHEN end_reason = '' THEN ?2 WHEN ?1 > stop_asked THEN end_reason || ' ' || ?2 ELSE end_reason END \
             WHERE id = ?3 AND finished = 0",
        )
        .bind(how)
        .bind(reason)
        .bind(session.id)
        .bind(cause.key())
        .execute(&mut *self.tx)
        .await?;
        self.tell_of_session(session.id, session.owner, session.domain, None, at).await
    }

    /// One session that has not ended, as this change sees it.
    pub async fn living_session(&mut self, id: SessionId) -> Result<Option<LivingSession>> {
        let row: Option<LivingRow> = living_query(&[id]).build_query_as().fetch_optional(&mut *self.tx).await?;
        row.map(LivingRow::read).transpose()
    }

    /// Renames a session that has not ended. Returns whether it did.
    pub async fn rename_session(&mut self, session: &LivingSession, name: &str, at: Millis) -> Result<bool> {
        let done = sqlx::query("UPDATE sessions SET name = ? WHERE id = ? AND finished = 0")
            .bind(name)
            .bind(session.id)
            .execute(&mut *self.tx)
            .await?;
        self.tell_of_session(session.id, session.owner, session.domain, None, at).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Sets the priority of a waiting session. Returns whether it still waited.
    pub async fn set_priority(&mut self, session: &LivingSession, priority: u8, at: Millis) -> Result<bool> {
        let done = sqlx::query("UPDATE sessions SET priority = ? WHERE id = ? AND status = 'PENDING'")
            .bind(priority)
            .bind(session.id)
            .execute(&mut *self.tx)
            .await?;
        self.tell_of_session(session.id, session.owner, session.domain, None, at).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Stores how many of a session's processes were killed because memory was used up.
    pub async fn keep_memory_kills(&mut self, id: SessionId, kills: u64) -> Result<()> {
        let kills = i64::try_from(kills).unwrap_or(i64::MAX);
        sqlx::query("UPDATE sessions SET memory_kills = ? WHERE id = ?").bind(kills).bind(id).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Stores when sessions last did anything. Pages are not told, since that changes every minute.
    pub async fn keep_activity(&mut self, active: &[(SessionId, Millis)]) -> Result<()> {
        for (id, at) in active {
            sqlx::query("UPDATE sessions SET last_active = ? WHERE id = ?").bind(*at).bind(*id).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// The slots that one person's sessions hold and how many of them wait, as this change sees it.
    pub async fn in_use(&mut self, owner: UserId) -> Result<InUse> {
        let rows: Vec<(String, u32)> = sqlx::query_as(
            "SELECT slots, cluster_size FROM sessions INDEXED BY sessions_holding \
             WHERE user_id = ? AND status IN ('SCHEDULED', 'PREPARING', 'RUNNING', 'TERMINATING')",
        )
        .bind(owner)
        .fetch_all(&mut *self.tx)
        .await?;
        let (pending,): (u32,) =
            sqlx::query_as("SELECT count(*) FROM sessions INDEXED BY sessions_waiting WHERE user_id = ? AND status = 'PENDING'")
                .bind(owner)
                .fetch_one(&mut *self.tx)
                .await?;
        let mut using = InUse { pending, ..InUse::default() };
        for (slots, size) in rows {
            using.sessions += 1;
            using.slots.add(&read_slots(&slots)?.times(size));
        }
        Ok(using)
    }

    /// A person's session by id or by name: the living one with that name, or else the last.
    pub async fn session_of(&mut self, owner: UserId, id_or_name: &str) -> Result<Option<SessionId>> {
        let id = uuid::Uuid::parse_str(id_or_name).ok();
        Ok(sqlx::query_scalar(CALLED).bind(owner).bind(id).bind(id_or_name).fetch_optional(&mut *self.tx).await?)
    }
}
