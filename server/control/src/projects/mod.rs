//! Domains and projects: listing, creating, changing, and who belongs to a project (`docs/spec/projects.md`).

use crate::cluster::agents::FIRST_GROUP;
use crate::{Caller, Control, Result, now};
use futures::{Stream, StreamExt};
use store::{Audit, Change, Scope, StoreError, Taken};
use types::id::{DomainId, ProjectId};
use types::list::{ListQuery, Page};
use types::people::permissions::Permission;
use types::projects::{DOMAINS, DomainRow, EditDomain, EditProject, PROJECTS, ProjectDetail, ProjectKind, ProjectRow};
use types::system::events::{Audience, Topic};
use types::time::Millis;
use types::{FieldError, Problem};

/// The project that every new domain has from the start: its folders are the model store's cards.
const MODEL_STORE: &str = "model-store";

/// A name that is taken is the field's error; anything else is ours.
#[track_caller]
fn name_taken(error: StoreError) -> Problem {
    match error.taken() {
        Some(Taken::DomainName) => Problem::field("name", "A domain of this name exists already. Use another one."),
        Some(Taken::ProjectName) => Problem::field("name", "The domain has a project of this name already. Use another one."),
        _ => error.into(),
    }
}

impl Control {
    /// A page of domains.
    pub async fn domain_rows(&self, caller: &Caller, query: &ListQuery) -> Result<Page<DomainRow>> {
        let (_, scope) = caller.scope(Permission::ReadDomains)?;
        query.check(&DOMAINS)?;
        Ok(self.store.domain_rows(query, scope).await?)
    }

    /// A page of projects.
    pub async fn projects(&self, caller: &Caller, query: &ListQuery) -> Result<Page<ProjectRow>> {
        let (_, scope) = caller.scope(Permission::ReadProjects)?;
        query.check(&PROJECTS)?;
        Ok(self.store.projects(query, scope).await?)
    }

    /// Every project that the filter selects, for an export.
    pub fn all_projects(
        &self,
        caller: &Caller,
        query: ListQuery,
    ) -> Result<impl Stream<Item = Result<ProjectRow>> + Send + use<>> {
        let (_, scope) = caller.scope(Permission::ReadProjects)?;
        query.check(&PROJECTS)?;
        Ok(self.store.all_projects(query, scope).map(|row| row.map_err(Problem::from)))
    }

    /// Every domain that the filter selects, for an export.
    pub fn all_domains(&self, caller: &Caller, query: ListQuery) -> Result<impl Stream<Item = Result<DomainRow>> + Send + use<>> {
        let (_, scope) = caller.scope(Permission::ReadDomains)?;
        query.check(&DOMAINS)?;
        Ok(self.store.all_domains(query, scope).map(|row| row.map_err(Problem::from)))
    }

    /// One project with its members.
    pub async fn project(&self, caller: &Caller, id: ProjectId) -> Result<ProjectDetail> {
        let (_, scope) = caller.scope(Permission::ReadProjects)?;
        let found = self.store.project(id, scope).await?;
        found.ok_or_else(|| Problem::NotFound("project".into()))
    }

    /// Creates a domain, with its model store.
    pub async fn create_domain(&self, caller: &Caller, new: &EditDomain) -> Result<DomainId> {
        caller.need(Permission::ChangeDomains)?;
        new.check()?;
        let name = new.name.as_deref().filter(|name| !name.is_empty());
        let Some(name) = name else { return Err(Problem::field("name", "Type a name.")) };
        let (id, at) = (DomainId(uuid::Uuid::now_v7()), now());
        let mut change = self.store.change().await?;
        change.insert_domain(id, name, at).await.map_err(name_taken)?;
        change.edit_domain(id, new, at).await.map_err(name_taken)?;
        let store = ProjectId(uuid::Uuid::now_v7());
        change.insert_project(store, id, MODEL_STORE, ProjectKind::ModelStore, at).await?;
        // So that the people of the domain can start sessions.
        if change.give_group(FIRST_GROUP, id).await? {
            let everybody = Audience { owner: None, domain: None };
            change.tell(Topic::Group, FIRST_GROUP, everybody, None, at).await?;
        }
        self.note(&mut change, caller, "create domain", &id.to_string(), &serde_json::json!(new), id, at).await?;
        change.commit().await?;
        Ok(id)
    }

    /// Changes a domain.
    pub async fn edit_domain(&self, caller: &Caller, id: DomainId, edit: &EditDomain) -> Result<()> {
        let (me, _) = caller.need(Permission::ChangeDomains)?;
        edit.check()?;
        if edit.active == Some(false) && me.domain == id {
            return Err(Problem::Conflict("You belong to this domain yourself; deactivating it would shut you out.".into()));
        }
        let before = self.store.domain(id, Scope::Everything).await?;
        let Some(before) = before else { return Err(Problem::NotFound("domain".into())) };
        let at = now();
        let mut change = self.store.change().await?;
        change.edit_domain(id, edit, at).await.map_err(name_taken)?;
        let detail = serde_json::json!({ "before": before, "change": edit });
        self.note(&mut change, caller, "edit domain", &id.to_string(), &detail, id, at).await?;
        change.commit().await?;
        // Another limit may let somebody's waiting session start.
        self.shared.work.notify_one();
        Ok(())
    }

