//! Resource groups: listing, saving and deleting them, and who may use which.
//!
//! A deleted group keeps its row, because ended sessions name it. A new group with its name takes over the row.

use crate::list::{Bind, Column, Fixed, Source, all_rows, page_of_rows};
use crate::{Change, Result, Scope, Store, StoreError, read_json, read_word, to_json};
use futures::Stream;
use sqlx::FromRow;
use types::cluster::resource_groups::{GroupRow, Placement, RESOURCE_GROUPS, ResourceGroup, group_scheduler};
use types::id::{DomainId, ProjectId, UserId};
use types::list::{ListQuery, Page};
use types::time::Millis;
use uuid::Uuid;

pub(crate) static SOURCE: Source = Source {
    table: "resource_groups g",
    number: "g.rowid",
    joins: "",
    led: &[],
    tab: "",
    indexed: "",
    columns: &[
        ("name", Column::folded("fold(g.name)")),
        ("description", Column::folded("fold(g.description)")),
        ("scheduler", Column::plain("g.scheduler")),
        ("public", Column::plain("g.public")),
        ("created_at", Column::plain("g.created_at")),
    ],
};

// Domains and projects are read as ids (32 digits) followed by their names.
const COLUMNS: &str = "g.name, g.description, g.active, g.public, g.scheduler, g.placement, g.session_types, g.pending_timeout, \
    g.retries_to_skip, g.app_proxy, g.revision, g.created_at, \
    (SELECT count(*) FROM sessions s WHERE s.finished = 0 AND s.resource_group = g.name) AS sessions, \
    (SELECT group_concat(lower(hex(d.id)) || d.name, char(31)) FROM (SELECT d.id, d.name FROM resource_group_domains r \
        JOIN domains d ON d.id = r.domain_id WHERE r.resource_group = g.name ORDER BY d.name_key) d) AS domains, \
    (SELECT group_concat(lower(hex(p.id)) || p.name, char(31)) FROM (SELECT p.id, p.name FROM resource_group_projects r \
        JOIN projects p ON p.id = r.project_id WHERE r.resource_group = g.name ORDER BY p.name_key) p) AS projects";

/// The active groups of one person (`?`), with one row for each of their projects that may use the group: projects that the group
/// names, and those of domains that it names.
macro_rules! usable {
    () => {
        "FROM project_members m JOIN projects p ON p.id = m.project_id AND p.active = 1 \
         JOIN domains d ON d.id = p.domain_id AND d.active = 1 \
         JOIN resource_groups g ON g.active = 1 AND g.deleted = 0 WHERE m.user_id = ? \
         AND (EXISTS (SELECT 1 FROM resource_group_projects r WHERE r.resource_group = g.name AND r.project_id = p.id) \
         OR EXISTS (SELECT 1 FROM resource_group_domains r WHERE r.resource_group = g.name AND r.domain_id = p.domain_id))"
    };
}
pub(crate) use usable;

#[derive(FromRow)]
struct Row {
    name: String,
    description: String,
    active: bool,
    public: bool,
    scheduler: String,
    placement: String,
    session_types: String,
    pending_timeout: Option<u32>,
    retries_to_skip: Option<u32>,
    app_proxy: String,
    revision: i64,
    created_at: Millis,
    sessions: u32,
    domains: Option<String>,
    projects: Option<String>,
}

impl Row {
    fn read(self) -> Result<GroupRow> {
        let (domains, domain_names) = split_ids_and_names(self.domains)?;
        let (projects, project_names) = split_ids_and_names(self.projects)?;
        let group = ResourceGroup {
            name: self.name,
            description: self.description,
            active: self.active,
            public: self.public,
            scheduler: read_word("scheduler", self.scheduler, group_scheduler)?,
            placement: read_word("placement", self.placement, Placement::from_key)?,
            session_types: read_json("session types", &self.session_types)?,
            pending_timeout: self.pending_timeout,
            retries_to_skip: self.retries_to_skip,
            app_proxy: self.app_proxy,
            domains: domains.into_iter().map(DomainId).collect(),
            projects: projects.into_iter().map(ProjectId).collect(),
        };
        Ok(GroupRow {
            group,
            revision: self.revision,
            // Added by `control`, which knows the agents that answer.
            agents: 0,
            sessions: self.sessions,
            domain_names,
            project_names,
            created_at: self.created_at,
        })
    }
}

