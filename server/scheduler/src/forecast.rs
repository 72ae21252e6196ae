//! Forecasts when the sessions of a queue will start if no new ones arrive: the scheduler's own decisions one after the other,
//! each followed by the next expected end. The caller supplies how long sessions take; nothing here knows why.

use crate::{Decision, DependencyState, Refused, Running, Snapshot, Waiting, schedule};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use types::id::{SessionId, UserId};
use types::quantity::Slots;
use types::sessions::Cluster;
use types::time::Millis;

/// A queue with everything that a forecast needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub snapshot: Snapshot,
    /// The number of waiting sessions. The snapshot holds only the first of them.
    pub total: u32,
}

impl Running {
    fn placed(session: &Waiting, agents: Vec<String>, ends_at: Option<Millis>) -> Self {
        Self {
            user: session.user,
            access_key: session.access_key.clone(),
            project: session.project,
            domain: session.domain,
            resource_group: session.resource_group.clone(),
            agents,
            slots: session.slots.clone(),
            ends_at,
        }
    }

    fn all_slots(&self) -> Slots {
        let size = u32::try_from(self.agents.len()).unwrap_or(u32::MAX);
        Cluster { size, ..Cluster::default() }.of_all(&self.slots)
    }
}

/// Ends within this many milliseconds are treated as one, because each costs a pass over the queue.
const TOGETHER: i64 = 60_000;
/// The pause before a session that found no room is tried again, in milliseconds.
const AGAIN: i64 = 1_000;
/// The most passes; sessions that have not started by then have no forecast.
const MOST_STEPS: usize = 1_000;

/// A forecast, made step by step so that a page stays responsive.
pub struct Forecast {
    snapshot: Snapshot,
    agents: HashMap<String, usize>,
    people: HashMap<(UserId, String), usize>,
    starts: HashMap<SessionId, Millis>,
    steps: usize,
}

impl Forecast {
    /// Starts a forecast from a sample's snapshot, as it is or with other rules to try out.
    pub fn new(snapshot: Snapshot) -> Self {
        let agents = snapshot.agents.iter().enumerate().map(|(index, room)| (room.agent.clone(), index)).collect();
        let people = snapshot.people.iter().enumerate();
        let people = people.map(|(index, held)| ((held.user, held.resource_group.clone()), index)).collect();
        Self { snapshot, agents, people, starts: HashMap::new(), steps: 0 }
    }

    /// Returns the start times that have been worked out so far.
    pub fn starts(&self) -> &HashMap<SessionId, Millis> {
        &self.starts
    }

    /// Makes one pass over the queue and advances to the next end. Returns whether there are more steps.
    pub fn step(&mut self) -> bool {
        self.steps += 1;
        let now = self.snapshot.now;
        let mut decided: HashMap<_, _> = schedule(&self.snapshot).into_iter().map(|one| (one.id, one)).collect();
        let mut passed_over = false;
        let mut left = Vec::with_capacity(self.snapshot.queue.len());
        for mut session in std::mem::take(&mut self.snapshot.queue) {
            let Some(one) = decided.remove(&session.id) else { continue };
            session.refused = Refused::after(session.refused, &one, now);
            match one.decision {
                Decision::Place(agents) => self.start(&session, agents),
                Decision::Cancel(_) => {}
                Decision::Wait(_) => {
                    // Between two ends there is enough time for all tries.
                    let enough = self.snapshot.groups.get(&session.resource_group).map_or(0, |group| group.retries_to_skip);
                    if let Some(refused) = session.refused.as_mut().filter(|refused| one.tried && refused.tries < enough) {
                        (refused.tries, passed_over) = (enough, true);
                    }
                    left.push(session);
                }
            }
        }
        self.snapshot.queue = left;
        if self.snapshot.queue.is_empty() || self.steps >= MOST_STEPS {
            return false;
        }
        if passed_over {
            self.snapshot.now = Millis(now.0 + AGAIN);
            return true;
        }
        self.advance()
    }

    /// Advances to the next moment at which something changes. Returns false if there is none.
    fn advance(&mut self) -> bool {
        let now = self.snapshot.now;
        let free_to_start = |session: &&Waiting| session.depends_on.iter().all(|other| other.state == DependencyState::Done);
        let start_times = self.snapshot.queue.iter().filter(free_to_start).filter_map(|session| session.starts_at);
        let start = start_times.filter(|at| *at > now).min();
        let end = self.snapshot.running.iter().filter_map(|session| session.ends_at).min();
        let Some(next) = start.into_iter().chain(end).min() else { return false };
        let until = Millis(next.0.max(now.0) + TOGETHER);
        let all = std::mem::take(&mut self.snapshot.running);
        let (over, running): (Vec<_>, _) = all.into_iter().partition(|session| session.ends_at.is_some_and(|at| at <= until));
        self.snapshot.running = running;
        let last = over.iter().filter_map(|session| session.ends_at).max();
        self.snapshot.now = last.into_iter().chain(start.filter(|at| *at <= until)).max().unwrap_or(next).max(now);
        over.iter().for_each(|session| self.change_use(session, Slots::subtract, -1));
        true
    }

    fn start(&mut self, session: &Waiting, agents: Vec<String>) {
        let now = self.snapshot.now;
        self.starts.insert(session.id, now);
        let ends_at = session.lasts.map(|seconds| Millis(now.0 + i64::from(seconds) * 1000));
        let running = Running::placed(session, agents, ends_at);
        self.change_use(&running, Slots::add, 1);
        self.snapshot.running.push(running);
    }

