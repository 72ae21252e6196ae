//! The scheduler: a pure function from a snapshot of the cluster to decisions. No clock, no database, no engine; the same
//! snapshot always gives the same decisions, on the server and in the browser.
//!
//! The order is first in, first out within a resource group. A session that waits only for somebody else's resources holds up
//! those behind it, so that a large one is not starved by small ones. One that could not start even on an empty cluster, or
//! that its own keypair's limits hold back, holds up nobody.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::id::SessionId;
use types::policy::KeypairPolicy;
use types::quantity::{Quantity, Slots, describe};

/// An agent with what is still free on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    pub agent: String,
    pub resource_group: String,
    pub capacity: Slots,
    pub free: Slots,
}

/// What the sessions of one keypair hold now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub sessions: u32,
    pub slots: Slots,
}

/// A session in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub id: SessionId,
    pub access_key: String,
    pub policy: String,
    pub resource_group: String,
    pub slots: Slots,
}

/// Everything a decision depends on. The queue is in the order in which its sessions were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub rooms: Vec<Room>,
    pub policies: BTreeMap<String, KeypairPolicy>,
    pub held: BTreeMap<String, Held>,
    pub queue: Vec<Waiting>,
}

/// What becomes of a waiting session now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// It gets this agent.
    Place(String),
    Wait(Reason),
}

/// Why a session waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its resource group has no agent.
    NoAgent { resource_group: String },
    /// No agent of its group has that much even when empty; each slot with what is asked and the most that an agent has.
    TooLarge { missing: Vec<(String, Quantity, Quantity)> },
    /// It would fit, once others have ended; each slot with what is asked and the most that is free on one agent now.
    Busy { missing: Vec<(String, Quantity, Quantity)> },
    /// Its keypair runs as many sessions as it may.
    TooManySessions { policy: String, limit: u32 },
    /// Its keypair's sessions would hold more than they may; slot, asked, in use, limit.
    OverPolicy { policy: String, slot: String, asked: Quantity, used: Quantity, limit: Quantity },
    /// Others in front of it wait for resources first.
    Behind { ahead: u32 },
}

impl Reason {
    /// The reason as a sentence for the person who waits.
    pub fn describe(&self) -> String {
        let list = |missing: &[(String, Quantity, Quantity)], has: &str| {
            let parts: Vec<_> = missing
                .iter()
                .map(|(slot, asked, most)| format!("it asks for {}, {has} {}", describe(slot, *asked), describe(slot, *most)))
                .collect();
            parts.join("; ")
        };
        match self {
            Self::NoAgent { resource_group } => format!("Waits for an agent: resource group {resource_group} has none."),
            Self::TooLarge { missing } => format!("Cannot start here: {}.", list(missing, "the largest agent has")),
            Self::Busy { missing } => format!("Waits for resources: {}.", list(missing, "the most that is free on one agent is")),
            Self::TooManySessions { policy, limit } => {
                format!("Waits for one of your sessions to end: policy {policy} allows {limit} at a time.")
            }
            Self::OverPolicy { policy, slot, asked, used, limit } => format!(
                "Waits for your own sessions: policy {policy} allows {}; in use: {}; this one asks for {}.",
                describe(slot, *limit),
                describe(slot, *used),
                describe(slot, *asked)
            ),
            Self::Behind { ahead: 1 } => "Waits its turn: 1 session is ahead of it.".into(),
            Self::Behind { ahead } => format!("Waits its turn: {ahead} sessions are ahead of it."),
        }
    }
}

/// Decides about every session of the queue, in its order.
pub fn schedule(snapshot: &Snapshot) -> Vec<(SessionId, Decision)> {
    let mut rooms = snapshot.rooms.clone();
    let mut held = snapshot.held.clone();
    // Per resource group: how many sessions wait for resources in front of the next one.
    let mut blocked: BTreeMap<&str, u32> = BTreeMap::new();
    let mut decisions = Vec::with_capacity(snapshot.queue.len());
    for session in &snapshot.queue {
        let decision = decide(session, &mut rooms, &mut held, &snapshot.policies, &mut blocked);
        decisions.push((session.id, decision));
    }
    decisions
}

