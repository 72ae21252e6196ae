//! People: the list, one person, and creating a person.

use crate::change::Change;
use crate::lookalikes::check_scripts;
use crate::people::accounts::{DEFAULT_POLICY, EMAIL_TAKEN, USERNAME_TAKEN, domain_not_open, make_keypair, may_change};
use crate::{Caller, Control, Result};
use futures::{Stream, StreamExt};
use serde_json::json;
use store::{NewUser, Scope, Taken};
use types::id::UserId;
use types::limits::policies::PolicyKind;
use types::list::{ListQuery, Page};
use types::people::keypairs::NewKeypair;
use types::people::permissions::{Me, Permission, may_grant};
use types::people::users::{CreateUser, Created, USERS, UnixIds, UserDetail, UserRow};
use types::projects::DomainChoice;
use types::system::events::{Audience, Topic};
use types::{FieldError, Problem};

impl Control {
    /// A page of the people that the caller may see, with those fields that they may see.
    pub async fn users(&self, caller: &Caller, query: &ListQuery) -> Result<Page<UserRow>> {
        let (me, scope) = people_scope(caller, query)?;
        let page = self.store.users(query, scope).await?;
        Ok(page.map(|row| visible_row(me, scope, row)))
    }

    /// Everyone that the filter selects, for an export.
    pub fn all_users(&self, caller: &Caller, query: ListQuery) -> Result<impl Stream<Item = Result<UserRow>> + Send + use<>> {
        let (me, scope) = people_scope(caller, &query)?;
        let me = me.clone();
        let rows = self.store.all_users(query, scope);
        Ok(rows.map(move |row| row.map(|row| visible_row(&me, scope, row)).map_err(Problem::from)))
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
        let person = found.ok_or_else(|| Problem::NotFound("person".into()))?;
        let mut person = visible_detail(me, scope, person);
        person.may_change =
            me.may(Permission::ChangeUsers) && may_change(me, scope == Scope::Everything, id, person.domain, person.row.role);
        Ok(person)
    }

    /// The domains and projects to which a new person can be added.
    pub async fn domain_choices(&self, caller: &Caller) -> Result<Vec<DomainChoice>> {
        let (_, domain) = caller.need_domain(Permission::CreateUsers)?;
        Ok(self.store.domain_choices(domain).await?)
    }

    /// Creates a person with a main keypair (`docs/spec/people.md`, "A new account").
    pub async fn create_user(&self, caller: &Caller, new: &CreateUser) -> Result<Created> {
        let (me, _) = caller.need(Permission::CreateUsers)?;
        new.check()?;
        let domains = self.domain_choices(caller).await?;
        let policies = self.policies_for_people(caller).await?;
        let errors = new_user_errors(me, new, &domains, &policies);
        if !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        self.write_user(Some(me.id), &caller.address, new).await
    }

    /// The policies that the caller may give to people and to their keypairs.
    pub(crate) async fn policies_for_people(&self, caller: &Caller) -> Result<Policies> {
        let user = self.policy_names(caller, PolicyKind::User).await?;
        let may_limit = caller.need(Permission::CreateUsers)?.0.may(Permission::LimitKeypairs);
        let keypair =
            if may_limit { self.policy_names(caller, PolicyKind::Keypair).await? } else { vec![DEFAULT_POLICY.to_owned()] };
        Ok(Policies { user, keypair })
    }

    /// Creates an account that has been checked.
    pub(crate) async fn write_user(&self, actor: Option<UserId>, address: &str, new: &CreateUser) -> Result<Created> {
        let hash = self.shared.passwords.hash(&new.password).await?;
        let mut change = self.change_from(address).await?.made_by(actor);
        let created = self.insert_user(&mut change, new, &hash).await?;
        change.tell(Topic::User, created.id, Audience::domain(new.domain)).await?;
        change.commit().await?;
        Ok(created)
    }

    /// Writes an account with its keypair and its audit record, as part of a change.
    pub(crate) async fn insert_user(&self, change: &mut Change, new: &CreateUser, hash: &str) -> Result<Created> {
        let id = UserId(uuid::Uuid::now_v7());
        let (access_key, secret_key) = make_keypair()?;
        let secret = self.shared.vault.seal(&secret_key, &access_key)?;
        let mut account = CreateUser { password: String::new(), ..new.clone() };
        account.projects.sort_unstable();
        account.projects.dedup();
        if account.policy.is_empty() {
            DEFAULT_POLICY.clone_into(&mut account.policy);
        }
        if account.keypair_policy.is_empty() {
            DEFAULT_POLICY.clone_into(&mut account.keypair_policy);
        }
        let user = NewUser {
            id,
            account: &account,
            password_hash: hash,
            access_key: &access_key,
            secret: &secret,
            keypair_policy: &account.keypair_policy,
            at: change.at,
        };
        if let Err(error) = change.insert_user(&user).await {
            return Err(match error.taken() {
                Some(Taken::Email) => Problem::field("email", EMAIL_TAKEN),
                Some(Taken::Username) => Problem::field("username", USERNAME_TAKEN),
                _ => error.into(),
            });
        }
        change.record("create user", id, json!({ "access_key": access_key, "after": account })).await?;
        Ok(Created { id, keypair: NewKeypair { owner: new.email.clone(), access_key, secret_key } })
    }
}

