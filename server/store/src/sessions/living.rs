//! Sessions that have not ended, as the queue and the reconciler need them. `moves` writes them.

use crate::{Result, Store, read_json, read_word};
use sqlx::FromRow;
use sqlx::QueryBuilder;
use sqlx_sqlite::Sqlite;
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::quantity::Slots;
use types::sessions::{Cluster, ClusterMode};
use types::sessions::{Outcome, SessionType, Status};
use types::system::events::Topic;
use types::time::Millis;

/// The most ids in one query: far below the number of values that SQLite can bind.
const IDS_AT_ONCE: usize = 500;

/// A session that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivingSession {
    /// The number of the request; grows with every new session.
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
    pub image: String,
    /// The agent of each container, in the containers' order.
    pub agents: Vec<String>,
    pub command: String,
    /// The slots of each container.
    pub slots: Slots,
    pub cluster: Cluster,
    pub priority: u8,
    pub starts_at: Option<Millis>,
    /// Seconds that a batch session may run.
    pub timeout: Option<u32>,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub last_active: Option<Millis>,
    /// How far the marks of its request and of its start are moved from those times because the clock was set, in milliseconds.
    pub moved: (i64, i64),
    /// 0: should run; 1: should end with time to finish; 2: should end at once.
    pub stop_asked: i64,
    /// Why it should end.
    pub end_reason: String,
    /// How the first ended container ended, while others have yet to end.
    pub outcome: Option<Outcome>,
    /// Why it may not start, although it was allowed when it was requested.
    pub barred: Option<Barred>,
}

/// Something that a session needs to start and has lost since it was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// Its owner's account is not active.
    Owner,
    /// Its owner's domain is deactivated.
    Domain,
    /// Its project is deactivated.
    Project,
    /// Its owner is no longer a member of its project.
    Member,
    /// The keypair that it counts against is inactive or deleted.
    Keypair,
}

impl Barred {
    fn from_key(key: &str) -> Option<Self> {
        Some(match key {
            "owner" => Self::Owner,
            "domain" => Self::Domain,
            "project" => Self::Project,
            "member" => Self::Member,
            "keypair" => Self::Keypair,
            _ => return None,
        })
    }
}

impl LivingSession {
    /// The slots of all its containers together.
    pub fn all_slots(&self) -> Slots {
        self.cluster.of_all(&self.slots)
    }

    /// The mark that what counts from its request counts from.
    pub fn created_mark(&self) -> Millis {
        Millis(self.created_at.0.saturating_add(self.moved.0))
    }

    /// The mark that what counts from its start counts from.
    pub fn started_mark(&self) -> Option<Millis> {
        self.started_at.map(|at| Millis(at.0.saturating_add(self.moved.1)))
    }
}

#[derive(FromRow)]
pub(super) struct LivingRow {
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
    image: String,
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
    created_moved: i64,
    started_moved: i64,
    stop_asked: i64,
    end_reason: String,
    outcome: Option<String>,
    barred: Option<String>,
}

impl LivingRow {
    pub(super) fn read(self) -> Result<LivingSession> {
        Ok(LivingSession {
            seq: self.seq,
            id: self.id,
            name: self.name,
            kind: read_word("session type", self.kind, SessionType::from_key)?,
            status: read_word("session status", self.status, Status::from_key)?,
            owner: self.user_id,
            domain: self.domain_id,
            project: self.project_id,
            access_key: self.access_key,
            policy: self.policy,
            resource_group: self.resource_group,
            image: self.image,
            agents: read_json("session's agents", &self.agents)?,
            command: self.command,
            slots: read_slots(&self.slots)?,
            cluster: Cluster {
                mode: read_word("cluster mode", self.cluster_mode, ClusterMode::from_key)?,
                size: self.cluster_size,
            },
            priority: self.priority,
            starts_at: self.starts_at,
            timeout: self.timeout,
            created_at: self.created_at,
            started_at: self.started_at,
            last_active: self.last_active,
            moved: (self.created_moved, self.started_moved),
            stop_asked: self.stop_asked,
            end_reason: self.end_reason,
            outcome: self.outcome.map(|text| read_json("session's outcome", &text)).transpose()?,
            barred: self.barred.map(|key| read_word("bar of a session", key, Barred::from_key)).transpose()?,
        })
    }
}

