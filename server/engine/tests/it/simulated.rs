//! The simulated engine: a cluster without processes that refuses what a real one could not do.

use crate::common::spec;
use engine::simulated::{Scenario, SimulatedEngine};
use engine::{Change, Engine, EngineError, Launch, LaunchSpec, Place, RunState, Stop};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// Container number `n` on an agent.
fn on(agent: &str, n: u128) -> Place {
    Place::new(agent, ContainerId(uuid::Uuid::from_u128(n)))
}

fn batch(command: &str, shares: &str) -> LaunchSpec {
    let mut slots = Slots::cpu_mem(Quantity::whole(1), 1 << 30);
    slots.0.insert("cuda.shares".into(), shares.parse().unwrap());
    LaunchSpec { slots, ..spec(Launch::Batch(command.into())) }
}

#[tokio::test]
async fn a_container_starts_runs_and_ends_as_its_command_says() {
    let (engine, now) = yard();
    let mut changes = engine.changes();
    engine.start(&on("v100-1", 1), &batch("echo hello; sleep 10; exit 3", "0.5")).await.unwrap();
    assert_eq!(engine.state(&on("v100-1", 1)).await.unwrap(), RunState::Starting);
    now.fetch_add(2_000, Ordering::SeqCst);
    engine.advance();
    assert_eq!(changes.next_now(), Some(Change::Of(on("v100-1", 1))));
    assert_eq!(engine.state(&on("v100-1", 1)).await.unwrap(), RunState::Running(Millis(1_002_000)));
    assert_eq!(engine.containers().await.unwrap(), [on("v100-1", 1)]);
    now.fetch_add(10_000, Ordering::SeqCst);
    engine.advance();
    assert_eq!(changes.next_now(), Some(Change::Of(on("v100-1", 1))));
    let ended = RunState::Ended { outcome: Outcome::Exited(3), at: Millis(1_012_000) };
    assert_eq!(engine.state(&on("v100-1", 1)).await.unwrap(), ended);
    assert!(engine.containers().await.unwrap().is_empty());
    let log = engine.log(&on("v100-1", 1), 0, 10_000).await.unwrap();
    assert!(log.end && String::from_utf8_lossy(&log.bytes).contains("Exit code 3"), "{log:?}");
}

#[tokio::test]
async fn a_full_agent_refuses_starts_and_a_repeated_start_does_nothing() {
    let (engine, _) = yard();
    engine.start(&on("v100-1", 1), &batch("sleep 10", "1")).await.unwrap();
    engine.start(&on("v100-1", 1), &batch("sleep 10", "1")).await.unwrap();
    assert_eq!(engine.running().len(), 1);
    assert!(matches!(engine.start(&on("v100-1", 2), &batch("sleep 10", "0.6")).await, Err(EngineError::Full(_))));
    engine.start(&on("v100-1", 2), &batch("sleep 10", "0.5")).await.unwrap();
    assert!(engine.start(&on("v100-9", 3), &batch("sleep 10", "0.5")).await.is_err());
}

#[tokio::test]
async fn containers_and_agents_use_no_more_than_they_have() {
    let (engine, now) = yard();
    for number in 1..=4 {
        engine.start(&on("v100-1", number), &batch("sleep 200", "0.3")).await.unwrap();
    }
    for _ in 0..60 {
        now.fetch_add(2_000, Ordering::SeqCst);
        engine.advance();
        for agent in engine.agents().await.unwrap().reports {
            assert_eq!(agent.used.beyond(&agent.capacity).next(), None, "{:?}", agent.used);
        }
    }
    let usage = engine.usage(&on("v100-1", 1), Millis(0)).await.unwrap();
    let rates = usage.windows(2).map(|pair| {
        let milliseconds = pair[1].at.since(pair[0].at) as f64;
        (pair[1].cpu_ms - pair[0].cpu_ms) as f64 / milliseconds
    });
    // Of its one core.
    assert!(rates.clone().count() > 50 && rates.clone().all(|rate| rate <= 1.0), "{:?}", rates.fold(0.0, f64::max));
}

#[tokio::test]
async fn a_lost_agent_is_silent_and_a_crashed_one_loses_its_containers() {
    let (engine, now) = yard();
    engine.start(&on("v100-1", 1), &batch("sleep 100", "0.5")).await.unwrap();
    engine.start(&on("v100-2", 2), &batch("sleep 100", "0.5")).await.unwrap();
    engine.lose_agent("v100-1");
    engine.crash_agent("v100-2");
    assert!(engine.agents().await.unwrap().reports.is_empty());
    assert!(matches!(engine.state(&on("v100-1", 1)).await, Err(EngineError::AgentAway(_))));
    now.fetch_add(5_000, Ordering::SeqCst);
    engine.return_agent("v100-1");
    engine.return_agent("v100-2");
    assert!(matches!(engine.state(&on("v100-1", 1)).await.unwrap(), RunState::Running(_)));
    assert!(matches!(engine.state(&on("v100-2", 2)).await.unwrap(), RunState::Ended { outcome: Outcome::Lost, .. }));
}