fn decide<'a>(
    session: &'a Waiting,
    rooms: &mut [Room],
    held: &mut BTreeMap<String, Held>,
    policies: &BTreeMap<String, KeypairPolicy>,
    blocked: &mut BTreeMap<&'a str, u32>,
) -> Decision {
    let group: Vec<usize> = (0..rooms.len()).filter(|i| rooms[*i].resource_group == session.resource_group).collect();
    if group.is_empty() {
        return Decision::Wait(Reason::NoAgent { resource_group: session.resource_group.clone() });
    }
    if !group.iter().any(|i| fits(&session.slots, &rooms[*i].capacity)) {
        return Decision::Wait(Reason::TooLarge { missing: missing(&session.slots, group.iter().map(|i| &rooms[*i].capacity)) });
    }
    if let Some(policy) = policies.get(&session.policy)
        && let Some(reason) = over_policy(session, policy, held.get(&session.access_key))
    {
        return Decision::Wait(reason);
    }
    let ahead = blocked.entry(session.resource_group.as_str()).or_default();
    if *ahead > 0 {
        *ahead += 1;
        return Decision::Wait(Reason::Behind { ahead: *ahead - 1 });
    }
    match group.iter().find(|i| fits(&session.slots, &rooms[**i].free)) {
        Some(&i) => {
            rooms[i].free.subtract(&session.slots);
            let held = held.entry(session.access_key.clone()).or_default();
            held.sessions += 1;
            held.slots.add(&session.slots);
            Decision::Place(rooms[i].agent.clone())
        }
        None => {
            *ahead += 1;
            Decision::Wait(Reason::Busy { missing: missing(&session.slots, group.iter().map(|i| &rooms[*i].free)) })
        }
    }
}

fn fits(asked: &Slots, has: &Slots) -> bool {
    asked.beyond(has).next().is_none()
}

