//! The loop that moves sessions on. It wakes when something happened, brings sessions in line with their engine, ends those whose
//! time is over, and lets the scheduler place those that wait.

use crate::sessions::expected;
use crate::{Control, Result, internal};
use engine::{Change, Image};
use scheduler::{
    Decided, Decision, Dependency, DependencyState, Group, Held, PersonHeld, Reason, Refused, Room, Snapshot, Waiting,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::{LivingSession, Step};
use types::id::{ContainerId, DomainId, SessionId, UserId};
use types::quantity::Slots;
use types::sessions::{Status, StopCause};
use types::system::events::{Audience, Topic};
use types::time::Millis;

/// The time between two rounds when nothing happens: the engine is asked for its agents, and sessions whose time is over are
/// ended.
const TICK: Duration = Duration::from_secs(2);
/// The time between two looks at everything, in case a wake-up was lost with an agent.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Milliseconds between two events that tell pages of changed positions in the queue alone.
const TELL_EVERY: i64 = 3_000;

/// The scheduler's last decisions about waiting sessions.
#[derive(Default)]
pub(crate) struct Queue {
    pub waiting: HashMap<SessionId, Waits>,
    /// The sessions of each group's queue in the order in which they will start.
    pub order: BTreeMap<String, Arc<Vec<SessionId>>>,
    /// How each session has fared that was refused room.
    refused: HashMap<SessionId, Refused>,
    /// When pages were last told of changed positions.
    told: Option<Millis>,
    /// Owners of sessions whose position changed since pages were last told, with their domains.
    untold: BTreeMap<UserId, DomainId>,
}

/// Why a session waits, and its position in the queue if it is in line.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Waits {
    pub reason: Reason,
    pub position: Option<u32>,
}

/// The sessions that have to be looked at in the next round.
#[derive(Default)]
struct Dirty {
    all: bool,
    containers: HashSet<ContainerId>,
    /// Sessions that could not be looked at in the last round.
    sessions: HashSet<SessionId>,
}

impl Dirty {
    fn add(&mut self, change: Change) {
        match change {
            Change::Of(place) => drop(self.containers.insert(place.container)),
            Change::Missed => self.all = true,
        }
    }
}

impl Control {
    /// Runs until the process ends. The first round catches up with everything that the engine did while no server was running.
    pub async fn run(self) {
        let mut changes = self.engine.changes();
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The agents must be known before the first session can be placed.
        self.log_failure(self.refresh_agents().await);
        self.log_failure(self.resume_tasks().await);
        let mut dirty = Dirty::default();
        loop {
            tokio::select! {
                () = self.shared.work.notified() => {}
                change = changes.next() => match change {
                    Some(change) => dirty.add(change),
                    None => return,
                },
                _ = look.tick() => {
                    dirty.all = true;
                    self.log_failure(self.forget_old_tasks().await);
                    self.log_failure(self.stop_strays().await.map(drop));
                }
                _ = tick.tick() => self.log_failure(self.refresh_agents().await),
            }
            // Changes that came meanwhile belong to the same round.
            while let Some(change) = changes.next_now() {
                dirty.add(change);
            }
            let started = Instant::now();
            // Sessions that a failure kept from being looked at remain for the next round.
            match self.look_and_place(&dirty).await {
                Ok(failed) => dirty = Dirty { sessions: failed, ..Dirty::default() },
                failure => {
                    dirty.all = true;
                    self.log_failure(failure.map(drop));
                }
            }
            // A long round is followed by a pause of the same length, so that a large queue does not keep everything else from
            // running.
            let took = started.elapsed();
            if took > Duration::from_millis(100) {
                tokio::time::sleep(took.min(TICK)).await;
            }
        }
    }

    pub(crate) fn log_failure(&self, result: Result<()>) {
        // The cause is in the log already, under the same id.
        if let Err(problem) = result {
            tracing::warn!(%problem, "a round of the queue was left unfinished");
        }
    }

    /// Runs one round that looks at everything, for callers that keep the time themselves instead of using [`Control::run`].
    pub async fn round(&self) -> Result<()> {
        self.refresh_agents().await?;
        self.look_and_place(&Dirty { all: true, ..Dirty::default() }).await.map(drop)
    }

