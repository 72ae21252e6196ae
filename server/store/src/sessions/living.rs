//! Sessions that have not ended, as the queue and the reconciler need them: reading them, writing new ones, and the guarded
//! moves of their status.

use crate::{Change, Result, Store, json, to_json, word};
use sqlx::FromRow;
use sqlx::{QueryBuilder, Sqlite};
use types::event::{Audience, Topic};
use types::id::{ContainerId, DomainId, ProjectId, SessionId, UserId};
use types::launch::{Cluster, ClusterMode, InUse};
use types::quantity::{CPU, MEM, Slots};
use types::session::{Outcome, SessionType, Status};
use types::time::Millis;

/// Sessions in one question by id: far below the number of values that SQLite binds.
const IDS_AT_ONCE: usize = 500;

/// A session that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivingSession {
    /// Grows with every session that is asked for.
    pub seq: i64,
    pub id: SessionId,
    pub name: String,
    pub kind: SessionType,
    pub status: Status,
    pub owner: UserId,
    pub domain: DomainId,
    pub project: ProjectId,
    pub access_key: String,
    pub policy: String,
    pub resource_group: String,
    /// The agent of each container, in their order.
    pub agents: Vec<String>,
    pub command: String,
    /// What each container gets.
    pub slots: Slots,
    pub cluster: Cluster,
    pub priority: u8,
    pub starts_at: Option<Millis>,
    /// Seconds that a batch session may run.
    pub timeout: Option<u32>,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub last_active: Option<Millis>,
    /// 0: should run; 1: should end; 2: should end at once.
    pub stop_asked: i64,
    /// Why it should end.
    pub end_reason: String,
    /// How the first of its containers ended, when others are still to end.
    pub outcome: Option<Outcome>,
}

impl LivingSession {
    /// What all its containers get.
    pub fn all_slots(&self) -> Slots {
        self.cluster.of_all(&self.slots)
    }

    /// Its containers, in their order, once it has been placed.
    pub fn containers(&self) -> impl Iterator<Item = ContainerId> + use<> {
        let id = self.id;
        (0..u32::try_from(self.agents.len()).unwrap_or(u32::MAX)).map(move |index| ContainerId::of(id, index))
    }
}

#[derive(FromRow)]
struct LivingRow {
    seq: i64,
    id: SessionId,
    name: String,
    kind: String,
    status: String,
    user_id: UserId,
    domain_id: DomainId,
    project_id: ProjectId,
    access_key: String,
    policy: String,
    resource_group: String,
    agents: String,
    command: String,
    slots: String,
    cluster_mode: String,
    cluster_size: u32,
    priority: u8,
    starts_at: Option<Millis>,
    timeout: Option<u32>,
    created_at: Millis,
    started_at: Option<Millis>,
    last_active: Option<Millis>,
    stop_asked: i64,
    end_reason: String,
    outcome: Option<String>,
}

impl LivingRow {
    fn read(self) -> Result<LivingSession> {
        Ok(LivingSession {
            seq: self.seq,
            id: self.id,
            name: self.name,
            kind: word("session type", self.kind, SessionType::from_key)?,
            status: word("session status", self.status, Status::from_key)?,
            owner: self.user_id,
            domain: self.domain_id,
            project: self.project_id,
            access_key: self.access_key,
            policy: self.policy,
            resource_group: self.resource_group,
            agents: json("session's agents", &self.agents)?,
            command: self.command,
            slots: read_slots(&self.slots)?,
            cluster: Cluster { mode: word("cluster mode", self.cluster_mode, ClusterMode::from_key)?, size: self.cluster_size },
            priority: self.priority,
            starts_at: self.starts_at,
            timeout: self.timeout,
            created_at: self.created_at,
            started_at: self.started_at,
            last_active: self.last_active,
            stop_asked: self.stop_asked,
            end_reason: self.end_reason,
            outcome: self.outcome.map(|text| json("session's outcome", &text)).transpose()?,
        })
    }
}