fn split_ids_and_names(joined: Option<String>) -> Result<(Vec<Uuid>, Vec<String>)> {
    let mut ids = Vec::new();
    let mut names = Vec::new();
    for one in joined.iter().flat_map(|joined| joined.split('\u{1f}')) {
        let (id, name) = one.split_at_checked(32).unwrap_or((one, ""));
        ids.push(Uuid::parse_str(id).map_err(|_| StoreError::Unreadable { what: "id", value: one.into() })?);
        names.push(name.to_owned());
    }
    Ok((ids, names))
}

fn fixed_conditions(query: &ListQuery, scope: Scope) -> Vec<Fixed> {
    let mut fixed: Vec<Fixed> = vec![("g.deleted = ?", Bind::Int(0))];
    fixed.extend(query.tab().map(|tab| ("g.active = ?", Bind::Int(i64::from(tab != "inactive")))));
    if let Scope::Projects(id) | Scope::Own(id) = scope {
        fixed.push((OFFERED, Bind::Id(id.0)));
    }
    fixed
}

const OFFERED: &str = concat!("g.name IN (SELECT g.name ", usable!(), ")");

/// The uses that keep a group from being deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupUses {
    /// Sessions that have not ended.
    pub sessions: u32,
    /// Names of presets that are for this group only.
    pub presets: Vec<String>,
}

impl Store {
    /// A page of groups, without their number of agents.
    pub async fn resource_groups(&self, query: &ListQuery, scope: Scope) -> Result<Page<GroupRow>> {
        page_of_rows(self, (&SOURCE, &RESOURCE_GROUPS), COLUMNS, query, fixed_conditions(query, scope), Row::read).await
    }

    /// Every group that the filter selects, one after the other.
    pub fn all_resource_groups(&self, query: ListQuery) -> impl Stream<Item = Result<GroupRow>> + Send + use<> {
        let fixed = fixed_conditions(&query, Scope::Everything);
        all_rows(self, (&SOURCE, &RESOURCE_GROUPS), COLUMNS, query, fixed, Row::read)
    }

    /// Every group by name.
    pub async fn every_resource_group(&self) -> Result<Vec<ResourceGroup>> {
        let sql = format!("SELECT {COLUMNS} FROM resource_groups g WHERE g.deleted = 0 ORDER BY g.name");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&self.read).await?;
        rows.into_iter().map(|row| Ok(row.read()?.group)).collect()
    }

    /// The active groups that a person may use, by name, each with those of their projects that may use it.
    pub async fn resource_groups_for(&self, user: UserId) -> Result<Vec<(ResourceGroup, Vec<ProjectId>)>> {
        let sql = concat!("SELECT g.name, p.id ", usable!(), " ORDER BY p.name_key");
        let pairs: Vec<(String, ProjectId)> = sqlx::query_as(sql).bind(user).fetch_all(&self.read).await?;
        let with_projects = |group: ResourceGroup| {
            let projects: Vec<_> = pairs.iter().filter(|(name, _)| *name == group.name).map(|(_, id)| *id).collect();
            (!projects.is_empty()).then_some((group, projects))
        };
        Ok(self.every_resource_group().await?.into_iter().filter_map(with_projects).collect())
    }

    /// The names of the groups.
    pub async fn resource_group_names(&self) -> Result<Vec<String>> {
        let sql = "SELECT name FROM resource_groups WHERE deleted = 0 ORDER BY name";
        Ok(sqlx::query_scalar(sql).fetch_all(&self.read).await?)
    }
}

impl Change {
    /// A group as this change sees it, with its revision.
    pub async fn resource_group(&mut self, name: &str) -> Result<Option<(i64, ResourceGroup)>> {
        let sql = format!("SELECT {COLUMNS} FROM resource_groups g WHERE g.name = ? AND g.deleted = 0");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_optional(&mut *self.tx).await?;
        row.map(|row| row.read().map(|row| (row.revision, row.group))).transpose()
    }

    /// Whether a group accepts new sessions, as this change sees it.
    pub async fn is_group_open(&mut self, name: &str) -> Result<bool> {
        let found: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM resource_groups WHERE name = ? AND deleted = 0 AND active = 1")
            .bind(name)
            .fetch_optional(&mut *self.tx)
            .await?;
        Ok(found.is_some())
    }

