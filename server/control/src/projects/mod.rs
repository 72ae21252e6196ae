//! Domains and projects: listing, creating and changing them, and the members of a project (`docs/spec/projects.md`).

use crate::change::Change;
use crate::cluster::agents::FIRST_GROUP;
use crate::lookalikes::check_scripts;
use crate::people::accounts::domain_not_open;
use crate::revision::up_to_date;
use crate::{Caller, Control, Result};
use futures::{Stream, StreamExt};
use serde_json::json;
use store::{StoreError, Taken};
use types::id::{DomainId, ProjectId};
use types::limits::policies::PolicyKind;
use types::list::{ListQuery, Page};
use types::people::permissions::Permission;
use types::projects::{DOMAINS, DomainRow, EditDomain, EditProject, PROJECTS, ProjectDetail, ProjectKind, ProjectRow};
use types::system::events::{Audience, Topic};
use types::{FieldError, Problem};

/// The project that every new domain starts with; the model store shows each of its folders as a card.
const MODEL_STORE: &str = "model-store";

/// Turns a taken name into an error of the field `name`; any other error is internal.
#[track_caller]
fn name_taken(error: StoreError) -> Problem {
    match error.taken() {
        Some(Taken::DomainName) => Problem::field("name", "A domain with this name already exists. Use another one."),
        Some(Taken::ProjectName) => Problem::field("name", "The domain already has a project with this name. Use another one."),
        _ => error.into(),
    }
}

impl Control {
    /// A page of domains.
    pub async fn domains(&self, caller: &Caller, query: &ListQuery) -> Result<Page<DomainRow>> {
        let (_, scope) = caller.scope(Permission::ReadDomains)?;
        query.check(&DOMAINS)?;
        Ok(self.store.domains(query, scope).await?)
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
        check_name(new.name.as_deref())?;
        let name = new.name.as_deref().filter(|name| !name.is_empty());
        let Some(name) = name else { return Err(Problem::field("name", "Type a name.")) };
        let id = DomainId(uuid::Uuid::now_v7());
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        change.insert_domain(id, name, at).await.map_err(name_taken)?;
        change.edit_domain(id, new, at).await.map_err(name_taken)?;
        let store = ProjectId(uuid::Uuid::now_v7());
        change.insert_project(store, id, MODEL_STORE, ProjectKind::ModelStore, at).await?;
        // So that the people in the domain can start sessions.
        if change.give_group(FIRST_GROUP, id).await? {
            change.tell(Topic::Group, FIRST_GROUP, Audience::ADMINISTRATORS).await?;
        }
        let after = change.domain_row(id).await?;
        change.record("create domain", id, json!({ "after": after })).await?;
        change.tell(Topic::Project, id, Audience::domain(id)).await?;
        change.commit().await?;
        Ok(id)
    }

    /// Changes a domain, whatever somebody else has changed meanwhile.
    pub async fn edit_domain(&self, caller: &Caller, id: DomainId, edit: &EditDomain) -> Result<()> {
        self.edit_domain_since(caller, id, edit, None).await
    }

    /// Changes a domain. `was` has the values that the edit is based on, which are compared with those of now.
    ///
    /// # Errors
    /// `Stale` with the fields that somebody else has changed since.
    pub async fn edit_domain_since(
        &self,
        caller: &Caller,
        id: DomainId,
        edit: &EditDomain,
        was: Option<&EditDomain>,
    ) -> Result<()> {
        let (me, _) = caller.need(Permission::ChangeDomains)?;
        edit.check()?;
        check_name(edit.name.as_deref())?;
        if edit.active == Some(false) && me.domain == id {
            return Err(Problem::Conflict("You belong to this domain yourself. Deactivating it would lock you out.".into()));
        }
        let mut change = self.change_by(caller).await?;
        let before = change.domain_row(id).await?.ok_or_else(|| Problem::NotFound("domain".into()))?;
        let edit = &up_to_date(edit, was, || EditDomain::as_it_is(&before))?;
        let at = change.at;
        change.edit_domain(id, edit, at).await.map_err(name_taken)?;
        let after = change.domain_row(id).await?;
        change.record("edit domain", id, json!({ "before": before, "after": after })).await?;
        change.tell(Topic::Project, id, Audience::domain(id)).await?;
        change.commit().await?;
        // A waiting session may start now, or may not any more.
        self.shared.work.notify_one();
        Ok(())
    }

