//! Domains and projects as forms offer them.

use crate::{Result, Scope, Store};
use types::id::{DomainId, ProjectId, UserId};
use types::projects::{DomainChoice, ProjectChoice};

impl Store {
    /// Every domain (or only one) with its active projects, by name.
    pub async fn domain_choices(&self, only: Option<DomainId>) -> Result<Vec<DomainChoice>> {
        let rows: Vec<(DomainId, String, bool, Option<ProjectId>, Option<String>)> = sqlx::query_as(
            "SELECT d.id, d.name, d.active, p.id, p.name FROM domains d LEFT JOIN projects p ON p.domain_id = d.id AND p.active = 1 \
             WHERE ?1 IS NULL OR d.id = ?1 ORDER BY d.name_key, p.name_key",
        )
        .bind(only)
        .fetch_all(&self.read)
        .await?;
        let mut domains: Vec<DomainChoice> = Vec::new();
        for (id, name, active, project_id, project) in rows {
            if domains.last().is_none_or(|d| d.id != id) {
                domains.push(DomainChoice { id, name, active, projects: Vec::new() });
            }
            if let (Some(domain), Some(id), Some(name)) = (domains.last_mut(), project_id, project) {
                domain.projects.push(ProjectChoice { id, name });
            }
        }
        Ok(domains)
    }

    /// Every active project of active domains in scope, by name; at most 500.
    pub async fn project_choices(&self, scope: Scope) -> Result<Vec<ProjectChoice>> {
        let only = match scope {
            Scope::Domain(id) => Some(id),
            Scope::Everything => None,
            Scope::Projects(user) | Scope::Own(user) => return self.projects_of(user).await,
        };
        let rows: Vec<(ProjectId, String)> = sqlx::query_as(
            "SELECT p.id, p.name FROM projects p JOIN domains d ON d.id = p.domain_id AND d.active = 1 \
             WHERE p.active = 1 AND (?1 IS NULL OR p.domain_id = ?1) ORDER BY p.name_key LIMIT 500",
        )
        .bind(only)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(id, name)| ProjectChoice { id, name }).collect())
    }

    /// The active projects of active domains that a person belongs to, by name.
    pub async fn projects_of(&self, user: UserId) -> Result<Vec<ProjectChoice>> {
        let rows: Vec<(ProjectId, String)> = sqlx::query_as(
            "SELECT p.id, p.name FROM project_members m JOIN projects p ON p.id = m.project_id AND p.active = 1 \
             JOIN domains d ON d.id = p.domain_id AND d.active = 1 WHERE m.user_id = ? ORDER BY p.name_key",
        )
        .bind(user)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(id, name)| ProjectChoice { id, name }).collect())
    }
}
