//! People: the list, one person, and creating one.

use crate::people::accounts::{DEFAULT_POLICY, EMAIL_TAKEN, USERNAME_TAKEN, make_keypair, may_change};
use crate::{Caller, Control, Result, now};
use futures::{Stream, StreamExt};
use store::{Audit, Change, NewUser, Scope, Taken};
use types::id::UserId;
use types::list::{ListQuery, Page};
use types::people::keypairs::NewKeypair;
use types::people::permissions::{Me, Permission, may_grant};
use types::people::users::{CreateUser, Created, USERS, UserDetail, UserRow};
use types::projects::DomainChoice;
use types::system::events::{Audience, Topic};
use types::time::Millis;
use types::{FieldError, Problem};

impl Control {
    /// A page of people that the caller may see, with as much of each as they may see.
    pub async fn users(&self, caller: &Caller, query: &ListQuery) -> Result<Page<UserRow>> {
        let (me, scope) = people(caller, query)?;
        let page = self.store.users(query, scope).await?;
        Ok(page.map(|row| as_far_as(me, scope, row)))
    }

    /// Everyone that the filter selects, for an export.
    pub fn all_users(&self, caller: &Caller, query: ListQuery) -> Result<impl Stream<Item = Result<UserRow>> + Send + use<>> {
        let (me, scope) = people(caller, &query)?;
        let me = me.clone();
        let rows = self.store.all_users(query, scope);
        Ok(rows.map(move |row| row.map(|row| as_far_as(&me, scope, row)).map_err(Problem::from)))
    }

    /// The caller's own account.
    pub async fn myself(&self, caller: &Caller) -> Result<UserRow> {
        let (me, _) = caller.person()?;
        let found = self.store.user_row(me.id, Scope::Own(me.id)).await?;
        found.ok_or_else(|| Problem::NotFound("person".into()))
    }

    /// One person.
    pub async fn user(&self, caller: &Caller, id: UserId) -> Result<UserDetail> {
        let (me, scope) = caller.scope(Permission::ReadUsers)?;
        let found = self.store.user(id, scope).await?;
        let mut person = found.ok_or_else(|| Problem::NotFound("person".into()))?;
        if let Scope::Projects(_) = scope {
            person.projects.retain(|id| me.administers.contains(id));
            person = UserDetail {
                row: as_far_as(me, scope, person.row),
                access_keys: Vec::new(),
                keypair_policy: String::new(),
                last_sign_in: None,
                recent_sign_ins: Vec::new(),
                link_asked: None,
                ..person
            };
        }
        person.may_change =
            me.may(Permission::ChangeUsers) && may_change(me, scope == Scope::Everything, id, person.domain, person.row.role);
        Ok(person)
    }

    /// The domains and projects that a new person can be put in.
    pub async fn domains(&self, caller: &Caller) -> Result<Vec<DomainChoice>> {
        let (_, domain) = caller.need_domain(Permission::CreateUsers)?;
        Ok(self.store.domains(domain).await?)
    }

    /// The names of the user policies, for forms that choose one.
    pub async fn user_policy_names(&self, caller: &Caller) -> Result<Vec<String>> {
        caller.need(Permission::CreateUsers)?;
        Ok(self.store.user_policies().await?)
    }

    /// Creates a person with a main keypair (`docs/spec/people.md`, "A new account").
    pub async fn create_user(&self, caller: &Caller, new: &CreateUser) -> Result<Created> {
        let (me, _) = caller.need(Permission::CreateUsers)?;
        new.check()?;
        let domains = self.domains(caller).await?;
        let policies = self.user_policy_names(caller).await?;
        let errors = wrong(me, new, &domains, &policies);
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let (id, address) = (me.id, caller.address.clone());
        self.write_user(Some(id), &address, new).await
    }

    /// Writes an account that has been checked.
    pub(crate) async fn write_user(&self, actor: Option<UserId>, address: &str, new: &CreateUser) -> Result<Created> {
        let hash = self.shared.passwords.hash(&new.password).await?;
        let at = now();
        let mut change = self.store.change().await?;
        let created = self.insert_user(&mut change, (actor, address), new, &hash, at).await?;
        let audience = Audience { owner: None, domain: Some(new.domain) };
        let subject = created.id.to_string();
        change.tell(Topic::User, &subject, audience, None, at).await?;
        change.commit().await?;
        Ok(created)
    }

