//! Keypairs: listing, adding, limiting, activating, deactivating and deleting them (`docs/spec/people.md`, "Keypairs").

use crate::change::Change;
use crate::people::accounts::{DEFAULT_POLICY, make_keypair};
use crate::revision::up_to_date;
use crate::{Caller, Control, Result};
use futures::{Stream, StreamExt};
use serde_json::json;
use store::{Lane, NewKeypairRow, Scope};
use types::Problem;
use types::bulk::BulkResult;
use types::id::UserId;
use types::limits::policies::PolicyKind;
use types::list::{ListQuery, Page};
use types::people::keypairs::{CreateKeypair, DEFAULT_RATE_LIMIT, EditKeypair, KEYPAIRS, KeypairRow, NewKeypair};
use types::people::permissions::{Permission, Reach, may_grant};
use types::system::events::{Audience, Topic};

/// The most keypairs of one person, so that the list stays readable.
const MOST: u64 = 100;
/// The most keypairs that one call may change.
const MOST_AT_ONCE: usize = 1000;

impl Control {
    /// A page of keypairs: everybody's, the domain's, or the caller's own.
    pub async fn keypairs(&self, caller: &Caller, query: &ListQuery) -> Result<Page<KeypairRow>> {
        let (_, scope) = caller.scope(Permission::ReadKeypairs)?;
        query.check(&KEYPAIRS)?;
        Ok(self.store.keypairs(query, scope).await?)
    }

    /// Every keypair that the filter selects, for an export.
    pub fn all_keypairs(
        &self,
        caller: &Caller,
        query: ListQuery,
    ) -> Result<impl Stream<Item = Result<KeypairRow>> + Send + use<>> {
        let (_, scope) = caller.scope(Permission::ReadKeypairs)?;
        query.check(&KEYPAIRS)?;
        Ok(self.store.all_keypairs(query, scope).map(|row| row.map_err(Problem::from)))
    }

    /// The caller's own keypairs only, whatever else they may see.
    pub async fn my_keypairs(&self, caller: &Caller) -> Result<Vec<KeypairRow>> {
        let (me, _) = caller.person()?;
        let mut all = Vec::new();
        for tab in ["active", "inactive"] {
            let query = ListQuery { tab: tab.into(), per: 50, ..ListQuery::new(&KEYPAIRS) };
            all.extend(self.store.keypairs(&query, Scope::Own(me.id)).await?.rows);
        }
        all.sort_by_key(|keypair| !keypair.main);
        Ok(all)
    }

    /// One keypair.
    pub async fn keypair(&self, caller: &Caller, access_key: &str) -> Result<KeypairRow> {
        let (_, scope) = caller.scope(Permission::ReadKeypairs)?;
        let found = self.store.keypair(access_key, scope).await?;
        found.map(|(row, _)| row).ok_or_else(|| Problem::NotFound("keypair".into()))
    }

    /// The secret key of a keypair that the caller may change. Reading it is recorded in the audit trail.
    pub async fn keypair_secret(&self, caller: &Caller, access_key: &str) -> Result<String> {
        let (_, sealed) = self.changeable(caller, access_key, Permission::ChangeKeypairs).await?;
        let Some(sealed) = sealed else {
            return Err(Problem::Conflict("This keypair has no secret key. Add another credential.".into()));
        };
        let secret = self.shared.vault.read(&sealed, access_key)?;
        let mut change = self.change_by(caller).await?;
        change.record("read secret key", access_key, json!({})).await?;
        change.commit().await?;
        Ok(secret)
    }

    /// The secret key of one of the caller's own keypairs, for a program that signed with it and therefore has it already.
    pub async fn my_secret(&self, caller: &Caller, access_key: &str) -> Result<String> {
        let (me, _) = caller.person()?;
        let found = self.store.keypair(access_key, Scope::Own(me.id)).await?;
        let sealed = found.and_then(|(_, sealed)| sealed).ok_or_else(|| Problem::NotFound("keypair".into()))?;
        self.shared.vault.read(&sealed, access_key)
    }

