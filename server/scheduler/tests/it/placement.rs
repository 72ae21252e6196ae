//! Which agent a session gets, and what is said when it gets none.

use crate::yard::{GROUP, group, id, room, several, slots, snapshot, waiting, with_gpu};
use scheduler::{Decided, Decision, Dependency, DependencyState, Group, Held, Reason, Share, Snapshot, schedule};
use std::collections::BTreeMap;
use types::id::ProjectId;
use types::launch::ClusterMode;
use types::policy::KeypairPolicy;
use types::quantity::{Quantity, Slots};
use types::resource_group::{Placement, SchedulerKind};
use types::time::Millis;

fn said(snapshot: &Snapshot) -> BTreeMap<u128, String> {
    let words = |decided: Decided| match decided.decision {
        Decision::Place(agents) => agents.join(","),
        Decision::Wait(reason) => reason.describe(),
        Decision::Cancel(reason) => format!("cancelled: {}", reason.describe()),
    };
    schedule(snapshot).into_iter().map(|decided| (decided.id.0.as_u128(), words(decided))).collect()
}

fn fifo() -> Group {
    group(SchedulerKind::Fifo)
}

#[test]
fn sessions_start_in_the_order_they_were_asked_for_and_those_behind_wait_their_turn() {
    let queue = vec![waiting(1, 1, slots(2)), waiting(2, 2, slots(2)), waiting(3, 3, slots(1))];
    let said = said(&snapshot(fifo(), vec![room("vm", slots(3))], queue));
    assert_eq!(said[&1], "vm");
    assert_eq!(
        said[&2],
        "Waits for resources: it asks for 2 CPU cores, the most that is free on one agent is 1 CPU core; \
         it asks for 2 GiB of memory, the most that is free on one agent is 1 GiB of memory."
    );
    assert_eq!(said[&3], "Waits its turn: 1 session is ahead of it.");
}

#[test]
fn one_that_can_never_start_says_what_is_missing_and_holds_up_nobody() {
    let queue = vec![waiting(1, 1, slots(64)), waiting(2, 2, slots(1))];
    let said = said(&snapshot(fifo(), vec![room("vm", slots(2))], queue));
    assert!(said[&1].starts_with("Cannot start here: it asks for 64 CPU cores, the largest agent has 2 CPU cores"), "{said:?}");
    assert_eq!(said[&2], "vm");
}

#[test]
fn a_keypairs_own_limits_hold_back_only_its_own_sessions() {
    let queue = vec![waiting(1, 1, slots(1)), waiting(2, 1, slots(1)), waiting(3, 2, slots(1))];
    let mut yard = snapshot(fifo(), vec![room("vm", slots(8))], queue);
    let policy = KeypairPolicy { max_sessions: Some(1), ..KeypairPolicy::new("default") };
    yard.policies.insert("default".into(), policy.clone());
    let words = said(&yard);
    assert_eq!(words[&2], "Waits for one of your sessions to end: policy default allows 1 at a time.");
    assert_eq!(words[&3], "vm");
    let total = Slots([("cpu".into(), Quantity::whole(1))].into());
    yard.policies.insert("default".into(), KeypairPolicy { max_sessions: None, total, ..policy });
    assert_eq!(
        said(&yard)[&2],
        "Waits for your own sessions: policy default allows 1 CPU core; in use: 1 CPU core; this one asks for 1 CPU core."
    );
}

#[test]
fn what_a_project_holds_already_counts_against_its_limit() {
    let mut yard = snapshot(fifo(), vec![room("vm", slots(8))], vec![waiting(1, 1, slots(2))]);
    let share = Share { name: "lab".into(), limit: slots(4), used: slots(3) };
    yard.projects.insert(ProjectId(crate::yard::number(1)), share);
    assert_eq!(
        said(&yard)[&1],
        "Waits for sessions of its project: lab allows 4 CPU cores; in use: 3 CPU cores; this one asks for 2 CPU cores."
    );
}

#[test]
fn a_group_without_agents_or_with_none_that_takes_sessions_says_so() {
    let mut yard = snapshot(fifo(), vec![], vec![waiting(1, 1, slots(1))]);
    assert_eq!(said(&yard)[&1], "Waits for an agent: resource group default has none.");
    yard.agents = vec![scheduler::Room { schedulable: false, ..room("vm", slots(2)) }];
    assert_eq!(said(&yard)[&1], "Waits for an agent: none of resource group default gets new sessions now.");
}

#[test]
fn a_start_time_and_sessions_it_depends_on_hold_a_session_back_and_nobody_else() {
    let on = |state| vec![Dependency { name: "prepare".into(), state }];
    let mut queue = vec![waiting(1, 1, slots(1)), waiting(2, 1, slots(1)), waiting(3, 1, slots(1)), waiting(4, 1, slots(1))];
    queue[0].starts_at = Some(Millis(60_000));
    queue[1].depends_on = on(DependencyState::Waiting);
    queue[2].depends_on = on(DependencyState::Failed);
    queue[3].depends_on = on(DependencyState::Done);
    let said = said(&snapshot(fifo(), vec![room("vm", slots(9))], queue));
    assert_eq!(said[&1], "Waits for its start time, 1970-01-01 00:01:00 UTC.");
    assert_eq!(said[&2], "Waits for prepare to end.");
    assert_eq!(said[&3], "cancelled: It depends on prepare, which did not end well.");
    assert_eq!(said[&4], "vm");
}