    /// Creates a project.
    pub async fn create_project(&self, caller: &Caller, new: &EditProject) -> Result<ProjectId> {
        let (me, scope) = caller.scope(Permission::ChangeProjects)?;
        new.check()?;
        check_name(new.name.as_deref())?;
        let name = new.name.as_deref().filter(|name| !name.trim().is_empty());
        let Some(name) = name else { return Err(Problem::field("name", "Type a name.")) };
        let domain = new.domain.unwrap_or(me.domain);
        let known = self.store.domain(domain, scope).await?;
        match known {
            None => return Err(Problem::field("domain", "Choose one of the domains that you administer.")),
            Some(domain) if !domain.active => return Err(Problem::field("domain", domain_not_open(&domain.name))),
            Some(_) => {}
        }
        let id = ProjectId(uuid::Uuid::now_v7());
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        let kind = new.kind.unwrap_or(ProjectKind::General);
        change.insert_project(id, domain, name, kind, at).await.map_err(name_taken)?;
        self.write_project(&mut change, id, (domain, true), new).await?;
        let after = change.project_row(id).await?;
        change.record("create project", id, json!({ "members": members(new), "after": after })).await?;
        change.tell(Topic::Project, id, Audience::domain(domain)).await?;
        change.commit().await?;
        Ok(id)
    }

    /// Changes a project and its members, whatever somebody else has changed meanwhile. Project administrators may change the
    /// members, but not who the administrators are.
    pub async fn edit_project(&self, caller: &Caller, id: ProjectId, edit: &EditProject) -> Result<()> {
        self.edit_project_since(caller, id, edit, None).await
    }

    /// Changes a project and its members. `was` has the values that the edit is based on, which are compared with those of now.
    ///
    /// # Errors
    /// `Stale` with the fields that somebody else has changed since.
    pub async fn edit_project_since(
        &self,
        caller: &Caller,
        id: ProjectId,
        edit: &EditProject,
        was: Option<&EditProject>,
    ) -> Result<()> {
        let needed = if edit.only_members() { Permission::ChangeMembers } else { Permission::ChangeProjects };
        let (me, scope) = caller.scope(needed)?;
        edit.check()?;
        check_name(edit.name.as_deref())?;
        let before = self.store.project(id, scope).await?;
        let Some(before) = before else { return Err(Problem::NotFound("project".into())) };
        if edit.domain.is_some_and(|domain| domain != before.row.domain_id) {
            return Err(Problem::field("domain", "A project cannot move to another domain. Create a new one there."));
        }
        let mut change = self.change_by(caller).await?;
        // Read again inside the change: from here on nobody else can write.
        let before = change.project_row(id).await?.ok_or_else(|| Problem::NotFound("project".into()))?;
        let edit = &up_to_date(edit, was, || EditProject::as_it_is(&before))?;
        let over_admins = me.may(Permission::ChangeProjects);
        let written = self.write_project(&mut change, id, (before.domain_id, over_admins), edit).await;
        if !over_admins && matches!(written, Err(Problem::Invalid(_))) {
            // Trying out names would tell them who has an account, so the trail keeps it.
            caller.note_refusal("add people who are not in the domain".into());
        }
        written?;
        let after = change.project_row(id).await?;
        let domain = before.domain_id;
        change.record("edit project", id, json!({ "before": before, "members": members(edit), "after": after })).await?;
        change.tell(Topic::Project, id, Audience::domain(domain)).await?;
        change.commit().await?;
        self.shared.work.notify_one();
        Ok(())
    }

    async fn write_project(
        &self,
        change: &mut Change,
        id: ProjectId,
        (domain, over_admins): (DomainId, bool),
        edit: &EditProject,
    ) -> Result<()> {
        if let Some(policy) = &edit.policy
            && !change.has_policy(PolicyKind::Project, policy).await?
        {
            return Err(Problem::field("policy", "There is no project resource policy with this name."));
        }
        let at = change.at;
        change.edit_project(id, edit, at).await.map_err(name_taken)?;
        // Each list with (becomes a member, becomes an administrator); `None` leaves it as it is.
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
                                "{login} administers this project. Ask a domain administrator to remove them."
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
                errors.push(FieldError::new("add", format!("Not found in this domain: {unknown}. Use emails or usernames.")));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }
}

fn check_name(name: Option<&str>) -> Result<()> {
    let mut errors = Vec::new();
    check_scripts("name", name.unwrap_or_default(), &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}

/// The people who were added, removed, appointed and dismissed, for the audit trail.
fn members(edit: &EditProject) -> serde_json::Value {
    json!({ "added": edit.add, "removed": edit.remove, "appointed": edit.appoint, "dismissed": edit.dismiss })
}
