//! Resource groups: the agents that a session may get, and the order in which waiting sessions start (`docs/spec/cluster.md`,
//! "Resource groups" and "Schedulers").

use crate::yard::Yard;
use types::cluster::agents::AGENTS;
use types::cluster::resource_groups::{RESOURCE_GROUPS, SchedulerKind, SchedulerSettings};
use types::id::SessionId;
use types::list::ListQuery;
use types::sessions::launch::StartSession;
use types::sessions::{CheckKind, Status};

const TWO_KINDS: &str = r#"
[[agents]]
name = "v100"
count = 3
resource_group = "v100"
slots = { cpu = "8", mem = "32g", "cuda.device" = "4" }

[[agents]]
name = "p100"
count = 2
resource_group = "p100"
slots = { cpu = "8", mem = "32g", "cuda.device" = "4" }
"#;

/// The same agents after the file of the second P100 agent has moved it to the other group.
const ONE_MOVED: &str = r#"
[[agents]]
name = "v100"
count = 3
resource_group = "v100"
slots = { cpu = "8", mem = "32g", "cuda.device" = "4" }

[[agents]]
name = "p100-1"
resource_group = "p100"
slots = { cpu = "8", mem = "32g", "cuda.device" = "4" }

[[agents]]
name = "p100-2"
resource_group = "v100"
slots = { cpu = "8", mem = "32g", "cuda.device" = "4" }
"#;

const ONE_EACH: &str = r#"
[[agents]]
name = "v100"
resource_group = "v100"
slots = { cpu = "8", mem = "32g" }

[[agents]]
name = "p100"
resource_group = "p100"
slots = { cpu = "8", mem = "32g" }
"#;

async fn start_all(yard: &Yard, asked: &StartSession, count: usize) -> Vec<SessionId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(yard.start(asked).await);
    }
    ids
}

/// The agents of all these sessions, by name. Waiting sessions have none.
async fn agents_of(yard: &Yard, ids: &[SessionId]) -> Vec<String> {
    let mut agents = Vec::new();
    for id in ids {
        agents.extend(yard.session(*id).await.row.agents);
    }
    agents.sort();
    agents
}

async fn queued(yard: &Yard, group: &str) -> Vec<SessionId> {
    yard.queue(group).await.into_iter().map(|row| row.id).collect()
}

/// Queues a session of Ann's, one of Bob's and another one of Ann's, behind two of Ann's that fill both agents. One of these
/// agents becomes free after a minute.
async fn three_behind_two(yard: &Yard) -> [SessionId; 3] {
    let whole = yard.cores("default", 8).await;
    yard.start(&StartSession { command: "sleep 60".into(), ..whole.clone() }).await;
    yard.start(&whole).await;
    yard.seconds(5).await;
    let bob = yard.person("bob").await;
    let waiting = [yard.start(&whole).await, yard.start_as(&bob, &whole).await, yard.start(&whole).await];
    yard.seconds(2).await;
    waiting
}

/// The order in which each scheduler puts the sessions of [`three_behind_two`]. Bob holds nothing, so he is first where shares
/// count.
const ORDERS: [(SchedulerKind, [usize; 3]); 3] =
    [(SchedulerKind::Fifo, [0, 1, 2]), (SchedulerKind::Lifo, [2, 1, 0]), (SchedulerKind::Drf, [1, 0, 2])];

#[tokio::test]
async fn sessions_run_only_on_the_agents_of_their_resource_group() {
    let yard = Yard::of(TWO_KINDS).await;
    let on_v100 = start_all(&yard, &yard.cores("v100", 8).await, 4).await;
    yard.seconds(5).await;
    assert_eq!(agents_of(&yard, &on_v100).await, ["v100-1", "v100-2", "v100-3"]);
    assert_eq!(yard.status(on_v100[3]).await, Status::Pending, "only agents of the other group are free");
    let on_p100 = start_all(&yard, &yard.cores("p100", 8).await, 3).await;
    yard.seconds(5).await;
    assert_eq!(agents_of(&yard, &on_p100).await, ["p100-1", "p100-2"]);
    assert_eq!(yard.status(on_p100[2]).await, Status::Pending);
    assert_eq!(agents_of(&yard, &on_v100).await.len(), 3);
}