#[test]
fn a_session_that_waits_longer_than_its_group_allows_is_cancelled() {
    let rules = Group { pending_timeout: Some(60), ..fifo() };
    let mut yard = snapshot(rules, vec![], vec![waiting(1, 1, slots(1)), waiting(50_000, 1, slots(1))]);
    yard.now = Millis(60_001);
    let said = said(&yard);
    assert_eq!(said[&1], "cancelled: It waited for 1 min 0 s, as long as resource group default allows.");
    assert_eq!(said[&50_000], "Waits for an agent: resource group default has none.");
}

#[test]
fn after_enough_tries_a_session_without_room_no_longer_holds_up_those_behind_it() {
    let rules = Group { retries_to_skip: 3, ..fifo() };
    let mut queue = vec![waiting(1, 1, slots(4)), waiting(2, 2, slots(1))];
    let mut agent = room("vm", slots(4));
    agent.free = slots(1);
    queue[0].tries = 2;
    let before = schedule(&snapshot(rules.clone(), vec![agent.clone()], queue.clone()));
    assert!(before[0].tried && !before[1].tried);
    assert_eq!(before[1].decision, Decision::Wait(Reason::Behind { ahead: 1 }));
    queue[0].tries = 3;
    let after = schedule(&snapshot(rules, vec![agent], queue));
    assert_eq!(after[1].decision, Decision::Place(vec!["vm".into()]));
}

fn placed(placement: Placement, agents: &[(&str, i64)], asked: &[i64]) -> Vec<String> {
    let agents = agents.iter().map(|(name, cpu)| room(name, slots(*cpu))).collect();
    let queue = asked.iter().zip(1..).map(|(cpu, n)| waiting(n, n, slots(*cpu))).collect();
    said(&snapshot(Group { placement, ..fifo() }, agents, queue)).into_values().collect()
}

#[test]
fn placements_choose_the_emptiest_the_fullest_with_room_or_the_next_agent() {
    let agents = [("a", 8), ("b", 4), ("c", 6)];
    assert_eq!(placed(Placement::Dispersed, &agents, &[1, 1, 1, 1]), ["a", "a", "a", "c"]);
    assert_eq!(placed(Placement::Concentrated, &agents, &[3, 1, 1]), ["b", "b", "c"]);
    assert_eq!(placed(Placement::RoundRobin, &agents, &[1, 1, 1, 1]), ["a", "b", "c", "a"]);
}

#[test]
fn a_machine_with_gpus_is_kept_for_those_who_ask_for_them() {
    let agents = || vec![room("cpu", slots(4)), room("gpu", with_gpu(64, "4"))];
    let queue = vec![waiting(1, 1, slots(2)), waiting(2, 1, with_gpu(2, "0.5"))];
    let said = said(&snapshot(fifo(), agents(), queue));
    assert_eq!((said[&1].as_str(), said[&2].as_str()), ("cpu", "gpu"));
}

#[test]
fn ten_tenths_of_a_gpu_are_one_gpu() {
    let queue = (1..=11).map(|n| waiting(n, 1, with_gpu(1, "0.1"))).collect();
    let placed = schedule(&snapshot(fifo(), vec![room("gpu", with_gpu(64, "1"))], queue));
    let placed = placed.iter().filter(|decided| matches!(decided.decision, Decision::Place(_))).count();
    assert_eq!(placed, 10);
}

#[test]
fn containers_of_one_session_lie_together_or_apart_and_all_of_them_or_none() {
    let agents = || vec![room("a", slots(2)), room("b", slots(2))];
    let place =
        |size, mode| said(&snapshot(fifo(), agents(), vec![several(size, mode, waiting(1, 1, slots(1)))])).remove(&1).unwrap();
    assert_eq!(place(2, ClusterMode::SingleNode), "a,a");
    assert!(place(3, ClusterMode::SingleNode).starts_with("Cannot start here: it asks for 3 CPU cores"));
    assert_eq!(place(3, ClusterMode::MultiNode), "a,b,a");
    assert_eq!(
        place(5, ClusterMode::MultiNode),
        "Cannot start here: the agents have no room for 5 such containers even when empty."
    );
    let queue = vec![waiting(1, 1, slots(2)), several(3, ClusterMode::MultiNode, waiting(2, 2, slots(1)))];
    let said = said(&snapshot(fifo(), agents(), queue));
    assert_eq!(said[&2], "Waits for resources: there is room for some of its 3 containers, not for all of them.");
}

#[test]
fn by_dominant_share_whoever_holds_least_of_what_they_have_most_of_goes_first() {
    // Of 8 cores and 8 GiB, person 1 holds 4 cores; person 2 holds 1 GiB and 1 core; person 3 nothing.
    let mut agent = room("vm", slots(8));
    agent.free = slots(3);
    let queue = vec![waiting(1, 1, slots(1)), waiting(2, 2, slots(1)), waiting(3, 3, slots(1)), waiting(4, 3, slots(1))];
    let mut yard = snapshot(group(SchedulerKind::Drf), vec![agent], queue);
    let held = |who, slots| scheduler::PersonHeld {
        user: types::id::UserId(crate::yard::number(who)),
        resource_group: GROUP.into(),
        slots,
    };
    yard.people = vec![held(1, slots(4)), held(2, slots(1))];
    // Person 3 (0), then persons 2 and 3 are even at 1/8 and the one who asked first goes, then person 3, then person 1.
    assert_eq!(scheduler::order(&yard, GROUP), [id(3), id(2), id(4), id(1)]);
    let words = said(&yard);
    assert!(words[&1].starts_with("Waits for resources"), "{words:?}");
    yard.held.insert("KEY3".into(), Held::default());
    assert_eq!(said(&yard), words);
}
