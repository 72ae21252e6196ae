//! Sessions as people see them: the list and one session. Living sessions, as the queue needs them, are in `living`, and every
//! move of their status is in `moves`.

mod living;
mod moves;

pub(crate) use living::read_slots;
pub use living::{Barred, Changed, LivingSession};
pub use moves::{NewSession, Step};

use crate::list::{Bind, Column, Fixed, Search, Source, all_rows, few_values, one_row, page_of_rows, some_rows};
use crate::{Result, Scope, Store, read_json, read_word};
use futures::Stream;
use sqlx::FromRow;
use std::collections::HashMap;
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::list::{ListQuery, Page};
use types::sessions::launch::StartSession;
use types::sessions::{Cluster, ClusterMode};
use types::sessions::{DependencyState, Ending, Outcome, SESSIONS, SessionDetail, SessionRow, SessionType, Status, StatusChange};
use types::time::Millis;

/// How rows are found by a column of their own.
macro_rules! found {
    ($index:literal, $column:literal) => {
        concat!("SELECT s.seq AS found FROM sessions s INDEXED BY ", $index, " WHERE s.finished {tab} AND ", $column, " {}")
    };
}

pub(crate) static SOURCE: Source = Source {
    table: "sessions s",
    number: "s.seq",
    joins: "LEFT JOIN users u ON u.id = s.user_id LEFT JOIN projects p ON p.id = s.project_id",
    led: &[],
    tab: "s.finished",
    indexed: "",
    columns: &[
        ("name", Column::text("s.name COLLATE NOCASE", "sessions_text").found(found!("sessions_name", "s.name COLLATE NOCASE"))),
        ("status", Column::plain("s.status").found(found!("sessions_status", "s.status"))),
        ("ending", Column::plain("s.ending").found(found!("sessions_ending", "s.ending"))),
        (
            "owner",
            Column::folded("u.email_key").of(
                &crate::people::users::SOURCE,
                "email",
                "SELECT s.seq AS found FROM ({}) f CROSS JOIN users u ON u.seq = f.found CROSS JOIN sessions s INDEXED BY sessions_user \
                 ON s.user_id = u.id AND s.finished {tab}",
            ),
        ),
        (
            "project",
            Column::folded("p.name_key").found(
                "SELECT s.seq AS found FROM projects p CROSS JOIN sessions s INDEXED BY sessions_project \
                 ON s.project_id = p.id AND s.finished {tab} WHERE p.name_key {}",
            ),
        ),
        (
            "resource_group",
            Column::inside_folded("s.resource_group IN (SELECT g.name FROM resource_groups g WHERE fold(g.name) {})").found(
                "SELECT s.seq AS found FROM resource_groups g CROSS JOIN sessions s INDEXED BY sessions_in_group \
                 ON s.resource_group = g.name AND s.finished {tab} WHERE fold(g.name) {}",
            ),
        ),
        (
            "agent",
            Column::inside_folded("EXISTS (SELECT 1 FROM json_each(s.agents) a WHERE fold(a.value) {})").found(few_values!(
                "sessions",
                "sessions_agents",
                "agents",
                "seq",
                "EXISTS (SELECT 1 FROM json_each(v.value) a WHERE fold(a.value) {})"
            )),
        ),
        ("image", Column::plain("s.image").found(few_values!("sessions", "sessions_image", "image", "seq", "v.value {}"))),
        ("cpu", Column::plain("s.cpu").found(found!("sessions_cpu", "s.cpu"))),
        ("mem", Column::plain("s.mem").found(found!("sessions_mem", "s.mem"))),
        ("priority", Column::whole("s.priority").found(found!("sessions_priority", "s.priority"))),
        ("memory_kills", Column::whole("s.memory_kills").found(found!("sessions_memory_kills", "s.memory_kills"))),
        ("kind", Column::plain("s.kind").found(found!("sessions_kind", "s.kind"))),
        ("access_key", Column::exact("s.access_key").found("SELECT s.seq AS found FROM sessions s INDEXED BY sessions_key WHERE s.access_key {}").beginnings()),
        ("id", Column::plain("s.id").found("SELECT s.seq AS found FROM sessions s WHERE s.id {}")),
        ("created_at", Column::plain("s.created_at").found(found!("sessions_created", "s.created_at"))),
    ],
};

