//! The sessions that have not ended, in memory, with everything that limits them. The database is authoritative: the events that
//! every change writes keep the mirror in step with it, and the mirror can be discarded and read again at any time.
//!
//! Occupancy is computed from the mirror. It is the sum of what sessions hold, never a counter that could drift.

use crate::{Control, Result};
use scheduler::Share;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use store::{Changed, Lane, LivingSession};
use types::cluster::resource_groups::{ResourceGroup, SchedulerSettings};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::limits::policies::KeypairPolicy;
use types::quantity::Slots;
use types::sessions::Status;
use types::sessions::launch::InUse;

/// All sessions that have not ended, with their policies, groups, settings and limits.
#[derive(Default)]
pub(crate) struct Mirror {
    /// By the number of their request, which grows.
    living: BTreeMap<i64, Arc<LivingSession>>,
    numbers: HashMap<SessionId, i64>,
    /// The sessions that hold slots: few, beside a long queue.
    placed: BTreeSet<i64>,
    of_owners: HashMap<UserId, BTreeSet<i64>>,
    pub policies: BTreeMap<String, KeypairPolicy>,
    pub groups: BTreeMap<String, ResourceGroup>,
    pub settings: SchedulerSettings,
    /// Projects and domains with a limit, as (name, limit). What they hold is added up when needed.
    pub projects: BTreeMap<ProjectId, (String, Slots)>,
    pub domains: BTreeMap<DomainId, (String, Slots)>,
    /// The last event that the mirror includes; `None` before the first read.
    seen: Option<i64>,
}

/// The slots that sessions hold on one agent, and the number of these sessions.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnAgent {
    pub slots: Slots,
    pub sessions: u32,
}

impl Mirror {
    /// Every session, in the order of their requests.
    pub fn all(&self) -> impl Iterator<Item = &Arc<LivingSession>> {
        self.living.values()
    }

    pub fn get(&self, id: SessionId) -> Option<&Arc<LivingSession>> {
        self.living.get(self.numbers.get(&id)?)
    }

    /// The sessions that hold slots, in the order of their requests.
    pub fn placed(&self) -> impl Iterator<Item = &Arc<LivingSession>> {
        self.placed.iter().filter_map(|seq| self.living.get(seq))
    }

    /// The sessions of one person, in the order of their requests.
    pub fn of_owner(&self, owner: UserId) -> impl Iterator<Item = &Arc<LivingSession>> {
        self.of_owners.get(&owner).into_iter().flatten().filter_map(|seq| self.living.get(seq))
    }

    fn put(&mut self, session: LivingSession) {
        self.remove(session.id);
        self.numbers.insert(session.id, session.seq);
        if session.status.occupies() {
            self.placed.insert(session.seq);
        }
        self.of_owners.entry(session.owner).or_default().insert(session.seq);
        self.living.insert(session.seq, Arc::new(session));
    }

    fn remove(&mut self, id: SessionId) {
        let Some(session) = self.numbers.remove(&id).and_then(|seq| self.living.remove(&seq)) else { return };
        self.placed.remove(&session.seq);
        if let Entry::Occupied(mut theirs) = self.of_owners.entry(session.owner) {
            theirs.get_mut().remove(&session.seq);
            if theirs.get().is_empty() {
                theirs.remove();
            }
        }
    }

    /// The slots that a person's sessions hold, and how many of them wait.
    pub fn in_use(&self, owner: UserId) -> InUse {
        let mut using = InUse::default();
        for session in self.of_owner(owner) {
            if session.status.occupies() {
                using.sessions += 1;
                using.slots.add(&session.all_slots());
            } else {
                using.pending += 1;
            }
        }
        using
    }

    /// The number of waiting sessions.
    pub fn pending(&self) -> usize {
        self.all().filter(|session| session.status == Status::Pending).count()
    }

    /// The slots that sessions hold on each agent.
    pub fn on_agents(&self) -> HashMap<&str, OnAgent> {
        let mut on: HashMap<&str, OnAgent> = HashMap::new();
        for session in self.placed() {
            let mut agents = BTreeSet::new();
            for agent in &session.agents {
                let held = on.entry(agent).or_default();
                held.slots.add(&session.slots);
                held.sessions += u32::from(agents.insert(agent));
            }
        }
        on
    }