    /// Adds a session's resources to every count of use, or subtracts them.
    fn change_use(&mut self, session: &Running, change: fn(&mut Slots, &Slots), sessions: i32) {
        let all = session.all_slots();
        for agent in &session.agents {
            if let Some(room) = self.agents.get(agent).and_then(|index| self.snapshot.agents.get_mut(*index)) {
                let mut used = room.capacity.clone();
                used.subtract(&room.free);
                change(&mut used, &session.slots);
                room.free.clone_from(&room.capacity);
                room.free.subtract(&used);
            }
        }
        let held = self.snapshot.held.entry(session.access_key.clone()).or_default();
        held.sessions = held.sessions.saturating_add_signed(sessions);
        change(&mut held.slots, &all);
        if let Some(share) = self.snapshot.projects.get_mut(&session.project) {
            change(&mut share.used, &all);
        }
        if let Some(share) = self.snapshot.domains.get_mut(&session.domain) {
            change(&mut share.used, &all);
        }
        let person = (session.user, session.resource_group.clone());
        let fresh = self.snapshot.people.len();
        let index = *self.people.entry(person).or_insert(fresh);
        if index == fresh {
            let (user, resource_group) = (session.user, session.resource_group.clone());
            self.snapshot.people.push(crate::PersonHeld { user, resource_group, slots: Slots::default() });
        }
        if let Some(held) = self.snapshot.people.get_mut(index) {
            change(&mut held.slots, &all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{id, room, slots, waiting};
    use crate::{Group, Room};
    use types::cluster::resource_groups::{Placement, SchedulerKind};

    fn group(scheduler: SchedulerKind, retries_to_skip: u32) -> Group {
        Group { scheduler, placement: Placement::Dispersed, retries_to_skip, pending_timeout: None }
    }

    /// Makes a snapshot of one agent with four cores, `busy` of which are held until second `until`.
    fn sample(rules: Group, busy: i64, until: i64, queue: Vec<Waiting>) -> Snapshot {
        let running = Running {
            user: id(199),
            access_key: "KEY99".into(),
            project: id(200),
            domain: id(300),
            resource_group: "default".into(),
            agents: vec!["vm".into()],
            slots: slots(&[("cpu", busy)]),
            ends_at: Some(Millis(until * 1000)),
        };
        let vm = Room { free: slots(&[("cpu", 4 - busy)]), ..room("vm", &[("cpu", 4)]) };
        let queue = queue.into_iter().map(|session| Waiting { lasts: Some(600), ..session }).collect();
        let groups = [("default".into(), rules)].into();
        Snapshot { groups, agents: vec![vm], running: vec![running], queue, ..Snapshot::default() }
    }

    fn all(sample: &Snapshot) -> Vec<(u32, i64)> {
        let mut forecast = Forecast::new(sample.clone());
        while forecast.step() {}
        let number = |session: &SessionId| session.0.as_u128() as u32;
        let mut starts: Vec<_> = forecast.starts().iter().map(|(session, at)| (number(session), at.0 / 1000)).collect();
        // The hexadecimal digits of test ids are meant as decimal ones.
        starts.iter_mut().for_each(|(n, _)| *n = format!("{n:x}").parse().unwrap());
        starts.sort_unstable();
        starts
    }

    fn cores(n: u32, asked: i64) -> Waiting {
        waiting(n, n, &[("cpu", asked)])
    }

    #[test]
    fn a_session_starts_when_others_have_ended_and_those_behind_it_follow() {
        let queue = vec![cores(1, 1), cores(2, 4), cores(3, 1)];
        assert_eq!(all(&sample(group(SchedulerKind::Fifo, 0), 3, 1200, queue)), [(1, 0), (2, 1200), (3, 1800)]);
    }

    #[test]
    fn a_small_session_goes_first_if_it_ends_before_the_room_of_a_large_one_comes_together() {
        let small = |limit| Waiting { limit: Some(limit), ..cores(2, 1) };
        let queue = |limit| vec![cores(1, 4), small(limit)];
        assert_eq!(all(&sample(group(SchedulerKind::Fifo, 3), 3, 1200, queue(600))), [(1, 1200), (2, 1)]);
        assert_eq!(all(&sample(group(SchedulerKind::Fifo, 3), 3, 1200, queue(3600))), [(1, 1200), (2, 1800)]);
        assert_eq!(all(&sample(group(SchedulerKind::Fifo, 0), 3, 1200, queue(600))), [(1, 1200), (2, 1800)]);
    }

    #[test]
    fn an_unknown_end_leaves_the_starts_behind_it_unknown() {
        let mut sample = sample(group(SchedulerKind::Fifo, 0), 3, 1200, vec![cores(1, 4)]);
        sample.running[0].ends_at = None;
        assert_eq!(all(&sample), []);
    }

    #[test]
    fn a_session_waits_for_its_start_time() {
        let queue = vec![Waiting { starts_at: Some(Millis(300_000)), ..cores(1, 1) }];
        assert_eq!(all(&sample(group(SchedulerKind::Fifo, 0), 3, 12_000, queue)), [(1, 300)]);
    }

    #[test]
    fn a_policys_limit_makes_sessions_of_one_person_wait_for_each_other() {
        let mut queue = vec![cores(1, 1), cores(2, 1)];
        queue.iter_mut().for_each(|session| session.access_key = "KEY1".into());
        let mut sample = sample(group(SchedulerKind::Fifo, 0), 1, 12_000, queue);
        let policy = types::limits::policies::KeypairPolicy {
            max_sessions: Some(1),
            ..types::limits::policies::KeypairPolicy::new("default")
        };
        sample.policies.insert("default".into(), policy);
        assert_eq!(all(&sample), [(1, 0), (2, 600)]);
    }
}
