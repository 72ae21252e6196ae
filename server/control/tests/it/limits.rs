//! Limits as they take effect: when a session is requested, while it waits, and while it runs.

use crate::yard::Yard;
use types::cluster::resource_groups::SchedulerSettings;
use types::limits::policies::KeypairPolicy;
use types::quantity::{Quantity, Slots};
use types::sessions::launch::StartSession;
use types::sessions::{CheckKind, SessionType, Status};
use types::sessions::{Cluster, ClusterMode};

#[tokio::test]
async fn running_and_waiting_sessions_are_ended_after_their_lifetime() {
    let yard = Yard::new().await;
    let runs = yard.start(&yard.asked().await).await;
    let waits = StartSession { slots: Slots::cpu_mem(Quantity::whole(9), 1 << 30), ..yard.asked().await };
    let waits = yard.start(&waits).await;
    yard.seconds(5).await;
    yard.limit(|policy| policy.lifetime = Some(600)).await;
    let checks = yard.session(runs).await.checks;
    let check = checks.iter().find(|check| check.kind == CheckKind::SessionLifetime).unwrap();
    assert_eq!(check.at.since(yard.now()), 595_000, "counted from the request");
    yard.seconds(590).await;
    assert_eq!(yard.status(runs).await, Status::Running);
    yard.seconds(10).await;
    assert_eq!(yard.status(waits).await, Status::Cancelled);
    assert_eq!(yard.status(runs).await, Status::Terminated);
    assert!(
        yard.info(runs).await.starts_with("It reached its maximum lifetime: policy default allows 10 min 0 s."),
        "{}",
        yard.info(runs).await
    );
}

#[tokio::test]
async fn an_idle_interactive_session_is_ended_unless_somebody_types_into_it() {
    let mut yard = Yard::new().await;
    yard.limit(|policy| policy.idle_timeout = Some(300)).await;
    let shell = StartSession { kind: SessionType::Interactive, command: String::new(), ..yard.asked().await };
    let (idle, used) = (yard.start(&shell).await, yard.start(&shell).await);
    let batch = yard.start(&yard.asked().await).await;
    yard.seconds(200).await;
    let (mut terminal, _permit) = yard.control.terminal(&yard.ann, used, 80, 24).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut terminal.input, b"ls\r").await.unwrap();
    yard.seconds(60).await;
    // Activity is not forgotten when the server restarts.
    yard.restart().await;
    yard.seconds(60).await;
    assert_eq!(yard.status(idle).await, Status::Terminated);
    assert!(yard.info(idle).await.starts_with("It was idle for 5 min 0 s, as long as policy default allows."));
    assert_eq!(yard.status(used).await, Status::Running);
    yard.seconds(240).await;
    assert_eq!(yard.status(used).await, Status::Terminated);
    assert_eq!(yard.status(batch).await, Status::Running, "a batch session is never idle");
}

#[tokio::test]
async fn administrators_set_what_counts_as_idle() {
    const BUSY_A_LITTLE: &str = r#"
[[agents]]
name = "vm"
slots = { cpu = "8", mem = "32g" }

[sessions]
start_seconds = 1.0
interactive_cpu = 0.05
"#;
    let yard = Yard::of(BUSY_A_LITTLE).await;
    yard.limit(|policy| policy.idle_timeout = Some(300)).await;
    let asked = StartSession { kind: SessionType::Interactive, command: String::new(), ..yard.cores("default", 1).await };
    let id = yard.start(&asked).await;
    yard.seconds(400).await;
    assert_eq!(yard.status(id).await, Status::Running, "its processes use 5 % of a core, and 1 % is enough");
    let settings = yard.control.scheduler_settings(&yard.root).await.unwrap();
    for wrong in [0, 101] {
        let wrong = SchedulerSettings { idle_below: wrong, ..settings.clone() };
        let refused = yard.control.save_scheduler_settings(&yard.root, &wrong).await.unwrap_err();
        assert_eq!(refused.of_field("idle_below").unwrap(), "A whole number from 1 to 100.");
    }
    yard.control.save_scheduler_settings(&yard.root, &SchedulerSettings { idle_below: 20, ..settings }).await.unwrap();
    yard.seconds(400).await;
    assert_eq!(yard.status(id).await, Status::Terminated);
    assert!(yard.info(id).await.starts_with("It was idle for 5 min 0 s"), "{}", yard.info(id).await);
}