    /// The slots that the sessions of each limited project and domain hold.
    pub fn shares(&self) -> (BTreeMap<ProjectId, Share>, BTreeMap<DomainId, Share>) {
        let share = |(name, limit): &(String, Slots)| Share { name: name.clone(), limit: limit.clone(), used: Slots::default() };
        let mut projects: BTreeMap<_, _> = self.projects.iter().map(|(id, limited)| (*id, share(limited))).collect();
        let mut domains: BTreeMap<_, _> = self.domains.iter().map(|(id, limited)| (*id, share(limited))).collect();
        for session in self.placed() {
            if let Some(share) = projects.get_mut(&session.project) {
                share.used.add(&session.all_slots());
            }
            if let Some(share) = domains.get_mut(&session.domain) {
                share.used.add(&session.all_slots());
            }
        }
        (projects, domains)
    }
}

impl Control {
    /// Locks the mirror for reading.
    pub(crate) fn mirror(&self) -> RwLockReadGuard<'_, Mirror> {
        self.shared.mirror.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the mirror in step with the database. Changed sessions are kept until the loop takes them with
    /// [`Control::take_unlooked`], because others refresh the mirror as well.
    pub(crate) async fn refresh_mirror(&self) -> Result<()> {
        // One at a time: an older answer must not overtake a newer one.
        let _one = self.shared.mirroring.lock().await;
        Lane::without(self.refresh_mirror_now()).await
    }

    async fn refresh_mirror_now(&self) -> Result<()> {
        let newest = *self.store.events_grew().borrow();
        let Some(seen) = self.mirror().seen else { return self.reload_and_look_at_all(newest).await };
        if newest <= seen {
            return Ok(());
        }
        let changed = self.store.sessions_changed(seen).await?;
        let Some(Changed { mut ids, people, limits, last }) = changed else { return self.reload_and_look_at_all(newest).await };
        if !people.is_empty() {
            let people: HashSet<UserId> = people.into_iter().collect();
            let mirror = self.mirror();
            ids.extend(people.iter().flat_map(|person| mirror.of_owner(*person)).map(|session| session.id));
        }
        // Before the mirror has them, so that a failure from here on leaves them to be looked at instead of forgotten.
        self.keep_unlooked(&ids);
        if limits {
            // Every session may have other limits now, but none of them has moved because of that.
            return self.reload_mirror(newest).await;
        }
        let living = self.store.living_among(&ids).await?;
        let mut mirror = self.shared.mirror.write().unwrap_or_else(PoisonError::into_inner);
        ids.iter().for_each(|id| mirror.remove(*id));
        living.into_iter().for_each(|session| mirror.put(session));
        mirror.seen = Some(last);
        Ok(())
    }

    /// Has the next refresh read everything again.
    pub(crate) fn forget_mirror(&self) {
        self.shared.mirror.write().unwrap_or_else(PoisonError::into_inner).seen = None;
    }

    /// Takes the sessions that changed since the last call.
    pub(crate) fn take_unlooked(&self) -> HashSet<SessionId> {
        std::mem::take(&mut self.shared.unlooked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has these sessions looked at in the next round.
    pub(crate) fn keep_unlooked(&self, ids: &[SessionId]) {
        self.shared.unlooked.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    }

    /// Reads everything again and has every session looked at, since it is unknown which ones changed.
    async fn reload_and_look_at_all(&self, newest: i64) -> Result<()> {
        self.reload_mirror(newest).await?;
        let ids: Vec<_> = self.mirror().all().map(|session| session.id).collect();
        self.keep_unlooked(&ids);
        Ok(())
    }

    async fn reload_mirror(&self, newest: i64) -> Result<()> {
        // Changes from here on are read again with the next events.
        let living = self.store.living_sessions().await?;
        let policies = self.store.every_keypair_policy().await?;
        let groups = self.store.every_resource_group().await?;
        let settings = self.store.scheduler_settings().await?;
        let (projects, domains) = self.store.shares().await?;
        let mut fresh = Mirror {
            policies: policies.into_iter().map(|policy| (policy.name.clone(), policy)).collect(),
            groups: groups.into_iter().map(|group| (group.name.clone(), group)).collect(),
            settings,
            projects: projects.into_iter().map(|(id, name, limit)| (id, (name, limit))).collect(),
            domains: domains.into_iter().map(|(id, name, limit)| (id, (name, limit))).collect(),
            seen: Some(newest),
            ..Mirror::default()
        };
        living.into_iter().for_each(|session| fresh.put(session));
        *self.shared.mirror.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}