#[tokio::test]
async fn an_agent_changes_its_group_when_its_file_names_another_one() {
    let mut yard = Yard::of(TWO_KINDS).await;
    let before = start_all(&yard, &yard.cores("p100", 8).await, 2).await;
    yard.seconds(5).await;
    assert_eq!(agents_of(&yard, &before).await, ["p100-1", "p100-2"]);
    for id in before {
        yard.control.terminate(&yard.ann, id, true).await.unwrap();
    }
    yard.seconds(5).await;

    yard.restart_with(ONE_MOVED).await;
    let agents = yard.control.agents(&yard.root, &ListQuery::new(&AGENTS)).await.unwrap().rows;
    let groups: Vec<_> = agents.iter().map(|agent| (agent.report.name.as_str(), agent.resource_group.as_str())).collect();
    let moved = [("p100-1", "p100"), ("p100-2", "v100"), ("v100-1", "v100"), ("v100-2", "v100"), ("v100-3", "v100")];
    assert_eq!(groups, moved);
    let rows = yard.control.resource_groups(&yard.root, &ListQuery::new(&RESOURCE_GROUPS)).await.unwrap().rows;
    let counted: Vec<_> = rows.iter().map(|row| (row.group.name.as_str(), row.agents)).collect();
    assert_eq!(counted, [("default", 0), ("p100", 1), ("v100", 4)]);
    let on_v100 = start_all(&yard, &yard.cores("v100", 8).await, 4).await;
    let on_p100 = start_all(&yard, &yard.cores("p100", 8).await, 2).await;
    yard.seconds(5).await;
    assert_eq!(agents_of(&yard, &on_v100).await, ["p100-2", "v100-1", "v100-2", "v100-3"]);
    assert_eq!(agents_of(&yard, &on_p100).await, ["p100-1"]);
}

#[tokio::test]
async fn a_group_without_its_own_scheduler_follows_the_systems_present_one() {
    let mut yard = Yard::new().await;
    let settings = yard.control.scheduler_settings(&yard.root).await.unwrap();
    let settings = SchedulerSettings { scheduler: SchedulerKind::Drf, ..settings };
    yard.control.save_scheduler_settings(&yard.root, &settings).await.unwrap();
    yard.restart_with(ONE_EACH).await;
    let rows = yard.control.resource_groups(&yard.root, &ListQuery::new(&RESOURCE_GROUPS)).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.group.name.as_str()).collect::<Vec<_>>(), ["default", "p100", "v100"]);
    assert!(
        rows.iter().all(|row| row.group.scheduler.is_none()),
        "also groups that exist only because an agent's file names them"
    );
    let served = async || {
        let sample = yard.control.queue_snapshot(&yard.root, "default").await.unwrap();
        sample.snapshot.groups["default"].scheduler
    };
    assert_eq!(served().await, SchedulerKind::Drf);
    let settings = yard.control.scheduler_settings(&yard.root).await.unwrap();
    let settings = SchedulerSettings { scheduler: SchedulerKind::Lifo, ..settings };
    yard.control.save_scheduler_settings(&yard.root, &settings).await.unwrap();
    assert_eq!(served().await, SchedulerKind::Lifo, "existing groups follow");
    yard.group(|group| group.scheduler = Some(SchedulerKind::Fifo)).await;
    assert_eq!(served().await, SchedulerKind::Fifo, "its own scheduler takes precedence");
}

#[tokio::test]
async fn a_deactivated_group_keeps_its_sessions_and_accepts_no_new_ones() {
    let yard = Yard::new().await;
    let asked = yard.asked().await;
    let runs = yard.start(&asked).await;
    yard.seconds(5).await;
    yard.group(|group| group.active = false).await;
    yard.seconds(60).await;
    assert_eq!(yard.status(runs).await, Status::Running);
    assert_eq!(yard.refused(&asked).await, "Choose one of the resource groups.");
}

#[tokio::test]
async fn a_private_group_is_not_offered_but_accepts_sessions_that_name_it() {
    let yard = Yard::new().await;
    let asked = yard.asked().await;
    let offered = async || {
        let groups = yard.control.start_options(&yard.ann, "").await.unwrap().groups;
        groups.into_iter().map(|group| group.name).collect::<Vec<_>>()
    };
    assert_eq!(offered().await, ["default"]);
    yard.group(|group| group.public = false).await;
    assert!(offered().await.is_empty());
    let named = yard.start(&asked).await;
    yard.seconds(5).await;
    assert_eq!(yard.status(named).await, Status::Running);
    // Naming it does not help if neither domain nor project may use it.
    yard.group(|group| group.domains.clear()).await;
    assert_eq!(yard.refused(&asked).await, "Choose one of the resource groups.");
}