#[tokio::test]
async fn a_batch_session_ends_at_its_time_limit() {
    let yard = Yard::new().await;
    let id = yard.start(&StartSession { timeout: Some(60), ..yard.asked().await }).await;
    yard.seconds(70).await;
    assert_eq!(yard.status(id).await, Status::Terminated);
    assert!(yard.info(id).await.starts_with("It reached its time limit of 1 min 0 s."));
}

#[tokio::test]
async fn a_batch_session_waits_for_its_start_time_and_its_dependencies() {
    let yard = Yard::new().await;
    let first = StartSession { name: "prepare".into(), command: "sleep 60".into(), ..yard.asked().await };
    let first = yard.start(&first).await;
    let after = yard.start(&StartSession { depends_on: vec!["prepare".into()], ..yard.asked().await }).await;
    let at = types::time::Millis(yard.now().0 + 30_000);
    let later = yard.start(&StartSession { starts_at: Some(at), ..yard.asked().await }).await;
    yard.seconds(10).await;
    assert_eq!(yard.info(after).await, "Waiting for session prepare to finish successfully: it depends on it.");
    assert!(yard.info(later).await.starts_with("Waiting for its start time"));
    yard.seconds(30).await;
    assert_eq!((yard.status(later).await, yard.status(after).await), (Status::Running, Status::Pending));
    yard.seconds(40).await;
    assert_eq!((yard.status(first).await, yard.status(after).await), (Status::Terminated, Status::Running));
    let bad = StartSession { name: "fails".into(), command: "exit 3".into(), ..yard.asked().await };
    yard.start(&bad).await;
    let in_vain = yard.start(&StartSession { depends_on: vec!["fails".into()], ..yard.asked().await }).await;
    yard.seconds(90).await;
    assert_eq!(yard.status(in_vain).await, Status::Cancelled);
    assert_eq!(yard.info(in_vain).await, "It depends on fails, which did not finish successfully.");
}

#[tokio::test]
async fn a_request_beyond_the_policy_is_refused_with_limit_policy_and_usage() {
    let yard = Yard::new().await;
    yard.limit(|policy| {
        policy.total = Slots::cpu_mem(Quantity::whole(3), 8 << 30);
        policy.max_cluster = 2;
        policy.max_pending = Some(1);
        policy.max_sessions = Some(2);
    })
    .await;
    let with = |cpu: i64| Slots::cpu_mem(Quantity::whole(cpu), 1 << 30);
    let asked = yard.asked().await;
    assert!(
        yard.refused(&StartSession { slots: with(4), ..asked.clone() })
            .await
            .starts_with("Policy default allows 3 CPU cores in all; this session asks for 4 CPU cores.")
    );
    let three = Cluster { mode: ClusterMode::SingleNode, size: 3 };
    assert!(
        yard.refused(&StartSession { cluster: three, ..asked.clone() })
            .await
            .starts_with("Policy default allows 2 containers in one session; this one asks for 3.")
    );
    let first = yard.start(&StartSession { slots: with(2), ..asked.clone() }).await;
    yard.seconds(5).await;
    let second = yard.start(&StartSession { slots: with(2), ..asked.clone() }).await;
    yard.seconds(5).await;
    assert_eq!(yard.status(first).await, Status::Running);
    assert_eq!(
        yard.info(second).await,
        "Waiting for its owner's sessions: policy default allows 3 CPU cores; in use: 2 CPU cores; this one asks for 2 CPU cores."
    );
    assert!(
        yard.refused(&asked)
            .await
            .starts_with("Policy default limits pending sessions to 1; waiting now: 1; this asks for 1 more.")
    );
    yard.control.terminate(&yard.ann, second, false).await.unwrap();
    yard.start(&asked).await;
    yard.seconds(5).await;
    let third = yard.start(&asked).await;
    yard.seconds(5).await;
    assert_eq!(yard.info(third).await, "Waiting for one of its owner's sessions to end: policy default allows 2 at a time.");
}

