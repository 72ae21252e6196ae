//! Resource policies: listing, saving and deleting the three kinds (`docs/spec/limits.md`, "Resource policies" and "Deleting a
//! policy"), and the effect that saving one would have on its followers.

use crate::people::accounts::DEFAULT_POLICY;
use crate::revision::{check_revision, names_and_rest};
use crate::{Caller, Control, Result};
use futures::{Stream, StreamExt};
use serde_json::json;
use std::collections::BTreeMap;
use store::{Holding, StoredPolicy};
use types::Problem;
use types::id::UserId;
use types::limits::policies::{Followers, KeypairPolicy, OverLimit, PolicyEffect, PolicyKind, PolicyRow, SavePolicy};
use types::list::{ListQuery, Page};
use types::people::permissions::{Permission, Reach};
use types::quantity::describe;
use types::system::events::{Audience, Topic};

/// The most keypairs over a limit that are named.
const MOST_NAMED: usize = 50;
const TAKEN: &str = "Resource policy name already exists. Please change the name to add.";
const WHAT: &str = "resource policy";

/// Hides the number of followers from callers who see only the policies that limit themselves.
fn visible_policy_row<P>(reach: Reach) -> impl Fn(PolicyRow<P>) -> PolicyRow<P> {
    move |PolicyRow { policy, revision, followers, created_at }| {
        let followers = if reach > Reach::Projects { followers } else { 0 };
        PolicyRow { policy, revision, followers, created_at }
    }
}

impl Control {
    /// A page of policies of one kind: all of them, or those that limit the caller.
    pub async fn policies<P: StoredPolicy>(&self, caller: &Caller, query: &ListQuery) -> Result<Page<PolicyRow<P>>> {
        let (me, scope) = caller.scope(Permission::ReadPolicies)?;
        query.check(P::list())?;
        let page = self.store.policies(query, scope).await?;
        Ok(page.map(visible_policy_row(me.reach(Permission::ReadPolicies))))
    }

    /// Every policy of one kind that the filter selects, for an export.
    pub fn all_policies<P: StoredPolicy>(
        &self,
        caller: &Caller,
        query: ListQuery,
    ) -> Result<impl Stream<Item = Result<PolicyRow<P>>> + Send + use<P>> {
        caller.need_beyond_own(Permission::ReadPolicies)?;
        query.check(P::list())?;
        Ok(self.store.all_policies(query).map(|row| row.map_err(Problem::from)))
    }

    /// The names of all policies of one kind, for forms that choose one.
    pub async fn policy_names(&self, caller: &Caller, kind: PolicyKind) -> Result<Vec<String>> {
        caller.need(match kind {
            PolicyKind::Keypair => Permission::LimitKeypairs,
            PolicyKind::User => Permission::CreateUsers,
            PolicyKind::Project => Permission::ChangeProjects,
        })?;
        Ok(self.store.policy_names(kind).await?)
    }

    /// Creates or changes a policy. Running sessions continue whatever they hold, except that a keypair policy's shorter lifetime
    /// or idle timeout ends those that are past it.
    ///
    /// # Errors
    /// `Stale` with the differences, when somebody else has saved the policy since the revision that this is based on.
    pub async fn save_policy<P: StoredPolicy + serde::Serialize>(&self, caller: &Caller, save: &SavePolicy<P>) -> Result<()> {
        caller.need(Permission::ChangePolicies)?;
        let policy = &save.policy;
        policy.check()?;
        let mut change = self.change_by(caller).await?;
        let stands = change.policy(policy.name()).await?;
        let before = check_revision(save.revision, stands, policy, WHAT, TAKEN)?;
        let at = change.at;
        change.save_policy(policy, at).await?;
        let action = format!("{} {} policy", if before.is_some() { "edit" } else { "create" }, P::KIND.key());
        change.record(&action, policy.name(), json!({ "before": before, "after": policy })).await?;
        change.tell(Topic::Policy, policy.name(), Audience::ADMINISTRATORS).await?;
        change.commit().await?;
        // A larger limit may let sessions start.
        self.shared.work.notify_one();
        Ok(())
    }

    /// The followers of a policy, inactive ones included, shown to an administrator who is about to delete it.
    pub async fn policy_followers(&self, caller: &Caller, kind: PolicyKind, name: &str) -> Result<Followers> {
        caller.need(Permission::ChangePolicies)?;
        Ok(self.store.policy_followers(kind, name).await?)
    }