/// Reads stored amounts.
pub(crate) fn read_slots(text: &str) -> Result<Slots> {
    read_json("session's amounts", text)
}

// All sessions of a person count against their present main keypair and its policy, whichever keypair was the main one when they
// were started, so that another main keypair is not a second allowance.
const LIVING: &str = "SELECT s.seq, s.id, s.name, s.kind, s.status, s.user_id, s.domain_id, s.project_id, k.access_key, k.policy, \
    s.resource_group, s.image, s.agents, s.command, s.slots, s.cluster_mode, s.cluster_size, s.priority, \
    s.request ->> 'starts_at' AS starts_at, s.request ->> 'timeout' AS timeout, s.created_at, s.started_at, s.last_active, \
    s.created_moved, s.started_moved, s.stop_asked, s.end_reason, s.outcome, \
    CASE WHEN u.active = 0 THEN 'owner' WHEN d.active = 0 THEN 'domain' WHEN p.active = 0 THEN 'project' \
        WHEN NOT EXISTS (SELECT 1 FROM project_members m WHERE m.user_id = s.user_id AND m.project_id = s.project_id) THEN 'member' \
        WHEN k.active = 0 OR k.deleted = 1 THEN 'keypair' END AS barred \
    FROM sessions s JOIN users u ON u.id = s.user_id JOIN domains d ON d.id = u.domain_id JOIN projects p ON p.id = s.project_id \
    JOIN keypairs k ON k.access_key = coalesce((SELECT m.access_key FROM keypairs m WHERE m.user_id = s.user_id AND m.main = 1), s.access_key)";

/// Changes to sessions since some event.
pub struct Changed {
    /// The sessions themselves.
    pub ids: Vec<SessionId>,
    /// People whose accounts changed, which decides whether their sessions may start.
    pub people: Vec<UserId>,
    /// Whether something changed that limits sessions.
    pub limits: bool,
    /// The event to continue from.
    pub last: i64,
}

fn push_ids(sql: &mut QueryBuilder<Sqlite>, ids: &[SessionId]) {
    let mut list = sql.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    sql.push(")");
}

pub(super) fn living_query(ids: &[SessionId]) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(LIVING);
    sql.push(" WHERE s.finished = 0 AND s.id IN (");
    push_ids(&mut sql, ids);
    sql
}

impl Store {
    /// Every session that has not ended, in the order of their requests.
    pub async fn living_sessions(&self) -> Result<Vec<LivingSession>> {
        let ids: Vec<(SessionId,)> = sqlx::query_as("SELECT id FROM sessions WHERE finished = 0").fetch_all(&self.read).await?;
        // A part at a time: the rows of a long queue take several times as much memory as what is made of them.
        let mut living = self.living_among(&ids.into_iter().map(|(id,)| id).collect::<Vec<_>>()).await?;
        living.sort_unstable_by_key(|session| session.seq);
        Ok(living)
    }