/// The slots that are short, measured against the agent that is short of the fewest.
fn missing<'a>(asked: &Slots, agents: impl Iterator<Item = &'a Slots>) -> Vec<(String, Quantity, Quantity)> {
    agents
        .map(|has| asked.beyond(has).map(|(slot, asked, has)| (slot.to_owned(), asked, has)).collect::<Vec<_>>())
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

fn over_policy(session: &Waiting, policy: &KeypairPolicy, held: Option<&Held>) -> Option<Reason> {
    let nothing = Held::default();
    let held = held.unwrap_or(&nothing);
    if held.sessions >= policy.max_sessions {
        return Some(Reason::TooManySessions { policy: policy.name.clone(), limit: policy.max_sessions });
    }
    policy.total.0.iter().find_map(|(slot, limit)| {
        let (asked, used) = (session.slots.get(slot), held.slots.get(slot));
        (asked > Quantity::ZERO && asked.plus(used) > *limit).then(|| Reason::OverPolicy {
            policy: policy.name.clone(),
            slot: slot.clone(),
            asked,
            used,
            limit: *limit,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u128) -> SessionId {
        format!("00000000-0000-0000-0000-{n:012}").parse().unwrap()
    }

    fn slots(cpu: i64) -> Slots {
        Slots::cpu_mem(Quantity::whole(cpu), cpu << 30)
    }

    fn room(agent: &str, cpu: i64) -> Room {
        Room { agent: agent.into(), resource_group: "default".into(), capacity: slots(cpu), free: slots(cpu) }
    }

    fn waiting(n: u128, key: &str, cpu: i64) -> Waiting {
        Waiting {
            id: id(n),
            access_key: key.into(),
            policy: "default".into(),
            resource_group: "default".into(),
            slots: slots(cpu),
        }
    }

    fn snapshot(rooms: Vec<Room>, max_sessions: u32, total: Slots, queue: Vec<Waiting>) -> Snapshot {
        let policy = KeypairPolicy { name: "default".into(), max_sessions, total };
        Snapshot { rooms, policies: BTreeMap::from([("default".into(), policy)]), held: BTreeMap::new(), queue }
    }

    fn reasons(snapshot: &Snapshot) -> Vec<String> {
        schedule(snapshot)
            .into_iter()
            .map(|(_, decision)| match decision {
                Decision::Place(agent) => agent,
                Decision::Wait(reason) => reason.describe(),
            })
            .collect()
    }

    #[test]
    fn sessions_start_in_the_order_they_were_asked_for() {
        let queue = vec![waiting(1, "a", 2), waiting(2, "b", 2), waiting(3, "c", 1)];
        let said = reasons(&snapshot(vec![room("vm", 3)], 10, Slots::default(), queue));
        assert_eq!(said[0], "vm");
        assert_eq!(
            said[1],
            "Waits for resources: it asks for 2 CPU cores, the most that is free on one agent is 1 CPU core; \
             it asks for 2 GiB of memory, the most that is free on one agent is 1 GiB of memory."
        );
        assert_eq!(said[2], "Waits its turn: 1 session is ahead of it.");
    }

    #[test]
    fn one_that_can_never_start_says_what_is_missing_and_holds_up_nobody() {
        let queue = vec![waiting(1, "a", 64), waiting(2, "b", 1)];
        let said = reasons(&snapshot(vec![room("vm", 2)], 10, Slots::default(), queue));
        assert!(
            said[0].starts_with("Cannot start here: it asks for 64 CPU cores, the largest agent has 2 CPU cores"),
            "{}",
            said[0]
        );
        assert_eq!(said[1], "vm");
    }

    #[test]
    fn a_keypairs_own_limits_hold_back_only_its_own_sessions() {
        let queue = vec![waiting(1, "a", 1), waiting(2, "a", 1), waiting(3, "b", 1)];
        let said = reasons(&snapshot(vec![room("vm", 8)], 1, Slots::default(), queue.clone()));
        assert_eq!(said[1], "Waits for one of your sessions to end: policy default allows 1 at a time.");
        assert_eq!(said[2], "vm");
        let limit = Slots([("cpu".into(), Quantity::whole(1))].into());
        let said = reasons(&snapshot(vec![room("vm", 8)], 9, limit, queue));
        assert_eq!(
            said[1],
            "Waits for your own sessions: policy default allows 1 CPU core; in use: 1 CPU core; this one asks for 1 CPU core."
        );
        assert_eq!(said[2], "vm");
    }

    #[test]
    fn a_group_without_agents_says_so() {
        let said = reasons(&snapshot(vec![], 1, Slots::default(), vec![waiting(1, "a", 1)]));
        assert_eq!(said[0], "Waits for an agent: resource group default has none.");
    }

    proptest! {
        #[test]
        fn no_agent_and_no_keypair_is_ever_over_its_limit(
            capacities in proptest::collection::vec(1i64..9, 0..5),
            asked in proptest::collection::vec((0usize..4, 1i64..10), 0..40),
            max_sessions in 1u32..6,
            total in 1i64..20,
        ) {
            let rooms: Vec<_> = capacities.iter().enumerate().map(|(i, cpu)| room(&format!("agent{i}"), *cpu)).collect();
            let queue: Vec<_> = asked.iter().enumerate().map(|(n, (key, cpu))| waiting(n as u128, &key.to_string(), *cpu)).collect();
            let limit = Slots([("cpu".into(), Quantity::whole(total))].into());
            let snapshot = snapshot(rooms, max_sessions, limit, queue);
            let decisions = schedule(&snapshot);
            prop_assert_eq!(&decisions, &schedule(&snapshot), "the same snapshot gives the same decisions");

            let mut on: BTreeMap<String, Slots> = BTreeMap::new();
            let mut by: BTreeMap<&str, (u32, Slots)> = BTreeMap::new();
            for (session, (id, decision)) in snapshot.queue.iter().zip(&decisions) {
                prop_assert_eq!(session.id, *id);
                if let Decision::Place(agent) = decision {
                    on.entry(agent.clone()).or_default().add(&session.slots);
                    let held = by.entry(&session.access_key).or_default();
                    held.0 += 1;
                    held.1.add(&session.slots);
                }
            }
            for room in &snapshot.rooms {
                let used = on.remove(&room.agent).unwrap_or_default();
                prop_assert!(used.beyond(&room.capacity).next().is_none());
            }
            for (sessions, held) in by.values() {
                prop_assert!(*sessions <= max_sessions);
                prop_assert!(held.get("cpu") <= Quantity::whole(total));
            }
        }

        #[test]
        fn a_session_starts_before_any_equal_one_that_was_asked_for_later(asked in proptest::collection::vec(1i64..5, 1..30), cpu in 1i64..12) {
            let queue: Vec<_> = asked.iter().enumerate().map(|(n, cpu)| waiting(n as u128, &n.to_string(), *cpu)).collect();
            let decisions = schedule(&snapshot(vec![room("vm", cpu)], 100, Slots::default(), queue));
            let waits: Vec<_> = decisions.iter().map(|(_, d)| matches!(d, Decision::Wait(Reason::Busy { .. } | Reason::Behind { .. }))).collect();
            if let Some(first) = waits.iter().position(|waits| *waits) {
                let placed_after = decisions[first..].iter().any(|(_, d)| matches!(d, Decision::Place(_)));
                prop_assert!(!placed_after);
            }
        }
    }
}