    /// One account with its keypair and its audit record, as part of a change.
    pub(crate) async fn insert_user(
        &self,
        change: &mut Change,
        (actor, address): (Option<UserId>, &str),
        new: &CreateUser,
        hash: &str,
        at: Millis,
    ) -> Result<Created> {
        let id = UserId(uuid::Uuid::now_v7());
        let (access_key, secret_key) = make_keypair()?;
        let secret = self.shared.vault.seal(&secret_key, &access_key)?;
        let mut projects = new.projects.clone();
        projects.sort_unstable();
        projects.dedup();
        let policy = if new.policy.is_empty() { DEFAULT_POLICY } else { &new.policy };
        let user = NewUser {
            id,
            email: &new.email,
            username: &new.username,
            full_name: &new.full_name,
            password_hash: hash,
            role: new.role,
            status: new.status,
            domain: new.domain,
            projects: &projects,
            description: &new.description,
            must_change_password: new.must_change_password,
            sudo: new.sudo,
            addresses: &new.addresses,
            policy,
            ids: &new.ids,
            access_key: &access_key,
            secret: &secret,
            keypair_policy: DEFAULT_POLICY,
            at,
        };
        if let Err(error) = change.insert_user(&user).await {
            return Err(match error.taken() {
                Some(Taken::Email) => Problem::field("email", EMAIL_TAKEN),
                Some(Taken::Username) => Problem::field("username", USERNAME_TAKEN),
                _ => error.into(),
            });
        }
        let detail = serde_json::json!({
            "email": new.email, "username": new.username, "full_name": new.full_name, "role": new.role, "status": new.status,
            "domain": new.domain, "projects": projects, "policy": policy, "description": new.description, "access_key": access_key,
        });
        let (subject, detail) = (id.to_string(), detail.to_string());
        let audit = Audit { at, actor, address, action: "create user", subject: &subject, detail: &detail };
        change.audit(&audit).await?;
        Ok(Created { id, keypair: NewKeypair { owner: new.email.clone(), access_key, secret_key } })
    }
}

/// What those who administer a project may filter their people by: what they see of them.
const FOR_PROJECT_ADMINS: [&str; 7] = ["email", "username", "full_name", "role", "status", "domain", "created_at"];

/// Whom the caller may list, with a query that asks for nothing that they may not see.
fn people<'c>(caller: &'c Caller, query: &ListQuery) -> Result<(&'c Me, Scope)> {
    let (me, scope) = caller.scope(Permission::ReadUsers)?;
    query.check(&USERS)?;
    let asked = query.conditions.iter().map(|condition| condition.key.as_str());
    let hidden = asked.chain([query.sort.as_str()]).any(|key| !FOR_PROJECT_ADMINS.contains(&key));
    if matches!(scope, Scope::Projects(_)) && (hidden || query.filter.is_some() || !query.then.is_empty()) {
        return Err(caller.refuse("filter or order people by this"));
    }
    Ok((me, scope))
}

/// A person as the caller may see them: to those who administer a project, a name among its members.
fn as_far_as(me: &Me, scope: Scope, row: UserRow) -> UserRow {
    if !matches!(scope, Scope::Projects(_)) || row.id == me.id {
        return row;
    }
    let shown = row.project_ids.iter().zip(&row.projects).filter(|(id, _)| me.administers.contains(id));
    let (project_ids, projects) = shown.map(|(id, name)| (*id, name.clone())).unzip();
    UserRow {
        project_ids,
        projects,
        main_key: None,
        status_info: String::new(),
        description: String::new(),
        policy: String::new(),
        addresses: Vec::new(),
        sudo: false,
        must_change_password: false,
        two_factor: false,
        ids: Default::default(),
        ..row
    }
}

/// What only the caller's role, the domains and the policies that there are can tell about a new account.
pub(crate) fn wrong(me: &Me, new: &CreateUser, domains: &[DomainChoice], policies: &[String]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !may_grant(me.role).contains(&new.role) {
        errors.push(FieldError::new("role", format!("You may not create a {}.", new.role.label().to_lowercase())));
    }
    match domains.iter().find(|domain| domain.id == new.domain) {
        None => errors.push(FieldError::new("domain", "Choose one of the domains that you administer.")),
        Some(domain) if !new.projects.iter().all(|id| domain.projects.iter().any(|p| p.id == *id)) => {
            errors.push(FieldError::new("projects", format!("Choose projects of the domain {}.", domain.name)));
        }
        Some(_) => {}
    }
    if !new.policy.is_empty() && !policies.contains(&new.policy) {
        errors.push(FieldError::new("policy", "There is no user resource policy of this name."));
    }
    errors
}