    /// Adds a keypair for a person, or for the caller if no owner is given. Callers who may not limit keypairs get the main
    /// keypair's policy and its rate limit, if that is smaller than the default.
    pub async fn create_keypair(&self, caller: &Caller, new: &CreateKeypair) -> Result<NewKeypair> {
        let (me, reach) = caller.need(Permission::ChangeKeypairs)?;
        new.check()?;
        let own = new.owner.trim().is_empty();
        let login = if own { &me.email } else { new.owner.trim() };
        let account = self.store.account_by_login(login).await?;
        let within = |domain| reach == Reach::Everything || (reach == Reach::Domain && domain == me.domain);
        let Some(account) = account.filter(|account| account.id == me.id || within(account.domain)) else {
            return Err(Problem::field("owner", "No such person. Type an email or username as shown on the users page."));
        };
        let may = account.id == me.id || may_grant(me.role).contains(&account.role);
        if !may {
            return Err(caller.refuse(format!("add a keypair for a {}", account.role.label().to_lowercase())));
        }
        let limits = me.may(Permission::LimitKeypairs);
        // A caller who may not choose limits gets those they have, so that a new keypair is not a way out of a policy.
        let main = self.store.main_keypair(account.id).await?;
        let inherited = main.map_or_else(|| DEFAULT_POLICY.to_owned(), |(_, policy)| policy.name);
        let (policy, rate_limit) = if limits {
            (new.policy.as_str(), new.rate_limit)
        } else {
            let main = self.store.main_key_limit(account.id).await?;
            (inherited.as_str(), main.map_or(DEFAULT_RATE_LIMIT, |(_, limit)| limit.min(DEFAULT_RATE_LIMIT)))
        };
        let (access_key, secret_key) = make_keypair()?;
        let secret = self.shared.vault.seal(&secret_key, &access_key)?;
        let mut change = self.change_by(caller).await?;
        let at = change.at;
        if !change.has_policy(PolicyKind::Keypair, policy).await? {
            return Err(Problem::field("policy", "There is no keypair resource policy with this name."));
        }
        let there = change.keypairs_of(account.id).await?;
        if there >= MOST {
            return Err(Problem::Limit(format!(
                "{} already has {there} keypairs; the maximum is {MOST}. Delete one first.",
                account.email
            )));
        }
        let row = NewKeypairRow {
            access_key: &access_key,
            user: account.id,
            policy,
            rate_limit,
            main: there == 0,
            secret: &secret,
            at,
        };
        change.insert_keypair(&row).await?;
        let after = change.keypair_row(&access_key).await?;
        change.record("add keypair", &access_key, json!({ "after": after })).await?;
        change.tell(Topic::Keypair, account.id, Audience::person(account.id, account.domain)).await?;
        change.commit().await?;
        Ok(NewKeypair { owner: account.email, access_key, secret_key })
    }

    /// Changes a keypair, whatever somebody else has changed meanwhile: its limits, whether it is active, and whether it is the
    /// main one.
    pub async fn edit_keypair(&self, caller: &Caller, access_key: &str, edit: &EditKeypair) -> Result<()> {
        self.edit_keypair_since(caller, access_key, edit, None).await
    }

    /// Changes a keypair. `was` has the values that the edit is based on, which are compared with those of now.
    ///
    /// # Errors
    /// `Stale` with the fields that somebody else has changed since.
    pub async fn edit_keypair_since(
        &self,
        caller: &Caller,
        access_key: &str,
        edit: &EditKeypair,
        was: Option<&EditKeypair>,
    ) -> Result<()> {
        edit.check()?;
        if edit.policy.is_some() || edit.rate_limit.is_some() {
            caller.need(Permission::LimitKeypairs)?;
        }
        // From here on nobody else can write, so the decisions below stay valid.
        let mut change = self.change_by(caller).await?;
        let (before, _) = Lane::without(self.changeable(caller, access_key, Permission::ChangeKeypairs)).await?;
        let edit = &up_to_date(edit, was, || EditKeypair::as_it_is(&before))?;
        if edit.active == Some(false) && before.main {
            return Err(Problem::Conflict("This is the person's main access key. Choose another main key first.".into()));
        }
        if edit.main == Some(false) {
            return Err(Problem::Conflict("A person always has a main key. Choose another one instead.".into()));
        }
        if edit.main == Some(true) {
            Lane::without(self.check_main(caller, &before)).await?;
        }
        if let Some(policy) = &edit.policy
            && !change.has_policy(PolicyKind::Keypair, policy).await?
        {
            return Err(Problem::field("policy", "There is no keypair resource policy with this name."));
        }
        let own = before.user == caller.person()?.0.id;
        if own && edit.active == Some(true) && change.keypair_held(access_key).await? {
            return Err(Problem::Conflict(
                "An administrator deactivated this keypair. Ask an administrator to activate it again.".into(),
            ));
        }
        let held = edit.active.filter(|_| !own).map(|active| !active);
        change.edit_keypair(access_key, edit, held).await?;
        if edit.main == Some(true) && !change.set_main_keypair(before.user, access_key).await? {
            return Err(Problem::Conflict("Only an active keypair can be the main one. Activate it first.".into()));
        }
        let user = before.user;
        let after = change.keypair_row(access_key).await?;
        change.record("edit keypair", access_key, json!({ "before": before, "after": after })).await?;
        tell_of_keypairs(&mut change, user).await?;
        change.commit().await?;
        // The new limits may let a waiting session start.
        self.shared.work.notify_one();
        Ok(())
    }