    /// Writes a group, new or in place of the one with its name. Returns whether all of its domains and projects exist.
    pub async fn save_resource_group(&mut self, group: &ResourceGroup, at: Millis) -> Result<bool> {
        sqlx::query(
            "INSERT INTO resource_groups (name, description, active, public, scheduler, placement, session_types, pending_timeout, \
             retries_to_skip, app_proxy, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET description = excluded.description, active = excluded.active, \
             public = excluded.public, scheduler = excluded.scheduler, placement = excluded.placement, \
             session_types = excluded.session_types, pending_timeout = excluded.pending_timeout, \
             retries_to_skip = excluded.retries_to_skip, app_proxy = excluded.app_proxy, revision = revision + 1, \
             created_at = CASE WHEN deleted THEN excluded.created_at ELSE created_at END, deleted = 0",
        )
        .bind(&group.name)
        .bind(&group.description)
        .bind(group.active)
        .bind(group.public)
        .bind(group.scheduler_word())
        .bind(group.placement.key())
        .bind(to_json(&group.session_types))
        .bind(group.pending_timeout)
        .bind(group.retries_to_skip)
        .bind(&group.app_proxy)
        .bind(at)
        .execute(&mut *self.tx)
        .await?;
        self.take_group_away(&group.name).await?;
        let domains = "INSERT OR IGNORE INTO resource_group_domains (resource_group, domain_id) VALUES (?, ?)";
        let projects = "INSERT OR IGNORE INTO resource_group_projects (resource_group, project_id) VALUES (?, ?)";
        let of_domains = group.domains.iter().map(|id| (domains, id.0));
        for (sql, id) in of_domains.chain(group.projects.iter().map(|id| (projects, id.0))) {
            let done = sqlx::query(sql).bind(&group.name).bind(id).execute(&mut *self.tx).await;
            if let Err(sqlx::Error::Database(error)) = &done
                && error.is_foreign_key_violation()
            {
                return Ok(false);
            }
            done?;
        }
        Ok(true)
    }

    /// Lets a domain use a group, if there is one with this name. Returns whether there is.
    pub async fn give_group(&mut self, name: &str, domain: DomainId) -> Result<bool> {
        // The revision grows, so that a form opened before cannot undo this unnoticed.
        let sql = "UPDATE resource_groups SET revision = revision + 1 WHERE name = ? AND deleted = 0";
        if sqlx::query(sql).bind(name).execute(&mut *self.tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("INSERT OR IGNORE INTO resource_group_domains (resource_group, domain_id) VALUES (?, ?)")
            .bind(name)
            .bind(domain)
            .execute(&mut *self.tx)
            .await?;
        Ok(true)
    }

    /// The uses of a group, besides its agents.
    pub async fn group_uses(&mut self, name: &str) -> Result<GroupUses> {
        let sessions = sqlx::query_scalar("SELECT count(*) FROM sessions WHERE finished = 0 AND resource_group = ?")
            .bind(name)
            .fetch_one(&mut *self.tx)
            .await?;
        let presets = sqlx::query_scalar("SELECT name FROM presets WHERE resource_group = ? ORDER BY name")
            .bind(name)
            .fetch_all(&mut *self.tx)
            .await?;
        Ok(GroupUses { sessions, presets })
    }

    /// Deletes a group. Agents that were in it and are gone will be in `move_to` if they come back.
    pub async fn delete_resource_group(&mut self, name: &str, move_to: &str) -> Result<()> {
        self.take_group_away(name).await?;
        sqlx::query("UPDATE agents SET resource_group = ? WHERE resource_group = ?")
            .bind(move_to)
            .bind(name)
            .execute(&mut *self.tx)
            .await?;
        let sql = "UPDATE resource_groups SET deleted = 1, active = 0, revision = revision + 1 WHERE name = ?";
        sqlx::query(sql).bind(name).execute(&mut *self.tx).await?;
        Ok(())
    }

    async fn take_group_away(&mut self, name: &str) -> Result<()> {
        for sql in [
            "DELETE FROM resource_group_domains WHERE resource_group = ?",
            "DELETE FROM resource_group_projects WHERE resource_group = ?",
        ] {
            sqlx::query(sql).bind(name).execute(&mut *self.tx).await?;
        }
        Ok(())
    }
}
