//! Changing accounts: editing, deactivating and reactivating, one or several (`docs/spec/people.md`, "Editing accounts" and
//! "Deactivating accounts"). Nobody is ever deleted.

use crate::change::Change;
use crate::people::accounts::{USERNAME_TAKEN, domain_not_open, may_change};
use crate::people::users::NO_KEYPAIR_POLICY;
use crate::revision::up_to_date;
use crate::{Caller, Control, Result};
use serde_json::json;
use store::{Account, Lane, Taken};
use types::bulk::BulkResult;
use types::id::UserId;
use types::limits::policies::PolicyKind;
use types::people::keypairs::EditKeypair;
use types::people::permissions::{Me, Permission, Role, may_grant};
use types::people::users::{EditUser, UserStatus};
use types::system::events::{Audience, Topic};
use types::{FieldError, Problem};

/// The most people that one call may change.
const MOST: usize = 1000;

impl Control {
    /// Changes one account, whatever somebody else has changed meanwhile.
    pub async fn edit_user(&self, caller: &Caller, id: UserId, edit: &EditUser) -> Result<()> {
        self.edit_user_since(caller, id, edit, None).await
    }

    /// Changes one account. `was` has the values that the edit is based on, which are compared with those of now.
    ///
    /// # Errors
    /// `Stale` with the fields that somebody else has changed since.
    pub async fn edit_user_since(&self, caller: &Caller, id: UserId, edit: &EditUser, was: Option<&EditUser>) -> Result<()> {
        let (me, domain) = caller.need_domain(Permission::ChangeUsers)?;
        edit.check()?;
        let hash = match &edit.password {
            Some(password) => Some(self.shared.passwords.hash(password).await?),
            None => None,
        };
        let mut change = self.change_by(caller).await?;
        let row_before = change.user_row(id).await?;
        let before = change.account(id).await?;
        let Some(before) = before.filter(|account| domain.is_none_or(|domain| account.domain == domain)) else {
            return Err(Problem::NotFound("person".into()));
        };
        if !may_change(me, domain.is_none(), id, before.domain, before.role) {
            return Err(caller.refuse(format!("change the account of a {}", before.role.label().to_lowercase())));
        }
        let stands = row_before.clone().unwrap_or_default();
        let edit = &up_to_date(edit, was, || EditUser::as_it_is(&stands, before.domain))?;
        self.check_edit(me, &before, edit, &mut change).await?;
        self.write_edit(&mut change, &before, edit, hash.as_deref()).await?;
        // Of a password, the record keeps only that it was changed.
        let detail = json!({ "before": row_before, "after": change.user_row(id).await?, "password": edit.password.is_some() });
        change.record("edit user", id, detail).await?;
        let domain = edit.domain.unwrap_or(before.domain);
        change.tell(Topic::User, id, Audience::domain(domain)).await?;
        if domain != before.domain {
            // The lists of the domain that they left have one row less.
            change.tell(Topic::User, id, Audience::domain(before.domain)).await?;
        }
        if edit.main_access_key.is_some() || edit.keypair_policy.is_some() {
            // All of their sessions may be limited by another policy now.
            change.tell(Topic::Keypair, id, Audience::person(id, domain)).await?;
        }
        change.commit().await?;
        // Their waiting sessions may start now, or may not any more.
        self.shared.work.notify_one();
        Ok(())
    }

    /// Makes the same change to several accounts, each with its own result.
    pub async fn edit_users(&self, caller: &Caller, ids: &[UserId], edit: &EditUser) -> Result<Vec<BulkResult>> {
        let (_, scope) = caller.scope(Permission::ChangeUsers)?;
        edit.check()?;
        if ids.len() > MOST {
            return Err(Problem::Limit(format!("At most {MOST} people can be changed at once; these are {}.", ids.len())));
        }
        let mut done = Vec::with_capacity(ids.len());
        for id in ids {
            let found = self.store.user_row(*id, scope).await?;
            let name = found.map_or_else(|| id.to_string(), |person| person.email);
            let problem = self.edit_user(caller, *id, edit).await.err();
            done.push(BulkResult { name, problem });
        }
        Ok(done)
    }

