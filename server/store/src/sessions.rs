//! Sessions: the list, one session, the living ones for the queue, and the guarded moves of their status.

use crate::list::{Bind, Column, Fixed, Source, all, one, page};
use crate::{Change, Result, Scope, Store, json, to_json, word};
use futures::Stream;
use sqlx::FromRow;
use types::event::{Audience, Topic};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::list::{ListQuery, Page};
use types::quantity::{Quantity, Slots};
use types::session::{Outcome, SESSIONS, SessionDetail, SessionRow, SessionType, Status, StatusChange};
use types::time::Millis;

pub(crate) static SOURCE: Source = Source {
    table: "sessions s",
    number: "s.seq",
    joins: "JOIN users u ON u.id = s.user_id JOIN projects p ON p.id = s.project_id",
    text: "sessions_text",
    columns: &[
        ("name", Column::text("s.name", "name")),
        ("status", Column::plain("s.status")),
        ("owner", Column::lower("u.email_key")),
        ("project", Column::plain("p.name")),
        ("resource_group", Column::plain("s.resource_group")),
        ("agent", Column::plain("s.agent")),
        ("image", Column::plain("s.image")),
        ("cpu", Column::plain("s.cpu")),
        ("mem", Column::plain("s.mem")),
        ("created_at", Column::plain("s.created_at")),
    ],
};

const COLUMNS: &str = "s.id, s.name, s.kind, s.status, s.info, s.user_id, u.email, p.name AS project, s.resource_group, s.image, \
    s.agent, s.cpu, s.mem, s.created_at, s.started_at, s.ended_at";

#[derive(FromRow)]
struct Row {
    id: SessionId,
    name: String,
    kind: String,
    status: String,
    info: String,
    user_id: UserId,
    email: String,
    project: String,
    resource_group: String,
    image: String,
    agent: Option<String>,
    cpu: i64,
    mem: i64,
    created_at: Millis,
    started_at: Option<Millis>,
    ended_at: Option<Millis>,
}

impl Row {
    fn read(self) -> Result<SessionRow> {
        Ok(SessionRow {
            id: self.id,
            name: self.name,
            kind: word("session type", self.kind, SessionType::from_key)?,
            status: word("session status", self.status, Status::from_key)?,
            info: self.info,
            owner: self.user_id,
            owner_email: self.email,
            project: self.project,
            resource_group: self.resource_group,
            image: self.image,
            agent: self.agent,
            cpu: Quantity::thousandths(self.cpu),
            mem: self.mem,
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
        })
    }
}

/// A session that has not ended, as the queue and the reconciler need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivingSession {
    pub id: SessionId,
    pub name: String,
    pub kind: SessionType,
    pub status: Status,
    pub info: String,
    pub owner: UserId,
    pub domain: DomainId,
    pub access_key: String,
    pub policy: String,
    pub resource_group: String,
    pub agent: Option<String>,
    pub command: String,
    pub slots: Slots,
    /// 0: should run; 1: should end; 2: should end at once.
    pub stop_asked: i64,
}

#[derive(FromRow)]
struct LivingRow {
    id: SessionId,
    name: String,
    kind: String,
    status: String,
    info: String,
    user_id: UserId,
    domain_id: DomainId,
    access_key: String,
    policy: String,
    resource_group: String,
    agent: Option<String>,
    command: String,
    cpu: i64,
    mem: i64,
    stop_asked: i64,
}

impl LivingRow {
    fn read(self) -> Result<LivingSession> {
        Ok(LivingSession {
            id: self.id,
            name: self.name,
            kind: word("session type", self.kind, SessionType::from_key)?,
            status: word("session status", self.status, Status::from_key)?,
            info: self.info,
            owner: self.user_id,
            domain: self.domain_id,
            access_key: self.access_key,
            policy: self.policy,
            resource_group: self.resource_group,
            agent: self.agent,
            command: self.command,
            slots: Slots::cpu_mem(Quantity::thousandths(self.cpu), self.mem),
            stop_asked: self.stop_asked,
        })
    }
}

const LIVING: &str = "SELECT s.id, s.name, s.kind, s.status, s.info, s.user_id, s.domain_id, s.access_key, k.policy, s.resource_group, \
    s.agent, s.command, s.cpu, s.mem, s.stop_asked FROM sessions s JOIN keypairs k ON k.access_key = s.access_key";

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
    pub cpu: Quantity,
    pub mem: i64,
    pub at: Millis,
}

/// One move of a session's status. What is not given of agent and outcome stays as it was.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub next: Status,
    pub reason: &'a str,
    pub agent: Option<&'a str>,
    pub outcome: Option<&'a Outcome>,
    /// A sentence for its owner's notifications.
    pub notice: Option<&'a str>,
    pub at: Millis,
}

fn within(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Everything => None,
        Scope::Domain(id) => Some(("s.domain_id = ?", Bind::Id(id.0))),
        Scope::Projects(id) => Some((
            "s.id IN (WITH who (me) AS (SELECT ?) SELECT x.id FROM who JOIN sessions x ON x.user_id = who.me UNION \
             SELECT x.id FROM who JOIN project_members a ON a.user_id = who.me AND a.admin = 1 \
             JOIN projects p ON p.id = a.project_id AND p.active = 1 JOIN sessions x ON x.project_id = a.project_id)",
            Bind::Id(id.0),
        )),
        Scope::Own(id) => Some(("s.user_id = ?", Bind::Id(id.0))),
    }
}

