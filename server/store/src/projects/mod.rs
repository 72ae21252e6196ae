//! Domains and projects: listing, reading and changing them.

mod choices;

use crate::list::{Bind, Column, Fixed, Source, all_rows, one_row, page_of_rows};
use crate::{Change, Result, Scope, Store, fold, read_json, read_word, to_json};
use futures::Stream;
use sqlx::FromRow;
use types::id::{DomainId, ProjectId, UserId};
use types::list::{ListQuery, Page};
use types::projects::{
    DOMAINS, DomainRow, EditDomain, EditProject, MOST_SHOWN, Member, PROJECTS, ProjectDetail, ProjectKind, ProjectRow,
};
use types::quantity::Slots;
use types::time::Millis;

pub(crate) static PROJECT_SOURCE: Source = Source {
    table: "projects p",
    number: "p.rowid",
    joins: "LEFT JOIN domains d ON d.id = p.domain_id",
    led: &[],
    tab: "",
    indexed: "",
    columns: &[
        ("name", Column::folded("p.name_key")),
        ("domain", Column::folded("d.name_key")),
        ("kind", Column::plain("p.kind")),
        ("policy", Column::folded("fold(p.policy)")),
        ("id", Column::plain("p.id")),
        ("created_at", Column::plain("p.created_at")),
    ],
};

pub(crate) static DOMAIN_SOURCE: Source = Source {
    table: "domains d",
    number: "d.rowid",
    joins: "",
    led: &[],
    tab: "",
    indexed: "",
    columns: &[
        ("name", Column::folded("d.name_key")),
        ("description", Column::folded("fold(d.description)")),
        ("created_at", Column::plain("d.created_at")),
    ],
};

const PROJECT: &str = "p.id, p.name, p.domain_id, d.name AS domain, p.description, p.kind, p.active, p.policy, p.hosts, p.slots, p.integration, \
    p.members, p.created_at, \
    max(p.modified_at, p.created_at) AS modified_at";

const DOMAIN: &str = "d.id, d.name, d.description, d.active, d.hosts, d.slots, d.integration, \
    (SELECT count(*) FROM projects p WHERE p.domain_id = d.id) AS projects, \
    d.people, d.created_at, \
    max(d.modified_at, d.created_at) AS modified_at";

#[derive(FromRow)]
struct ProjectDbRow {
    id: ProjectId,
    name: String,
    domain_id: DomainId,
    domain: String,
    description: String,
    kind: String,
    active: bool,
    policy: String,
    hosts: String,
    slots: String,
    integration: String,
    members: u32,
    created_at: Millis,
    modified_at: Millis,
}

impl ProjectDbRow {
    fn read(self) -> Result<ProjectRow> {
        Ok(ProjectRow {
            id: self.id,
            name: self.name,
            domain_id: self.domain_id,
            domain: self.domain,
            description: self.description,
            kind: read_word("project type", self.kind, ProjectKind::from_key)?,
            active: self.active,
            policy: self.policy,
            hosts: read_json("hosts", &self.hosts)?,
            limit: read_json("limits", &self.slots)?,
            integration: self.integration,
            members: self.members,
            created_at: self.created_at,
            modified_at: self.modified_at,
        })
    }
}

#[derive(FromRow)]
struct DomainDbRow {
    id: DomainId,
    name: String,
    description: String,
    active: bool,
    hosts: String,
    slots: String,
    integration: String,
    projects: u32,
    people: u32,
    created_at: Millis,
    modified_at: Millis,
}

impl DomainDbRow {
    fn read(self) -> Result<DomainRow> {
        Ok(DomainRow {
            id: self.id,
            name: self.name,
            description: self.description,
            active: self.active,
            hosts: read_json("hosts", &self.hosts)?,
            limit: read_json("limits", &self.slots)?,
            integration: self.integration,
            projects: self.projects,
            people: self.people,
            created_at: self.created_at,
            modified_at: self.modified_at,
        })
    }
}

fn project_scope_condition(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Everything => None,
        Scope::Domain(id) => Some(("p.domain_id = ?", Bind::Id(id.0))),
        Scope::Projects(id) => Some((
            "EXISTS (SELECT 1 FROM project_members a WHERE a.user_id = ? AND a.project_id = p.id AND a.admin = 1 AND p.active = 1)",
            Bind::Id(id.0),
        )),
        Scope::Own(id) => {
            Some(("EXISTS (SELECT 1 FROM project_members a WHERE a.user_id = ? AND a.project_id = p.id)", Bind::Id(id.0)))
        }
    }
}

fn domain_scope_condition(scope: Scope) -> Option<Fixed> {
    match scope {
        Scope::Everything => None,
        Scope::Domain(id) => Some(("d.id = ?", Bind::Id(id.0))),
        Scope::Projects(id) | Scope::Own(id) => Some(("d.id = (SELECT u.domain_id FROM users u WHERE u.id = ?)", Bind::Id(id.0))),
    }
}