const COLUMNS: &str = "s.id, s.name, s.kind, s.status, s.info, s.user_id, u.email, u.active AS owner_active, p.name AS project, s.resource_group, s.image, \
    s.agents, s.slots, s.cluster_mode, s.cluster_size, s.priority, s.memory_kills, s.created_at, s.started_at, s.ended_at, \
    s.ending, json_extract(s.outcome, '$.exited') AS exit_code";

#[derive(FromRow)]
struct Row {
    id: SessionId,
    name: String,
    kind: String,
    status: String,
    info: String,
    user_id: UserId,
    email: String,
    owner_active: bool,
    project: String,
    resource_group: String,
    image: String,
    agents: String,
    slots: String,
    cluster_mode: String,
    cluster_size: u32,
    priority: u8,
    memory_kills: i64,
    created_at: Millis,
    started_at: Option<Millis>,
    ended_at: Option<Millis>,
    ending: Option<Ending>,
    exit_code: Option<i32>,
}

impl Row {
    fn read(self) -> Result<SessionRow> {
        Ok(SessionRow {
            id: self.id,
            name: self.name,
            kind: read_word("session type", self.kind, SessionType::from_key)?,
            status: read_word("session status", self.status, Status::from_key)?,
            info: self.info,
            brief: String::new(),
            never: false,
            ending: self.ending,
            exit_code: self.exit_code,
            owner: self.user_id,
            owner_email: self.email,
            owner_active: self.owner_active,
            project: self.project,
            resource_group: self.resource_group,
            image: self.image,
            agents: read_json("session's agents", &self.agents)?,
            slots: read_slots(&self.slots)?,
            cluster: Cluster {
                mode: read_word("cluster mode", self.cluster_mode, ClusterMode::from_key)?,
                size: self.cluster_size,
            },
            priority: self.priority,
            memory_kills: u64::try_from(self.memory_kills).unwrap_or_default(),
            position: None,
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
        })
    }
}

/// A person's (`?1`) session by its exact id (`?2`) or name (`?3`).
const CALLED: &str = "SELECT id FROM (SELECT id, finished, seq FROM sessions WHERE id = ?2 AND user_id = ?1 \
    UNION SELECT id, finished, seq FROM sessions WHERE user_id = ?1 AND name = ?3) ORDER BY finished, seq DESC LIMIT 1";

/// The fewest sessions from which a typical length is computed, and the most that are used.
const LENGTHS: (usize, i64) = (5, 200);

/// The columns of a session's page that are not in its row.
#[derive(FromRow)]
struct More {
    domain_id: DomainId,
    project_id: ProjectId,
    access_key: String,
    command: String,
    outcome: Option<String>,
    request: String,
    files_removed_at: Option<Millis>,
}

/// Fields that the list of sessions does not show, and programs read in lists.
#[derive(Clone, Debug, FromRow)]
pub struct SessionMore {
    pub id: SessionId,
    pub user_id: UserId,
    pub project: ProjectId,
    /// Its name.
    pub domain: String,
    /// Empty if the caller may not see it.
    pub access_key: String,
    pub command: String,
    pub starts_at: Option<Millis>,
    pub scheduled_at: Option<Millis>,
    #[sqlx(json(nullable))]
    pub outcome: Option<Outcome>,
}

fn scope_condition(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Everything => None,
        Scope::Domain(id) => Some(("s.domain_id = ?", Bind::Id(id.0))),
        Scope::Projects(id) => Some((
            "s.seq IN (WITH who (me) AS (SELECT ?) \
             SELECT x.seq AS found FROM who CROSS JOIN sessions x ON x.user_id = who.me UNION \
             SELECT x.seq FROM who CROSS JOIN project_members a ON a.user_id = who.me AND a.admin = 1 \
             CROSS JOIN projects p ON p.id = a.project_id AND p.active = 1 CROSS JOIN sessions x ON x.project_id = a.project_id)",
            Bind::Id(id.0),
        )),
        Scope::Own(id) => Some(("s.user_id = ?", Bind::Id(id.0))),
    }
}