fn fixed(query: &ListQuery, scope: Scope, project: Option<ProjectId>) -> Vec<Fixed> {
    let mut fixed: Vec<Fixed> = vec![("s.finished = ?", Bind::Int(i64::from(query.tab == "finished")))];
    fixed.extend(within(scope));
    fixed.extend(project.map(|id| ("s.project_id = ?", Bind::Id(id.0))));
    if query.subtab != "all" {
        fixed.push(("s.kind = ?", Bind::Text(query.subtab.clone())));
    }
    fixed
}

impl Store {
    /// A page of sessions, of one project or of all.
    pub async fn sessions(&self, query: &ListQuery, scope: Scope, project: Option<ProjectId>) -> Result<Page<SessionRow>> {
        page(self, (&SOURCE, &SESSIONS), COLUMNS, query, fixed(query, scope, project), Row::read).await
    }

    /// Every session that the filter selects, one after the other.
    pub fn all_sessions(
        &self,
        query: ListQuery,
        scope: Scope,
        project: Option<ProjectId>,
    ) -> impl Stream<Item = Result<SessionRow>> + Send + use<> {
        let fixed = fixed(&query, scope, project);
        all(self, (&SOURCE, &SESSIONS), COLUMNS, query, fixed, Row::read)
    }

    /// One session with its history, if it is in scope.
    pub async fn session(&self, id: SessionId, scope: Scope) -> Result<Option<SessionDetail>> {
        let fixed = [("s.id = ?", Bind::Id(id.0))].into_iter().chain(within(scope));
        let Some(row) = one(self, &SOURCE, COLUMNS, fixed, Row::read).await? else { return Ok(None) };
        let (domain, project, command, outcome): (DomainId, ProjectId, String, Option<String>) =
            sqlx::query_as("SELECT domain_id, project_id, command, outcome FROM sessions WHERE id = ?")
                .bind(id)
                .fetch_one(&self.read)
                .await?;
        let history: Vec<(Millis, String, String)> =
            sqlx::query_as("SELECT at, status, reason FROM session_history WHERE session_id = ? ORDER BY seq LIMIT 200")
                .bind(id)
                .fetch_all(&self.read)
                .await?;
        let history = history
            .into_iter()
            .map(|(at, status, reason)| {
                Ok(StatusChange { at, status: word("session status", status, Status::from_key)?, reason })
            })
            .collect::<Result<_>>()?;
        let outcome = outcome.map(|text| json::<Outcome>("session's outcome", &text)).transpose()?;
        Ok(Some(SessionDetail { row, domain, project, command, outcome, history, may_control: false }))
    }

    /// Every session that has not ended, in the order they were asked for.
    pub async fn living_sessions(&self) -> Result<Vec<LivingSession>> {
        let sql = format!("{LIVING} WHERE s.finished = 0 ORDER BY s.seq");
        let rows: Vec<LivingRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&self.read).await?;
        rows.into_iter().map(LivingRow::read).collect()
    }

    /// One session that has not ended.
    pub async fn living_session(&self, id: SessionId) -> Result<Option<LivingSession>> {
        let sql = format!("{LIVING} WHERE s.id = ? AND s.finished = 0");
        let row: Option<LivingRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.read).await?;
        row.map(LivingRow::read).transpose()
    }

    /// How many sessions stand in each status, for the metrics.
    pub async fn session_counts(&self) -> Result<Vec<(String, i64)>> {
        Ok(sqlx::query_as("SELECT status, count(*) FROM sessions WHERE finished = 0 GROUP BY status")
            .fetch_all(&self.read)
            .await?)
    }
}

impl Change {
    /// Writes a session into the queue, with the first line of its history.
    pub async fn insert_session(&mut self, new: &NewSession<'_>) -> Result<()> {
        sqlx::query(
            "INSERT INTO sessions (id, name, kind, status, info, user_id, access_key, domain_id, project_id, resource_group, image, \
             command, cpu, mem, created_at) VALUES (?, ?, ?, 'PENDING', '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        .bind(new.cpu.as_thousandths())
        .bind(new.mem)
        .bind(new.at)
        .execute(&mut *self.tx)
        .await?;
        self.add_history(new.id, Status::Pending, "Asked for.", new.at).await?;
        let audience = Audience { owner: Some(new.owner), domain: Some(new.domain) };
        self.tell(Topic::Session, &new.id.to_string(), audience, None, new.at).await
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
        let Step { next, reason, agent, outcome, notice, at } = *step;
        debug_assert!(session.status.may_become(next), "{:?} cannot become {next:?}", session.status);
        let done = sqlx::query(
            "UPDATE sessions SET status = ?1, info = ?2, \
             agent = CASE WHEN ?1 = 'PENDING' THEN NULL ELSE coalesce(?3, agent) END, outcome = coalesce(?4, outcome), \
             started_at = CASE WHEN ?1 = 'RUNNING' THEN ?5 ELSE started_at END, \
             ended_at = CASE WHEN ?1 IN ('TERMINATED', 'CANCELLED', 'ERROR') THEN ?5 ELSE ended_at END \
             WHERE id = ?6 AND status = ?7",
        )
        .bind(next.key())
        .bind(reason)
        .bind(agent)
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
        let audience = Audience { owner: Some(session.owner), domain: Some(session.domain) };
        self.tell(Topic::Session, &session.id.to_string(), audience, notice, at).await?;
        Ok(true)
    }

    /// Keeps the wish that a session ends; a stronger wish stays.
    pub async fn ask_stop(&mut self, id: SessionId, how: i64) -> Result<()> {
        sqlx::query("UPDATE sessions SET stop_asked = max(stop_asked, ?) WHERE id = ? AND finished = 0")
            .bind(how)
            .bind(id)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}