    /// Makes the same change to several keypairs, each with its own result.
    pub async fn edit_keypairs(&self, caller: &Caller, keys: &[String], edit: &EditKeypair) -> Result<Vec<BulkResult>> {
        caller.need(Permission::LimitKeypairs)?;
        edit.check()?;
        if keys.len() > MOST_AT_ONCE {
            return Err(Problem::Limit(format!(
                "At most {MOST_AT_ONCE} keypairs can be changed at once; these are {}.",
                keys.len()
            )));
        }
        let mut done = Vec::with_capacity(keys.len());
        for key in keys {
            let problem = self.edit_keypair(caller, key, edit).await.err();
            done.push(BulkResult { name: key.clone(), problem });
        }
        Ok(done)
    }

    /// Refuses another main key with a different policy or a larger rate limit to callers who may not limit keypairs: those of
    /// the main key limit everything that its owner runs and asks.
    async fn check_main(&self, caller: &Caller, key: &KeypairRow) -> Result<()> {
        if caller.person()?.0.may(Permission::LimitKeypairs) {
            return Ok(());
        }
        if let Some((_, policy)) = self.store.main_keypair(key.user).await?
            && policy.name != key.policy
        {
            return Err(Problem::Conflict(format!(
                "Your main key uses the policy {}, but this one uses {}. An administrator can give both the same policy.",
                policy.name, key.policy
            )));
        }
        if let Some((_, limit)) = self.store.main_key_limit(key.user).await?
            && limit < key.rate_limit
        {
            return Err(Problem::Conflict(format!(
                "Your main key may send {limit} requests in 15 minutes, but this one {}. An administrator can give both the same \
                 limit.",
                key.rate_limit
            )));
        }
        Ok(())
    }

    /// Deletes an inactive keypair permanently. The main access key cannot be deleted.
    pub async fn delete_keypair(&self, caller: &Caller, access_key: &str) -> Result<()> {
        let (before, _) = self.changeable(caller, access_key, Permission::ChangeKeypairs).await?;
        if before.main {
            return Err(Problem::Conflict("This is the person's main access key, which cannot be deleted.".into()));
        }
        if before.active {
            return Err(Problem::Conflict("Only an inactive keypair can be deleted. Deactivate it first.".into()));
        }
        if before.sessions > 0 {
            return Err(Problem::Conflict(format!("Active sessions still count against this keypair: {}.", before.sessions)));
        }
        let mut change = self.change_by(caller).await?;
        if !change.delete_keypair(access_key).await? {
            return Err(Problem::Conflict("The keypair was just changed. Check it and try again.".into()));
        }
        let user = before.user;
        change.record("delete keypair", access_key, json!({ "before": before })).await?;
        tell_of_keypairs(&mut change, user).await?;
        change.commit().await
    }

    /// A keypair that the caller may change, with its encrypted secret key.
    async fn changeable(
        &self,
        caller: &Caller,
        access_key: &str,
        permission: Permission,
    ) -> Result<(KeypairRow, Option<Vec<u8>>)> {
        let (me, scope) = caller.scope(permission)?;
        let found = self.store.keypair(access_key, scope).await?;
        let Some((row, sealed)) = found else { return Err(Problem::NotFound("keypair".into())) };
        if row.user != me.id {
            let account = self.store.account_by_login(&row.owner).await?;
            if !account.is_some_and(|account| may_grant(me.role).contains(&account.role)) {
                return Err(caller.refuse("change the keypairs of this person"));
            }
        }
        Ok((row, sealed))
    }
}

/// Tells the open pages of a person and of their domain's administrators that one of their keypairs changed.
async fn tell_of_keypairs(change: &mut Change, user: UserId) -> Result<()> {
    match change.account(user).await? {
        Some(account) => change.tell(Topic::Keypair, user, Audience::person(user, account.domain)).await,
        None => Ok(()),
    }
}
