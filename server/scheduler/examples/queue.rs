//! Measures one pass over a long queue: `cargo run --release -p scheduler --example queue -- 10000 1000`. Prints a line for each
//! scheduler: its name, sessions, agents, sessions placed, milliseconds.

use scheduler::{Decision, Group, Refused, Room, Running, Snapshot, Waiting, schedule};
use std::collections::BTreeMap;
use std::time::Instant;
use types::cluster::resource_groups::{Placement, SchedulerKind};
use types::id::{DomainId, ProjectId, SessionId, UserId};
use types::quantity::{Quantity, Slots};
use types::sessions::{Cluster, ClusterMode};
use types::time::Millis;

/// Returns the amounts of session `n`. They vary, so that few requests are alike.
fn asked(n: u64) -> Slots {
    let mut slots = Slots::cpu_mem(Quantity::thousandths(500 + (n * 7919 % 64) as i64 * 125), (1 + (n * 31 % 48) as i64) << 30);
    if n.is_multiple_of(5) {
        slots.0.insert("cuda.shares".into(), Quantity::thousandths(100 * (1 + (n * 13 % 20) as i64)));
    }
    slots
}

fn snapshot(sessions: u64, agents: u64, scheduler: SchedulerKind, retries: u32, held: bool) -> Snapshot {
    let group = Group { scheduler, placement: Placement::Dispersed, retries_to_skip: retries, pending_timeout: None };
    let number = |n: u64| uuid::Uuid::from_u128(u128::from(n));
    let room = |n: u64| {
        let mut capacity = Slots::cpu_mem(Quantity::whole(32), 256 << 30);
        if n.is_multiple_of(3) {
            capacity.0.insert("cuda.shares".into(), Quantity::whole(8));
        }
        Room {
            agent: format!("agent-{n:05}"),
            engine: "simulated".into(),
            resource_group: "default".into(),
            schedulable: true,
            free: capacity.clone(),
            capacity,
        }
    };
    let waiting = |n: u64| Waiting {
        id: SessionId(number(n + 1)),
        name: format!("session-{n}"),
        user: UserId(number(n % 977)),
        access_key: format!("KEY{}", n % 977),
        policy: "default".into(),
        project: ProjectId(number(n % 31)),
        domain: DomainId(number(1)),
        resource_group: "default".into(),
        priority: (n % 3) as u8 * 10,
        engines: None,
        slots: asked(n),
        cluster: Cluster { mode: ClusterMode::SingleNode, size: 1 },
        created_at: Millis(n as i64),
        starts_at: None,
        depends_on: Vec::new(),
        limit: n.is_multiple_of(2).then_some(3600 * (1 + n % 24) as u32),
        lasts: None,
        // Every session has been tried often enough: none holds up another, which is the most expensive case.
        refused: (retries > 0).then_some(Refused { tries: retries, ..Refused::default() }),
    };
    // Four sessions on each agent hold half of its cores, unless the agents are empty.
    let running = |n: u64| Running {
        user: UserId(number(n % 977)),
        access_key: format!("KEY{}", n % 977),
        project: ProjectId(number(n % 31)),
        domain: DomainId(number(1)),
        resource_group: "default".into(),
        agents: vec![format!("agent-{:05}", n / 4)],
        slots: Slots::cpu_mem(Quantity::whole(4), 32 << 30),
        ends_at: Some(Millis(1_000_000 + (n * 7919 % 86_400) as i64 * 1000)),
    };
    let room = |n: u64| {
        let mut room = room(n);
        (0..if held { 4 } else { 0 }).for_each(|_| room.free.subtract(&running(0).slots));
        room
    };
    Snapshot {
        now: Millis(1_000_000),
        groups: BTreeMap::from([("default".to_owned(), group)]),
        agents: (0..agents).map(room).collect(),
        running: (0..if held { agents * 4 } else { 0 }).map(running).collect(),
        queue: (0..sessions).map(waiting).collect(),
        ..Snapshot::default()
    }
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (sessions, agents) = (numbers.next().unwrap_or(10_000), numbers.next().unwrap_or(1_000));
    let cases = [
        ("fifo, on empty agents", SchedulerKind::Fifo, 0, false),
        ("fifo, every session tried, on empty agents", SchedulerKind::Fifo, 3, false),
        ("fifo", SchedulerKind::Fifo, 0, true),
        ("fifo, every session tried", SchedulerKind::Fifo, 3, true),
        ("lifo, every session tried", SchedulerKind::Lifo, 3, true),
        ("drf", SchedulerKind::Drf, 0, true),
    ];
    for (name, scheduler, retries, held) in cases {
        let snapshot = snapshot(sessions, agents, scheduler, retries, held);
        let start = Instant::now();
        let decided = schedule(&snapshot);
        let took = start.elapsed();
        let placed = decided.iter().filter(|one| matches!(one.decision, Decision::Place(_))).count();
        println!("{name}\t{sessions}\t{agents}\t{placed}\t{:.1}", took.as_secs_f64() * 1000.0);
    }
}