    /// Runs one round. Returns the sessions that could not be looked at.
    async fn look_and_place(&self, dirty: &Dirty) -> Result<HashSet<SessionId>> {
        // One round at a time, since two would give away the same room twice.
        let _one = self.shared.rounds.lock().await;
        self.notice_step().await?;
        self.refresh_mirror().await?;
        let changed = self.take_unlooked();
        let mut failed = self.reconcile(self.sessions_to_look_at(dirty, changed)).await?;
        self.refresh_mirror().await?;
        self.end_overdue_sessions().await?;
        let placed = self.place_waiting().await?;
        if !placed.is_empty() {
            self.refresh_mirror().await?;
            let placed = placed.iter().filter_map(|id| self.mirror().get(*id).cloned()).collect();
            failed.extend(self.reconcile(placed).await?);
        }
        Ok(failed)
    }

    fn sessions_to_look_at(&self, dirty: &Dirty, mut changed: HashSet<SessionId>) -> Vec<Arc<LivingSession>> {
        let mirror = self.mirror();
        let placed = mirror.all().filter(|session| session.status != Status::Pending);
        if dirty.all {
            return placed.cloned().collect();
        }
        changed.extend(&dirty.sessions);
        let has = |session: &LivingSession| {
            let containers = u32::try_from(session.agents.len()).unwrap_or(u32::MAX);
            (0..containers.max(1)).any(|index| dirty.containers.contains(&ContainerId::of(session.id, index)))
        };
        placed.filter(|session| changed.contains(&session.id) || has(session)).cloned().collect()
    }

    /// Lets the scheduler decide, and writes its decisions. Returns the sessions that it placed.
    async fn place_waiting(&self) -> Result<Vec<SessionId>> {
        let snapshot = self.snapshot().await?;
        let groups: HashMap<SessionId, String> =
            snapshot.queue.iter().map(|waiting| (waiting.id, waiting.resource_group.clone())).collect();
        let decided = tokio::task::spawn_blocking(move || scheduler::schedule(&snapshot));
        let decided = decided.await.map_err(internal("scheduling"))?;
        let at = self.now();
        let placements = decided.iter().filter(|decided| !matches!(decided.decision, Decision::Wait(_)));
        let moves: Vec<(Arc<LivingSession>, &Decision)> = {
            let mirror = self.mirror();
            placements.filter_map(|decided| Some((mirror.get(decided.id)?.clone(), &decided.decision))).collect()
        };
        let mut tell = self.keep_reasons(&decided, &groups, at);
        tell.extend(self.barred_since());
        if moves.is_empty() && tell.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.write_decisions(&moves, &tell, at).await;
        if written.is_err() {
            self.tell_later(&tell);
        }
        written
    }

    /// Writes who starts and who is cancelled, and tells pages. Returns the sessions that start.
    async fn write_decisions(
        &self,
        moves: &[(Arc<LivingSession>, &Decision)],
        tell: &[Audience],
        at: Millis,
    ) -> Result<Vec<SessionId>> {
        let mut placed = Vec::new();
        let mut change = self.store.change().await?;
        for (session, decision) in moves {
            let (next, reason, agents) = match decision {
                Decision::Place(agents) => (Status::Scheduled, placed_reason(agents), Some(agents.as_slice())),
                Decision::Cancel(reason) | Decision::Wait(reason) => (Status::Cancelled, reason.describe(), None),
            };
            let cancelled = format!("Session {} was cancelled: {reason}", session.name);
            let notice = (next == Status::Cancelled).then_some(cancelled.as_str());
            let cause = matches!(decision, Decision::Cancel(Reason::PendingTimeout { .. })).then_some(StopCause::Time);
            let step = Step { next, reason: &reason, agents, outcome: None, cause, notice, at };
            let moved = change.move_session(session, &step).await?;
            if moved && next == Status::Scheduled {
                placed.push(session.id);
            }
        }
        for audience in tell {
            change.tell(Topic::Session, "queue", *audience, None, at).await?;
        }
        change.commit().await?;
        Ok(placed)
    }

