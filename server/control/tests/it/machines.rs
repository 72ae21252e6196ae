//! Agents that stop taking sessions, vanish and come back, and sessions of several containers on them.

use crate::yard::Yard;
use types::cluster::agents::SetSchedulable;
use types::list::ListQuery;
use types::quantity::{Quantity, Slots};
use types::sessions::launch::StartSession;
use types::sessions::{Cluster, ClusterMode};
use types::sessions::{QUEUE, Status};
use types::time::Millis;

#[tokio::test]
async fn an_unschedulable_agent_gets_no_new_sessions_and_keeps_those_it_has() {
    let yard = Yard::new().await;
    let before = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    let names = ["vm-1".to_owned(), "vm-2".to_owned()];
    let set = |names: &[String], schedulable| SetSchedulable { names: names.to_vec(), schedulable, ..SetSchedulable::default() };
    yard.control.set_schedulable(&yard.root, &set(&names, false)).await.unwrap();
    let after = yard.start(&yard.asked().await).await;
    yard.seconds(10).await;
    assert_eq!(yard.status(before).await, Status::Running);
    assert_eq!(yard.info(after).await, "Waiting for an agent: none in resource group default takes new sessions now.");
    yard.control.set_schedulable(&yard.root, &set(&names[1..], true)).await.unwrap();
    yard.seconds(10).await;
    assert_eq!(yard.session(after).await.row.agents, ["vm-2"]);
}

#[tokio::test]
async fn the_owners_of_the_sessions_on_an_agent_that_goes_out_of_service_are_told_why() {
    let yard = Yard::new().await;
    let id = yard.start(&StartSession { timeout: Some(600), ..yard.asked().await }).await;
    yard.seconds(5).await;
    let session = yard.session(id).await;
    let agent = session.row.agents[0].clone();
    let there = yard.control.agent(&yard.root, &agent).await.unwrap();
    let started = session.row.started_at.unwrap();
    assert_eq!((there.last_end, there.endless), (Some(Millis(started.0 + 600_000)), 0), "its time limit");
    let set = SetSchedulable { names: vec![agent.clone()], schedulable: false, reason: " new disks ".into(), tell: true };
    yard.control.set_schedulable(&yard.root, &set).await.unwrap();
    let told: Vec<_> = yard.control.notices(&yard.ann).await.unwrap().into_iter().filter_map(|event| event.notice).collect();
    let name = &session.row.name;
    let sentence = format!("{agent} is going out of service: new disks. Your session {name} still runs there.");
    assert!(told.contains(&sentence), "{told:?}");
    assert_eq!(yard.control.agent(&yard.root, &agent).await.unwrap().agent.closed_reason, "new disks");
    let open = SetSchedulable { schedulable: true, ..set };
    yard.control.set_schedulable(&yard.root, &open).await.unwrap();
    assert_eq!(yard.control.agent(&yard.root, &agent).await.unwrap().agent.closed_reason, "", "it is back");
    let again: Vec<_> = yard.control.notices(&yard.ann).await.unwrap().into_iter().filter_map(|event| event.notice).collect();
    assert_eq!(again.len(), told.len(), "nobody is told of that");
}

#[tokio::test]
async fn the_sessions_of_an_agent_that_disappears_are_found_lost() {
    let yard = Yard::new().await;
    let id = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    let agent = yard.session(id).await.row.agents[0].clone();
    yard.engine.lose_agent(&agent);
    yard.seconds(30).await;
    assert_eq!(yard.status(id).await, Status::Running, "a briefly silent agent is not lost");
    yard.seconds(20).await;
    assert_eq!(yard.status(id).await, Status::Error);
    assert_eq!(yard.info(id).await, format!("Lost: agent {agent} no longer answers."));
    let gone = ListQuery { tab: "terminated".into(), ..ListQuery::new(&types::cluster::agents::AGENTS) };
    let rows = yard.control.agents(&yard.root, &gone).await.unwrap().rows;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].report.name == agent && rows[0].lost_at.is_some());
    // Containers still running there belong to no session when the agent is back.
    assert_eq!(yard.engine.running().len(), 1);
    yard.engine.return_agent(&agent);
    yard.seconds(5).await;
    assert_eq!(yard.engine.running().len(), 0);
    assert!(yard.control.agents(&yard.root, &gone).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn a_briefly_silent_agent_loses_nothing() {
    let yard = Yard::new().await;
    let id = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    let agent = yard.session(id).await.row.agents[0].clone();
    yard.engine.lose_agent(&agent);
    yard.seconds(30).await;
    yard.engine.return_agent(&agent);
    yard.seconds(60).await;
    assert_eq!(yard.status(id).await, Status::Running);
}

#[tokio::test]
async fn the_containers_of_one_session_start_together_and_end_together() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.max_cluster = 4).await;
    let cluster = Cluster { mode: ClusterMode::MultiNode, size: 3 };
    let slots = Slots::cpu_mem(Quantity::whole(4), 1 << 30);
    let asked = StartSession { cluster, slots, command: "sleep 60".into(), ..yard.asked().await };
    let id = yard.start(&asked).await;
    yard.seconds(5).await;
    assert_eq!(yard.engine.running().len(), 3);
    let row = yard.session(id).await.row;
    assert_eq!((row.status, row.agents.len()), (Status::Running, 3));
    assert_eq!(row.cpu(), Quantity::whole(12));
    yard.seconds(70).await;
    assert_eq!(yard.engine.running().len(), 0);
    assert_eq!(yard.status(id).await, Status::Terminated);
    assert_eq!(yard.info(id).await, "Exit code 0", "the first container's end is the session's");
}