    /// The sessions among `ids` that have not ended.
    pub async fn living_among(&self, ids: &[SessionId]) -> Result<Vec<LivingSession>> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_AT_ONCE) {
            let rows: Vec<LivingRow> = living_query(ids).build_query_as().fetch_all(&self.read).await?;
            found.extend(rows.into_iter().map(LivingRow::read).collect::<Result<Vec<_>>>()?);
        }
        Ok(found)
    }

    /// The sessions among `ids` that have ended with an error.
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

    /// The number of lines in a session's history.
    pub async fn history_lines(&self, id: SessionId) -> Result<i64> {
        let (lines,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM session_history WHERE session_id = ?").bind(id).fetch_one(&self.read).await?;
        Ok(lines)
    }

    /// One session that has not ended.
    pub async fn living_session(&self, id: SessionId) -> Result<Option<LivingSession>> {
        Ok(self.living_among(&[id]).await?.pop())
    }

    /// The dependencies of waiting sessions, as (session, the session it depends on, that one's name, status and outcome).
    pub async fn waiting_dependencies(&self) -> Result<Vec<(SessionId, SessionId, String, Status, Option<Outcome>)>> {
        let rows: Vec<(SessionId, SessionId, String, String, Option<String>)> = sqlx::query_as(
            "SELECT d.session_id, o.id, o.name, o.status, o.outcome FROM session_dependencies d JOIN sessions s ON s.id = d.session_id \
             JOIN sessions o ON o.id = d.depends_on WHERE s.finished = 0 AND s.status = 'PENDING'",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |(id, on, name, status, outcome): (SessionId, SessionId, String, String, Option<String>)| {
            let outcome = outcome.map(|text| read_json("session's outcome", &text)).transpose()?;
            Ok((id, on, name, read_word("session status", status, Status::from_key)?, outcome))
        };
        rows.into_iter().map(read).collect()
    }

    /// A session's encrypted environment.
    pub async fn session_env(&self, id: SessionId) -> Result<Option<Vec<u8>>> {
        let row: Option<(Option<Vec<u8>>,)> =
            sqlx::query_as("SELECT env FROM sessions WHERE id = ?").bind(id).fetch_optional(&self.read).await?;
        Ok(row.and_then(|(env,)| env))
    }

    /// The complete request for a session, without hidden values.
    pub async fn session_request(&self, id: SessionId) -> Result<Option<types::sessions::launch::StartSession>> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT request FROM sessions WHERE id = ?").bind(id).fetch_optional(&self.read).await?;
        row.map(|(text,)| read_json("session's request", &text)).transpose()
    }

    /// The changes after event `after`. `None` if they are unknown because some events are gone, or if there are too many.
    pub async fn sessions_changed(&self, after: i64) -> Result<Option<Changed>> {
        const MOST: usize = 20_000;
        let (oldest,): (Option<i64>,) = sqlx::query_as("SELECT min(id) FROM events").fetch_one(&self.read).await?;
        if oldest.is_some_and(|oldest| after + 1 < oldest) {
            return Ok(None);
        }
        let (last,): (i64,) =
            sqlx::query_as("SELECT coalesce(max(id), ?1) FROM events").bind(after).fetch_one(&self.read).await?;
        // Events about changed positions in the queue are for pages only, and change no session.
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT topic, subject FROM events WHERE id > ? AND id <= ? AND NOT (topic = 'session' AND subject = 'queue') ORDER BY id LIMIT ?",
        )
        .bind(after)
        .bind(last)
        .bind(i64::try_from(MOST + 1).unwrap_or(i64::MAX))
        .fetch_all(&self.read)
        .await?;
        // Topics of things that limit sessions.
        let others = [Topic::Policy.key(), Topic::Group.key(), Topic::Project.key()];
        if rows.len() > MOST {
            return Ok(None);
        }
        let limits = rows.iter().any(|(topic, _)| others.contains(&topic.as_str()));
        let mut ids: Vec<SessionId> = rows
            .iter()
            .filter(|(topic, _)| topic == Topic::Session.key())
            .filter_map(|(_, subject)| subject.parse().ok())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        // A keypair's event names its owner.
        let people = rows.iter().filter(|(topic, _)| [Topic::User.key(), Topic::Keypair.key()].contains(&topic.as_str()));
        let people = people.filter_map(|(_, subject)| subject.parse().ok()).collect();
        Ok(Some(Changed { ids, people, limits, last }))
    }
}