    /// Checks an edit against the database and the caller's own role.
    async fn check_edit(&self, me: &Me, before: &Account, edit: &EditUser, change: &mut Change) -> Result<()> {
        let mut errors = Vec::new();
        let leaves = edit.status.is_some_and(|status| status != UserStatus::Active);
        let demoted = edit.role.is_some_and(|role| role != before.role);
        if me.id == before.id && leaves {
            return Err(Problem::Conflict("You cannot deactivate your own account. Ask another administrator.".into()));
        }
        if me.id == before.id && (edit.password.is_some() || edit.two_factor.is_some()) {
            let sentence =
                "Change your own password and two-factor authentication in your account, which asks for your password.";
            return Err(Problem::Conflict(sentence.into()));
        }
        if me.id == before.id && demoted {
            return Err(Problem::Conflict("You cannot change your own role. Ask another administrator.".into()));
        }
        if before.role == Role::Superadmin && before.status == UserStatus::Active && (leaves || demoted) {
            let others = change.other_superadmin(before.id).await?;
            if !others {
                return Err(Problem::Conflict(
                    "This is the last active superadmin. Make somebody else a superadmin first.".into(),
                ));
            }
        }
        if let Some(role) = edit.role
            && demoted
            && !may_grant(me.role).contains(&role)
        {
            errors.push(FieldError::new("role", format!("You may not make somebody a {}.", role.label().to_lowercase())));
        }
        if edit.domain.is_some() || edit.projects.is_some() {
            let of = (me.reach(Permission::ChangeUsers) < types::people::permissions::Reach::Everything).then_some(me.domain);
            let domains = Lane::without(self.store.domain_choices(of)).await?;
            let wanted = edit.domain.unwrap_or(before.domain);
            match domains.iter().find(|domain| domain.id == wanted) {
                None => errors.push(FieldError::new("domain", "Choose one of the domains that you administer.")),
                Some(domain) if !domain.active && domain.id != before.domain => {
                    errors.push(FieldError::new("domain", domain_not_open(&domain.name)));
                }
                Some(domain) => {
                    let belongs = |id: &types::id::ProjectId| domain.projects.iter().any(|project| project.id == *id);
                    if !edit.projects.iter().flatten().all(belongs) {
                        errors.push(FieldError::new("projects", format!("Choose projects in the domain {}.", domain.name)));
                    }
                }
            }
        }
        if let Some(policy) = &edit.policy
            && !change.has_policy(PolicyKind::User, policy).await?
        {
            errors.push(FieldError::new("policy", "There is no user resource policy with this name."));
        }
        if let Some(policy) = &edit.keypair_policy
            && (!me.may(Permission::LimitKeypairs) || !change.has_policy(PolicyKind::Keypair, policy).await?)
        {
            errors.push(FieldError::new("keypair_policy", NO_KEYPAIR_POLICY));
        }
        if let Some(username) = &edit.username {
            crate::lookalikes::check_scripts("username", username, &mut errors);
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
    }

    async fn write_edit(&self, change: &mut Change, before: &Account, edit: &EditUser, hash: Option<&str>) -> Result<()> {
        let at = change.at;
        if let Err(error) = change.edit_user(before.id, edit, hash, at).await {
            return Err(match error.taken() {
                Some(Taken::Username) => Problem::field("username", USERNAME_TAKEN),
                _ => error.into(),
            });
        }
        let moved = edit.domain.is_some_and(|domain| domain != before.domain);
        match &edit.projects {
            Some(projects) => change.set_projects(before.id, projects).await?,
            None if moved => change.set_projects(before.id, &[]).await?,
            None => {}
        }
        if let Some(key) = &edit.main_access_key
            && !change.set_main_keypair(before.id, key).await?
        {
            return Err(Problem::field("main_access_key", "Choose one of the person's active keypairs."));
        }
        if let Some(policy) = &edit.keypair_policy {
            give_keypair_policy(change, before.id, policy).await?;
        }
        if edit.password.is_some() || edit.status.is_some() || edit.role.is_some() || edit.domain.is_some() {
            change.end_password_links(before.id).await?;
        }
        if edit.two_factor == Some(false) {
            change.end_two_factor(before.id).await?;
        }
        if ends_sign_ins(edit) {
            change.delete_sign_ins(before.id).await?;
        }
        Ok(())
    }
}

/// Gives the person's main keypair a policy, with a record of its own: that of the person does not show keypairs.
async fn give_keypair_policy(change: &mut Change, user: UserId, policy: &str) -> Result<()> {
    let Some(key) = change.user_row(user).await?.and_then(|row| row.main_key) else {
        return Err(Problem::field("keypair_policy", "This person has no keypair. Add a credential first."));
    };
    let before = change.keypair_row(&key).await?;
    if before.as_ref().is_some_and(|before| before.policy == policy) {
        return Ok(());
    }
    let edit = EditKeypair { policy: Some(policy.to_owned()), ..EditKeypair::default() };
    change.edit_keypair(&key, &edit, None).await?;
    let after = change.keypair_row(&key).await?;
    change.record("edit keypair", &key, json!({ "before": before, "after": after })).await
}

/// Whether an edit signs the person out everywhere: one that deactivates the account or sets another password.
fn ends_sign_ins(edit: &EditUser) -> bool {
    edit.password.is_some() || edit.status.is_some_and(|status| status != UserStatus::Active)
}
