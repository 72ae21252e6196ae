//! How long sessions wait, whatever the cluster and the queue.

use crate::clusters::{Free, bystander, decided, group, id, served_by, slots, snapshots};
use proptest::prelude::*;
use scheduler::{Decision, Group, Refused, Room, Running, Snapshot, Waiting, schedule};
use std::collections::BTreeMap;
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::id::SessionId;
use types::quantity::Quantity;
use types::sessions::{Cluster, ClusterMode};
use types::time::Millis;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_session_that_competes_for_nothing_scarce_starts_in_the_round_it_was_asked_for(
        mut snapshot in snapshots(),
        scheduler in prop::sample::select(SchedulerKind::ALL),
        skip in 0u32..4,
        priority in 0u8..30,
        cores in 1i64..9,
    ) {
        // Devices may be short, cores and memory are not: each agent has more of them than all ask for.
        for room in &mut snapshot.agents {
            for amounts in [&mut room.capacity, &mut room.free] {
                amounts.0.insert("cpu".into(), Quantity::whole(10_000));
                amounts.0.insert("mem".into(), Quantity::whole(10_000));
            }
            room.schedulable = true;
        }
        prop_assume!(snapshot.agents.iter().any(|room| room.resource_group == group(0)));
        let mut snapshot = served_by(snapshot, scheduler, skip);
        let alone = Waiting { id: id(99), priority, slots: slots((cores, cores, 0)), ..bystander(&snapshot) };
        snapshot.queue.push(alone);
        let decided = decided(&snapshot);
        let (_, mine) = decided.iter().find(|(session, _)| session.id == id(99)).unwrap();
        prop_assert!(matches!(mine.decision, Decision::Place(_)), "{:?}", mine.decision);
    }

    #[test]
    fn the_highest_priority_waits_no_longer_than_the_longest_limit_of_those_that_run(
        agents in prop::collection::vec((1i64..6, 1i64..6, prop_oneof![Just(0i64), 1i64..4]), 1..5),
        scheduler in prop::sample::select(SchedulerKind::ALL),
        placement in prop::sample::select(Placement::ALL),
        skip in 0u32..4,
        asked in ((1i64..6, 1i64..6, 0i64..4), prop::sample::select(ClusterMode::ALL), 1u32..3),
        mut arrivals in prop::collection::vec(((1i64..4, 1i64..4, 0i64..3), prop::option::of(1u32..40), 0u32..60, 0usize..3), 0..80),
    ) {
        let rooms = agents.iter().enumerate().map(|(n, (cpu, mem, gpu))| {
            let capacity = slots((*cpu, *mem, *gpu * 10));
            Room { agent: format!("agent{n}"), engine: String::new(), resource_group: group(0), schedulable: true, free: capacity.clone(), capacity }
        });
        let rules = Group { scheduler, placement, retries_to_skip: skip, pending_timeout: None };
        let mut cluster = Snapshot { groups: [(group(0), rules)].into(), agents: rooms.collect(), ..Snapshot::default() };
        let ((cpu, mem, gpu), mode, size) = asked;
        let (cpu, mem, gpu) = (cpu.min(agents[0].0), mem.min(agents[0].1), gpu.min(agents[0].2));
        let urgent = Waiting { id: id(999), priority: 100, slots: slots((cpu, mem, gpu * 10)), cluster: Cluster { mode, size }, ..bystander(&cluster) };
        if !Free::new(&cluster).has_room_for(&urgent) {
            return Ok(());
        }
        arrivals.sort_by_key(|(_, _, at, _)| *at);
        let mut arrivals = arrivals.into_iter().enumerate().peekable();
        let mut latest = None;
        let mut ends: BTreeMap<SessionId, (Option<Millis>, Running)> = BTreeMap::new();
        for second in 0..200u32 {
            cluster.now = Millis(i64::from(second) * 1000);
            let now = cluster.now;
            for (_, running) in ends.extract_if(.., |_, (at, _)| at.is_some_and(|at| at <= now)).map(|(_, one)| one) {
                for agent in &running.agents {
                    cluster.agents.iter_mut().filter(|room| room.agent == *agent).for_each(|room| room.free.add(&running.slots));
                }
            }
            // Those that run when it is asked for have a limit; those that come later need not.
            while let Some((n, (asked, limit, _, who))) = arrivals.next_if(|(_, (_, _, at, _))| *at <= second) {
                let limit = if second < 30 { Some(limit.unwrap_or(40)) } else { limit };
                let session = Waiting { id: id(n), user: id(100 + who), slots: slots((asked.0, asked.1, asked.2 * 10)), limit, ..bystander(&cluster) };
                cluster.queue.push(session);
            }
            if second == 30 {
                let longest = ends.values().filter_map(|(at, _)| *at).max().unwrap_or(now);
                // Sessions that wait already may start in the same round, behind it, and are bound by what they would delay.
                latest = Some(Millis(longest.0 + 1000));
                cluster.queue.push(urgent.clone());
            }
            cluster.running = ends.values().map(|(_, running)| running.clone()).collect();
            let decided: BTreeMap<_, _> = schedule(&cluster).into_iter().map(|one| (one.id, one)).collect();
            for mut session in std::mem::take(&mut cluster.queue) {
                let one = &decided[&session.id];
                session.refused = Refused::after(session.refused, one, now);
                let Decision::Place(agents) = &one.decision else {
                    cluster.queue.push(session);
                    continue;
                };
                if session.id == urgent.id {
                    return Ok(());
                }
                for agent in agents {
                    cluster.agents.iter_mut().filter(|room| room.agent == *agent).for_each(|room| room.free.subtract(&session.slots));
                }
                let ends_at = session.limit.map(|limit| Millis(now.0 + i64::from(limit) * 1000));
                let running = Running {
                    user: session.user,
                    access_key: session.access_key.clone(),
                    project: session.project,
                    domain: session.domain,
                    resource_group: group(0),
                    agents: agents.clone(),
                    slots: session.slots.clone(),
                    ends_at,
                };
                ends.insert(session.id, (ends_at, running));
            }
            prop_assert!(latest.is_none_or(|latest| now < latest), "it still waits at {:?}", now);
        }
    }
}