fn fixed_conditions(condition: &'static str, query: &ListQuery, scope: Option<Fixed>) -> Vec<Fixed> {
    let active = query.tab().map(|tab| (condition, Bind::Int(i64::from(tab != "inactive"))));
    active.into_iter().chain(scope).collect()
}

impl Store {
    /// A page of projects.
    pub async fn projects(&self, query: &ListQuery, scope: Scope) -> Result<Page<ProjectRow>> {
        let fixed = fixed_conditions("p.active = ?", query, project_scope_condition(scope));
        page_of_rows(self, (&PROJECT_SOURCE, &PROJECTS), PROJECT, query, fixed, ProjectDbRow::read).await
    }

    /// Every project that the filter selects, one after the other.
    pub fn all_projects(&self, query: ListQuery, scope: Scope) -> impl Stream<Item = Result<ProjectRow>> + Send + use<> {
        let fixed = fixed_conditions("p.active = ?", &query, project_scope_condition(scope));
        all_rows(self, (&PROJECT_SOURCE, &PROJECTS), PROJECT, query, fixed, ProjectDbRow::read)
    }

    /// A page of domains.
    pub async fn domains(&self, query: &ListQuery, scope: Scope) -> Result<Page<DomainRow>> {
        let fixed = fixed_conditions("d.active = ?", query, domain_scope_condition(scope));
        page_of_rows(self, (&DOMAIN_SOURCE, &DOMAINS), DOMAIN, query, fixed, DomainDbRow::read).await
    }

    /// Every domain that the filter selects, one after the other.
    pub fn all_domains(&self, query: ListQuery, scope: Scope) -> impl Stream<Item = Result<DomainRow>> + Send + use<> {
        let fixed = fixed_conditions("d.active = ?", &query, domain_scope_condition(scope));
        all_rows(self, (&DOMAIN_SOURCE, &DOMAINS), DOMAIN, query, fixed, DomainDbRow::read)
    }

    /// The projects and domains that limit the slots that their sessions hold together, as (id, name, limit).
    pub async fn shares(&self) -> Result<(Vec<(ProjectId, String, Slots)>, Vec<(DomainId, String, Slots)>)> {
        let projects: Vec<(ProjectId, String, String)> =
            sqlx::query_as("SELECT id, name, slots FROM projects WHERE slots <> '{}'").fetch_all(&self.read).await?;
        let domains: Vec<(DomainId, String, String)> =
            sqlx::query_as("SELECT id, name, slots FROM domains WHERE slots <> '{}'").fetch_all(&self.read).await?;
        let projects = projects.into_iter().map(|(id, name, slots)| Ok((id, name, read_json("project's limits", &slots)?)));
        let domains = domains.into_iter().map(|(id, name, slots)| Ok((id, name, read_json("domain's limits", &slots)?)));
        Ok((projects.collect::<Result<_>>()?, domains.collect::<Result<_>>()?))
    }

    /// One project with its members, if it is in scope.
    pub async fn project(&self, id: ProjectId, scope: Scope) -> Result<Option<ProjectDetail>> {
        let fixed = [("p.id = ?", Bind::Id(id.0))].into_iter().chain(project_scope_condition(scope));
        let Some(row) = one_row(&self.read, &PROJECT_SOURCE, PROJECT, fixed, ProjectDbRow::read).await? else { return Ok(None) };
        let members: Vec<(UserId, String, String, bool)> = sqlx::query_as(
            "SELECT u.id, u.email, u.full_name, m.admin FROM project_members m JOIN users u ON u.id = m.user_id \
             WHERE m.project_id = ? ORDER BY m.admin DESC, u.email_key LIMIT ?",
        )
        .bind(id)
        .bind(MOST_SHOWN)
        .fetch_all(&self.read)
        .await?;
        let member = |(user, email, full_name, admin)| Member { user, email, full_name, admin };
        Ok(Some(ProjectDetail { row, members: members.into_iter().map(member).collect() }))
    }

    /// One domain, if it is in scope.
    pub async fn domain(&self, id: DomainId, scope: Scope) -> Result<Option<DomainRow>> {
        let fixed = [("d.id = ?", Bind::Id(id.0))].into_iter().chain(domain_scope_condition(scope));
        one_row(&self.read, &DOMAIN_SOURCE, DOMAIN, fixed, DomainDbRow::read).await
    }
}

impl Change {
    /// One domain as the list shows it, as this change sees it.
    pub async fn domain_row(&mut self, id: DomainId) -> Result<Option<DomainRow>> {
        one_row(&mut *self.tx, &DOMAIN_SOURCE, DOMAIN, [("d.id = ?", Bind::Id(id.0))], DomainDbRow::read).await
    }