    /// Keeps whom nobody could tell of what has changed for them.
    fn tell_later(&self, tell: &[Audience]) {
        let mut queue = self.shared.queue.write().unwrap_or_else(PoisonError::into_inner);
        queue.untold.extend(tell.iter().filter_map(|audience| Some((audience.owner?, audience.domain?))));
    }

    /// Keeps why each session waits. Returns the audiences to tell that this has changed: one per owner, however many sessions
    /// they have.
    fn keep_reasons(&self, decided: &[Decided], groups: &HashMap<SessionId, String>, at: Millis) -> Vec<Audience> {
        let mut queue = self.shared.queue.write().unwrap_or_else(PoisonError::into_inner);
        let (mut waiting, mut order) = (HashMap::with_capacity(decided.len()), BTreeMap::<String, Vec<SessionId>>::new());
        let mut refused = HashMap::new();
        let (mut others, mut moved) = (Vec::new(), Vec::new());
        for one in decided {
            let Decided { id, decision, position, .. } = one;
            let Decision::Wait(reason) = decision else { continue };
            let waits = Waits { reason: reason.clone(), position: *position };
            match queue.waiting.get(id) {
                Some(before) if before.reason.check() != reason.check() => others.push(*id),
                Some(before) if *before != waits => moved.push(*id),
                Some(_) => {}
                None => others.push(*id),
            }
            if let Some(group) = groups.get(id) {
                match order.get_mut(group) {
                    Some(ids) => ids.push(*id),
                    None => drop(order.insert(group.clone(), vec![*id])),
                }
            }
            refused.extend(Refused::after(queue.refused.get(id).copied(), one, at).map(|fared| (*id, fared)));
            waiting.insert(*id, waits);
        }
        queue.waiting = waiting;
        queue.order = order.into_iter().map(|(group, ids)| (group, Arc::new(ids))).collect();
        queue.refused = refused;
        drop(queue);
        let (mut owners, moved) = {
            let mirror = self.mirror();
            let owners = |ids: &[SessionId]| -> BTreeMap<UserId, DomainId> {
                ids.iter().filter_map(|id| mirror.get(*id)).map(|session| (session.owner, session.domain)).collect()
            };
            (owners(&others), owners(&moved))
        };
        let mut queue = self.shared.queue.write().unwrap_or_else(PoisonError::into_inner);
        queue.untold.extend(moved);
        if queue.told.is_none_or(|told| at.apart(told) >= TELL_EVERY) && !queue.untold.is_empty() {
            owners.append(&mut queue.untold);
            queue.told = Some(at);
        }
        owners.into_iter().map(|(owner, domain)| Audience { owner: Some(owner), domain: Some(domain) }).collect()
    }

    /// The agents that answer, with their free slots.
    pub(crate) async fn rooms(&self) -> Result<Vec<Room>> {
        let agents = self.known_agents().await?;
        let silent = self.silent_agents();
        let here = agents.into_iter().filter(|agent| agent.lost_at.is_none() && !silent.contains(&agent.report.name));
        let mirror = self.mirror();
        let short = self.short_of_space().is_some();
        let rooms = here.map(|agent| {
            // Sessions in a deactivated group continue to wait there.
            let open = mirror.groups.get(&agent.resource_group).is_none_or(|group| group.active);
            let mut free = agent.report.capacity.clone();
            free.subtract(&agent.occupied);
            let writes_here = agent.report.engine == crate::disk::ENGINE;
            let schedulable = agent.takes_sessions() && open && !(short && writes_here);
            Room {
                agent: agent.report.name,
                engine: agent.report.engine,
                resource_group: agent.resource_group,
                schedulable,
                capacity: agent.report.capacity,
                free,
            }
        });
        Ok(rooms.collect())
    }