    /// Creates a project.
    pub async fn create_project(&self, caller: &Caller, new: &EditProject) -> Result<ProjectId> {
        let (me, scope) = caller.scope(Permission::ChangeProjects)?;
        new.check()?;
        let name = new.name.as_deref().filter(|name| !name.trim().is_empty());
        let Some(name) = name else { return Err(Problem::field("name", "Type a name.")) };
        let domain = new.domain.unwrap_or(me.domain);
        let known = self.store.domain(domain, scope).await?;
        if known.is_none() {
            return Err(Problem::field("domain", "Choose one of the domains that you administer."));
        }
        let (id, at) = (ProjectId(uuid::Uuid::now_v7()), now());
        let mut change = self.store.change().await?;
        let kind = new.kind.unwrap_or(ProjectKind::General);
        change.insert_project(id, domain, name, kind, at).await.map_err(name_taken)?;
        self.write_project(&mut change, id, (domain, true), new, at).await?;
        self.note(&mut change, caller, "create project", &id.to_string(), &serde_json::json!(new), domain, at).await?;
        change.commit().await?;
        Ok(id)
    }

    /// Changes a project and who belongs to it. Who belongs to it can also be said by those who administer it; who does that
    /// cannot.
    pub async fn edit_project(&self, caller: &Caller, id: ProjectId, edit: &EditProject) -> Result<()> {
        let needed = if edit.only_members() { Permission::ChangeMembers } else { Permission::ChangeProjects };
        let (me, scope) = caller.scope(needed)?;
        edit.check()?;
        let before = self.store.project(id, scope).await?;
        let Some(before) = before else { return Err(Problem::NotFound("project".into())) };
        if edit.domain.is_some_and(|domain| domain != before.row.domain_id) {
            return Err(Problem::field("domain", "A project stays in its domain. Create another one there."));
        }
        let at = now();
        let mut change = self.store.change().await?;
        let over_admins = me.may(Permission::ChangeProjects);
        self.write_project(&mut change, id, (before.row.domain_id, over_admins), edit, at).await?;
        let detail = serde_json::json!({ "before": before.row, "change": edit });
        self.note(&mut change, caller, "edit project", &id.to_string(), &detail, before.row.domain_id, at).await?;
        change.commit().await?;
        self.shared.work.notify_one();
        // What is open asks again what it may show.
        self.shared.sign_ins_ended.send_replace(());
        Ok(())
    }

    /// The names of the project policies, for forms that choose one.
    pub async fn project_policy_names(&self, caller: &Caller) -> Result<Vec<String>> {
        caller.need(Permission::ChangeProjects)?;
        Ok(self.store.project_policies().await?)
    }

    async fn write_project(
        &self,
        change: &mut Change,
        id: ProjectId,
        (domain, over_admins): (DomainId, bool),
        edit: &EditProject,
        at: Millis,
    ) -> Result<()> {
        if let Some(policy) = &edit.policy
            && !change.has_project_policy(policy).await?
        {
            return Err(Problem::field("policy", "There is no project resource policy of this name."));
        }
        change.edit_project(id, edit, at).await.map_err(name_taken)?;
        // What happens to each, as (belongs to it, administers it).
        let all = [
            (&edit.add, Some(true), None),
            (&edit.remove, Some(false), None),
            (&edit.appoint, Some(true), Some(true)),
            (&edit.dismiss, None, Some(false)),
        ];
        let mut errors = Vec::new();
        for (logins, belongs, admin) in all {
            let mut unknown = Vec::new();
            for login in logins {
                match change.user_id(login.trim()).await? {
                    Some((user, of)) if of == domain => {
                        if belongs == Some(false) && !over_admins && change.is_project_admin(id, user).await? {
                            return Err(Problem::Conflict(format!(
                                "{login} administers this project. An administrator of the domain can dismiss them."
                            )));
                        }
                        if let Some(belongs) = belongs {
                            change.set_member(id, user, belongs).await?;
                        }
                        if let Some(admin) = admin {
                            change.set_project_admin(id, user, admin).await?;
                        }
                    }
                    _ => unknown.push(login.as_str()),
                }
            }
            if !unknown.is_empty() {
                let unknown = unknown.join(", ");
                errors
                    .push(FieldError::new("add", format!("Nobody of this domain is called {unknown}. Use emails or usernames.")));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }

    #[expect(clippy::too_many_arguments, reason = "one record, one event; a struct for one call would hide it")]
    async fn note(
        &self,
        change: &mut Change,
        caller: &Caller,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
        domain: DomainId,
        at: Millis,
    ) -> Result<()> {
        let (me, _) = caller.person()?;
        let detail = detail.to_string();
        let audit = Audit { at, actor: Some(me.id), address: &caller.address, action, subject, detail: &detail };
        change.audit(&audit).await?;
        let audience = Audience { owner: None, domain: Some(domain) };
        Ok(change.tell(Topic::Project, subject, audience, None, at).await?)
    }
}