    /// Deletes a policy and moves its followers to the policy `move_to`.
    ///
    /// # Errors
    /// `Conflict` for the default policy, and for a policy that still has followers when `move_to` is `None`.
    pub async fn delete_policy(&self, caller: &Caller, kind: PolicyKind, name: &str, move_to: Option<&str>) -> Result<()> {
        caller.need(Permission::ChangePolicies)?;
        if name == DEFAULT_POLICY {
            let (_, many) = kind.followers();
            return Err(Problem::Conflict(format!(
                "New {many} use the policy {DEFAULT_POLICY}, so it cannot be deleted. Change its limits instead."
            )));
        }
        if move_to == Some(name) {
            return Err(Problem::field("move_to", "Choose a policy other than the one being deleted."));
        }
        let mut change = self.change_by(caller).await?;
        if !change.has_policy(kind, name).await? {
            return Err(Problem::NotFound(WHAT.into()));
        }
        let followers = change.policy_followers(kind, name).await?;
        match move_to {
            None if followers.count > 0 => return Err(Problem::Conflict(still_followed_message(kind, name, &followers))),
            Some(other) if !change.has_policy(kind, other).await? => {
                return Err(Problem::field("move_to", "There is no resource policy with this name."));
            }
            _ => {}
        }
        // Deleted keypairs still name the policy and must move as well.
        let target = move_to.unwrap_or(DEFAULT_POLICY);
        change.delete_policy(kind, name, target).await?;
        let action = format!("delete {} policy", kind.key());
        change.record(&action, name, json!({ "followers": followers, "moved_to": move_to })).await?;
        change.tell(Topic::Policy, name, Audience::ADMINISTRATORS).await?;
        change.commit().await?;
        self.shared.work.notify_one();
        Ok(())
    }

    /// The effect that saving a keypair policy would have on its present followers.
    pub async fn policy_effect(&self, caller: &Caller, policy: &KeypairPolicy) -> Result<PolicyEffect> {
        caller.need(Permission::ChangePolicies)?;
        policy.check()?;
        let followers = self.store.policy_followers(PolicyKind::Keypair, &policy.name).await?;
        let holdings = self.store.holdings(&policy.name).await?;
        let over: Vec<OverLimit> = holdings.into_iter().filter_map(|holding| over_limit(holding, policy)).collect();
        let mut by_key: BTreeMap<String, (UserId, Vec<String>, String)> = BTreeMap::new();
        for (session, why) in self.sessions_ended_by(policy).await? {
            let key = by_key.entry(session.access_key.clone()).or_insert_with(|| (session.owner, Vec::new(), why));
            key.1.push(session.name.clone());
        }
        let ended_more = count_not_named(by_key.len());
        let owners: Vec<UserId> = by_key.values().take(MOST_NAMED).map(|(owner, ..)| *owner).collect();
        let emails = self.store.emails(&owners).await?;
        let named = by_key.into_iter().take(MOST_NAMED).map(|(access_key, (owner, sessions, why))| {
            let owner = emails.get(&owner).cloned().unwrap_or_default();
            OverLimit { owner, access_key, sessions, why }
        });
        let ended = named.collect();
        let more = count_not_named(over.len());
        Ok(PolicyEffect { followers, over: over.into_iter().take(MOST_NAMED).collect(), more, ended, ended_more })
    }
}

/// How many of `count` are not named one by one.
fn count_not_named(count: usize) -> u32 {
    u32::try_from(count.saturating_sub(MOST_NAMED)).unwrap_or(u32::MAX)
}

fn still_followed_message(kind: PolicyKind, name: &str, followers: &Followers) -> String {
    let (one, many) = kind.followers();
    let names = names_and_rest(&followers.first, followers.count);
    let (who, uses, them) = match followers.count {
        1 => (format!("One {one}"), "uses", "it"),
        count => (format!("{count} {many}"), "use", "them"),
    };
    format!("{who} still {uses} the policy {name} (counting inactive ones): {names}. Choose a policy for {them} to use instead.")
}

/// The limits that the running sessions of a keypair exceed, if any.
fn over_limit(holding: Holding, policy: &KeypairPolicy) -> Option<OverLimit> {
    let mut why = Vec::new();
    let count = u32::try_from(holding.sessions.len()).unwrap_or(u32::MAX);
    if let Some(most) = policy.max_sessions.filter(|most| count > *most) {
        why.push(format!("Running sessions: {count}; {most} would be allowed."));
    }
    if holding.largest > policy.max_cluster {
        let (has, most) = (holding.largest, policy.max_cluster);
        why.push(format!("A session has {has} containers; {most} would be allowed."));
    }
    for (slot, held) in &holding.slots.0 {
        if let Some(most) = policy.limit(slot).filter(|most| held > most) {
            why.push(format!("They hold {}; {} would be allowed.", describe(slot, *held), describe(slot, most)));
        }
    }
    let Holding { owner, access_key, sessions, .. } = holding;
    (!why.is_empty()).then(|| OverLimit { owner, access_key, sessions, why: why.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::quantity::{Quantity, Slots};

    #[test]
    fn followers_over_a_limit_are_told_which_one() {
        let holding = |cpu: i64| Holding {
            owner: "ann@example.org".into(),
            access_key: "AKIA".into(),
            sessions: vec!["train".into()],
            slots: Slots::cpu_mem(Quantity::whole(cpu), 1 << 30),
            largest: 2,
        };
        let total = Slots([("cpu".to_owned(), Quantity::whole(4))].into());
        let policy = KeypairPolicy { total, max_cluster: 2, max_sessions: Some(1), ..KeypairPolicy::new("student") };
        assert_eq!(over_limit(holding(4), &policy), None);
        let over = over_limit(holding(5), &policy).unwrap();
        assert_eq!(over.why, "They hold 5 CPU cores; 4 CPU cores would be allowed.");
        let none = KeypairPolicy { max_sessions: Some(0), max_cluster: 1, ..policy };
        assert_eq!(
            over_limit(holding(4), &none).unwrap().why,
            "Running sessions: 1; 0 would be allowed. A session has 2 containers; 1 would be allowed."
        );
    }
}