/// The same for a few rows with known ids: each is checked against the scope, instead of reading all rows in it.
fn scope_condition_by_id(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Projects(id) => Some((
            "EXISTS (SELECT 1 FROM (SELECT ? AS me) WHERE s.user_id = me OR s.project_id IN (SELECT a.project_id FROM project_members a \
             JOIN projects p ON p.id = a.project_id AND p.active = 1 WHERE a.user_id = me AND a.admin = 1))",
            Bind::Id(id.0),
        )),
        other => scope_condition(other),
    }
}

fn fixed_conditions(query: &ListQuery, scope: Scope, project: Option<ProjectId>) -> Vec<Fixed> {
    let finished = query.tab().map(|tab| -> Fixed { ("s.finished = ?", Bind::Int(i64::from(tab == "finished"))) });
    let mut fixed: Vec<Fixed> = finished.into_iter().collect();
    fixed.extend(scope_condition(scope));
    fixed.extend(project.map(|id| ("s.project_id = ?", Bind::Id(id.0))));
    if query.subtab != "all" {
        fixed.push(("s.kind = ?", Bind::Text(query.subtab.clone())));
    }
    fixed
}

impl Store {
    /// A page of sessions, of one project or of all.
    pub async fn sessions(&self, query: &ListQuery, scope: Scope, project: Option<ProjectId>) -> Result<Page<SessionRow>> {
        page_of_rows(self, (&SOURCE, &SESSIONS), COLUMNS, query, fixed_conditions(query, scope, project), Row::read).await
    }

    /// Every session that the filter selects, one after the other.
    pub fn all_sessions(
        &self,
        query: ListQuery,
        scope: Scope,
        project: Option<ProjectId>,
    ) -> impl Stream<Item = Result<SessionRow>> + Send + use<> {
        let fixed = fixed_conditions(&query, scope, project);
        all_rows(self, (&SOURCE, &SESSIONS), COLUMNS, query, fixed, Row::read)
    }