/// The refusal of a keypair policy that does not exist, or that the caller may not give.
pub(crate) const NO_KEYPAIR_POLICY: &str = "There is no keypair policy with this name that you can assign.";

/// The fields by which project administrators may filter people: those that they see.
const FOR_PROJECT_ADMINS: [&str; 7] = ["email", "username", "full_name", "role", "status", "domain", "created_at"];

/// Checks a query for people, which must not ask for fields that the caller may not see. Returns the scope of people to list.
fn people_scope<'c>(caller: &'c Caller, query: &ListQuery) -> Result<(&'c Me, Scope)> {
    let (me, scope) = caller.scope(Permission::ReadUsers)?;
    query.check(&USERS)?;
    let asked = query.conditions.iter().map(|condition| condition.key.as_str());
    let hidden = asked.chain([query.sort.as_str()]).any(|key| !FOR_PROJECT_ADMINS.contains(&key));
    if matches!(scope, Scope::Projects(_)) && (hidden || query.filter.is_some() || !query.then.is_empty()) {
        return Err(caller.refuse("filter or order people by this"));
    }
    Ok((me, scope))
}

/// A person with the fields that the caller may see: project administrators see little more than a name among the members.
///
/// Every field is named here, so that a new one is not shown to project administrators before somebody has decided that it
/// should.
fn visible_row(me: &Me, scope: Scope, row: UserRow) -> UserRow {
    if !matches!(scope, Scope::Projects(_)) || row.id == me.id {
        return row;
    }
    let UserRow {
        id,
        email,
        username,
        full_name,
        domain,
        projects,
        project_ids,
        role,
        status,
        created_at,
        modified_at,
        main_key: _,
        status_info: _,
        description: _,
        policy: _,
        addresses: _,
        sudo: _,
        must_change_password: _,
        two_factor: _,
        ids: _,
    } = row;
    let administered = project_ids.into_iter().zip(projects).filter(|(id, _)| me.administers.contains(id));
    let (project_ids, projects) = administered.unzip();
    UserRow {
        id,
        email,
        username,
        full_name,
        domain,
        projects,
        project_ids,
        role,
        status,
        created_at,
        modified_at,
        main_key: None,
        status_info: String::new(),
        description: String::new(),
        policy: String::new(),
        addresses: Vec::new(),
        sudo: false,
        must_change_password: false,
        two_factor: false,
        ids: UnixIds::default(),
    }
}

/// The details of a person that the caller may see, reduced for project administrators.
fn visible_detail(me: &Me, scope: Scope, person: UserDetail) -> UserDetail {
    if !matches!(scope, Scope::Projects(_)) {
        return person;
    }
    let UserDetail {
        row,
        domain,
        mut projects,
        sessions,
        may_change,
        access_keys: _,
        keypair_policy: _,
        rate_limit: _,
        last_sign_in: _,
        recent_sign_ins: _,
        link_asked: _,
    } = person;
    projects.retain(|id| me.administers.contains(id));
    UserDetail {
        row: visible_row(me, scope, row),
        domain,
        projects,
        sessions,
        may_change,
        access_keys: Vec::new(),
        keypair_policy: String::new(),
        rate_limit: None,
        last_sign_in: None,
        recent_sign_ins: Vec::new(),
        link_asked: None,
    }
}

/// The names of the policies that somebody may give to people, by kind.
#[derive(Clone, Default)]
pub(crate) struct Policies {
    pub user: Vec<String>,
    pub keypair: Vec<String>,
}

/// The mistakes in a new account that depend on the caller's role and on the existing domains and policies.
pub(crate) fn new_user_errors(me: &Me, new: &CreateUser, domains: &[DomainChoice], policies: &Policies) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check_scripts("email", &new.email, &mut errors);
    check_scripts("username", &new.username, &mut errors);
    if !may_grant(me.role).contains(&new.role) {
        errors.push(FieldError::new("role", format!("You may not create a {}.", new.role.label().to_lowercase())));
    }
    match domains.iter().find(|domain| domain.id == new.domain) {
        None => errors.push(FieldError::new("domain", "Choose one of the domains that you administer.")),
        Some(domain) if !domain.active => errors.push(FieldError::new("domain", domain_not_open(&domain.name))),
        Some(domain) if !new.projects.iter().all(|id| domain.projects.iter().any(|p| p.id == *id)) => {
            errors.push(FieldError::new("projects", format!("Choose projects in the domain {}.", domain.name)));
        }
        Some(_) => {}
    }
    if !new.policy.is_empty() && !policies.user.contains(&new.policy) {
        errors.push(FieldError::new("policy", "There is no user resource policy with this name."));
    }
    if !new.keypair_policy.is_empty() && !policies.keypair.contains(&new.keypair_policy) {
        errors.push(FieldError::new("keypair_policy", NO_KEYPAIR_POLICY));
    }
    errors
}
