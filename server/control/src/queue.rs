//! The loop that makes sessions move: it wakes when something happened, brings sessions in line with their engine, then lets
//! the scheduler place those that wait.

use crate::{Control, Result, now, store_failed};
use scheduler::{Decision, Held, Reason, Room, Snapshot, Waiting};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use store::{LivingSession, Step};
use tokio::sync::broadcast::error::RecvError;
use types::event::{Audience, Topic};
use types::id::SessionId;
use types::session::Status;

/// The engine is asked for its machines this often, for their live use.
const AGENTS_EVERY: Duration = Duration::from_secs(2);
/// Everything is looked at anew this often, in case a wake-up was lost with a machine.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl Control {
    /// Runs until the process ends. The first round brings everything in line with what the engine did while nobody looked.
    pub async fn run(self) {
        let mut changes = self.engine.changes();
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut agents = tokio::time::interval(AGENTS_EVERY);
        agents.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The agents must be known before the first session can be placed.
        self.log_failure(self.refresh_agents().await);
        loop {
            tokio::select! {
                () = self.shared.work.notified() => {}
                change = changes.recv() => match change {
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = look.tick() => self.log_failure(self.forget_old_events().await),
                _ = agents.tick() => {
                    self.log_failure(self.refresh_agents().await);
                    continue;
                }
            }
            self.log_failure(self.round().await);
        }
    }

    fn log_failure(&self, result: Result<()>) {
        // The cause is in the log already, under the same id.
        if let Err(problem) = result {
            tracing::warn!(%problem, "a round of the queue was left unfinished");
        }
    }

    /// One round. Ends when nothing more can be done now.
    pub(crate) async fn round(&self) -> Result<()> {
        for session in self.living().await? {
            if session.status != Status::Pending {
                self.log_failure(self.reconcile(&session).await);
            }
        }
        let placed = self.place().await?;
        for session in self.living().await?.iter().filter(|session| placed.contains(&session.id)) {
            self.log_failure(self.reconcile(session).await);
        }
        Ok(())
    }

    async fn living(&self) -> Result<Vec<LivingSession>> {
        self.store.living_sessions().await.map_err(store_failed("reading the queue"))
    }

    /// Lets the scheduler decide, and keeps what it decided.
    async fn place(&self) -> Result<BTreeSet<SessionId>> {
        let living = self.living().await?;
        let snapshot = self.snapshot(&living).await?;
        let by_id: HashMap<SessionId, &LivingSession> = living.iter().map(|session| (session.id, session)).collect();
        let (mut placed, mut waiting) = (BTreeSet::new(), HashMap::new());
        let mut placements = Vec::new();
        for (id, decision) in scheduler::schedule(&snapshot) {
            match decision {
                Decision::Place(agent) => placements.extend(by_id.get(&id).map(|session| (*session, agent))),
                Decision::Wait(reason) => drop(waiting.insert(id, reason)),
            }
        }
        let changed = self.owners_of_changed(&waiting, &by_id);
        if placements.is_empty() && changed.is_empty() {
            return Ok(placed);
        }
        *self.shared.waiting.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = waiting;
        let at = now();
        let mut change = self.store.change().await.map_err(store_failed("placing sessions"))?;
        for (session, agent) in placements {
            let reason = format!("Placed on {agent}.");
            if change
                .move_session(
                    session,
                    &Step { next: Status::Scheduled, reason: &reason, agent: Some(&agent), outcome: None, notice: None, at },
                )
                .await
                .map_err(store_failed("placing a session"))?
            {
                placed.insert(session.id);
            }
        }
        for audience in changed {
            change.tell(Topic::Session, "queue", audience, None, at).await.map_err(store_failed("telling of the queue"))?;
        }
        change.commit().await.map_err(store_failed("placing sessions"))?;
        Ok(placed)
    }

    /// Who must hear that their sessions wait for another reason than before: one event each, however many sessions.
    fn owners_of_changed(
        &self,
        waiting: &HashMap<SessionId, Reason>,
        by_id: &HashMap<SessionId, &LivingSession>,
    ) -> Vec<Audience> {
        let before = self.shared.waiting.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let owners: BTreeMap<_, _> = waiting
            .iter()
            .filter(|(id, reason)| before.get(id) != Some(reason))
            .filter_map(|(id, _)| by_id.get(id).map(|session| (session.owner, session.domain)))
            .collect();
        owners.into_iter().map(|(owner, domain)| Audience { owner: Some(owner), domain: Some(domain) }).collect()
    }

    async fn snapshot(&self, living: &[LivingSession]) -> Result<Snapshot> {
        let policies = self.store.keypair_policies().await.map_err(store_failed("reading policies"))?;
        let rooms = self.known_agents().await?.into_iter().map(|agent| {
            let mut free = agent.report.capacity.clone();
            free.subtract(&agent.occupied);
            Room { agent: agent.report.name, resource_group: agent.resource_group, capacity: agent.report.capacity, free }
        });
        let mut held: BTreeMap<String, Held> = BTreeMap::new();
        for session in living.iter().filter(|session| session.status.occupies()) {
            let held = held.entry(session.access_key.clone()).or_default();
            held.sessions += 1;
            held.slots.add(&session.slots);
        }
        let queue = living.iter().filter(|session| session.status == Status::Pending).map(|session| Waiting {
            id: session.id,
            access_key: session.access_key.clone(),
            policy: session.policy.clone(),
            resource_group: session.resource_group.clone(),
            slots: session.slots.clone(),
        });
        Ok(Snapshot {
            rooms: rooms.collect(),
            policies: policies.into_iter().map(|policy| (policy.name.clone(), policy)).collect(),
            held,
            queue: queue.collect(),
        })
    }
}
