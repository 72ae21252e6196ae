//! The sessions that have not ended, in memory, with what limits them. The database is what counts: the mirror is kept in step
//! with it by the events that every change writes, and can be thrown away and read again at any moment.
//!
//! It is what occupancy is computed from: the sum of what sessions hold, never a counter that could drift from them.

use crate::{Control, Result};
use scheduler::Share;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use store::{Changed, LivingSession};
use types::cluster::resource_groups::{ResourceGroup, SchedulerSettings};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::limits::policies::KeypairPolicy;
use types::quantity::Slots;
use types::sessions::launch::InUse;

/// What is known of everything that has not ended.
#[derive(Default)]
pub(crate) struct Mirror {
    /// By the order in which they were asked for.
    living: BTreeMap<i64, Arc<LivingSession>>,
    numbers: HashMap<SessionId, i64>,
    pub policies: BTreeMap<String, KeypairPolicy>,
    pub groups: BTreeMap<String, ResourceGroup>,
    pub settings: SchedulerSettings,
    /// Projects and domains that limit what their sessions hold; what they hold is added when it is asked for.
    pub projects: BTreeMap<ProjectId, (String, Slots)>,
    pub domains: BTreeMap<DomainId, (String, Slots)>,
    /// The last event that is in it; nothing was read yet when there is none.
    seen: Option<i64>,
}

/// What sessions hold on one agent.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnAgent {
    pub slots: Slots,
    pub sessions: u32,
}

impl Mirror {
    /// Every session, in the order they were asked for.
    pub fn all(&self) -> impl Iterator<Item = &Arc<LivingSession>> {
        self.living.values()
    }

    pub fn get(&self, id: SessionId) -> Option<&Arc<LivingSession>> {
        self.living.get(self.numbers.get(&id)?)
    }

    fn put(&mut self, session: LivingSession) {
        self.numbers.insert(session.id, session.seq);
        self.living.insert(session.seq, Arc::new(session));
    }

    fn remove(&mut self, id: SessionId) {
        if let Some(seq) = self.numbers.remove(&id) {
            self.living.remove(&seq);
        }
    }

    /// What a person's sessions hold, and how many of them wait.
    pub fn in_use(&self, owner: UserId) -> InUse {
        let mut using = InUse::default();
        for session in self.all().filter(|session| session.owner == owner) {
            if session.status.occupies() {
                using.sessions += 1;
                using.slots.add(&session.all_slots());
            } else {
                using.pending += 1;
            }
        }
        using
    }

    /// What sessions hold, by agent.
    pub fn on_agents(&self) -> HashMap<&str, OnAgent> {
        let mut on: HashMap<&str, OnAgent> = HashMap::new();
        for session in self.all().filter(|session| session.status.occupies()) {
            let mut agents = BTreeSet::new();
            for agent in &session.agents {
                let held = on.entry(agent).or_default();
                held.slots.add(&session.slots);
                held.sessions += u32::from(agents.insert(agent));
            }
        }
        on
    }

    /// What the sessions of each project and domain hold, where that is limited.
    pub fn shares(&self) -> (BTreeMap<ProjectId, Share>, BTreeMap<DomainId, Share>) {
        let share = |(name, limit): &(String, Slots)| Share { name: name.clone(), limit: limit.clone(), used: Slots::default() };
        let mut projects: BTreeMap<_, _> = self.projects.iter().map(|(id, limited)| (*id, share(limited))).collect();
        let mut domains: BTreeMap<_, _> = self.domains.iter().map(|(id, limited)| (*id, share(limited))).collect();
        for session in self.all().filter(|session| session.status.occupies()) {
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
    /// Looks at the mirror.
    pub(crate) fn mirror(&self) -> RwLockReadGuard<'_, Mirror> {
        self.shared.mirror.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the mirror in step with the database. What changed is kept until the loop has taken it, see [`Control::unlooked`]:
    /// the loop is not the only one who comes by here.
    pub(crate) async fn refresh_mirror(&self) -> Result<()> {
        // One at a time: an older answer must not overtake a newer one.
        let _one = self.shared.mirroring.lock().await;
        let newest = *self.store.events_grew().borrow();
        let Some(seen) = self.mirror().seen else { return self.reload_whole(newest).await };
        if newest <= seen {
            return Ok(());
        }
        let changed = self.store.sessions_changed(seen).await?;
        let Some(Changed { ids, limits, last }) = changed else { return self.reload_whole(newest).await };
        // Before the mirror has them: whoever fails from here on leaves them to be looked at, not forgotten.
        self.keep_unlooked(&ids);
        if limits {
            // Every session may be limited otherwise now, but none of them has moved for that.
            return self.reload_mirror(newest).await;
        }
        let living = self.store.living_among(&ids).await?;
        let mut mirror = self.shared.mirror.write().unwrap_or_else(PoisonError::into_inner);
        ids.iter().for_each(|id| mirror.remove(*id));
        living.into_iter().for_each(|session| mirror.put(session));
        mirror.seen = Some(last);
        Ok(())
    }

    /// The sessions that changed since this was last asked.
    pub(crate) fn unlooked(&self) -> HashSet<SessionId> {
        std::mem::take(&mut self.shared.unlooked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// These are looked at in the next round.
    pub(crate) fn keep_unlooked(&self, ids: &[SessionId]) {
        self.shared.unlooked.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    }

    /// When nobody can tell what changed, everything may have.
    async fn reload_whole(&self, newest: i64) -> Result<()> {
        self.reload_mirror(newest).await?;
        let ids: Vec<_> = self.mirror().all().map(|session| session.id).collect();
        self.keep_unlooked(&ids);
        Ok(())
    }

    async fn reload_mirror(&self, newest: i64) -> Result<()> {
        // Whatever changes from here on comes again with the next events.
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
