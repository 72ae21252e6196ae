//! The simulated engine: a cluster without processes that refuses what a real one could not do.

use crate::common::spec;
use engine::simulated::{Scenario, SimulatedEngine};
use engine::{Engine, EngineError, Launch, LaunchSpec, RunState, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use types::id::ContainerId;
use types::quantity::{Quantity, Slots};
use types::sessions::Outcome;
use types::time::Millis;

const MACHINES: &str = r#"
[[agents]]
name = "v100"
count = 2
resource_group = "gpus"
slots = { cpu = "4", mem = "8g", "cuda.shares" = "1.5" }

[sessions]
start_seconds = 2
"#;

fn yard() -> (SimulatedEngine, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(1_000_000));
    let clock = now.clone();
    let scenario: Scenario = MACHINES.parse().unwrap();
    (SimulatedEngine::with_clock(scenario, Arc::new(move || Millis(clock.load(Ordering::SeqCst)))), now)
}

fn id(n: u128) -> ContainerId {
    ContainerId(uuid::Uuid::from_u128(n))
}

fn batch(command: &str, shares: &str) -> LaunchSpec {
    let mut slots = Slots::cpu_mem(Quantity::whole(1), 1 << 30);
    slots.0.insert("cuda.shares".into(), shares.parse().unwrap());
    LaunchSpec { slots, ..spec(Launch::Batch(command.into())) }
}

#[tokio::test]
async fn a_container_starts_runs_and_ends_when_its_command_says() {
    let (engine, now) = yard();
    let mut changes = engine.changes();
    engine.start(id(1), "v100-1", &batch("echo hello; sleep 10; exit 3", "0.5")).await.unwrap();
    assert_eq!(engine.state(id(1)).await.unwrap(), RunState::Starting);
    now.fetch_add(2_000, Ordering::SeqCst);
    engine.advance();
    assert_eq!(changes.try_recv().unwrap(), id(1));
    assert_eq!(engine.state(id(1)).await.unwrap(), RunState::Running(Millis(1_002_000)));
    assert_eq!(engine.containers().await.unwrap(), [(id(1), "v100-1".to_owned())]);
    now.fetch_add(10_000, Ordering::SeqCst);
    engine.advance();
    assert_eq!(changes.try_recv().unwrap(), id(1));
    let ended = RunState::Ended { outcome: Outcome::Exited(3), at: Millis(1_012_000) };
    assert_eq!(engine.state(id(1)).await.unwrap(), ended);
    assert!(engine.containers().await.unwrap().is_empty());
    let log = engine.log(id(1), 0, 10_000).await.unwrap();
    assert!(log.end && log.text.contains("Exit code 3"), "{log:?}");
}

#[tokio::test]
async fn a_machine_never_holds_more_than_it_has_and_starting_twice_is_once() {
    let (engine, _) = yard();
    engine.start(id(1), "v100-1", &batch("sleep 10", "1")).await.unwrap();
    engine.start(id(1), "v100-1", &batch("sleep 10", "1")).await.unwrap();
    assert_eq!(engine.running().len(), 1);
    assert!(matches!(engine.start(id(2), "v100-1", &batch("sleep 10", "0.6")).await, Err(EngineError::Full(_))));
    engine.start(id(2), "v100-1", &batch("sleep 10", "0.5")).await.unwrap();
    assert!(engine.start(id(3), "v100-9", &batch("sleep 10", "0.5")).await.is_err());
}

#[tokio::test]
async fn a_lost_machine_says_nothing_and_a_crashed_one_has_nothing_left() {
    let (engine, now) = yard();
    engine.start(id(1), "v100-1", &batch("sleep 100", "0.5")).await.unwrap();
    engine.start(id(2), "v100-2", &batch("sleep 100", "0.5")).await.unwrap();
    engine.lose_agent("v100-1");
    engine.crash_agent("v100-2");
    assert!(engine.agents().await.unwrap().is_empty());
    assert!(matches!(engine.state(id(1)).await, Err(EngineError::AgentAway(_))));
    now.fetch_add(5_000, Ordering::SeqCst);
    engine.return_agent("v100-1");
    engine.return_agent("v100-2");
    assert!(matches!(engine.state(id(1)).await.unwrap(), RunState::Running(_)));
    assert!(matches!(engine.state(id(2)).await.unwrap(), RunState::Ended { outcome: Outcome::Lost, .. }));
}

#[tokio::test]
async fn one_that_is_asked_to_end_ends_a_little_later_and_by_force_at_once() {
    let (engine, now) = yard();
    for n in 1..=2 {
        engine.start(id(n), "v100-1", &batch("sleep 100", "0.5")).await.unwrap();
    }
    now.fetch_add(3_000, Ordering::SeqCst);
    engine.stop(id(1), Stop::Gently(5_000)).await.unwrap();
    engine.stop(id(2), Stop::Now).await.unwrap();
    assert!(matches!(engine.state(id(1)).await.unwrap(), RunState::Running(_)));
    assert!(matches!(engine.state(id(2)).await.unwrap(), RunState::Ended { outcome: Outcome::Signalled(9), .. }));
    now.fetch_add(1_000, Ordering::SeqCst);
    assert!(matches!(engine.state(id(1)).await.unwrap(), RunState::Ended { outcome: Outcome::Signalled(15), .. }));
}

#[tokio::test]
async fn the_next_server_finds_the_containers_of_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("simulated.log");
    let open = || SimulatedEngine::open(MACHINES.parse().unwrap(), file.clone()).unwrap();
    let first = open();
    first.start(id(1), "v100-1", &batch("sleep 100", "0.5")).await.unwrap();
    first.start(id(2), "v100-1", &batch("sleep 100", "0.5")).await.unwrap();
    first.stop(id(2), Stop::Now).await.unwrap();
    drop(first);
    // As a crash leaves it, in the middle of a line.
    let torn = std::fs::read_to_string(&file).unwrap() + "[\"0000";
    std::fs::write(&file, torn).unwrap();
    let second = open();
    assert_eq!(second.running(), [(id(1), "v100-1".to_owned())]);
    assert!(matches!(second.state(id(2)).await.unwrap(), RunState::Ended { .. }));
    assert!(matches!(second.start(id(3), "v100-1", &batch("sleep 1", "1.5")).await, Err(EngineError::Full(_))));
}

#[test]
fn a_mistake_in_a_scenario_is_named() {
    let wrong = |text: &str| text.parse::<Scenario>().unwrap_err().to_string();
    assert!(wrong("[[agents]]\nname = \"a\"\ncpus = 3\nslots = {}").contains("cpus"));
    assert!(wrong("[[agents]]\nname = \"a\"\nslots = { cpu = \"4\", mem = \"much\" }").contains("mem = \"much\" is no amount"));
    assert!(wrong("[[agents]]\nname = \"a\"\nslots = { mem = \"1g\" }").contains("some cpu"));
    let twice = "[[agents]]\nname = \"a\"\nslots = { cpu = \"1\", mem = \"1g\" }\n".repeat(2);
    assert!(wrong(&twice).contains("the same name"));
}
