//! Domains and projects.

use crate::call::Call;
use leptos::prelude::*;
use types::Problem;
use types::id::{DomainId, ProjectId};
use types::list::{ListQuery, Page};
use types::projects::{DomainRow, EditDomain, EditProject, ProjectDetail, ProjectRow};

#[server(prefix = "/call", endpoint = "domains", protocol = Call)]
pub async fn domains(query: ListQuery) -> Result<Page<DomainRow>, Problem> {
    super::run(|control, caller| async move { control.domains(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "create_domain", protocol = Call)]
pub async fn create_domain(domain: EditDomain) -> Result<DomainId, Problem> {
    super::run(|control, caller| async move { control.create_domain(&caller, &domain).await }).await
}

#[server(name = EditDomainCall, prefix = "/call", endpoint = "edit_domain", protocol = Call)]
pub async fn edit_domain(id: DomainId, edit: EditDomain, was: Option<EditDomain>) -> Result<(), Problem> {
    super::run(|control, caller| async move { control.edit_domain_since(&caller, id, &edit, was.as_ref()).await }).await
}

#[server(prefix = "/call", endpoint = "projects", protocol = Call)]
pub async fn projects(query: ListQuery) -> Result<Page<ProjectRow>, Problem> {
    super::run(|control, caller| async move { control.projects(&caller, &query).await }).await
}

#[server(prefix = "/call", endpoint = "project", protocol = Call)]
pub async fn project(id: ProjectId) -> Result<ProjectDetail, Problem> {
    super::run(|control, caller| async move { control.project(&caller, id).await }).await
}

#[server(prefix = "/call", endpoint = "create_project", protocol = Call)]
pub async fn create_project(project: EditProject) -> Result<ProjectId, Problem> {
    super::run(|control, caller| async move { control.create_project(&caller, &project).await }).await
}

#[server(name = EditProjectCall, prefix = "/call", endpoint = "edit_project", protocol = Call)]
pub async fn edit_project(id: ProjectId, edit: EditProject, was: Option<EditProject>) -> Result<(), Problem> {
    super::run(|control, caller| async move { control.edit_project_since(&caller, id, &edit, was.as_ref()).await }).await
}

#[server(prefix = "/call", endpoint = "project_policy_names", protocol = Call)]
pub async fn project_policy_names() -> Result<Vec<String>, Problem> {
    super::run(|control, caller| async move { control.policy_names(&caller, types::limits::policies::PolicyKind::Project).await })
        .await
}