    /// One session with its history, if it is in scope.
    pub async fn session(&self, id: SessionId, scope: Scope) -> Result<Option<SessionDetail>> {
        let fixed = [("s.id = ?", Bind::Id(id.0))].into_iter().chain(scope_condition_by_id(scope));
        let Some(row) = one_row(&self.read, &SOURCE, COLUMNS, fixed, Row::read).await? else { return Ok(None) };
        let more: More = sqlx::query_as(
            "SELECT domain_id, project_id, access_key, command, outcome, request, files_removed_at FROM sessions WHERE id = ?",
        )
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
                Ok(StatusChange { at, status: read_word("session status", status, Status::from_key)?, reason })
            })
            .collect::<Result<_>>()?;
        let outcome = more.outcome.map(|text| read_json::<Outcome>("session's outcome", &text)).transpose()?;
        let asked: StartSession = read_json("session's request", &more.request)?;
        Ok(Some(SessionDetail {
            row,
            domain: more.domain_id,
            project: more.project_id,
            access_key: more.access_key,
            command: more.command,
            env: asked.env,
            ports: asked.ports,
            shared_memory: asked.shared_memory,
            starts_at: asked.starts_at,
            timeout: asked.timeout,
            depends_on: self.dependencies(id).await?,
            outcome,
            history,
            checks: Vec::new(),
            disk: None,
            now: Millis(0),
            may_control: false,
            files: more.files_removed_at.is_none(),
        }))
    }

    /// The fields that rows of a list do not have, for those of these sessions that are in scope.
    pub async fn sessions_more(&self, ids: &[SessionId], scope: Scope) -> Result<HashMap<SessionId, SessionMore>> {
        let hex: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
        let among = ("s.id IN (SELECT unhex(value) FROM json_each(?))", Bind::Text(crate::to_json(&hex)));
        let fixed = [among].into_iter().chain(scope_condition_by_id(scope));
        let columns = "s.id, s.user_id, p.id AS project, (SELECT d.name FROM domains d WHERE d.id = s.domain_id) AS domain, s.access_key, \
            s.command, s.request ->> 'starts_at' AS starts_at, (SELECT h.at FROM session_history h WHERE h.session_id = s.id \
            AND h.status = 'SCHEDULED' ORDER BY h.seq LIMIT 1) AS scheduled_at, s.outcome";
        let rows: Vec<SessionMore> = some_rows(self, &SOURCE, columns, fixed, Ok).await?;
        Ok(rows.into_iter().map(|more| (more.id, more)).collect())
    }

    /// The sessions that a session depends on.
    pub async fn dependencies(&self, id: SessionId) -> Result<Vec<DependencyState>> {
        let rows: Vec<(SessionId, String, String, Option<String>)> = sqlx::query_as(
            "SELECT s.id, s.name, s.status, s.outcome FROM session_dependencies d JOIN sessions s ON s.id = d.depends_on \
             WHERE d.session_id = ? ORDER BY s.seq",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let read = |(id, name, status, outcome): (SessionId, String, String, Option<String>)| {
            let outcome = outcome.map(|text| read_json::<Outcome>("session's outcome", &text)).transpose()?;
            let status = read_word("session status", status, Status::from_key)?;
            Ok(DependencyState { id, name, status, success: outcome.is_some_and(|outcome| outcome.is_success()) })
        };
        rows.into_iter().map(read).collect()
    }

    /// A person's sessions whose name or id is `text` or, if they have not ended, begins with it. An exact id comes first, then
    /// living sessions, exact names and newer sessions.
    pub async fn sessions_beginning(&self, owner: UserId, text: &str, most: usize) -> Result<Vec<SessionId>> {
        let id = uuid::Uuid::parse_str(text).ok();
        // A name is compared as a range, for which there is an index. Living sessions are few enough to compare every id.
        let after = format!("{text}\u{10ffff}");
        let hex: String = text.chars().filter(|c| *c != '-').collect::<String>().to_lowercase();
        let hex = if hex.chars().all(|c| c.is_ascii_hexdigit()) { hex } else { String::new() };
        let rows: Vec<(SessionId,)> = sqlx::query_as(
            "SELECT id FROM (\
             SELECT id, finished, name, seq FROM sessions WHERE id = ?2 AND user_id = ?1 UNION \
             SELECT id, finished, name, seq FROM sessions WHERE user_id = ?1 AND name = ?3 UNION \
             SELECT id, finished, name, seq FROM sessions WHERE user_id = ?1 AND finished = 0 AND name >= ?3 AND name < ?4 UNION \
             SELECT id, finished, name, seq FROM sessions WHERE user_id = ?1 AND finished = 0 AND length(?5) >= 4 \
             AND lower(hex(id)) LIKE ?5 || '%') ORDER BY id = ?2 DESC, finished, name = ?3 DESC, seq DESC LIMIT ?6",
        )
        .bind(owner)
        .bind(id)
        .bind(text)
        .bind(after)
        .bind(hex)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// A person's session with exactly this id or name: a living one, or else the newest.
    pub async fn session_called(&self, owner: UserId, id_or_name: &str) -> Result<Option<SessionId>> {
        let id = uuid::Uuid::parse_str(id_or_name).ok();
        Ok(sqlx::query_scalar(CALLED).bind(owner).bind(id).bind(id_or_name).fetch_optional(&self.read).await?)
    }

    /// The living sessions that depend on this one, directly or through others.
    pub async fn dependents(&self, id: SessionId) -> Result<Vec<SessionId>> {
        let rows: Vec<(SessionId,)> = sqlx::query_as(
            "WITH RECURSIVE after (id) AS (SELECT session_id FROM session_dependencies WHERE depends_on = ? \
             UNION SELECT d.session_id FROM session_dependencies d JOIN after a ON d.depends_on = a.id) \
             SELECT s.id FROM after a JOIN sessions s ON s.id = a.id WHERE s.finished = 0 LIMIT 1000",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// The sessions that are on an agent now, at most `most`.
    pub async fn sessions_on(&self, agent: &str, most: u32) -> Result<Vec<SessionRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {} {} WHERE s.finished = 0 AND s.status <> 'PENDING' \
             AND EXISTS (SELECT 1 FROM json_each(s.agents) a WHERE a.value = ?) ORDER BY s.seq LIMIT ?",
            SOURCE.table, SOURCE.joins
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(agent).bind(most).fetch_all(&self.read).await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The rows of these sessions that are in scope, in the order of `ids`.
    pub async fn session_rows(&self, ids: &[SessionId], scope: Scope) -> Result<Vec<SessionRow>> {
        let hex: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
        let among = ("s.id IN (SELECT unhex(value) FROM json_each(?))", Bind::Text(crate::to_json(&hex)));
        let fixed = [among].into_iter().chain(scope_condition_by_id(scope));
        let rows = some_rows(self, &SOURCE, COLUMNS, fixed, Row::read).await?;
        let mut found: HashMap<SessionId, SessionRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The ids of the sessions in scope that wait in a resource group and match the query's conditions, in the order of their
    /// requests.
    pub async fn pending_ids(&self, group: &str, query: &ListQuery, scope: Scope) -> Result<Vec<SessionId>> {
        let mut fixed: Vec<Fixed> =
            vec![("s.finished = 0 AND s.status = 'PENDING' AND s.resource_group = ?", Bind::Text(group.into()))];
        fixed.extend(scope_condition(scope));
        let by_number = ListQuery { sort: "created_at".into(), descending: false, ..query.clone() };
        let prepared = self.prepare(&SOURCE, &SESSIONS, &by_number, fixed, Search::Throughout).await?;
        // As one text: a hundred thousand rows are handed over slowly.
        let (ids,): (String,) = prepared.joined("hex(s.id)").build_query_as().fetch_one(&self.lists).await?;
        let ids = ids.as_bytes().chunks(32).filter_map(|id| uuid::Uuid::try_parse_ascii(id).ok());
        Ok(ids.map(SessionId).collect())
    }

    /// A person's last requests for sessions, newest first, without duplicates.
    pub async fn recent_requests(&self, user: UserId, most: usize) -> Result<Vec<StartSession>> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT request FROM (SELECT request, seq FROM sessions WHERE user_id = ? AND request <> '{}' ORDER BY seq DESC LIMIT 100) \
             GROUP BY request ORDER BY max(seq) DESC LIMIT ?",
        )
        .bind(user)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|(request,)| read_json("session's request", request)).collect()
    }

    /// The median running time of a group's last ended sessions, in seconds; `None` if there are only a few.
    pub async fn typical_length(&self, group: &str) -> Result<Option<u32>> {
        let rows: Vec<(i64,)> = sqlx::query_as(
            "SELECT ended_at - started_at FROM sessions WHERE resource_group = ? AND status = 'TERMINATED' AND started_at IS NOT NULL \
             ORDER BY ended_at DESC LIMIT ?",
        )
        .bind(group)
        .bind(LENGTHS.1)
        .fetch_all(&self.read)
        .await?;
        let mut lengths: Vec<i64> = rows.into_iter().map(|(milliseconds,)| milliseconds / 1000).collect();
        lengths.sort_unstable();
        let middle = lengths.get(lengths.len() / 2).filter(|_| lengths.len() >= LENGTHS.0);
        Ok(middle.map(|seconds| u32::try_from((*seconds).max(1)).unwrap_or(u32::MAX)))
    }

    /// The number of living sessions in each status, for the metrics.
    pub async fn session_counts(&self) -> Result<Vec<(String, i64)>> {
        Ok(sqlx::query_as("SELECT status, count(*) FROM sessions WHERE finished = 0 GROUP BY status")
            .fetch_all(&self.read)
            .await?)
    }
}