/// Reads stored amounts.
pub(crate) fn read_slots(text: &str) -> Result<Slots> {
    json("session's amounts", text)
}

// All that a person runs is counted together, by their main keypair and under its policy, whichever was the main one when it was
// asked for: another main keypair is no second allowance.
const LIVING: &str = "SELECT s.seq, s.id, s.name, s.kind, s.status, s.user_id, s.domain_id, s.project_id, k.access_key, k.policy, \
    s.resource_group, s.agents, s.command, s.slots, s.cluster_mode, s.cluster_size, s.priority, \
    s.request ->> 'starts_at' AS starts_at, s.request ->> 'timeout' AS timeout, s.created_at, s.started_at, s.last_active, \
    s.stop_asked, s.end_reason, s.outcome FROM sessions s \
    JOIN keypairs k ON k.access_key = coalesce((SELECT m.access_key FROM keypairs m WHERE m.user_id = s.user_id AND m.main = 1), s.access_key)";

/// A session that was asked for, ready to be written.
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
    /// JSON of what was asked for, without the values of secrets.
    pub request: &'a str,
    /// The environment, encrypted.
    pub env: Option<&'a [u8]>,
    pub depends_on: &'a [SessionId],
    /// The first line of its history.
    pub reason: &'a str,
    pub at: Millis,
}

/// One move of a session's status. What is not given of agents and outcome stays as it was.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub next: Status,
    pub reason: &'a str,
    /// The agent of each container.
    pub agents: Option<&'a [String]>,
    pub outcome: Option<&'a Outcome>,
    /// A sentence for its owner's notifications.
    pub notice: Option<&'a str>,
    pub at: Millis,
}

/// What changed of sessions since some event.
pub struct Changed {
    /// The sessions themselves.
    pub ids: Vec<SessionId>,
    /// Something else that sessions are limited by.
    pub limits: bool,
    /// The event to go on from.
    pub last: i64,
}

fn push_ids(sql: &mut QueryBuilder<Sqlite>, ids: &[SessionId]) {
    let mut list = sql.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    sql.push(")");
}

fn living_of(ids: &[SessionId]) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(LIVING);
    sql.push(" WHERE s.finished = 0 AND s.id IN (");
    push_ids(&mut sql, ids);
    sql
}