#[tokio::test]
async fn a_lowered_limit_ends_no_running_session_and_names_who_is_over_it() {
    let yard = Yard::new().await;
    let running = yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    let query = types::list::ListQuery::new(&types::limits::policies::KEYPAIR_POLICIES);
    let mut policy = yard.control.policies::<KeypairPolicy>(&yard.root, &query).await.unwrap().rows.remove(0).policy;
    policy.total = Slots([("cpu".to_owned(), "0.5".parse().unwrap())].into());
    let effect = yard.control.policy_effect(&yard.root, &policy).await.unwrap();
    assert_eq!(effect.followers.count, 2);
    assert_eq!(effect.over.len(), 1);
    assert_eq!(effect.over[0].owner, "ann@example.org");
    yard.limit(|now| now.total = policy.total.clone()).await;
    yard.seconds(30).await;
    assert_eq!(yard.status(running).await, Status::Running);
}

#[tokio::test]
async fn a_group_accepts_only_its_session_types_and_cancels_long_waits() {
    let yard = Yard::new().await;
    yard.group(|group| {
        group.session_types = vec![SessionType::Batch];
        group.pending_timeout = Some(120);
    })
    .await;
    let asked = yard.asked().await;
    let shell = StartSession { kind: SessionType::Interactive, command: String::new(), ..asked.clone() };
    assert_eq!(yard.refused(&shell).await, "Resource group default does not accept interactive sessions. It accepts: batch.");
    let large = yard.start(&StartSession { slots: Slots::cpu_mem(Quantity::whole(9), 1 << 30), ..asked.clone() }).await;
    yard.seconds(115).await;
    assert_eq!(yard.status(large).await, Status::Pending);
    yard.seconds(10).await;
    assert_eq!(yard.status(large).await, Status::Cancelled);
    assert_eq!(yard.info(large).await, "It waited for 2 min 0 s, as long as resource group default allows.");
    yard.group(|group| group.active = false).await;
    assert_eq!(yard.refused(&asked).await, "Choose one of the resource groups.");
}

#[tokio::test]
async fn a_group_can_be_used_by_the_domains_and_projects_it_names() {
    let yard = Yard::new().await;
    let asked = yard.asked().await;
    yard.group(|group| group.domains.clear()).await;
    assert_eq!(yard.refused(&asked).await, "Choose one of the resource groups.");
    yard.group(|group| group.projects = vec![asked.project]).await;
    yard.start(&asked).await;
}

#[tokio::test]
async fn a_slot_that_no_agent_in_the_group_has_is_refused() {
    let yard = Yard::new().await;
    let mut asked = yard.asked().await;
    asked.slots.0.insert("cuda.device".into(), Quantity::whole(1));
    assert_eq!(yard.refused(&asked).await, "No agent in resource group default has cuda.device.");
    asked.slots.0.remove("cuda.device");
    asked.slots.0.insert("cuda.shares".into(), Quantity::whole(64));
    yard.start(&asked).await;
}

#[tokio::test]
async fn own_use_shows_held_slots_beside_the_policy() {
    let yard = Yard::new().await;
    yard.limit(|policy| policy.max_sessions = Some(1)).await;
    yard.start(&yard.asked().await).await;
    yard.seconds(5).await;
    yard.start(&yard.asked().await).await;
    let own = yard.control.own_use(&yard.ann).await.unwrap();
    assert_eq!((own.using.sessions, own.using.pending, own.policy.max_sessions), (1, 1, Some(1)));
    assert_eq!(
        (own.using.slots.get("cpu"), own.slots.as_slice()),
        (Quantity::whole(1), ["cpu", "mem", "cuda.shares"].map(String::from).as_slice())
    );
    assert_eq!(yard.control.own_use(&yard.root).await.unwrap().using.sessions, 0, "other people's sessions do not count");
}

#[tokio::test]
async fn amounts_below_the_images_minimum_are_raised_and_the_history_says_so() {
    let yard = Yard::new().await;
    let small = StartSession { slots: Slots::cpu_mem(Quantity::thousandths(10), 1 << 20), ..yard.asked().await };
    let started = yard.control.start_session(&yard.ann, &small).await.unwrap().remove(0);
    assert_eq!(started.raised.len(), 2);
    let session = yard.session(started.id).await;
    assert_eq!(session.row.slots, Slots::cpu_mem(Quantity::thousandths(100), 64 << 20));
    assert!(session.history[0].reason.contains("Raised from 0.01 CPU cores to 0.1 CPU cores"), "{:?}", session.history[0]);
}