#[tokio::test]
async fn the_queue_shows_positions_and_a_higher_priority_moves_ahead() {
    let yard = Yard::new().await;
    let whole = StartSession { slots: Slots::cpu_mem(Quantity::whole(8), 1 << 30), ..yard.asked().await };
    for _ in 0..2 {
        yard.start(&whole).await;
    }
    yard.seconds(5).await;
    let (first, second) = (yard.start(&whole).await, yard.start(&whole).await);
    yard.seconds(5).await;
    let queue = async || {
        let rows = yard.control.queue(&yard.root, "default", &ListQuery::new(&QUEUE)).await.unwrap().rows;
        rows.into_iter().map(|row| (row.id, row.position)).collect::<Vec<_>>()
    };
    assert_eq!(queue().await, [(first, Some(1)), (second, Some(2))]);
    let info = yard.info(second).await;
    assert!(info.starts_with("Waiting for resources: it asks for 8 CPU cores"), "{info}");
    let results = yard.control.set_priority(&yard.root, &[second], 50).await.unwrap();
    assert_eq!(results[0].problem, None);
    yard.seconds(5).await;
    assert_eq!(queue().await, [(second, Some(1)), (first, Some(2))]);
    let mine = yard.control.set_priority(&yard.ann, &[second], 50).await;
    assert!(mine.is_err(), "only administrators change priorities");
    let above = StartSession { priority: 11, ..yard.asked().await };
    assert!(yard.refused(&above).await.starts_with("At most 10"));
}

#[tokio::test]
async fn recalculating_ends_stray_containers_and_reports_its_corrections() {
    let yard = Yard::new().await;
    yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    let right = yard.control.recalculate_usage(&yard.root).await.unwrap();
    assert_eq!((right.sessions, right.corrections), (1, 0));
    let stray = engine::Place::new("vm-1", types::id::ContainerId(uuid::Uuid::from_u128(7)));
    let spec = engine::LaunchSpec {
        name: "stray".into(),
        host_name: String::new(),
        what: engine::Launch::Interactive,
        cpu: Quantity::whole(1),
        mem: 1 << 30,
        slots: Slots::cpu_mem(Quantity::whole(1), 1 << 30),
        shared_memory: None,
        env: Vec::new(),
        image: "host".into(),
        mounts: Vec::new(),
        ports: Vec::new(),
        user: None,
        working_directory: None,
    };
    engine::Engine::start(&*yard.engine, &stray, &spec).await.unwrap();
    let found = yard.control.recalculate_usage(&yard.root).await.unwrap();
    assert_eq!(found.corrections, 1);
    assert!(found.first[0].contains("belonged to no session"), "{:?}", found.first);
    assert_eq!(yard.engine.running().len(), 1);
    assert!(yard.control.recalculate_usage(&yard.ann).await.is_err());
}

#[tokio::test]
async fn values_of_variables_reach_the_session_and_only_visible_ones_those_who_look() {
    let yard = Yard::new().await;
    let env = vec![("DATABASE_URL".to_owned(), "postgres://u:hush@db".to_owned()), ("EPOCHS".into(), "3".into())];
    let id = yard.start(&StartSession { env, visible_env: vec!["EPOCHS".into()], ..yard.asked().await }).await;
    yard.seconds(5).await;
    let session = yard.session(id).await;
    assert_eq!(session.env, [("DATABASE_URL".to_owned(), String::new()), ("EPOCHS".into(), "3".into())]);
    let recent = yard.control.start_options(&yard.ann, "").await.unwrap().recent;
    assert_eq!(recent[0].env[0].1, "");
}