#[tokio::test]
async fn fifo_starts_the_first_lifo_the_last_and_drf_the_smallest_share() {
    for (scheduler, order) in ORDERS {
        let yard = Yard::new().await;
        yard.group(|group| group.scheduler = Some(scheduler)).await;
        let waiting = three_behind_two(&yard).await;
        let expected = order.map(|n| waiting[n]);
        assert_eq!(queued(&yard, "default").await, expected, "{scheduler:?}");
        // The agent of Ann's short session becomes free.
        yard.seconds(65).await;
        for id in waiting {
            let starts = if id == expected[0] { Status::Running } else { Status::Pending };
            assert_eq!(yard.status(id).await, starts, "{scheduler:?}");
        }
        assert_eq!(queued(&yard, "default").await, expected[1..], "{scheduler:?}");
    }
}

#[tokio::test]
async fn another_scheduler_reorders_the_sessions_that_already_wait() {
    let yard = Yard::new().await;
    let waiting = three_behind_two(&yard).await;
    for (scheduler, order) in ORDERS.into_iter().rev() {
        yard.group(|group| group.scheduler = Some(scheduler)).await;
        assert_eq!(queued(&yard, "default").await, order.map(|n| waiting[n]), "{scheduler:?}");
    }
}

#[tokio::test]
async fn a_deactivated_group_ends_and_starts_nothing_until_it_is_activated() {
    let yard = Yard::new().await;
    let whole = yard.cores("default", 8).await;
    let short = yard.start(&StartSession { command: "sleep 20".into(), ..whole.clone() }).await;
    let long = yard.start(&whole).await;
    yard.seconds(5).await;
    let waits = yard.start(&whole).await;
    yard.group(|group| group.active = false).await;
    yard.seconds(25).await;
    assert_eq!((yard.status(short).await, yard.status(long).await), (Status::Terminated, Status::Running));
    assert_eq!(yard.status(waits).await, Status::Pending, "an agent has room for it, but its group is deactivated");
    assert_eq!(yard.info(waits).await, "Waiting for an agent: none in resource group default takes new sessions now.");
    yard.group(|group| group.active = true).await;
    yard.seconds(5).await;
    assert_eq!(yard.status(waits).await, Status::Running);
}

#[tokio::test]
async fn the_queue_of_a_group_shows_all_pending_sessions_in_start_order() {
    let yard = Yard::of(ONE_EACH).await;
    let (bob, cid) = (yard.person("bob").await, yard.person("cid").await);
    let v100 = StartSession { command: "sleep 20".into(), ..yard.cores("v100", 8).await };
    let p100 = StartSession { resource_group: "p100".into(), ..v100.clone() };
    for runs in [&v100, &p100] {
        yard.start(runs).await;
    }
    yard.seconds(5).await;
    let third = yard.start_as(&bob, &StartSession { priority: 5, ..v100.clone() }).await;
    let first = yard.start_as(&cid, &v100).await;
    let second = yard.start(&v100).await;
    let elsewhere = yard.start_as(&bob, &p100).await;
    yard.seconds(2).await;

    let shown = yard.queue("v100").await;
    let shown: Vec<_> = shown.iter().map(|row| (row.id, row.owner_email.as_str(), row.position)).collect();
    let expected =
        [(first, "cid@example.org", Some(1)), (second, "ann@example.org", Some(2)), (third, "bob@example.org", Some(3))];
    assert_eq!(shown, expected, "neither running sessions nor those that wait elsewhere");
    let shown = yard.queue("p100").await;
    assert_eq!(shown.iter().map(|row| (row.id, row.position)).collect::<Vec<_>>(), [(elsewhere, Some(1))]);
    assert!(yard.queue("default").await.is_empty());

    yard.seconds(120).await;
    let mut started = Vec::new();
    for id in [third, first, second] {
        started.push((yard.session(id).await.row.started_at.unwrap(), id));
    }
    started.sort();
    assert_eq!(started.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), [first, second, third]);
}

#[tokio::test]
async fn a_pending_timeout_of_zero_means_no_timeout() {
    let yard = Yard::new().await;
    yard.group(|group| group.pending_timeout = Some(0)).await;
    let waits = yard.start(&yard.cores("default", 9).await).await;
    yard.seconds(600).await;
    let session = yard.session(waits).await;
    assert_eq!(session.row.status, Status::Pending);
    assert!(!session.checks.iter().any(|check| check.kind == CheckKind::PendingTimeout), "{:?}", session.checks);
    yard.group(|group| group.pending_timeout = Some(60)).await;
    assert_eq!(yard.status(waits).await, Status::Cancelled, "as it would have been");
}