    /// Returns a function from an image to the engines that run it; `None` if all engines with agents do.
    async fn engines_of_images(&self, rooms: &[Room]) -> impl Fn(&str) -> Option<Vec<String>> + use<> {
        // While no engine answers, no image is known to run anywhere, and everything waits.
        let images = self.images().await.unwrap_or_default();
        let here: HashSet<&String> = rooms.iter().map(|room| &room.engine).collect();
        let restricted = |image: Image| {
            let all = here.iter().all(|engine| image.engines.contains(engine));
            (image.offer.name, (!all).then_some(image.engines))
        };
        let images: HashMap<String, Option<Vec<String>>> = images.into_iter().map(restricted).collect();
        move |image: &str| images.get(image).cloned().unwrap_or_else(|| Some(Vec::new()))
    }

    /// The scheduler's input.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        let rooms = self.rooms().await?;
        let engines = self.engines_of_images(&rooms).await;
        let dependencies = self.dependencies_of_waiting().await?;
        let typical = self.typical_lengths().await?;
        let now = self.now();
        let queue = self.shared.queue.read().unwrap_or_else(PoisonError::into_inner);
        let mirror = self.mirror();
        let mut held: BTreeMap<String, Held> = BTreeMap::new();
        let mut people: BTreeMap<_, Slots> = BTreeMap::new();
        for session in mirror.placed() {
            let all = session.all_slots();
            let held = held.entry(session.access_key.clone()).or_default();
            held.sessions += 1;
            held.slots.add(&all);
            people.entry((session.owner, session.resource_group.clone())).or_default().add(&all);
        }
        let (projects, domains) = mirror.shares();
        let pending = mirror.all().filter(|session| session.status == Status::Pending && session.barred.is_none());
        let pending = pending.map(|session| (session, expected::limit_of(session, &mirror, now)));
        let waiting = pending.map(|(session, limit)| Waiting {
            id: session.id,
            name: session.name.clone(),
            user: session.owner,
            access_key: session.access_key.clone(),
            policy: session.policy.clone(),
            project: session.project,
            domain: session.domain,
            resource_group: session.resource_group.clone(),
            priority: session.priority,
            engines: engines(&session.image),
            slots: session.slots.clone(),
            cluster: session.cluster,
            created_at: session.created_mark(),
            starts_at: session.starts_at,
            depends_on: dependencies.get(&session.id).cloned().unwrap_or_default(),
            limit,
            lasts: limit.or(typical.get(&session.resource_group).copied()),
            refused: queue.refused.get(&session.id).copied(),
        });
        let running = mirror.placed();
        let running = running.map(|one| expected::running(one, &mirror, typical.get(&one.resource_group).copied(), now));
        Ok(Snapshot {
            now,
            groups: mirror
                .groups
                .iter()
                .map(|(name, group)| {
                    let rules = Group {
                        scheduler: mirror.settings.scheduler_of(group),
                        placement: group.placement,
                        retries_to_skip: mirror.settings.retries_of(group),
                        pending_timeout: group.pending_timeout,
                    };
                    (name.clone(), rules)
                })
                .collect(),
            agents: rooms,
            policies: mirror.policies.clone(),
            held,
            projects,
            domains,
            people: people
                .into_iter()
                .map(|((user, resource_group), slots)| PersonHeld { user, resource_group, slots })
                .collect(),
            running: running.collect(),
            queue: waiting.collect(),
        })
    }

    async fn dependencies_of_waiting(&self) -> Result<HashMap<SessionId, Vec<Dependency>>> {
        let rows = self.store.waiting_dependencies().await?;
        let mut all: HashMap<SessionId, Vec<Dependency>> = HashMap::new();
        for (id, _, name, status, outcome) in rows {
            let state = match (status.is_final(), outcome) {
                (false, _) => DependencyState::Waiting,
                (true, Some(outcome)) if status == Status::Terminated && outcome.is_success() => DependencyState::Done,
                (true, _) => DependencyState::Failed,
            };
            all.entry(id).or_default().push(Dependency { name, state });
        }
        Ok(all)
    }
}

fn placed_reason(agents: &[String]) -> String {
    let mut names: Vec<&str> = agents.iter().map(String::as_str).collect();
    names.dedup();
    match agents.len() {
        1 => format!("Placed on {}.", names.join(", ")),
        n => format!("Its {n} containers were placed on {}.", names.join(", ")),
    }
}
