//! Recalculating usage after agents lost their containers (`docs/spec/cluster.md`, "Recalculating usage"), and the end of a fully
//! utilized session.

use crate::yard::Yard;
use types::cluster::agents::AGENTS;
use types::list::ListQuery;
use types::quantity::{CPU, Quantity};
use types::sessions::launch::StartSession;
use types::sessions::{CheckKind, SessionType, Status};

const BUSY: &str = r#"
[[agents]]
name = "vm"
slots = { cpu = "8", mem = "32g" }

[sessions]
start_seconds = 1.0
interactive_cpu = 1.0
"#;

async fn occupied(yard: &Yard, agent: &str) -> Quantity {
    let rows = yard.control.agents(&yard.root, &ListQuery::new(&AGENTS)).await.unwrap().rows;
    rows.iter().find(|row| row.report.name == agent).unwrap().occupied.get(CPU)
}

/// Restarts an agent so fast that nobody misses it. Its containers are gone.
fn crash(yard: &Yard, agent: &str) {
    yard.engine.crash_agent(agent);
    yard.engine.return_agent(agent);
}

#[tokio::test]
async fn recalculating_frees_what_sessions_without_containers_held() {
    let yard = Yard::new().await;
    let trains = yard.start(&StartSession { name: "trains".into(), ..yard.cores("default", 8).await }).await;
    yard.seconds(5).await;
    let agent = yard.session(trains).await.row.agents.concat();
    crash(&yard, &agent);
    assert_eq!(occupied(&yard, &agent).await, Quantity::whole(8), "nobody has looked yet");
    let found = yard.control.recalculate_usage(&yard.root).await.unwrap();
    assert_eq!((found.sessions, found.corrections), (0, 1));
    assert_eq!(found.first, ["Session trains was no longer running; what it held was freed."]);
    assert_eq!(occupied(&yard, &agent).await, Quantity::ZERO);
    assert_eq!(yard.status(trains).await, Status::Error);
    let found = yard.control.recalculate_usage(&yard.root).await.unwrap();
    assert_eq!((found.sessions, found.corrections), (0, 0), "there is nothing left to correct");
}

#[tokio::test]
async fn a_waiting_session_gets_the_room_that_recalculating_frees() {
    let yard = Yard::new().await;
    let whole = yard.cores("default", 8).await;
    let (lost, stays) = (yard.start(&whole).await, yard.start(&whole).await);
    yard.seconds(5).await;
    let waits = yard.start(&whole).await;
    yard.seconds(5).await;
    assert_eq!(yard.status(waits).await, Status::Pending);
    let agent = yard.session(lost).await.row.agents.concat();
    crash(&yard, &agent);
    let found = yard.control.recalculate_usage(&yard.root).await.unwrap();
    assert_eq!((found.sessions, found.corrections), (2, 1));
    assert_eq!(yard.session(waits).await.row.agents, [agent.as_str()]);
    assert_eq!(occupied(&yard, &agent).await, Quantity::whole(8));
    yard.seconds(5).await;
    assert_eq!((yard.status(waits).await, yard.status(stays).await), (Status::Running, Status::Running));
}

#[tokio::test]
async fn the_usage_of_a_briefly_silent_agent_is_not_corrected() {
    let yard = Yard::new().await;
    let runs = yard.start(&yard.cores("default", 8).await).await;
    yard.seconds(5).await;
    let agent = yard.session(runs).await.row.agents.concat();
    yard.engine.lose_agent(&agent);
    let found = yard.control.recalculate_usage(&yard.root).await.unwrap();
    assert_eq!((found.sessions, found.corrections), (1, 0));
    assert_eq!(occupied(&yard, &agent).await, Quantity::whole(8));
    yard.engine.return_agent(&agent);
    yard.seconds(5).await;
    assert_eq!(yard.status(runs).await, Status::Running);
}

#[tokio::test]
async fn a_session_is_ended_after_its_lifetime_even_if_fully_utilized() {
    let yard = Yard::of(BUSY).await;
    yard.limit(|policy| {
        policy.idle_timeout = Some(60);
        policy.lifetime = Some(600);
    })
    .await;
    let busy = yard.start(&StartSession { kind: SessionType::Interactive, command: String::new(), ..yard.asked().await }).await;
    yard.seconds(590).await;
    let session = yard.session(busy).await;
    assert_eq!(session.row.status, Status::Running, "its processes work, so it is not idle: {}", session.row.info);
    assert!(session.checks.iter().any(|check| check.kind == CheckKind::SessionLifetime));
    yard.seconds(20).await;
    assert_eq!(yard.status(busy).await, Status::Terminated);
    let info = yard.info(busy).await;
    assert!(info.starts_with("It reached its maximum lifetime: policy default allows 10 min 0 s."), "{info}");
}