impl Store {
    /// Every session that has not ended, in the order they were asked for.
    pub async fn living_sessions(&self) -> Result<Vec<LivingSession>> {
        let sql = format!("{LIVING} WHERE s.finished = 0 ORDER BY s.seq");
        let rows: Vec<LivingRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&self.read).await?;
        rows.into_iter().map(LivingRow::read).collect()
    }

    /// Those of `ids` that have not ended.
    pub async fn living_among(&self, ids: &[SessionId]) -> Result<Vec<LivingSession>> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_AT_ONCE) {
            let rows: Vec<LivingRow> = living_of(ids).build_query_as().fetch_all(&self.read).await?;
            found.extend(rows.into_iter().map(LivingRow::read).collect::<Result<Vec<_>>>()?);
        }
        Ok(found)
    }

    /// Those of `ids` that have ended without having done what they were asked to.
    pub async fn failed_among(&self, ids: &[SessionId]) -> Result<Vec<SessionId>> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_AT_ONCE) {
            let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT id FROM sessions WHERE status = 'ERROR' AND id IN (");
            push_ids(&mut sql, ids);
            let rows: Vec<(SessionId,)> = sql.build_query_as().fetch_all(&self.read).await?;
            found.extend(rows.into_iter().map(|(id,)| id));
        }
        Ok(found)
    }

    /// Lines of a session's history.
    pub async fn history_lines(&self, id: SessionId) -> Result<i64> {
        let (lines,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM session_history WHERE session_id = ?").bind(id).fetch_one(&self.read).await?;
        Ok(lines)
    }

    /// One session that has not ended.
    pub async fn living_session(&self, id: SessionId) -> Result<Option<LivingSession>> {
        Ok(self.living_among(&[id]).await?.pop())
    }

    /// What sessions that wait depend on, as (session, on which, its name, its status, its outcome).
    pub async fn waiting_dependencies(&self) -> Result<Vec<(SessionId, SessionId, String, Status, Option<Outcome>)>> {
        let rows: Vec<(SessionId, SessionId, String, String, Option<String>)> = sqlx::query_as(
            "SELECT d.session_id, o.id, o.name, o.status, o.outcome FROM session_dependencies d JOIN sessions s ON s.id = d.session_id \
             JOIN sessions o ON o.id = d.depends_on WHERE s.finished = 0 AND s.status = 'PENDING'",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |(id, on, name, status, outcome): (SessionId, SessionId, String, String, Option<String>)| {
            let outcome = outcome.map(|text| json("session's outcome", &text)).transpose()?;
            Ok((id, on, name, word("session status", status, Status::from_key)?, outcome))
        };
        rows.into_iter().map(read).collect()
    }

    /// A session's encrypted environment.
    pub async fn session_env(&self, id: SessionId) -> Result<Option<Vec<u8>>> {
        let row: Option<(Option<Vec<u8>>,)> =
            sqlx::query_as("SELECT env FROM sessions WHERE id = ?").bind(id).fetch_optional(&self.read).await?;
        Ok(row.and_then(|(env,)| env))
    }

    /// What a session was asked to be, whole.
    pub async fn session_request(&self, id: SessionId) -> Result<Option<types::launch::StartSession>> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT request FROM sessions WHERE id = ?").bind(id).fetch_optional(&self.read).await?;
        row.map(|(text,)| json("session's request", &text)).transpose()
    }

    /// What changed after event `after`. `None` when that cannot be told, because some events are gone.
    pub async fn sessions_changed(&self, after: i64) -> Result<Option<Changed>> {
        const MOST: usize = 20_000;
        let (oldest,): (Option<i64>,) = sqlx::query_as("SELECT min(id) FROM events").fetch_one(&self.read).await?;
        if oldest.is_some_and(|oldest| after + 1 < oldest) {
            return Ok(None);
        }
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT id, topic, subject FROM events WHERE id > ? ORDER BY id LIMIT ?")
                .bind(after)
                .bind(i64::try_from(MOST + 1).unwrap_or(i64::MAX))
                .fetch_all(&self.read)
                .await?;
        let last = rows.last().map_or(after, |(id, ..)| *id);
        // What limits sessions is read with them.
        let others = [Topic::Keypair.key(), Topic::Policy.key(), Topic::Group.key(), Topic::Project.key()];
        if rows.len() > MOST {
            return Ok(None);
        }
        let limits = rows.iter().any(|(_, topic, _)| others.contains(&topic.as_str()));
        let mut ids: Vec<SessionId> = rows
            .iter()
            .filter(|(_, topic, _)| topic == Topic::Session.key())
            .filter_map(|(_, _, subject)| subject.parse().ok())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(Some(Changed { ids, limits, last }))
    }
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
        self.tell_of(new.id, new.owner, new.domain, None, new.at).await
    }

    async fn tell_of(&mut self, id: SessionId, owner: UserId, domain: DomainId, notice: Option<&str>, at: Millis) -> Result<()> {
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

    /// Moves a session from one status to the next, if it still stands in the first: with history and event.
    /// Says whether it did.
    pub async fn move_session(&mut self, session: &LivingSession, step: &Step<'_>) -> Result<bool> {
        let Step { next, reason, agents, outcome, notice, at } = *step;
        debug_assert!(session.status.may_become(next), "{:?} cannot become {next:?}", session.status);
        let done = sqlx::query(
            "UPDATE sessions SET status = ?1, info = ?2, \
             agent = CASE WHEN ?1 = 'PENDING' THEN NULL ELSE coalesce(?3, agent) END, \
             agents = CASE WHEN ?1 = 'PENDING' THEN '[]' ELSE coalesce(?4, agents) END, outcome = coalesce(?5, outcome), \
             started_at = CASE WHEN ?1 = 'RUNNING' THEN ?6 ELSE started_at END, \
             ended_at = CASE WHEN ?1 IN ('TERMINATED', 'CANCELLED', 'ERROR') THEN ?6 ELSE ended_at END \
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
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.add_history(session.id, next, reason, at).await?;
        self.tell_of(session.id, session.owner, session.domain, notice, at).await?;
        Ok(true)
    }

    /// Keeps the wish that a session ends, and why; a stronger wish stays, and so does the first reason.
    pub async fn ask_stop(&mut self, session: &LivingSession, how: i64, reason: &str, at: Millis) -> Result<()> {
        sqlx::query(
            "UPDATE sessions SET stop_asked = max(stop_asked, ?1), \
             end_reason = CASE WHEN end_reason = '' THEN ?2 ELSE end_reason END WHERE id = ?3 AND finished = 0",
        )
        .bind(how)
        .bind(reason)
        .bind(session.id)
        .execute(&mut *self.tx)
        .await?;
        self.tell_of(session.id, session.owner, session.domain, None, at).await
    }

    /// One session that has not ended, as this transaction sees it.
    pub async fn living_session(&mut self, id: SessionId) -> Result<Option<LivingSession>> {
        let row: Option<LivingRow> = living_of(&[id]).build_query_as().fetch_optional(&mut *self.tx).await?;
        row.map(LivingRow::read).transpose()
    }

    /// Gives a session that has not ended another name; says whether it had not.
    pub async fn rename_session(&mut self, session: &LivingSession, name: &str, at: Millis) -> Result<bool> {
        let done = sqlx::query("UPDATE sessions SET name = ? WHERE id = ? AND finished = 0")
            .bind(name)
            .bind(session.id)
            .execute(&mut *self.tx)
            .await?;
        self.tell_of(session.id, session.owner, session.domain, None, at).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Gives a session that waits another priority; says whether it still waited.
    pub async fn set_priority(&mut self, session: &LivingSession, priority: u8, at: Millis) -> Result<bool> {
        let done = sqlx::query("UPDATE sessions SET priority = ? WHERE id = ? AND status = 'PENDING'")
            .bind(priority)
            .bind(session.id)
            .execute(&mut *self.tx)
            .await?;
        self.tell_of(session.id, session.owner, session.domain, None, at).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps when sessions last did anything. Nobody is told: it changes by the minute.
    pub async fn keep_activity(&mut self, active: &[(SessionId, Millis)]) -> Result<()> {
        for (id, at) in active {
            sqlx::query("UPDATE sessions SET last_active = ? WHERE id = ?").bind(*at).bind(*id).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// What the sessions of one person hold and how many of them wait, as this transaction sees it.
    pub async fn in_use(&mut self, owner: UserId) -> Result<InUse> {
        let rows: Vec<(String, String, u32)> =
            sqlx::query_as("SELECT status, slots, cluster_size FROM sessions WHERE user_id = ? AND finished = 0")
                .bind(owner)
                .fetch_all(&mut *self.tx)
                .await?;
        let mut using = InUse::default();
        for (status, slots, size) in rows {
            if word("session status", status, Status::from_key)?.occupies() {
                using.sessions += 1;
                using.slots.add(&read_slots(&slots)?.times(size));
            } else {
                using.pending += 1;
            }
        }
        Ok(using)
    }

    /// A person's session by id or by name: the living one of that name, or else the last.
    pub async fn session_of(&mut self, owner: UserId, id_or_name: &str) -> Result<Option<SessionId>> {
        let id = uuid::Uuid::parse_str(id_or_name).ok();
        let row: Option<(SessionId,)> = sqlx::query_as(
            "SELECT id FROM (SELECT id, finished, seq FROM sessions WHERE id = ?2 AND user_id = ?1 \
             UNION SELECT id, finished, seq FROM sessions WHERE user_id = ?1 AND name = ?3) ORDER BY finished, seq DESC LIMIT 1",
        )
        .bind(owner)
        .bind(id)
        .bind(id_or_name)
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(row.map(|(id,)| id))
    }
}