#[tokio::test]
async fn a_gentle_stop_takes_a_moment_and_a_forced_one_is_immediate() {
    let (engine, now) = yard();
    for n in 1..=2 {
        engine.start(&on("v100-1", n), &batch("sleep 100", "0.5")).await.unwrap();
    }
    now.fetch_add(3_000, Ordering::SeqCst);
    engine.stop(&on("v100-1", 1), Stop::Gently(Duration::from_secs(5))).await.unwrap();
    engine.stop(&on("v100-1", 2), Stop::Now).await.unwrap();
    assert!(matches!(engine.state(&on("v100-1", 1)).await.unwrap(), RunState::Running(_)));
    assert!(matches!(engine.state(&on("v100-1", 2)).await.unwrap(), RunState::Ended { outcome: Outcome::Signalled(9), .. }));
    now.fetch_add(1_000, Ordering::SeqCst);
    assert!(matches!(engine.state(&on("v100-1", 1)).await.unwrap(), RunState::Ended { outcome: Outcome::Signalled(15), .. }));
}

#[tokio::test]
async fn the_next_server_finds_the_containers_of_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("simulated.log");
    let open = || SimulatedEngine::open(MACHINES.parse().unwrap(), file.clone()).unwrap();
    let first = open();
    first.start(&on("v100-1", 1), &batch("sleep 100", "0.5")).await.unwrap();
    first.start(&on("v100-1", 2), &batch("sleep 100", "0.5")).await.unwrap();
    first.stop(&on("v100-1", 2), Stop::Now).await.unwrap();
    drop(first);
    // As a crash leaves the file, in the middle of a line.
    let torn = std::fs::read_to_string(&file).unwrap() + "[\"0000";
    std::fs::write(&file, torn).unwrap();
    let second = open();
    assert_eq!(second.running(), [on("v100-1", 1)]);
    assert!(matches!(second.state(&on("v100-1", 2)).await.unwrap(), RunState::Ended { .. }));
    assert!(matches!(second.start(&on("v100-1", 3), &batch("sleep 1", "1.5")).await, Err(EngineError::Full(_))));
}

#[test]
fn the_error_names_the_mistake_in_a_scenario() {
    let wrong = |text: &str| text.parse::<Scenario>().unwrap_err().to_string();
    assert!(wrong("[[agents]]\nname = \"a\"\ncpus = 3\nslots = {}").contains("cpus"));
    assert!(
        wrong("[[agents]]\nname = \"a\"\nslots = { cpu = \"4\", mem = \"much\" }").contains("mem = \"much\" is not an amount")
    );
    assert!(wrong("[[agents]]\nname = \"a\"\nslots = { mem = \"1g\" }").contains("some cpu"));
    let twice = "[[agents]]\nname = \"a\"\nslots = { cpu = \"1\", mem = \"1g\" }\n".repeat(2);
    assert!(wrong(&twice).contains("the same name"));
}

#[tokio::test]
async fn a_requested_port_echoes_its_input() {
    let (engine, now) = yard();
    let spec = LaunchSpec { ports: vec![8080], ..batch("sleep 100", "0.5") };
    engine.start(&on("v100-1", 1), &spec).await.unwrap();
    assert!(matches!(engine.connect(&on("v100-1", 1), 8080).await, Err(EngineError::NotRunning)));
    now.fetch_add(2_000, Ordering::SeqCst);
    let mut connection = engine.connect(&on("v100-1", 1), 8080).await.unwrap();
    connection.write_all(b"hello").await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "hello");
    assert!(matches!(engine.connect(&on("v100-1", 1), 8081).await, Err(EngineError::PortNotAsked(8081))));
    assert!(matches!(engine.connect(&on("v100-2", 1), 8080).await, Err(EngineError::UnknownContainer)));
}

#[tokio::test]
async fn only_the_images_of_the_scenario_can_be_started() {
    let text = format!("{MACHINES}\n[[images]]\nname = \"torch\"\nslots = {{ cpu = \"2\", mem = \"4g\" }}\n");
    let engine = SimulatedEngine::new(text.parse().unwrap());
    let images = engine.images().await.unwrap();
    assert_eq!((images.len(), images[0].offer.label.as_str()), (1, "torch"));
    assert_eq!(images[0].offer.minimum, Slots::cpu_mem(Quantity::whole(2), 4 << 30));
    let refused = engine.start(&on("v100-1", 1), &batch("true", "0.5")).await.unwrap_err();
    assert_eq!(refused.to_string(), "This engine has no image “host”; it has: torch.");
    let spec = LaunchSpec { image: "torch".into(), ..batch("true", "0.5") };
    engine.start(&on("v100-1", 1), &spec).await.unwrap();
}

#[tokio::test]
async fn states_come_in_order_and_an_unknown_one_affects_no_other() {
    let (engine, _) = yard();
    engine.start(&on("v100-1", 1), &batch("sleep 100", "0.5")).await.unwrap();
    engine.start(&on("v100-2", 2), &batch("sleep 100", "0.5")).await.unwrap();
    engine.lose_agent("v100-2");
    let states = engine.states(&[on("v100-1", 9), on("v100-2", 2), on("v100-1", 1)]).await;
    assert!(matches!(states[..], [Ok(RunState::Unknown), Err(EngineError::AgentAway(_)), Ok(RunState::Starting)]), "{states:?}");
}