    /// One project as the list shows it, as this change sees it.
    pub async fn project_row(&mut self, id: ProjectId) -> Result<Option<ProjectRow>> {
        one_row(&mut *self.tx, &PROJECT_SOURCE, PROJECT, [("p.id = ?", Bind::Id(id.0))], ProjectDbRow::read).await
    }

    /// The person with this id, email or username, and their domain.
    pub async fn user_id(&mut self, login: &str) -> Result<Option<(UserId, DomainId)>> {
        let id = uuid::Uuid::parse_str(login).ok();
        Ok(sqlx::query_as("SELECT id, domain_id FROM users WHERE id = ?1 OR email_key = ?2 OR username_key = ?2")
            .bind(id)
            .bind(fold(login))
            .fetch_optional(&mut *self.tx)
            .await?)
    }

    /// Writes a domain. A taken name is a unique violation of `domains.name_key`.
    pub async fn insert_domain(&mut self, id: DomainId, name: &str, at: Millis) -> Result<()> {
        sqlx::query("INSERT INTO domains (id, name, name_key, created_at, modified_at) VALUES (?1, ?2, ?3, ?4, ?4)")
            .bind(id)
            .bind(name)
            .bind(fold(name))
            .bind(at)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Writes the fields that `edit` sets. Returns whether there is such a domain.
    pub async fn edit_domain(&mut self, id: DomainId, edit: &EditDomain, at: Millis) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE domains SET name = coalesce(?2, name), name_key = coalesce(?3, name_key), \
             description = coalesce(?4, description), active = coalesce(?5, active), hosts = coalesce(?6, hosts), modified_at = ?7, \
             integration = coalesce(?8, integration), slots = coalesce(?9, slots) WHERE id = ?1",
        )
        .bind(id)
        .bind(&edit.name)
        .bind(edit.name.as_deref().map(fold))
        .bind(&edit.description)
        .bind(edit.active)
        .bind(edit.hosts.as_ref().map(to_json))
        .bind(at)
        .bind(&edit.integration)
        .bind(edit.limit.as_ref().map(to_json))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes a project. A taken name is a unique violation of `projects.domain_id, projects.name_key`.
    pub async fn insert_project(
        &mut self,
        id: ProjectId,
        domain: DomainId,
        name: &str,
        kind: ProjectKind,
        at: Millis,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO projects (id, domain_id, name, name_key, kind, created_at, modified_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )
        .bind(id)
        .bind(domain)
        .bind(name)
        .bind(fold(name))
        .bind(kind.key())
        .bind(at)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes the fields that `edit` sets, except the members. Returns whether there is such a project.
    pub async fn edit_project(&mut self, id: ProjectId, edit: &EditProject, at: Millis) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE projects SET name = coalesce(?2, name), name_key = coalesce(?3, name_key), \
             description = coalesce(?4, description), active = coalesce(?5, active), hosts = coalesce(?6, hosts), \
             policy = coalesce(?7, policy), modified_at = ?8, integration = coalesce(?9, integration), \
             slots = coalesce(?10, slots) WHERE id = ?1",
        )
        .bind(id)
        .bind(&edit.name)
        .bind(edit.name.as_deref().map(fold))
        .bind(&edit.description)
        .bind(edit.active)
        .bind(edit.hosts.as_ref().map(to_json))
        .bind(&edit.policy)
        .bind(at)
        .bind(&edit.integration)
        .bind(edit.limit.as_ref().map(to_json))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Adds a person to a project, or removes them.
    pub async fn set_member(&mut self, project: ProjectId, user: UserId, belongs: bool) -> Result<()> {
        let sql = if belongs {
            "INSERT OR IGNORE INTO project_members (project_id, user_id) VALUES (?, ?)"
        } else {
            "DELETE FROM project_members WHERE project_id = ? AND user_id = ?"
        };
        sqlx::query(sql).bind(project).bind(user).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Whether a person administers a project.
    pub async fn is_project_admin(&mut self, project: ProjectId, user: UserId) -> Result<bool> {
        let sql = "SELECT 1 FROM project_members WHERE user_id = ? AND project_id = ? AND admin = 1";
        let found: Option<i64> = sqlx::query_scalar(sql).bind(user).bind(project).fetch_optional(&mut *self.tx).await?;
        Ok(found.is_some())
    }

    /// Makes a member an administrator of a project, or ends that. Returns whether they are a member.
    pub async fn set_project_admin(&mut self, project: ProjectId, user: UserId, admin: bool) -> Result<bool> {
        let done = sqlx::query("UPDATE project_members SET admin = ? WHERE project_id = ? AND user_id = ?")
            .bind(admin)
            .bind(project)
            .bind(user)
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}
